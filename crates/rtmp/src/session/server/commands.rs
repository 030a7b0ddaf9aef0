//! What each command of a client does.

use std::sync::Arc;
use std::time::Instant;

use super::connection_state::ConnectionState;
use super::replies;
use super::requests::Purpose;
use super::stream_state::StreamState;
use super::{CloseCause, ConnectInfo, Event, PublishMode, ServerSession, Unpublished};
use crate::amf0::Value;
use crate::chunk::ChunkStreamId;
use crate::limits::NAME_BYTES_MAX;
use crate::message::{Command, MessageStreamId, TransactionId};
use crate::session::{PeerMisbehaved, SessionError};
use crate::status::{Code, Status};
use crate::text::Text;

impl ServerSession {
    pub(super) fn on_command(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        command: &Command,
    ) -> Result<(), SessionError> {
        self.command_budget
            .spend(now, self.config.commands_per_second)?;
        let is_connect = command.name == "connect";
        match self.state {
            ConnectionState::AwaitingConnect if is_connect => self.on_connect(now, command),
            ConnectionState::AwaitingConnect => {
                return Err(PeerMisbehaved::CommandBeforeConnect.into());
            }
            _ if is_connect => return Err(PeerMisbehaved::SecondConnect.into()),
            _ => return self.on_stream_command(now, stream, command),
        }
        Ok(())
    }

    /// A command after `connect`. They may come on any chunk stream and, but for publish and play, any message
    /// stream. [WIRE 103]
    fn on_stream_command(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        command: &Command,
    ) -> Result<(), SessionError> {
        let transaction = command.transaction;
        match command.name.as_bytes() {
            b"createStream" => return self.on_create_stream(transaction),
            b"publish" => {
                let mode = publish_mode(command.argument(1));
                self.on_request(now, stream, argument_text(command), Purpose::Publish(mode));
            }
            b"play" => self.on_request(now, stream, argument_text(command), Purpose::Play),
            b"play2" => self.on_play2(now, stream, command),
            b"releaseStream" | b"_checkbw" => self.reply(&Command::result(transaction)),
            b"FCPublish" => {
                self.fc_publishes_open = self.fc_publishes_open.saturating_add(1);
                self.reply(&Command::result(transaction));
            }
            b"FCUnpublish" => self.on_fc_unpublish(now, command),
            b"FCSubscribe" if !transaction.is_none() => {
                self.send_command(MessageStreamId::CONNECTION, &replies::on_fc_subscribe());
            }
            b"getStreamLength" => self.reply(&replies::stream_length_result(transaction)),
            b"closeStream" => self.on_close_stream(now, stream),
            b"deleteStream" => self.on_delete_stream(now, stream, command),
            b"pause" | b"pauseraw" => self.on_pause(stream, argument_bool(command)),
            b"receiveAudio" => self.on_receive_audio(stream, argument_bool(command)),
            b"receiveVideo" => self.on_receive_video(stream, argument_bool(command)),
            b"seek" => self.on_seek(stream),
            b"close" => self.close(CloseCause::PeerClosed),
            name => self.on_other_command(name, transaction),
        }
        Ok(())
    }

    fn on_connect(&mut self, now: Instant, command: &Command) {
        let properties = command.object.as_properties();
        let refused = match properties.and_then(ConnectInfo::from_properties) {
            Some(connect) if is_short_enough(&connect) => {
                let request = self.next_request();
                let connect = Arc::new(connect);
                self.request_timer.stop(now);
                self.state
                    .on_connect(request, command.transaction, Arc::clone(&connect));
                return self
                    .events
                    .push_back(Event::ConnectRequested { request, connect });
            }
            Some(_) => Status::new(Code::ConnectRejected, "The app or tcUrl is too long."),
            None => Status::new(Code::ConnectInvalidApp, "No app is named."),
        };
        self.refuse_connect(command.transaction, &refused);
    }

    fn on_create_stream(&mut self, transaction: TransactionId) -> Result<(), SessionError> {
        if let Some(streams) = self.state.streams_mut() {
            let id = streams.create()?;
            self.reply(&replies::create_stream_result(transaction, id));
        }
        Ok(())
    }

    /// `play2` is a `play` with options. What it may not do is to end a running play for a switch that needs both
    /// streams on one timeline: then the player hears that it failed, as Flash does, and plays on.
    fn on_play2(&mut self, now: Instant, stream: MessageStreamId, command: &Command) {
        let option = |name| {
            let options = command.argument(0)?;
            options.get(name).and_then(Value::as_text)
        };
        let name = option("streamName");
        let transition = option("transition").map_or(&b""[..], Text::as_bytes);
        match (name, self.stream_state(stream)) {
            (Some(name), None | Some(StreamState::Idle)) => {
                self.on_request(now, stream, name.as_bytes(), Purpose::Play);
            }
            (Some(name), Some(StreamState::Playing)) if matches!(transition, b"" | b"reset") => {
                self.on_request(now, stream, name.as_bytes(), Purpose::Play);
            }
            (_, Some(StreamState::Playing)) => {
                let words = "This transition is not supported; the stream plays on.";
                self.send_status(stream, &Status::new(Code::PlayFailed, words));
            }
            _ => self.on_unknown_command(command.transaction),
        }
    }

    fn on_fc_unpublish(&mut self, now: Instant, command: &Command) {
        let streams = self.state.streams();
        let name = argument_text(command);
        match streams.and_then(|streams| streams.published_as(name)) {
            Some(stream) => self.end_stream(now, stream, Unpublished::FcUnpublish),
            None => self.ignore(),
        }
    }

    fn on_close_stream(&mut self, now: Instant, came_on: MessageStreamId) {
        match self.meant_stream(None, came_on) {
            Some(stream) => self.end_stream(now, stream, Unpublished::CloseStream),
            None => self.ignore(),
        }
    }

    /// Never answered. [WIRE 110]
    fn on_delete_stream(&mut self, now: Instant, came_on: MessageStreamId, command: &Command) {
        let number = command.argument(0).and_then(Value::as_number);
        let named = number.and_then(MessageStreamId::from_number);
        let Some(stream) = self.meant_stream(named, came_on) else {
            return self.ignore();
        };
        self.end_stream(now, stream, Unpublished::DeleteStream);
        if let Some(streams) = self.state.streams_mut() {
            streams.remove(stream);
        }
    }

    fn on_pause(&mut self, came_on: MessageStreamId, paused: bool) {
        match self.player(came_on) {
            Some((_, StreamState::PlayPending { wishes, .. })) => wishes.paused = paused,
            Some((stream, _)) => self.pause(stream, paused),
            None => self.ignore(),
        }
    }

    fn on_receive_audio(&mut self, came_on: MessageStreamId, enabled: bool) {
        match self.player(came_on) {
            Some((_, StreamState::PlayPending { wishes, .. })) => wishes.audio = enabled,
            Some((stream, _)) => self
                .events
                .push_back(Event::ReceiveAudio { stream, enabled }),
            None => self.ignore(),
        }
    }

    fn on_receive_video(&mut self, came_on: MessageStreamId, enabled: bool) {
        match self.player(came_on) {
            Some((_, StreamState::PlayPending { wishes, .. })) => wishes.video = enabled,
            Some((stream, _)) => self
                .events
                .push_back(Event::ReceiveVideo { stream, enabled }),
            None => self.ignore(),
        }
    }

    /// A live stream has one position; the player is told that it is there. [WIRE 131]
    fn on_seek(&mut self, came_on: MessageStreamId) {
        match self.player(came_on) {
            Some((stream, StreamState::Playing)) => {
                self.send_status(
                    stream,
                    &Status::new(Code::SeekNotify, "The stream is live."),
                );
            }
            _ => self.ignore(),
        }
    }

    /// Tells a player that it is paused or not any more, and the caller.
    pub(super) fn pause(&mut self, stream: MessageStreamId, paused: bool) {
        let status = if paused {
            Status::new(Code::PauseNotify, "Paused.")
        } else {
            Status::new(Code::UnpauseNotify, "Playing again.")
        };
        self.send_status(stream, &status);
        self.events
            .push_back(Event::PauseRequested { stream, paused });
    }

    /// Commands that nobody waits for, and replies to commands that we never send, are skipped.
    fn on_other_command(&mut self, name: &[u8], transaction: TransactionId) {
        match name {
            b"FCSubscribe"
            | b"FCUnsubscribe"
            | b"FCTestPublish"
            | b"_onbwcheck"
            | b"onBWCheck"
            | b"ping"
            | b"set-peer-info"
            | b"getConnectionCount"
            | b"_result"
            | b"_error"
            | b"onStatus" => self.ignore(),
            _ => self.on_unknown_command(transaction),
        }
    }

    /// [WIRE 108]
    fn on_unknown_command(&mut self, transaction: TransactionId) {
        self.ignore();
        let status = Status::new(Code::CallFailed, "This command is not supported.");
        self.reply(&replies::error(transaction, &status));
    }

    /// The stream of a player that a command means.
    fn player(&mut self, came_on: MessageStreamId) -> Option<(MessageStreamId, &mut StreamState)> {
        let stream = self.meant_stream(None, came_on)?;
        let state = self.state.streams_mut()?.get_mut(stream)?;
        let plays = matches!(
            state,
            StreamState::PlayPending { .. } | StreamState::Playing
        );
        plays.then_some((stream, state))
    }

    fn meant_stream(
        &self,
        named: Option<MessageStreamId>,
        came_on: MessageStreamId,
    ) -> Option<MessageStreamId> {
        self.state.streams()?.meant(named, came_on)
    }

    /// Answers a command of the connection, unless its sender wants no answer. [WIRE 091]
    pub(super) fn reply(&mut self, reply: &Command) {
        if !reply.transaction.is_none() {
            self.send_command(MessageStreamId::CONNECTION, reply);
        }
    }

    /// Sends an `onStatus` on the stream that it is about. [WIRE 112]
    pub(super) fn send_status(&mut self, stream: MessageStreamId, status: &Status) {
        self.send_command(stream, &status.to_command());
    }

    pub(super) fn send_command(&mut self, stream: MessageStreamId, command: &Command) {
        let is_connection = stream == MessageStreamId::CONNECTION && command.name != "onStatus";
        let chunk_stream = if is_connection {
            ChunkStreamId::COMMAND
        } else {
            ChunkStreamId::STREAM
        };
        self.link.send_command(chunk_stream, stream, command);
    }
}

/// Whether app and tcUrl, which live as long as the connection, are within [`NAME_BYTES_MAX`]. [WIRE 102]
fn is_short_enough(connect: &ConnectInfo) -> bool {
    let tc_url_bytes = connect.tc_url.as_ref().map_or(0, Text::len);
    connect.app.len() <= NAME_BYTES_MAX && tc_url_bytes <= NAME_BYTES_MAX
}

/// The first argument as text; a missing name is an empty one, which may be part of the app.
fn argument_text(command: &Command) -> &[u8] {
    command
        .argument(0)
        .and_then(Value::as_text)
        .map(Text::as_bytes)
        .unwrap_or_default()
}

/// The first argument as a truth; anything else is false.
fn argument_bool(command: &Command) -> bool {
    command
        .argument(0)
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

/// [WIRE 115]
fn publish_mode(argument: Option<&Value>) -> PublishMode {
    let mode = argument
        .and_then(Value::as_text)
        .map(Text::as_bytes)
        .unwrap_or_default();
    if mode.eq_ignore_ascii_case(b"record") {
        PublishMode::Record
    } else if mode.eq_ignore_ascii_case(b"append") || mode.eq_ignore_ascii_case(b"appendWithGap") {
        PublishMode::Append
    } else {
        PublishMode::Live
    }
}
