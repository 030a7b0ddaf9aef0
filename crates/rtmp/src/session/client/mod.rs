//! The client's side of a connection: it publishes to a server, or plays from one.

pub mod auth;
mod config;
mod event;
mod incoming;
mod redirect;
mod request;
mod state;

pub use config::{ClientConfig, Role};
pub use event::{Event, Refusal, Step};
pub use redirect::Redirect;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::time::Instant;

use bytes::Bytes;

use crate::chunk::{CHUNK_SIZE_MAX, ChunkStreamId};
use crate::handshake::Progress;
use crate::handshake::client::Handshake;
use crate::message::{Command, MediaKind, MessageStreamId, SET_DATA_FRAME, TransactionId};
use crate::session::limits::{HANDSHAKE_TIMEOUT, REPLY_TIMEOUT};
use crate::session::link::{Link, check_media_bytes};
use crate::session::{ApiMisuse, Output, SessionError};
use crate::text::Text;

use state::State;

/// The AMF0 string `onMetaData`, with which metadata begins.
const ON_META_DATA: &[u8; 13] = b"\x02\x00\x0aonMetaData";

/// One connection as a client sees it. See [the contract](crate::session).
///
/// It runs by itself from the handshake to [`Event::Started`]; then a publisher sends media and a player gets it.
/// Bytes that come after [`Event::Refused`], [`Event::Ended`] or [`stop`](Self::stop) are taken and mean nothing.
pub struct ClientSession {
    config: ClientConfig,
    state: State,
    link: Link,
    events: VecDeque<Event>,
    /// The number of the last transaction.
    transactions: u32,
}

impl ClientSession {
    /// A connection that was just made; the first bytes wait in [`poll_output`](Self::poll_output).
    #[must_use]
    pub fn new(config: ClientConfig, now: Instant) -> Self {
        let mut link = Link::new(config.limits, config.chunk_size.clamp(1, CHUNK_SIZE_MAX));
        let mut handshake = Box::new(Handshake::new(config.seed));
        handshake.start(link.raw_output());
        let deadline = state::deadline(now, HANDSHAKE_TIMEOUT);
        Self {
            config,
            state: State::Handshaking {
                handshake,
                deadline,
            },
            link,
            events: VecDeque::from([Event::Stepped(Step::Handshaking)]),
            transactions: 0,
        }
    }

    /// Takes bytes from the server.
    ///
    /// # Errors
    /// [`SessionError`]: drain [`poll_output`](Self::poll_output) once more, then close.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) -> Result<(), SessionError> {
        self.take_in(now, bytes).inspect_err(|_| self.halt())
    }

    /// Acts on deadlines that have passed: an overdue reply raises [`Event::Refused`] with no code.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self
            .state
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            let description = self.overdue();
            self.refuse(Text::default(), description.into(), None);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when nothing is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.state.deadline()
    }

    #[cfg(test)]
    pub(super) const fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    /// The next bytes to send or the next event; `None` when all is done. Bytes come before events.
    pub fn poll_output(&mut self) -> Option<Output<Event>> {
        if let Some(bytes) = self.link.take_output() {
            return Some(Output::Transmit(bytes));
        }
        self.events.pop_front().map(Output::Event)
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

    /// Where the session stands, for a status page. When the connection ends without a word, this is what the
    /// server was asked for. [WIRE 200]
    #[must_use]
    pub fn step(&self) -> Step {
        self.state.step()
    }

    /// The message stream that the server gave us, once it did.
    #[must_use]
    pub fn stream(&self) -> Option<MessageStreamId> {
        self.state.stream()
    }

    /// Sends one message of the stream that is published: audio, video, or data from the event name on. Metadata
    /// (`onMetaData`) gets `@setDataFrame` in front. [WIRE 189]
    ///
    /// # Errors
    /// [`ApiMisuse::NotPublishing`] before [`Event::Started`], after
    /// [`stop`](Self::stop), or on a session that plays. [`SessionError::LimitExceeded`] for a message that is
    /// longer than RTMP can say, 16,777,215 bytes.
    pub fn send_media(
        &mut self,
        _now: Instant,
        kind: MediaKind,
        timestamp: u32,
        payload: &Bytes,
    ) -> Result<(), SessionError> {
        let State::Started { stream } = self.state else {
            return Err(ApiMisuse::NotPublishing.into());
        };
        if self.config.role != Role::Publish {
            return Err(ApiMisuse::NotPublishing.into());
        }
        let is_metadata = kind == MediaKind::Data && payload.starts_with(ON_META_DATA);
        let prefix: &[u8] = if is_metadata { SET_DATA_FRAME } else { b"" };
        let len = payload.len().saturating_add(prefix.len());
        check_media_bytes(len)?;
        let parts: &[&[u8]] = &[prefix, payload];
        match kind {
            MediaKind::Data => self.link.send_data(stream, timestamp, parts),
            MediaKind::Audio | MediaKind::Video => {
                self.link.send_media(stream, kind, timestamp, parts);
            }
        }
        Ok(())
    }

    /// Says goodbye: FCUnpublish and deleteStream when publishing, deleteStream when playing. Send what
    /// `poll_output` gives, then close. [WIRE 188]
    pub fn stop(&mut self, _now: Instant) {
        let was_announced =
            self.state.step() >= Step::CreatingStream && self.state.step() < Step::Stopped;
        if was_announced && self.config.role == Role::Publish {
            let transaction = self.next_transaction();
            let command = request::fc_unpublish(self.config.url.stream_name(), transaction);
            self.send_connection_command(&command);
        }
        if was_announced && let Some(stream) = self.state.stream() {
            let transaction = self.next_transaction();
            self.send_connection_command(&request::delete_stream(stream, transaction));
        }
        self.halt();
    }

    fn take_in(&mut self, now: Instant, mut input: &[u8]) -> Result<(), SessionError> {
        if let State::Handshaking { handshake, .. } = &mut self.state {
            match handshake.handle_bytes(&mut input, self.link.raw_output())? {
                Progress::NeedsBytes => return Ok(()),
                Progress::Done => self.connect(now),
            }
        }
        while self.state.step() != Step::Stopped
            && let Some(message) = self.link.decode(now, &mut input)?
        {
            self.on_message(now, &message)?;
        }
        Ok(())
    }

    fn connect(&mut self, now: Instant) {
        // The link says Set Chunk Size in front of it. [WIRE 185]
        let transaction = self.next_transaction();
        let command = request::connect(&self.config, transaction);
        self.send_connection_command(&command);
        let deadline = state::deadline(now, REPLY_TIMEOUT);
        self.enter(State::Connecting {
            transaction,
            deadline,
        });
    }

    fn enter(&mut self, state: State) {
        self.events.push_back(Event::Stepped(state.step()));
        self.state = state;
    }

    /// Nothing more is sent, and nothing that comes counts.
    fn halt(&mut self) {
        let stream = self.state.stream();
        self.state = State::Stopped { stream };
    }

    const fn has_started(&self) -> bool {
        matches!(self.state, State::Started { .. })
    }

    fn next_transaction(&mut self) -> TransactionId {
        self.transactions = self.transactions.saturating_add(1);
        TransactionId::new(f64::from(self.transactions))
    }

    fn send_connection_command(&mut self, command: &Command) {
        let (chunk_stream, stream) = (ChunkStreamId::COMMAND, MessageStreamId::CONNECTION);
        self.link.send_command(chunk_stream, stream, command);
    }

    /// What was waited for in vain.
    fn overdue(&self) -> String {
        let what = match (self.state.step(), self.config.role) {
            (Step::Handshaking, _) => {
                return format!(
                    "no end of the handshake within {} s",
                    HANDSHAKE_TIMEOUT.as_secs()
                );
            }
            (Step::Connecting, _) => "no answer to connect",
            (Step::CreatingStream, _) => "no answer to createStream",
            (_, Role::Publish) => "no NetStream.Publish.Start",
            (_, Role::Play) => "neither NetStream.Play.Start nor media",
        };
        format!("{what} within {} s", REPLY_TIMEOUT.as_secs())
    }
}

/// Shows where it stands; what waits to be sent may hold the key.
impl fmt::Debug for ClientSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSession")
            .field("role", &self.config.role)
            .field("step", &self.state.step())
            .field("stream", &self.state.stream())
            .finish_non_exhaustive()
    }
}
