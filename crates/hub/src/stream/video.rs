//! Which video may go out: nothing of a track before its keyframe.

use bongsu_flv::TrackSet;

use crate::limits::KEYFRAME_WAIT_MS_MAX;

/// Whether a frame may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted {
    /// Yes; earlier frames are needed to decode it.
    Dependent,
    /// Yes, for want of anything better: its track marks no keyframes.
    Unmarked,
    /// No: its keyframe is still to come.
    No,
}

/// The video tracks of the current publisher.
#[derive(Debug, Default)]
pub(super) struct Video {
    /// Time of the last frame of the default track, dropped ones as well.
    pub(super) last: Option<u64>,
    /// Tracks that have had their keyframe.
    pub(super) keyed: TrackSet,
    /// Tracks that go out without ever having had one.
    pub(super) unkeyed: TrackSet,
    /// Tracks that sent something since the last keyframe of the default track.
    seen: TrackSet,
    /// Since when a track waits for its keyframe.
    waits: Vec<(u8, u64)>,
    /// Time of the last keyframe of the default track.
    key_at: Option<u64>,
}

impl Video {
    /// A keyframe. Gives the length of the group of pictures that it ends, in milliseconds.
    pub(super) fn keyframe(&mut self, tracks: TrackSet, time: u64) -> Option<u64> {
        self.keyed = self.keyed.union(tracks);
        self.unkeyed = self.unkeyed.without(tracks);
        self.waits.retain(|(id, _)| !tracks.contains(*id));
        self.seen = self.seen.union(tracks);
        if !tracks.has_default() {
            return None;
        }
        // A track that was silent for a whole group of pictures must begin anew: readers do not wait for it.
        self.keyed = self.keyed.without(self.keyed.without(self.seen));
        self.seen = tracks;
        self.last = Some(time);
        self.key_at
            .replace(time)
            .map(|before| time.saturating_sub(before))
    }

    /// A frame that is no keyframe.
    pub(super) fn frame(&mut self, tracks: TrackSet, time: u64) -> Admitted {
        self.seen = self.seen.union(tracks);
        if tracks.has_default() {
            self.last = Some(time);
        }
        if self.keyed.covers(tracks) {
            return Admitted::Dependent;
        }
        let Some(id) = tracks.without(self.keyed).without(self.unkeyed).lowest() else {
            return Admitted::Unmarked;
        };
        let since = match self.waits.iter().find(|(waits, _)| *waits == id) {
            Some((_, since)) => *since,
            None => {
                self.waits.push((id, time));
                time
            }
        };
        if time.saturating_sub(since) < KEYFRAME_WAIT_MS_MAX {
            return Admitted::No;
        }
        self.waits.retain(|(waits, _)| *waits != id);
        self.unkeyed = self.unkeyed.union(TrackSet::of(id));
        self.frame(tracks, time)
    }

    /// These tracks need a keyframe before anything else: their sequence ended, or another one began.
    pub(super) fn restart(&mut self, tracks: TrackSet) {
        self.keyed = self.keyed.without(tracks);
        self.unkeyed = self.unkeyed.without(tracks);
        if tracks.has_default() {
            self.key_at = None;
        }
    }

    pub(super) fn check_invariants(&self) {
        assert!(
            !self.keyed.intersects(self.unkeyed),
            "a track with keyframes waits for them"
        );
        assert!(self.waits.len() <= 64, "one wait per place of a track set");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: TrackSet = TrackSet::of(1);

    #[test]
    fn a_track_waits_for_its_keyframe_and_goes_out_as_it_is_at_the_limit() {
        let mut video = Video::default();
        assert_eq!(video.frame(TrackSet::DEFAULT, 500), Admitted::No);
        assert_eq!(
            video.frame(TrackSet::DEFAULT, 500 + KEYFRAME_WAIT_MS_MAX - 1),
            Admitted::No
        );
        assert_eq!(
            video.frame(OTHER, 500 + KEYFRAME_WAIT_MS_MAX),
            Admitted::No,
            "each by itself"
        );
        assert_eq!(
            video.frame(TrackSet::DEFAULT, 500 + KEYFRAME_WAIT_MS_MAX),
            Admitted::Unmarked
        );
        video.keyframe(TrackSet::DEFAULT, 20_000);
        assert_eq!(
            video.frame(TrackSet::DEFAULT, 20_040),
            Admitted::Dependent,
            "it has keyframes after all"
        );
        video.check_invariants();
    }

    #[test]
    fn the_length_of_a_group_of_pictures_is_that_of_the_default_track() {
        let mut video = Video::default();
        assert_eq!(video.keyframe(TrackSet::DEFAULT, 1_000), None);
        assert_eq!(video.keyframe(OTHER, 2_000), None);
        assert_eq!(video.keyframe(TrackSet::DEFAULT, 3_000), Some(2_000));
        video.restart(TrackSet::DEFAULT);
        assert_eq!(video.frame(TrackSet::DEFAULT, 3_040), Admitted::No);
        assert_eq!(video.keyframe(TrackSet::DEFAULT, 5_000), None);
    }

    #[test]
    fn a_track_that_was_silent_for_a_group_of_pictures_begins_anew() {
        let mut video = Video::default();
        video.keyframe(TrackSet::DEFAULT, 0);
        video.keyframe(OTHER, 0);
        video.keyframe(TrackSet::DEFAULT, 1_000);
        assert_eq!(
            video.frame(OTHER, 1_010),
            Admitted::Dependent,
            "it was there in the last one"
        );
        video.keyframe(TrackSet::DEFAULT, 2_000);
        video.keyframe(TrackSet::DEFAULT, 3_000);
        assert_eq!(video.keyed, TrackSet::DEFAULT);
        assert_eq!(video.frame(OTHER, 3_010), Admitted::No);
    }
}
