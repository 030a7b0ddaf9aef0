//! Dialogues with a server session: a client says, the server answers, at a time.
#![allow(clippy::unwrap_used, reason = "the helpers are part of the tests")]

mod connecting;
mod deadlines;
mod encoders;
mod golden;
mod hostile;
mod players;
mod playing;
mod publishing;
mod reconnect;
mod script;
mod several;
mod tables;
#[path = "../client_session/told.rs"]
mod told;
