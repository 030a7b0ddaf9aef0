//! The two sides of an RTMP connection as plain state machines: [`ServerSession`] and [`ClientSession`].
//!
//! A session is a struct. It takes bytes, the time and the caller's decisions, and gives bytes to send and
//! events. It has no socket, no clock, no task and no callback, so it can be tested byte by byte, moved between
//! threads, and laid aside.
//!
//! **The contract.** After every call that takes `&mut self`, call `poll_output` until it gives `None`. Then
//! wait for whichever comes first: bytes from the peer (`handle_bytes`), the instant of `poll_timeout`
//! (`handle_timeout`), or a decision of your own. Two rules keep memory bounded: stop reading the socket while
//! [`ServerSession::wants_bytes`] is false, and while bytes from `poll_output` wait for a slow peer.
//! Loops that keep the contract, for a server and for a client, are in [the crate's documentation](crate).
//!
//! **The end.** `Event::Closing` says that nothing more will come: send what `poll_output` gave, shut the write
//! side down, close. After an error from `handle_bytes` do the same; `poll_output` may hold a last answer.
//! A socket that ends by itself needs no call; a publish that was not reported as ended was lost.
//!
//! How a session and its streams live is drawn in `LIFECYCLE.md` beside this file, above the two state enums
//! (`server/connection_state.rs`, `server/stream_state.rs`), and in the tables under `tests/tables/`.

mod capabilities;
pub mod client;
mod error;
#[cfg(test)]
mod far_counts;
pub mod limits;
pub(crate) mod link;
pub mod server;

pub use capabilities::{Capabilities, CodecSupport};
pub use client::ClientSession;
pub use error::{ApiMisuse, Blame, Handling, LogLevel, PeerMisbehaved, SessionError};
pub use server::ServerSession;

use bytes::Bytes;

/// What a session gives: bytes for the peer, or an event for the caller.
#[derive(Debug, Clone, PartialEq)]
pub enum Output<E> {
    /// Bytes for the peer: one or more whole messages, so that bytes of other whole messages may go before or
    /// after them.
    Transmit(Bytes),
    /// Something that the caller acts on.
    Event(E),
}
