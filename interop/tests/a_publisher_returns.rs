//! A publisher that dies does not end the broadcast: players and destinations are held, and any encoder may come back.

use std::thread;
use std::time::{Duration, Instant};

use bongsu_flv::{Class, Kind};
use bongsu_interop::heard::{Ear, End};
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::{push, wait_for_players};
use bongsu_testkit::compare::Packet;
use bongsu_testkit::raw::{Peer, Sink};
use bongsu_testkit::{Bongsu, Fixture, RunDir, wait};

/// How long the publisher is away.
const AWAY: Duration = Duration::from_secs(3);
/// What "at once" is at most, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);
/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(30);

fn relay(dir: &RunDir, hold: &str, sink: &Sink) -> Bongsu {
    let toml =
        format!("\n[apps.live]\npublish = \"open\"\nplay_wait = \"60s\"\nhold = \"{hold}\"\n");
    let target = format!("rtmp://{}/live/{{name}}", sink.address());
    Bongsu::start(dir, "relay", &(toml + &push("sink", &target)))
}

fn video_frames(packets: &[Packet]) -> usize {
    packets
        .iter()
        .filter(|packet| packet.kind == Kind::Video && packet.is_frame())
        .count()
}

/// Times of a kind never go back.
fn time_goes_on(who: &str, packets: &[Packet]) {
    for kind in [Kind::Audio, Kind::Video] {
        let times: Vec<u32> = packets
            .iter()
            .filter(|packet| packet.kind == kind)
            .map(|one| one.timestamp)
            .collect();
        let back = times.windows(2).find(|pair| pair[1] < pair[0]);
        assert_eq!(back, None, "{who}: {kind:?} goes back in time");
    }
}

/// What came after the publisher's return: from the first header that is not the one of before.
fn after_return<'a>(who: &str, packets: &'a [Packet], kind: Kind) -> &'a [Packet] {
    let of_kind = |packet: &&Packet| packet.kind == kind && packet.class == Class::SequenceHeader;
    let first = packets
        .iter()
        .find(of_kind)
        .unwrap_or_else(|| panic!("{who}: no {kind:?} header"));
    let at = packets
        .iter()
        .position(|packet| of_kind(&packet) && packet.payload != first.payload)
        .unwrap_or_else(|| panic!("{who}: no new {kind:?} header"));
    &packets[at..]
}

/// The new header comes before any frame of the new encoder, whose first picture is a keyframe.
fn new_headers_come_first(who: &str, packets: &[Packet], new: &[Packet]) {
    for kind in [Kind::Video, Kind::Audio] {
        let rest = after_return(who, packets, kind);
        let frames = |packets: &[Packet]| -> Vec<Packet> {
            packets
                .iter()
                .filter(|packet| packet.kind == kind && packet.is_frame())
                .cloned()
                .collect()
        };
        let (got, sent) = (frames(rest), frames(new));
        let payloads = |packets: &[Packet]| {
            packets
                .iter()
                .map(|one| one.payload.clone())
                .collect::<Vec<_>>()
        };
        assert!(
            payloads(&got) == payloads(&sent),
            "{who}: the new encoder's {kind:?} frames differ"
        );
    }
}

#[test]
fn an_encoder_with_other_settings_takes_over_the_sessions() {
    let dir = RunDir::new("publisher-returns");
    let sink = Sink::start();
    let relay = relay(&dir, "15s", &sink);
    let ear = Ear::open(relay.rtmp(), "live", "cam");
    wait_for_players(&relay, 1);
    let address = relay.rtmp().to_string();
    let first_dir = RunDir::new("publisher-returns-first");
    let mut first = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacLong,
        &first_dir,
        &address,
        "cam",
    );
    wait::until_true("frames at the player and the destination", LIMIT, || {
        let at_sink = sink
            .publications()
            .first()
            .map_or(0, |one| video_frames(&one.packets));
        video_frames(&ear.packets()) > 50 && at_sink > 50
    });
    first.process().kill();
    // The absence is the scenario, not a wait for something.
    thread::sleep(AWAY);
    assert!(
        !ear.has_ended(),
        "the player was let go while the publisher was away"
    );
    let mut second = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacOther,
        &dir,
        &address,
        "cam",
    );
    let sent = second.finish();
    let (end, packets) = ear.finish(AT_ONCE);
    assert_eq!(end, End::InOrder);
    let publications = sink.publications();
    assert_eq!(
        publications.len(),
        1,
        "the destination's session was not kept"
    );
    for (who, packets) in [
        ("the player", &packets),
        ("the destination", &publications[0].packets),
    ] {
        time_goes_on(who, packets);
        new_headers_come_first(who, packets, &sent);
        let return_at = after_return(who, packets, Kind::Video)[0].timestamp;
        let before = packets
            .iter()
            .rfind(|one| one.kind == Kind::Video && one.timestamp < return_at);
        let gap = return_at - before.expect("frames before the return").timestamp;
        assert!(
            (2_500..8_000).contains(&gap),
            "{who}: the gap of about 3 s is {gap} ms in the stream"
        );
    }
}

#[test]
fn after_the_hold_everybody_is_let_go_in_order() {
    let dir = RunDir::new("publisher-stays-away");
    let sink = Sink::start();
    let relay = relay(&dir, "2s", &sink);
    let ear = Ear::open(relay.rtmp(), "live", "cam");
    wait_for_players(&relay, 1);
    let address = relay.rtmp().to_string();
    let mut publishing = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacLong,
        &dir,
        &address,
        "cam",
    );
    wait::until_true("frames at the player and the destination", LIMIT, || {
        let at_sink = sink
            .publications()
            .first()
            .map_or(0, |one| video_frames(&one.packets));
        video_frames(&ear.packets()) > 25 && at_sink > 25
    });
    let killed = Instant::now();
    publishing.process().kill();
    let (end, _) = ear.finish(LIMIT);
    let held = killed.elapsed();
    assert_eq!(end, End::InOrder);
    assert!(
        held >= Duration::from_millis(1_900),
        "let go after {held:?}, before the hold of 2 s"
    );
    assert!(
        held < Duration::from_secs(2) + AT_ONCE,
        "let go after {held:?}, the hold is 2 s"
    );
    wait::until_true("the end of the destination's session", AT_ONCE, || {
        sink.publications()
            .iter()
            .all(|one| one.ended_in_order && one.closed)
    });
}

/// A scripted publisher says one word, and the stream has ended.
fn a_word_ends_the_stream(name: &str, say: impl FnOnce(&mut Peer, u32)) {
    let dir = RunDir::new(name);
    let sink = Sink::start();
    let relay = relay(&dir, "30s", &sink);
    let ear = Ear::open(relay.rtmp(), "live", "cam");
    wait_for_players(&relay, 1);
    let mut peer = Peer::open(relay.rtmp());
    let (stream, status) = peer.publish("live", "cam");
    assert_eq!(status.code, "NetStream.Publish.Start");
    let header = b"\x17\x00\x00\x00\x00\x01\x64\x00\x14\xff\xe1\x00\x00\x01\x00\x00";
    assert!(peer.send_media(stream, 9, 0, header));
    assert!(peer.send_media(
        stream,
        9,
        0,
        b"\x17\x01\x00\x00\x00\x00\x00\x00\x04\x65\x88\x84\x00"
    ));
    wait::until_true("a frame at the player and the destination", LIMIT, || {
        let at_sink = sink
            .publications()
            .first()
            .map_or(0, |one| video_frames(&one.packets));
        video_frames(&ear.packets()) == 1 && at_sink == 1
    });
    say(&mut peer, stream);
    let (end, _) = ear.finish(AT_ONCE);
    assert_eq!(end, End::InOrder);
    wait::until_true("the end of the destination's session", AT_ONCE, || {
        sink.publications()
            .iter()
            .all(|one| one.ended_in_order && one.closed)
    });
}

#[test]
fn delete_stream_ends_at_once() {
    use bongsu_testkit::raw::Value;
    a_word_ends_the_stream("publisher-deletes-stream", |peer, stream| {
        peer.command(
            "deleteStream",
            0,
            &[Value::Null, Value::Number(f64::from(stream))],
        );
    });
}

#[test]
fn fc_unpublish_ends_at_once() {
    use bongsu_testkit::raw::Value;
    a_word_ends_the_stream("publisher-unpublishes", |peer, _| {
        peer.command("FCUnpublish", 0, &[Value::Null, Value::text("cam")]);
    });
}
