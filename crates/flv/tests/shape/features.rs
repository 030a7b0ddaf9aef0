//! What the classification says of features, and which of them a shape changes.

use bongsu_flv::{Codec, CodecSet, Features, FourCc, Kind, Shape, classify};

use crate::{ENHANCED_HEVC, LEGACY_HEVC, LEGACY_WITH_HEVC, bytes, only};

fn features(kind: Kind, hex: &str) -> Features {
    classify(kind, &bytes(hex)).features
}

fn video(hex: &str) -> Features {
    features(Kind::Video, hex)
}

fn has(features: Features, fourcc: FourCc) -> bool {
    features.has_codec(Kind::Video, Codec::FourCc(fourcc))
}

#[test]
fn headers_tell_their_features() {
    let plain = video("91 68766331 000000 26");
    assert!(plain.has_any(Features::ENHANCED_VIDEO) && has(plain, FourCc::HVC1));
    assert!(!plain.has_any(Features::MULTITRACK | Features::MOD_EX | Features::METADATA));
    assert!(!has(plain, FourCc::AV01));
    let many = video("96 21 61763031 00 000002 aaaa 68766331 01 000005 000000 bbbb");
    assert!(many.has_any(Features::MULTITRACK));
    assert!(
        has(many, FourCc::AV01) && has(many, FourCc::HVC1),
        "all codecs in it"
    );
    assert!(video("96 01 68766331 00 000000 26").has_any(Features::MULTITRACK));
    assert!(video("a7 02 07a120 03 68766331 00").has_any(Features::MOD_EX));
    assert!(video("d7 00 00 01 00").has_any(Features::MOD_EX));
    assert!(video("94 68766331 02").has_any(Features::METADATA));
    let channels = features(Kind::Audio, "94 6d703461 01 06 0000003f");
    assert!(channels.has_any(Features::MULTICHANNEL) && !channels.has_any(Features::METADATA));
    assert!(channels.has_any(Features::ENHANCED_AUDIO));
    assert!(video("1c 01 000000 26").has_codec(Kind::Video, Codec::Video(12)));
    assert!(!video("17 01 000000 65").has_codec(Kind::Video, Codec::Video(12)));
    assert!(
        has(video("91 7a7a7a7a 00"), FourCc(*b"yyyy")),
        "others are one"
    );
}

#[test]
fn what_says_nothing_has_no_features() {
    for (kind, hex) in [
        (Kind::Video, ""),
        (Kind::Audio, ""),
        (Kind::Video, "57 00"),
        (Kind::Video, "17 01 00"),
        (Kind::Video, "96 06 68766331 00 00"),
        (Kind::Data, "02 0001 61"),
    ] {
        assert_eq!(features(kind, hex), Features::NONE, "{hex}");
        assert!(features(kind, hex).is_empty());
    }
}

#[test]
fn a_shape_changes_what_its_receiver_cannot_take_and_nothing_else() {
    let legacy = video("17 01 000000 65") | features(Kind::Audio, "af 01 21");
    let hevc = video("91 68766331 000000 26");
    let hevc_12 = video("1c 01 000000 26");
    let nano = video("a7 02 07a120 03 68766331 00");
    let track_1 = video("96 01 68766331 01 000000 26");
    let all = [legacy, hevc, hevc_12, nano, track_1];
    let changed = |shape: Shape| all.map(|features| shape.changes(features));
    assert_eq!(changed(Shape::FULL), [false; 5]);
    assert_eq!(
        changed(Shape::DEFAULT_TRACK),
        [false, false, false, true, true]
    );
    assert_eq!(changed(Shape::LEGACY), [false, true, true, true, true]);
    assert_eq!(changed(LEGACY_WITH_HEVC), [false, true, false, true, true]);
    assert_eq!(changed(ENHANCED_HEVC), [false, false, true, false, false]);
    assert_eq!(changed(LEGACY_HEVC), [false, true, false, true, true]);
    let no_hevc = only(CodecSet::ALL.without(Codec::FourCc(FourCc::HVC1)));
    assert_eq!(changed(no_hevc), [false, true, false, true, true]);
    assert!(!Shape::LEGACY.changes(Features::NONE));
    assert!(
        Shape::LEGACY.changes(legacy | hevc),
        "of a stream, any message counts"
    );
}

#[test]
fn features_are_shown_by_name() {
    let shown = format!("{:?}", video("97 00 00 06 04 61766331 00 02"));
    for name in ["multitrack", "ModEx", "enhanced video", "metadata", "avc1"] {
        assert!(shown.contains(name), "{shown} lacks {name}");
    }
}
