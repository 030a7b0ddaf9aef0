//! Video messages: legacy FLV headers and those of Enhanced RTMP.

use crate::{
    Class, Classified, Codec, Features, FourCc, Kind,
    enhanced::{self, Media},
    reader::Reader,
};

/// Frame type of a frame that a decoder can start with.
const FRAME_KEY: u8 = 1;
/// Frame type of a frame that no other frame needs.
const FRAME_DISPOSABLE: u8 = 3;
/// Frame type of a keyframe made by a server.
const FRAME_GENERATED_KEY: u8 = 4;
/// Frame type of a command: nothing to decode.
const FRAME_COMMAND: u8 = 5;

/// Packet type of stream metadata (colour information) in an enhanced header.
const PACKET_METADATA: u8 = 4;

/// Says what a video message is; see [`crate::classify`].
#[must_use]
pub fn classify(payload: &[u8]) -> Classified {
    let mut reader = Reader::new(payload);
    let Some(first) = reader.u8() else {
        return Classified::new(Class::Empty);
    };
    let enhanced = first & 0x80 != 0;
    let found = if enhanced {
        enhanced_header(first, reader)
    } else {
        legacy(first, reader)
    };
    found.unwrap_or(Classified {
        enhanced,
        ..Classified::malformed()
    })
}

const fn is_key(frame_type: u8) -> bool {
    matches!(frame_type, FRAME_KEY | FRAME_GENERATED_KEY)
}

const fn frame(frame_type: u8) -> Class {
    if is_key(frame_type) {
        Class::Keyframe
    } else {
        Class::Frame
    }
}

fn legacy(first: u8, mut reader: Reader<'_>) -> Option<Classified> {
    let (frame_type, id) = (first >> 4, first & 0x0f);
    let codec = Codec::Video(id);
    let base = Classified {
        codec,
        features: Features::codec(Kind::Video, codec),
        disposable: frame_type == FRAME_DISPOSABLE,
        ..Classified::new(frame(frame_type))
    };
    if frame_type == FRAME_COMMAND {
        // Byte 1 says start or end of a seek.
        reader.u8()?;
        return Some(Classified {
            class: Class::Command,
            disposable: false,
            // Its codec does not matter.
            features: Features::NONE,
            ..base
        });
    }
    // H.264, and by a Chinese extension H.265 (12) and AV1 (13), have a packet type and a composition time.
    if !matches!(id, 7 | 12 | 13) {
        return Some(base);
    }
    let packet = reader.u8()?;
    if packet == 2 {
        // [WIRE 137] `17 02` says frame type 1 and is no keyframe; some leave out its composition time.
        return Some(Classified {
            class: Class::EndOfSequence,
            disposable: false,
            ..base
        });
    }
    let composition_ms = reader.i24()?;
    let class = match packet {
        // [WIRE 137] `17 00` neither. A configuration without a body must not replace a good one.
        0 if reader.is_empty() => Class::Empty,
        0 => Class::SequenceHeader,
        1 => base.class,
        _ => Class::Opaque,
    };
    let is_frame = packet == 1;
    Some(Classified {
        class,
        disposable: base.disposable && is_frame,
        composition_ms: if is_frame { composition_ms } else { 0 },
        ..base
    })
}

/// Video behind the header that both kinds share.
#[derive(Clone, Copy)]
pub(crate) struct Video {
    pub(crate) frame_type: u8,
}

impl Media for Video {
    const KIND: Kind = Kind::Video;
    const PACKET_MULTITRACK: u8 = 6;

    fn body(self, packet: u8, codec: FourCc, mut body: Reader<'_>) -> Option<(Class, i32)> {
        let timed = matches!(codec, FourCc::AVC1 | FourCc::HVC1 | FourCc::VVC1);
        let class = match packet {
            0 if timed && body.is_empty() => Class::Empty,
            0 | 5 => Class::SequenceHeader,
            1 if timed => return Some((frame(self.frame_type), body.i24()?)),
            1 | 3 => frame(self.frame_type),
            2 => Class::EndOfSequence,
            // [WIRE 146] whatever the frame type says.
            PACKET_METADATA => Class::Config,
            // [WIRE 147] packet types without a definition go through.
            _ => Class::Opaque,
        };
        Some((class, 0))
    }
}

fn enhanced_header(first: u8, mut reader: Reader<'_>) -> Option<Classified> {
    let frame_type = (first >> 4) & 0x07;
    let packet = enhanced::skip_mod_ex(&mut reader, first & 0x0f)?;
    let features = enhanced::features_of::<Video>(first);
    // [WIRE 142] a command ends behind its one byte, without a fourcc; metadata is no command.
    if frame_type == FRAME_COMMAND && packet != PACKET_METADATA {
        reader.u8()?;
        return Some(Classified {
            enhanced: true,
            features,
            ..Classified::new(Class::Command)
        });
    }
    let mut found = enhanced::classify(Video { frame_type }, packet, reader)?;
    found.features = found.features | features;
    found.disposable = frame_type == FRAME_DISPOSABLE && found.class == Class::Frame;
    Some(found)
}
