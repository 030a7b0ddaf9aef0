//! Chunks: messages in pieces.

use std::collections::HashMap;
use std::iter;

use bytes::{Buf, Bytes, BytesMut};

/// One RTMP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Message type id.
    pub type_id: u8,
    /// Message stream id.
    pub stream: u32,
    /// Absolute time in milliseconds.
    pub timestamp: u32,
    /// The body.
    pub payload: Bytes,
}

#[derive(Debug, Default)]
struct ChunkStream {
    timestamp: u32,
    delta: u32,
    length: usize,
    type_id: u8,
    stream: u32,
    extended: bool,
    body: BytesMut,
}

/// Puts messages together.
#[derive(Debug)]
pub struct Reader {
    input: BytesMut,
    streams: HashMap<u32, ChunkStream>,
    chunk_size: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            input: BytesMut::new(),
            streams: HashMap::new(),
            chunk_size: 128,
        }
    }
}

impl Reader {
    /// Adds bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// The next whole message. A new chunk size takes effect at once and is handed out as well.
    pub fn next_message(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.next_chunk()? {
                if message.type_id == 1 {
                    let size = message
                        .payload
                        .first_chunk::<4>()
                        .copied()
                        .map(u32::from_be_bytes);
                    self.chunk_size = size
                        .and_then(|size| usize::try_from(size).ok())
                        .unwrap_or(self.chunk_size);
                }
                return Some(message);
            }
        }
    }

    /// Outer `None`: more bytes are needed. Inner `None`: the message goes on.
    fn next_chunk(&mut self) -> Option<Option<Message>> {
        let mut head: &[u8] = &self.input;
        let first = byte(&mut head)?;
        let id = match first & 0x3f {
            0 => 64 + u32::from(byte(&mut head)?),
            1 => 64 + u32::from(byte(&mut head)?) + 256 * u32::from(byte(&mut head)?),
            id => u32::from(id),
        };
        let format = first >> 6;
        let stream = self.streams.entry(id).or_default();
        let fresh = stream.body.is_empty();
        let (mut time, mut length, mut type_id, mut on) =
            (stream.delta, stream.length, stream.type_id, stream.stream);
        let mut extended = stream.extended;
        if format < 3 {
            time = uint(&mut head, 3)?;
            extended = time == 0x00ff_ffff;
        }
        if format < 2 {
            length = usize::try_from(uint(&mut head, 3)?).ok()?;
            type_id = byte(&mut head)?;
        }
        if format == 0 {
            on = uint(&mut head, 4)?.swap_bytes();
        }
        if extended {
            let value = uint(&mut head, 4)?;
            if format < 3 {
                time = value;
            }
        }
        let piece = (length - stream.body.len()).min(self.chunk_size);
        if head.len() < piece {
            return None;
        }
        let consumed = self.input.len() - head.len();
        if fresh {
            stream.timestamp = if format == 0 {
                time
            } else {
                stream.timestamp.wrapping_add(time)
            };
        }
        (stream.delta, stream.length, stream.type_id, stream.stream) = (time, length, type_id, on);
        stream.extended = extended;
        self.input.advance(consumed);
        stream.body.extend_from_slice(&self.input.split_to(piece));
        if stream.body.len() < length {
            return Some(None);
        }
        Some(Some(Message {
            type_id,
            stream: on,
            timestamp: stream.timestamp,
            payload: stream.body.split().freeze(),
        }))
    }
}

/// Writes a message: a full header, then continuations.
pub(crate) fn write(out: &mut Vec<u8>, id: u8, message: &Message, chunk_size: usize) {
    let short = message.timestamp.min(0x00ff_ffff);
    out.push(id);
    out.extend(&short.to_be_bytes()[1..]);
    let length = u32::try_from(message.payload.len()).expect("a message of at most 16 MiB");
    out.extend(&length.to_be_bytes()[1..]);
    out.push(message.type_id);
    out.extend(message.stream.to_le_bytes());
    // A message of no bytes has one chunk as well.
    let payload = &message.payload;
    let first = payload.get(..chunk_size).unwrap_or(payload);
    let rest = payload.get(chunk_size..).unwrap_or_default();
    for (index, piece) in iter::once(first).chain(rest.chunks(chunk_size)).enumerate() {
        if index > 0 {
            out.push(0xc0 | id);
        }
        if short == 0x00ff_ffff {
            out.extend(message.timestamp.to_be_bytes());
        }
        out.extend(piece);
    }
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

/// A number of `width` bytes, the largest part first.
fn uint(bytes: &mut &[u8], width: usize) -> Option<u32> {
    let (head, rest) = bytes.split_at_checked(width)?;
    *bytes = rest;
    Some(
        head.iter()
            .fold(0, |number, byte| number << 8 | u32::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(timestamp: u32, length: usize) -> Message {
        Message {
            type_id: 9,
            stream: 1,
            timestamp,
            payload: vec![7; length].into(),
        }
    }

    #[test]
    fn what_is_written_is_read_byte_by_byte() {
        let messages = [message(5, 0), message(40, 300), message(0x0100_0000, 300)];
        let mut bytes = Vec::new();
        for message in &messages {
            write(&mut bytes, 6, message, 128);
        }
        let mut reader = Reader::default();
        let mut read = Vec::new();
        for byte in bytes {
            reader.feed(&[byte]);
            read.extend(reader.next_message());
        }
        assert_eq!(read, messages);
    }
}
