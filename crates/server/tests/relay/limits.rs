//! Bounds on connections, handshakes and wrong keys, with real sockets. What time does to them is tested where they are
//! counted.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use bongsu_server::config::{Config, PublishPolicy, Secret, StreamKey};
use bongsu_testkit::raw::{Peer, Status, Value};
use bongsu_testkit::{http, wait};

use crate::house::{HEADER, House, KEYFRAME, LIMIT, config};

/// The usual address of this machine, and another one.
const FIRST: Ipv4Addr = Ipv4Addr::LOCALHOST;
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The value of a metric; 0 when it is not there.
fn metric(house: &House, name: &str) -> u64 {
    let page = http::get(house.http, "/metrics").unwrap().body;
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        .unwrap_or(0)
}

fn made_room(house: &House) -> u64 {
    metric(
        house,
        "bongsu_connections_ended_total{reason=\"made_room\"}",
    )
}

fn is_closed(mut socket: &TcpStream) -> bool {
    socket.set_nonblocking(true).unwrap();
    match socket.read(&mut [0; 4_096]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[test]
fn at_the_bound_on_handshakes_the_longest_makes_room_and_a_real_client_gets_in() {
    let house = House::open(config(|config, _| config.limits.handshakes = 8));
    let mut player = Peer::open(house.rtmp);
    player.play("live", "cam");

    // As many as may be, some of them with half of what they have to say.
    let mut held: Vec<TcpStream> = Vec::new();
    for count in 0..8 {
        let mut socket = TcpStream::connect(house.rtmp).unwrap();
        socket.write_all(&vec![3; count * 300]).unwrap();
        held.push(socket);
    }
    wait::until_true("all are there", LIMIT, || {
        metric(&house, "bongsu_connections ") == 9
    });
    assert_eq!(made_room(&house), 0, "at the bound nobody has to go");

    // One past it: exactly one goes, and it is one of the first, one for each worker.
    held.push(TcpStream::connect(house.rtmp).unwrap());
    wait::until_true("one has to go", LIMIT, || made_room(&house) == 1);
    let gone: Vec<usize> = (0..held.len()).filter(|at| is_closed(&held[*at])).collect();
    assert!(matches!(gone[..], [0 | 1]), "{gone:?}");

    // A flood, and a publisher in the middle of it: it is served, and so is who was connected before.
    held.extend((0..200).map(|_| TcpStream::connect(house.rtmp).unwrap()));
    let mut publisher = Peer::open(house.rtmp);
    let (stream, status) = publisher.publish("live", "cam");
    assert_eq!(status.code, "NetStream.Publish.Start");
    held.extend((0..200).map(|_| TcpStream::connect(house.rtmp).unwrap()));
    wait::until_true("only so many are left", LIMIT, || {
        metric(&house, "bongsu_connections ") == 10
    });
    assert!(publisher.send_media(stream, 9, 0, HEADER));
    assert!(publisher.send_media(stream, 9, 0, KEYFRAME));
    let picture = wait::until("a picture", LIMIT, || {
        player
            .next_message(LIMIT)
            .filter(|message| message.type_id == 9)
    });
    assert_eq!(picture.payload, HEADER);
    drop(held);
    wait::until_true("nobody is left behind", LIMIT, || {
        metric(&house, "bongsu_connections ") == 2
    });
}

#[test]
fn at_the_bound_on_connections_new_ones_are_turned_away_until_one_ends() {
    let house = House::open(config(|config, _| config.limits.connections = 2));
    let turned_away = || {
        metric(
            &house,
            "bongsu_connections_turned_away_total{setting=\"connections\"}",
        )
    };
    let first = Peer::open(house.rtmp);
    let _second = Peer::open(house.rtmp);
    assert_eq!(turned_away(), 0);
    let third = TcpStream::connect(house.rtmp).unwrap();
    wait::until_true("it is turned away", LIMIT, || is_closed(&third));
    assert_eq!(turned_away(), 1);
    drop(first);
    wait::until_true("there is room", LIMIT, || {
        metric(&house, "bongsu_connections ") == 1
    });
    let _ = Peer::open(house.rtmp).publish("live", "cam");
}

/// A relay that trusts no address, with a key.
fn guarded(wrong_keys_per_minute: u32) -> Config {
    config(|config, app| {
        config.limits.trusted.clear();
        config.limits.wrong_keys_per_minute = wrong_keys_per_minute;
        app.publish = PublishPolicy::Key;
        app.keys = vec![StreamKey {
            name: Some("cam".into()),
            key: Secret::new(RIGHT),
        }];
    })
}

/// Publishes with this key; what it is told, within `limit`.
fn publish(house: &House, source: Ipv4Addr, key: &str, limit: Duration) -> Option<Status> {
    let mut peer = Peer::open_from(source, house.rtmp);
    peer.ask_to_publish("live", &format!("cam?key={key}"));
    peer.status(limit)
}

const RIGHT: &str = "the-right-key-of-cam";
const START: &str = "NetStream.Publish.Start";
const DENIED: &str = "NetStream.Publish.Denied";

#[test]
fn who_guesses_keys_waits_and_then_is_not_looked_at_and_a_second_address_gets_in() {
    // Twelve seconds for each: nothing is earned during the test.
    let house = House::open(guarded(5));
    for guess in 0..5 {
        let status = publish(&house, FIRST, &format!("wrong-{guess}"), LIMIT).unwrap();
        assert_eq!(status.code, DENIED, "at the limit, at once");
    }
    assert_eq!(metric(&house, "bongsu_refusals_delayed_total"), 0);

    // One past it waits for its answer. A right key is looked at still.
    let mut waits = Peer::open_from(FIRST, house.rtmp);
    waits.ask_to_publish("live", "cam?key=wrong-5");
    wait::until_true("the refusal waits", LIMIT, || {
        metric(&house, "bongsu_refusals_delayed_total") == 1
    });
    assert_eq!(waits.status(Duration::from_millis(300)), None);
    assert!(!waits.is_closed());
    assert_eq!(publish(&house, FIRST, RIGHT, LIMIT).unwrap().code, START);

    // Behind two that wait the next would wait for 36 s: no key is looked at, neither a wrong one nor a right one, and
    // hanging up changes nothing.
    drop(waits);
    let mut second = Peer::open_from(FIRST, house.rtmp);
    second.ask_to_publish("live", "cam?key=wrong-6");
    wait::until_true("the second refusal waits", LIMIT, || {
        metric(&house, "bongsu_refusals_delayed_total") == 2
    });
    let unseen = |key: &str| publish(&house, FIRST, key, LIMIT).unwrap();
    for key in ["wrong-7", RIGHT] {
        let status = unseen(key);
        assert_eq!(status.code, DENIED);
        assert!(status.description.contains("too many"), "{status:?}");
        assert!(!status.description.contains(key));
    }
    // Another address has nothing to do with it.
    assert_eq!(publish(&house, SECOND, RIGHT, LIMIT).unwrap().code, START);
}

#[test]
fn a_refusal_that_waited_is_said_in_the_end() {
    // A second and a little for each.
    let house = House::open(guarded(59));
    for guess in 0..59 {
        let status = publish(&house, FIRST, &format!("wrong-{guess}"), LIMIT).unwrap();
        assert_eq!(status.code, DENIED);
    }
    let mut peer = Peer::open_from(FIRST, house.rtmp);
    let asked = Instant::now();
    peer.ask_to_publish("live", "cam?key=wrong");
    let status = peer.status(LIMIT).unwrap();
    assert_eq!(status.code, DENIED);
    assert_eq!(status.description, "the stream key is wrong");
    assert!(peer.wait_for_close(LIMIT));
    let delayed = metric(&house, "bongsu_refusals_delayed_total");
    assert!(delayed == 1, "after {:?}: {delayed}", asked.elapsed());
}

/// Goal: a connection with another use is kept when a key is wrong, and tries none while it waits for that answer.
#[test]
fn nobody_tries_keys_faster_beside_a_stream_that_is_in_use() {
    // Three seconds for each.
    let house = House::open(guarded(20));
    for guess in 0..20 {
        let status = publish(&house, FIRST, &format!("wrong-{guess}"), LIMIT).unwrap();
        assert_eq!(status.code, DENIED);
    }
    let mut peer = Peer::open_from(FIRST, house.rtmp);
    peer.play("live", "cam");
    assert_eq!(peer.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    assert_eq!(peer.status(LIMIT).unwrap().code, "NetStream.Play.Start");
    let (second, third) = (peer.create_stream(), peer.create_stream());
    let ask = |peer: &mut Peer, stream: u32, key: &str| {
        let name = Value::text(&format!("cam?key={key}"));
        peer.command("publish", stream, &[Value::Null, name]);
        peer.status(LIMIT).unwrap()
    };
    peer.command(
        "publish",
        second,
        &[Value::Null, Value::text("cam?key=wrong")],
    );
    wait::until_true("the refusal waits", LIMIT, || {
        metric(&house, "bongsu_refusals_delayed_total") == 1
    });
    let meanwhile = ask(&mut peer, third, RIGHT);
    assert_eq!(meanwhile.code, "NetStream.Publish.BadName");
    assert_eq!(meanwhile.description, "this connection is in use already");
    // The answer that waited comes, the play goes on, and a right key is looked at again.
    assert_eq!(peer.status(LIMIT).unwrap().code, DENIED);
    assert_eq!(ask(&mut peer, third, RIGHT).code, START);
    assert!(!peer.is_closed());
}

#[test]
fn a_second_address_gets_in_while_the_first_is_turned_away() {
    let house = House::open(config(|config, _| {
        config.limits.trusted.clear();
        config.limits.handshakes_per_address = 4;
    }));
    let held: Vec<TcpStream> = (0..4)
        .map(|_| TcpStream::connect(house.rtmp).unwrap())
        .collect();
    let fifth = TcpStream::connect(house.rtmp).unwrap();
    wait::until_true("it is turned away", LIMIT, || is_closed(&fifth));
    let mut publisher = Peer::open_from(SECOND, house.rtmp);
    assert_eq!(publisher.publish("live", "cam").1.code, START);
    assert!(held.iter().all(|socket| !is_closed(socket)));
}
