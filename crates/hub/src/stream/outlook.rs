//! What a stream has, and what a receiver of some shape can use of it.

use bongsu_flv::{Features, Shape};

use super::{LiveStream, Track};
use crate::Kind;

/// Whether a receiver gets anything of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// Nothing of the kind was seen from the publisher so far.
    Absent,
    /// It can use a track of it.
    Usable,
    /// There is some, and nothing that it can use.
    Unusable,
}

/// What a receiver can use of a stream, as far as is known now; see [`LiveStream::outlook`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The sound.
    pub audio: Prospect,
    /// The picture.
    pub video: Prospect,
    /// The tracks that it cannot use: because of their codec, or because it takes the default track only.
    pub unusable: Vec<Track>,
}

impl Outlook {
    /// Whether there is something and the receiver can use nothing of it.
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        let kinds = [self.audio, self.video];
        kinds.contains(&Prospect::Unusable) && !kinds.contains(&Prospect::Usable)
    }
}

impl LiveStream {
    /// What the messages of the current publisher have had so far, or those of the last one while nobody publishes.
    #[must_use]
    pub const fn features(&self) -> Features {
        self.features
    }

    /// What a receiver of this shape can use of what the current publisher sent so far, or the last one while nobody
    /// publishes. A refusal belongs before `NetStream.Play.Start`.
    ///
    /// Codecs are those of [`LiveStream::tracks`].
    #[must_use]
    pub fn outlook(&self, shape: Shape) -> Outlook {
        let tracks = self.tracks.current().iter().copied();
        let unusable = tracks.filter(|track| !shape.takes(track.kind, track.codec, track.id));
        Outlook {
            audio: self.outlook_of(Kind::Audio, shape),
            video: self.outlook_of(Kind::Video, shape),
            unusable: unusable.collect(),
        }
    }

    /// What the entries from this one on have, and the headers in force.
    pub(crate) const fn features_from(&self, at: u64) -> Features {
        if at >= self.session.at {
            self.features
        } else {
            self.features.union(self.features_before)
        }
    }

    /// Whether there is a picture and none that a receiver of this shape can use: it waits for no keyframe.
    pub(super) fn is_audio_only_for(&self, shape: Shape) -> bool {
        shape.changes(self.features) && self.outlook_of(Kind::Video, shape) == Prospect::Unusable
    }

    fn outlook_of(&self, kind: Kind, shape: Shape) -> Prospect {
        let of_kind = self
            .tracks
            .current()
            .iter()
            .filter(|track| track.kind == kind);
        let takes = of_kind.map(|track| shape.takes(kind, track.codec, track.id));
        match takes.max() {
            None => Prospect::Absent,
            Some(true) => Prospect::Usable,
            Some(false) => Prospect::Unusable,
        }
    }
}
