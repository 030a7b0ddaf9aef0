//! What a stream tells of itself to receivers that can take less, and what their cursors get.

use bongsu_flv::{
    Codec, CodecSet, Features, FourCc, Shape,
    shape::{Hevc, Tracks},
};

use crate::{
    Cursor, Drops, Next, Outlook, Prospect, Track, Unpublish,
    limits::{AUDIO_ONLY_START_MS, LAG_MS_MAX},
    testing::Scene,
};

const LEGACY_HEVC: Shape = Shape {
    hevc: Hevc::Legacy,
    ..Shape::FULL
};

fn reader(shape: Shape) -> Cursor {
    Cursor::new().with_shape(shape)
}

fn outlook(audio: Prospect, video: Prospect) -> Outlook {
    Outlook {
        audio,
        video,
        unusable: Vec::new(),
    }
}

#[test]
fn features_are_those_of_the_current_publisher() {
    let mut scene = Scene::new();
    scene.push("H K@0 a@0");
    let plain = scene.stream.features();
    assert!(!Shape::LEGACY.changes(plain));
    scene.push("H.1");
    let more = scene.stream.features();
    assert!(more.has_any(Features::MULTITRACK) && more.has_any(plain));
    // What goes nowhere says nothing.
    scene.dropped("P.2", 40);
    scene.push("K@40");
    assert_eq!(scene.stream.features(), more);
    scene
        .stream
        .unpublish(scene.now, scene.publisher, Unpublish::Lost);
    assert_eq!(scene.stream.features(), more, "held");
    let head = scene.stream.ring.head();
    scene.republish();
    assert_eq!(scene.stream.features(), Features::NONE);
    scene.push("H K@0");
    assert!(!Shape::DEFAULT_TRACK.changes(scene.stream.features_from(head)));
    assert!(
        Shape::DEFAULT_TRACK.changes(scene.stream.features_from(head - 1)),
        "who is still behind gets some of the old one's"
    );
}

#[test]
fn the_outlook_says_what_a_receiver_can_use_and_which_tracks_it_cannot() {
    use Prospect::{Absent, Unusable, Usable};
    let mut scene = Scene::new();
    assert_eq!(
        scene.stream.outlook(Shape::LEGACY),
        outlook(Absent, Absent),
        "nothing is known"
    );
    assert!(!scene.stream.outlook(Shape::LEGACY).is_hopeless());
    scene.push("hvc1:H");
    let seen = scene.stream.outlook(Shape::LEGACY);
    let hevc = Track {
        kind: crate::Kind::Video,
        id: 0,
        codec: Codec::FourCc(FourCc::HVC1),
    };
    assert_eq!((seen.audio, seen.video), (Absent, Unusable));
    assert_eq!(seen.unusable, [hevc]);
    assert!(seen.is_hopeless());
    assert_eq!(scene.stream.outlook(LEGACY_HEVC), outlook(Absent, Usable));
    scene.push("mp4a:h H.1");
    let seen = scene.stream.outlook(Shape::LEGACY);
    assert_eq!((seen.audio, seen.video), (Usable, Unusable));
    assert!(!seen.is_hopeless(), "sound is something");
    assert_eq!(seen.unusable.len(), 2);
    assert_eq!(scene.stream.outlook(Shape::FULL), outlook(Usable, Usable));
    let seen = scene.stream.outlook(Shape::DEFAULT_TRACK);
    assert_eq!(
        (seen.video, seen.unusable.len()),
        (Usable, 1),
        "not track 1"
    );
    scene.republish();
    let seen = scene.stream.outlook(Shape::LEGACY);
    assert_eq!(
        seen,
        outlook(Absent, Absent),
        "another publisher, nothing yet"
    );
}

#[test]
fn what_a_shape_leaves_as_it_is_is_shared() {
    let mut scene = Scene::new();
    scene.push("H K1@0");
    let mut cursor = reader(Shape::LEGACY);
    let Next::Header { payload, .. } = scene.stream.next(&mut cursor) else {
        panic!("a header first");
    };
    let kept = &scene.stream.headers.items()[0].payload;
    assert_eq!(payload.as_ptr(), kept.as_ptr());
    let Next::Frame { frame, payload, .. } = scene.stream.next(&mut cursor) else {
        panic!("then a frame");
    };
    assert_eq!(payload.as_ptr(), frame.payload.as_ptr());
}

#[test]
fn the_default_track_is_one_plain_stream() {
    let mut scene = Scene::new();
    scene.push("m H.0 H.1 h K.0@0 K.1@0 a@10 P.0@40 P.1@40");
    let mut cursor = reader(Shape::DEFAULT_TRACK);
    assert_eq!(
        scene.read(&mut cursor),
        "[m@0] [avc1:H@0] [h@0] avc1:K@0 a@10 avc1:P@40"
    );
    scene.push("K.1@80 H.2 P.0@80 K.0+1@120 P.0+1@160");
    assert_eq!(scene.read(&mut cursor), "avc1:P@80 avc1:K.@120 avc1:P.@160");
    assert_eq!(
        cursor.drops(),
        Drops::default(),
        "what it cannot take is no miss"
    );
    assert_eq!(
        scene.read(&mut reader(Shape::FULL)),
        "[m@0] [H.0@120] [H.1@80] [H.2@0] [h@10] K.0+1@120 P.0+1@160"
    );
}

// Goal: nobody decodes with a header that another one has replaced.
#[test]
fn of_a_header_that_was_replaced_for_the_default_track_nobody_gets_that_part_last() {
    let mut scene = Scene::new();
    scene.push("H.0+1 H2 K2@0");
    assert_eq!(scene.join(), "[H.0+1@0] [H2@0] K2@0");
    for shape in [Shape::DEFAULT_TRACK, Shape::LEGACY] {
        assert_eq!(scene.read(&mut reader(shape)), "[H2@0] K2@0");
    }
    // The other way round the part of the default track is in force.
    let mut scene = Scene::new();
    scene.push("H.0+1 H.1 K@0");
    assert_eq!(scene.join(), "[H.0+1@0] [H.1@0] K@0");
    let mut cursor = reader(Shape::DEFAULT_TRACK);
    assert_eq!(scene.read(&mut cursor), "[avc1:H.@0] K@0");
}

// Goal: a message of two tracks waits for the keyframes of both, but not for that of a track that is taken out of it.
#[test]
fn the_default_track_does_not_wait_for_keyframes_of_others() {
    let mut scene = Scene::new();
    scene.push("H.0 H.1 K.1@0 K.0@0 P.0+1@40 P.0@80");
    assert_eq!(scene.join(), "[H.0@0] [H.1@0] K.0@0 P.0@80");
    assert_eq!(
        scene.read(&mut reader(Shape::DEFAULT_TRACK)),
        "[avc1:H@0] avc1:K@0 avc1:P.@40 avc1:P@80"
    );
}

#[test]
fn hevc_comes_in_the_form_that_the_receiver_wants() {
    let mut scene = Scene::new();
    scene.push("hvc1:H mp4a:h hvc1:K1@0 hvc1:P@40");
    let mut cursor = reader(LEGACY_HEVC);
    assert_eq!(
        scene.read(&mut cursor),
        "[12:H@0] [mp4a:h@0] 12:K1@0 12:P@40",
        "[WIRE 149]"
    );
    scene.push("hvc1:H2 hvc1:K2@80");
    assert_eq!(
        scene.read(&mut cursor),
        "12:H2@40 12:K2@80",
        "a header in its place as well"
    );
}

#[test]
fn who_can_use_nothing_of_the_picture_gets_the_sound_and_waits_for_no_keyframe() {
    let mut scene = Scene::new();
    scene.push("mp4a:h hvc1:H");
    let mut cursor = reader(Shape::LEGACY);
    scene.dropped("hvc1:P", 0);
    scene.push("mp4a:a0@0");
    assert_eq!(scene.read(&mut cursor), "[h@0] a0@0", "[WIRE 150]");
    assert_eq!(scene.join(), "", "others wait for the picture");
    scene.push("hvc1:K@40 mp4a:a1@100 hvc1:P@120 mp4a:a2@2000 mp4a:a3@2900");
    assert_eq!(scene.read(&mut cursor), "a1@100 a2@2000 a3@2900");
    assert_eq!(
        scene.read(&mut reader(Shape::LEGACY)),
        "[h@2000] a2@2000 a3@2900",
        "a second before the head, not at the keyframe"
    );
    assert_eq!(2_900 - AUDIO_ONLY_START_MS, 1_900);
    // It lags like a reader of sound alone.
    let late = 2_901 + LAG_MS_MAX;
    scene.push(&format!("mp4a:a4@5000 mp4a:a5@{late}"));
    let mut at_limit = cursor.clone();
    assert_eq!(scene.read(&mut at_limit), format!("a4@5000 a5@{late}"));
    scene.push(&format!("mp4a:a6@{}", 5_001 + LAG_MS_MAX));
    assert_eq!(
        scene.read(&mut cursor),
        format!("a6@{}", 5_001 + LAG_MS_MAX),
        "to a second before the head"
    );
    let drops = cursor.drops();
    assert_eq!((drops.skips, drops.frames), (1, 2));
}

#[test]
fn a_default_track_that_cannot_be_used_keeps_nobody_from_another_one() {
    let mut scene = Scene::new();
    let shape = Shape {
        tracks: Tracks::All,
        codecs: CodecSet::ALL.without(Codec::FourCc(FourCc::HVC1)),
        ..Shape::FULL
    };
    scene.push("hvc1:H H.1 hvc1:K@0 K.1@0 hvc1:P@40 P.1@40");
    assert_eq!(scene.read(&mut reader(shape)), "[H.1@0] K.1@0 P.1@40");
}

#[test]
fn who_can_use_nothing_gets_the_metadata_and_goes_along() {
    let mut scene = Scene::new();
    let mut cursor = reader(Shape {
        codecs: CodecSet::EMPTY,
        ..Shape::LEGACY
    });
    scene.push("m H h K@0 a@0");
    assert_eq!(scene.read(&mut cursor), "[m@0]");
    scene.push("P@40 K@1000 d@1000 a@1020");
    assert_eq!(scene.read(&mut cursor), "d@1000");
    assert_eq!(scene.stream.lag_ms(&cursor), 0);
}

#[test]
fn another_publisher_in_another_codec_reaches_a_receiver_of_legacy_headers() {
    let mut scene = Scene::new();
    scene.push("hvc1:H mp4a:h hvc1:K@0 mp4a:a@0");
    let mut cursor = reader(Shape::LEGACY);
    assert_eq!(scene.read(&mut cursor), "[h@0] a@0");
    scene.wait_ms(1_000);
    scene.republish();
    scene.push("avc1:H avc1:K1@0 avc1:P@40");
    assert_eq!(scene.read(&mut cursor), "H@900 K1@1000 P@1040");
}
