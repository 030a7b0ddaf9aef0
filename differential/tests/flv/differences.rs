//! Where the two differ, who is right, and that recorded and fuzzed messages differ nowhere else.

use std::io::Cursor;

use bongsu_differential::{corpus, transcripts};
use bongsu_flv::{Class, Codec, FourCc, Kind};
use bongsu_rtmp::chunk::Decoder;
use bongsu_rtmp::{Limits, MessageType};
use bytes::Bytes;
use scuffle_flv::video::header::legacy::{LegacyVideoTagHeader, LegacyVideoTagHeaderAvcPacket};
use scuffle_flv::video::header::{VideoTagHeader, VideoTagHeaderData};

use crate::Told;
use crate::theirs::theirs;

/// Kind, bytes, our class, their class (none: refused), and which section decides.
type Row = (Kind, &'static [u8], Class, Option<Class>, &'static str);

const DIFFERENCES: [Row; 9] = [
    (
        Kind::Video,
        b"\x57\x00\0\0\0",
        Class::Command,
        Some(Class::SequenceHeader),
        "theirs wrong: [FLV E.4.3.1], frame type 5 is a command whatever the codec",
    ),
    (
        Kind::Video,
        b"\x17\x02",
        Class::EndOfSequence,
        None,
        "both allowed: [FLV E.4.3.1] has a composition time there; some writers leave it out [WIRE 137]",
    ),
    (
        Kind::Video,
        b"\x17\x00\0\0\0",
        Class::Empty,
        Some(Class::SequenceHeader),
        "both allowed: a configuration without a body; ours must not replace a good one",
    ),
    (
        Kind::Video,
        b"\x1c\x00\0\0\0\x01",
        Class::SequenceHeader,
        Some(Class::Keyframe),
        "both allowed: [FLV E.4.3.1] ends at 7; 12 and 13 are an extension of encoders in use",
    ),
    (
        Kind::Audio,
        b"\xdf\x00\x01",
        Class::SequenceHeader,
        Some(Class::Frame),
        "both allowed: [FLV E.4.2.1] has no 13; Opus is an extension of encoders in use",
    ),
    (
        Kind::Video,
        b"\x97\x01\0\0\x01avc1\0\0\0\x01",
        Class::Keyframe,
        None,
        "both allowed: [E-RTMP v2: ModEx] a time offset has three bytes; we skip what is none of ours [WIRE 141]",
    ),
    (
        Kind::Video,
        b"\x96\x12vp09\x00\0\0\x01x\x01\0\0\x01y",
        Class::EndOfSequence,
        Some(Class::EndOfSequence),
        "theirs wrong: [E-RTMP v2: Multitrack Streaming via Enhanced RTMP], the size counts; they read on inside the body and see another track",
    ),
    (
        Kind::Video,
        b"\x91vvc1\xff\xff\xff\x01",
        Class::Keyframe,
        Some(Class::Keyframe),
        "theirs wrong: [E-RTMP v2: Enhanced Video], H.266 has a composition time too; they know no vvc1",
    ),
    (
        Kind::Video,
        b"\x90avc1",
        Class::Empty,
        Some(Class::SequenceHeader),
        "both allowed: a configuration without a body; ours must not replace a good one",
    ),
];

#[test]
fn every_difference_is_as_told() {
    for (kind, payload, our_class, their_class, decided) in DIFFERENCES {
        let (ours, theirs) = (Told::ours(kind, payload), theirs(kind, payload));
        assert_eq!(ours.class, our_class, "{decided}");
        assert_eq!(theirs.map(|told| told.class), their_class, "{decided}");
        assert_ne!(Some(ours), theirs, "{decided}");
    }
}

/// Theirs wrong: [FLV E.4.3.1], the composition time has a sign. Frames that are shown before they are decoded do not
/// exist, but edit lists make encoders write them.
#[test]
fn a_negative_composition_time() {
    let payload = b"\x27\x01\xff\xff\xd8\x01";
    assert_eq!(Told::ours(Kind::Video, payload).composition_ms, Some(-40));
    let header = VideoTagHeader::demux(&mut Cursor::new(Bytes::from_static(payload))).unwrap();
    let packet = LegacyVideoTagHeaderAvcPacket::Nalu {
        composition_time_offset: 0xff_ffd8,
    };
    let expected = VideoTagHeaderData::Legacy(LegacyVideoTagHeader::AvcPacket(packet));
    assert_eq!(header.data, expected);
}

/// Whether a row of [`DIFFERENCES`] says why.
fn explained(kind: Kind, payload: &[u8], ours: Told, theirs: Option<Told>) -> bool {
    let first = payload[0];
    let enhanced = if kind == Kind::Audio {
        first >> 4 == 9
    } else {
        first & 0x80 != 0
    };
    if !enhanced {
        return match kind {
            Kind::Audio => first >> 4 == 13,
            _ => {
                matches!(first & 0x0f, 12 | 13)
                    || first == 0x57
                    || matches!(
                        ours.class,
                        Class::EndOfSequence | Class::Empty | Class::Command
                    )
            }
        };
    }
    match theirs {
        // Their reader of bodies gave up, or never looked: what is cut short inside one is theirs to find then.
        Some(theirs) if ours.class == Class::Malformed => theirs.tracks.is_none(),
        Some(theirs) => {
            let vvc = ours.codec == Codec::FourCc(FourCc(*b"vvc1"));
            let ends = ours.class == Class::EndOfSequence;
            ours.class == Class::Empty
                || vvc
                || (ends && ours.class == theirs.class && ours.codec == theirs.codec)
        }
        None => payload.contains(&7) || payload[0] & 0x0f >= 5,
    }
}

/// Media of recorded connections, and the inputs of the fuzz target as audio and as video.
#[test]
fn recorded_and_fuzzed_messages_differ_only_as_told() {
    let mut messages = Vec::new();
    for recorded in transcripts() {
        let mut decoder = Decoder::new(Limits::authorised());
        let mut input = &recorded.bytes[..];
        while let Some(message) = decoder.decode(&mut input).expect("a real client") {
            match message.message_type {
                MessageType::Audio => messages.push((Kind::Audio, message.payload)),
                MessageType::Video => messages.push((Kind::Video, message.payload)),
                _ => {}
            }
        }
    }
    assert!(messages.len() > 300, "{} recorded", messages.len());
    for sample in corpus("flv") {
        for kind in [Kind::Audio, Kind::Video] {
            messages.push((kind, sample.bytes[1..].to_vec().into()));
        }
    }
    let mut same = 0;
    for (kind, payload) in messages.iter().filter(|(_, payload)| !payload.is_empty()) {
        let (ours, theirs) = (Told::ours(*kind, payload), theirs(*kind, payload));
        match theirs {
            Some(theirs) if ours.as_far_as(theirs) == theirs => same += 1,
            None if ours.class == Class::Malformed => {}
            _ => assert!(
                explained(*kind, payload, ours, theirs),
                "{kind:?} {payload:x?}\n{ours:?}\n{theirs:?}"
            ),
        }
    }
    assert!(same > 400, "{same} of {}", messages.len());
}
