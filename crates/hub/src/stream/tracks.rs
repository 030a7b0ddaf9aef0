//! Which tracks a publisher sends, and whether another one sent the same.

use bongsu_flv::{Codec, TrackSet};

use super::Track;
use crate::Kind;

/// Places of a track set, for audio and for video.
const TRACKS_MAX: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Tracks {
    list: Vec<Track>,
    /// Whether the list is that of the last publisher, until the current one sends something.
    outdated: bool,
    /// What the publisher before sent.
    previous: Vec<Track>,
    changes: u64,
}

impl Tracks {
    pub(super) fn list(&self) -> &[Track] {
        &self.list
    }

    /// Those of the current publisher alone, once it sent something; of the last one while nobody publishes.
    pub(super) fn current(&self) -> &[Track] {
        if self.outdated { &[] } else { &self.list }
    }

    pub(super) const fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) const fn begin_session(&mut self) {
        self.outdated = !self.list.is_empty();
    }

    /// Takes note of a header or frame. Gives whether its codec follows another one on a track of this publisher.
    pub(super) fn see(&mut self, kind: Kind, tracks: TrackSet, codec: Codec) -> bool {
        if self.outdated {
            self.previous = std::mem::take(&mut self.list);
            self.outdated = false;
        }
        let before = self.changes;
        let mut followed = false;
        for id in tracks.iter() {
            let place = |track: &&mut Track| track.kind == kind && track.id == id;
            if let Some(track) = self.list.iter_mut().find(place) {
                // The codec of a message is that of one track: of the others in it nothing is known.
                let differs = tracks.len() == 1 && track.codec.family() != codec.family();
                if differs {
                    track.codec = codec;
                    followed = true;
                }
                self.changes += u64::from(differs);
            } else {
                let as_before = self.previous.iter().any(|track| {
                    track.kind == kind && track.id == id && track.codec.family() == codec.family()
                });
                self.changes += u64::from(!self.previous.is_empty() && !as_before);
                self.list.push(Track { kind, id, codec });
            }
        }
        debug_assert!(
            !followed || self.changes > before,
            "a codec that follows another is a change"
        );
        followed
    }

    pub(super) fn check_invariants(&self) {
        assert!(self.list.len() <= TRACKS_MAX && self.previous.len() <= TRACKS_MAX);
    }
}
