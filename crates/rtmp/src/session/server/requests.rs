//! Requests of a client, the decisions about them, and how streams end.

use std::time::Instant;

use super::replies;
use super::stream_state::{Accepted, Ended, StreamState, Wishes};
use super::{CloseCause, ConnectInfo, Event, PublishMode, RequestId, ServerSession, Unpublished};
use crate::message::{BandwidthLimit, Control, MessageStreamId, TransactionId, UserControl};
use crate::session::limits::WINDOW_BYTES;
use crate::session::{ApiMisuse, SessionError};
use crate::status::{Code, Status};
use crate::text::Text;
use crate::url;

/// What a stream is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Publish(PublishMode),
    Play,
}

impl Purpose {
    /// The refusal of a name that cannot be used. [WIRE 102]
    const fn name_refused(self) -> Code {
        match self {
            Self::Publish(_) => Code::PublishBadName,
            Self::Play => Code::PlayStreamNotFound,
        }
    }

    /// The refusal of a stream that is in use.
    const fn use_refused(self) -> Code {
        match self {
            Self::Publish(_) => Code::PublishBadName,
            Self::Play => Code::PlayFailed,
        }
    }
}

impl ServerSession {
    /// `publish` or `play`.
    pub(super) fn on_request(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        name: &[u8],
        purpose: Purpose,
    ) {
        let Some(ConnectInfo { app, tc_url, .. }) = self.state.connect().map(AsRef::as_ref) else {
            return;
        };
        let resolved = url::resolve(app.as_bytes(), tc_url.as_ref().map(Text::as_bytes), name);
        let target = match resolved {
            Ok(target) => Box::new(target),
            Err(error) => {
                let status = Status::new(purpose.name_refused(), error.to_string());
                return self.refuse_stream(stream, &status);
            }
        };
        self.end_replaced_play(now, stream, purpose);
        let next = self.requests_raised.wrapping_add(1);
        let opened = self.state.streams_mut().map(|streams| {
            let state = streams.open(stream)?;
            let request = RequestId(next);
            match purpose {
                Purpose::Publish(_) => state.on_publish(request, Text::copy_from_bytes(name)),
                Purpose::Play => state.on_play(request),
            }
        });
        if !matches!(opened, Some(Ok(()))) {
            let status = Status::new(purpose.use_refused(), "The message stream is in use.");
            return self.refuse_stream(stream, &status);
        }
        let request = self.next_request();
        self.request_timer.stop(now);
        self.events.push_back(match purpose {
            Purpose::Publish(mode) => {
                self.link.set_hold_media(true); // [WIRE 116]
                Event::PublishRequested {
                    request,
                    stream,
                    target,
                    mode,
                }
            }
            Purpose::Play => Event::PlayRequested {
                request,
                stream,
                target,
            },
        });
    }

    /// The id of a request that is raised now.
    pub(super) fn next_request(&mut self) -> RequestId {
        self.requests_raised = self.requests_raised.wrapping_add(1);
        RequestId(self.requests_raised)
    }

    pub(super) const fn check_raised(&self, request: RequestId) -> Result<(), SessionError> {
        if request.0 == 0 || request.0 > self.requests_raised {
            return Err(SessionError::ApiMisuse(ApiMisuse::UnknownRequest));
        }
        Ok(())
    }

    /// Writes the answers; false when the request was withdrawn.
    pub(super) fn on_accept(&mut self, now: Instant, request: RequestId) -> bool {
        if let Some((transaction, connect)) = self.state.on_accept(request) {
            self.request_timer.go_on(now);
            self.answer_connect(transaction, &connect);
            return true;
        }
        let streams = self.state.streams_mut();
        let idle = self.publish_idle;
        match streams.and_then(|streams| streams.on_accept(request, now, idle)) {
            Some((stream, Accepted::Publish)) => self.start_publish(stream),
            Some((stream, Accepted::Play(wishes))) => self.start_play(stream, wishes),
            None => return false,
        }
        true
    }

    /// Writes the refusal; false when the request was withdrawn.
    pub(super) fn on_reject(&mut self, request: RequestId, status: &Status) -> bool {
        if let Some(transaction) = self.state.connect_request(request) {
            self.refuse_connect(transaction, status);
            return true;
        }
        let streams = self.state.streams_mut();
        let refused = streams.and_then(|streams| {
            let stream = streams.requested_by(request)?;
            streams.get_mut(stream).map(StreamState::on_end);
            Some(stream)
        });
        if let Some(stream) = refused {
            self.release_media();
            self.refuse_stream(stream, status);
        }
        refused.is_some()
    }

    /// The announcements come first, so that clients can read the result in one chunk. [WIRE 056] [WIRE 096]
    fn answer_connect(&mut self, transaction: TransactionId, connect: &ConnectInfo) {
        self.link
            .send_control(Control::WindowAcknowledgementSize(WINDOW_BYTES));
        self.link.send_control(Control::SetPeerBandwidth {
            window: WINDOW_BYTES,
            limit: BandwidthLimit::Dynamic,
        });
        self.link
            .send_control(Control::SetChunkSize(self.config.chunk_size));
        let result = replies::connect_result(transaction, connect, &self.config.capabilities);
        self.reply(&result);
    }

    /// [WIRE 098]
    pub(super) fn refuse_connect(&mut self, transaction: TransactionId, status: &Status) {
        self.reply(&replies::error(transaction, status));
        self.close(CloseCause::Refused(status.code));
    }

    /// The connection goes on when it has another use. [WIRE 112] [WIRE 117]
    fn refuse_stream(&mut self, stream: MessageStreamId, status: &Status) {
        self.send_status(stream, status);
        let streams = self.state.streams();
        if !streams.is_some_and(|streams| streams.is_other_in_use(stream)) {
            self.close(CloseCause::Refused(status.code));
        }
    }

    /// Another `play` on a stream that plays takes its place at once: a live stream has no end that a list could wait
    /// for. [RTMP 7.2.2.1]
    fn end_replaced_play(&mut self, now: Instant, stream: MessageStreamId, purpose: Purpose) {
        let plays = matches!(self.stream_state(stream), Some(StreamState::Playing));
        if plays && purpose == Purpose::Play {
            self.end_stream(now, stream, Unpublished::CloseStream);
        }
    }

    /// [WIRE 070] [WIRE 113] [WIRE 114]
    fn start_publish(&mut self, stream: MessageStreamId) {
        self.link.set_limits(self.config.limits_publishing);
        self.amf_limits = self.config.limits_publishing.amf;
        self.is_authorised = true;
        if let Some(open) = self.fc_publishes_open.checked_sub(1) {
            self.fc_publishes_open = open;
            self.send_command(MessageStreamId::CONNECTION, &replies::on_fc_publish());
        }
        self.link
            .send_user_control(UserControl::StreamBegin(stream));
        self.send_status(stream, &Status::new(Code::PublishStart, "Publishing."));
        self.release_media();
    }

    /// [WIRE 125]
    fn start_play(&mut self, stream: MessageStreamId, wishes: Wishes) {
        self.link
            .send_user_control(UserControl::StreamBegin(stream));
        self.send_status(
            stream,
            &Status::new(Code::PlayReset, "Playing and resetting."),
        );
        self.send_status(stream, &Status::new(Code::PlayStart, "Playing."));
        self.link.send_data(stream, 0, &[replies::SAMPLE_ACCESS]);
        if !wishes.audio {
            self.events.push_back(Event::ReceiveAudio {
                stream,
                enabled: false,
            });
        }
        if !wishes.video {
            self.events.push_back(Event::ReceiveVideo {
                stream,
                enabled: false,
            });
        }
        if wishes.paused {
            self.pause(stream, true);
        }
    }

    /// The client ends what a stream is used for. A second command for the same end does nothing. [WIRE 121]
    pub(super) fn end_stream(&mut self, now: Instant, stream: MessageStreamId, how: Unpublished) {
        let state = self
            .state
            .streams_mut()
            .and_then(|streams| streams.get_mut(stream));
        match state.map_or(Ended::Nothing, StreamState::on_end) {
            Ended::Nothing => return,
            Ended::Request(request) => {
                self.events.push_back(Event::RequestWithdrawn { request });
                self.release_media();
                if !self.is_in_use() {
                    self.request_timer.go_on(now);
                }
                return;
            }
            Ended::Publish => {
                let status = Status::new(Code::UnpublishSuccess, "The publish has ended.");
                self.send_status(stream, &status);
                self.events.push_back(Event::PublishEnded { stream, how });
            }
            Ended::Play => self.events.push_back(Event::PlayEnded { stream }),
        }
        if !self.is_in_use() {
            self.request_timer.start(now, self.config.request_timeout);
        }
    }

    /// We end a publish.
    pub(super) fn take_from_publisher(&mut self, stream: MessageStreamId) -> Result<(), ApiMisuse> {
        let state = self
            .state
            .streams_mut()
            .and_then(|streams| streams.get_mut(stream));
        match state {
            Some(state) if state.is_publishing() => {
                state.on_end();
                Ok(())
            }
            _ => Err(ApiMisuse::WrongStreamState),
        }
    }

    /// We end a play.
    pub(super) fn take_from_player(&mut self, stream: MessageStreamId) -> Result<(), ApiMisuse> {
        let state = self
            .state
            .streams_mut()
            .and_then(|streams| streams.get_mut(stream));
        match state {
            Some(state @ StreamState::Playing) => {
                state.on_end();
                Ok(())
            }
            _ => Err(ApiMisuse::WrongStreamState),
        }
    }

    /// Lets media pass again, unless another publish waits for its decision.
    fn release_media(&mut self) {
        let is_pending = self
            .state
            .streams()
            .is_some_and(|streams| streams.is_publish_pending());
        self.link.set_hold_media(is_pending);
    }
}
