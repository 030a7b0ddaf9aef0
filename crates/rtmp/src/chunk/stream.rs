//! What the decoder remembers of one chunk stream.

use std::fmt;

use bytes::Bytes;

use super::header::{MessageHeader, Time};
use super::{ChunkStreamId, Message};
use crate::message::{MessageStreamId, MessageType};
use crate::reader::Reader;

/// Bytes that a partial message grows by at least, its declared length permitting.
/// Why: one byte on each of 64 chunk streams must not cost much more, a thousand connections over; real messages double
/// a few times.
const PARTIAL_GROWTH_BYTES_MIN: usize = 32;

/// Largest time of a type 0 header that a type 3 header behind it adds as a delta, in milliseconds.
/// Why: the specification reads it so, and vectors of it are small. nginx-rtmp, OBS before 30.2 and librtmp up to 2015
/// mean the same time again; as a delta a larger one would double the clock. [WIRE 031]
const TIME_AS_DELTA_MS_MAX: u32 = 1_000;

/// The last header of a chunk stream and the message that is on its way.
pub(super) struct ChunkStream {
    pub(super) id: ChunkStreamId,
    stream: MessageStreamId,
    pub(super) message_type: MessageType,
    /// Declared length of the message in bytes.
    pub(super) length: u32,
    timestamp: u32,
    /// The last time field: a time after type 0, a delta after types 1 and 2.
    field: Time,
    /// True when `field` is a time.
    absolute: bool,
    /// Non-empty exactly between the first and the last byte of a message.
    partial: Vec<u8>,
}

/// What a type 3 chunk says of its extended timestamp. [RTMP 5.3.1.3]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetition {
    /// The last header had none.
    NotExtended,
    /// The peer left it out.
    Omitted,
    /// It is there.
    Present(u32),
}

/// Whether the peer repeats extended timestamps in type 3 chunks. [WIRE 036]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RepeatHabit {
    Unknown,
    Repeats,
    Omits,
}

impl ChunkStream {
    pub(super) const fn new(id: ChunkStreamId) -> Self {
        Self {
            id,
            // [WIRE 026] Some clients open a chunk stream with type 1 and mean message stream 0.
            stream: MessageStreamId::CONNECTION,
            message_type: MessageType::Unknown(0),
            length: 0,
            timestamp: 0,
            field: Time {
                value: 0,
                extended: false,
            },
            absolute: false,
            partial: Vec::new(),
        }
    }

    /// True between the first and the last payload byte of a message.
    pub(super) const fn is_inside_message(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Received bytes of the incomplete message.
    pub(super) const fn partial_len(&self) -> usize {
        self.partial.len()
    }

    /// Bytes that the message still lacks.
    pub(super) fn missing(&self) -> usize {
        (self.length as usize).saturating_sub(self.partial.len())
    }

    /// Looks for the repeated extended timestamp behind a type 3 header; `None` when `after` is too short to tell.
    pub(super) fn repetition(&self, habit: RepeatHabit, after: &[u8]) -> Option<Repetition> {
        if !self.field.extended {
            return Some(Repetition::NotExtended);
        }
        // [WIRE 037] The last chunk of a message may hold fewer than four bytes: do not wait for them.
        if habit == RepeatHabit::Omits {
            return Some(Repetition::Omitted);
        }
        let value = Reader::new(after).u32()?;
        if self.is_inside_message() && value != self.field.value {
            return Some(Repetition::Omitted);
        }
        Some(Repetition::Present(value))
    }

    /// Starts a message.
    pub(super) fn begin(&mut self, header: &MessageHeader, repetition: Repetition) {
        match *header {
            MessageHeader::Full {
                time,
                length,
                message_type,
                stream,
            } => {
                self.stream = stream;
                self.message_type = message_type;
                self.length = length;
                self.field = time;
                self.absolute = true;
                self.timestamp = time.value;
            }
            MessageHeader::SameStream {
                delta,
                length,
                message_type,
            } => {
                self.message_type = message_type;
                self.length = length;
                self.advance(delta);
            }
            MessageHeader::SameShape { delta } => self.advance(delta),
            MessageHeader::Repeat => self.repeat(repetition),
        }
    }

    fn advance(&mut self, delta: Time) {
        self.field = delta;
        self.absolute = false;
        self.timestamp = self.timestamp.wrapping_add(delta.value);
    }

    /// [RTMP 5.3.1.2.4] Type 3 adds the last delta, which after type 0 is its timestamp. [WIRE 030]
    ///
    /// After type 0 a time that is large, or extended, is the time again and adds nothing. [WIRE 031]
    fn repeat(&mut self, repetition: Repetition) {
        if let Repetition::Present(value) = repetition {
            self.field.value = value;
        }
        let is_time = self.field.extended || self.field.value > TIME_AS_DELTA_MS_MAX;
        self.timestamp = if self.absolute && is_time {
            self.field.value
        } else {
            self.timestamp.wrapping_add(self.field.value)
        };
    }

    /// Appends payload; memory follows what came, never what was declared. [WIRE 202]
    pub(super) fn append(&mut self, piece: &[u8]) {
        let spare = self.partial.capacity().saturating_sub(self.partial.len());
        if spare < piece.len() {
            let growth = self.partial.len().max(PARTIAL_GROWTH_BYTES_MIN);
            let growth = growth.min(self.missing()).max(piece.len());
            self.partial.reserve_exact(growth);
        }
        self.partial.extend_from_slice(piece);
    }

    /// Takes the partial payload out and drops it; the header stays. [WIRE 044]
    pub(super) fn abort(&mut self) {
        self.partial = Vec::new();
    }

    /// The complete message out of what was appended.
    pub(super) fn finish(&mut self) -> Message {
        let payload = Bytes::from(std::mem::take(&mut self.partial));
        self.message(payload)
    }

    /// A message with the current header and this payload.
    pub(super) const fn message(&self, payload: Bytes) -> Message {
        Message {
            chunk_stream: self.id,
            message_type: self.message_type,
            stream: self.stream,
            timestamp: self.timestamp,
            payload,
        }
    }
}

/// Payloads carry keys and are counted only.
impl fmt::Debug for ChunkStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkStream")
            .field("id", &self.id)
            .field("message_type", &self.message_type)
            .field("timestamp", &self.timestamp)
            .field("received", &self.partial.len())
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [WIRE 202] A declared length reserves nothing; what came may be doubled, and never past the length.
    #[test]
    fn capacity_follows_received_bytes() {
        let mut stream = ChunkStream::new(ChunkStreamId::VIDEO);
        stream.length = 0xff_ffff;
        stream.append(&[0]);
        assert!(stream.partial.capacity() <= PARTIAL_GROWTH_BYTES_MIN);
        for _ in 0..200 {
            stream.append(&[0; 999]);
            let len = stream.partial.len();
            assert!(stream.partial.capacity() <= 2 * len + PARTIAL_GROWTH_BYTES_MIN);
        }

        let mut short = ChunkStream::new(ChunkStreamId::AUDIO);
        short.length = 700;
        for _ in 0..7 {
            short.append(&[0; 100]);
            assert!(short.partial.capacity() <= 700);
        }

        let mut filled = ChunkStream::new(ChunkStreamId::AUDIO);
        filled.length = 5_050;
        filled.append(&[0; 100]);
        let spare = filled.partial.capacity() - 100;
        filled.append(&vec![0; spare]);
        let full = filled.partial.len() == filled.partial.capacity();
        assert!(full, "what fits reserves nothing");

        let mut uneven = ChunkStream::new(ChunkStreamId::AUDIO);
        uneven.length = 5_050;
        for len in 1..=100 {
            uneven.append(&vec![0; len]);
            assert!(uneven.partial.capacity() <= 5_050);
        }
        assert_eq!(uneven.missing(), 0);
    }
}
