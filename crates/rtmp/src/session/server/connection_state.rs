//! Where a connection stands, seen from the server.
//!
//! ```text
//!   new
//!    |
//!    v
//!  Handshaking -------+
//!    |  C2            |
//!    v                |
//!  AwaitingConnect ---+
//!    |  connect       |  a deadline
//!    v                |  a refusal
//!  Deciding ----------+  the end of the last publish or play from our side
//!    |  accept        |  close
//!    v                |  an error
//!  Connected ---------+
//!                     |
//!                     v
//!                  Closed
//! ```
//!
//! What every state does with every event is in `tests/tables/server_connection.txt`.

use std::sync::Arc;
use std::time::Instant;

use super::streams::Streams;
use super::{ConnectInfo, RequestId};
use crate::handshake::server::Handshake;
use crate::message::TransactionId;

/// The states, each with what is valid in it only.
#[derive(Debug)]
pub(super) enum ConnectionState {
    /// C0, C1 or C2 is not complete.
    Handshaking {
        handshake: Handshake,
        /// `None` is beyond the clock's range.
        deadline: Option<Instant>,
    },
    /// The first command must be `connect`.
    AwaitingConnect,
    /// The caller has to decide about `connect`; no bytes are taken in.
    Deciding {
        request: RequestId,
        transaction: TransactionId,
        connect: Arc<ConnectInfo>,
    },
    /// Message streams may be used.
    Connected {
        connect: Arc<ConnectInfo>,
        streams: Streams,
    },
    /// Over: what comes is dropped, and nothing is said any more.
    Closed { connect: Option<Arc<ConnectInfo>> },
}

impl ConnectionState {
    /// C2 is complete.
    pub(super) fn on_handshake_done(&mut self) {
        debug_assert!(matches!(self, Self::Handshaking { .. }));
        *self = Self::AwaitingConnect;
    }

    /// The caller was asked about `connect`.
    pub(super) fn on_connect(
        &mut self,
        request: RequestId,
        transaction: TransactionId,
        connect: Arc<ConnectInfo>,
    ) {
        debug_assert!(matches!(self, Self::AwaitingConnect));
        *self = Self::Deciding {
            request,
            transaction,
            connect,
        };
    }

    /// The caller accepts `connect`: gives what the answer needs. `None` when another request is meant.
    pub(super) fn on_accept(
        &mut self,
        accepted: RequestId,
    ) -> Option<(TransactionId, Arc<ConnectInfo>)> {
        match self {
            Self::Deciding {
                request,
                transaction,
                connect,
            } if *request == accepted => {
                let answer = (*transaction, Arc::clone(connect));
                *self = Self::Connected {
                    connect: Arc::clone(&answer.1),
                    streams: Streams::default(),
                };
                Some(answer)
            }
            _ => None,
        }
    }

    /// The transaction of `connect`, if this is the request about it.
    pub(super) fn connect_request(&self, decided: RequestId) -> Option<TransactionId> {
        match self {
            Self::Deciding {
                request,
                transaction,
                ..
            } if *request == decided => Some(*transaction),
            _ => None,
        }
    }

    /// Nothing more may happen.
    pub(super) fn on_close(&mut self) {
        *self = Self::Closed {
            connect: self.connect().cloned(),
        };
    }

    pub(super) const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// What `connect` said, once it came and could be read.
    pub(super) const fn connect(&self) -> Option<&Arc<ConnectInfo>> {
        match self {
            Self::Handshaking { .. } | Self::AwaitingConnect => None,
            Self::Deciding { connect, .. } | Self::Connected { connect, .. } => Some(connect),
            Self::Closed { connect } => connect.as_ref(),
        }
    }

    /// The message streams of an accepted connection.
    pub(super) const fn streams(&self) -> Option<&Streams> {
        match self {
            Self::Connected { streams, .. } => Some(streams),
            _ => None,
        }
    }

    /// As [`streams`](Self::streams), to change them.
    pub(super) const fn streams_mut(&mut self) -> Option<&mut Streams> {
        match self {
            Self::Connected { streams, .. } => Some(streams),
            _ => None,
        }
    }

    /// The name of the state.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Handshaking { .. } => "Handshaking",
            Self::AwaitingConnect => "AwaitingConnect",
            Self::Deciding { .. } => "Deciding",
            Self::Connected { .. } => "Connected",
            Self::Closed { .. } => "Closed",
        }
    }
}
