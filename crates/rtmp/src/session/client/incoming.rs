//! What a client does with what the server says.

use std::time::Instant;

use bytes::Bytes;

use super::state::{self, State};
use super::{ClientSession, Event, Redirect, Refusal, Role, auth, request};
use crate::amf0::{self, Value};
use crate::chunk::{self, ChunkStreamId};
use crate::limits::LimitExceeded;
use crate::message::media::Aggregate;
use crate::message::{
    self, Command, Control, Data, MediaKind, Message, MessageStreamId, UserControl,
};
use crate::session::limits::{REPLY_TIMEOUT, WINDOW_BYTES};
use crate::session::{Capabilities, PeerMisbehaved, SessionError};
use crate::status::{Code, Level, Received};
use crate::text::Text;
use crate::url::UserInfo;

impl ClientSession {
    pub(super) fn on_message(
        &mut self,
        now: Instant,
        message: &chunk::Message,
    ) -> Result<(), SessionError> {
        let timestamp = message.timestamp;
        match message::decode(message, self.config.limits.amf)? {
            Message::Control(control) => self.link.handle_control(control),
            Message::UserControl(UserControl::StreamEof(_)) => {
                self.on_play_end(Text::from_static("StreamEOF"), Text::default());
            }
            Message::UserControl(control) => self.link.handle_user_control(control),
            Message::Command(command) => self.on_command(now, &command)?,
            Message::Data(data) => self.on_data(data, timestamp),
            Message::Audio(payload) => self.on_media(MediaKind::Audio, timestamp, payload),
            Message::Video(payload) => self.on_media(MediaKind::Video, timestamp, payload),
            Message::Aggregate(body) => self.on_aggregate(body, timestamp)?,
            Message::Ignored(_) => {}
        }
        Ok(())
    }

    fn on_command(&mut self, now: Instant, command: &Command) -> Result<(), SessionError> {
        match command.name.as_bytes() {
            b"_result" => self.on_result(now, command)?,
            b"_error" => self.on_error(command),
            // It counts whatever message stream and transaction it names. [WIRE 187]
            b"onStatus" => {
                for info in &command.arguments {
                    if let Some(status) = Received::from_info(info) {
                        self.on_status(&status, info);
                        break;
                    }
                }
            }
            b"close" => self.on_end(Text::from_static("close"), Text::default(), false, None),
            // onBWDone, onFCPublish, answers to FCPublish and whatever else servers say wait for nothing from us.
            _ => {}
        }
        Ok(())
    }

    fn on_result(&mut self, now: Instant, command: &Command) -> Result<(), SessionError> {
        match &mut self.state {
            State::Connecting { transaction, .. } if *transaction == command.transaction => {
                self.on_connected(now, command);
            }
            State::CreatingStream {
                transaction,
                capabilities,
                ..
            } if *transaction == command.transaction => {
                let capabilities = std::mem::take(capabilities);
                let Some(stream) = stream_id(command) else {
                    return Err(PeerMisbehaved::NoStreamId.into());
                };
                self.on_stream_created(now, stream, capabilities);
            }
            // Those of releaseStream, FCPublish and publish say nothing new.
            _ => {}
        }
        Ok(())
    }

    fn on_connected(&mut self, now: Instant, command: &Command) {
        if let Some(status) = Received::from_command(command)
            && status.code != Some(Code::ConnectSuccess)
        {
            let redirect = Redirect::from_arguments(&command.arguments);
            return self.refuse(status.code_text, status.description, redirect);
        }
        self.link
            .send_control(Control::WindowAcknowledgementSize(WINDOW_BYTES));
        self.answer_secure_token(command);
        if self.config.role == Role::Publish {
            // Some servers free the name of an old session by these; nothing waits for an answer. [WIRE 181]
            let transaction = self.next_transaction();
            let name = self.config.url.stream_name();
            let release = request::release_stream(name, transaction);
            self.send_connection_command(&release);
            let transaction = self.next_transaction();
            let name = self.config.url.stream_name();
            let publish = request::fc_publish(name, transaction);
            self.send_connection_command(&publish);
        }
        let transaction = self.next_transaction();
        self.send_connection_command(&request::create_stream(transaction));
        self.enter(State::CreatingStream {
            transaction,
            deadline: state::deadline(now, REPLY_TIMEOUT),
            capabilities: capabilities_in(command),
        });
    }

    fn on_stream_created(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        capabilities: Capabilities,
    ) {
        let transaction = self.next_transaction();
        let command = request::start(&self.config, transaction);
        self.link
            .send_command(ChunkStreamId::STREAM, stream, &command);
        if self.config.role == Role::Play {
            self.link.send_user_control(UserControl::SetBufferLength {
                stream,
                buffer_ms: request::BUFFER_MS,
            });
        }
        self.enter(State::Requesting {
            transaction,
            deadline: state::deadline(now, REPLY_TIMEOUT),
            capabilities,
            stream,
        });
    }

    /// Errors of anything but the request that is waited for mean nothing. [WIRE 181]
    fn on_error(&mut self, command: &Command) {
        if self.state.transaction() != Some(command.transaction) {
            return;
        }
        let (code, description) = words(command);
        let redirect = Redirect::from_arguments(&command.arguments);
        self.refuse(code, description, redirect);
    }

    /// Proves to a Wowza that we know its shared token, which is the password of the URL. [WIRE 192]
    fn answer_secure_token(&mut self, command: &Command) {
        let mut infos = command.arguments.iter();
        let challenge = infos.find_map(|info| info.get("secureToken")?.as_text());
        let token = self.config.url.user_info().map(UserInfo::decoded_password);
        if let (Some(challenge), Some(token)) = (challenge, token)
            && !token.is_empty()
            && let Some(answer) = auth::secure_token_answer(challenge, &token)
        {
            let command = request::secure_token_response(answer);
            self.send_connection_command(&command);
        }
    }

    fn on_status(&mut self, status: &Received, info: &Value) {
        if status.code == Some(Code::ConnectReconnectRequest) {
            let tc_url = info.get("tcUrl").and_then(Value::as_text).cloned();
            self.events.push_back(Event::ReconnectRequested { tc_url });
            return;
        }
        let (code, description) = (status.code_text.clone(), status.description.clone());
        // By the code first, then by the level: some servers send refusals with level status. [WIRE 186]
        let code_level = status.code.map_or(Level::Status, Code::level);
        if status.level == Level::Error || code_level == Level::Error {
            let redirect = Redirect::from_info(info);
            return self.on_end(code, description, true, redirect);
        }
        match (self.config.role, status.code) {
            (Role::Publish, Some(Code::PublishStart)) | (Role::Play, Some(Code::PlayStart)) => {
                self.start();
            }
            (Role::Publish, Some(Code::UnpublishSuccess)) if self.has_started() => {
                self.end(code, description, false, None);
            }
            (_, Some(Code::PlayStop | Code::PlayComplete | Code::PlayUnpublishNotify)) => {
                self.on_play_end(code, description)
            }
            _ => {}
        }
    }

    /// A player's stream came to its end; before the start it says something about an older one.
    fn on_play_end(&mut self, code: Text, description: Text) {
        if self.config.role == Role::Play && self.has_started() {
            self.end(code, description, false, None);
        }
    }

    /// The server wants no more of us.
    fn on_end(
        &mut self,
        code: Text,
        description: Text,
        is_error: bool,
        redirect: Option<Redirect>,
    ) {
        if self.has_started() {
            self.end(code, description, is_error, redirect);
        } else {
            self.refuse(code, description, redirect);
        }
    }

    /// Statuses in data messages are acted on; what else is data of the stream is raised.
    fn on_data(&mut self, data: Data, timestamp: u32) {
        let (Data::Set { name, body, .. } | Data::Event { name, body, .. }) = data else {
            return;
        };
        match name.as_bytes() {
            b"onStatus" | b"onPlayStatus" => {
                let values = amf0::decode_all(&body, self.config.limits.amf).unwrap_or_default();
                let statuses = values.iter().map(|info| (Received::from_info(info), info));
                for (status, info) in statuses {
                    if let Some(status) = status {
                        self.on_status(&status, info);
                        break;
                    }
                }
            }
            // What a script may do with the picture is between this server and its players.
            b"|RtmpSampleAccess" => {}
            _ => self.on_media(MediaKind::Data, timestamp, body),
        }
    }

    fn on_aggregate(&mut self, body: Bytes, timestamp: u32) -> Result<(), LimitExceeded> {
        for part in Aggregate::new(body, timestamp) {
            self.link.charge_tag()?;
            let Some(part) = part else { continue };
            match part.kind {
                MediaKind::Data => {
                    if let Some(data) = Data::decode(&part.payload) {
                        self.on_data(data, part.timestamp);
                    }
                }
                kind => self.on_media(kind, part.timestamp, part.payload),
            }
        }
        Ok(())
    }

    fn on_media(&mut self, kind: MediaKind, timestamp: u32, payload: Bytes) {
        if self.config.role != Role::Play {
            return;
        }
        // Some servers never say NetStream.Play.Start. [WIRE 190]
        self.start();
        if self.has_started() {
            self.events.push_back(Event::Media {
                kind,
                timestamp,
                payload,
            });
        }
    }

    /// The server accepted, if that is what we wait for.
    fn start(&mut self) {
        if let State::Requesting {
            stream,
            capabilities,
            ..
        } = &mut self.state
        {
            let (stream, capabilities) = (*stream, std::mem::take(capabilities));
            self.state = State::Started { stream };
            self.events.push_back(Event::Started {
                stream,
                capabilities,
            });
        }
    }

    pub(super) fn refuse(&mut self, code: Text, description: Text, redirect: Option<Redirect>) {
        let step = self.state.step();
        self.halt();
        self.events.push_back(Event::Refused(Refusal {
            step,
            code,
            description,
            redirect,
        }));
    }

    fn end(&mut self, code: Text, description: Text, is_error: bool, redirect: Option<Redirect>) {
        self.halt();
        self.events.push_back(Event::Ended {
            code,
            description,
            is_error,
            redirect,
        });
    }
}

/// The id in the result of createStream: the first number after the transaction id, wherever it stands. [WIRE 179]
fn stream_id(command: &Command) -> Option<MessageStreamId> {
    let values = std::iter::once(&command.object).chain(&command.arguments);
    let number = values.filter_map(Value::as_number).next()?;
    MessageStreamId::from_number(number)
}

/// Capabilities in the result of connect: servers write them into the properties, the info object, or both.
/// [E-RTMP v2: Enhancing NetConnection connect Command]
fn capabilities_in(command: &Command) -> Capabilities {
    let objects = std::iter::once(&command.object).chain(&command.arguments);
    let read = objects
        .filter_map(Value::as_properties)
        .map(Capabilities::from_properties);
    read.fold(Capabilities::none(), |mut known, more| {
        known.four_cc_list = known.four_cc_list.or(more.four_cc_list);
        known.video = known.video.or(more.video);
        known.audio = known.audio.or(more.audio);
        known.caps_ex = known.caps_ex.or(more.caps_ex);
        known.video_function = known.video_function.or(more.video_function);
        known
    })
}

/// Code and description of a refusal, each as far as the server gave it.
fn words(command: &Command) -> (Text, Text) {
    if let Some(status) = Received::from_command(command) {
        return (status.code_text, status.description);
    }
    let description = command
        .arguments
        .iter()
        .find_map(|argument| argument.get("description")?.as_text());
    (Text::default(), description.cloned().unwrap_or_default())
}
