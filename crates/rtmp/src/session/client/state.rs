//! Where a client session stands.
//!
//! ```text
//!         new: C0 C1
//!          |
//!          v
//!     Handshaking -------+
//!          |             |
//!          |  S0 S1 S2: SetChunkSize, connect
//!          v             |
//!     Connecting --------+
//!          |             |
//!          |  _result: WindowAcknowledgementSize, [releaseStream, FCPublish,] createStream
//!          v             |
//!     CreatingStream ----+
//!          |             |
//!          |  _result with a number: publish, or play and SetBufferLength
//!          v             |
//!     Requesting --------+  _error, status of level error, close, silence: Refused
//!          |             |
//!          |  NetStream.Publish.Start, NetStream.Play.Start, or the first message: Started
//!          v             |
//!     Started -----------+  status of level error, end of the stream, close: Ended
//!                        |
//!                        |  from each of them: stop: [FCUnpublish,] [deleteStream]; broken protocol
//!                        v
//!                     Stopped  takes bytes, and does nothing with them
//! ```

use std::time::{Duration, Instant};

use super::Step;
use crate::handshake::client::Handshake;
use crate::message::{MessageStreamId, TransactionId};
use crate::session::Capabilities;

/// The states, each with what is valid in it only.
#[derive(Debug)]
pub(super) enum State {
    /// C0 and C1 are sent, S2 is not complete.
    Handshaking {
        handshake: Box<Handshake>,
        deadline: Instant,
    },
    /// `connect` is sent.
    Connecting {
        transaction: TransactionId,
        deadline: Instant,
    },
    /// `createStream` is sent.
    CreatingStream {
        transaction: TransactionId,
        deadline: Instant,
        capabilities: Capabilities,
    },
    /// `publish` or `play` is sent.
    Requesting {
        transaction: TransactionId,
        deadline: Instant,
        capabilities: Capabilities,
        stream: MessageStreamId,
    },
    /// The server accepted.
    Started { stream: MessageStreamId },
    /// Refused, ended, stopped, or failed.
    Stopped { stream: Option<MessageStreamId> },
}

impl State {
    pub(super) const fn step(&self) -> Step {
        match self {
            Self::Handshaking { .. } => Step::Handshaking,
            Self::Connecting { .. } => Step::Connecting,
            Self::CreatingStream { .. } => Step::CreatingStream,
            Self::Requesting { .. } => Step::Requesting,
            Self::Started { .. } => Step::Started,
            Self::Stopped { .. } => Step::Stopped,
        }
    }

    pub(super) const fn stream(&self) -> Option<MessageStreamId> {
        match self {
            Self::Handshaking { .. } | Self::Connecting { .. } | Self::CreatingStream { .. } => {
                None
            }
            Self::Requesting { stream, .. } | Self::Started { stream } => Some(*stream),
            Self::Stopped { stream } => *stream,
        }
    }

    /// When the answer that is waited for is overdue.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Handshaking { deadline, .. }
            | Self::Connecting { deadline, .. }
            | Self::CreatingStream { deadline, .. }
            | Self::Requesting { deadline, .. } => Some(*deadline),
            Self::Started { .. } | Self::Stopped { .. } => None,
        }
    }

    /// The request that the server has not answered.
    pub(super) const fn transaction(&self) -> Option<TransactionId> {
        match self {
            Self::Connecting { transaction, .. }
            | Self::CreatingStream { transaction, .. }
            | Self::Requesting { transaction, .. } => Some(*transaction),
            Self::Handshaking { .. } | Self::Started { .. } | Self::Stopped { .. } => None,
        }
    }
}

/// `timeout` from `now`; at once where the clock ends.
pub(super) fn deadline(now: Instant, timeout: Duration) -> Instant {
    now.checked_add(timeout).unwrap_or(now)
}
