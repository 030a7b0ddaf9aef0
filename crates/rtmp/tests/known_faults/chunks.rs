//! Faults of the chunk layer.

use std::time::Duration;

use bongsu_rtmp::chunk::{ChunkError, Decoder, Message};
use bongsu_rtmp::limits::{CHUNK_HEADERS_PER_SECOND_MAX, CHUNK_STREAMS_MAX, MEDIA_BYTES_MAX};
use bongsu_rtmp::{Limit, Limits, MessageType};
use bytes::Bytes;

use crate::script::epoch;
use crate::support::{feed, full_header, hex, message, numbered, set_chunk_size};

const CHUNK_BYTES: usize = 128;

/// The headers that chunk stream 6 may open a message of `length` bytes with, by their type.
fn openings(length: usize) -> [Vec<u8>; 4] {
    let earlier = [full_header(6, 0, length, 9), numbered(length)].concat();
    let mut chunked = earlier[..12 + CHUNK_BYTES.min(length)].to_vec();
    for piece in earlier[12..].chunks(CHUNK_BYTES).skip(1) {
        chunked.push(0xc6);
        chunked.extend(piece);
    }
    let behind = |header: &str| [chunked.clone(), hex(header)].concat();
    let declared = &u32::try_from(length).unwrap().to_be_bytes()[1..];
    let short = [&hex("46 000010")[..], declared, &[9]].concat();
    [
        full_header(6, 0, length, 9),
        [chunked.clone(), short].concat(),
        behind("86 000010"),
        behind("c6"),
    ]
}

/// A message has begun; then a header on the same chunk stream says another length.
#[test]
fn length_changed_in_the_middle_of_a_message_ffmpeg_cve_2016_10191() {
    let other = [full_header(7, 0, 300, 8), vec![1; CHUNK_BYTES]].concat();
    for opening in openings(1_000) {
        for interleaved in [&[][..], &other] {
            for length in [60_000, 1_000, 200, 1, 0] {
                let declared = &u32::try_from(length).unwrap().to_be_bytes()[1..];
                for (fmt, header) in [
                    (0, full_header(6, 0, length, 9)),
                    (1, [&hex("46 000010")[..], declared, &[9]].concat()),
                    (2, hex("86 000010")),
                ] {
                    let begun = [&opening[..], &[7; CHUNK_BYTES], interleaved].concat();
                    let mut decoder = Decoder::new(Limits::authorised());
                    assert_eq!(feed(&mut decoder, [&begun[..]]).error, None);
                    let held = decoder.partial_bytes();
                    let body = vec![7; CHUNK_BYTES];
                    let outcome = feed(&mut decoder, [&header[..], &body]);
                    let error = ChunkError::HeaderInsideMessage { fmt, csid: 6 };
                    assert_eq!(outcome.error, Some(error));
                    assert!(outcome.messages.is_empty());
                    assert!(decoder.partial_bytes() <= held, "nothing grows");
                }
            }
        }
    }
}

/// Address space and resident memory of this process, in bytes.
fn memory() -> [u64; 2] {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let mut pages = pages.split(' ').map(|pages| pages.parse::<u64>().unwrap());
    std::array::from_fn(|_| pages.next().unwrap() << 12)
}

/// Other tests of this process take some memory too; what is declared here is a thousand times more.
fn assert_grows_by_at_most(before: [u64; 2], space: u64, resident: u64) {
    let now = memory();
    let grown: [u64; 2] = std::array::from_fn(|at| now[at].saturating_sub(before[at]));
    assert!(grown[0] <= space && grown[1] <= resident, "{grown:?}");
}

/// A chunk size of 2 GiB reserves nothing, whatever is announced; illegal ones are refused.
#[test]
fn chunk_size_as_large_as_it_can_be_nginx_rtmp_1042() {
    let before = memory();
    let mut decoders = Vec::new();
    for size in [1, 127, 128, 65_536, 0xff_ffff, 0x7fff_ffff] {
        for _ in 0..100 {
            let mut decoder = Decoder::new(Limits::authorised());
            let begun = [
                set_chunk_size(size),
                full_header(6, 0, MEDIA_BYTES_MAX as usize, 9),
                vec![7],
            ];
            assert_eq!(feed(&mut decoder, [&begun.concat()[..]]).error, None);
            assert_eq!(decoder.partial_bytes(), 1);
            decoders.push(decoder);
        }
    }
    assert_grows_by_at_most(before, 1 << 30, 16 << 20);
    for size in [0, 0x8000_0000, 0x8000_0001, u32::MAX] {
        let mut decoder = Decoder::new(Limits::authorised());
        let outcome = feed(&mut decoder, [&set_chunk_size(size)[..]]);
        assert_eq!(outcome.error, Some(ChunkError::ChunkSize(size)));
    }
}

/// 16 MiB on each of 64 chunk streams of 1,000 connections, and one byte of each: 1 TiB is declared.
#[test]
fn declared_sizes_are_allocated_red5_456() {
    let mut headers = set_chunk_size(1);
    for id in 0..u8::try_from(CHUNK_STREAMS_MAX - 1).unwrap() {
        let header = full_header(0, 0, MEDIA_BYTES_MAX as usize, 9);
        headers.extend([0, id]);
        headers.extend(&header[1..]);
        headers.push(7);
    }
    let before = memory();
    let decoders: Vec<Decoder> = (0..1_000)
        .map(|_| {
            let mut decoder = Decoder::new(Limits::authorised());
            feed(&mut decoder, [&headers[..]]).whole();
            decoder
        })
        .collect();
    let chunk_streams = 1_000 * u64::from(CHUNK_STREAMS_MAX);
    assert_grows_by_at_most(before, 1 << 30, chunk_streams << 10);
    let held = usize::from(CHUNK_STREAMS_MAX) - 1;
    assert!(
        decoders
            .iter()
            .all(|decoder| decoder.partial_bytes() == held)
    );
}

/// What a chunk header costs, in bytes of payload: the reason of the limit on headers says so.
const HEADER_WORK: u64 = 100;

/// Chunks of one byte, as fast as the line allows, cost no more than the limit on headers, and a peer with the smallest
/// chunks that encoders use reaches 200 Mbit/s beside it. Work is counted, not timed.
#[test]
fn chunks_of_one_byte_multiply_the_work_red5_475() {
    let start = epoch();
    let mut flooded = Decoder::new(Limits::authorised());
    flooded.set_now(start);
    let begun = [
        set_chunk_size(1),
        full_header(6, 0, MEDIA_BYTES_MAX as usize, 9),
        vec![7],
    ];
    feed(&mut flooded, [&begun.concat()[..]]).whole();
    let (mut headers, mut bytes) = (2_u64, 0_u64);
    let error = loop {
        let outcome = feed(&mut flooded, [&[0xc6, 7][..]]);
        if let Some(error) = outcome.error {
            break error;
        }
        (headers, bytes) = (headers + 1, bytes + 2);
    };
    let limit = |error: &ChunkError| match error {
        ChunkError::Limit(exceeded) => exceeded.limit,
        other => panic!("{other}"),
    };
    assert_eq!(limit(&error), Limit::ChunkHeadersPerSecond);
    assert_eq!(headers, u64::from(CHUNK_HEADERS_PER_SECOND_MAX));

    // 200 Mbit/s for three seconds, in chunks of 128 bytes.
    let mut untouched = Decoder::new(Limits::authorised());
    let frame = [full_header(6, 0, 100_000, 9), vec![7; CHUNK_BYTES]].concat();
    let rest = [&[0xc6][..], &[7; CHUNK_BYTES]].concat().repeat(780);
    let tail = [&[0xc6][..], &[7; 100_000 - 781 * CHUNK_BYTES]].concat();
    let frame = [frame, rest, tail].concat();
    for number in 0..750_u32 {
        untouched.set_now(start + Duration::from_millis(4) * number);
        assert_eq!(feed(&mut untouched, [&frame[..]]).whole().len(), 1);
    }
    // What both may cost in a second, at most.
    let legal_headers = 250 * 782;
    let flood = headers * HEADER_WORK + bytes;
    let legal = legal_headers * HEADER_WORK + 25_000_000;
    assert!(flood < 20 * legal, "{flood} against {legal}");
}

/// A message of media in chunks of 128 bytes whose continuations repeat the extended timestamp, or leave it out.
fn written(message: &Message, repeats: bool) -> Vec<u8> {
    let csid = u8::try_from(message.chunk_stream.get()).unwrap();
    let extended = message.timestamp >= 0xff_ffff;
    let time = if extended {
        0xff_ffff
    } else {
        message.timestamp
    };
    let mut bytes = full_header(csid, time, message.payload.len(), message.message_type.id());
    let extension = if extended {
        message.timestamp.to_be_bytes().to_vec()
    } else {
        Vec::new()
    };
    bytes.extend(&extension);
    for (index, piece) in message.payload.chunks(CHUNK_BYTES).enumerate() {
        if index > 0 {
            bytes.push(0xc0 | csid);
            bytes.extend(extension.iter().filter(|_| repeats));
        }
        bytes.extend(piece);
    }
    bytes
}

/// What recorded encoders sent, begun 4 h 39 min later: the timestamps pass 0xffffff, and the peer repeats the
/// extended one in each chunk, or does not.
#[test]
fn extended_timestamps_repeated_or_left_out_red5_333() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut publishers = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "bin") {
            continue;
        }
        let transcript = std::fs::read(&path).unwrap();
        let mut decoder = Decoder::new(Limits::authorised());
        let sent = feed(&mut decoder, [&transcript[1 + 2 * 1536..]]).whole();
        let is_media = |message: &&Message| {
            matches!(
                message.message_type,
                MessageType::Audio | MessageType::Video
            )
        };
        let media: Vec<Message> = sent
            .iter()
            .filter(is_media)
            .map(|sent| {
                let timestamp = 0x00ff_fffe_u32.wrapping_add(sent.timestamp);
                let csid = if sent.message_type == MessageType::Audio {
                    4
                } else {
                    6
                };
                message(csid, sent.message_type, timestamp, sent.payload.clone())
            })
            .collect();
        if media.is_empty() {
            continue;
        }
        publishers += 1;
        assert!(media.iter().any(|message| message.timestamp < 0xff_ffff));
        assert!(media.iter().any(|message| message.timestamp > 0xff_ffff));
        for repeats in [true, false] {
            let bytes: Vec<u8> = media.iter().flat_map(|m| written(m, repeats)).collect();
            for piece in [1, 1_000, bytes.len()] {
                let mut decoder = Decoder::new(Limits::authorised());
                let got = feed(&mut decoder, bytes.chunks(piece)).whole();
                assert_eq!(got, media, "{}, repeats: {repeats}", path.display());
            }
        }
    }
    assert!(publishers >= 5, "{publishers} transcripts with media");
}

/// Deltas and timestamps at every edge, forwards and backwards: arithmetic wraps or is refused, and never panics.
#[test]
fn subtract_with_overflow_xiu_17_25_71() {
    let edges = [
        0_u32,
        1,
        0xff_fffe,
        0xff_ffff,
        0x100_0000,
        0x7fff_ffff,
        0x8000_0000,
        u32::MAX,
    ];
    for first in edges {
        for second in edges {
            let payload = Bytes::from_static(&[7; 10]);
            let messages = [first, second, first]
                .map(|timestamp| message(6, MessageType::Video, timestamp, payload.clone()));
            let mut bytes: Vec<u8> = messages.iter().flat_map(|m| written(m, true)).collect();
            let mut decoder = Decoder::new(Limits::authorised());
            assert_eq!(feed(&mut decoder, [&bytes[..]]).whole(), messages);
            // A delta of the largest and of any size behind it.
            for delta in edges {
                let short = delta.min(0xff_ffff).to_be_bytes();
                bytes.extend([0x86, short[1], short[2], short[3]]);
                if delta >= 0xff_ffff {
                    bytes.extend(delta.to_be_bytes());
                }
                bytes.extend(&payload);
            }
            let mut decoder = Decoder::new(Limits::authorised());
            let times = feed(&mut decoder, [&bytes[..]]).timestamps();
            let mut expected = vec![first, second, first];
            for delta in edges {
                expected.push(expected[expected.len() - 1].wrapping_add(delta));
            }
            assert_eq!(times, expected);
        }
    }
}
