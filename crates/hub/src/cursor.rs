//! Reading a stream frame by frame.

use std::sync::Arc;

use bongsu_flv::Shape;
use bytes::Bytes;

use crate::{Frame, Kind, frame::wire_time, headers::Header, position::Position};

/// What a reader missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drops {
    /// Times it skipped.
    pub skips: u64,
    /// Frames it did not get.
    pub frames: u64,
    /// Bytes of payload in them.
    pub bytes: u64,
}

/// What a cursor has to send next; see [`crate::LiveStream::next`].
#[derive(Debug)]
pub enum Next<'a> {
    /// Metadata or a header, stamped with the time of the frame of its track to follow.
    Header {
        /// Data for metadata, else audio or video.
        kind: Kind,
        /// Time for the wire in milliseconds.
        timestamp: u32,
        /// What the publisher sent, in the cursor's shape.
        payload: Bytes,
    },
    /// A frame, or a header in its place in the stream.
    Frame {
        /// The frame as the publisher sent it; its own timestamp is that of the stream's timeline.
        frame: &'a Frame,
        /// Time for the wire in milliseconds: that of the timeline, or of the session for a rebased cursor.
        timestamp: u32,
        /// Its payload in the cursor's shape: shared with the frame where nothing changes.
        payload: Bytes,
    },
    /// Nothing now: come back after the next push.
    Wait,
}

/// A place in a stream, for a push or anybody else who writes its own headers.
///
/// It begins with metadata, headers and the newest keyframe. When it lags it skips to the newest keyframe, and gets
/// headers that changed meanwhile before it.
#[derive(Debug, Clone)]
pub struct Cursor {
    pub(crate) position: Position,
    pub(crate) prelude: Option<Prelude>,
    pub(crate) shape: Shape,
    rebased: bool,
    /// What a rebased cursor subtracts from every time: one value for all kinds. [WIRE 135]
    base: Option<u64>,
}

/// Headers a cursor has yet to give out. It keeps what was in force when it took its place.
#[derive(Debug, Clone)]
pub(crate) struct Prelude {
    items: Arc<[Header]>,
    next: usize,
    /// Where the reader was: it has what is not newer.
    before: Position,
}

impl Prelude {
    pub(crate) const fn new(items: Arc<[Header]>, before: Position) -> Self {
        Self {
            items,
            next: 0,
            before,
        }
    }

    /// Goes past the next header the reader lacks, if there is one.
    fn advance(&mut self) -> bool {
        let mut rest = self.items.iter().skip(self.next);
        let found = rest.position(|item| self.before.lacks(item));
        self.next += found.map_or(0, |ahead| ahead + 1);
        found.is_some()
    }
}

impl Default for Cursor {
    fn default() -> Self {
        Self::new()
    }
}

impl Cursor {
    /// A cursor with the times of the stream's timeline.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            position: Position::new(),
            prelude: None,
            shape: Shape::FULL,
            rebased: false,
            base: None,
        }
    }

    /// A cursor whose session begins at time 0.
    #[must_use]
    pub fn rebased() -> Self {
        Self {
            rebased: true,
            ..Self::new()
        }
    }

    /// The same cursor for a receiver that takes no more than this.
    ///
    /// What the receiver cannot take is passed over and is no miss. One that can use nothing of the picture is served as
    /// audio only.
    #[must_use]
    pub const fn with_shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// What it missed so far.
    #[must_use]
    pub const fn drops(&self) -> Drops {
        self.position.drops
    }

    /// Settles what is subtracted from now on, unless it is settled.
    pub(crate) const fn set_base(&mut self, first: u64) {
        if self.base.is_none() {
            self.base = Some(if self.rebased { first } else { 0 });
        }
    }

    pub(crate) const fn has_base(&self) -> bool {
        self.base.is_some()
    }

    /// The time for the wire.
    pub(crate) fn wire_time(&self, timestamp: u64) -> u32 {
        let unsettled = if self.rebased { timestamp } else { 0 };
        wire_time(timestamp.saturating_sub(self.base.unwrap_or(unsettled)))
    }

    /// Goes to the next header of the prelude that it lacks; false once all were given out.
    pub(crate) fn advance_prelude(&mut self) -> bool {
        let more = self.prelude.as_mut().is_some_and(Prelude::advance);
        if !more {
            self.prelude = None;
        }
        more
    }

    /// The header it is at.
    pub(crate) fn header(&self) -> Option<&Header> {
        let prelude = self.prelude.as_ref()?;
        prelude.items.get(prelude.next.checked_sub(1)?)
    }
}
