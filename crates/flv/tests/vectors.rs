//! Classification of every prefix in the wire reference (vectors V40 to V46), truncations and random bytes.

use bongsu_flv::{
    Class, Classified, Codec, Features, FourCc, Kind, TrackSet, classify,
    limits::TRACKS_PER_MESSAGE_MAX,
};
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex"))
        .collect()
}

/// What a message is, without its features: those have tests of their own.
fn classified(kind: Kind, hex: &str) -> Classified {
    let mut classified = classify(kind, &bytes(hex));
    classified.features = Features::NONE;
    classified
}

fn video(hex: &str) -> Classified {
    classified(Kind::Video, hex)
}

fn audio(hex: &str) -> Classified {
    classified(Kind::Audio, hex)
}

fn fourcc(name: FourCc) -> Codec {
    Codec::FourCc(name)
}

/// A message of one track with an enhanced header.
fn enhanced(class: Class, name: FourCc, composition_ms: i32) -> Classified {
    // Strangers cannot write one: it may grow.
    let mut expected = classified(Kind::Video, "");
    expected.class = class;
    expected.codec = fourcc(name);
    expected.tracks = TrackSet::DEFAULT;
    expected.disposable = false;
    expected.enhanced = true;
    expected.composition_ms = composition_ms;
    expected
}

fn legacy(class: Class, codec: Codec, composition_ms: i32) -> Classified {
    let mut expected = enhanced(class, FourCc::AVC1, composition_ms);
    expected.enhanced = false;
    expected.codec = codec;
    expected
}

/// The same with other tracks.
fn of_tracks(tracks: TrackSet, mut expected: Classified) -> Classified {
    expected.tracks = tracks;
    expected
}

#[test]
fn v40_aac() {
    let aac = |class| legacy(class, Codec::Audio(10), 0);
    assert_eq!(audio("af00 1210"), aac(Class::SequenceHeader));
    assert_eq!(audio("af01 2100"), aac(Class::Frame));
    assert_eq!(
        audio("af00").class,
        Class::Empty,
        "a configuration without a body"
    );
    assert_eq!(
        audio("a001 21"),
        aac(Class::Frame),
        "rate and channels of byte 0 mean nothing"
    );
}

#[test]
fn v41_avc() {
    let avc = |class, cts| legacy(class, Codec::Video(7), cts);
    assert_eq!(
        video("17 00 000000 01640020ffe1"),
        avc(Class::SequenceHeader, 0)
    );
    assert_eq!(video("17 01 000050 65"), avc(Class::Keyframe, 80));
    assert_eq!(video("27 01 ffffd8 41"), avc(Class::Frame, -40));
    assert_eq!(video("17 02 000000"), avc(Class::EndOfSequence, 0));
    assert_eq!(video("17 02"), avc(Class::EndOfSequence, 0));
    assert_eq!(video("27 02").class, Class::EndOfSequence);
    assert_eq!(
        video("17 00 000000").class,
        Class::Empty,
        "a configuration without a body"
    );
    assert_eq!(
        video("47 01 000000 65").class,
        Class::Keyframe,
        "a generated keyframe"
    );
    assert_eq!(video("17 03 000000 65").class, Class::Opaque);
    assert!(video("37 01 000000 01").disposable);
}

#[test]
fn v42_commands() {
    assert_eq!(video("57 00").class, Class::Command);
    assert_eq!(video("d1 00").class, Class::Command);
    assert!(video("d1 00").enhanced);
    assert_eq!(video("d0 01").class, Class::Command);
    assert_eq!(
        video("d6 01").class,
        Class::Command,
        "[WIRE 142] whatever the packet type"
    );
    assert_eq!(
        video("d7 00 00 01 00").class,
        Class::Command,
        "behind a ModEx prefix"
    );
}

#[test]
fn kinds_are_message_types() {
    for (id, kind) in [(8, Kind::Audio), (9, Kind::Video), (18, Kind::Data)] {
        assert_eq!(Kind::from_type_id(id), Some(kind));
        assert_eq!(kind.type_id(), id);
    }
    for other in [0, 15, 20, 22] {
        assert_eq!(Kind::from_type_id(other), None);
    }
}

#[test]
fn of_two_default_tracks_the_first_leads() {
    // Many codecs: VP8 and VP9, both as track 0.
    let found = video("a6 21 76703038 00 000001 aa 76703039 00 000001 bb");
    assert_eq!(found, enhanced(Class::Frame, FourCc::VP08, 0));
}

#[test]
fn v43_enhanced_video() {
    use Class::{Frame, Keyframe, SequenceHeader};
    let rows = [
        ("9068766331 01", enhanced(SequenceHeader, FourCc::HVC1, 0)),
        ("9168766331 000028 00", enhanced(Keyframe, FourCc::HVC1, 40)),
        ("a368766331 00", enhanced(Frame, FourCc::HVC1, 0)),
        ("a168766331 ffffff 00", enhanced(Frame, FourCc::HVC1, -1)),
        (
            "9268766331",
            enhanced(Class::EndOfSequence, FourCc::HVC1, 0),
        ),
        ("9061763031 81", enhanced(SequenceHeader, FourCc::AV01, 0)),
        ("9161763031 0a", enhanced(Keyframe, FourCc::AV01, 0)),
        ("a176703039 86", enhanced(Frame, FourCc::VP09, 0)),
        ("9161766331 000000 65", enhanced(Keyframe, FourCc::AVC1, 0)),
        ("9076766331 01", enhanced(SequenceHeader, FourCc::VVC1, 0)),
        ("9561763031 80", enhanced(SequenceHeader, FourCc::AV01, 0)),
        (
            "a7 02 07a120 03 68766331 00",
            enhanced(Frame, FourCc::HVC1, 0),
        ),
    ];
    for (hex, expected) in rows {
        assert_eq!(video(hex), expected, "{hex}");
    }
    let long = format!("a7 ff 00ff {} 03 68766331 00", "ab".repeat(256));
    assert_eq!(video(&long), enhanced(Frame, FourCc::HVC1, 0));
    let twice = "a7 00 ff 07 01 abcd 01 68766331 000001 00";
    assert_eq!(
        video(twice),
        enhanced(Frame, FourCc::HVC1, 1),
        "[WIRE 141] any number in a row"
    );
    let one = video("96 01 68766331 01 000000 00");
    let track_1 = TrackSet::of(1);
    assert_eq!(one, of_tracks(track_1, enhanced(Keyframe, FourCc::HVC1, 0)));
    assert!(!one.default_track());
    let both = track_1.union(TrackSet::DEFAULT);
    let many = video("a6 11 61763031 00 000003 aaaaaa 01 000002 bbbb");
    assert_eq!(many, of_tracks(both, enhanced(Frame, FourCc::AV01, 0)));
    let codecs = video("96 21 61763031 00 000002 aaaa 68766331 01 000005 000000 bbbb");
    assert_eq!(codecs, of_tracks(both, enhanced(Keyframe, FourCc::AV01, 0)));
    assert!(codecs.default_track());
}

/// A track that is announced and empty hides no other.
#[test]
fn one_track_with_something_in_it_makes_a_message_worth_keeping() {
    let both = TrackSet::of(1).union(TrackSet::DEFAULT);
    let second = video("96 10 68766331 00 000000 01 000001 01");
    assert_eq!((second.class, second.tracks), (Class::SequenceHeader, both));
    let first = video("96 10 68766331 00 000001 01 01 000000");
    assert_eq!((first.class, first.tracks), (Class::SequenceHeader, both));
    let neither = video("96 10 68766331 00 000000 01 000000");
    assert_eq!((neither.class, neither.tracks), (Class::Empty, both));
}

#[test]
fn the_default_track_leads_wherever_it_stands() {
    let codecs = video("96 21 68766331 01 000005 000007 bbbb 61763031 00 000002 aaaa");
    assert_eq!(codecs.codec, fourcc(FourCc::AV01));
    assert_eq!(codecs.composition_ms, 0);
    assert!(codecs.default_track());
}

// Goal: [WIRE 147] what no specification defines yet goes through.
#[test]
fn reserved_types_and_unknown_fourccs_are_opaque_or_follow_the_frame_type() {
    for packet in 8..=15 {
        let hex = format!("9{packet:x} 68766331 00");
        assert_eq!(video(&hex).class, Class::Opaque, "{hex}");
        assert_eq!(video(&hex).codec, fourcc(FourCc::HVC1));
    }
    for packet in [3, 6, 8, 15] {
        assert_eq!(
            audio(&format!("9{packet:x} 4f707573 00")).class,
            Class::Opaque
        );
    }
    assert_eq!(
        video("96 31 00").class,
        Class::Opaque,
        "a reserved multitrack layout"
    );
    assert_eq!(video("91 7a7a7a7a 00").class, Class::Keyframe);
    assert_eq!(video("90 7a7a7a7a 00").class, Class::SequenceHeader);
    assert_eq!(
        video("19 00").class,
        Class::Keyframe,
        "a codec id private to one program"
    );
    assert_eq!(video("14 00").codec, Codec::Video(4));
    assert_eq!(audio("f0").class, Class::Frame);
}

// Goal: [WIRE 146] metadata with any frame type.
#[test]
fn v44_colour_information() {
    let rest = "687663 31020009 636f6c6f 72496e66 6f03000b 636f6c6f 72436f6e 66696703 00086269
        74446570 74680040 24000000 00000000 0e636f6c 6f725072 696d6172 69657300 40220000 00000000
        00177472 616e7366 65724368 61726163 74657269 73746963 73004030 00000000 00000012 6d617472
        6978436f 65666669 6369656e 74730040 22000000 00000000 00090000 09";
    for first in ["84", "94", "a4", "d4"] {
        let found = video(&format!("{first}{rest}"));
        assert_eq!(found, enhanced(Class::Config, FourCc::HVC1, 0), "{first}");
    }
}

#[test]
fn v45_enhanced_audio() {
    use Class::{Config, Frame, SequenceHeader};
    let rows = [
        (
            "90 4f707573 4f7075734865616401",
            SequenceHeader,
            FourCc::OPUS,
        ),
        ("90 4f707573", SequenceHeader, FourCc::OPUS),
        ("91 4f707573 fc", Frame, FourCc::OPUS),
        (
            "90 664c6143 664c6143 80000022 00",
            SequenceHeader,
            FourCc::FLAC,
        ),
        ("91 61632d33 0b77", Frame, FourCc::AC_3),
        ("90 61632d33", SequenceHeader, FourCc::AC_3),
        ("91 65632d33 0b77", Frame, FourCc::EC_3),
        ("91 2e6d7033 fffb", Frame, FourCc::MP3),
        ("90 6d703461 1210", SequenceHeader, FourCc::MP4A),
        ("90 6d703461", Class::Empty, FourCc::MP4A),
        ("94 6d703461 01 06 0000003f", Config, FourCc::MP4A),
        ("94 4f707573 02 02 00 01", Config, FourCc::OPUS),
        ("92 4f707573", Class::EndOfSequence, FourCc::OPUS),
    ];
    for (hex, class, name) in rows {
        assert_eq!(audio(hex), enhanced(class, name, 0), "{hex}");
    }
    let track_1 = of_tracks(TrackSet::of(1), enhanced(Frame, FourCc::MP4A, 0));
    assert_eq!(audio("95 01 6d703461 01 21"), track_1);
    assert_eq!(audio("").class, Class::Empty, "[WIRE 139] silence");
}

#[test]
fn v46_legacy_hevc_and_its_enhanced_equivalent() {
    let pairs = [
        ("1c 00 000000 01", "90 68766331 01"),
        ("1c 01 000028 00", "91 68766331 000028 00"),
        ("2c 01 000000 00", "a3 68766331 00"),
        ("2c 01 000000 00", "a1 68766331 000000 00"),
    ];
    for (old, new) in pairs {
        let (old, new) = (video(old), video(new));
        assert_eq!(
            (old.class, old.composition_ms),
            (new.class, new.composition_ms)
        );
        assert_eq!(old.codec.family(), new.codec.family());
        assert!(!old.enhanced && new.enhanced);
    }
}

#[test]
fn a_multitrack_message_with_impossible_sizes_or_nesting_is_malformed() {
    for hex in [
        "96 11 61763031 00 000004 aaaaaa",
        "96 11 61763031",
        "96 21 61763031 00 000001 aa 6876",
        "96 06 68766331 00 00",
        "96 11 68766331 00 000002 0000",
    ] {
        assert_eq!(video(hex).class, Class::Malformed, "{hex}");
        assert!(video(hex).tracks.is_empty());
    }
    assert_eq!(
        audio("95 05 6d703461 01").class,
        Class::Malformed,
        "[WIRE 145]"
    );
}

#[test]
fn as_many_tracks_as_there_are_ids_are_read_and_one_more_is_malformed() {
    for (head, codecs) in [("95 11 6d703461", ""), ("95 21", "6d703461")] {
        let of = |count: usize| {
            let tracks = (0..count).map(|id| format!("{codecs}{:02x}000001aa", id % 256));
            format!("{head} {}", tracks.collect::<String>())
        };
        let most = audio(&of(TRACKS_PER_MESSAGE_MAX));
        assert_eq!((most.class, most.tracks.len()), (Class::Frame, 64));
        let more = audio(&of(TRACKS_PER_MESSAGE_MAX + 1));
        assert_eq!(more.class, Class::Malformed);
    }
}

#[test]
fn data_messages_are_metadata_or_opaque() {
    let name = |name: &[u8]| [&[2, 0, u8::try_from(name.len()).unwrap()], name].concat();
    assert_eq!(
        classify(Kind::Data, &name(b"onMetaData")).class,
        Class::Config
    );
    assert_eq!(
        classify(Kind::Data, &name(b"onCuePoint")).class,
        Class::Opaque
    );
    assert_eq!(classify(Kind::Data, b"").class, Class::Opaque);
    assert!(classify(Kind::Data, b"").tracks.is_empty());
}

// Goal: where the header ends, every shorter prefix is malformed, and nothing panics.
#[test]
fn every_truncation_of_a_header_is_malformed() {
    let headers = [
        (Kind::Video, "17 01 000050", 5),
        (Kind::Video, "1c 00 000000 01", 5),
        (Kind::Video, "57 00", 2),
        (Kind::Video, "d1 00", 2),
        (Kind::Video, "9168766331 000028", 8),
        (Kind::Video, "a368766331", 5),
        (Kind::Video, "9468766331", 5),
        (Kind::Video, "a7 02 07a120 03 68766331", 10),
        (Kind::Video, "96 01 68766331 01 000000", 10),
        (Kind::Video, "a6 11 61763031 00 000003 aaaaaa", 13),
        (Kind::Video, "96 21 61763031 00 000002 aaaa", 12),
        (Kind::Audio, "af01", 2),
        (Kind::Audio, "91 4f707573", 5),
        (Kind::Audio, "95 01 6d703461 01", 7),
        (Kind::Audio, "97 00 00 01 4f707573", 8),
    ];
    for (kind, hex, whole) in headers {
        let bytes = bytes(hex);
        for cut in 1..bytes.len() {
            let class = classify(kind, &bytes[..cut]).class;
            assert_eq!(
                class == Class::Malformed,
                cut < whole,
                "{hex} cut at {cut}: {class:?}"
            );
        }
        assert_ne!(classify(kind, &bytes).class, Class::Malformed, "{hex}");
    }
    let long = format!("a7 ff 00ff {} 03 68766331", "ab".repeat(256));
    let long = bytes(&long);
    for cut in 1..long.len() {
        assert_eq!(
            classify(Kind::Video, &long[..cut]).class,
            Class::Malformed,
            "cut at {cut}"
        );
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic_and_malformed_has_no_tracks(
        kind in prop_oneof![Just(Kind::Audio), Just(Kind::Video), Just(Kind::Data)],
        first in any::<u8>(),
        rest in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let payload = [&[first], &rest[..]].concat();
        let found = classify(kind, &payload);
        if found.class == Class::Malformed || kind == Kind::Data {
            prop_assert!(found.tracks.is_empty());
        } else {
            prop_assert!(!found.tracks.is_empty());
        }
        prop_assert!(!found.disposable || found.class == Class::Frame);
    }

    #[test]
    fn a_tag_survives_writing_and_reading(
        timestamp in any::<u32>(),
        payload in proptest::collection::vec(any::<u8>(), 0..500),
        split in 1_usize..40,
    ) {
        let mut file = bytes::BytesMut::new();
        bongsu_flv::tag::write_file_header(&mut file, true, true);
        bongsu_flv::tag::write_tag(&mut file, Kind::Video, timestamp, &payload).unwrap();
        let mut reader = bongsu_flv::tag::Reader::default();
        let mut found = None;
        for piece in file.chunks(split) {
            reader.feed(piece);
            if let Some(tag) = reader.next_tag().unwrap() {
                found = Some(tag);
            }
        }
        let tag = found.unwrap();
        prop_assert_eq!(tag.kind, Some(Kind::Video));
        prop_assert_eq!(tag.timestamp, timestamp);
        prop_assert_eq!(&tag.payload[..], &payload[..]);
    }

    #[test]
    fn random_bytes_never_break_the_tag_reader(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        split in 1_usize..40,
    ) {
        let mut reader = bongsu_flv::tag::Reader::new(1 << 16);
        reader.feed(b"FLV\x01\x05\0\0\0\x09\0\0\0\0");
        for piece in bytes.chunks(split) {
            reader.feed(piece);
            while let Ok(Some(_)) = reader.next_tag() {}
        }
    }
}
