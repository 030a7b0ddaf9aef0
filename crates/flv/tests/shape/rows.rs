//! The conversions of section 6.10 of the wire reference, with the bytes of vectors V40 to V46 where they fit.

use bongsu_flv::{
    Codec, CodecSet, FourCc, Kind, Shape, TrackSet,
    shape::{Headers, Hevc, ModEx, Tracks, Why},
};

use crate::{ENHANCED_HEVC, LEGACY_HEVC, LEGACY_WITH_HEVC, bytes, only, shaped};

#[track_caller]
fn row(kind: Kind, shape: Shape, from: &str, to: &str) {
    assert_eq!(shaped(kind, &bytes(from), shape), Ok(bytes(to)), "{from}");
}

#[track_caller]
fn video(shape: Shape, from: &str, to: &str) {
    row(Kind::Video, shape, from, to);
}

#[track_caller]
fn audio(shape: Shape, from: &str, to: &str) {
    row(Kind::Audio, shape, from, to);
}

#[track_caller]
fn dropped(kind: Kind, shape: Shape, from: &str, why: Why) {
    assert_eq!(shaped(kind, &bytes(from), shape), Err(why), "{from}");
}

const FULL_WITHOUT_MOD_EX: Shape = Shape {
    mod_ex: ModEx::Remove,
    ..Shape::FULL
};

/// The default track, and ModEx prefixes.
const DEFAULT_WITH_MOD_EX: Shape = Shape {
    tracks: Tracks::Default,
    ..Shape::FULL
};

// [WIRE 150]
#[test]
fn enhanced_avc_becomes_legacy() {
    for shape in [Shape::LEGACY, only(CodecSet::LEGACY)] {
        video(shape, "90 61766331 0164001f", "17 00 000000 0164001f");
        video(shape, "91 61766331 000050 65aa", "17 01 000050 65aa");
        video(shape, "a1 61766331 ffffd8 41aa", "27 01 ffffd8 41aa");
        video(shape, "a3 61766331 41aa", "27 01 000000 41aa");
        video(shape, "93 61766331 65aa", "17 01 000000 65aa");
        video(shape, "92 61766331", "17 02 000000");
        // Frame types stay: a disposable frame, a keyframe made by a server.
        video(shape, "b1 61766331 000000 01", "37 01 000000 01");
        video(shape, "c1 61766331 000000 01", "47 01 000000 01");
        // What follows the end of a sequence means nothing.
        video(shape, "92 61766331 aa", "17 02 000000");
    }
}

// [WIRE 149] vector V46
#[test]
fn enhanced_hevc_becomes_codec_12_and_back() {
    let pairs = [
        ("1c 00 000000 01", "90 68766331 01"),
        ("1c 01 000028 26aa", "91 68766331 000028 26aa"),
        ("2c 01 ffffff 02aa", "a1 68766331 ffffff 02aa"),
        ("2c 01 000000 02aa", "a1 68766331 000000 02aa"),
        ("3c 01 000000 02aa", "b1 68766331 000000 02aa"),
        ("1c 02 000000", "92 68766331"),
    ];
    for (legacy, enhanced) in pairs {
        video(ENHANCED_HEVC, legacy, enhanced);
        video(LEGACY_HEVC, enhanced, legacy);
        video(LEGACY_WITH_HEVC, enhanced, legacy);
        // Who has it as wanted gets it as it is.
        video(ENHANCED_HEVC, enhanced, enhanced);
        video(LEGACY_WITH_HEVC, legacy, legacy);
        video(Shape::FULL, legacy, legacy);
        video(Shape::DEFAULT_TRACK, enhanced, enhanced);
    }
    video(LEGACY_WITH_HEVC, "a3 68766331 02aa", "2c 01 000000 02aa");
    video(ENHANCED_HEVC, "1c 02", "92 68766331");
    // A configuration without a body stays one.
    video(ENHANCED_HEVC, "1c 00 000000", "90 68766331");
    video(ENHANCED_HEVC, "5c 00", "5c 00");
    // A packet type that nobody defined for codec id 12.
    dropped(Kind::Video, ENHANCED_HEVC, "1c 03 000000 aa", Why::Header);
}

#[test]
fn who_cannot_read_the_wanted_form_of_hevc_gets_none() {
    let without = CodecSet::ALL.without(Codec::FourCc(FourCc::HVC1));
    let shape = Shape {
        codecs: without,
        ..ENHANCED_HEVC
    };
    dropped(Kind::Video, shape, "1c 01 000028 26aa", Why::Codec);
    dropped(Kind::Video, shape, "91 68766331 000028 26aa", Why::Codec);
    let shape = Shape {
        hevc: Hevc::Enhanced,
        ..Shape::LEGACY
    };
    dropped(Kind::Video, shape, "1c 01 000028 26aa", Why::Codec);
    // Plain FLV has no H.265 at all, by either name.
    dropped(Kind::Video, Shape::LEGACY, "1c 01 000028 26aa", Why::Codec);
    dropped(Kind::Video, Shape::LEGACY, "90 68766331 01", Why::Codec);
    // Not among the codecs, but in the form that is asked for.
    let shape = Shape {
        codecs: without,
        ..LEGACY_HEVC
    };
    video(shape, "91 68766331 000028 26aa", "1c 01 000028 26aa");
}

// [WIRE 150] vectors V40 and V45
#[test]
fn enhanced_aac_and_mp3_become_legacy() {
    for shape in [Shape::LEGACY, only(CodecSet::LEGACY)] {
        audio(shape, "90 6d703461 1210", "af 00 1210");
        audio(shape, "91 6d703461 2100", "af 01 2100");
        audio(shape, "91 2e6d7033 fffb", "2f fffb");
        audio(shape, "90 6d703461", "af 00");
        // Legacy MP3 has no configuration; neither has an end of sequence.
        dropped(Kind::Audio, shape, "90 2e6d7033", Why::Header);
        dropped(Kind::Audio, shape, "92 2e6d7033", Why::Header);
        dropped(Kind::Audio, shape, "92 6d703461", Why::Header);
        dropped(Kind::Audio, shape, "98 6d703461 00", Why::Header);
    }
}

#[test]
fn codecs_without_a_legacy_form_are_dropped() {
    for hex in [
        "90 61763031 81",
        "a1 76703039 86",
        "91 76766331 000000 00",
        "91 7a7a7a7a 00",
    ] {
        dropped(Kind::Video, Shape::LEGACY, hex, Why::Codec);
        dropped(Kind::Video, only(CodecSet::LEGACY), hex, Why::Codec);
    }
    for hex in ["90 4f707573", "91 664c6143 ff", "91 61632d33 0b77"] {
        dropped(Kind::Audio, Shape::LEGACY, hex, Why::Codec);
    }
    // Later extensions of the legacy ids: AV1 and Opus, both 13.
    dropped(Kind::Video, Shape::LEGACY, "1d 01 000000 0a", Why::Codec);
    dropped(Kind::Audio, Shape::LEGACY, "df 01 fc", Why::Codec);
}

#[test]
fn legacy_messages_stay_as_they_are() {
    for hex in [
        "17 00 000000 01",
        "27 01 ffffd8 41",
        "17 02",
        "57 00",
        "14 00",
        "19 00",
    ] {
        video(Shape::LEGACY, hex, hex);
    }
    for hex in ["", "af 00 1210", "af 01 21", "2f fffb", "b2 00", "af 00"] {
        audio(Shape::LEGACY, hex, hex);
    }
    let metadata = "02 000a 6f6e4d65746144617461 08 00000000 000009";
    row(Kind::Data, Shape::LEGACY, metadata, metadata);
    row(Kind::Data, Shape::LEGACY, "", "");
    // Unless the receiver says that it knows none of them.
    let shape = only(CodecSet::EMPTY.with_every(Kind::Video));
    dropped(Kind::Video, shape, "17 01 000000 65", Why::Codec);
    dropped(Kind::Audio, shape, "af 01 21", Why::Codec);
    dropped(Kind::Audio, shape, "91 6d703461 21", Why::Codec);
    video(shape, "91 61766331 000000 65", "91 61766331 000000 65");
}

#[test]
fn codecs_in_the_set_pass_and_others_do_not() {
    let shape = only(CodecSet::LEGACY.with(Codec::FourCc(FourCc::HVC1)));
    video(shape, "91 68766331 000028 26aa", "91 68766331 000028 26aa");
    video(shape, "91 61766331 000028 65aa", "17 01 000028 65aa");
    dropped(Kind::Video, shape, "91 61763031 0a", Why::Codec);
    audio(shape, "91 6d703461 21", "af 01 21");
    dropped(Kind::Audio, shape, "91 4f707573 fc", Why::Codec);
    let shape = only(CodecSet::EMPTY.with(Codec::FourCc(FourCc(*b"zzzz"))));
    video(shape, "91 79797979 00", "91 79797979 00");
}

#[test]
fn one_track_0_becomes_plain() {
    let shape = Shape::DEFAULT_TRACK;
    video(
        shape,
        "96 01 68766331 00 000028 26aa",
        "91 68766331 000028 26aa",
    );
    video(shape, "96 00 61763031 00 81", "90 61763031 81");
    video(shape, "a6 03 68766331 00 02aa", "a3 68766331 02aa");
    video(shape, "96 04 68766331 00 02", "94 68766331 02");
    video(shape, "96 08 68766331 00 02", "98 68766331 02");
    audio(shape, "95 01 6d703461 00 21", "91 6d703461 21");
    audio(shape, "95 00 4f707573 00", "90 4f707573");
    // Or legacy, where the receiver needs that.
    video(
        Shape::LEGACY,
        "96 01 61766331 00 000028 65aa",
        "17 01 000028 65aa",
    );
    video(
        LEGACY_WITH_HEVC,
        "96 01 68766331 00 000028 26aa",
        "1c 01 000028 26aa",
    );
    audio(Shape::LEGACY, "95 01 6d703461 00 21", "af 01 21");
    video(
        only(CodecSet::LEGACY),
        "96 01 61766331 00 000028 65aa",
        "17 01 000028 65aa",
    );
}

// Vector V43: ManyTracks and ManyTracksManyCodecs.
#[test]
fn track_0_is_taken_out_of_many() {
    let shape = Shape::DEFAULT_TRACK;
    let many = "a6 11 61763031 00 000003 aaaaaa 01 000002 bbbb";
    video(shape, many, "a1 61763031 aaaaaa");
    video(Shape::FULL, many, many);
    let second = "a6 11 61763031 01 000002 bbbb 00 000003 aaaaaa";
    video(shape, second, "a1 61763031 aaaaaa");
    let codecs = "96 21 61763031 00 000002 aaaa 68766331 01 000005 000000 bbbb";
    video(shape, codecs, "91 61763031 aaaa");
    let codecs = "96 21 61763031 01 000002 aaaa 68766331 00 000005 000028 bbbb";
    video(shape, codecs, "91 68766331 000028 bbbb");
    video(LEGACY_WITH_HEVC, codecs, "1c 01 000028 bbbb");
    let legacy = "96 21 61763031 01 000002 aaaa 61766331 00 000004 0164001f";
    let legacy = legacy.replacen("21", "20", 1);
    video(Shape::LEGACY, &legacy, "17 00 000000 0164001f");
    audio(
        shape,
        "95 11 6d703461 01 000001 aa 00 000002 bbcc",
        "91 6d703461 bbcc",
    );
    audio(
        Shape::LEGACY,
        "95 21 4f707573 01 000001 aa 6d703461 00 000002 bbcc",
        "af 01 bbcc",
    );
}

#[test]
fn of_two_default_tracks_the_first_leads() {
    let twice = "96 20 61766331 00 000002 0164 76703038 00 000001 aa";
    video(Shape::DEFAULT_TRACK, twice, "90 61766331 0164");
    let twice = "96 20 76703038 00 000001 aa 61766331 00 000002 0164";
    video(Shape::DEFAULT_TRACK, twice, "90 76703038 aa");
    dropped(Kind::Video, Shape::LEGACY, twice, Why::Codec);
}

#[test]
fn other_tracks_alone_are_dropped() {
    let shape = Shape::DEFAULT_TRACK;
    dropped(
        Kind::Video,
        shape,
        "96 01 68766331 01 000000 26",
        Why::Track,
    );
    dropped(
        Kind::Video,
        shape,
        "a6 11 61763031 02 000001 aa 01 000001 bb",
        Why::Track,
    );
    dropped(Kind::Audio, shape, "95 01 6d703461 01 21", Why::Track);
    // A layout that nobody has defined yet.
    dropped(Kind::Video, shape, "96 31 00", Why::Track);
    video(Shape::FULL, "96 31 00", "96 31 00");
    dropped(Kind::Video, only(CodecSet::LEGACY), "96 31 00", Why::Codec);
}

#[test]
fn a_message_of_many_tracks_is_reduced_to_the_default_one_when_another_cannot_be_taken() {
    let without_av1 = only(CodecSet::ALL.without(Codec::FourCc(FourCc::AV01)));
    let codecs = "96 21 61763031 01 000002 aaaa 68766331 00 000005 000028 bbbb";
    video(without_av1, codecs, "91 68766331 000028 bbbb");
    let codecs = "96 21 61763031 00 000002 aaaa 68766331 01 000005 000028 bbbb";
    dropped(Kind::Video, without_av1, codecs, Why::Codec);
    // Codec id 12 has no tracks.
    dropped(
        Kind::Video,
        LEGACY_HEVC,
        "96 01 68766331 01 000000 26",
        Why::Codec,
    );
    video(
        LEGACY_HEVC,
        "96 01 68766331 00 000000 26",
        "1c 01 000000 26",
    );
}

#[test]
fn a_default_track_without_a_body_does_not_replace_a_good_configuration() {
    let message = "96 10 61766331 00 000000 01 000002 0164";
    dropped(Kind::Video, Shape::DEFAULT_TRACK, message, Why::Empty);
    let message = "96 10 61766331 00 000002 0164 01 000000";
    video(Shape::DEFAULT_TRACK, message, "90 61766331 0164");
}

// Vectors V42 and V43.
#[test]
fn mod_ex_is_removed() {
    let nano = "a7 02 07a120 03 68766331 02aa";
    video(FULL_WITHOUT_MOD_EX, nano, "a3 68766331 02aa");
    video(Shape::FULL, nano, nano);
    video(DEFAULT_WITH_MOD_EX, nano, nano);
    let long = format!("a7 ff 00ff {} 03 68766331 02aa", "ab".repeat(256));
    video(FULL_WITHOUT_MOD_EX, &long, "a3 68766331 02aa");
    let twice = "97 00 ff 07 01 abcd 01 68766331 000001 26";
    video(FULL_WITHOUT_MOD_EX, twice, "91 68766331 000001 26");
    video(LEGACY_WITH_HEVC, twice, "1c 01 000001 26");
    video(FULL_WITHOUT_MOD_EX, "d7 00 00 01 00", "d1 00");
    video(
        Shape::LEGACY,
        "97 00 00 01 61766331 000007 65",
        "17 01 000007 65",
    );
    audio(
        FULL_WITHOUT_MOD_EX,
        "97 00 00 01 4f707573 fc",
        "91 4f707573 fc",
    );
    audio(Shape::LEGACY, "97 00 00 00 6d703461 1210", "af 00 1210");
}

#[test]
fn mod_ex_and_tracks_are_removed_together_or_alone() {
    let both = "a7 00 00 06 11 61763031 00 000003 aaaaaa 01 000002 bbbb";
    video(
        FULL_WITHOUT_MOD_EX,
        both,
        "a6 11 61763031 00 000003 aaaaaa 01 000002 bbbb",
    );
    video(Shape::DEFAULT_TRACK, both, "a1 61763031 aaaaaa");
    // Where the header is written anew there is no room for the prefix.
    video(DEFAULT_WITH_MOD_EX, both, "a1 61763031 aaaaaa");
    // Inside a list of tracks it is a packet type that nobody defined; alone it would be read as a prefix.
    let inside = "96 07 68766331 00 0000";
    video(FULL_WITHOUT_MOD_EX, inside, inside);
    dropped(Kind::Video, Shape::DEFAULT_TRACK, inside, Why::Header);
}

// Vectors V42, V44 and V45.
#[test]
fn metadata_and_channel_layouts_are_dropped_for_legacy_headers_only() {
    let colours = "94 61766331 020009 636f6c6f72496e666f 03 000009";
    dropped(Kind::Video, Shape::LEGACY, colours, Why::Header);
    video(Shape::DEFAULT_TRACK, colours, colours);
    dropped(
        Kind::Video,
        LEGACY_WITH_HEVC,
        "d4 68766331 020000 00 000009",
        Why::Header,
    );
    let channels = "94 6d703461 01 06 0000003f";
    dropped(Kind::Audio, Shape::LEGACY, channels, Why::Header);
    audio(Shape::DEFAULT_TRACK, channels, channels);
    // Enhanced commands and packet types that nobody defined have no legacy form either.
    dropped(Kind::Video, Shape::LEGACY, "d1 00", Why::Header);
    video(Shape::DEFAULT_TRACK, "d1 00", "d1 00");
    dropped(Kind::Video, Shape::LEGACY, "99 61766331 00", Why::Header);
    dropped(Kind::Video, Shape::LEGACY, "95 61766331 00", Why::Header);
    video(Shape::DEFAULT_TRACK, "99 61766331 00", "99 61766331 00");
}

#[test]
fn legacy_headers_alone_leave_the_codecs_that_have_them() {
    // An operator that says nothing of codecs, only of headers.
    let shape = Shape {
        headers: Headers::Legacy,
        ..Shape::FULL
    };
    video(shape, "91 61766331 000000 65", "17 01 000000 65");
    video(shape, "1c 01 000000 26", "1c 01 000000 26");
    dropped(Kind::Video, shape, "91 68766331 000000 26", Why::Codec);
    dropped(Kind::Video, shape, "91 61763031 0a", Why::Codec);
}

#[test]
fn malformed_messages_are_dropped_for_everybody() {
    for shape in [Shape::FULL, Shape::DEFAULT_TRACK, Shape::LEGACY] {
        for hex in [
            "17 01 00",
            "91 687663",
            "96 11 61763031 00 000004 aa",
            "97 05 00",
        ] {
            dropped(Kind::Video, shape, hex, Why::Malformed);
        }
        dropped(Kind::Audio, shape, "95 05 6d703461 01", Why::Malformed);
    }
}

#[test]
fn what_a_shape_takes_is_told_by_codec_and_track() {
    let av1 = Codec::FourCc(FourCc::AV01);
    let avc = Codec::FourCc(FourCc::AVC1);
    assert!(Shape::FULL.takes(Kind::Video, av1, 1));
    assert!(Shape::DEFAULT_TRACK.takes(Kind::Video, av1, 0));
    assert!(!Shape::DEFAULT_TRACK.takes(Kind::Video, av1, 1));
    assert!(!Shape::LEGACY.takes(Kind::Video, av1, 0));
    assert!(Shape::LEGACY.takes(Kind::Video, avc, 0));
    assert!(!Shape::LEGACY.takes(Kind::Video, avc, 1));
    assert!(
        !only(CodecSet::LEGACY).takes(Kind::Video, avc, 1),
        "a legacy header has no tracks"
    );
    assert!(LEGACY_WITH_HEVC.takes(Kind::Video, Codec::Video(12), 0));
    assert!(!Shape::LEGACY.takes(Kind::Video, Codec::Video(12), 0));
    assert!(Shape::LEGACY.takes(Kind::Audio, Codec::Audio(10), 0));
}

#[test]
fn who_takes_the_default_track_only_gets_no_other_of_a_message() {
    let both = TrackSet::of(3).union(TrackSet::DEFAULT);
    for (of, all, default) in [
        (TrackSet::DEFAULT, TrackSet::DEFAULT, TrackSet::DEFAULT),
        (both, both, TrackSet::DEFAULT),
    ] {
        assert_eq!(Shape::FULL.tracks_of(of), all);
        assert_eq!(Shape::DEFAULT_TRACK.tracks_of(of), default);
        assert_eq!(Shape::LEGACY.tracks_of(of), default);
    }
}
