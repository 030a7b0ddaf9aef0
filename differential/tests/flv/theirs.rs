//! What `scuffle-flv` makes of a message, in the words of ours.

use std::io::Cursor;

use bongsu_flv::{Class, Codec, FourCc, Kind, TrackSet};
use bytes::Bytes;
use scuffle_flv::audio::AudioData;
use scuffle_flv::audio::body::AudioTagBody;
use scuffle_flv::audio::body::enhanced::ExAudioTagBody;
use scuffle_flv::audio::body::legacy::LegacyAudioTagBody;
use scuffle_flv::audio::body::legacy::aac::AacAudioData;
use scuffle_flv::audio::header::AudioTagHeader;
use scuffle_flv::audio::header::enhanced::{AudioPacketType, ExAudioTagHeaderContent};
use scuffle_flv::video::VideoData;
use scuffle_flv::video::body::VideoTagBody;
use scuffle_flv::video::body::enhanced::{ExVideoTagBody, VideoPacket, VideoPacketCodedFrames};
use scuffle_flv::video::header::enhanced::{ExVideoTagHeaderContent, VideoPacketType};
use scuffle_flv::video::header::legacy::{LegacyVideoTagHeader, LegacyVideoTagHeaderAvcPacket};
use scuffle_flv::video::header::{VideoFrameType, VideoTagHeader, VideoTagHeaderData};

use crate::Told;

fn their_audio(payload: &[u8]) -> Option<Told> {
    let bytes = Bytes::copy_from_slice(payload);
    let header = AudioTagHeader::demux(&mut Cursor::new(bytes.clone())).ok()?;
    let body = AudioData::demux(&mut Cursor::new(bytes))
        .ok()
        .map(|data| data.body);
    let told = |class, codec, tracks| Told {
        class,
        codec,
        tracks,
        composition_ms: Some(0),
    };
    let header = match header {
        AudioTagHeader::Legacy(header) => {
            let class = match body? {
                AudioTagBody::Legacy(LegacyAudioTagBody::Aac(AacAudioData::SequenceHeader(
                    data,
                ))) => {
                    if data.is_empty() {
                        Class::Empty
                    } else {
                        Class::SequenceHeader
                    }
                }
                _ => Class::Frame,
            };
            let codec = Codec::Audio(header.sound_format.0);
            return Some(told(class, codec, Some(TrackSet::DEFAULT)));
        }
        AudioTagHeader::Enhanced(header) => header,
    };
    let class = match header.audio_packet_type {
        AudioPacketType::SequenceStart => Class::SequenceHeader,
        AudioPacketType::CodedFrames => Class::Frame,
        AudioPacketType::SequenceEnd => Class::EndOfSequence,
        AudioPacketType::MultichannelConfig => Class::Config,
        _ => Class::Opaque,
    };
    let (mut first, mut tracks) = (None, None);
    match body {
        Some(AudioTagBody::Enhanced(ExAudioTagBody::ManyTracks(all))) => {
            let leader = all
                .iter()
                .find(|track| track.audio_track_id == 0)
                .or(all.first());
            first = leader.map(|track| track.audio_four_cc.0);
            tracks = Some(union(all.iter().map(|track| track.audio_track_id)));
        }
        Some(_) => tracks = Some(TrackSet::DEFAULT),
        None => {}
    }
    let codec = match header.content {
        ExAudioTagHeaderContent::NoMultiTrack(codec)
        | ExAudioTagHeaderContent::OneTrack(codec)
        | ExAudioTagHeaderContent::ManyTracks(codec) => codec.0,
        ExAudioTagHeaderContent::ManyTracksManyCodecs => first?,
        // A layout that nobody has defined yet; we do not look behind it. [WIRE 147]
        ExAudioTagHeaderContent::Unknown { .. } => {
            return Some(told(Class::Opaque, Codec::None, None));
        }
    };
    Some(told(class, Codec::FourCc(FourCc(codec)), tracks))
}

fn union(ids: impl Iterator<Item = u8>) -> TrackSet {
    ids.fold(TrackSet::EMPTY, |all, id| all.union(TrackSet::of(id)))
}

fn frame(frame_type: VideoFrameType) -> Class {
    match frame_type {
        VideoFrameType::KeyFrame | VideoFrameType::GeneratedKeyFrame => Class::Keyframe,
        _ => Class::Frame,
    }
}

/// A composition time of 24 bits, which they tell without its sign: see the test of negative ones.
fn signed(composition_time_offset: u32) -> i32 {
    (composition_time_offset << 8).cast_signed() >> 8
}

fn their_legacy_video(header: &LegacyVideoTagHeader, frame_type: VideoFrameType) -> Told {
    let told = |class, codec, composition_ms| Told {
        class,
        codec: Codec::Video(codec),
        tracks: Some(TrackSet::DEFAULT),
        composition_ms: Some(composition_ms),
    };
    match header {
        // They keep no codec of a command; ours comes from the same byte.
        LegacyVideoTagHeader::VideoCommand(_) => told(Class::Command, 0, 0),
        LegacyVideoTagHeader::Other { video_codec_id } => {
            told(frame(frame_type), video_codec_id.0, 0)
        }
        LegacyVideoTagHeader::AvcPacket(packet) => match packet {
            LegacyVideoTagHeaderAvcPacket::SequenceHeader => told(Class::SequenceHeader, 7, 0),
            LegacyVideoTagHeaderAvcPacket::Nalu {
                composition_time_offset,
            } => told(frame(frame_type), 7, signed(*composition_time_offset)),
            LegacyVideoTagHeaderAvcPacket::EndOfSequence => told(Class::EndOfSequence, 7, 0),
            LegacyVideoTagHeaderAvcPacket::Unknown { .. } => told(Class::Opaque, 7, 0),
        },
    }
}

fn their_video(payload: &[u8]) -> Option<Told> {
    let bytes = Bytes::copy_from_slice(payload);
    let header = VideoTagHeader::demux(&mut Cursor::new(bytes.clone())).ok()?;
    let body = VideoData::demux(&mut Cursor::new(bytes))
        .ok()
        .map(|data| data.body);
    let frame_type = header.frame_type;
    let header = match header.data {
        VideoTagHeaderData::Legacy(header) => return Some(their_legacy_video(&header, frame_type)),
        VideoTagHeaderData::Enhanced(header) => header,
    };
    let class = match header.video_packet_type {
        VideoPacketType::SequenceStart | VideoPacketType::Mpeg2TsSequenceStart => {
            Class::SequenceHeader
        }
        VideoPacketType::CodedFrames | VideoPacketType::CodedFramesX => frame(frame_type),
        VideoPacketType::SequenceEnd => Class::EndOfSequence,
        VideoPacketType::Metadata => Class::Config,
        _ => Class::Opaque,
    };
    let composition = |packet: &VideoPacket<'_>| match packet {
        VideoPacket::CodedFrames(
            VideoPacketCodedFrames::Avc {
                composition_time_offset,
                ..
            }
            | VideoPacketCodedFrames::Hevc {
                composition_time_offset,
                ..
            },
        ) => *composition_time_offset,
        _ => 0,
    };
    let (mut first, mut tracks, mut composition_ms) = (None, None, None);
    match body {
        Some(VideoTagBody::Enhanced(ExVideoTagBody::ManyTracks(all))) => {
            let leader = all
                .iter()
                .find(|track| track.video_track_id == 0)
                .or(all.first());
            first = leader.map(|track| track.video_four_cc.0);
            composition_ms = leader.map(|track| composition(&track.packet));
            tracks = Some(union(all.iter().map(|track| track.video_track_id)));
        }
        Some(VideoTagBody::Enhanced(ExVideoTagBody::NoMultitrack { packet, .. })) => {
            composition_ms = Some(composition(&packet));
            tracks = Some(TrackSet::DEFAULT);
        }
        _ => {}
    }
    let told = |class, codec| Told {
        class,
        codec,
        tracks,
        composition_ms,
    };
    Some(match header.content {
        ExVideoTagHeaderContent::VideoCommand(_) => told(Class::Command, Codec::None),
        ExVideoTagHeaderContent::NoMultiTrack(codec)
        | ExVideoTagHeaderContent::OneTrack(codec)
        | ExVideoTagHeaderContent::ManyTracks(codec) => told(class, Codec::FourCc(FourCc(codec.0))),
        ExVideoTagHeaderContent::ManyTracksManyCodecs => told(class, Codec::FourCc(FourCc(first?))),
        // A layout that nobody has defined yet; we do not look behind it. [WIRE 147]
        ExVideoTagHeaderContent::Unknown { .. } => Told {
            tracks: None,
            composition_ms: None,
            ..told(Class::Opaque, Codec::None)
        },
    })
}

/// `None` when they refuse it.
pub(crate) fn theirs(kind: Kind, payload: &[u8]) -> Option<Told> {
    match kind {
        Kind::Audio => their_audio(payload),
        _ => their_video(payload),
    }
}
