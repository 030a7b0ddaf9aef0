//! Messages to chunks.

use std::ops::Deref;

use bytes::BytesMut;

use super::ChunkStreamId;
use super::header::HeaderBytes;
use crate::message::{MessageStreamId, MessageType};
use crate::timestamp;

/// Longest payload that the length field can say.
const PAYLOAD_BYTES_MAX: usize = 0xff_ffff;

/// What stands in front of a message on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The chunk stream; peers accept 2 to 31. [WIRE 050]
    pub chunk_stream: ChunkStreamId,
    /// What the message is.
    pub message_type: MessageType,
    /// The message stream that it belongs to.
    pub stream: MessageStreamId,
    /// Milliseconds, modulo 2^32.
    pub timestamp: u32,
}

impl Header {
    /// The header of a message's first chunk, always type 0. [WIRE 051] [WIRE 054] [WIRE 058]
    #[must_use]
    pub fn first(&self, payload_len: usize) -> ChunkHead {
        let mut head = HeaderBytes::basic(0, self.chunk_stream);
        head.extend(&u24(timestamp::field(self.timestamp)));
        head.extend(&u24(wire_len(payload_len)));
        head.extend(&[self.message_type.id()]);
        head.extend(&self.stream.0.to_le_bytes());
        self.extend_timestamp(head)
    }

    /// The header of each further chunk: type 3 with the extended timestamp, if there is one. [WIRE 053]
    #[must_use]
    pub fn continuation(&self) -> ChunkHead {
        self.extend_timestamp(HeaderBytes::basic(3, self.chunk_stream))
    }

    fn extend_timestamp(&self, mut head: HeaderBytes) -> ChunkHead {
        if timestamp::is_extended(self.timestamp) {
            head.extend(&self.timestamp.to_be_bytes());
        }
        ChunkHead(head)
    }
}

/// The bytes of one chunk header, for callers that write payload slices without copying them.
#[derive(Debug, Clone, Copy)]
pub struct ChunkHead(HeaderBytes);

impl Deref for ChunkHead {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// Appends one whole message: a type 0 header, then type 3 continuations.
///
/// `chunk_size` 0 counts as 1. A payload over 16,777,215 bytes cannot be said on the wire and is cut there;
/// callers check first.
pub fn encode(out: &mut BytesMut, header: &Header, payload: &[u8], chunk_size: u32) {
    encode_parts(out, header, &[payload], chunk_size);
}

/// As [`encode`], with a payload in several pieces.
pub fn encode_parts(out: &mut BytesMut, header: &Header, payload: &[&[u8]], chunk_size: u32) {
    let payload_len = payload
        .iter()
        .map(|part| part.len())
        .fold(0, usize::saturating_add);
    out.reserve(encoded_len(header, payload_len, chunk_size));
    out.extend_from_slice(&header.first(payload_len));
    let continuation = header.continuation();
    let chunk_size = chunk_size.max(1) as usize;
    let mut chunk_room = chunk_size;
    let mut left = payload_len.min(PAYLOAD_BYTES_MAX);
    for part in payload {
        let mut part = part.get(..part.len().min(left)).unwrap_or_default();
        left = left.saturating_sub(part.len());
        while !part.is_empty() {
            if chunk_room == 0 {
                out.extend_from_slice(&continuation);
                chunk_room = chunk_size;
            }
            let (piece, rest) = part.split_at(part.len().min(chunk_room));
            out.extend_from_slice(piece);
            chunk_room = chunk_room.saturating_sub(piece.len());
            part = rest;
        }
    }
}

/// Bytes that [`encode`] appends for a payload of `payload_len` bytes.
#[must_use]
pub fn encoded_len(header: &Header, payload_len: usize, chunk_size: u32) -> usize {
    let payload_len = payload_len.min(PAYLOAD_BYTES_MAX);
    let chunks = payload_len.div_ceil(chunk_size.max(1) as usize);
    let continuations = chunks.saturating_sub(1);
    let continuation_bytes = continuations.saturating_mul(header.continuation().len());
    let first_bytes = header.first(payload_len).len();
    first_bytes
        .saturating_add(payload_len)
        .saturating_add(continuation_bytes)
}

/// Bytes of the message that begins here, as [`encode`] wrote it: headers and payload.
///
/// `None` when fewer than seven bytes are there, or when they do not begin as messages of [`encode`] on chunk streams
/// below 64 do. It finds the seams of what was encoded elsewhere in this program, not on the wire.
#[must_use]
pub fn message_len(encoded: &[u8], chunk_size: u32) -> Option<usize> {
    let [basic, time @ .., a, b, c] = encoded.first_chunk::<7>()?;
    if basic >> 6 != 0 {
        return None;
    }
    let number = |[a, b, c]: [u8; 3]| u32::from_be_bytes([0, a, b, c]);
    let header = Header {
        chunk_stream: ChunkStreamId::new(u32::from(*basic))?,
        message_type: MessageType::Abort,
        stream: MessageStreamId::CONNECTION,
        timestamp: number(*time),
    };
    let payload_len = usize::try_from(number([*a, *b, *c])).ok()?;
    Some(encoded_len(&header, payload_len, chunk_size))
}

/// What the length field says.
fn wire_len(payload_len: usize) -> u32 {
    u32::try_from(payload_len.min(PAYLOAD_BYTES_MAX)).unwrap_or_default()
}

/// The low three bytes, big-endian.
const fn u24(value: u32) -> [u8; 3] {
    let [_, a, b, c] = value.to_be_bytes();
    [a, b, c]
}
