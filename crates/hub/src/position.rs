//! Where a reader is and what it has, for cursors and for players that are not in sync.

use bongsu_flv::{Class, Shape, TrackSet};

use crate::{Drops, Frame, Kind, headers::Header};

/// One flag or number per kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PerKind<T>([T; 3]);

impl<T: Copy> PerKind<T> {
    pub(crate) const fn all(value: T) -> Self {
        Self([value; 3])
    }

    pub(crate) const fn get(self, kind: Kind) -> T {
        let [audio, video, data] = self.0;
        match kind {
            Kind::Audio => audio,
            Kind::Video => video,
            Kind::Data => data,
        }
    }

    pub(crate) const fn set(&mut self, kind: Kind, value: T) {
        let [audio, video, data] = &mut self.0;
        *match kind {
            Kind::Audio => audio,
            Kind::Video => video,
            Kind::Data => data,
        } = value;
    }
}

/// A place in a stream. It is a plain value: a turn works on a copy and keeps it as far as bytes went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Number of the next entry.
    pub(crate) at: u64,
    /// Bytes of payload in the stream before that entry.
    pub(crate) bytes: u64,
    /// Whether it has no place yet and waits for one to start with.
    pub(crate) waiting: bool,
    /// Whether it has never had a place: to get one is no skip.
    pub(crate) fresh: bool,
    /// The head of the ring when it was first seen to wait: it was there for every entry from this one on.
    pub(crate) since: Option<u64>,
    /// Whether the place it has is its first one: it got nothing before.
    pub(crate) joins: bool,
    /// Version of the header store it has, per kind.
    pub(crate) versions: PerKind<u64>,
    /// Kinds it must not get before it got the headers it lacks.
    pub(crate) owed: PerKind<bool>,
    /// Whether it was paused and takes another place first.
    pub(crate) resumes: bool,
    /// Video tracks whose keyframe it has got; `None` once it needs to get no more.
    pub(crate) keyed: Option<TrackSet>,
    /// Entries below were there before the reader was.
    pub(crate) came_at: u64,
    pub(crate) drops: Drops,
}

impl Position {
    pub(crate) const fn new() -> Self {
        Self {
            at: 0,
            bytes: 0,
            waiting: true,
            fresh: true,
            joins: false,
            since: None,
            versions: PerKind::all(0),
            owed: PerKind::all(false),
            resumes: false,
            keyed: Some(TrackSet::EMPTY),
            came_at: 0,
            drops: Drops {
                skips: 0,
                frames: 0,
                bytes: 0,
            },
        }
    }

    /// Takes a place to start with. The caller sends the headers it lacks, see [`Position::lacks`].
    pub(crate) const fn restart(&mut self, at: u64, bytes: u64, head: u64) {
        if !self.fresh {
            self.drops.skips += 1;
            self.drops.frames += at.saturating_sub(self.at);
            self.drops.bytes += bytes.saturating_sub(self.bytes);
        }
        self.go(at, bytes, head);
    }

    /// Takes a place without counting what lies between: the reader did not want it.
    pub(crate) const fn go(&mut self, at: u64, bytes: u64, head: u64) {
        self.at = at;
        self.bytes = bytes;
        self.waiting = false;
        self.joins = self.fresh;
        self.fresh = false;
        self.keyed = Some(TrackSet::EMPTY);
        self.came_at = head;
    }

    /// Whether this header came after what the reader has of its kind.
    pub(crate) const fn lacks(&self, header: &Header) -> bool {
        header.version > self.versions.get(header.kind)
    }

    /// Whether the reader can use the next entry, as far as its place is concerned.
    pub(crate) fn wants(&self, frame: &Frame, shape: Shape) -> bool {
        if let Some(version) = frame.header {
            return version > self.versions.get(frame.kind);
        }
        if frame.is_momentary() && self.at < self.came_at {
            return false;
        }
        // Its tracks' keyframes may lie before the reader's first entry, though that is a keyframe itself.
        let tracks = shape.tracks_of(frame.tracks);
        !frame.needs_key || self.keyed.is_none_or(|keyed| keyed.covers(tracks))
    }

    /// Goes past the next entry, which the reader got or did not want.
    pub(crate) fn pass(&mut self, frame: &Frame, got: bool) {
        self.at += 1;
        self.bytes = frame.bytes_before + frame.payload.len() as u64;
        if !got {
            return;
        }
        if let Some(version) = frame.header {
            self.versions
                .set(frame.kind, version.max(self.versions.get(frame.kind)));
        }
        if let Some(keyed) = self.keyed.as_mut()
            && frame.kind == Kind::Video
            && frame.class == Class::Keyframe
        {
            *keyed = keyed.union(frame.tracks);
        }
    }

    /// Whether it lacks no headers of a kind that was switched off.
    pub(crate) fn owes_nothing(&self) -> bool {
        self.owed == PerKind::all(false)
    }
}
