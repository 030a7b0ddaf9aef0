//! Goal: `publish`, `play` and `probe` against a server that speaks RTMP: what arrives, texts and exit codes, and never
//! a key.
#![allow(clippy::unwrap_used)] // the helpers are part of the tests

mod play;
mod probe;
mod publish;
mod server;
mod tool;
