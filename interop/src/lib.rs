//! Real encoders, players and servers against the `bongsu` binary: what the tests in `tests/` share.
//!
//! One file in `tests/` is one behaviour. Every test starts its own relay, destinations and clients on ports of their
//! own; its logs and recordings stay in `target/interop/<test>`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of tests fails the test by panicking"
)]

pub mod audience;
pub mod heard;
pub mod hostile;
pub mod publisher;
pub mod rewrite;
pub mod stage;
