//! How a connection's task ends.

use crate::registry::WorkerId;
use crate::telemetry::CloseReason;

use super::Request;

/// Why the loop of a connection is over.
#[derive(Debug)]
pub(super) enum End {
    /// The connection closes.
    Closed(CloseReason),
    /// It goes on at the worker where its stream lives.
    Moves(WorkerId, Box<Request>),
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> Self {
        Self::Closed(reason)
    }
}
