//! The RTMP relay as a library: listeners, sessions, fan-out, pushes, HTTP, configuration.
//!
//! [`Relay::bind`] takes a checked [`config::Config`] and opens the listeners; [`Relay::run`] serves until it is told
//! to drain or to stop. Media runs on worker threads, one stream on one of them; everything else (accepting, name
//! look-ups, HTTP) runs on the thread that called `run`, so that a slow request never delays a frame.
//!
//! What this crate deliberately does not do: know the wire (`bongsu-rtmp`), decide what a frame is (`bongsu-flv`) or
//! when it goes to whom (`bongsu-hub`), or read signals and arguments (the `bongsu` binary).

pub mod config;
mod egress;
mod http;
mod limits;
mod listen;
mod mailbox;
mod receiver;
mod registry;
mod relay;
mod run;
mod session;
mod shared;
mod snapshot;
mod start_error;
mod stream;
pub mod telemetry;
mod worker;

pub use run::{Command, Relay};
pub use start_error::StartError;
