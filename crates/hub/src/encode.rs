//! How a frame becomes bytes: the caller knows the wire, this crate does not.

use bytes::Bytes;

use crate::Kind;

/// The message stream id that shared images are made for.
pub const SHARED_MESSAGE_STREAM: u32 = 1;

/// Makes the wire image of a message: complete, independent of what was sent before, so that a player can start, skip
/// or resume at any message.
pub trait Encode {
    /// The whole message as it goes over the wire.
    fn encode(&self, message_stream: u32, kind: Kind, timestamp: u32, payload: &Bytes) -> Bytes;

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

    fn payload_in(&self, image: &Bytes, payload: Bytes) -> Bytes {
        (**self).payload_in(image, payload)
    }
}
