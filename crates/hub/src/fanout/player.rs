//! One player of a fan-out: what it wants, where it is, what it still has to get.

use std::time::Instant;

use bongsu_flv::{Features, Shape};
use bytes::{Buf, Bytes, BytesMut};

use super::{Event, Filter, Turn, Write, Written, own::UnderWay};
use crate::{
    Drops, Encode, Kind, SHARED_MESSAGE_STREAM,
    limits::{CONTROL_BYTES_MAX, TURN_BYTES_MAX, TURN_FRAMES_MAX},
    position::Position,
};

impl Filter {
    /// Everything.
    pub const OPEN: Self = Self {
        audio: true,
        video: true,
        paused: false,
    };

    pub(super) const fn wants(self, kind: Kind) -> bool {
        match kind {
            Kind::Audio => self.audio,
            Kind::Video => self.video,
            Kind::Data => true,
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::OPEN
    }
}

/// Who serves a player next. Drawn in `LIFECYCLE.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A pass.
    InSync,
    /// A turn that the caller knows of.
    Wanted,
    /// A turn once there is something for it.
    Idle,
    /// A turn once its socket takes bytes.
    Blocked,
    /// Nobody: its peer is gone.
    Gone,
    /// Nobody: it has everything.
    Finished,
}

/// What is left to be written in one turn.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) bytes: usize,
    pub(super) frames: usize,
}

impl Budget {
    pub(super) const fn of_a_turn() -> Self {
        Self {
            bytes: TURN_BYTES_MAX,
            frames: TURN_FRAMES_MAX,
        }
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.bytes == 0 || self.frames == 0
    }
}

/// What a message under way is, once it is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Frame,
    /// A part of a frame that is under way.
    Part,
    Prelude,
    Control,
    Carried,
}

/// The last bytes of a player and the entry before which they go out.
#[derive(Debug)]
pub(super) struct Finish {
    pub(super) until: u64,
    pub(super) bytes: Option<Bytes>,
}

/// What players in sync got so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) bytes: u64,
    pub(super) frames: u64,
}

#[derive(Debug)]
pub(super) struct Player<W> {
    pub(super) phase: Phase,
    /// Its place in the list of its phase.
    pub(super) listed: usize,
    /// Lies with the players in sync while it is one.
    pub(super) writer: Option<W>,
    pub(super) message_stream: u32,
    pub(super) filter: Filter,
    /// What it can take.
    pub(super) shape: Shape,
    /// Out of date while it is in sync, but for the drops.
    pub(super) position: Position,
    /// The unsent rest of a message under way, or of a part of it.
    pub(super) rest: Bytes,
    pub(super) rest_is: Rest,
    /// The message of its own that it is in the middle of. The rest is a part of it while there is one.
    pub(super) under_way: Option<Box<UnderWay>>,
    control: BytesMut,
    /// Whole messages of other message streams of the connection.
    pub(super) carried: Bytes,
    pub(super) finish: Option<Finish>,
    /// What the caller is to be told, and whether it stands in the queue of events.
    pub(super) event: Option<Event>,
    pub(super) queued: bool,
    /// When it took a byte last, or was blocked since.
    pub(super) took_at: Instant,
    pub(super) stalled: bool,
    /// What it got when it was not in sync, and before it was.
    pub(super) got: Totals,
    /// What players in sync had got when it became one.
    pub(super) joined: Totals,
}

impl<W> Player<W> {
    pub(super) fn new(now: Instant, writer: W, message_stream: u32, shape: Shape) -> Self {
        Self {
            phase: Phase::Wanted,
            listed: 0,
            writer: Some(writer),
            message_stream,
            filter: Filter::OPEN,
            shape,
            position: Position::new(),
            rest: Bytes::new(),
            rest_is: Rest::Control,
            under_way: None,
            control: BytesMut::new(),
            carried: Bytes::new(),
            finish: None,
            event: None,
            queued: false,
            took_at: now,
            stalled: false,
            got: Totals::default(),
            joined: Totals::default(),
        }
    }

    /// Whether shared images are what it gets of messages with these features.
    pub(super) fn is_shared(&self, features: Features) -> bool {
        self.message_stream == SHARED_MESSAGE_STREAM
            && self.filter == Filter::OPEN
            && !self.shape.changes(features)
    }

    /// Whether nothing but frames is to be sent.
    pub(super) fn is_plain(&self) -> bool {
        self.rest.is_empty()
            && self.under_way.is_none()
            && self.control.is_empty()
            && self.carried.is_empty()
            && self.finish.is_none()
    }

    /// Bytes of replies that wait.
    pub(super) fn control_bytes(&self) -> usize {
        let under_way = if self.rest_is == Rest::Control {
            self.rest.len()
        } else {
            0
        };
        let last = self
            .finish
            .as_ref()
            .and_then(|finish| finish.bytes.as_ref());
        self.control.len() + under_way + last.map_or(0, Bytes::len)
    }

    /// Whether there is room for so many bytes of replies.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.control_bytes().saturating_add(bytes) <= CONTROL_BYTES_MAX
    }

    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.control.extend_from_slice(bytes);
    }

    /// Takes the replies that wait as the next thing to send, else what is carried, or the last bytes when everything
    /// else is out.
    pub(super) fn take_control(&mut self) -> bool {
        if !self.control.is_empty() {
            self.rest = self.control.split().freeze();
            self.rest_is = Rest::Control;
            // The buffer went with the bytes: a player without replies holds none.
            self.control = BytesMut::new();
            return true;
        }
        if !self.carried.is_empty() {
            self.rest = std::mem::take(&mut self.carried);
            self.rest_is = Rest::Carried;
            return true;
        }
        let over = self.has_all_frames();
        let last = self
            .finish
            .as_mut()
            .filter(|_| over)
            .and_then(|finish| finish.bytes.take());
        match last {
            Some(last) if !last.is_empty() => {
                self.rest = last;
                self.rest_is = Rest::Control;
                true
            }
            _ => false,
        }
    }

    /// Whether it ends and has the frames it is to get.
    pub(super) fn has_all_frames(&self) -> bool {
        self.finish.as_ref().is_some_and(|finish| {
            self.position.waiting || self.filter.paused || self.position.at >= finish.until
        })
    }

    /// Everything that waits but frames, in its order.
    pub(super) fn unsent<E: Encode>(&self, encode: &E) -> Bytes {
        let under_way = self.under_way.as_ref();
        let later = under_way.map_or_else(Bytes::new, |under_way| under_way.rest(encode));
        let last = self.finish.as_ref();
        let last = last.and_then(|finish| finish.bytes.as_ref());
        let behind = [
            &later[..],
            &self.control,
            &self.carried,
            last.map_or(&[], Bytes::as_ref),
        ];
        if behind.iter().all(|part| part.is_empty()) {
            return self.rest.clone();
        }
        let mut unsent = BytesMut::from(&self.rest[..]);
        for part in behind {
            unsent.extend_from_slice(part);
        }
        unsent.freeze()
    }

    /// Makes the next part of the message under way. False at a message boundary.
    pub(super) fn go_on<E: Encode>(&mut self, encode: &E) -> bool {
        let Some(under_way) = &mut self.under_way else {
            return false;
        };
        self.rest = under_way.next(encode);
        self.rest_is = Rest::Part;
        let goes_on = !self.rest.is_empty();
        if !goes_on {
            self.under_way = None;
            self.got.frames += 1;
        }
        goes_on
    }

    /// Lets go of bytes that can be made again.
    pub(super) fn give_back(&mut self) {
        if let Some(under_way) = &mut self.under_way {
            under_way.give_back(self.rest.len());
            self.rest = Bytes::new();
        }
    }

    /// What it missed, when it gets no more than it has of what players in sync have.
    pub(super) fn missed(&self, synced: &Position) -> Drops {
        let mut drops = self.position.drops;
        if self.phase != Phase::InSync && !self.position.waiting && !self.filter.paused {
            drops.frames += synced.at.saturating_sub(self.position.at);
            drops.bytes += synced.bytes.saturating_sub(self.position.bytes);
        }
        drops
    }

    /// Counts bytes that went out.
    pub(super) fn took(&mut self, bytes: usize, budget: &mut Budget) {
        self.got.bytes += bytes as u64;
        budget.bytes -= bytes;
    }
}

impl<W: Write> Player<W> {
    /// Writes as much as the budget allows. Gives how much went, or why nothing goes.
    pub(super) fn write(&mut self, bytes: &[u8], budget: &mut Budget) -> Result<usize, Turn> {
        let len = bytes.len().min(budget.bytes);
        if len == 0 {
            return Err(Turn::More);
        }
        let Some(writer) = self.writer.as_mut() else {
            return Err(Turn::InSync);
        };
        match writer.write(&bytes[..len]) {
            Written::Sent(sent) => {
                let sent = sent.min(len);
                self.took(sent, budget);
                Ok(sent)
            }
            Written::Blocked => Err(Turn::Blocked),
            Written::Gone => Err(Turn::Gone),
        }
    }

    /// Finishes what is left of the message under way, or of a part of it. Gives why it could not.
    pub(super) fn flush(&mut self, budget: &mut Budget) -> Result<(), Turn> {
        while !self.rest.is_empty() {
            let asked = self.rest.len().min(budget.bytes);
            let rest = self.rest.clone();
            let sent = self.write(&rest, budget)?;
            self.rest.advance(sent);
            if sent < asked {
                return Err(Turn::Blocked);
            }
        }
        if self.rest_is == Rest::Frame {
            self.got.frames += 1;
            self.rest_is = Rest::Control;
        }
        self.rest = Bytes::new();
        Ok(())
    }
}
