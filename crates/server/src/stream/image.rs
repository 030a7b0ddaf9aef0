//! The wire image of a message: what every player in sync gets, made once.

use std::ops::Range;

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

    fn encode_part(
        &self,
        message_stream: u32,
        kind: Kind,
        timestamp: u32,
        payload: [&[u8]; 2],
        part: Range<usize>,
    ) -> Bytes {
        let header = header(message_stream, kind, timestamp);
        let payload_len = payload.iter().map(|piece| piece.len()).sum();
        let whole = chunk::encoded_len(&header, payload_len, SERVER_CHUNK_SIZE);
        let mut window = Window::new(part.start..part.end.min(whole));
        window.pass(&header.first(payload_len));
        let continuation = header.continuation();
        let mut room = SERVER_CHUNK_SIZE as usize;
        for mut rest in payload {
            while !rest.is_empty() {
                if room == 0 {
                    window.pass(&continuation);
                    room = SERVER_CHUNK_SIZE as usize;
                }
                let piece;
                (piece, rest) = rest.split_at(rest.len().min(room));
                window.pass(piece);
                room -= piece.len();
            }
        }
        window.seen.freeze()
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

/// Keeps what of the bytes that pass lies in a range.
struct Window {
    /// Bytes to pass before the range.
    skip: usize,
    /// Bytes of it still to pass.
    left: usize,
    seen: BytesMut,
}

impl Window {
    fn new(range: Range<usize>) -> Self {
        let left = range.len();
        Self {
            skip: range.start,
            left,
            seen: BytesMut::with_capacity(left),
        }
    }

    fn pass(&mut self, bytes: &[u8]) {
        let from = self.skip.min(bytes.len());
        self.skip -= from;
        let len = self.left.min(bytes.len() - from);
        self.left -= len;
        self.seen.extend_from_slice(&bytes[from..from + len]);
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

    #[test]
    fn a_part_is_what_lies_there_in_the_whole() {
        let chunk = SERVER_CHUNK_SIZE as usize;
        for (len, timestamp) in [
            (0, 40),
            (1, 40),
            (chunk, 40),
            (chunk + 1, 40),
            (3 * chunk + 7, 1 << 24),
        ] {
            let payload: Vec<u8> = (0..=250_u8).cycle().take(len).collect();
            let payload = Bytes::from(payload);
            let whole = Images.encode(7, Kind::Video, timestamp, &payload);
            let edges = [
                0,
                1,
                12,
                16,
                17,
                chunk,
                chunk + 12,
                chunk + 16,
                2 * chunk + 20,
            ];
            let ends = [whole.len().saturating_sub(1), whole.len(), whole.len() + 9];
            let edges: Vec<usize> = edges.into_iter().chain(ends).collect();
            for (from, to) in edges
                .iter()
                .flat_map(|from| edges.iter().map(move |to| (*from, *to)))
            {
                let split = payload.split_at(payload.len().min(5));
                let pieces = [split.0, split.1];
                let part = Images.encode_part(7, Kind::Video, timestamp, pieces, from..to);
                let end = to.min(whole.len());
                assert_eq!(part, whole[from.min(end)..end], "{len} {from}..{to}");
            }
        }
    }
}
