//! The wire image of a message: what every player in sync gets, made once.

use bongsu_hub::{Encode, Kind};
use bongsu_rtmp::ChunkStreamId;
use bongsu_rtmp::chunk::{self, SERVER_CHUNK_SIZE};
use bongsu_rtmp::message::{MediaKind, MessageStreamId};
use bytes::{Bytes, BytesMut};

/// Makes images with the chunk size that every session announces, each message with a type 0 header.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Images;

impl Encode for Images {
    fn encode(&self, message_stream: u32, kind: Kind, timestamp: u32, payload: &Bytes) -> Bytes {
        let header = header(message_stream, kind, timestamp);
        let len = chunk::encoded_len(&header, payload.len(), SERVER_CHUNK_SIZE);
        let mut image = BytesMut::with_capacity(len);
        chunk::encode(&mut image, &header, payload, SERVER_CHUNK_SIZE);
        image.freeze()
    }

    fn payload_in(&self, image: &Bytes, payload: Bytes) -> Bytes {
        // One chunk: the payload lies at the end of the image in one piece.
        if payload.len() <= SERVER_CHUNK_SIZE as usize && image.len() >= payload.len() {
            image.slice(image.len() - payload.len()..)
        } else {
            payload
        }
    }
}

fn header(message_stream: u32, kind: Kind, timestamp: u32) -> chunk::Header {
    let chunk_stream = match kind {
        Kind::Audio => ChunkStreamId::AUDIO,
        Kind::Video => ChunkStreamId::VIDEO,
        Kind::Data => ChunkStreamId::DATA,
    };
    chunk::Header {
        chunk_stream,
        message_type: media_kind(kind).message_type(),
        stream: MessageStreamId(message_stream),
        timestamp,
    }
}

/// The protocol's word for a kind of the hub.
pub(crate) const fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
        Kind::Data => MediaKind::Data,
    }
}

/// The hub's word for a kind of the protocol.
pub(crate) const fn hub_kind(kind: MediaKind) -> Kind {
    match kind {
        MediaKind::Audio => Kind::Audio,
        MediaKind::Video => Kind::Video,
        MediaKind::Data => Kind::Data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_of_one_chunk_lies_in_its_image_and_a_longer_one_does_not() {
        for (len, shared) in [(0, true), (1, true), (65_536, true), (65_537, false)] {
            let payload = Bytes::from(vec![7; len]);
            let image = Images.encode(1, Kind::Video, 40, &payload);
            let kept = Images.payload_in(&image, payload.clone());
            assert_eq!(kept, payload);
            let inside = image.as_ptr_range().contains(&kept.as_ptr()) || len == 0;
            assert_eq!(inside, shared, "{len}");
        }
    }
}
