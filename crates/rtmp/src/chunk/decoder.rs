//! Chunks to messages.

use std::time::Instant;

use bytes::Bytes;

use super::budget::HeaderBudget;
use super::header::{self, ChunkHeader, HeaderBytes, MessageHeader};
use super::stream::{ChunkStream, RepeatHabit, Repetition};
use super::{CHUNK_SIZE_DEFAULT, CHUNK_SIZE_MAX, ChunkStreamId, Message};
use crate::limits::{Limit, LimitExceeded, Limits};
use crate::message::MessageType;
use crate::reader::Reader;

/// Why a chunk stream cannot be decoded any further. The connection has to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// A chunk of type 2 or 3 on a chunk stream without a header to repeat. [WIRE 027]
    #[error("chunk type {fmt} on chunk stream {csid}, which has no header yet")]
    NoHeader {
        /// The chunk type.
        fmt: u8,
        /// The chunk stream.
        csid: u32,
    },
    /// A new message header inside a message. [WIRE 038]
    #[error("chunk type {fmt} inside a message on chunk stream {csid}")]
    HeaderInsideMessage {
        /// The chunk type.
        fmt: u8,
        /// The chunk stream.
        csid: u32,
    },
    /// A chunk size of 0, or with the top bit set. [WIRE 042]
    #[error("chunk size {0} is not legal")]
    ChunkSize(u32),
    /// A Set Chunk Size or Abort of less than four bytes. [WIRE 072]
    #[error("control message of type {id} has only {len} bytes")]
    ShortControl {
        /// The message type id.
        id: u8,
        /// Its length in bytes.
        len: usize,
    },
    /// The peer went past a limit.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

/// Puts the messages of one connection together.
///
/// Call [`Decoder::decode`] until it gives `None`. It applies Set Chunk Size and Abort itself, in the middle of
/// other messages too, and still returns them. After an error it must not be used any more.
///
/// Every split of the input gives the same messages. [WIRE 046]
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    streams: Vec<ChunkStream>,
    /// Bytes in front of the next input: an incomplete header, or what was read to tell payload from a header.
    carry: HeaderBytes,
    /// The chunk whose payload comes next; `None` between chunks.
    chunk: Option<OpenChunk>,
    chunk_size: u32,
    partial_bytes: usize,
    habit: RepeatHabit,
    budget: HeaderBudget,
    hold_media: bool,
    holding: bool,
}

/// A chunk with its header taken.
#[derive(Debug, Clone, Copy)]
struct OpenChunk {
    /// Where its chunk stream stands in the list.
    index: usize,
    /// Payload bytes that are still to come.
    left: usize,
}

/// A chunk with its header complete but not taken.
#[derive(Debug, Clone, Copy)]
struct NextChunk {
    header: ChunkHeader,
    /// Where its chunk stream stands in the list, unless it is new.
    index: Option<usize>,
    repetition: Repetition,
    /// Bytes of the header on the wire, the repeated extended timestamp included.
    len: usize,
    /// The message that it opens; `None` when it continues one.
    opens: Option<MessageType>,
}

impl Decoder {
    /// A decoder at the start of a connection, with chunk size 128. [WIRE 039]
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            streams: Vec::new(),
            carry: HeaderBytes::default(),
            chunk: None,
            chunk_size: CHUNK_SIZE_DEFAULT,
            partial_bytes: 0,
            habit: RepeatHabit::Unknown,
            budget: HeaderBudget::default(),
            hold_media: false,
            holding: false,
        }
    }

    /// Replaces the limits, for instance once the peer is authorised.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Refills the budget of chunk headers; call it with each read before decoding.
    pub fn set_now(&mut self, now: Instant) {
        self.budget.set_now(now);
    }

    /// Takes one header out of the budget for work that a message makes beyond its chunks, such as each tag of an
    /// aggregate.
    ///
    /// # Errors
    /// [`LimitExceeded`]; the connection has to close.
    pub fn charge_header(&mut self) -> Result<(), LimitExceeded> {
        self.budget.take(self.limits.chunk_headers_per_second)
    }

    /// Whether to stop before the next audio, video, data or aggregate message instead of taking it in.
    ///
    /// A session holds media while the decision about its publish is open, so that nothing is buffered and no
    /// limit for strangers is hit. [WIRE 116] A message that has begun goes on.
    pub fn set_hold_media(&mut self, hold: bool) {
        self.hold_media = hold;
        self.holding &= hold;
    }

    /// True when the last `decode` stopped at held media; the rest of its input was not consumed.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.holding
    }

    /// Takes bytes from the front of `input` up to the end of the next message and gives that message.
    ///
    /// `Ok(None)` means: all of `input` was taken and more is needed, or [`Decoder::is_holding`].
    ///
    /// # Errors
    /// [`ChunkError`]; the connection has to close.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Message>, ChunkError> {
        self.holding = false;
        loop {
            if self.chunk.is_none() && !self.read_header(input)? {
                return Ok(None);
            }
            if let Some(message) = self.read_payload(input)? {
                self.apply(&message)?;
                return Ok(Some(message));
            }
            if self.chunk.is_some() {
                return Ok(None);
            }
        }
    }

    /// The chunk size that the peer uses now.
    #[must_use]
    pub fn chunk_size(&self) -> u32 {
        self.chunk_size
    }

    /// Bytes held for incomplete messages.
    #[must_use]
    pub fn partial_bytes(&self) -> usize {
        self.partial_bytes
    }

    /// Takes the next chunk header; false when bytes are missing or media is held.
    fn read_header(&mut self, input: &mut &[u8]) -> Result<bool, ChunkError> {
        if self.carry.is_empty() {
            let Some(next) = self.next_chunk(input)? else {
                while self.carry.pull(input) {}
                return Ok(false);
            };
            if self.holds(&next) {
                return Ok(false);
            }
            *input = input.get(next.len..).unwrap_or_default();
            self.open(&next)?;
            return Ok(true);
        }
        loop {
            if let Some(next) = self.next_chunk(self.carry.as_slice())? {
                if self.holds(&next) {
                    return Ok(false);
                }
                self.carry.drop_front(next.len);
                self.open(&next)?;
                return Ok(true);
            }
            if !self.carry.pull(input) {
                return Ok(false);
            }
        }
    }

    /// What the chunk at the front of `bytes` is, or `None` when its header is not complete.
    fn next_chunk(&self, bytes: &[u8]) -> Result<Option<NextChunk>, ChunkError> {
        let Some(header) = header::parse(bytes) else {
            return Ok(None);
        };
        let id = header.chunk_stream;
        let index = self.streams.iter().position(|stream| stream.id == id);
        let stream = index.and_then(|index| self.streams.get(index));
        let (fmt, csid) = (header.message.fmt(), id.get());
        let is_repeat = matches!(header.message, MessageHeader::Repeat);
        let is_inside = stream.is_some_and(ChunkStream::is_inside_message);
        if is_inside && !is_repeat {
            return Err(ChunkError::HeaderInsideMessage { fmt, csid });
        }
        let known_type = stream.map(|stream| stream.message_type);
        let Some(message_type) = header.message.message_type().or(known_type) else {
            return Err(ChunkError::NoHeader { fmt, csid });
        };
        let repetition = match stream {
            Some(stream) if is_repeat => {
                let after = bytes.get(header.len..).unwrap_or_default();
                match stream.repetition(self.habit, after) {
                    Some(repetition) => repetition,
                    None => return Ok(None),
                }
            }
            _ => Repetition::NotExtended,
        };
        let extension = if matches!(repetition, Repetition::Present(_)) {
            4
        } else {
            0
        };
        Ok(Some(NextChunk {
            header,
            index,
            repetition,
            len: header.len.saturating_add(extension),
            opens: if is_inside { None } else { Some(message_type) },
        }))
    }

    /// Stops before a chunk that opens a media message while media is held.
    fn holds(&mut self, next: &NextChunk) -> bool {
        self.holding = self.hold_media && next.opens.is_some_and(MessageType::is_media);
        self.holding
    }

    /// Takes a chunk header into the state of its chunk stream.
    fn open(&mut self, next: &NextChunk) -> Result<(), ChunkError> {
        self.charge_header()?;
        let index = match next.index {
            Some(index) => index,
            None => self.add_stream(next.header.chunk_stream)?,
        };
        let Some(stream) = self.streams.get_mut(index) else {
            return Ok(());
        };
        match next.opens {
            Some(message_type) => {
                stream.begin(&next.header.message, next.repetition);
                check_length(&self.limits, message_type, stream.length)?;
            }
            None => self.habit = learned(self.habit, next.repetition),
        }
        let left = stream.missing().min(self.chunk_size as usize);
        self.chunk = Some(OpenChunk { index, left });
        Ok(())
    }

    fn add_stream(&mut self, id: ChunkStreamId) -> Result<usize, LimitExceeded> {
        let index = self.streams.len();
        let max = usize::from(self.limits.chunk_streams);
        if index >= max {
            return Err(one_past(Limit::ChunkStreams, max as u64));
        }
        self.streams.push(ChunkStream::new(id));
        Ok(index)
    }

    /// Takes payload of the open chunk; gives the message when this chunk completes it.
    fn read_payload(&mut self, input: &mut &[u8]) -> Result<Option<Message>, ChunkError> {
        let Some(OpenChunk { index, left }) = self.chunk else {
            return Ok(None);
        };
        let Some(stream) = self.streams.get_mut(index) else {
            return Ok(None);
        };
        let max = self.limits.partial_bytes as usize;
        // A message whole in its first chunk and in this input is copied once.
        let is_whole = left == stream.length as usize && stream.partial_len() == 0;
        if is_whole
            && self.carry.is_empty()
            && let Some((payload, rest)) = input.split_at_checked(left)
        {
            if self.partial_bytes.saturating_add(left) > max {
                return Err(one_past(Limit::PartialBytes, max as u64).into());
            }
            *input = rest;
            self.chunk = None;
            return Ok(Some(stream.message(Bytes::copy_from_slice(payload))));
        }

        let mut left = left;
        let from_carry = self.carry.as_slice().len().min(left);
        for from_input in [false, true] {
            let piece = if from_input {
                *input
            } else {
                self.carry.as_slice()
            };
            let piece = piece.get(..piece.len().min(left)).unwrap_or_default();
            // The bytes of the message that just completes count too: then no split changes the outcome.
            if self.partial_bytes.saturating_add(piece.len()) > max {
                return Err(one_past(Limit::PartialBytes, max as u64).into());
            }
            stream.append(piece);
            self.partial_bytes = self.partial_bytes.saturating_add(piece.len());
            left = left.saturating_sub(piece.len());
            if from_input {
                *input = input.get(piece.len()..).unwrap_or_default();
            }
        }
        self.carry.drop_front(from_carry);
        self.chunk = (left > 0).then_some(OpenChunk { index, left });
        if stream.missing() > 0 {
            return Ok(None);
        }
        self.partial_bytes = self.partial_bytes.saturating_sub(stream.partial_len());
        Ok(Some(stream.finish()))
    }

    /// Set Chunk Size and Abort act here, whatever stream they came on. [WIRE 029] [WIRE 040]
    fn apply(&mut self, message: &Message) -> Result<(), ChunkError> {
        let kind = message.message_type;
        if !matches!(kind, MessageType::SetChunkSize | MessageType::Abort) {
            return Ok(());
        }
        let Some(number) = Reader::new(&message.payload).u32() else {
            let len = message.payload.len();
            return Err(ChunkError::ShortControl { id: kind.id(), len });
        };
        if kind == MessageType::Abort {
            // [WIRE 045] An unknown chunk stream, or one with nothing partial, is fine.
            if let Some(stream) = self
                .streams
                .iter_mut()
                .find(|stream| stream.id.get() == number)
            {
                self.partial_bytes = self.partial_bytes.saturating_sub(stream.partial_len());
                stream.abort();
            }
        } else if (1..=CHUNK_SIZE_MAX).contains(&number) {
            self.chunk_size = number;
        } else {
            return Err(ChunkError::ChunkSize(number));
        }
        Ok(())
    }
}

/// What a continuation chunk teaches about the peer; the first clear answer stays. [WIRE 036]
fn learned(habit: RepeatHabit, repetition: Repetition) -> RepeatHabit {
    match (habit, repetition) {
        (RepeatHabit::Unknown, Repetition::Present(_)) => RepeatHabit::Repeats,
        (RepeatHabit::Unknown, Repetition::Omitted) => RepeatHabit::Omits,
        _ => habit,
    }
}

/// [WIRE 203] Each kind of message has its own largest length; what we do not know may be media.
fn check_length(limits: &Limits, kind: MessageType, length: u32) -> Result<(), LimitExceeded> {
    let (limit, max) = match kind {
        kind if kind.is_control() => (Limit::ControlBytes, limits.control_bytes),
        MessageType::CommandAmf0
        | MessageType::CommandAmf3
        | MessageType::DataAmf0
        | MessageType::DataAmf3
        | MessageType::SharedObjectAmf0
        | MessageType::SharedObjectAmf3 => (Limit::AmfBodyBytes, limits.amf_body_bytes),
        _ => (Limit::MediaBytes, limits.media_bytes),
    };
    if length > max {
        return Err(LimitExceeded {
            limit,
            got: length.into(),
            max: max.into(),
        });
    }
    Ok(())
}

/// The error of going past a counted limit, named at the first step past it in every split.
const fn one_past(limit: Limit, max: u64) -> LimitExceeded {
    LimitExceeded {
        limit,
        got: max.saturating_add(1),
        max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An idle connection keeps only this and one entry for each chunk stream that it used.
    #[test]
    fn an_idle_decoder_is_small() {
        assert!(size_of::<Decoder>() <= 192, "{}", size_of::<Decoder>());
        assert!(
            size_of::<ChunkStream>() <= 72,
            "{}",
            size_of::<ChunkStream>()
        );
    }
}
