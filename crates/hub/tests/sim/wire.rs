//! A wire that is easy to parse: 16 bytes of header, then the payload.

use bongsu_hub::{Encode, Kind};
use bytes::{BufMut, Bytes, BytesMut};

pub(crate) const HEADER: usize = 16;
const MEDIA: u16 = 0xb0b0;
const CONTROL: u16 = 0xc0c0;

/// Writes and reads images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire;

impl Encode for Wire {
    fn encode(&self, message_stream: u32, kind: Kind, timestamp: u32, payload: &Bytes) -> Bytes {
        image(MEDIA, number(kind), message_stream, timestamp, payload)
    }

    fn payload_in(&self, image: &Bytes, payload: Bytes) -> Bytes {
        assert_eq!(image[HEADER..], payload);
        image.slice(HEADER..)
    }
}

fn image(magic: u16, kind: u16, message_stream: u32, timestamp: u32, payload: &[u8]) -> Bytes {
    let mut image = BytesMut::with_capacity(HEADER + payload.len());
    image.put_u16(magic);
    image.put_u16(kind);
    image.put_u32(message_stream);
    image.put_u32(timestamp);
    image.put_u32(u32::try_from(payload.len()).unwrap());
    image.put_slice(payload);
    image.freeze()
}

fn number(kind: Kind) -> u16 {
    match kind {
        Kind::Audio => 8,
        Kind::Video => 9,
        Kind::Data => 18,
    }
}

/// A reply with its number.
pub(crate) fn control(number: u32) -> Bytes {
    image(CONTROL, 0, 0, number, b"reply")
}

/// What was parsed.
#[derive(Debug)]
pub(crate) enum Parsed {
    Media {
        message_stream: u32,
        kind: Kind,
        timestamp: u32,
        payload: Vec<u8>,
    },
    Control(u32),
}

/// Takes one whole message from the front.
pub(crate) fn parse(buffer: &mut Vec<u8>) -> Option<Parsed> {
    let number = |at: usize| Some(u32::from_be_bytes(buffer.get(at..at + 4)?.try_into().ok()?));
    let (first, message_stream, timestamp) = (number(0)?, number(4)?, number(8)?);
    let end = HEADER + number(12)? as usize;
    let payload = buffer.get(HEADER..end)?.to_vec();
    let kind = match first & 0xffff {
        8 => Kind::Audio,
        9 => Kind::Video,
        18 => Kind::Data,
        _ => {
            assert_eq!(
                first >> 16,
                u32::from(CONTROL),
                "not the beginning of a message"
            );
            buffer.drain(..end);
            return Some(Parsed::Control(timestamp));
        }
    };
    assert_eq!(
        first >> 16,
        u32::from(MEDIA),
        "not the beginning of a message"
    );
    buffer.drain(..end);
    Some(Parsed::Media {
        message_stream,
        kind,
        timestamp,
        payload,
    })
}
