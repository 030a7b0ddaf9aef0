//! Goal: FLV tags and the headers of legacy and Enhanced RTMP media mean to `scuffle-flv` 0.2 what they mean to us.

mod differences;
mod enhanced;
mod theirs;

use std::io::Cursor;

use bongsu_flv::{Class, Classified, Codec, Kind, TrackSet, classify, tag};
use bytes::BytesMut;
use proptest::prelude::*;
use scuffle_flv::audio::body::AudioTagBody;
use scuffle_flv::audio::body::legacy::LegacyAudioTagBody;
use scuffle_flv::audio::header::AudioTagHeader;
use scuffle_flv::audio::{AudioData, header::legacy::SoundFormat};
use scuffle_flv::file::FlvFile;
use scuffle_flv::tag::FlvTagData;
use scuffle_flv::video::VideoData;
use scuffle_flv::video::body::VideoTagBody;
use scuffle_flv::video::body::legacy::LegacyVideoTagBody;

use crate::enhanced::{Enhanced, enhanced};
use crate::theirs::theirs;

/// What both can tell of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Told {
    class: Class,
    codec: Codec,
    /// `None` where their reader of bodies, which looks into decoder configurations, gave up.
    tracks: Option<TrackSet>,
    composition_ms: Option<i32>,
}

impl Told {
    fn ours(kind: Kind, payload: &[u8]) -> Self {
        let Classified {
            class,
            codec,
            tracks,
            composition_ms,
            ..
        } = classify(kind, payload);
        Self {
            class,
            codec,
            tracks: Some(tracks),
            composition_ms: Some(composition_ms),
        }
    }

    /// The same without what `other` does not know.
    fn as_far_as(self, other: Self) -> Self {
        Self {
            tracks: other.tracks.and(self.tracks),
            composition_ms: other.composition_ms.and(self.composition_ms),
            ..self
        }
    }
}

/// Whether their reader of bodies looks into this one, so that any bytes will not do.
fn looks_inside(message: &Enhanced) -> bool {
    message.kind == Kind::Video && matches!(message.packet, 0 | 4 | 5)
}

proptest! {
    #[test]
    fn enhanced_messages(message in prop_oneof![enhanced(Kind::Audio), enhanced(Kind::Video)]) {
        let payload = message.bytes();
        let ours = Told::ours(message.kind, &payload);
        // Without the body they do not know the codecs of many tracks.
        let Some(theirs) = theirs(message.kind, &payload) else {
            prop_assert!(looks_inside(&message) && message.layout == Some(2));
            return Ok(());
        };
        prop_assert!(theirs.tracks.is_some() || looks_inside(&message), "{theirs:?}");
        prop_assert_eq!(ours.as_far_as(theirs), theirs);
        let is_frame = message.kind == Kind::Video && message.packet == 1;
        if is_frame && message.layout.is_none() && matches!(&message.parts[0].fourcc, b"avc1" | b"hvc1") {
            prop_assert_eq!(ours.composition_ms, Some(message.parts[0].composition_ms));
        }
    }

    /// Every first byte of a legacy header, with whatever follows.
    #[test]
    fn legacy_messages(first in any::<u8>(), packet in 0..4_u8, rest in prop::collection::vec(any::<u8>(), 4..20)) {
        let payload = [&[first, packet][..], &rest].concat();
        // H.265 and AV1 under legacy numbers, Opus likewise, and commands of H.264 are differences.
        if first >> 4 != 9 && first >> 4 != 13 {
            prop_assert_eq!(Some(Told::ours(Kind::Audio, &payload)), theirs(Kind::Audio, &payload));
        }
        if first & 0x80 == 0 && !matches!(first & 0x0f, 12 | 13) && first != 0x57 {
            let ours = Told::ours(Kind::Video, &payload);
            let theirs = theirs(Kind::Video, &payload).unwrap();
            let codec = if theirs.class == Class::Command { ours.codec } else { theirs.codec };
            prop_assert_eq!(ours, Told { codec, ..theirs });
        }
    }

    /// The framing of files: their reader takes what our writer makes.
    #[test]
    fn files(tags in prop::collection::vec((any::<bool>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..300)), 0..12)) {
        let mut file = BytesMut::new();
        tag::write_file_header(&mut file, true, false);
        let mut expected = Vec::new();
        for (is_audio, timestamp, body) in tags {
            // Headers without a body to look into: MP3, and Sorenson H.263.
            let (kind, first) = if is_audio { (Kind::Audio, 0x2f) } else { (Kind::Video, 0x22) };
            let payload = [&[first][..], &body].concat();
            tag::write_tag(&mut file, kind, timestamp, &payload).unwrap();
            expected.push((is_audio, timestamp, body));
        }
        let read = FlvFile::demux(&mut Cursor::new(file.freeze())).unwrap();
        prop_assert!(read.header.is_audio_present && !read.header.is_video_present);
        let told: Vec<(bool, u32, Vec<u8>)> = read
            .tags
            .into_iter()
            .map(|tag| match tag.data {
                FlvTagData::Audio(AudioData {
                    header: AudioTagHeader::Legacy(header),
                    body: AudioTagBody::Legacy(LegacyAudioTagBody::Other { sound_data }),
                }) if header.sound_format == SoundFormat::Mp3 => (true, tag.timestamp_ms, sound_data.to_vec()),
                FlvTagData::Video(VideoData {
                    body: VideoTagBody::Legacy(LegacyVideoTagBody::Other { data }),
                    ..
                }) => (false, tag.timestamp_ms, data.to_vec()),
                other => panic!("{other:?}"),
            })
            .collect();
        prop_assert_eq!(told, expected);
    }
}
