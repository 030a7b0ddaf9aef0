//! A destination is replaced by a new process on the same port, as an update does it: it drains, asks for a new connection,
//! and the push moves to the new one at a keyframe. Its players lose nothing.

use std::time::Duration;

use bongsu_flv::Kind;
use bongsu_interop::heard::{Ear, End};
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::{OPEN_APP, push, wait_for_players};
use bongsu_testkit::compare::Packet;
use bongsu_testkit::{Bongsu, Fixture, RunDir, Signal, wait};

/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(20);

/// The frames of a kind, one behind the other.
fn frames(packets: &[Packet], kind: Kind) -> Vec<&[u8]> {
    packets
        .iter()
        .filter(|packet| packet.kind == kind && packet.is_frame())
        .map(|packet| packet.payload.as_ref())
        .collect()
}

#[test]
fn a_push_moves_to_the_new_process_and_players_lose_no_frame() {
    let dir = RunDir::new("destination-replaced");
    // Long enough that the old one leaves because its last session ended, and not for want of time.
    let patient = "drain_timeout = \"60s\"\n";
    let mut old = Bongsu::start_with_server_keys(&dir, "old", patient, OPEN_APP);
    let address = old.rtmp();
    let away = push("away", &format!("rtmp://{address}/live/{{name}}"));
    let relay = Bongsu::start(&dir, "relay", &format!("{OPEN_APP}{away}"));
    let before = Ear::open(address, "live", "cam");
    wait_for_players(&old, 1);
    let mut publishing = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacBusy,
        &dir,
        &relay.rtmp().to_string(),
        "cam",
    );
    let is_live = || {
        relay
            .destination("live/cam", "away")
            .is_some_and(|away| away["state"] == "live")
    };
    wait::until_true("a push that is live", LIMIT, is_live);
    old.process().signal(Signal::TERM);
    wait::until_true("a free port", LIMIT, || {
        std::net::TcpStream::connect(address).is_err()
    });
    let new = Bongsu::start_on(&dir, "new", OPEN_APP, address);
    let after = Ear::open(address, "live", "cam");
    let status = old.process().wait(LIMIT);
    assert!(status.success(), "the old one left with {status}");
    wait::until_true("a push that is live again", LIMIT, is_live);
    let push = relay.destination("live/cam", "away").unwrap_or_default();
    assert_eq!(push["failures"], 0, "{push}");
    let sent = publishing.finish();
    let ((end_before, heard_before), (end_after, heard_after)) =
        (before.finish(LIMIT), after.finish(LIMIT));
    assert_eq!((end_before, end_after), (End::InOrder, End::InOrder));
    for kind in [Kind::Video, Kind::Audio] {
        let (first, second) = (frames(&heard_before, kind), frames(&heard_after, kind));
        assert!(!first.is_empty() && !second.is_empty(), "{kind:?}");
        let heard = [first, second].concat();
        let sent = frames(&sent, kind);
        assert_eq!(heard.len(), sent.len(), "{kind:?} frames");
        assert!(heard == sent, "{kind:?}: other bytes or another order");
    }
    drop(new);
}
