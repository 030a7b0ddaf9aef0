//! Strangers and mistakes on the RTMP port: each gets its answer and its one line in the log, and the stream that
//! flows beside them loses nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bongsu_flv::Kind;
use bongsu_interop::heard::{Ear, End};
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::wait_for_players;
use bongsu_testkit::compare::{Rule, Start, compare};
use bongsu_testkit::raw::Peer;
use bongsu_testkit::{Bongsu, Fixture, RunDir, wait};

/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(20);

/// Says `bytes` and reads until the relay closes the connection.
fn say(address: SocketAddr, bytes: &[u8]) -> (Vec<u8>, Duration) {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(LIMIT))
        .expect("a read timeout");
    stream.write_all(bytes).expect("bytes are sent");
    let mut answer = Vec::new();
    // A reset is a close as well: the relay may close with bytes unread.
    let _ = stream.read_to_end(&mut answer);
    (answer, started.elapsed())
}

/// Waits for a line of the log with all of `parts`, and makes sure that there is exactly one.
fn one_line(relay: &mut Bongsu, parts: &[&str]) {
    let find = |text: &str| {
        text.lines()
            .filter(|line| parts.iter().all(|part| line.contains(part)))
            .count()
    };
    let process = relay.process();
    wait::until_true(
        &format!("a line with {parts:?} in:\n{}", process.output()),
        LIMIT,
        || find(&process.output()) > 0,
    );
    assert_eq!(
        find(&process.output()),
        1,
        "one line with {parts:?} in:\n{}",
        process.output()
    );
}

/// The client is told why, and the log has one line about it, without the key.
fn a_wrong_key_is_refused_in_words(relay: &mut Bongsu) {
    let (_, told) = Peer::open(relay.rtmp()).publish("locked", "cam?key=wrong-wrong-wrong-wrong");
    assert_eq!(told.level, "error");
    assert_eq!(told.code, "NetStream.Publish.Denied");
    assert_eq!(told.description, "the stream key is wrong");
    one_line(relay, &["the stream key is wrong"]);
    assert!(
        !relay.process().output().contains("wrong-wrong"),
        "a key is in the log"
    );
}

#[test]
fn each_gets_one_line_and_the_rest_keeps_flowing() {
    let dir = RunDir::new("bad-peers");
    let toml = "\n[limits]\nhandshake_timeout = \"2s\"\n\
                \n[apps.live]\npublish = \"open\"\nplay_wait = \"60s\"\n\
                \n[apps.locked]\npublish = \"key\"\n\
                \n[[apps.locked.keys]]\nname = \"cam\"\nkey = \"correct-horse-battery-staple\"\n";
    let mut relay = Bongsu::start(&dir, "relay", toml);
    let ear = Ear::open(relay.rtmp(), "live", "cam");
    wait_for_players(&relay, 1);
    let address = relay.rtmp().to_string();
    let mut publishing = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264Aac,
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

    a_wrong_key_is_refused_in_words(&mut relay);

    // HTTP and TLS: closed at once.
    let (_, took) = say(
        relay.rtmp(),
        b"GET /index.html HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    assert!(
        took < Duration::from_secs(1),
        "HTTP was closed after {took:?}"
    );
    one_line(&mut relay, &["HTTP"]);
    let (_, took) = say(relay.rtmp(), b"\x16\x03\x01\x00\x05hello");
    assert!(
        took < Duration::from_secs(1),
        "TLS was closed after {took:?}"
    );
    one_line(&mut relay, &["TLS"]);

    // Half a handshake: closed at its deadline.
    let (_, took) = say(relay.rtmp(), &[3; 700]);
    assert!(
        took >= Duration::from_millis(1_900),
        "half a handshake was closed after {took:?}"
    );
    assert!(
        took < Duration::from_secs(4),
        "half a handshake was closed after {took:?}"
    );
    one_line(&mut relay, &["handshake", "2s"]);

    let sent = publishing.finish();
    let (end, packets) = ear.finish(LIMIT);
    assert_eq!(end, End::InOrder);
    compare(&sent, &packets, Rule::EveryMessage, Start::Whole)
        .unwrap_or_else(|difference| panic!("the stream beside them was disturbed: {difference}"));
}
