//! What each fuzz target does with one input: one function per target.
//!
//! A target asserts what must hold for any bytes, not only that nothing panics: every split gives the same, what is
//! written is read back as it was, limits hold, and nothing shows a key. Inputs of the structured kind begin with a
//! few bytes that steer (how to split, where to start); see [`steer::Steer`].
//!
//! The functions know nothing of the engine. `fuzz_targets/` hands them to libFuzzer, `tests/replay.rs` feeds them the
//! files under `corpus/`.

mod amf;
mod chunk;
mod client;
mod config;
mod flv;
mod handshake;
mod message;
mod server;
mod shape;
mod speech;
mod steer;
mod url;
mod wire;

pub use amf::{amf0, amf3};
pub use chunk::chunk;
pub use client::client_session;
pub use config::config;
pub use flv::flv;
pub use handshake::handshake;
pub use message::message;
pub use server::server_session;
pub use url::url;

/// Reads one input.
pub type Target = fn(&[u8]);

/// Every target with the name of its corpus.
pub const TARGETS: [(&str, Target); 10] = [
    ("amf0", amf0),
    ("amf3", amf3),
    ("chunk", chunk),
    ("client_session", client_session),
    ("config", config),
    ("flv", flv),
    ("handshake", handshake),
    ("message", message),
    ("server_session", server_session),
    ("url", url),
];
