//! RTMP 1.0 as plain values and state machines: bytes and time go in, messages and bytes come out.
//!
//! It holds the handshake, the chunk stream, AMF0 and AMF3, typed messages, URLs and the two sessions
//! ([`session`]). It deliberately has no sockets, no clock, no threads, no async and no randomness of its own:
//! the caller passes bytes, `now` and seeds. It does not look into audio or video payloads, keeps no policy
//! (who may publish is the caller's answer to a request) and speaks neither RTMPE nor RTMPT.
//!
//! Every parser gives the same result for every split of its input, holds memory only for bytes that came, and
//! is bounded by a [`limits::Limits`] value. Rules cite their source as `[RTMP 5.3.1.3]` (the Adobe document),
//! `[E-RTMP v2: ...]`, or `[WIRE 053]` (a numbered statement of `docs/spec-coverage.md`).
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]
#![deny(missing_docs)]

pub mod amf0;
pub mod amf3;
pub mod chunk;
pub mod handshake;
pub mod limits;
pub mod message;
mod reader;
pub mod session;
pub mod status;
pub mod text;
pub mod timestamp;
pub mod url;

pub use chunk::ChunkStreamId;
pub use limits::{Limit, LimitExceeded, Limits};
pub use message::{MessageStreamId, MessageType};
pub use text::Text;
