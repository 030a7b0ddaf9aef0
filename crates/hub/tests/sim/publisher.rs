//! Publishers of several kinds.

use bongsu_flv::{Codec, FourCc};
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
    /// H.264 and AAC in enhanced form.
    EnhancedAvc,
    /// H.265 in legacy form, AAC.
    LegacyHevc,
    /// AV1 in enhanced form, each third message with a ModEx prefix, AAC in enhanced form.
    Prefixed,
    /// Two H.264 tracks in each message, AAC. For the model they are one.
    ManyTracks,
}

impl Profile {
    pub(crate) fn any(rng: &mut Rng) -> Self {
        match rng.below(12) {
            0 | 1 => Self::Legacy,
            2 | 3 => Self::Enhanced,
            4 => Self::Headerless,
            5 => Self::TwoTracks,
            6 => Self::Unmarked,
            7 => Self::EnhancedAvc,
            8 => Self::LegacyHevc,
            9 => Self::Prefixed,
            10 => Self::ManyTracks,
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

    /// The codec of the picture.
    pub(crate) fn video(self) -> Option<Codec> {
        Some(match self {
            Self::AudioOnly => return None,
            Self::Headerless => Codec::Video(4),
            Self::LegacyHevc => Codec::Video(12),
            Self::Enhanced => Codec::FourCc(FourCc::HVC1),
            Self::Prefixed => Codec::FourCc(FourCc::AV01),
            Self::TwoTracks | Self::EnhancedAvc | Self::ManyTracks => Codec::FourCc(FourCc::AVC1),
            Self::Legacy | Self::Unmarked => Codec::Video(7),
        })
    }

    /// A video header of Enhanced RTMP, with a composition time where the codec has one.
    fn enhanced(first: u8, packet: u8, fourcc: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first | packet];
        bytes.extend_from_slice(fourcc);
        if packet == 1 && fourcc != b"av01" {
            bytes.extend_from_slice(b"\0\0\0");
        }
        bytes
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
            (Kind::Audio, _) if matches!(self, Self::EnhancedAvc | Self::Prefixed) => {
                [&[0x90 | packet], &b"mp4a"[..]].concat()
            }
            (Kind::Audio, _) => vec![0xaf, packet],
            // The start of a seek.
            (Kind::Video, What::Moment) => vec![0x50, 0],
            (Kind::Video, _) => match self {
                Self::Headerless => vec![frame_type | 4],
                Self::Enhanced => Self::enhanced(0x80 | frame_type, packet, b"hvc1"),
                Self::EnhancedAvc => Self::enhanced(0x80 | frame_type, packet, b"avc1"),
                Self::Prefixed => Self::enhanced(0x80 | frame_type, packet, b"av01"),
                Self::LegacyHevc => vec![frame_type | 12, packet, 0, 0, 0],
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
        let is_media = matches!(what, What::Header | What::Key | What::Inter);
        match self {
            Self::ManyTracks if kind == Kind::Video && is_media => {
                Self::of_two_tracks(what, &bytes)
            }
            Self::Prefixed if kind == Kind::Video && is_media && id.is_multiple_of(3) => {
                // The packet type goes behind the prefix.
                let mut prefixed = vec![bytes[0] | 7, 0, 0x55, bytes[0] & 0x0f];
                prefixed.extend_from_slice(&bytes[1..]);
                prefixed.into()
            }
            _ => bytes.into(),
        }
    }

    /// The body of a legacy message, as that of both tracks of an enhanced one.
    fn of_two_tracks(what: What, legacy: &[u8]) -> Bytes {
        let packet = u8::from(what != What::Header);
        let body = if packet == 1 {
            &legacy[2..]
        } else {
            &legacy[5..]
        };
        let size = u32::try_from(body.len()).unwrap().to_be_bytes();
        let mut bytes = vec![0x80 | (legacy[0] & 0x70) | 6, 0x10 | packet];
        bytes.extend_from_slice(b"avc1");
        for track in 0..2 {
            bytes.push(track);
            bytes.extend_from_slice(&size[1..]);
            bytes.extend_from_slice(body);
        }
        bytes.into()
    }
}
