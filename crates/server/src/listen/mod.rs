//! Where connections come in: listeners, permits per address, and the way to a worker.

mod accept;
mod permits;

pub(crate) use accept::accept_all;
pub(crate) use permits::{Permit, Permits, TurnedAway};
