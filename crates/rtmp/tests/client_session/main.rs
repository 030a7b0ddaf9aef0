//! The client session against a scripted server, and against the server session.
#![allow(clippy::unwrap_used, reason = "the helpers are part of the tests")]

mod acknowledgements;
mod failures;
mod far_times;
mod play;
mod publish;
mod redirects;
mod script;
mod split;
mod together;
mod told;
