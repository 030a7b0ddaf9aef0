//! Basic and message headers of a chunk. [RTMP 5.3.1]

use super::ChunkStreamId;
use crate::message::{MessageStreamId, MessageType};
use crate::reader::Reader;
use crate::timestamp;

/// Bytes of the longest chunk header: basic, message, extended timestamp.
const HEADER_BYTES_MAX: usize = 3 + 11 + 4;
/// The first chunk stream id that needs a second byte; the long forms count from it.
const BASIC_ID_OFFSET: u32 = 64;

/// What a chunk begins with, without the state of its chunk stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkHeader {
    pub(super) chunk_stream: ChunkStreamId,
    pub(super) message: MessageHeader,
    /// Bytes on the wire. What a type 3 chunk repeats is not counted: only its chunk stream knows.
    pub(super) len: usize,
}

/// The four types of message header. [RTMP 5.3.1.2]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MessageHeader {
    /// Type 0: everything, with an absolute time.
    Full {
        time: Time,
        length: u32,
        message_type: MessageType,
        stream: MessageStreamId,
    },
    /// Type 1: the message stream of before.
    SameStream {
        delta: Time,
        length: u32,
        message_type: MessageType,
    },
    /// Type 2: message stream, length and type of before.
    SameShape { delta: Time },
    /// Type 3: everything of before, or more of the same message.
    Repeat,
}

/// A time or a delta, and whether it came in the extended field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) value: u32,
    pub(super) extended: bool,
}

impl MessageHeader {
    /// The number in the top two bits of the chunk.
    pub(super) const fn fmt(&self) -> u8 {
        match self {
            Self::Full { .. } => 0,
            Self::SameStream { .. } => 1,
            Self::SameShape { .. } => 2,
            Self::Repeat => 3,
        }
    }

    /// The message type that it says, or `None` for that of before.
    pub(super) const fn message_type(&self) -> Option<MessageType> {
        match self {
            Self::Full { message_type, .. } | Self::SameStream { message_type, .. } => {
                Some(*message_type)
            }
            Self::SameShape { .. } | Self::Repeat => None,
        }
    }
}

/// The header at the front of `bytes`, or `None` when it is not complete.
pub(super) fn parse(bytes: &[u8]) -> Option<ChunkHeader> {
    let mut reader = Reader::new(bytes);
    let first = reader.u8()?;
    // Both long forms reach 64 to 319; they mean the same chunk stream. [WIRE 020]
    let chunk_stream = match first & 0x3f {
        0 => u32::from(reader.u8()?).saturating_add(BASIC_ID_OFFSET),
        1 => u32::from(u16::from_le_bytes(reader.array()?)).saturating_add(BASIC_ID_OFFSET),
        id => u32::from(id),
    };
    let message = match first >> 6 {
        0 => full(&mut reader)?,
        1 => same_stream(&mut reader)?,
        2 => {
            let field = reader.u24()?;
            MessageHeader::SameShape {
                delta: time(&mut reader, field)?,
            }
        }
        _ => MessageHeader::Repeat,
    };
    Some(ChunkHeader {
        chunk_stream: ChunkStreamId(chunk_stream),
        message,
        len: bytes.len().saturating_sub(reader.len()),
    })
}

fn full(reader: &mut Reader<'_>) -> Option<MessageHeader> {
    let field = reader.u24()?;
    let length = reader.u24()?;
    let message_type = MessageType::from_id(reader.u8()?);
    // The only little-endian number of the chunk layer. [WIRE 022]
    let stream = MessageStreamId(reader.u32_le()?);
    let time = time(reader, field)?;
    Some(MessageHeader::Full {
        time,
        length,
        message_type,
        stream,
    })
}

fn same_stream(reader: &mut Reader<'_>) -> Option<MessageHeader> {
    let field = reader.u24()?;
    let length = reader.u24()?;
    let message_type = MessageType::from_id(reader.u8()?);
    let delta = time(reader, field)?;
    Some(MessageHeader::SameStream {
        delta,
        length,
        message_type,
    })
}

/// [RTMP 5.3.1.3] The extended field is there exactly when the short one is all ones. [WIRE 032]
fn time(reader: &mut Reader<'_>, field: u32) -> Option<Time> {
    let extended = field == timestamp::EXTENDED;
    let value = if extended { reader.u32()? } else { field };
    Some(Time { value, extended })
}

/// Bytes of one chunk header, on the way in or out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HeaderBytes {
    bytes: [u8; HEADER_BYTES_MAX],
    len: u8,
}

impl HeaderBytes {
    /// The basic header, in its shortest form. [RTMP 5.3.1.1]
    pub(super) fn basic(fmt: u8, chunk_stream: ChunkStreamId) -> Self {
        let mut bytes = Self::default();
        let high = fmt << 6;
        let id = chunk_stream.get();
        match id.checked_sub(BASIC_ID_OFFSET) {
            None => bytes.extend(&[high | id.to_le_bytes()[0]]),
            Some(rest) => match rest.to_le_bytes() {
                [low, 0, ..] => bytes.extend(&[high, low]),
                [low, middle, ..] => bytes.extend(&[high | 1, low, middle]),
            },
        }
        bytes
    }

    /// Appends bytes; there is room for every header.
    pub(super) fn extend(&mut self, more: &[u8]) {
        for &byte in more {
            if let Some(slot) = self.bytes.get_mut(usize::from(self.len)) {
                *slot = byte;
                self.len = self.len.saturating_add(1);
            }
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Moves one byte from `input` to the end; false when there is none.
    pub(super) fn pull(&mut self, input: &mut &[u8]) -> bool {
        let Some((&byte, rest)) = input.split_first() else {
            return false;
        };
        self.extend(&[byte]);
        *input = rest;
        true
    }

    /// Drops bytes from the front.
    pub(super) fn drop_front(&mut self, count: usize) {
        let mut kept = Self::default();
        kept.extend(self.as_slice().get(count..).unwrap_or_default());
        *self = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(bytes: &[u8]) -> Option<u32> {
        let full: Vec<u8> = bytes.iter().copied().chain([0; 11]).collect();
        parse(&full).map(|header| header.chunk_stream.get())
    }

    /// [WIRE 020] [WIRE 021] V09: each form of the basic header, and the shortest one when writing.
    #[test]
    fn basic_headers_of_one_two_and_three_bytes() {
        let rows: [(&[u8], u32, bool); 8] = [
            (&[0x02], 2, true),
            (&[0x3f], 63, true),
            (&[0x00, 0x00], 64, true),
            (&[0x01, 0x00, 0x00], 64, false),
            (&[0x00, 0xff], 319, true),
            (&[0x01, 0xff, 0x00], 319, false),
            (&[0x01, 0x00, 0x01], 320, true),
            (&[0x01, 0xff, 0xff], 65_599, true),
        ];
        for (bytes, id, shortest) in rows {
            assert_eq!(id_of(bytes), Some(id), "{bytes:02x?}");
            if shortest {
                let written = HeaderBytes::basic(0, ChunkStreamId(id));
                assert_eq!(written.as_slice(), bytes);
            }
        }
        assert_eq!(
            HeaderBytes::basic(3, ChunkStreamId(320)).as_slice(),
            [0xc1, 0x00, 0x01]
        );
    }

    /// A header is there only with its last byte, the extended timestamp included.
    #[test]
    fn no_header_before_its_last_byte() {
        let headers: [&[u8]; 6] = [
            &[0x04, 0, 0, 1, 0, 0, 2, 8, 1, 0, 0, 0],
            &[
                0x01, 0, 1, 0xff, 0xff, 0xff, 0, 0, 2, 8, 1, 0, 0, 0, 1, 0, 0, 0,
            ],
            &[0x44, 0, 0, 1, 0, 0, 2, 8],
            &[0x44, 0xff, 0xff, 0xff, 0, 0, 2, 8, 1, 0, 0, 0],
            &[0x84, 0xff, 0xff, 0xff, 1, 0, 0, 0],
            &[0xc0, 0x00],
        ];
        for header in headers {
            for end in 0..header.len() {
                assert_eq!(parse(&header[..end]), None, "{header:02x?} up to {end}");
            }
            assert_eq!(parse(header).map(|parsed| parsed.len), Some(header.len()));
        }
    }
}
