//! Protocol control: types 1, 2, 3, 5 and 6. [RTMP 5.4]

use bytes::{BufMut, Bytes, BytesMut};

use super::{MessageError, MessageType};
use crate::reader::Reader;

/// A protocol control message; it acts on the connection, whatever chunk or message stream carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// The sender's chunks hold up to so many bytes from the next chunk on.
    SetChunkSize(u32),
    /// The partial message of this chunk stream is given up.
    Abort(u32),
    /// So many bytes received, modulo 2^32; some peers send the increment instead. [WIRE 061]
    Acknowledgement(u32),
    /// Acknowledge at least each so many bytes.
    WindowAcknowledgementSize(u32),
    /// A wish that the peer's window be this. [RTMP 5.4.5]
    SetPeerBandwidth {
        /// The window in bytes.
        window: u32,
        /// How strictly.
        limit: BandwidthLimit,
    },
}

/// The limit type of Set Peer Bandwidth. [RTMP 5.4.5]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandwidthLimit {
    /// 0: limit to the window.
    Hard,
    /// 1: limit to the smaller of both windows.
    Soft,
    /// 2, and any other value or none: as hard when the last one was hard, otherwise ignore. [WIRE 066]
    Dynamic,
}

impl Control {
    /// The type id.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        match self {
            Self::SetChunkSize(_) => MessageType::SetChunkSize,
            Self::Abort(_) => MessageType::Abort,
            Self::Acknowledgement(_) => MessageType::Acknowledgement,
            Self::WindowAcknowledgementSize(_) => MessageType::WindowAcknowledgementSize,
            Self::SetPeerBandwidth { .. } => MessageType::SetPeerBandwidth,
        }
    }

    /// Decodes the body of a control message; `None` when `kind` is not one of the five.
    ///
    /// # Errors
    /// [`MessageError::ShortControl`]; longer bodies are fine. [WIRE 072]
    pub fn decode(kind: MessageType, body: &[u8]) -> Result<Option<Self>, MessageError> {
        let make: fn(u32) -> Self = match kind {
            MessageType::SetChunkSize => Self::SetChunkSize,
            MessageType::Abort => Self::Abort,
            MessageType::Acknowledgement => Self::Acknowledgement,
            MessageType::WindowAcknowledgementSize => Self::WindowAcknowledgementSize,
            MessageType::SetPeerBandwidth => |window| Self::SetPeerBandwidth {
                window,
                limit: BandwidthLimit::Dynamic,
            },
            _ => return Ok(None),
        };
        let mut reader = Reader::new(body);
        let Some(number) = reader.u32() else {
            let (id, len) = (kind.id(), body.len());
            return Err(MessageError::ShortControl { id, len });
        };
        let mut control = make(number);
        if let Self::SetPeerBandwidth { limit, .. } = &mut control {
            *limit = BandwidthLimit::from_byte(reader.u8());
        }
        Ok(Some(control))
    }

    /// The body on the wire.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut body = BytesMut::with_capacity(5);
        match *self {
            Self::SetChunkSize(number)
            | Self::Abort(number)
            | Self::Acknowledgement(number)
            | Self::WindowAcknowledgementSize(number) => body.put_u32(number),
            Self::SetPeerBandwidth { window, limit } => {
                body.put_u32(window);
                body.put_u8(limit.byte());
            }
        }
        body.freeze()
    }
}

impl BandwidthLimit {
    /// [WIRE 066] Some peers leave the byte out.
    const fn from_byte(byte: Option<u8>) -> Self {
        match byte {
            Some(0) => Self::Hard,
            Some(1) => Self::Soft,
            _ => Self::Dynamic,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Hard => 0,
            Self::Soft => 1,
            Self::Dynamic => 2,
        }
    }
}
