//! Faults that show in the log and in what a relay tells: secrets where they do not belong, and floods of lines. The list
//! of all faults with their tests is `docs/known-faults.md`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use bongsu_testkit::raw::{Peer, Sink, Value};
use bongsu_testkit::{Bongsu, RunDir, http, wait};

/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(20);

/// Secrets that occur nowhere else. They hold what defeated other redactors: a slash, and fewer than six characters.
const RIGHT_KEY: &str = "canary-right";
const WRONG_KEY: &str = "canary-wrong";
const SHORT_KEY: &str = "kq9x";
const PASSWORD: &str = "canary-pass%2Fword";
const PUSH_KEY: &str = "canary-push-key";
const PUSH_QUERY: &str = "canary-push-query";
const PLAY_TOKEN: &str = "canary-play";
const HTTP_TOKEN: &str = "canary-http";
const ALL: [&str; 8] = [
    RIGHT_KEY,
    WRONG_KEY,
    SHORT_KEY,
    "canary-pass",
    PUSH_KEY,
    PUSH_QUERY,
    PLAY_TOKEN,
    HTTP_TOKEN,
];

fn assert_no_canary(text: &str, place: &str) {
    for canary in ALL {
        assert!(!text.contains(canary), "{canary} is in {place}:\n{text}");
    }
}

/// Settings with secrets in every place that takes one.
fn settings(format: &str, sink: &Sink) -> String {
    let address = sink.address();
    format!(
        "\n[log]\nformat = \"{format}\"\nlevel = \"trace\"\n\
         \n[apps.live]\nplay_wait = \"0s\"\n\
         \n[[apps.live.keys]]\nname = \"cam\"\nkey = \"{RIGHT_KEY}\"\n\
         \n[[apps.live.keys]]\nname = \"other\"\nkey = \"{SHORT_KEY}\"\n\
         \n[[apps.live.push]]\nname = \"good\"\n\
         url = \"rtmp://user:{PASSWORD}@{address}/live/{PUSH_KEY}?auth={PUSH_QUERY}\"\n\
         \n[[apps.live.push]]\nname = \"dead\"\nurl = \"rtmp://127.0.0.1:1/live/{PUSH_KEY}?auth={PUSH_QUERY}\"\n\
         \n[[apps.live.push]]\nname = \"lost\"\nurl = \"rtmp://no-such-host.invalid/live/{PUSH_KEY}\"\n"
    )
}

/// Publishers and players put keys into every place that takes one, and into some that do not.
fn say_everything(relay: &Bongsu) {
    let address = relay.rtmp();
    for (app, name) in [
        ("live", format!("cam?key={WRONG_KEY}")),
        ("live", format!("cam?token={WRONG_KEY}&x=1")),
        ("live", WRONG_KEY.to_owned()),
        ("live", format!("{WRONG_KEY}/cam?key={WRONG_KEY}")),
        ("live", format!("cam?key={SHORT_KEY}")),
        ("live", format!("../{WRONG_KEY}?key={RIGHT_KEY}")),
        ("live", format!("x?key={RIGHT_KEY}\n")),
        ("live?key=canary-wrong", "cam".to_owned()),
        ("live", SHORT_KEY.to_owned()),
        ("live", RIGHT_KEY.to_owned()),
    ] {
        let (_, status) = Peer::open(address).publish(app, &name);
        assert_no_canary(&status.description, "what a publisher is told");
    }
    for name in [
        RIGHT_KEY.to_owned(),
        format!("cam?token={PLAY_TOKEN}"),
        format!("absent?key={RIGHT_KEY}"),
    ] {
        let mut player = Peer::open(address);
        player.play("live", &name);
        let told = player.status(LIMIT);
        assert_no_canary(
            &told.map_or(String::new(), |told| told.description),
            "what a player is told",
        );
    }
    // What is no RTMP at all, and what breaks off with a key in the middle.
    for words in [
        format!("GET /?key={RIGHT_KEY} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("\u{3}{WRONG_KEY}"),
    ] {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.write_all(words.as_bytes()).expect("words are sent");
    }
}

/// What the API and the metrics tell, asked for with tokens that are none.
fn ask_everything(relay: &Bongsu) -> String {
    let address = relay.http();
    let mut all = String::new();
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/streams",
        "/api/v1/streams/live/cam",
        "/api/v1/streams/live/none",
        "/nothing",
    ] {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let request = format!(
            "GET {path}?token={HTTP_TOKEN} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Authorization: Bearer {HTTP_TOKEN}\r\n\r\n"
        );
        stream
            .write_all(request.as_bytes())
            .expect("a request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        all.push_str(&answer);
    }
    all
}

#[test]
fn secrets_in_logs_and_answers_livekit_4763_red5_481_rootencoder_2204() {
    for format in ["text", "json"] {
        let dir = RunDir::new(&format!("canary-keys-{format}"));
        let sink = Sink::start();
        let mut relay = Bongsu::start(&dir, "relay", &settings(format, &sink));
        let mut publisher = Peer::open(relay.rtmp());
        let (stream, status) = publisher.publish("live", &format!("cam?key={RIGHT_KEY}&y=2"));
        assert_eq!(status.code, "NetStream.Publish.Start");
        publisher.send_media(stream, 9, 0, b"\x17\0\0\0\0\x01\x64\0\x14\xff");
        publisher.send_media(stream, 9, 0, b"\x17\x01\0\0\0\0\0\0\x04\x65\x88\x84\0");
        wait::until_true("a push that is there and two that are not", LIMIT, || {
            relay.stream("live/cam").is_some_and(|stream| {
                let state = |at: usize| stream["destinations"][at]["state"].clone();
                state(0) == "live" && state(1) == "waiting_retry" && state(2) == "waiting_retry"
            })
        });
        assert!(
            sink.publications()[0].name.contains(PUSH_KEY),
            "it needs the key"
        );
        say_everything(&relay);
        publisher.command("FCUnpublish", 0, &[Value::Null, Value::text(RIGHT_KEY)]);
        let answers = ask_everything(&relay);
        assert!(answers.contains("\"live/cam\"") && answers.contains("bongsu_connections"));
        assert_no_canary(&answers, "answers over HTTP");
        let config = dir.join("relay.toml");
        let mut check = Command::new(Bongsu::binary());
        let check = check.arg("check").arg("--config").arg(config).output();
        let check = check.expect("bongsu check");
        let words = [check.stdout, check.stderr].concat();
        assert!(check.status.success() && !words.is_empty());
        assert_no_canary(
            &String::from_utf8_lossy(&words),
            "what `bongsu check` prints",
        );
        assert_no_canary(&relay.printed(&dir), "what a start prints");
        drop(publisher);
        wait::until_true("all connections are over", LIMIT, || {
            let metrics = http::get(relay.http(), "/metrics").expect("metrics");
            metrics.body.contains("bongsu_connections 0\n")
        });
        let log = relay.process().output();
        assert!(log.lines().count() > 20, "it tells something:\n{log}");
        assert_no_canary(&log, "the log");
    }
}

/// Messages of each kind.
const BAD_MESSAGES: u32 = 10_000;
/// Lines that all of a kind may make.
const LINES_MAX: usize = 20;

#[test]
fn one_warning_fills_the_disk_mediamtx_6160() {
    let dir = RunDir::new("log-flood");
    let settings = "\n[log]\nlevel = \"debug\"\n\n[apps.live]\npublish = \"open\"\n";
    let mut relay = Bongsu::start(&dir, "relay", settings);
    let mut publisher = Peer::open(relay.rtmp());
    let (stream, _) = publisher.publish("live", "cam");
    publisher.send_media(stream, 9, 0, b"\x17\0\0\0\0\x01\x64\0\x14\xff");
    let kinds: [(u8, &[u8]); 9] = [
        // Video: nothing, half a header, an unknown codec, half of an enhanced header.
        (9, b""),
        (9, b"\x17"),
        (9, b"\x1e\x01\0\0\0\x01"),
        (9, b"\x91hv"),
        // Audio: nothing, half of a header.
        (8, b""),
        (8, b"\xaf"),
        // Data that is none, and a kind that nobody knows.
        (18, b"\x03\xff\xff"),
        (18, b"\x02\xff\xff"),
        (0x77, b"?"),
    ];
    for (type_id, payload) in kinds {
        let before = relay.process().output().lines().count();
        for number in 0..BAD_MESSAGES {
            // Times jump as well.
            let timestamp = number.wrapping_mul(0x9e37_79b9);
            assert!(
                publisher.send_media(stream, type_id, timestamp, payload),
                "{type_id}"
            );
        }
        // An answer that comes behind them: all are read.
        publisher.command("createStream", 0, &[Value::Null]);
        let answered = publisher.next_message(LIMIT);
        assert!(
            answered.is_some(),
            "the publisher is cut off by {type_id} {payload:?}"
        );
        let lines = relay.process().output().lines().count() - before;
        assert!(
            lines <= LINES_MAX,
            "{lines} lines about {type_id} {payload:?}"
        );
    }
}
