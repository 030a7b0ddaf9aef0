//! What readers ask of a stream: where to start, when to skip, what a frame's headers are stamped with.

use bongsu_flv::{Class, Shape};

use super::{LiveStream, SessionStart};
use crate::{
    Cursor, Frame, Kind, Next,
    cursor::Prelude,
    headers::{Header, Headers},
    lag::{self, Advice},
    limits::{ANNOUNCED_VIDEO_WAIT_MS_MAX, AUDIO_ONLY_START_MS, KEYFRAME_WAIT_MS_MAX},
    position::{PerKind, Position},
    ring::Ring,
    shaped::{self, Shaped},
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
    pub fn next(&self, cursor: &mut Cursor) -> Next<'_> {
        loop {
            if let Some(header) = self.next_header(cursor) {
                return header;
            }
            let before = cursor.position;
            let settled = self.settle(&mut cursor.position, cursor.shape);
            if settled == Settled::Waiting {
                return Next::Wait;
            }
            if !cursor.has_base()
                && let Some(first) = self.first_time(cursor.position.at)
            {
                cursor.set_base(first);
            }
            if settled == Settled::Here {
                return self.next_frame(cursor);
            }
            cursor.position.versions = PerKind::all(self.headers.version());
            cursor.prelude = Some(Prelude::new(self.headers.items().clone(), before));
        }
    }

    fn next_header(&self, cursor: &mut Cursor) -> Option<Next<'static>> {
        while cursor.advance_prelude() {
            let header = cursor.header()?;
            let Some(payload) = shaped::header(header, cursor.shape) else {
                continue;
            };
            let Position { at, joins, .. } = cursor.position;
            let timestamp = self.prelude_time(header, at, joins);
            return Some(Next::Header {
                kind: header.kind,
                timestamp: cursor.wire_time(timestamp),
                payload,
            });
        }
        None
    }

    fn next_frame(&self, cursor: &mut Cursor) -> Next<'_> {
        while let Some(frame) = self.ring.get(cursor.position.at) {
            let wanted = cursor.position.wants(frame, cursor.shape);
            cursor.position.pass(frame, wanted);
            if wanted && let Some(shaped) = Shaped::of(frame, cursor.shape) {
                return Next::Frame {
                    frame,
                    timestamp: cursor.wire_time(frame.timestamp),
                    payload: shaped.to_bytes(),
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
        self.ring.age(cursor.position.at)
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

    /// Whether the header store holds what this entry needs: every other header of this kind is before it.
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
        let awaited = awaited || self.is_video_announced();
        if awaited && !self.video.unkeyed.has_default() {
            return None;
        }
        self.start_of_audio()
    }

    /// Where a reader of this shape may start now, given where others may. One that can use nothing of the picture does
    /// not wait for it.
    pub(crate) fn start_for(&self, shape: Shape, start: Option<u64>) -> Option<u64> {
        if self.is_audio_only_for(shape) {
            self.start_of_audio()
        } else {
            start
        }
    }

    /// A little before the head.
    fn start_of_audio(&self) -> Option<u64> {
        if !self.flows {
            return None;
        }
        let from = self.ring.newest_ms(AUDIO_ONLY_START_MS).max(self.floor);
        (from < self.ring.head()).then_some(from)
    }

    /// Whether the metadata promises video that has not begun yet. It is believed for a short while only: [WIRE 120]
    ///
    /// A publisher that relays another one may begin with some seconds of sound; players that get them alone have to
    /// start over when the picture comes.
    fn is_video_announced(&self) -> bool {
        let began = self
            .ring
            .from(self.session.at)
            .next()
            .map_or(0, |first| first.clock);
        // Once its first entry is gone the publisher has been here for longer than that: what a ring is sure to hold.
        self.video.last.is_none()
            && self.session.at >= self.ring.base()
            && self.ring.head_clock().saturating_sub(began) <= ANNOUNCED_VIDEO_WAIT_MS_MAX
            && self.headers.announces_video()
    }

    /// Gives a position a place when it has none, or another one when it lags.
    pub(crate) fn settle(&self, position: &mut Position, shape: Shape) -> Settled {
        let start = self.start_for(shape, self.start());
        if position.waiting {
            position.since = position.since.or_else(|| Some(self.ring.head()));
            if self.start_from_the_beginning(position, start) {
                return Settled::Here;
            }
        }
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

    /// Gives a reader that waited for the publisher everything it sent, headers in their place: also the sound before
    /// the first keyframe.
    fn start_from_the_beginning(&self, position: &mut Position, start: Option<u64>) -> bool {
        let SessionStart { at, version } = self.session;
        let was_there = position.fresh && position.since.is_some_and(|since| since <= at);
        let is_kept = at >= self.ring.base() && start.is_some_and(|start| at <= start);
        if !was_there || !is_kept {
            return false;
        }
        position.restart(at, self.bytes_before(at), at);
        position.versions = PerKind::all(version);
        true
    }

    /// Bytes of payload pushed before this entry.
    pub(crate) fn bytes_before(&self, seq: u64) -> u64 {
        self.ring
            .get(seq)
            .map_or(self.bytes, |frame| frame.bytes_before)
    }

    /// The time of a header sent before the entry `at`: that of the next message of its track, so that times never go
    /// back at the seam. [WIRE 134] Who `joins` has got nothing before: then it is not later than that entry either.
    pub(crate) fn prelude_time(&self, header: &Header, at: u64, joins: bool) -> u64 {
        let track = header.tracks.lowest();
        let follows = |frame: &&Frame| {
            frame.kind == header.kind
                && (frame.kind == Kind::Data || frame.tracks.lowest() == track)
        };
        let before = self
            .ring
            .from(at)
            .next()
            .map_or_else(|| self.timeline.last(), |next| next.timestamp);
        let next = self.ring.from(at).find(follows).map(|next| next.timestamp);
        let time = next.unwrap_or_else(|| {
            self.timeline
                .prelude(header.kind, track.unwrap_or(0), before)
        });
        if joins { time.min(before) } else { time }
    }

    /// The earliest time among the frames from this entry on.
    pub(super) fn first_time(&self, at: u64) -> Option<u64> {
        let is_frame = |frame: &&Frame| matches!(frame.class, Class::Keyframe | Class::Frame);
        self.ring
            .from(at)
            .filter(is_frame)
            .map(|frame| frame.timestamp)
            .min()
    }
}
