//! What the tests are made of: media, real peers as processes, scripted peers, and comparison packet for packet.
//!
//! A test starts servers and clients with [`Bongsu`], [`Nginx`] and [`clients`], feeds them a [`Fixture`], waits for
//! conditions with [`wait::until`], never for a fixed time, and compares what arrived with [`compare`]. Everything
//! that a test starts ends with the value that stands for it; logs and recordings stay in `target/interop`.
//!
//! Helpers panic with a sentence: in a test that is the failure's text.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper of tests fails the test by panicking"
)]

mod bongsu;
pub mod clients;
pub mod compare;
pub mod crowd;
pub mod http;
mod media;
mod nginx;
mod place;
mod ports;
mod process;
mod proxy;
pub mod raw;
pub mod results;
mod tool;
pub mod vlc;
pub mod wait;

pub use bongsu::Bongsu;
pub use media::Fixture;
pub use nginx::Nginx;
pub use place::RunDir;
pub use ports::free_port;
pub use process::{Process, Signal};
pub use proxy::Proxy;
pub use tool::Tool;
