//! What we write: type 0, then type 3 with the extended timestamp.

use bongsu_rtmp::chunk::{Header, encode, encode_parts, encoded_len, message_len};
use bongsu_rtmp::{ChunkStreamId, MessageStreamId, MessageType};
use bytes::BytesMut;

use crate::support::{csid, decode, hex, message, numbered};

fn header(chunk_stream: u32, message_type: MessageType, timestamp: u32) -> Header {
    Header {
        chunk_stream: csid(chunk_stream),
        message_type,
        stream: MessageStreamId(1),
        timestamp,
    }
}

fn encoded(header: &Header, payload: &[u8], chunk_size: u32) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode(&mut out, header, payload, chunk_size);
    assert_eq!(out.len(), encoded_len(header, payload.len(), chunk_size));
    out.to_vec()
}

/// V10 and V11. [WIRE 053]
#[test]
fn golden_video_messages() {
    let payload = numbered(300);
    let plain = [
        hex("06 0003e8 00012c 09 01000000"),
        payload[..128].to_vec(),
        hex("c6"),
        payload[128..256].to_vec(),
        hex("c6"),
        payload[256..].to_vec(),
    ]
    .concat();
    assert_eq!(
        encoded(&header(6, MessageType::Video, 1000), &payload, 128),
        plain
    );

    let extended = [
        hex("06 ffffff 00012c 09 01000000 01000000"),
        payload[..128].to_vec(),
        hex("c6 01000000"),
        payload[128..256].to_vec(),
        hex("c6 01000000"),
        payload[256..].to_vec(),
    ]
    .concat();
    assert_eq!(
        encoded(&header(6, MessageType::Video, 0x0100_0000), &payload, 128),
        extended
    );
}

/// [WIRE 055] V14.
#[test]
fn the_boundary_of_the_extended_timestamp() {
    let audio = hex("af01aabb");
    let written: Vec<u8> = [0xff_fffe, 0xff_ffff, u32::MAX]
        .into_iter()
        .flat_map(|at| encoded(&header(4, MessageType::Audio, at), &audio, 128))
        .collect();
    let golden = hex("04fffffe 00000408 01000000 af01aabb
         04ffffff 00000408 01000000 00ffffff af01aabb
         04ffffff 00000408 01000000 ffffffff af01aabb");
    assert_eq!(written, golden);
}

/// [WIRE 051] [WIRE 052] [WIRE 058] Each message opens with type 0, also when nothing changed.
#[test]
fn messages_open_with_type_0() {
    for timestamp in [0, 20, 20, 40, 30] {
        let bytes = encoded(&header(4, MessageType::Audio, timestamp), b"x", 128);
        assert_eq!((bytes[0], bytes.len()), (4, 13));
    }
}

/// V09: the shortest basic header, in continuations too.
#[test]
fn basic_headers_are_the_shortest() {
    for (id, first, continuation) in [
        (2, "02", "c2"),
        (63, "3f", "ff"),
        (64, "0000", "c000"),
        (319, "00ff", "c0ff"),
        (320, "010001", "c10001"),
        (65_599, "01ffff", "c1ffff"),
    ] {
        let header = header(id, MessageType::Audio, 0);
        assert!(header.first(0).starts_with(&hex(first)));
        assert_eq!(header.first(0).len(), hex(first).len() + 11);
        assert_eq!(header.continuation()[..], hex(continuation));
    }
}

/// A chunk ends exactly at its size: no empty continuation, and an empty message is its header.
#[test]
fn chunks_end_where_they_must() {
    let video = header(6, MessageType::Video, 0);
    for (len, size, expected) in [
        (0, 128, 12),
        (128, 128, 12 + 128),
        (129, 128, 12 + 129 + 1),
        (256, 128, 12 + 256 + 1),
        (257, 128, 12 + 257 + 2),
        (3, 1, 12 + 3 + 2),
        (3, 0x7fff_ffff, 12 + 3),
    ] {
        assert_eq!(
            encoded(&video, &numbered(len), size).len(),
            expected,
            "{len} by {size}"
        );
    }
    let by_one = encoded(&video, &numbered(3), 1);
    assert_eq!(encoded(&video, &numbered(3), 0), by_one, "0 counts as 1");
}

#[test]
fn pieces_are_one_payload() {
    let payload = numbered(300);
    let header = header(6, MessageType::Video, 0x0200_0000);
    let whole = encoded(&header, &payload, 100);
    for parts in [
        vec![&payload[..]],
        vec![&payload[..5], &payload[5..]],
        vec![
            &payload[..100],
            &[],
            &payload[100..200],
            &payload[200..],
            &[],
        ],
        payload.chunks(1).collect(),
    ] {
        let mut out = BytesMut::from(&b"before"[..]);
        encode_parts(&mut out, &header, &parts, 100);
        assert_eq!(&out[6..], &whole[..]);
    }
}

/// The length field has 24 bits: the longest payload fits, one more byte is cut.
#[test]
fn a_payload_past_the_length_field_is_cut() {
    let video = header(6, MessageType::Video, 0);
    let payload = vec![9; 0x100_0000];
    let at = encoded(&video, &payload[1..], 0x7fff_ffff);
    assert_eq!(at[4..7], [0xff; 3]);
    let past = encoded(&video, &payload, 0x7fff_ffff);
    assert_eq!(past, at);
    let mut out = BytesMut::new();
    encode_parts(
        &mut out,
        &video,
        &[&payload[..10], &payload, &payload],
        0x7fff_ffff,
    );
    assert_eq!(out, at);
}

/// [WIRE 022] The message stream is little-endian and comes back.
#[test]
fn message_streams_survive() {
    let mut header = header(5, MessageType::CommandAmf0, 3);
    header.stream = MessageStreamId(0x0102_0304);
    let bytes = encoded(&header, b"x", 128);
    assert_eq!(bytes[8..12], [4, 3, 2, 1]);
    let mut expected = message(5, MessageType::CommandAmf0, 3, &b"x"[..]);
    expected.stream = MessageStreamId(0x0102_0304);
    assert_eq!(decode(&bytes).whole(), [expected]);
}

#[test]
fn the_length_of_an_encoded_message_is_in_its_first_seven_bytes() {
    let header = Header {
        chunk_stream: ChunkStreamId::VIDEO,
        message_type: MessageType::Video,
        stream: MessageStreamId(2),
        timestamp: 0x0100_0000,
    };
    let mut out = BytesMut::new();
    encode(&mut out, &header, &[7; 300], 128);
    assert_eq!(message_len(&out[..7], 128), Some(out.len()));
    for len in 0..7 {
        assert_eq!(message_len(&out[..len], 128), None);
    }
    assert_eq!(message_len(&[0xc6; 7], 128), None, "a continuation");
    assert_eq!(message_len(&[0; 7], 128), None, "a long chunk stream id");
}
