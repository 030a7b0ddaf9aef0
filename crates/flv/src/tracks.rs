//! The set of tracks a message carries.

use std::fmt;

use crate::limits::TRACK_ID_MAX;

/// The track ids of one message: ids 0 to [`TRACK_ID_MAX`] each, all higher ones together.
///
/// A message without a track id counts as track 0, the default track.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TrackSet(u64);

impl TrackSet {
    /// No track.
    pub const EMPTY: Self = Self(0);
    /// Track 0 alone: the default track, and every message without a track id.
    pub const DEFAULT: Self = Self(1);

    /// The set of this one track.
    #[must_use]
    pub const fn of(id: u8) -> Self {
        let place = if id > TRACK_ID_MAX { 63 } else { id };
        Self(1_u64.rotate_left(place as u32))
    }

    /// Adds a track.
    pub const fn insert(&mut self, id: u8) {
        self.0 |= Self::of(id).0;
    }

    /// Whether no track is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the default track is in the set.
    #[must_use]
    pub const fn has_default(self) -> bool {
        self.0 & 1 == 1
    }

    /// Whether this track is in the set.
    #[must_use]
    pub const fn contains(self, id: u8) -> bool {
        self.0 & Self::of(id).0 != 0
    }

    /// Whether every track of `other` is in this set.
    #[must_use]
    pub const fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether both sets share a track.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The tracks in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The tracks of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// How many places of the set are taken.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The lowest track id; 63 stands for all ids above [`TRACK_ID_MAX`]. `None` when empty.
    #[must_use]
    pub fn lowest(self) -> Option<u8> {
        self.iter().next()
    }

    /// The track ids in rising order; 63 stands for all ids above [`TRACK_ID_MAX`].
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..=63_u8).filter(move |id| self.contains(*id))
    }
}

impl fmt::Debug for TrackSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_up_to_the_limit_are_told_apart_and_higher_ones_share_a_place() {
        let at = TrackSet::of(TRACK_ID_MAX);
        let past = TrackSet::of(TRACK_ID_MAX + 1);
        assert!(!at.intersects(past));
        assert_eq!(past, TrackSet::of(255));
        assert!(past.contains(200));
        assert!(!past.contains(TRACK_ID_MAX));
    }

    #[test]
    fn set_arithmetic() {
        let mut set = TrackSet::DEFAULT;
        set.insert(3);
        assert!(set.covers(TrackSet::of(3)) && set.has_default());
        assert!(!TrackSet::of(3).covers(set));
        assert_eq!(set.without(TrackSet::DEFAULT), TrackSet::of(3));
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3]);
        assert_eq!((set.len(), set.lowest()), (2, Some(0)));
        assert_eq!(TrackSet::EMPTY.lowest(), None);
        assert_eq!(format!("{set:?}"), "{0, 3}");
    }
}
