//! One message of a stream, as the ring keeps it.

use bongsu_flv::{Class, Features, TrackSet};
use bytes::Bytes;

use crate::Kind;

/// One message on the stream's timeline, ready to be sent.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Audio, video or data.
    pub kind: Kind,
    /// What it is.
    pub class: Class,
    /// The tracks it carries.
    pub tracks: TrackSet,
    /// What of the wire's variety it uses.
    pub features: Features,
    /// Time on the stream's timeline in milliseconds; the wire carries its low 32 bits.
    pub timestamp: u64,
    /// What the publisher sent, untouched: for those who write their own headers.
    pub payload: Bytes,
    /// The message as every player in sync gets it, encoded once.
    pub image: Bytes,
    /// Version of the header store after this message, when it went into the store.
    pub(crate) header: Option<u64>,
    /// Whether earlier frames of its tracks are needed to decode it.
    pub(crate) needs_key: bool,
    /// Bytes of payload pushed before this frame since the stream began.
    pub(crate) bytes_before: u64,
    /// Highest timestamp up to and including this frame: rises with every frame, unlike the timestamp.
    pub(crate) clock: u64,
}

impl Frame {
    /// The low 32 bits of the timestamp: what goes on the wire.
    #[must_use]
    pub const fn wire_timestamp(&self) -> u32 {
        wire_time(self.timestamp)
    }

    /// Whether a player that joins can start here: a keyframe of the default track.
    #[must_use]
    pub const fn starts_gop(&self) -> bool {
        matches!(self.class, Class::Keyframe) && self.tracks.has_default()
    }

    /// Whether it means nothing to somebody who was not there: commands, ends of a sequence, marks of silence.
    pub(crate) const fn is_momentary(&self) -> bool {
        matches!(
            self.class,
            Class::Command | Class::EndOfSequence | Class::Empty
        )
    }

    /// Whether its own timestamp placed it on the timeline.
    pub(crate) const fn is_timed(&self) -> bool {
        match self.class {
            Class::Keyframe | Class::Frame => true,
            Class::Opaque => !matches!(self.kind, Kind::Data),
            _ => false,
        }
    }

    /// Memory it pins.
    pub(crate) fn held_bytes(&self) -> usize {
        let image = self.image.as_ptr_range();
        let shared = image.contains(&self.payload.as_ptr());
        self.image.len() + if shared { 0 } else { self.payload.len() }
    }
}

/// The low 32 bits of a time on the timeline.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the wire carries milliseconds modulo 2^32"
)]
pub(crate) const fn wire_time(timestamp: u64) -> u32 {
    timestamp as u32
}
