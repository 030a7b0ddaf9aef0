//! Where connections come in: listeners, permits per address, and the way to a worker.

mod accept;
mod address;
mod permits;
mod wrong_keys;

pub(crate) use accept::accept_all;
pub(crate) use permits::{Permit, Permits, TurnedAway};
pub(crate) use wrong_keys::WrongKeys;
