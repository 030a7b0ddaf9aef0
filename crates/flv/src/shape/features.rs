//! What of the wire's variety a message uses.

use std::{fmt, ops::BitOr};

use super::CodecSet;
use crate::{Codec, Kind};

const MULTITRACK: u32 = 1 << 24;
const MOD_EX: u32 = 1 << 25;
const ENHANCED_VIDEO: u32 = 1 << 26;
const ENHANCED_AUDIO: u32 = 1 << 27;
const METADATA: u32 = 1 << 28;
const MULTICHANNEL: u32 = 1 << 29;

/// Features of the wire that a message has, or the messages of a stream had so far.
///
/// They say whether a [`crate::Shape`] changes a stream at all; see [`crate::Shape::changes`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Features(pub(super) u32);

impl Features {
    /// None.
    pub const NONE: Self = Self(0);
    /// A header that names tracks.
    pub const MULTITRACK: Self = Self(MULTITRACK);
    /// A ModEx prefix.
    pub const MOD_EX: Self = Self(MOD_EX);
    /// A video header of Enhanced RTMP.
    pub const ENHANCED_VIDEO: Self = Self(ENHANCED_VIDEO);
    /// An audio header of Enhanced RTMP.
    pub const ENHANCED_AUDIO: Self = Self(ENHANCED_AUDIO);
    /// A video metadata packet: colour information.
    pub const METADATA: Self = Self(METADATA);
    /// The layout of audio channels.
    pub const MULTICHANNEL: Self = Self(MULTICHANNEL);

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The features of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of these is among them.
    #[must_use]
    pub const fn has_any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    /// Whether a message of this kind had this codec, or for a fourcc that nobody knows: one of those.
    #[must_use]
    pub fn has_codec(self, kind: Kind, codec: Codec) -> bool {
        self.0 & CodecSet::place(kind, codec) != 0
    }

    pub(crate) fn codec(kind: Kind, codec: Codec) -> Self {
        Self(CodecSet::place(kind, codec))
    }

    pub(crate) const fn enhanced(kind: Kind) -> Self {
        match kind {
            Kind::Video => Self::ENHANCED_VIDEO,
            Kind::Audio => Self::ENHANCED_AUDIO,
            Kind::Data => Self::NONE,
        }
    }
}

impl BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (MULTITRACK, "multitrack"),
            (MOD_EX, "ModEx"),
            (ENHANCED_VIDEO, "enhanced video"),
            (ENHANCED_AUDIO, "enhanced audio"),
            (METADATA, "metadata"),
            (MULTICHANNEL, "multichannel"),
        ];
        let names = names.iter().filter(|(bit, _)| self.0 & bit != 0);
        f.debug_set()
            .entries(names.map(|(_, name)| name))
            .entry(&CodecSet(self.0 & CodecSet::ALL.0))
            .finish()
    }
}
