//! Drain and stop.

use std::time::{Duration, Instant};

use bongsu_server::{Command, Relay};
use bongsu_testkit::raw::Peer;
use bongsu_testkit::{http, wait};

use crate::house::{HEADER, House, KEYFRAME, LIMIT, config};

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
