//! Sets of codecs.

use std::fmt;

use crate::{Codec, FourCc, Kind};

/// The codecs with a place of their own: which kind of message they belong to, and how it names them.
const PLACES: [(Kind, Codec); 15] = [
    (Kind::Video, Codec::FourCc(FourCc::AVC1)),
    (Kind::Video, Codec::FourCc(FourCc::HVC1)),
    (Kind::Video, Codec::FourCc(FourCc::VVC1)),
    (Kind::Video, Codec::FourCc(FourCc::AV01)),
    (Kind::Video, Codec::FourCc(FourCc::VP08)),
    (Kind::Video, Codec::FourCc(FourCc::VP09)),
    (Kind::Audio, Codec::FourCc(FourCc::MP4A)),
    (Kind::Audio, Codec::FourCc(FourCc::OPUS)),
    (Kind::Audio, Codec::FourCc(FourCc::FLAC)),
    (Kind::Audio, Codec::FourCc(FourCc::AC_3)),
    (Kind::Audio, Codec::FourCc(FourCc::EC_3)),
    (Kind::Audio, Codec::FourCc(FourCc::MP3)),
    (Kind::Video, Codec::Video(12)),
    (Kind::Video, Codec::Video(13)),
    (Kind::Audio, Codec::Audio(13)),
];

const OTHER_VIDEO: u32 = 1 << 15;
const OTHER_AUDIO: u32 = 1 << 16;
const LEGACY_VIDEO: u32 = 1 << 17;
const LEGACY_AUDIO: u32 = 1 << 18;

/// Every bit that stands for a codec.
const ALL: u32 = (1 << 19) - 1;

/// A set of codecs by the names that messages give them.
///
/// The codecs that plain FLV has are one place for video and one for audio, the ids 12 and 13 that were put to it later
/// (H.265, AV1, Opus) and the fourccs of Enhanced RTMP have a place each, and all fourccs that nobody knows are one
/// place per kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CodecSet(pub(super) u32);

impl CodecSet {
    /// No codec.
    pub const EMPTY: Self = Self(0);
    /// Every codec, known or not.
    pub const ALL: Self = Self(ALL);
    /// What the specification of FLV knows: H.264, AAC, MP3 and their predecessors, by their legacy ids.
    pub const LEGACY: Self = Self(LEGACY_VIDEO | LEGACY_AUDIO);

    /// With this codec. A fourcc that nobody knows stands for all of them, of either kind.
    #[must_use]
    pub fn with(self, codec: Codec) -> Self {
        Self(self.0 | Self::places(codec))
    }

    /// Without this codec.
    #[must_use]
    pub fn without(self, codec: Codec) -> Self {
        Self(self.0 & !Self::places(codec))
    }

    /// With every fourcc of a kind, known or not: what `*` says in the map of that kind.
    #[must_use]
    pub fn with_every(self, kind: Kind) -> Self {
        let other = match kind {
            Kind::Video => OTHER_VIDEO,
            Kind::Audio => OTHER_AUDIO,
            Kind::Data => 0,
        };
        let known = |(of, codec): &(Kind, Codec)| *of == kind && matches!(codec, Codec::FourCc(_));
        let known = PLACES.into_iter().filter(known);
        Self(known.fold(self.0 | other, |all, (_, codec)| all | Self::places(codec)))
    }

    /// Whether messages of this kind may have this codec. What names no codec is in every set.
    #[must_use]
    pub fn contains(self, kind: Kind, codec: Codec) -> bool {
        let place = Self::place(kind, codec);
        self.0 & place == place
    }

    /// The bit of a codec in messages of a kind; none for what names no codec.
    pub(super) fn place(kind: Kind, codec: Codec) -> u32 {
        if let Some(bit) = known(|place| place == (kind, codec)) {
            return bit;
        }
        match (kind, codec) {
            (Kind::Data, _) | (_, Codec::None) => 0,
            (_, Codec::Video(_)) => LEGACY_VIDEO,
            (_, Codec::Audio(_)) => LEGACY_AUDIO,
            (Kind::Video, Codec::FourCc(_)) => OTHER_VIDEO,
            (Kind::Audio, Codec::FourCc(_)) => OTHER_AUDIO,
        }
    }

    /// The bits of a codec whatever kind of message names it.
    fn places(codec: Codec) -> u32 {
        known(|(_, place)| place == codec).unwrap_or(match codec {
            Codec::None => 0,
            Codec::Video(_) => LEGACY_VIDEO,
            Codec::Audio(_) => LEGACY_AUDIO,
            Codec::FourCc(_) => OTHER_VIDEO | OTHER_AUDIO,
        })
    }
}

fn known(is: impl Fn((Kind, Codec)) -> bool) -> Option<u32> {
    let at = PLACES.into_iter().position(is)?;
    1_u32.checked_shl(u32::try_from(at).ok()?)
}

impl fmt::Debug for CodecSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = PLACES
            .iter()
            .filter(|(kind, codec)| self.contains(*kind, *codec))
            .map(|(_, codec)| format!("{codec:?}"));
        let groups = [
            (LEGACY_VIDEO, "legacy video"),
            (LEGACY_AUDIO, "legacy audio"),
            (OTHER_VIDEO, "other video"),
            (OTHER_AUDIO, "other audio"),
        ];
        let groups = groups
            .iter()
            .filter(|(bit, _)| self.0 & bit != 0)
            .map(|(_, name)| (*name).to_owned());
        f.debug_set().entries(groups.chain(known)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set = CodecSet::LEGACY.with(Codec::FourCc(FourCc::HVC1));
        assert!(set.contains(Kind::Video, Codec::FourCc(FourCc::HVC1)));
        assert!(set.contains(Kind::Video, Codec::Video(7)));
        assert!(set.contains(Kind::Audio, Codec::Audio(10)));
        assert!(!set.contains(Kind::Video, Codec::FourCc(FourCc::AVC1)));
        for late in [Codec::Video(12), Codec::Video(13)] {
            assert!(!set.contains(Kind::Video, late));
        }
        assert!(!set.contains(Kind::Audio, Codec::Audio(13)));
        assert_eq!(set.without(Codec::FourCc(FourCc::HVC1)), CodecSet::LEGACY);
        assert!(
            set.contains(Kind::Video, Codec::None),
            "a command has no codec"
        );
    }

    #[test]
    fn a_fourcc_nobody_knows_stands_for_all_of_them() {
        let set = CodecSet::EMPTY.with(Codec::FourCc(FourCc(*b"zzzz")));
        assert!(set.contains(Kind::Audio, Codec::FourCc(FourCc(*b"yyyy"))));
        assert!(!set.contains(Kind::Audio, Codec::FourCc(FourCc::OPUS)));
        // The name of an audio codec in a video message is one that nobody knows there.
        assert!(set.contains(Kind::Video, Codec::FourCc(FourCc::OPUS)));
    }

    #[test]
    fn every_fourcc_of_a_kind_is_no_fourcc_of_the_other() {
        let set = CodecSet::EMPTY.with_every(Kind::Video);
        assert!(set.contains(Kind::Video, Codec::FourCc(FourCc::VP09)));
        assert!(set.contains(Kind::Video, Codec::FourCc(FourCc(*b"zzzz"))));
        assert!(!set.contains(Kind::Video, Codec::Video(7)));
        assert!(!set.contains(Kind::Audio, Codec::FourCc(FourCc::MP4A)));
        let both = set.with_every(Kind::Audio);
        let all = CodecSet::LEGACY
            .with(Codec::Video(12))
            .with(Codec::Video(13));
        let all = all.with(Codec::Audio(13));
        assert_eq!(both.0 | all.0, CodecSet::ALL.0);
    }

    #[test]
    fn sets_are_shown_by_name() {
        let set = CodecSet::LEGACY.with(Codec::FourCc(FourCc::AV01));
        assert_eq!(
            format!("{set:?}"),
            r#"{"legacy video", "legacy audio", "FourCc(FourCc(av01))"}"#
        );
    }
}
