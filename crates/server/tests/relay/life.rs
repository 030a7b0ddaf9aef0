//! Drain and stop.

use std::time::{Duration, Instant};

use bongsu_server::{Command, Relay};
use bongsu_testkit::raw::{Peer, Status, Value};
use bongsu_testkit::{http, wait};

use crate::house::{FRAME, HEADER, House, KEYFRAME, LIMIT, config};

/// Long enough for a word that is not said.
const QUIET: Duration = Duration::from_millis(200);

#[test]
fn stop_tells_publisher_and_player_and_leaves_within_a_second() {
    let house = House::open(config(|_, _| {}));
    let mut player = Peer::open(house.rtmp);
    player.play("live", "cam");
    let mut publisher = Peer::open(house.rtmp);
    let (stream, _) = publisher.publish("live", "cam");
    assert!(publisher.send_media(stream, 9, 0, HEADER));
    assert!(publisher.send_media(stream, 9, 0, KEYFRAME));
    let asked = Instant::now();
    house.tell(Command::Stop);
    assert_eq!(
        publisher.status(LIMIT).unwrap().code,
        "NetConnection.Connect.AppShutdown"
    );
    let ended = wait::until("the end of the stream", LIMIT, || {
        player
            .status(LIMIT)
            .filter(|status| status.code == "NetStream.Play.UnpublishNotify")
    });
    assert_eq!(ended.level, "status");
    drop((publisher, player));
    house.join();
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "left after {:?}",
        asked.elapsed()
    );
}

#[test]
fn drain_takes_nothing_new_and_ends_with_the_last_session() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = Peer::open(house.rtmp);
    let (stream, _) = publisher.publish("live", "cam");
    assert_eq!(http::get(house.http, "/readyz").unwrap().status, 200);
    house.tell(Command::Drain);
    wait::until_true("not ready", LIMIT, || {
        http::get(house.http, "/readyz").is_some_and(|answer| answer.status == 503)
    });
    wait::until_true("a closed port", LIMIT, || {
        std::net::TcpStream::connect(house.rtmp).is_err()
    });
    assert!(
        publisher.send_media(stream, 9, 0, HEADER),
        "the session that is there goes on"
    );
    drop(publisher);
    house.join();
}

/// A peer whose `connect` says that it can follow a reconnect request, or says nothing.
fn peer(house: &House, can_reconnect: bool) -> Peer {
    let peer = Peer::open(house.rtmp);
    if can_reconnect {
        peer.announcing("capsEx", Value::Number(1.0))
    } else {
        peer
    }
}

/// The next status after those of the start of a play.
fn later_status(peer: &mut Peer) -> Status {
    wait::until("a status", LIMIT, || {
        peer.status(LIMIT)
            .filter(|status| !status.code.starts_with("NetStream.Play."))
    })
}

/// [WIRE 160]
#[test]
fn drain_asks_those_who_can_for_a_new_connection_and_serves_everybody_on() {
    const ASKED: &str = "NetConnection.Connect.ReconnectRequest";
    let house = House::open(config(|_, _| {}));
    let (mut publisher, mut old_publisher) = (peer(&house, true), peer(&house, false));
    let (stream, _) = publisher.publish("live", "cam");
    let (old_stream, _) = old_publisher.publish("live", "other");
    let (mut player, mut old_player) = (peer(&house, true), peer(&house, false));
    let mut idle = peer(&house, true);
    idle.connect("live");
    player.play("live", "cam");
    old_player.play("live", "cam");
    assert!(publisher.send_media(stream, 9, 0, HEADER));
    assert!(publisher.send_media(stream, 9, 0, KEYFRAME));
    for peer in [&mut player, &mut old_player] {
        assert!(plays(peer, KEYFRAME), "the stream runs");
    }
    house.tell(Command::Drain);
    for peer in [&mut publisher, &mut player, &mut idle] {
        let status = later_status(peer);
        assert_eq!(
            (status.code.as_str(), status.level.as_str()),
            (ASKED, "status")
        );
    }
    // Those who were asked are served until they leave, and so are the others, who saw no difference.
    assert!(publisher.send_media(stream, 9, 40, FRAME));
    assert!(old_publisher.send_media(old_stream, 9, 0, HEADER));
    for peer in [&mut player, &mut old_player] {
        assert!(plays(peer, FRAME), "the stream goes on");
    }
    assert_eq!(old_publisher.status(QUIET), None);
    drop((publisher, old_publisher, player, old_player, idle));
    house.join();
}

/// Whether the next frames lead to this one, with no status of the connection in between.
fn plays(peer: &mut Peer, payload: &[u8]) -> bool {
    let deadline = Instant::now() + LIMIT;
    while let Some(message) = peer.next_message(deadline.saturating_duration_since(Instant::now()))
    {
        if message.type_id == 9 && message.payload == payload {
            return true;
        }
        let status = message.status();
        assert!(status.is_none_or(|status| status.code.starts_with("NetStream.Play.")));
    }
    false
}

#[test]
fn a_busy_port_is_an_error_with_its_place_and_what_to_do() {
    let house = House::open(config(|_, _| {}));
    let busy = house.rtmp;
    let second = config(|config, _| {
        config.rtmp.listen = vec![bongsu_server::config::ListenAddr::preset(busy)];
    });
    let text = Relay::bind(second).unwrap_err().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        format!("error: cannot listen on {busy}: address already in use")
    );
    assert_eq!(lines[1], "  from: default, [rtmp] listen");
    assert!(
        lines[2].starts_with("  try:  stop the program that holds the port"),
        "{text}"
    );
}
