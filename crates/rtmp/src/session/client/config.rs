//! What a client session is told.

use crate::chunk::CLIENT_CHUNK_SIZE;
use crate::handshake::Seed;
use crate::limits::Limits;
use crate::session::Capabilities;
use crate::url::RtmpUrl;

/// What a client wants of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// To publish a stream.
    Publish,
    /// To play a stream.
    Play,
}

/// Where a client calls, what for, and its bounds. `Debug` shows no key: the URL masks itself.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Publish or play.
    pub role: Role,
    /// App, `tcUrl` and stream name come from it.
    pub url: RtmpUrl,
    /// Fills the handshake packets.
    pub seed: Seed,
    /// Limits of what the server may send.
    pub limits: Limits,
    /// Chunk size of all that we send, announced before `connect`.
    pub chunk_size: u32,
    /// What `connect` says of Enhanced RTMP.
    pub capabilities: Capabilities,
}

impl ClientConfig {
    /// What most clients want: the limits of a server that is trusted, chunks of [`CLIENT_CHUNK_SIZE`], and Enhanced
    /// RTMP announced as one who passes media on does. It says that you follow
    /// [`Event::ReconnectRequested`](super::Event::ReconnectRequested): if you do not, take
    /// [`Capabilities::RECONNECT`] out of `caps_ex`.
    #[must_use]
    pub fn new(role: Role, url: RtmpUrl, seed: Seed) -> Self {
        Self {
            role,
            url,
            seed,
            limits: Limits::authorised(),
            chunk_size: CLIENT_CHUNK_SIZE,
            capabilities: Capabilities::forwarding(),
        }
    }
}
