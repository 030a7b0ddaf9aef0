//! User control events: type 4. [RTMP 7.1.7]

use bytes::{BufMut, Bytes, BytesMut};

use super::MessageStreamId;
use crate::reader::Reader;

/// A user control event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserControl {
    /// 0: the stream can be used.
    StreamBegin(MessageStreamId),
    /// 1: playback is over.
    StreamEof(MessageStreamId),
    /// 2: no data for a while.
    StreamDry(MessageStreamId),
    /// 3: the player's buffer.
    SetBufferLength {
        /// Whose buffer.
        stream: MessageStreamId,
        /// Its length in milliseconds.
        buffer_ms: u32,
    },
    /// 4: the stream is a recording.
    StreamIsRecorded(MessageStreamId),
    /// 6: answer with [`UserControl::PingResponse`] and the same number. [WIRE 067]
    PingRequest(u32),
    /// 7: the answer.
    PingResponse(u32),
    /// Any other event; ignored. [WIRE 069]
    Other(u16),
}

impl UserControl {
    /// Decodes a body; `None` when its data is shorter than its kind needs. [WIRE 069]
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let event = reader.u16()?;
        Some(match event {
            0 => Self::StreamBegin(stream(&mut reader)?),
            1 => Self::StreamEof(stream(&mut reader)?),
            2 => Self::StreamDry(stream(&mut reader)?),
            3 => Self::SetBufferLength {
                stream: stream(&mut reader)?,
                buffer_ms: reader.u32()?,
            },
            4 => Self::StreamIsRecorded(stream(&mut reader)?),
            6 => Self::PingRequest(reader.u32()?),
            7 => Self::PingResponse(reader.u32()?),
            other => Self::Other(other),
        })
    }

    /// The body on the wire; of [`UserControl::Other`] only the event number.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut body = BytesMut::with_capacity(10);
        match *self {
            Self::StreamBegin(stream) => put(&mut body, 0, stream.0),
            Self::StreamEof(stream) => put(&mut body, 1, stream.0),
            Self::StreamDry(stream) => put(&mut body, 2, stream.0),
            Self::SetBufferLength { stream, buffer_ms } => {
                put(&mut body, 3, stream.0);
                body.put_u32(buffer_ms);
            }
            Self::StreamIsRecorded(stream) => put(&mut body, 4, stream.0),
            Self::PingRequest(number) => put(&mut body, 6, number),
            Self::PingResponse(number) => put(&mut body, 7, number),
            Self::Other(event) => body.put_u16(event),
        }
        body.freeze()
    }
}

fn stream(reader: &mut Reader<'_>) -> Option<MessageStreamId> {
    reader.u32().map(MessageStreamId)
}

fn put(body: &mut BytesMut, event: u16, number: u32) {
    body.put_u16(event);
    body.put_u32(number);
}
