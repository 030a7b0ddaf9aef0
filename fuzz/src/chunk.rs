//! Chunks to messages and back.

use std::time::Instant;

use bongsu_rtmp::chunk::{ChunkError, Decoder, Header, Message, encode, encoded_len};
use bongsu_rtmp::limits::{AmfLimits, Limits};
use bongsu_rtmp::{MessageStreamId, MessageType};
use bytes::BytesMut;

use crate::speech;
use crate::steer::{Cuts, Steer};
use crate::wire::Voice;

/// Longest input.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// Limits that small inputs reach.
const TIGHT: Limits = Limits {
    media_bytes: 300,
    amf_body_bytes: 200,
    control_bytes: 16,
    chunk_streams: 3,
    partial_bytes: 400,
    chunk_headers_per_second: 64,
    amf: AmfLimits {
        depth: 4,
        values: 16,
    },
};

/// A peer's chunks, whole, split, and with media held back and let go.
///
/// All three give the same messages and the same error; the limits hold at every step; the messages, encoded again
/// with any chunk size, come back.
pub fn chunk(input: &[u8]) {
    if input.len() > INPUT_BYTES_MAX {
        return;
    }
    let mut steer = Steer::new(input);
    let mode = steer.byte();
    let limits =
        [TIGHT, Limits::before_authorisation(), Limits::authorised()][usize::from(mode & 3) % 3];
    let cuts = Cuts::of(&mut steer);
    let chunk_size = u32::from(steer.u16()) + 1;
    let made;
    let bytes = if mode & 4 == 0 {
        steer.rest()
    } else {
        made = speech::server_hears(&mut steer, Voice::new());
        &made
    };
    let now = Instant::now();
    let whole = Heard::of(limits, now, [bytes]);
    assert_eq!(whole, Heard::of(limits, now, cuts.pieces(bytes)), "split");
    assert_eq!(whole, Heard::held(limits, now, bytes), "held");
    check_encoded(&whole.messages, chunk_size);
}

/// All that a decoder gave.
#[derive(Debug, PartialEq)]
struct Heard {
    messages: Vec<Message>,
    error: Option<ChunkError>,
    /// Chunk size and bytes of incomplete messages, unless it failed.
    left: Option<(u32, usize)>,
}

impl Heard {
    fn of<'a>(limits: Limits, now: Instant, pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut decoder = Decoder::new(limits);
        let mut messages = Vec::new();
        for piece in pieces {
            let mut rest = piece;
            decoder.set_now(now);
            loop {
                let decoded = decoder.decode(&mut rest);
                assert!(!decoder.is_holding());
                match decoded {
                    Ok(Some(message)) => {
                        check_bounds(&decoder, &message, &limits);
                        messages.push(message);
                    }
                    Ok(None) => break,
                    Err(error) => return Self::failed(messages, error),
                }
            }
            assert!(rest.is_empty(), "bytes were left");
            assert!(decoder.partial_bytes() <= limits.partial_bytes as usize);
        }
        let left = Some((decoder.chunk_size(), decoder.partial_bytes()));
        let error = None;
        Self {
            messages,
            error,
            left,
        }
    }

    /// Media is held before each message and let go at once.
    fn held(limits: Limits, now: Instant, bytes: &[u8]) -> Self {
        let mut decoder = Decoder::new(limits);
        decoder.set_now(now);
        let mut rest = bytes;
        let mut messages = Vec::new();
        loop {
            decoder.set_hold_media(true);
            let mut decoded = decoder.decode(&mut rest);
            let was_held = decoder.is_holding();
            if was_held {
                assert_eq!(decoded, Ok(None));
                let before = rest.len();
                assert_eq!(decoder.decode(&mut rest), Ok(None), "held twice");
                assert_eq!(rest.len(), before, "held bytes were taken");
                decoder.set_hold_media(false);
                decoded = decoder.decode(&mut rest);
            }
            match decoded {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return Self::failed(messages, error),
            }
        }
        let left = Some((decoder.chunk_size(), decoder.partial_bytes()));
        let error = None;
        Self {
            messages,
            error,
            left,
        }
    }

    fn failed(messages: Vec<Message>, error: ChunkError) -> Self {
        Self {
            messages,
            error: Some(error),
            left: None,
        }
    }
}

fn check_bounds(decoder: &Decoder, message: &Message, limits: &Limits) {
    assert!(decoder.partial_bytes() <= limits.partial_bytes as usize);
    assert!(decoder.chunk_size() > 0);
    let max = match message.message_type {
        kind if kind.is_control() => limits.control_bytes,
        MessageType::Audio | MessageType::Video | MessageType::Aggregate => limits.media_bytes,
        MessageType::Unknown(_) => limits.media_bytes,
        _ => limits.amf_body_bytes,
    };
    assert!(message.payload.len() <= max as usize, "{message:?}");
}

/// What we write is read back, whatever the chunk size. Messages that act on the decoder are left out.
fn check_encoded(messages: &[Message], chunk_size: u32) {
    let sent: Vec<&Message> = messages
        .iter()
        .filter(|message| {
            !matches!(
                message.message_type,
                MessageType::SetChunkSize | MessageType::Abort
            )
        })
        .collect();
    let mut out = BytesMut::new();
    let set = Header {
        chunk_stream: bongsu_rtmp::ChunkStreamId::CONTROL,
        message_type: MessageType::SetChunkSize,
        stream: MessageStreamId::CONNECTION,
        timestamp: 0,
    };
    encode(&mut out, &set, &chunk_size.to_be_bytes(), 128);
    for message in &sent {
        let header = Header {
            chunk_stream: message.chunk_stream,
            message_type: message.message_type,
            stream: message.stream,
            timestamp: message.timestamp,
        };
        let before = out.len();
        encode(&mut out, &header, &message.payload, chunk_size);
        let len = encoded_len(&header, message.payload.len(), chunk_size);
        assert_eq!(out.len() - before, len);
    }
    let limits = Limits {
        chunk_streams: 65,
        ..Limits::authorised()
    };
    let heard = Heard::of(limits, Instant::now(), [&out[..]]);
    assert_eq!(heard.error, None);
    let [first, heard @ ..] = &heard.messages[..] else {
        panic!("Set Chunk Size is missing");
    };
    assert_eq!(first.message_type, MessageType::SetChunkSize);
    assert!(heard.iter().eq(sent), "what was written was not read back");
}
