//! Audio messages: legacy FLV headers and those of Enhanced RTMP.

use crate::{
    Class, Classified, Codec, Features, FourCc, Kind,
    enhanced::{self, Media},
    reader::Reader,
};

/// Sound format of a legacy header that announces an enhanced one.
const FORMAT_ENHANCED: u8 = 9;

/// Says what an audio message is; see [`crate::classify`].
#[must_use]
pub fn classify(payload: &[u8]) -> Classified {
    let mut reader = Reader::new(payload);
    let Some(first) = reader.u8() else {
        // [WIRE 139] no bytes at all means silence from here on.
        return Classified::new(Class::Empty);
    };
    let enhanced = first >> 4 == FORMAT_ENHANCED;
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

fn legacy(first: u8, mut reader: Reader<'_>) -> Option<Classified> {
    let format = first >> 4;
    let codec = Codec::Audio(format);
    let base = Classified {
        codec,
        features: Features::codec(Kind::Audio, codec),
        ..Classified::new(Class::Frame)
    };
    // AAC, and by a Chinese extension Opus (13), have a packet type.
    if !matches!(format, 10 | 13) {
        return Some(base);
    }
    let class = match reader.u8()? {
        // An AAC configuration without a body happens; it must not replace a good one. Opus may do without.
        0 if format == 10 && reader.is_empty() => Class::Empty,
        0 => Class::SequenceHeader,
        _ => Class::Frame,
    };
    Some(Classified { class, ..base })
}

/// Audio behind the header that both kinds share.
#[derive(Clone, Copy)]
pub(crate) struct Audio;

impl Media for Audio {
    const KIND: Kind = Kind::Audio;
    // [WIRE 145] 5 for audio, 6 for video.
    const PACKET_MULTITRACK: u8 = 5;

    fn body(self, packet: u8, codec: FourCc, body: Reader<'_>) -> Option<(Class, i32)> {
        let class = match packet {
            0 if codec == FourCc::MP4A && body.is_empty() => Class::Empty,
            0 => Class::SequenceHeader,
            1 => Class::Frame,
            2 => Class::EndOfSequence,
            4 => Class::Config,
            // [WIRE 147] packet types without a definition go through.
            _ => Class::Opaque,
        };
        Some((class, 0))
    }
}

fn enhanced_header(first: u8, mut reader: Reader<'_>) -> Option<Classified> {
    let packet = enhanced::skip_mod_ex(&mut reader, first & 0x0f)?;
    let mut found = enhanced::classify(Audio, packet, reader)?;
    found.features = found.features | enhanced::features_of::<Audio>(first);
    Some(found)
}
