//! The server's side of a connection: it answers publishers and players and raises what needs a decision.

mod commands;
mod config;
mod connect_info;
mod connection_state;
mod deadlines;
mod event;
mod media;
mod replies;
mod requests;
mod stream_state;
mod streams;

pub use config::ServerConfig;
pub use connect_info::ConnectInfo;
pub use event::{CloseCause, Event, PlayEnd, PublishMode, RequestId, Unpublished};

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::connection_state::ConnectionState;
use self::deadlines::{CommandBudget, RequestTimer};
use self::stream_state::StreamState;
use crate::chunk;
use crate::handshake::server::Handshake;
use crate::handshake::{HandshakeError, Progress, Seed};
use crate::limits::{AmfLimits, Limit, LimitExceeded};
use crate::message::{self, MediaKind, Message, MessageStreamId, UserControl};
use crate::session::link::{Link, check_media_bytes};
use crate::session::{ApiMisuse, Capabilities, Output, SessionError};
use crate::status::{Code, Status};

/// Events that may wait in memory that is kept between calls; more room is given back.
/// Why: a read of small messages raises thousands, an idle connection must cost nothing.
const EVENTS_KEPT: usize = 16;

/// One connection as a server sees it. See [the contract](crate::session).
///
/// It refuses by itself only what cannot be served: no app, unclean names, a stream used twice. Everything else
/// is a request, and the caller answers with [`accept`](Self::accept) or [`reject`](Self::reject), at once or
/// later.
///
/// What it costs between reads is this struct, incomplete messages, and a box per message stream in use.
pub struct ServerSession {
    config: Arc<ServerConfig>,
    state: ConnectionState,
    link: Link,
    events: VecDeque<Event>,
    /// Bytes that came behind a request that is not decided, or media held back by one.
    kept: Bytes,
    amf_limits: AmfLimits,
    /// Whether a publish was ever accepted; until then the peer is a stranger.
    is_authorised: bool,
    request_timer: RequestTimer,
    publish_idle: Option<Duration>,
    command_budget: CommandBudget,
    /// The newest request.
    requests_raised: u32,
    /// How often the client sent `FCPublish` and may wait for `onFCPublish`.
    fc_publishes_open: u8,
    ignored_messages: u64,
    created_at: Instant,
}

impl ServerSession {
    /// A connection that was just accepted. `seed` fills the handshake packets; take it from a random source.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>, seed: Seed, now: Instant) -> Self {
        let deadline = now.checked_add(config.handshake_timeout);
        Self {
            state: ConnectionState::Handshaking {
                handshake: Handshake::new(seed),
                deadline,
            },
            link: Link::new(config.limits_before, config.chunk_size),
            events: VecDeque::new(),
            kept: Bytes::new(),
            amf_limits: config.limits_before.amf,
            is_authorised: false,
            request_timer: RequestTimer::new(config.request_timeout),
            publish_idle: config.publish_idle,
            command_budget: CommandBudget::new(now),
            requests_raised: 0,
            fc_publishes_open: 0,
            ignored_messages: 0,
            created_at: now,
            config,
        }
    }

    /// Takes bytes from the peer.
    ///
    /// It stops behind each request and keeps the rest, at most what was handed in with one call, so that a caller
    /// who decides at once sees the same however the bytes were split. Bytes that come later, while a decision
    /// about publish or play is open, are taken in up to the first media message; see
    /// [`wants_bytes`](Self::wants_bytes).
    ///
    /// # Errors
    /// [`SessionError`]: drain [`poll_output`](Self::poll_output) once more, then close.
    /// [`ApiMisuse::UnwantedBytes`] changes nothing.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) -> Result<(), SessionError> {
        if !self.wants_bytes() {
            return Err(ApiMisuse::UnwantedBytes.into());
        }
        let mut rest = bytes;
        self.take_in(now, &mut rest)?;
        self.kept = Bytes::copy_from_slice(rest);
        self.check_invariants();
        Ok(())
    }

    /// Acts on deadlines that have passed; harmless to call early.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|deadline| now < deadline) {
            return;
        }
        match &self.state {
            ConnectionState::Handshaking { .. } => self.close(CloseCause::HandshakeTimeout),
            ConnectionState::Closed { .. } => {}
            _ if is_past(self.request_timer.deadline(), now) => {
                self.close(CloseCause::RequestTimeout);
            }
            _ => self.end_silent_publishers(now),
        }
        self.check_invariants();
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when nothing is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            ConnectionState::Handshaking { deadline, .. } => *deadline,
            ConnectionState::Closed { .. } => None,
            ConnectionState::Connected { streams, .. } => {
                let idle_at = streams.most_silent().map(|(_, at)| at);
                [self.request_timer.deadline(), idle_at]
                    .into_iter()
                    .flatten()
                    .min()
            }
            _ => self.request_timer.deadline(),
        }
    }

    #[cfg(test)]
    pub(super) const fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    /// The next bytes to send or the next event; `None` when all is done. Bytes come before events.
    ///
    /// So the answer to a command goes out before the event that the command raised is seen, and whatever the
    /// caller writes because of an event stands behind it.
    pub fn poll_output(&mut self) -> Option<Output<Event>> {
        if let Some(bytes) = self.link.take_output() {
            return Some(Output::Transmit(bytes));
        }
        let event = self.events.pop_front();
        if event.is_none() && self.events.capacity() > EVENTS_KEPT {
            self.events = VecDeque::new();
        }
        event.map(Output::Event)
    }

    /// Writes what is to be sent up to the next event, and gives that; `None` when all is done. It is
    /// [`poll_output`](Self::poll_output) for callers whose writes block until they are done.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn pump(&mut self, peer: &mut impl Write) -> io::Result<Option<Event>> {
        while let Some(output) = self.poll_output() {
            match output {
                Output::Transmit(bytes) => peer.write_all(&bytes)?,
                Output::Event(event) => return Ok(Some(event)),
            }
        }
        Ok(None)
    }

    /// False while the session waits for a decision and cannot take more bytes: stop reading the socket.
    #[must_use]
    pub fn wants_bytes(&self) -> bool {
        match &self.state {
            ConnectionState::Closed { .. } => true,
            ConnectionState::Deciding { .. } => false,
            _ => self.kept.is_empty() && !self.link.is_holding(),
        }
    }

    /// Accepts a request: writes the answers that clients wait for and goes on with the bytes kept back.
    ///
    /// A request that was withdrawn meanwhile is left alone.
    ///
    /// # Errors
    /// As [`handle_bytes`](Self::handle_bytes), because bytes that were kept back are taken in now;
    /// [`ApiMisuse::UnknownRequest`].
    pub fn accept(&mut self, now: Instant, request: RequestId) -> Result<(), SessionError> {
        self.check_raised(request)?;
        if !self.on_accept(now, request) {
            return Ok(());
        }
        self.take_in_kept(now)
    }

    /// Refuses a request: writes the status, then raises [`Event::Closing`], unless another message stream is in use:
    /// then the connection goes on, with the bytes kept back. [WIRE 117]
    ///
    /// A request that was withdrawn meanwhile is left alone.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn reject(
        &mut self,
        now: Instant,
        request: RequestId,
        status: &Status,
    ) -> Result<(), SessionError> {
        self.check_raised(request)?;
        if !self.on_reject(request, status) {
            return Ok(());
        }
        self.take_in_kept(now)
    }

    /// Sends one message of a stream that plays: audio, video, or data from the event name on.
    ///
    /// The session keeps no queue and no times: when and to whom is the caller's, and so are headers and a keyframe
    /// before the first frame. Who serves many players encodes a message once for all of them, by
    /// [`chunk::encode`].
    ///
    /// # Errors
    /// [`ApiMisuse::WrongStreamState`] when the stream does not play. [`SessionError::LimitExceeded`] for a message
    /// that is longer than RTMP can say, 16,777,215 bytes.
    pub fn send_media(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        kind: MediaKind,
        timestamp: u32,
        payload: &Bytes,
    ) -> Result<(), SessionError> {
        let _ = now;
        let streams = self.state.streams();
        let state = streams.and_then(|streams| streams.get(stream));
        if !matches!(state, Some(StreamState::Playing)) {
            return Err(ApiMisuse::WrongStreamState.into());
        }
        check_media_bytes(payload.len())?;
        self.link.send_media(stream, kind, timestamp, &[payload]);
        Ok(())
    }

    /// Ends a play. After it the connection closes unless another of its streams is in use.
    ///
    /// # Errors
    /// [`ApiMisuse::WrongStreamState`] when the stream does not play.
    pub fn end_play(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        end: &PlayEnd,
    ) -> Result<(), SessionError> {
        let _ = now;
        self.take_from_player(stream)?;
        let code = match end {
            PlayEnd::Unpublished => {
                let status = Status::new(Code::PlayUnpublishNotify, "The stream has ended.");
                self.send_status(stream, &status);
                self.link.send_user_control(UserControl::StreamEof(stream)); // [WIRE 071]
                status.code
            }
            PlayEnd::Status(status) => {
                self.send_status(stream, status);
                status.code
            }
        };
        self.close_unless_in_use(CloseCause::Ended(code));
        self.check_invariants();
        Ok(())
    }

    /// Ends a publish from our side, with a status for the encoder: for a kick, or for the loser of a takeover. After
    /// it the connection closes unless another of its streams is in use. No [`Event::PublishEnded`] follows.
    ///
    /// # Errors
    /// [`ApiMisuse::WrongStreamState`] when the stream does not publish.
    pub fn end_publish(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        status: &Status,
    ) -> Result<(), SessionError> {
        let _ = now;
        self.take_from_publisher(stream)?;
        self.send_status(stream, status);
        self.close_unless_in_use(CloseCause::Ended(status.code));
        self.check_invariants();
        Ok(())
    }

    /// Writes a ping request, once the handshake is done. The session never closes a peer that does not answer.
    /// [WIRE 004] [WIRE 068]
    pub fn ping(&mut self, now: Instant) {
        if matches!(
            self.state,
            ConnectionState::Handshaking { .. } | ConnectionState::Closed { .. }
        ) {
            return;
        }
        let age_ms = now.saturating_duration_since(self.created_at).as_millis();
        #[expect(clippy::cast_possible_truncation, reason = "the field of a ping wraps")]
        let age_ms = age_ms as u32;
        self.link
            .send_user_control(UserControl::PingRequest(age_ms));
    }

    /// Asks the client to open a new connection, and goes on serving this one until it leaves: when a server goes down, or
    /// wants a client elsewhere. `tc_url` is absolute or relative to what the client called; without it the client comes
    /// back to the same URL. [E-RTMP v2: Reconnect Request]
    ///
    /// False, and nothing is written, when the client has not said that it can (`capsEx` bit 1) or its `connect` is not
    /// accepted yet: others ignore such a status or fail. [WIRE 160]
    pub fn request_reconnect(
        &mut self,
        now: Instant,
        description: impl Into<Cow<'static, str>>,
        tc_url: Option<&str>,
    ) -> bool {
        let _ = now;
        let ConnectionState::Connected { connect, .. } = &self.state else {
            return false;
        };
        if !connect.capabilities.has(Capabilities::RECONNECT) {
            return false;
        }
        let status = Status::new(Code::ConnectReconnectRequest, description);
        let command = replies::reconnect_request(&status, tc_url);
        self.send_command(MessageStreamId::CONNECTION, &command);
        self.check_invariants();
        true
    }

    /// Sets the idle time of every publish that is accepted from now on; `None` turns it off. It comes from the app's
    /// configuration, so set it before a publish is accepted.
    pub fn set_publish_idle(&mut self, idle: Option<Duration>) {
        self.publish_idle = idle;
    }

    /// Whether a message stream publishes, plays, or waits for a decision about that.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        let streams = self.state.streams();
        streams.is_some_and(streams::Streams::is_any_in_use)
    }

    /// What the peer said in `connect`, once it did.
    #[must_use]
    pub fn connect_info(&self) -> Option<&Arc<ConnectInfo>> {
        self.state.connect()
    }

    /// The peer's newest acknowledgement, as it came: a statistic, peers count in different ways. [WIRE 062]
    #[must_use]
    pub fn acknowledged(&self) -> Option<u32> {
        self.link.acknowledged()
    }

    /// Messages that meant nothing to us and were skipped.
    #[must_use]
    pub fn ignored_messages(&self) -> u64 {
        self.ignored_messages
    }
}

impl ServerSession {
    /// Takes bytes from the front of `input` until it is empty, or the caller has something new to decide.
    fn take_in(&mut self, now: Instant, input: &mut &[u8]) -> Result<(), SessionError> {
        let taken = self.take_messages(now, input).map_err(|error| match error {
            SessionError::LimitExceeded(exceeded) if !self.is_authorised => {
                SessionError::StrangerExceeded(exceeded)
            }
            other => other,
        });
        if let Err(error) = &taken {
            self.say_why(error);
            self.end();
        }
        if self.state.is_closed() {
            *input = &[];
        }
        taken
    }

    /// The last answer of a session that fails: on the stream in use, else on the connection.
    fn say_why(&mut self, error: &SessionError) {
        let Some(code) = error.handling().status else {
            return;
        };
        let streams = self.state.streams();
        let stream = streams.and_then(streams::Streams::first_in_use);
        let words = match error {
            SessionError::PeerMisbehaved(fault) => fault.to_string(),
            other => other.to_string(),
        };
        let status = Status::new(code, words);
        self.send_status(stream.unwrap_or(MessageStreamId::CONNECTION), &status);
    }

    fn take_messages(&mut self, now: Instant, input: &mut &[u8]) -> Result<(), SessionError> {
        let requests_before = self.requests_raised;
        while self.requests_raised == requests_before {
            match &mut self.state {
                ConnectionState::Handshaking { handshake, .. } => {
                    let progress = handshake.handle_bytes(input, self.link.raw_output());
                    match progress {
                        Ok(Progress::NeedsBytes) => return Ok(()),
                        Ok(Progress::Done) => {
                            self.state.on_handshake_done();
                            self.request_timer.go_on(now);
                        }
                        Err(error) => {
                            let HandshakeError::NotRtmp(foreign) = error;
                            self.link.raw_output().extend_from_slice(foreign.farewell());
                            return Err(error.into());
                        }
                    }
                }
                ConnectionState::AwaitingConnect | ConnectionState::Connected { .. } => {
                    let Some(raw) = self.link.decode(now, input)? else {
                        return Ok(());
                    };
                    self.on_message(now, raw)?;
                    self.check_unsent_bytes()?;
                }
                ConnectionState::Deciding { .. } | ConnectionState::Closed { .. } => {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn on_message(&mut self, now: Instant, raw: chunk::Message) -> Result<(), SessionError> {
        let (stream, timestamp) = (raw.stream, raw.timestamp);
        match message::decode(&raw, self.amf_limits)? {
            Message::Control(control) => self.link.handle_control(control),
            Message::UserControl(event) => self.link.handle_user_control(event),
            Message::Command(command) => return self.on_command(now, stream, &command),
            Message::Audio(body) => self.on_audio(now, stream, timestamp, body),
            Message::Video(body) => self.on_video(now, stream, timestamp, body),
            Message::Data(data) => self.on_data(now, stream, timestamp, data),
            Message::Aggregate(body) => self.on_aggregate(now, stream, timestamp, body)?,
            Message::Ignored(_) => self.ignore(),
        }
        Ok(())
    }

    /// A peer that makes us answer faster than it reads is no use to anybody. [WIRE 210]
    fn check_unsent_bytes(&self) -> Result<(), LimitExceeded> {
        let (got, max) = (self.link.unsent_bytes(), self.config.unsent_bytes);
        if got <= max {
            return Ok(());
        }
        Err(LimitExceeded {
            limit: Limit::UnsentBytes,
            got: got as u64,
            max: max as u64,
        })
    }

    /// Ends every publish that was silent for too long, and with the last stream the connection.
    fn end_silent_publishers(&mut self, now: Instant) {
        while let Some((stream, at)) = self.state.streams().and_then(streams::Streams::most_silent)
            && at <= now
        {
            let status = Status::new(Code::PublishIdle, "No media came for too long.");
            self.send_status(stream, &status);
            let others = self.state.streams();
            if others.is_some_and(|streams| streams.is_other_in_use(stream)) {
                let ended = self.take_from_publisher(stream);
                debug_assert!(ended.is_ok(), "who is silent publishes");
                self.events.push_back(Event::PublishLost { stream });
            } else {
                self.close(CloseCause::PublishIdle);
            }
        }
    }

    /// Goes on with the bytes that were kept back for a decision.
    fn take_in_kept(&mut self, now: Instant) -> Result<(), SessionError> {
        let kept = std::mem::take(&mut self.kept);
        let mut rest = kept.as_ref();
        self.take_in(now, &mut rest)?;
        self.kept = kept.slice_ref(rest);
        self.check_invariants();
        Ok(())
    }

    fn close_unless_in_use(&mut self, cause: CloseCause) {
        if !self.is_in_use() && !self.state.is_closed() {
            self.close(cause);
        }
    }

    /// Raises the last event. [`poll_output`](Self::poll_output) gives all bytes before it.
    fn close(&mut self, cause: CloseCause) {
        debug_assert!(!self.state.is_closed());
        self.events.push_back(Event::Closing { cause });
        self.end();
    }

    fn end(&mut self) {
        self.state.on_close();
        self.kept = Bytes::new();
    }

    /// What holds between calls.
    fn check_invariants(&self) {
        let is_undecided = match &self.state {
            ConnectionState::Deciding { .. } => true,
            ConnectionState::Connected { streams, .. } => {
                streams.iter().any(|(_, stream)| stream.request().is_some())
            }
            _ => false,
        };
        debug_assert!(
            is_undecided || self.kept.is_empty(),
            "only a decision keeps bytes back"
        );
        debug_assert!(
            is_undecided || self.wants_bytes(),
            "only a decision stops the reading"
        );
        debug_assert!(
            !is_undecided || self.request_timer.deadline().is_none(),
            "our own decisions take none of the client's time"
        );
    }

    fn ignore(&mut self) {
        self.ignored_messages = self.ignored_messages.saturating_add(1);
    }

    fn stream_state(&self, stream: MessageStreamId) -> Option<&StreamState> {
        self.state.streams()?.get(stream)
    }
}

fn is_past(deadline: Option<Instant>, now: Instant) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}

/// Shows states and counts, no names: `ServerSession(Connected, 1: Publishing)`.
impl fmt::Debug for ServerSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerSession({}", self.state.name())?;
        for (id, stream) in self
            .state
            .streams()
            .into_iter()
            .flat_map(streams::Streams::iter)
        {
            write!(f, ", {}: {}", id.0, stream.name())?;
        }
        f.write_str(")")
    }
}
