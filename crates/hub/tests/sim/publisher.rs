//! Publishers of several kinds.

use bongsu_hub::Kind;
use bytes::Bytes;

use crate::{log::What, rng::Rng};

/// What a publisher sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// H.264 and AAC in legacy form.
    Legacy,
    /// H.265 in enhanced form, AAC.
    Enhanced,
    /// A codec without headers, and no sound.
    Headerless,
    /// Two video tracks, AAC.
    TwoTracks,
    /// H.264 that never marks a keyframe, AAC.
    Unmarked,
    AudioOnly,
}

impl Profile {
    pub(crate) fn any(rng: &mut Rng) -> Self {
        match rng.below(8) {
            0 | 1 => Self::Legacy,
            2 | 3 => Self::Enhanced,
            4 => Self::Headerless,
            5 => Self::TwoTracks,
            6 => Self::Unmarked,
            _ => Self::AudioOnly,
        }
    }

    pub(crate) fn tracks(self) -> u8 {
        match self {
            Self::AudioOnly => 0,
            Self::TwoTracks => 2,
            _ => 1,
        }
    }

    pub(crate) fn has_audio(self) -> bool {
        self != Self::Headerless
    }

    pub(crate) fn has_video_header(self) -> bool {
        !matches!(self, Self::Headerless | Self::AudioOnly)
    }

    /// The bytes before the body of a message.
    fn prefix(self, kind: Kind, what: What, track: u8) -> Vec<u8> {
        let packet = match what {
            What::Header => 0_u8,
            _ => 1,
        };
        let frame_type = if what == What::Inter { 0x20 } else { 0x10 };
        match (kind, what) {
            (Kind::Data, What::Metadata) => b"\x02\0\x0aonMetaData".to_vec(),
            (Kind::Data, _) => b"\x02\0\x05onCue".to_vec(),
            (Kind::Audio, _) => vec![0xaf, packet],
            // The start of a seek.
            (Kind::Video, What::Moment) => vec![0x50, 0],
            (Kind::Video, _) => match self {
                Self::Headerless => vec![frame_type | 4],
                Self::Enhanced => {
                    let mut bytes = vec![0x80 | frame_type | packet];
                    bytes.extend_from_slice(b"hvc1");
                    bytes.extend_from_slice(if packet == 1 { b"\0\0\0" } else { b"" });
                    bytes
                }
                Self::TwoTracks => {
                    let mut bytes = vec![0x80 | frame_type | 6, packet];
                    bytes.extend_from_slice(b"avc1");
                    bytes.push(track);
                    bytes.extend_from_slice(if packet == 1 { b"\0\0\0" } else { b"" });
                    bytes
                }
                _ => vec![frame_type | 7, packet, 0, 0, 0],
            },
        }
    }

    /// A message of some size that ends with its id.
    pub(crate) fn payload(self, kind: Kind, what: What, track: u8, id: u64, size: usize) -> Bytes {
        let mut bytes = self.prefix(kind, what, track);
        bytes.resize(bytes.len() + size, 0x55);
        bytes.extend_from_slice(&id.to_be_bytes());
        bytes.into()
    }
}
