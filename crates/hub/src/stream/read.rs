//! What readers ask of a stream: where to start, when to skip, what a frame's headers are stamped with.

use bongsu_flv::Class;

use super::LiveStream;
use crate::{
    Cursor, Frame, Kind, Next,
    cursor::Prelude,
    headers::{Header, Headers},
    lag::{self, Advice},
    limits::{AUDIO_ONLY_START_MS, KEYFRAME_WAIT_MS_MAX},
    position::{PerKind, Position},
    ring::Ring,
};

/// What became of a position that was judged by the drop policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It reads on where it is.
    Here,
    /// It has a place to start with; it lacks the headers that it lacked before.
    Restarted,
    /// There is no place yet.
    Waiting,
}

impl LiveStream {
    /// The next thing a cursor has to send: metadata and headers first, then frames. Skips by the drop policy.
    pub fn next<'a>(&'a self, cursor: &'a mut Cursor) -> Next<'a> {
        if cursor.prelude.is_none() {
            let before = cursor.position;
            match self.settle(&mut cursor.position) {
                Settled::Waiting => return Next::Wait,
                Settled::Here => {}
                Settled::Restarted => {
                    cursor.position.versions = PerKind::all(self.headers.version());
                    cursor.prelude = Some(Prelude::new(self.headers.items().clone(), before));
                }
            }
            if !cursor.has_base()
                && let Some(first) = self.first_time(cursor.position.at)
            {
                cursor.set_base(first);
            }
        }
        if cursor.advance_prelude() {
            let cursor: &'a Cursor = cursor;
            return cursor.header().map_or(Next::Wait, |header| {
                let timestamp = self.prelude_time(header, cursor.position.at);
                Next::Header {
                    kind: header.kind,
                    timestamp: cursor.wire_time(timestamp),
                    payload: &header.payload,
                }
            });
        }
        while let Some(frame) = self.ring.get(cursor.position.at) {
            let wanted = cursor.position.wants(frame);
            cursor.position.pass(frame, wanted);
            if wanted {
                return Next::Frame {
                    frame,
                    timestamp: cursor.wire_time(frame.timestamp),
                };
            }
        }
        Next::Wait
    }

    /// How far a cursor is behind the newest frame, in milliseconds of the timeline.
    #[must_use]
    pub fn lag_ms(&self, cursor: &Cursor) -> u64 {
        if cursor.position.waiting {
            return 0;
        }
        let next = self.ring.from(cursor.position.at).next();
        next.map_or(0, |next| self.ring.head_clock() - next.clock)
    }

    pub(crate) const fn ring(&self) -> &Ring<Frame> {
        &self.ring
    }

    pub(crate) const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Whether a position has got the keyframe of every track that goes on from there.
    pub(crate) fn is_keyed(&self, position: &Position) -> bool {
        let known = position.at >= self.keyed_end;
        position
            .keyed
            .is_none_or(|keyed| known && keyed.covers(self.video.keyed))
    }

    /// Keeps entries from this one on for the players in sync.
    pub(crate) const fn pin(&mut self, from: Option<u64>) {
        self.ring.pin(from);
    }

    /// Whether every header of this kind in the ring is before this entry, so that the store is what it needs.
    pub(crate) const fn is_settled(&self, kind: Kind, at: u64) -> bool {
        self.header_end.get(kind) <= at
    }

    /// Where a reader may start now: the newest keyframe, or a little before the head when there is no video.
    pub(crate) fn start(&self) -> Option<u64> {
        if let Some(gop) = self.ring.newest_gop() {
            return Some(gop);
        }
        // Video whose keyframe is still awaited is worth the wait; video that stopped is not.
        let awaited = self.video.last.is_some_and(|last| {
            self.ring.head_clock().saturating_sub(last) <= KEYFRAME_WAIT_MS_MAX
        });
        if !self.flows || (awaited && !self.video.unkeyed.has_default()) {
            return None;
        }
        let from = self.ring.newest_ms(AUDIO_ONLY_START_MS).max(self.floor);
        (from < self.ring.head()).then_some(from)
    }

    /// Gives a position a place when it has none, or another one when it lags.
    pub(crate) fn settle(&self, position: &mut Position) -> Settled {
        let start = self.start();
        let advice = if position.waiting {
            start.map_or(Advice::Wait, Advice::Skip)
        } else {
            lag::advise(&self.ring, position.at, start)
        };
        match advice {
            Advice::Stay => Settled::Here,
            Advice::Wait => {
                position.waiting = true;
                Settled::Waiting
            }
            Advice::Skip(start) => {
                position.restart(start, self.bytes_before(start), self.ring.head());
                Settled::Restarted
            }
        }
    }

    /// Bytes of payload pushed before this entry.
    pub(crate) fn bytes_before(&self, seq: u64) -> u64 {
        self.ring
            .get(seq)
            .map_or(self.bytes, |frame| frame.bytes_before)
    }

    /// The time of a header sent before the entry `at`: that of the next message of its track, so that times never go
    /// back at the seam. [WIRE 134]
    pub(crate) fn prelude_time(&self, header: &Header, at: u64) -> u64 {
        let track = header.tracks.lowest();
        let follows = |frame: &&Frame| {
            frame.kind == header.kind
                && (frame.kind == Kind::Data || frame.tracks.lowest() == track)
        };
        if let Some(next) = self.ring.from(at).find(follows) {
            return next.timestamp;
        }
        let before = self
            .ring
            .from(at)
            .next()
            .map_or_else(|| self.timeline.last(), |next| next.timestamp);
        self.timeline
            .prelude(header.kind, track.unwrap_or(0), before)
    }

    /// The earliest time among the frames from this entry on.
    fn first_time(&self, at: u64) -> Option<u64> {
        let is_frame = |frame: &&Frame| matches!(frame.class, Class::Keyframe | Class::Frame);
        self.ring
            .from(at)
            .filter(is_frame)
            .map(|frame| frame.timestamp)
            .min()
    }
}
