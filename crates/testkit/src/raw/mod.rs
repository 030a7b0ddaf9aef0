//! Scripted RTMP peers: what a test says, byte by byte, and what it hears.
//!
//! They share no code with the relay, so that a mistake cannot be on both sides.

mod amf;
mod chunks;
mod door;
mod peer;
mod sink;

pub use amf::Value;
pub use chunks::{Message, Reader};
pub use door::{Door, Manners};
pub use peer::{Peer, Status, connect_from};
pub use sink::{Publication, Sink};
