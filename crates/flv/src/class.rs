//! What a message is, as far as a relay has to know.

use crate::tag::{TYPE_AUDIO, TYPE_SCRIPT, TYPE_VIDEO};
use crate::{Codec, Features, TrackSet, audio, script, video};

/// The three kinds of message that make up a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Message type 8: the data part of an FLV audio tag.
    Audio,
    /// Message type 9: the data part of an FLV video tag.
    Video,
    /// Message type 18: AMF0 values, the first of them a name such as `onMetaData`.
    Data,
}

impl Kind {
    /// The kind of a message or tag of this type: 8, 9 or 18 in RTMP and FLV alike. `None` for any other.
    #[must_use]
    pub const fn from_type_id(id: u8) -> Option<Self> {
        match id {
            TYPE_AUDIO => Some(Self::Audio),
            TYPE_VIDEO => Some(Self::Video),
            TYPE_SCRIPT => Some(Self::Data),
            _ => None,
        }
    }

    /// The type of a message or tag of this kind.
    #[must_use]
    pub const fn type_id(self) -> u8 {
        match self {
            Self::Audio => TYPE_AUDIO,
            Self::Video => TYPE_VIDEO,
            Self::Data => TYPE_SCRIPT,
        }
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Nothing in it: no bytes at all, or a decoder configuration without a body.
    Empty,
    /// A decoder configuration: it must precede the frames of its tracks.
    SequenceHeader,
    /// A video frame that a decoder can start with.
    Keyframe,
    /// An ordinary frame: audio, or video that needs earlier frames.
    Frame,
    /// The end of the sequence that the last header began.
    EndOfSequence,
    /// What a decoder wants beside the header: colour information, the layout of audio channels, stream metadata.
    Config,
    /// A command frame: start or end of a seek on the client's side.
    Command,
    /// A packet type that no specification defines yet, or a data message of any name: pass it on.
    Opaque,
    /// Cut short or impossible: never pass it on.
    Malformed,
}

/// What [`classify`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Classified {
    /// What the message is.
    pub class: Class,
    /// Codec of the default track, else of the first track in the message.
    pub codec: Codec,
    /// The tracks it carries; [`TrackSet::DEFAULT`] without a track id, empty for data and malformed messages.
    pub tracks: TrackSet,
    /// Whether no other frame needs this one, so that it may be left out.
    pub disposable: bool,
    /// Whether it has the header of Enhanced RTMP.
    pub enhanced: bool,
    /// Composition time offset of that track in milliseconds: presentation minus decoding time.
    pub composition_ms: i32,
    /// What of the wire's variety it uses; none when it is malformed or data.
    pub features: Features,
}

impl Classified {
    pub(crate) const fn new(class: Class) -> Self {
        Self {
            class,
            codec: Codec::None,
            tracks: TrackSet::DEFAULT,
            disposable: false,
            enhanced: false,
            composition_ms: 0,
            features: Features::NONE,
        }
    }

    pub(crate) const fn malformed() -> Self {
        Self {
            tracks: TrackSet::EMPTY,
            ..Self::new(Class::Malformed)
        }
    }

    /// Whether the message carries the default track: track 0, or no track id at all.
    #[must_use]
    pub const fn default_track(&self) -> bool {
        self.tracks.has_default()
    }
}

/// Says what a message is. It reads the header only and never fails: bytes that make no sense are
/// [`Class::Malformed`].
///
/// A data message is [`Class::Config`] when it is `onMetaData`, else [`Class::Opaque`].
#[must_use]
pub fn classify(kind: Kind, payload: &[u8]) -> Classified {
    match kind {
        Kind::Audio => audio::classify(payload),
        Kind::Video => video::classify(payload),
        Kind::Data => {
            let class = match script::event_name(payload) {
                Some("onMetaData") => Class::Config,
                _ => Class::Opaque,
            };
            Classified {
                tracks: TrackSet::EMPTY,
                ..Classified::new(class)
            }
        }
    }
}
