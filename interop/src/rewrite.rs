//! The same media in other headers: what encoders send that no program here is.
//!
//! It shares no code with the relay, so that a mistake cannot be on both sides.

use std::path::Path;

use bongsu_flv::{Kind, tag};
use bongsu_testkit::compare::Packet;
use bytes::BytesMut;

/// H.264 and AAC in the headers of Enhanced RTMP; every message has such a form.
///
/// # Panics
///
/// When the message is anything else.
#[must_use]
pub fn enhanced(packet: &Packet) -> Option<Packet> {
    let bytes: &[u8] = &packet.payload;
    let payload = match (packet.kind, bytes) {
        (Kind::Video, [first, packet_type, rest @ ..]) if first & 0x8f == 7 => {
            // Only frames keep the composition time.
            let rest = match packet_type {
                1 => rest,
                _ => rest.get(3..).unwrap_or_default(),
            };
            [&[0x80 | (first & 0x70) | packet_type], &b"avc1"[..], rest].concat()
        }
        (Kind::Audio, [0xaf, packet_type, rest @ ..]) => {
            [&[0x90 | packet_type], &b"mp4a"[..], rest].concat()
        }
        (Kind::Data, bytes) => bytes.to_vec(),
        other => panic!("neither H.264 nor AAC: {other:?}"),
    };
    Some(Packet::new(packet.kind, packet.timestamp, payload.into()))
}

/// H.265 of Enhanced RTMP as codec id 12, which has no colour information; everything else as it is.
///
/// # Panics
///
/// When it is of a type that id 12 does not have.
#[must_use]
pub fn codec_12(packet: &Packet) -> Option<Packet> {
    let bytes: &[u8] = &packet.payload;
    let payload = match (packet.kind, bytes) {
        (Kind::Video, [first, b'h', b'v', b'c', b'1', rest @ ..]) => {
            let head = (first & 0x70) | 12;
            match first & 0x0f {
                0 => [&[head, 0, 0, 0, 0], rest].concat(),
                1 => [&[head, 1], rest].concat(),
                2 => vec![head, 2, 0, 0, 0],
                3 => [&[head, 1, 0, 0, 0], rest].concat(),
                4 => return None,
                other => panic!("packet type {other} has no other form"),
            }
        }
        (_, bytes) => bytes.to_vec(),
    };
    Some(Packet::new(packet.kind, packet.timestamp, payload.into()))
}

/// Writes an FLV file.
///
/// # Panics
///
/// When it cannot be written.
pub fn write_flv(path: &Path, packets: &[Packet]) {
    let mut file = BytesMut::new();
    tag::write_file_header(&mut file, true, true);
    for packet in packets {
        tag::write_tag(&mut file, packet.kind, packet.timestamp, &packet.payload)
            .expect("a message that fits a tag");
    }
    std::fs::write(path, file).expect("an FLV file");
}
