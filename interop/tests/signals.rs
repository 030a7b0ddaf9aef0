//! Signals end the relay as promised, and its port is free at once.

use std::time::{Duration, Instant};

use bongsu_flv::Kind;
use bongsu_interop::heard::{Ear, End};
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::{OPEN_APP, wait_for_players};
use bongsu_testkit::{Bongsu, Fixture, RunDir, Signal, http, wait};

/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(20);
/// Room for a busy machine beside a promised second.
const SLACK: Duration = Duration::from_millis(500);

/// A relay with a publisher and a player, and frames on their way.
fn busy(name: &str) -> (RunDir, Bongsu, Ear, Publishing) {
    let dir = RunDir::new(name);
    let relay = Bongsu::start(&dir, "relay", OPEN_APP);
    let ear = Ear::open(relay.rtmp(), "live", "cam");
    wait_for_players(&relay, 1);
    let address = relay.rtmp().to_string();
    let publishing = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacOther,
        &dir,
        &address,
        "cam",
    );
    wait::until_true("pictures", LIMIT, || {
        ear.packets()
            .iter()
            .filter(|packet| packet.kind == Kind::Video)
            .count()
            > 10
    });
    (dir, relay, ear, publishing)
}

#[test]
fn sigint_leaves_in_order_within_a_second_and_the_port_is_free() {
    let (dir, mut relay, ear, _publishing) = busy("signals-sigint");
    let sent = Instant::now();
    relay.process().signal(Signal::INT);
    let status = relay.process().wait(Duration::from_secs(1) + SLACK);
    assert!(status.success(), "SIGINT ends with {status}");
    println!("left {:?} after SIGINT", sent.elapsed());
    assert_eq!(ear.finish(LIMIT).0, End::InOrder);
    let restarted = Instant::now();
    relay.restart(&dir);
    println!(
        "ready again {:?} later on the same port",
        restarted.elapsed()
    );
}

#[test]
fn sigterm_drains_what_is_there_and_takes_nothing_new() {
    let (_dir, mut relay, ear, mut publishing) = busy("signals-sigterm");
    relay.process().signal(Signal::TERM);
    // The window stays open during the drain, and says so.
    wait::until_true("not ready any more", LIMIT, || {
        http::get(relay.http(), "/readyz").is_some_and(|response| response.status == 503)
    });
    wait::until_true("no new connections", LIMIT, || {
        std::net::TcpStream::connect(relay.rtmp()).is_err()
    });
    // The stream that is there goes on to its own end.
    let sent = publishing.finish();
    let (end, packets) = ear.finish(LIMIT);
    assert_eq!(end, End::InOrder);
    let frames = |packets: &[bongsu_testkit::compare::Packet]| {
        packets.iter().filter(|one| one.is_frame()).count()
    };
    assert_eq!(frames(&packets), frames(&sent));
    let status = relay.process().wait(LIMIT);
    assert!(status.success(), "SIGTERM ends with {status}");
}

#[test]
fn a_second_sigterm_leaves_at_once() {
    let (_dir, mut relay, _ear, _publishing) = busy("signals-sigterm-twice");
    relay.process().signal(Signal::TERM);
    wait::until_true("the drain", LIMIT, || {
        std::net::TcpStream::connect(relay.rtmp()).is_err()
    });
    assert!(
        relay.process().is_running(),
        "it did not wait for its sessions"
    );
    relay.process().signal(Signal::TERM);
    let _ = relay.process().wait(Duration::from_secs(1) + SLACK);
}
