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
                // The codec of a message is that of its default track: of the others in it nothing is known.
                let is_known = id == 0 || tracks.len() == 1;
                let differs = is_known && track.codec.family() != codec.family();
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

#[cfg(test)]
mod tests {
    use bongsu_flv::FourCc;

    use super::*;

    #[test]
    fn the_codec_of_a_message_of_several_tracks_is_that_of_its_default_track() {
        let (avc, hevc) = (Codec::FourCc(FourCc::AVC1), Codec::FourCc(FourCc::HVC1));
        let both = TrackSet::DEFAULT.union(TrackSet::of(1));
        let codecs = |tracks: &Tracks| tracks.list().iter().map(|track| track.codec).collect();
        let mut tracks = Tracks::default();
        assert!(!tracks.see(Kind::Video, both, avc));
        assert!(!tracks.see(Kind::Video, both, avc));
        assert!(tracks.see(Kind::Video, both, hevc), "it follows another");
        let seen: Vec<Codec> = codecs(&tracks);
        assert_eq!(seen, [hevc, avc], "of track 1 nothing is known");
        assert_eq!(tracks.changes(), 1);
        let others = TrackSet::of(1).union(TrackSet::of(2));
        assert!(!tracks.see(Kind::Video, others, hevc), "neither is here");
        let seen: Vec<Codec> = codecs(&tracks);
        assert_eq!(seen, [hevc, avc, hevc]);
        tracks.check_invariants();
    }
}
