//! Feeding bytes to a decoder in different pieces.

use bongsu_rtmp::chunk::{ChunkError, Decoder, Message};
use bongsu_rtmp::{ChunkStreamId, Limits, MessageStreamId, MessageType};
use bytes::Bytes;

/// What came out of a decoder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    pub(crate) messages: Vec<Message>,
    pub(crate) error: Option<ChunkError>,
    pub(crate) partial_bytes: usize,
}

impl Outcome {
    /// The messages of an outcome without an error.
    pub(crate) fn whole(self) -> Vec<Message> {
        assert_eq!(self.error, None);
        self.messages
    }

    pub(crate) fn timestamps(self) -> Vec<u32> {
        self.whole()
            .iter()
            .map(|message| message.timestamp)
            .collect()
    }
}

/// Bytes from hex digits; white space means nothing.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| digit.to_digit(16).expect("a hex digit"))
        .collect();
    assert!(
        digits.len().is_multiple_of(2),
        "an odd number of hex digits"
    );
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits"))
        .collect()
}

/// Byte i is i modulo 256.
pub(crate) fn numbered(len: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(len).collect()
}

/// Feeds the pieces until they end or an error comes.
pub(crate) fn feed<'a>(
    decoder: &mut Decoder,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut outcome = Outcome::default();
    'pieces: for piece in pieces {
        let mut input = piece;
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(message)) => outcome.messages.push(message),
                Ok(None) => break,
                Err(error) => {
                    outcome.error = Some(error);
                    break 'pieces;
                }
            }
        }
        assert!(input.is_empty(), "without holding all input is taken");
    }
    outcome.partial_bytes = decoder.partial_bytes();
    outcome
}

/// Decodes `bytes` whole, byte by byte and cut once at each place; all must agree. [WIRE 046]
pub(crate) fn decode(bytes: &[u8]) -> Outcome {
    decode_with(Limits::authorised(), bytes)
}

/// As [`decode`], within these limits.
pub(crate) fn decode_with(limits: Limits, bytes: &[u8]) -> Outcome {
    let whole = feed(&mut Decoder::new(limits), [bytes]);
    let single = feed(&mut Decoder::new(limits), bytes.chunks(1));
    assert_same(&whole, &single, "byte by byte");
    for cut in 0..bytes.len().min(600) {
        let (front, back) = bytes.split_at(cut);
        let halves = feed(&mut Decoder::new(limits), [front, back]);
        assert_same(&whole, &halves, &format!("cut at {cut}"));
    }
    whole
}

/// Messages and error must agree; after an error the rest of the state is nobody's business.
pub(crate) fn assert_same(whole: &Outcome, split: &Outcome, how: &str) {
    assert_eq!(whole.messages, split.messages, "{how}");
    assert_eq!(whole.error, split.error, "{how}");
    if whole.error.is_none() {
        assert_eq!(whole.partial_bytes, split.partial_bytes, "{how}");
    }
}

pub(crate) fn csid(id: u32) -> ChunkStreamId {
    ChunkStreamId::new(id).expect("a legal chunk stream id")
}

/// A message on message stream 1.
pub(crate) fn message(
    chunk_stream: u32,
    message_type: MessageType,
    timestamp: u32,
    payload: impl Into<Bytes>,
) -> Message {
    Message {
        chunk_stream: csid(chunk_stream),
        message_type,
        stream: MessageStreamId(1),
        timestamp,
        payload: payload.into(),
    }
}

/// A type 0 header with a short timestamp, on message stream 1.
pub(crate) fn full_header(chunk_stream: u8, timestamp: u32, length: usize, kind: u8) -> Vec<u8> {
    let time = timestamp.to_be_bytes();
    let length = u32::try_from(length)
        .expect("a 24-bit length")
        .to_be_bytes();
    let mut header = vec![chunk_stream];
    header.extend_from_slice(&time[1..]);
    header.extend_from_slice(&length[1..]);
    header.push(kind);
    header.extend_from_slice(&[1, 0, 0, 0]);
    header
}

/// A Set Chunk Size message on chunk stream 2, in a single chunk.
pub(crate) fn set_chunk_size(size: u32) -> Vec<u8> {
    let mut bytes = hex("02000000 00000401 00000000");
    bytes.extend_from_slice(&size.to_be_bytes());
    bytes
}
