//! How a frame becomes bytes: the caller knows the wire, this crate does not.

use std::ops::Range;

use bytes::Bytes;

use crate::Kind;

/// The message stream id that shared images are made for.
pub const SHARED_MESSAGE_STREAM: u32 = 1;

/// Makes the wire image of a message: complete, independent of what was sent before, so that a player can start, skip
/// or resume at any message.
pub trait Encode {
    /// The whole message as it goes over the wire.
    fn encode(&self, message_stream: u32, kind: Kind, timestamp: u32, payload: &Bytes) -> Bytes;

    /// A part of what [`Encode::encode`] makes of this payload, which comes in two pieces: these bytes of it, as far as
    /// there are so many.
    ///
    /// A player that gets a large message in a form of its own gets it part by part, so that it never holds the whole.
    /// An encoder that makes a part without the rest saves time.
    fn encode_part(
        &self,
        message_stream: u32,
        kind: Kind,
        timestamp: u32,
        payload: [&[u8]; 2],
        part: Range<usize>,
    ) -> Bytes {
        let payload = Bytes::from(payload.concat());
        let image = self.encode(message_stream, kind, timestamp, &payload);
        let end = part.end.min(image.len());
        image.slice(part.start.min(end)..end)
    }

    /// The payload as a slice of its image, when it lies there in one piece, else `payload` itself.
    ///
    /// A frame is kept both ways, so an encoder that knows where the payload begins saves half the memory.
    fn payload_in(&self, image: &Bytes, payload: Bytes) -> Bytes {
        let _ = image;
        payload
    }
}

impl<E: Encode + ?Sized> Encode for &E {
    fn encode(&self, message_stream: u32, kind: Kind, timestamp: u32, payload: &Bytes) -> Bytes {
        (**self).encode(message_stream, kind, timestamp, payload)
    }

    fn encode_part(
        &self,
        message_stream: u32,
        kind: Kind,
        timestamp: u32,
        payload: [&[u8]; 2],
        part: Range<usize>,
    ) -> Bytes {
        (**self).encode_part(message_stream, kind, timestamp, payload, part)
    }

    fn payload_in(&self, image: &Bytes, payload: Bytes) -> Bytes {
        (**self).payload_in(image, payload)
    }
}
