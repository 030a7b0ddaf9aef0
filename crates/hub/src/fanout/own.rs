//! Messages in a form that not all players get: for a message stream of its own, or in another shape.
//!
//! The payload is shared with the ring. What goes over the wire is made when it is written, a large message part by part:
//! a player that stops in the middle of one holds where it is, and no bytes.

use bongsu_flv::Shape;
use bytes::Bytes;

use crate::{
    Encode, Frame, Kind,
    limits::{GATHER_BYTES_MAX, TURN_BYTES_MAX},
    shaped::Shaped,
};

/// Most bytes of a message that are made at first. Why: a turn writes no more.
const FIRST_PART_BYTES: usize = TURN_BYTES_MAX;

/// Most bytes of it that are made at a time later. Why: a socket that was full often takes little, and what it does not
/// take is made again.
const NEXT_PART_BYTES: usize = GATHER_BYTES_MAX;

/// A message as a player gets it, or as much of it as is made at first.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) bytes: Bytes,
    /// What it was made from, unless it is the image that everybody gets.
    pub(super) own: Option<Own>,
}

impl Made {
    /// Whether something of it may be missing.
    pub(super) fn is_part(&self) -> bool {
        self.own.is_some() && self.bytes.len() >= FIRST_PART_BYTES
    }
}

/// What a message of its own is made from.
#[derive(Debug, Clone)]
pub(super) struct Own {
    message_stream: u32,
    kind: Kind,
    timestamp: u32,
    shaped: Shaped,
}

impl Own {
    /// A frame for this message stream in this shape. `None`: nothing is left of it.
    pub(super) fn of(frame: &Frame, message_stream: u32, shape: Shape) -> Option<Self> {
        Some(Self {
            message_stream,
            kind: frame.kind,
            timestamp: frame.wire_timestamp(),
            shaped: Shaped::of(frame, shape)?,
        })
    }

    /// Its image, or as much of it as is made at first.
    pub(super) fn make<E: Encode>(self, encode: &E) -> Made {
        Made {
            bytes: self.part(encode, 0, FIRST_PART_BYTES),
            own: Some(self),
        }
    }

    fn part<E: Encode>(&self, encode: &E, from: usize, most: usize) -> Bytes {
        let pieces = self.shaped.pieces();
        let part = from..from.saturating_add(most);
        encode.encode_part(self.message_stream, self.kind, self.timestamp, pieces, part)
    }
}

/// A message of its own that a player is in the middle of.
#[derive(Debug)]
pub(super) struct UnderWay {
    own: Own,
    /// Bytes of its image that are out, or next to go out.
    made: usize,
}

impl UnderWay {
    /// So many bytes of its image are out.
    pub(super) const fn new(own: Own, made: usize) -> Self {
        Self { own, made }
    }

    /// The next bytes; none at its end.
    pub(super) fn next<E: Encode>(&mut self, encode: &E) -> Bytes {
        let part = self.own.part(encode, self.made, NEXT_PART_BYTES);
        self.made += part.len();
        part
    }

    /// The last so many bytes did not go out.
    pub(super) const fn give_back(&mut self, bytes: usize) {
        self.made -= bytes;
    }

    /// All that is left of it.
    pub(super) fn rest<E: Encode>(&self, encode: &E) -> Bytes {
        self.own.part(encode, self.made, usize::MAX)
    }
}
