use super::*;
use crate::{
    Cursor, Encode,
    limits::{KEYFRAME_WAIT_MS_MAX, LAG_MS_MAX, METADATA_BYTES_MAX},
    testing::{HOLD, Scene, Toy, epoch, payload},
};

mod shape;

fn key(name: &str) -> Identity {
    Identity::Key(name.into())
}

fn stream(takeover: Takeover) -> LiveStream {
    LiveStream::new(Config {
        hold: HOLD,
        takeover,
    })
}

// States.

#[test]
fn a_lost_publisher_leads_to_a_hold_that_ends_at_its_time() {
    let now = epoch();
    let mut stream = stream(Takeover::SameKey);
    assert_eq!(
        (stream.state(), stream.is_playable(), stream.poll_timeout()),
        (State::Idle, false, None)
    );
    let first = stream.publish(now, key("cam")).unwrap();
    assert_eq!(
        (first.replaced, first.resumed, stream.state()),
        (None, false, State::Live)
    );
    let held = State::Holding { since: now };
    assert_eq!(
        stream.unpublish(now, first.publisher, Unpublish::Lost),
        held
    );
    assert!(stream.is_playable());
    assert_eq!(stream.poll_timeout(), Some(now + HOLD));
    stream.handle_timeout(now + HOLD - Duration::from_millis(1));
    assert_eq!(stream.state(), held);

    let again = stream.publish(now + HOLD / 2, key("other")).unwrap();
    assert!(
        again.resumed && again.replaced.is_none(),
        "the slot is free while it is held"
    );
    assert_ne!(again.publisher, first.publisher);
    assert_eq!(stream.poll_timeout(), None);
    stream.unpublish(now, first.publisher, Unpublish::Clean);
    assert_eq!(
        stream.state(),
        State::Live,
        "who has no slot cannot give it up"
    );

    stream.unpublish(now, again.publisher, Unpublish::Lost);
    stream.handle_timeout(now + HOLD);
    assert_eq!(
        (stream.state(), stream.poll_timeout()),
        (State::Ended, None)
    );
    assert_eq!(stream.publish(now, key("cam")), Err(Refused::Ended));
}

#[test]
fn a_clean_end_and_a_hold_of_zero_end_the_stream_at_once() {
    let now = epoch();
    let mut clean = stream(Takeover::SameKey);
    let publisher = clean.publish(now, key("cam")).unwrap().publisher;
    assert_eq!(
        clean.unpublish(now, publisher, Unpublish::Clean),
        State::Ended
    );
    let mut short = stream(Takeover::SameKey);
    let publisher = short.publish(now, key("cam")).unwrap().publisher;
    short.set_config(Config {
        hold: Duration::ZERO,
        takeover: Takeover::SameKey,
    });
    assert_eq!(
        short.unpublish(now, publisher, Unpublish::Lost),
        State::Ended
    );
}

#[test]
fn a_new_hold_time_counts_for_a_hold_under_way() {
    let mut scene = Scene::new();
    scene
        .stream
        .unpublish(scene.now, scene.publisher, Unpublish::Lost);
    scene.stream.set_config(Config {
        hold: HOLD * 2,
        takeover: Takeover::SameKey,
    });
    assert_eq!(scene.stream.poll_timeout(), Some(scene.now + HOLD * 2));
}

#[test]
fn the_policy_decides_who_replaces_whom_and_the_loser_no_longer_counts() {
    let mut scene = Scene::new();
    let loser = scene.publisher;
    scene.push("H K1@0");
    let taken = scene.stream.publish(scene.now, Identity::Open).unwrap();
    assert_eq!((taken.replaced, taken.resumed), (Some(loser), true));
    assert_eq!(scene.dropped("P", 40), Dropped::NotPublishing);
    assert_eq!(scene.stream.stats().messages, 2);
    assert_eq!(
        scene.stream.publish(scene.now, key("guest")),
        Err(Refused::Busy)
    );
}

#[test]
fn silence_of_five_seconds_is_enough_and_less_is_not() {
    let now = epoch();
    let mut stream = stream(Takeover::IfSilent);
    let first = stream.publish(now, key("a")).unwrap().publisher;
    let media = now + Duration::from_secs(60);
    stream.push(media, first, Kind::Audio, 0, payload("a"), &Toy);
    stream.push(
        media + TAKEOVER_SILENCE,
        first,
        Kind::Data,
        0,
        payload("d"),
        &Toy,
    );
    let almost = media + TAKEOVER_SILENCE - Duration::from_millis(1);
    assert_eq!(stream.publish(almost, key("b")), Err(Refused::Busy));
    assert_eq!(
        stream
            .publish(media + TAKEOVER_SILENCE, key("b"))
            .unwrap()
            .replaced,
        Some(first)
    );
}

// What goes into the ring.

#[test]
fn what_helps_nobody_is_dropped_and_counted() {
    let mut scene = Scene::new();
    scene.push("m1 h H1 K1@0 a1@0");
    assert_eq!(scene.dropped("m1", 0), Dropped::Repeated);
    assert_eq!(scene.dropped("h", 0), Dropped::Repeated);
    assert_eq!(scene.dropped("H1", 0), Dropped::Repeated);
    let (now, publisher) = (scene.now, scene.publisher);
    let mut push = |kind, bytes: &'static [u8]| {
        scene
            .stream
            .push(now, publisher, kind, 0, Bytes::from_static(bytes), &Toy)
    };
    assert_eq!(push(Kind::Video, b""), Pushed::Dropped(Dropped::Empty));
    assert_eq!(
        push(Kind::Video, b"\x17\x01\0"),
        Pushed::Dropped(Dropped::Malformed)
    );
    assert_eq!(push(Kind::Audio, b""), Pushed::Queued, "[WIRE 139]");
    let stats = scene.stream.stats();
    assert_eq!(
        (stats.repeated, stats.malformed, stats.messages),
        (3, 1, 11)
    );
    assert_eq!((stats.audio, stats.video, stats.keyframes), (3, 2, 1));
    assert_eq!(
        scene.join(),
        "[m1@0] [H1@0] [h@0] K1@0 a1@0",
        "silence was for those who were there"
    );
}

#[test]
fn video_before_its_keyframe_is_dropped_until_the_wait_is_over() {
    let mut scene = Scene::new();
    scene.push("H");
    assert_eq!(scene.dropped("P", 0), Dropped::BeforeKeyframe);
    assert_eq!(scene.join(), "", "worth the wait");
    let limit = u32::try_from(KEYFRAME_WAIT_MS_MAX).unwrap();
    assert_eq!(scene.dropped("P1", limit - 1), Dropped::BeforeKeyframe);
    scene.push("P2@10000 P3@10040");
    assert_eq!(scene.stream.stats().before_keyframe, 2);
    assert_eq!(scene.join(), "[H@10000] P2@10000 P3@10040");
}

#[test]
fn a_track_waits_for_its_own_keyframe_and_a_joining_reader_waits_with_it() {
    let mut scene = Scene::new();
    scene.push("H H.1 K1@0");
    assert_eq!(scene.dropped("P.1", 10), Dropped::BeforeKeyframe);
    scene.push("K.1@20 P.1@30 K2@1000 P.1@1010 P2@1020");
    assert_eq!(
        scene.join(),
        "[H@1000] [H.1@1000] K2@1000 P2@1020",
        "6.12 rule 9"
    );
    scene.push("K.1@1030 P.1@1040");
    assert_eq!(
        scene.join(),
        "[H@1000] [H.1@1000] K2@1000 P2@1020 K.1@1030 P.1@1040"
    );
}

#[test]
fn a_changed_header_goes_in_line_and_leaves_no_place_to_start_before_its_keyframe() {
    let mut scene = Scene::new();
    let mut cursor = Cursor::new();
    scene.push("H1 h K1@0");
    assert_eq!(scene.read(&mut cursor), "[H1@0] [h@0] K1@0");
    scene.push("H2 a1@20");
    assert_eq!(scene.dropped("P", 40), Dropped::BeforeKeyframe);
    assert_eq!(scene.join(), "", "[WIRE 152]");
    scene.push("K2@80");
    assert_eq!(scene.read(&mut cursor), "H2@0 a1@20 K2@80", "[WIRE 167]");
    assert_eq!(scene.join(), "[H2@80] [h@20] K2@80", "[WIRE 153]");
}

#[test]
fn headers_that_come_late_reach_those_there_in_line_and_those_who_join_in_front() {
    let mut scene = Scene::new();
    let mut cursor = Cursor::new();
    scene.push("H K1@0 P@40");
    scene.read(&mut cursor);
    scene.push("h m2 a1@60 P2@80");
    assert_eq!(scene.read(&mut cursor), "h@0 m2@40 a1@60 P2@80");
    assert_eq!(
        scene.join(),
        "[m2@0] [H@0] [h@0] K1@0 P@40 a1@60 P2@80",
        "once, [WIRE 132]"
    );
}

#[test]
fn commands_and_ends_of_sequence_are_for_those_who_are_there() {
    let mut scene = Scene::new();
    let mut cursor = Cursor::new();
    scene.read(&mut cursor);
    scene.push("H K1@0 C s dcue@5 P@40");
    assert_eq!(scene.join(), "[H@0] K1@0 dcue@5 P@40", "[WIRE 156]");
    assert_eq!(
        scene.read(&mut cursor),
        "H@0 K1@0 C@0 s@0 dcue@5 P@40",
        "it was there before the first message"
    );
    scene.push("C s E");
    assert_eq!(scene.read(&mut cursor), "C@40 s@0 E@40");
    assert_eq!(scene.join(), "", "nothing to start with after the end");
    scene.push("H K2@80");
    assert_eq!(
        scene.join(),
        "[H@80] K2@80",
        "the same header begins a new sequence"
    );
}

#[test]
fn messages_that_are_no_frames_move_no_clock() {
    let mut scene = Scene::new();
    scene.push("H@7 K1@5000 a1@5010");
    scene.push("m@0 H2@0 h@90000 s@0 d@4000000 E@0 H2@0 K2@5040 a2@5050");
    assert_eq!(
        scene.join(),
        "[m@1010] [H2@1040] [h@1040] K2@1040 a2@1050",
        "[WIRE 164]"
    );
    assert_eq!(scene.stream.stats().discontinuities, 0);
}

#[test]
fn metadata_taken_back_is_not_for_joining_players() {
    let mut scene = Scene::new();
    scene.push("m H K1@0");
    assert_eq!(scene.stream.metadata(), Some(&payload("m")));
    scene.stream.clear_metadata(scene.publisher);
    assert_eq!(scene.stream.metadata(), None);
    assert_eq!(scene.join(), "[H@0] K1@0");
}

#[test]
fn metadata_at_the_limit_is_kept_and_a_larger_one_goes_out_once() {
    for (len, kept) in [(METADATA_BYTES_MAX, true), (METADATA_BYTES_MAX + 1, false)] {
        let mut scene = Scene::new();
        scene.push("H K1@0");
        let mut metadata = payload("m").to_vec();
        metadata.resize(len, b'x');
        scene.stream.push(
            scene.now,
            scene.publisher,
            Kind::Data,
            0,
            metadata.into(),
            &Toy,
        );
        assert_eq!(scene.stream.metadata().is_some(), kept);
        assert_eq!(scene.stream.stats().headers_not_kept, u64::from(!kept));
        let mut cursor = Cursor::new();
        assert!(
            scene.read(&mut cursor).contains("mxx"),
            "it is in its place"
        );
    }
}

#[test]
fn each_message_is_encoded_once_with_the_low_bits_of_the_timeline() {
    let mut scene = Scene::new();
    scene.push("H K1@0");
    for second in 0..20_u32 {
        scene.wait_ms(300_000_000);
        scene.push(&format!(
            "K@{}",
            second.wrapping_mul(300_000_000).wrapping_add(77)
        ));
    }
    let frame = scene.stream.ring.get(21).unwrap();
    assert!(frame.timestamp > u64::from(u32::MAX), "50 days and more");
    let expected = Toy.encode(1, Kind::Video, frame.wire_timestamp(), &payload("K"));
    assert_eq!(frame.image, expected, "[WIRE 166]");
}

#[test]
fn the_length_of_a_group_of_pictures_is_told() {
    let mut scene = Scene::new();
    scene.push("H K1@0 P@40");
    assert_eq!(scene.stream.stats().gop_ms, 0);
    scene.push("K2@2000");
    assert_eq!(scene.stream.stats().gop_ms, 2_000);
}

// Publishers in turn.

#[test]
fn the_next_publisher_goes_on_with_its_own_headers_and_wall_time_between() {
    let mut scene = Scene::new();
    let mut cursor = Cursor::new();
    scene.push("m1 H1 h K1@0 a1@10 P@40");
    assert_eq!(
        scene.read(&mut cursor),
        "[m1@0] [H1@0] [h@0] K1@0 a1@10 P@40"
    );
    scene
        .stream
        .unpublish(scene.now, scene.publisher, Unpublish::Lost);
    assert_eq!(
        scene.join(),
        "[m1@0] [H1@0] [h@0] K1@0 a1@10 P@40",
        "a join during a hold"
    );
    scene.wait_ms(3_000);
    scene.republish();
    assert_eq!(scene.join(), "", "nothing of the new publisher is there");
    scene.push("m1 H1 h");
    assert_eq!(scene.dropped("P", 7_000), Dropped::BeforeKeyframe);
    assert_eq!(scene.join(), "");
    scene.push("a2@7010 K2@7030");
    let rest = "m1@2940 H1@2940 h@2940 a2@3050 K2@3070";
    assert_eq!(scene.read(&mut cursor), rest, "[WIRE 169] [WIRE 170]");
    assert_eq!(scene.join(), "[m1@2940] [H1@3070] [h@3050] K2@3070");
}

#[test]
fn a_publisher_with_another_codec_is_a_change_and_one_with_the_same_is_none() {
    let mut scene = Scene::new();
    scene.push("H K1@0 a@0");
    assert_eq!(scene.stream.tracks().len(), 2);
    assert_eq!(scene.stream.codec_changes(), 0);
    scene.republish();
    assert_eq!(scene.stream.tracks().len(), 2, "those of the last one");
    scene.push("H K1@0");
    assert_eq!(
        (scene.stream.tracks().len(), scene.stream.codec_changes()),
        (1, 0)
    );
    scene.republish();
    scene.push("H.1");
    assert_eq!(scene.stream.codec_changes(), 1, "a new track");
    let (now, publisher) = (scene.now, scene.publisher);
    let vp6 = Bytes::from_static(b"\x14picture");
    scene.push("H K1@0");
    let before = scene.stream.codec_changes();
    scene
        .stream
        .push(now, publisher, Kind::Video, 40, vp6, &Toy);
    assert_eq!(
        scene.stream.codec_changes(),
        before + 1,
        "a track changed its codec"
    );
    assert!(
        scene
            .stream
            .headers
            .items()
            .iter()
            .all(|item| !item.tracks.has_default())
    );
    assert_eq!(
        scene.stream.ring.newest_gop(),
        Some(scene.stream.ring.head() - 1)
    );
}

// Readers.

#[test]
fn an_audio_only_stream_begins_a_second_before_the_head() {
    let mut scene = Scene::new();
    scene.push("h");
    for at in (0..3_000).step_by(500) {
        scene.push(&format!("a{at}@{at}"));
    }
    assert_eq!(scene.join(), "[h@1500] a1500@1500 a2000@2000 a2500@2500");
    scene.push("h2 a3000@3000");
    assert_eq!(
        scene.join(),
        "[h2@2500] a3000@3000",
        "what came before needs another header"
    );
}

#[test]
fn audio_goes_on_alone_when_the_picture_stopped_for_long() {
    let mut scene = Scene::new();
    scene.push("H h K1@0");
    for second in 1..=20 {
        scene.push(&format!("a@{}", second * 1_000));
    }
    assert!(scene.join().starts_with("[H@0] [h@0] K1@0"));
    scene.push("a@20001");
    assert_eq!(scene.join(), "[H@0] [h@20000] a@20000 a@20001");
}

#[test]
fn a_rebased_cursor_begins_near_zero_with_one_base_for_all_kinds() {
    let mut scene = Scene::new();
    scene.push("m H h K0@0 a@80 P@100 K1@60000 a1@59980 P@60040");
    let mut cursor = Cursor::rebased();
    assert_eq!(
        scene.read(&mut cursor),
        "[m@0] [H@20] [h@0] K1@20 a1@0 P@60",
        "[WIRE 135]"
    );
    scene.push("K2@70000");
    assert_eq!(scene.read(&mut cursor), "K2@10020");
    let mut early = Cursor::rebased();
    let mut empty = Scene::new();
    empty.push("h m");
    assert_eq!(empty.read(&mut early), "");
    empty.push("a@500");
    assert_eq!(empty.read(&mut early), "[m@0] [h@0] a@0");
}

#[test]
fn a_cursor_that_lags_skips_to_the_newest_keyframe_with_headers_that_changed() {
    let mut scene = Scene::new();
    let mut cursor = Cursor::new();
    scene.push("m1 H h K1@0");
    scene.read(&mut cursor);
    scene.push("P1@40 a@50 m2 K2@2000 a@2010");
    let limit = 40 + u32::try_from(LAG_MS_MAX).unwrap();
    scene.push(&format!("a@{limit}"));
    assert_eq!(scene.stream.lag_ms(&cursor), LAG_MS_MAX);
    let mut at_limit = cursor.clone();
    assert!(
        scene.read(&mut at_limit).starts_with("P1@40"),
        "at the limit"
    );
    scene.push(&format!("a@{}", limit + 1));
    let got = scene.read(&mut cursor);
    assert!(got.starts_with("[m2@2000] K2@2000 a@2010"), "{got}");
    assert_eq!(scene.stream.lag_ms(&cursor), 0);
    let drops = cursor.drops();
    assert_eq!((drops.skips, drops.frames), (1, 3));
    assert_eq!(
        drops.bytes,
        ["P1", "a", "m2"]
            .map(|name| payload(name).len() as u64)
            .iter()
            .sum()
    );
    assert_eq!(at_limit.drops().skips, 0);
}

#[test]
fn a_cursor_without_a_place_waits_for_audio_and_video_together() {
    let mut scene = Scene::new();
    let mut cursor = Cursor::new();
    scene.push("H h K1@0");
    scene.read(&mut cursor);
    scene.push("P@40");
    // A group of pictures beyond the limits: there is no place to start, and the cursor's own is gone.
    for second in 1..=21 {
        scene.push(&format!("P@{0} a@{0}", second * 1_000));
    }
    assert_eq!(scene.read(&mut cursor), "");
    assert_eq!(scene.stream.stats().ring_overflows, 1);
    scene.push("h2 a@22000");
    assert_eq!(scene.read(&mut cursor), "", "[WIRE 172]");
    scene.push("K2@22010 a@22020");
    assert_eq!(
        scene.read(&mut cursor),
        "[h2@22020] K2@22010 a@22020",
        "[WIRE 173]"
    );
    assert_eq!(cursor.drops().skips, 1);
}

#[test]
fn a_cursor_that_is_slow_with_its_prelude_goes_on_behind_it_at_once() {
    let mut scene = Scene::new();
    scene.push("H h K1@0 P@40");
    let mut cursor = Cursor::new();
    assert!(matches!(
        scene.stream.next(&mut cursor),
        crate::Next::Header { .. }
    ));
    scene.push("K2@9000 P@9040");
    assert_eq!(
        scene.read(&mut cursor),
        "[h@8040] K2@9000 P@9040",
        "its own keyframe is gone"
    );
    assert_eq!(cursor.drops().skips, 1);
}
