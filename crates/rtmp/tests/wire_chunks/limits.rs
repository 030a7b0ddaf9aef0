//! Each limit of the chunk layer: at it, and one past it.

use std::time::{Duration, Instant};

use bongsu_rtmp::chunk::{ChunkError, Decoder};
use bongsu_rtmp::limits::{
    AMF_BODY_BYTES_MAX, CHUNK_STREAMS_BEFORE_AUTHORISATION_MAX, CHUNK_STREAMS_MAX,
    CONTROL_BYTES_MAX, MEDIA_BYTES_MAX, MESSAGE_BYTES_BEFORE_AUTHORISATION_MAX,
    PARTIAL_BYTES_BEFORE_AUTHORISATION_MAX, PARTIAL_BYTES_MAX,
};
use bongsu_rtmp::{Limit, LimitExceeded, Limits, MessageType};

use crate::support::{decode_with, feed, full_header, hex, message, set_chunk_size};

fn exceeded(limit: Limit, got: u32, max: u32) -> Option<ChunkError> {
    Some(ChunkError::Limit(LimitExceeded {
        limit,
        got: got.into(),
        max: max.into(),
    }))
}

const CONTROL: [u8; 6] = [1, 2, 3, 4, 5, 6];
const AMF: [u8; 6] = [15, 16, 17, 18, 19, 20];
const MEDIA: [u8; 6] = [8, 9, 22, 0, 7, 255];

fn assert_lengths(limits: Limits, kinds: [u8; 6], limit: Limit, max: u32) {
    for kind in kinds {
        let at = full_header(4, 0, max as usize, kind);
        assert_eq!(decode_with(limits, &at).error, None, "type {kind}");
        if max < 0xff_ffff {
            let past = full_header(4, 0, max as usize + 1, kind);
            let error = exceeded(limit, max + 1, max);
            assert_eq!(decode_with(limits, &past).error, error, "type {kind}");
        }
    }
}

/// [WIRE 203] The header alone is enough to refuse a message, by the limit of its kind.
#[test]
fn every_kind_of_message_has_its_length() {
    let strangers = Limits::before_authorisation();
    let known = Limits::authorised();
    let small = MESSAGE_BYTES_BEFORE_AUTHORISATION_MAX;
    assert_lengths(strangers, CONTROL, Limit::ControlBytes, CONTROL_BYTES_MAX);
    assert_lengths(known, CONTROL, Limit::ControlBytes, CONTROL_BYTES_MAX);
    assert_lengths(strangers, AMF, Limit::AmfBodyBytes, small);
    assert_lengths(known, AMF, Limit::AmfBodyBytes, AMF_BODY_BYTES_MAX);
    assert_lengths(strangers, MEDIA, Limit::MediaBytes, small);
    assert_lengths(known, MEDIA, Limit::MediaBytes, MEDIA_BYTES_MAX);
    let shrunk = Limits {
        media_bytes: 10,
        ..known
    };
    assert_lengths(shrunk, MEDIA, Limit::MediaBytes, 10);
}

/// [WIRE 203] A length that type 2 or 3 repeats is compared again: limits may have shrunk since.
#[test]
fn a_repeated_length_is_compared_too() {
    for next in ["84 000000", "c4"] {
        let mut decoder = Decoder::new(Limits::authorised());
        let first = [full_header(4, 0, 100, 8), vec![0; 100]].concat();
        feed(&mut decoder, [&first[..]]).whole();
        decoder.set_limits(Limits {
            media_bytes: 99,
            ..Limits::authorised()
        });
        let outcome = feed(&mut decoder, [&hex(next)[..]]);
        assert_eq!(outcome.error, exceeded(Limit::MediaBytes, 100, 99));
    }
}

/// [WIRE 048] The longest message of the wire arrives, in chunks and in one chunk.
#[test]
fn the_longest_message_arrives() {
    let payload = vec![7; 0xff_ffff];
    let whole = [
        set_chunk_size(0x7fff_ffff),
        full_header(6, 0, 0xff_ffff, 9),
        payload.clone(),
    ];
    let mut decoder = Decoder::new(Limits::authorised());
    let messages = feed(&mut decoder, [&whole.concat()[..]]).whole();
    assert_eq!(
        messages[1],
        message(6, MessageType::Video, 0, payload.clone())
    );

    let mut chunked = [set_chunk_size(65_536), full_header(6, 0, 0xff_ffff, 9)].concat();
    for (index, piece) in payload.chunks(65_536).enumerate() {
        if index > 0 {
            chunked.push(0xc6);
        }
        chunked.extend_from_slice(piece);
    }
    let mut decoder = Decoder::new(Limits::authorised());
    let messages = feed(&mut decoder, chunked.chunks(9_999)).whole();
    assert_eq!(messages[1], message(6, MessageType::Video, 0, payload));
    assert_eq!(decoder.partial_bytes(), 0);
}

/// [WIRE 201]
#[test]
fn chunk_streams_are_counted() {
    for (limits, max) in [
        (
            Limits::before_authorisation(),
            CHUNK_STREAMS_BEFORE_AUTHORISATION_MAX,
        ),
        (Limits::authorised(), CHUNK_STREAMS_MAX),
    ] {
        let mut bytes = Vec::new();
        for id in 0..max {
            bytes.push(0);
            bytes.push(u8::try_from(id).expect("a low id"));
            bytes.extend_from_slice(&full_header(0, 0, 1, 8)[1..]);
            bytes.push(0xaa);
        }
        assert_eq!(decode_with(limits, &bytes).whole().len(), usize::from(max));
        bytes.extend(full_header(5, 0, 1, 8));
        let error = exceeded(Limit::ChunkStreams, u32::from(max) + 1, max.into());
        assert_eq!(decode_with(limits, &bytes).error, error);
    }
}

/// [WIRE 201] The bytes of incomplete messages are counted over all chunk streams.
#[test]
fn partial_bytes_are_counted() {
    let limits = Limits {
        partial_bytes: 300,
        ..Limits::authorised()
    };
    let partial = |id| [full_header(id, 0, 200, 9), vec![0; 128]].concat();
    let two = [partial(4), partial(5)].concat();
    assert_eq!(decode_with(limits, &two).partial_bytes, 256);

    let at = [two.clone(), full_header(6, 0, 44, 9), vec![0; 44]].concat();
    assert_eq!(decode_with(limits, &at).whole().len(), 1);
    let past = [two, full_header(6, 0, 45, 9), vec![0; 45]].concat();
    let error = exceeded(Limit::PartialBytes, 301, 300);
    assert_eq!(decode_with(limits, &past).error, error);
}

/// [WIRE 201] The real figures: what strangers and publishers may have open at once.
#[test]
fn partial_bytes_end_at_the_real_limits() {
    for (limits, length, max) in [
        (
            Limits::before_authorisation(),
            MESSAGE_BYTES_BEFORE_AUTHORISATION_MAX,
            PARTIAL_BYTES_BEFORE_AUTHORISATION_MAX,
        ),
        (Limits::authorised(), MEDIA_BYTES_MAX, PARTIAL_BYTES_MAX),
    ] {
        let mut decoder = Decoder::new(limits);
        let size = length - 1;
        feed(&mut decoder, [&set_chunk_size(size)[..]]).whole();
        let mut sent = 0;
        let error = (4..).find_map(|id| {
            let header = full_header(id, 0, length as usize, 9);
            let bytes = [header, vec![0; size as usize]].concat();
            let outcome = feed(&mut decoder, [&bytes[..]]);
            assert!(decoder.partial_bytes() <= max as usize);
            sent += size;
            outcome.error
        });
        assert_eq!(error, exceeded(Limit::PartialBytes, max + 1, max));
        assert!(sent > max && sent <= max + length);
    }
}

/// [WIRE 215] A flood of one-byte chunks ends at the budget; time refills it.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test needs some instant to start from; which one changes nothing"
)]
fn chunk_headers_have_a_budget() {
    let limits = Limits {
        chunk_headers_per_second: 100,
        ..Limits::authorised()
    };
    let start = Instant::now();
    let mut decoder = Decoder::new(limits);
    decoder.set_now(start);
    feed(&mut decoder, [&set_chunk_size(1)[..]]).whole();
    let video = [full_header(6, 0, 1000, 9), vec![0]].concat();
    feed(&mut decoder, [&video[..]]).whole();
    let flood = |chunks: usize| [0xc6, 0].repeat(chunks);
    assert_eq!(
        feed(&mut decoder, [&flood(98)[..]]).error,
        None,
        "100 with both headers before"
    );

    decoder.set_now(start + Duration::from_millis(500));
    assert_eq!(feed(&mut decoder, [&flood(50)[..]]).error, None);
    assert_eq!(decoder.partial_bytes(), 149);
    let error = exceeded(Limit::ChunkHeadersPerSecond, 101, 100);
    assert_eq!(feed(&mut decoder, [&flood(1)[..]]).error, error);
}

/// [WIRE 041] [WIRE 215] Chunk size 1 works within the default budget.
#[test]
fn one_byte_chunks_decode() {
    let payload: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
    let mut bytes = [set_chunk_size(1), full_header(6, 3, payload.len(), 9)].concat();
    for (index, byte) in payload.iter().enumerate() {
        if index > 0 {
            bytes.push(0xc6);
        }
        bytes.push(*byte);
    }
    let mut decoder = Decoder::new(Limits::authorised());
    let messages = feed(&mut decoder, bytes.chunks(4096)).whole();
    assert_eq!(messages[1], message(6, MessageType::Video, 3, payload));
}
