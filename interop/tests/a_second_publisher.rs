//! Two publishers of one name: the takeover policy decides, and the loser is told.

use std::time::Duration;

use bongsu_flv::Kind;
use bongsu_interop::heard::{Ear, End};
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::wait_for_players;
use bongsu_testkit::raw::Peer;
use bongsu_testkit::{Bongsu, Fixture, RunDir, wait};

/// How long a step may take.
const LIMIT: Duration = Duration::from_secs(20);

fn relay(dir: &RunDir, takeover: &str) -> Bongsu {
    let app = format!(
        "\n[apps.live]\npublish = \"open\"\nplay_wait = \"60s\"\ntakeover = \"{takeover}\"\n"
    );
    Bongsu::start(dir, "relay", &app)
}

fn video(ear: &Ear) -> usize {
    ear.packets()
        .iter()
        .filter(|packet| packet.kind == Kind::Video)
        .count()
}

#[test]
fn takes_over_and_the_first_is_told() {
    let dir = RunDir::new("takeover");
    let relay = relay(&dir, "always");
    let ear = Ear::open(relay.rtmp(), "live", "cam");
    wait_for_players(&relay, 1);
    let mut first = Peer::open(relay.rtmp());
    let (stream, status) = first.publish("live", "cam");
    assert_eq!(status.code, "NetStream.Publish.Start");
    assert!(first.send_media(
        stream,
        9,
        0,
        b"\x17\x00\x00\x00\x00\x01\x64\x00\x14\xff\xe1\x00\x00\x01\x00\x00"
    ));
    assert!(first.send_media(
        stream,
        9,
        0,
        b"\x17\x01\x00\x00\x00\x00\x00\x00\x04\x65\x88\x84\x00"
    ));
    wait::until_true("the first publisher's picture", LIMIT, || video(&ear) == 2);

    let mut second = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacOther,
        &dir,
        &relay.rtmp().to_string(),
        "cam",
    );
    let told = first.status(LIMIT).expect("a status for the loser");
    assert_eq!(
        (told.level.as_str(), told.code.as_str()),
        ("error", "NetStream.Publish.BadName")
    );
    assert!(
        first.wait_for_close(LIMIT),
        "the loser's connection stays open"
    );
    let sent = second.finish();
    let (end, packets) = ear.finish(LIMIT);
    assert_eq!(end, End::InOrder);
    let frames = |packets: &[bongsu_testkit::compare::Packet]| {
        packets.iter().filter(|one| one.is_frame()).count()
    };
    // The first publisher's one picture, then all of the second's.
    assert_eq!(frames(&packets), 1 + frames(&sent));
}

#[test]
fn is_rejected_and_told() {
    let dir = RunDir::new("takeover-reject");
    let relay = relay(&dir, "reject");
    let ear = Ear::open(relay.rtmp(), "live", "cam");
    wait_for_players(&relay, 1);
    let address = relay.rtmp().to_string();
    let mut first = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacOther,
        &dir,
        &address,
        "cam",
    );
    wait::until_true("the first publisher's pictures", LIMIT, || video(&ear) > 10);

    let (_, told) = Peer::open(relay.rtmp()).publish("live", "cam");
    assert_eq!(
        (told.level.as_str(), told.code.as_str()),
        ("error", "NetStream.Publish.BadName")
    );
    let loser_dir = RunDir::new("takeover-reject-loser");
    let mut loser = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacOther,
        &loser_dir,
        &address,
        "cam",
    );
    assert!(
        !loser.process().wait(LIMIT).success(),
        "the rejected ffmpeg says it succeeded"
    );
    let words = loser.process().output();
    assert!(
        words.contains(&told.description),
        "ffmpeg does not repeat {:?}: {words}",
        told.description
    );

    let sent = first.finish();
    let (end, packets) = ear.finish(LIMIT);
    assert_eq!(end, End::InOrder);
    bongsu_testkit::compare::compare(
        &sent,
        &packets,
        bongsu_testkit::compare::Rule::EveryMessage,
        bongsu_testkit::compare::Start::Whole,
    )
    .unwrap_or_else(|difference| {
        panic!("the first publisher's stream was disturbed: {difference}")
    });
}
