//! Goal: faults that other RTMP software had are not possible here. Each test is named after the fault; what went wrong
//! there, and why it cannot here, is in `docs/known-faults.md`.
#![allow(clippy::unwrap_used, reason = "the helpers are part of the tests")]

mod amf;
mod chunks;
mod sequences;
mod sessions;

#[path = "../server_session/script.rs"]
mod script;
#[allow(dead_code, reason = "each test binary uses its part")]
#[path = "../wire_chunks/support.rs"]
mod support;
#[path = "../client_session/told.rs"]
mod told;
