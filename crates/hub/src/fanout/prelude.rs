//! Metadata and headers for players that start or skip, as one image.

use bongsu_flv::Shape;
use bytes::{Bytes, BytesMut};

use crate::{
    Encode, Kind, LiveStream, SHARED_MESSAGE_STREAM, frame::wire_time, position::PerKind,
    position::Position, shaped,
};

/// The last shared prelude: players that join in one group of pictures get the same bytes.
#[derive(Debug, Default)]
pub(super) struct Preludes {
    key: Option<Key>,
    image: Bytes,
}

/// What a shared prelude depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    at: u64,
    version: u64,
    /// What the player has.
    had: PerKind<u64>,
    joins: bool,
}

impl Preludes {
    /// The headers that a player lacks at its new place, all kinds, message stream 1.
    pub(super) fn shared<E: Encode>(
        &mut self,
        stream: &LiveStream,
        encode: &E,
        position: &Position,
    ) -> Bytes {
        let version = stream.headers().version();
        let key = Key {
            at: position.at,
            version,
            had: position.versions,
            joins: position.joins,
        };
        if self.key != Some(key) {
            let as_sent = (SHARED_MESSAGE_STREAM, Shape::FULL);
            self.image = build(stream, encode, as_sent, position, |_| true);
            self.key = Some(key);
        }
        self.image.clone()
    }
}

/// The headers of some kinds that a player lacks, for its message stream and in its shape.
pub(super) fn build<E: Encode>(
    stream: &LiveStream,
    encode: &E,
    (message_stream, shape): (u32, Shape),
    position: &Position,
    wants: impl Fn(Kind) -> bool,
) -> Bytes {
    let items = stream.headers().items();
    let lacking = items
        .iter()
        .filter(|item| wants(item.kind) && position.lacks(item));
    let mut images = lacking.filter_map(|item| {
        let payload = shaped::header(item, shape)?;
        let timestamp = wire_time(stream.prelude_time(item, position.at, position.joins));
        Some(encode.encode(message_stream, item.kind, timestamp, &payload))
    });
    let Some(first) = images.next() else {
        return Bytes::new();
    };
    let mut all = BytesMut::from(&first[..]);
    images.for_each(|image| all.extend_from_slice(&image));
    all.freeze()
}
