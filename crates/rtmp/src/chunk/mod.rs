//! The chunk stream: messages cut into chunks and put together again. [RTMP 5.3]
//!
//! [`Decoder`] takes bytes in any split and gives whole [`Message`]s. [`encode`] appends one whole message as a
//! wire image that may be shared between connections with the same chunk size.

mod budget;
mod decoder;
mod encoder;
mod header;
mod stream;

pub use decoder::{ChunkError, Decoder};
pub use encoder::{ChunkHead, Header, encode, encode_parts, encoded_len, message_len};

use bytes::Bytes;

use crate::message::{MessageStreamId, MessageType};

/// Chunk size of each direction until it is changed. [RTMP 5.4.1] [WIRE 039]
pub const CHUNK_SIZE_DEFAULT: u32 = 128;
/// Chunk size of everything that our server sends: most frames fit in one chunk, and old stacks fail above it.
pub const SERVER_CHUNK_SIZE: u32 = 65_536;
/// Chunk size of everything that our client sends: what the most used encoder announces.
pub const CLIENT_CHUNK_SIZE: u32 = 4_096;
/// Largest legal chunk size. [RTMP 5.4.1] [WIRE 041]
pub const CHUNK_SIZE_MAX: u32 = 0x7fff_ffff;

/// Identifies a chunk stream: 2 to 65,599. [RTMP 5.3.1.1]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkStreamId(u32);

impl ChunkStreamId {
    /// 2: protocol control and user control.
    pub const CONTROL: Self = Self(2);
    /// 3: commands of the connection.
    pub const COMMAND: Self = Self(3);
    /// 4: audio.
    pub const AUDIO: Self = Self(4);
    /// 5: commands and statuses of a message stream.
    pub const STREAM: Self = Self(5);
    /// 6: video.
    pub const VIDEO: Self = Self(6);
    /// 7: data that belongs to media.
    pub const DATA: Self = Self(7);
    /// The largest id that the basic header can say.
    pub const MAX: Self = Self(65_599);

    /// The id, or `None` outside 2 to 65,599.
    #[must_use]
    pub const fn new(id: u32) -> Option<Self> {
        if id >= 2 && id <= Self::MAX.0 {
            Some(Self(id))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A reassembled message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which chunk stream carried it; nothing may depend on it.
    pub chunk_stream: ChunkStreamId,
    /// What it is.
    pub message_type: MessageType,
    /// The message stream that it belongs to.
    pub stream: MessageStreamId,
    /// Milliseconds, modulo 2^32.
    pub timestamp: u32,
    /// The body.
    pub payload: Bytes,
}
