//! What a server session may be told.

use std::time::Duration;

use crate::chunk::SERVER_CHUNK_SIZE;
use crate::limits::Limits;
use crate::session::{Capabilities, limits};

/// Limits, deadlines and announcements of server sessions; all connections of a listener share one.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerConfig {
    /// Limits until a publish is accepted.
    pub limits_before: Limits,
    /// Limits once a publish is accepted.
    pub limits_publishing: Limits,
    /// Chunk size of all that we send, announced before the result of `connect`.
    pub chunk_size: u32,
    /// Time for the handshake.
    pub handshake_timeout: Duration,
    /// Time from the handshake to a request to publish or play, without our own decisions.
    pub request_timeout: Duration,
    /// Time without media after which a publisher is closed; `None` never closes one.
    pub publish_idle: Option<Duration>,
    /// Commands per second and the burst.
    pub commands_per_second: u32,
    /// Reply bytes that may wait for `poll_output`.
    pub unsent_bytes: usize,
    /// What we answer to a client that names Enhanced RTMP capabilities.
    pub capabilities: Capabilities,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            limits_before: Limits::before_authorisation(),
            limits_publishing: Limits::authorised(),
            chunk_size: SERVER_CHUNK_SIZE,
            handshake_timeout: limits::HANDSHAKE_TIMEOUT,
            request_timeout: limits::REQUEST_TIMEOUT,
            publish_idle: Some(limits::PUBLISH_IDLE_TIMEOUT),
            commands_per_second: limits::COMMANDS_PER_SECOND_MAX,
            unsent_bytes: limits::UNSENT_BYTES_MAX,
            capabilities: Capabilities::forwarding(),
        }
    }
}
