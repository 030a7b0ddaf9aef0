//! Goal: faults that other media servers had are not possible here. Each test is named after the fault; what went wrong
//! there, and why it cannot here, is in `docs/known-faults.md`.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bongsu_server::config::{Config, Environment, Sources};
use bongsu_testkit::raw::{Peer, Sink, Value};
use bongsu_testkit::{http, wait};
use bytes::Bytes;

use crate::house::{FRAME, HEADER, House, KEYFRAME, LIMIT, config};

const START: &str = "NetStream.Publish.Start";

/// A relay with an open app and these values of `[apps.live]`, as variables.
fn house_with(variables: &[(&str, &str)]) -> House {
    let fixed = [
        ("BONGSU_RTMP__LISTEN", "127.0.0.1:0"),
        ("BONGSU_HTTP__LISTEN", "127.0.0.1:0"),
        ("BONGSU_SERVER__WORKERS", "2"),
        ("BONGSU_APPS__LIVE__PUBLISH", "open"),
    ];
    let variables = fixed.iter().chain(variables);
    let environment: Environment = variables
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let sources = Sources {
        environment,
        ..Sources::default()
    };
    House::open(Config::load(&sources).unwrap())
}

/// What the API says of the stream `live/cam`.
fn stream(house: &House) -> serde_json::Value {
    let answer = http::get(house.http, "/api/v1/streams/live/cam").unwrap();
    serde_json::from_str(&answer.body).unwrap()
}

/// Somebody publishes `live/cam` as soon as it is free.
fn publish_again(house: &House, after: &str) -> (Peer, u32) {
    wait::until(&format!("the name to be free after {after}"), LIMIT, || {
        let mut peer = Peer::open(house.rtmp);
        let (stream, status) = peer.publish("live", "cam");
        (status.code == START).then_some((peer, stream))
    })
}

/// How a publication may end, from its connection and message stream.
type Ending = (&'static str, fn(Peer, u32));

#[test]
fn a_name_stays_busy_after_its_publisher_srs_4631_4480_2472() {
    fn say(peer: Peer, bytes: &[u8]) {
        let mut socket = peer.into_parts().0;
        socket.write_all(bytes).unwrap();
        // It hangs up when the relay has read it.
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let _ = socket.read_to_end(&mut Vec::new());
    }
    let house = house_with(&[
        ("BONGSU_APPS__LIVE__TAKEOVER", "reject"),
        ("BONGSU_APPS__LIVE__PUBLISH_IDLE", "1s"),
    ]);
    let endings: [Ending; 11] = [
        ("a close", |peer, _| drop(peer)),
        ("a reset", |peer, _| {
            let socket = peer.into_parts().0;
            rustix::net::sockopt::set_socket_linger(&socket, Some(Duration::ZERO)).unwrap();
        }),
        ("FCUnpublish", |mut peer, _| {
            peer.command("FCUnpublish", 0, &[Value::Null, Value::text("cam")]);
        }),
        ("deleteStream", |mut peer, stream| {
            let id = Value::Number(f64::from(stream));
            peer.command("deleteStream", 0, &[Value::Null, id]);
        }),
        ("closeStream and staying", |mut peer, stream| {
            peer.command("closeStream", stream, &[Value::Null]);
            std::mem::forget(peer.into_parts().0);
        }),
        ("half a message", |peer, _| {
            say(peer, b"\x06\0\0\0\0\x10\0\x09\x01\0\0\0\x17")
        }),
        ("a chunk without a header", |peer, _| say(peer, &[0xc9])),
        ("a control message that is too long", |peer, _| {
            say(peer, b"\x02\0\0\0\0\0\x41\x05\0\0\0\0");
        }),
        ("a second connect", |mut peer, _| {
            peer.command("connect", 0, &[Value::Null]);
            assert!(peer.wait_for_close(LIMIT));
        }),
        ("a message before its answer", |peer, _| {
            let mut socket = peer.into_parts().0;
            let _ = socket.write_all(&[0x46; 10_000]);
        }),
        // It keeps its connection, and says nothing.
        ("silence", |peer, _| std::mem::forget(peer.into_parts().0)),
    ];
    for (what, end) in endings {
        let (mut peer, stream) = publish_again(&house, "the one before");
        assert!(peer.send_media(stream, 9, 0, HEADER));
        assert!(peer.send_media(stream, 9, 0, KEYFRAME));
        let busy = Peer::open(house.rtmp).publish("live", "cam").1;
        assert_eq!(busy.code, "NetStream.Publish.BadName", "{what}");
        end(peer, stream);
        drop(publish_again(&house, what));
    }
    // Who leaves without waiting for the answer, at any point of the request.
    for _ in 0..20 {
        let mut peer = Peer::open(house.rtmp);
        peer.ask_to_publish("live", "cam");
        drop(peer);
    }
    drop(publish_again(&house, "requests that nobody waited for"));
}

/// The pushes of a list of addresses, as TOML.
fn pushes(addresses: impl Iterator<Item = String>) -> String {
    let pushes: Vec<String> = addresses
        .enumerate()
        .map(|(index, address)| {
            format!("{{name = \"d{index}\", url = \"rtmp://{address}/live/x\"}}")
        })
        .collect();
    format!("[{}]", pushes.join(", "))
}

/// A frame of 20 KB with its number.
fn frame(number: u32) -> Vec<u8> {
    let start = if number.is_multiple_of(25) {
        KEYFRAME
    } else {
        FRAME
    };
    let mut frame = start[..5].to_vec();
    frame.extend((number.to_be_bytes()).iter().cycle().take(40_000));
    frame
}

/// Frames of video that a sink has, without headers.
fn frames(sink: &Sink) -> Vec<Bytes> {
    let publications = sink.publications().into_iter();
    publications
        .flat_map(|publication| publication.packets)
        .map(|packet| packet.payload)
        .filter(|payload| payload.len() > 1_000)
        .collect()
}

#[test]
fn one_slow_destination_of_twelve_slows_the_others_ovenmediaengine_2102_1573_1301() {
    let sinks: Vec<Sink> = (0..12).map(|_| Sink::start()).collect();
    let list = pushes(sinks.iter().map(|sink| sink.address().to_string()));
    let house = house_with(&[("BONGSU_APPS__LIVE__PUSH", &list)]);
    let mut publisher = Peer::open(house.rtmp);
    let (id, _) = publisher.publish("live", "cam");
    assert!(publisher.send_media(id, 9, 0, HEADER));
    let mut sent = Vec::new();
    for second in 0..14 {
        for number in second * 25..(second + 1) * 25 {
            sent.push(frame(number));
            assert!(publisher.send_media(id, 9, number * 40, &sent[sent.len() - 1]));
        }
        // In step with those that read: nobody but the hanging one has a reason to be late.
        let healthy = if second == 0 { &sinks[..] } else { &sinks[1..] };
        wait::until_true("everybody who reads has all of it", LIMIT, || {
            healthy.iter().all(|sink| frames(sink).len() == sent.len())
        });
        if second == 0 {
            sinks[0].hang();
        }
    }
    for sink in &sinks[1..] {
        assert!(frames(sink) == sent, "every frame, once and in order");
        assert_eq!(sink.publications().len(), 1, "on one connection");
    }
    let stream = stream(&house);
    let destinations = stream["destinations"].as_array().unwrap();
    assert_eq!(destinations.len(), 12);
    for destination in &destinations[1..] {
        assert_eq!(destination["frames_dropped"], 0, "{destination}");
        assert_eq!(destination["state"], "live", "{destination}");
    }
    assert!(frames(&sinks[0]).len() < sent.len());
}

#[test]
fn a_host_that_is_not_found_stops_the_start_nginx_rtmp_1277_1356() {
    let sink = Sink::start();
    let addresses = [
        "no-such-host.invalid".to_owned(),
        sink.address().to_string(),
    ];
    let house = house_with(&[("BONGSU_APPS__LIVE__PUSH", &pushes(addresses.into_iter()))]);
    let mut publisher = Peer::open(house.rtmp);
    let (id, status) = publisher.publish("live", "cam");
    assert_eq!(status.code, START);
    for message in [HEADER, KEYFRAME] {
        assert!(publisher.send_media(id, 9, 0, message));
    }
    wait::until_true("the other destination has it", LIMIT, || {
        sink.publications()
            .iter()
            .any(|publication| publication.packets.len() == 2)
    });
    let failed = wait::until("a state that says so", LIMIT, || {
        let lost = stream(&house)["destinations"][0].clone();
        (lost["state"] == "waiting_retry").then_some(lost)
    });
    assert!(
        failed.to_string().contains("no-such-host.invalid"),
        "{failed}"
    );
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_stream_name_leads_out_of_its_directory_node_media_server_689_red5_453_463() {
    let data = std::env::temp_dir().join(format!("bongsu-names-{}", std::process::id()));
    fs::create_dir_all(&data).unwrap();
    let before = files(&data);
    let house = House::open(config(|config, _| {
        config.server.data_dir = Some(data.clone());
    }));
    let long = "a".repeat(129);
    for (app, name) in [
        ("live", "../../../etc/x"),
        ("live", "%2e%2e/%2e%2e/x"),
        ("live", "..%2f..%2fx"),
        ("live", "a/../../b"),
        ("live", ".hidden"),
        ("live", "a/./b"),
        ("live", "a\\..\\b"),
        ("live", "C:\\x"),
        ("live", "a%00b"),
        ("live", "a%5c..%5cb"),
        ("live", "%c0%ae%c0%ae/x"),
        ("live", "a%0d%0ab"),
        ("live", &long),
        ("live", "a/b/c/d/e"),
        ("live/../../..", "x"),
        ("live/%2e%2e", "x"),
    ] {
        let status = Peer::open(house.rtmp).publish(app, name).1;
        assert_eq!(status.level, "error", "{app} {name}");
    }
    let listed = http::get(house.http, "/api/v1/streams").unwrap().body;
    assert!(listed.contains("\"streams\":[]"), "{listed}");
    assert_eq!(files(&data), before);
    fs::remove_dir_all(&data).unwrap();
}

#[test]
fn a_shell_command_is_made_of_a_name_srs_cve_2023_34105_avideo_cve_2026_45578() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = 0;
    for name in ["net", "rtmp", "flv", "hub", "server", "cli"] {
        for file in files(&crates.join(name).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            // What a test starts is its own business.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            sources += 1;
            for word in ["process::Command", "posix_spawn", "execv", "libc::system"] {
                let name = file.display();
                assert!(!text.contains(word), "{name}: the relay starts no program");
            }
        }
    }
    assert!(sources > 100, "{sources}");
}

/// Everything that the server answers to these bytes.
fn ask(house: &House, request: &str) -> String {
    let mut socket = TcpStream::connect(house.http).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn names_and_metadata_become_a_page_srs_cve_2024_29882_wowza_cve_2018_7049() {
    let house = House::open(config(|_, _| {}));
    let script = "<script>alert(1)<\"'&;script>";
    let mut publisher = Peer::open(house.rtmp);
    let (id, status) = publisher.publish("live", script);
    assert_eq!(status.code, START);
    let metadata = [
        b"\x02\x00\x0d@setDataFrame\x02\x00\x0aonMetaData\x03\x00\x07encoder\x02\x00\x1b"
            as &[u8],
        script.as_bytes(),
        b"\x00\x00\x09",
    ];
    assert!(publisher.send_media(id, 18, 0, &metadata.concat()));
    assert!(publisher.send_media(id, 9, 0, HEADER));
    let listed = wait::until("the stream", LIMIT, || {
        let request =
            "GET /api/v1/streams HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = ask(&house, request);
        answer.contains("alert").then_some(answer)
    });
    let (head, body) = listed.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["streams"][0]["name"], script);
    // There is no callback to wrap an answer in, and nothing of a request comes back.
    for (path, echo) in [
        ("/api/v1/streams?callback=evil", "evil"),
        ("/<b>", "<b>"),
        ("/api/v1/streams/live/<i>", "<i>"),
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = ask(&house, &request).to_ascii_lowercase();
        let is_json = answer.contains("content-type: application/json");
        // What is no legal request target is refused before any route sees it.
        assert!(is_json || answer.starts_with("http/1.1 400"), "{answer}");
        assert!(!answer.contains(echo), "{answer}");
    }
}

/// Every route, with the paths that lead to it, and whether it is open to all.
const ROUTES: [(&str, &str, bool); 5] = [
    ("/healthz", "/healthz", true),
    ("/readyz", "/readyz", true),
    ("/metrics", "/metrics", false),
    ("/api/v1/streams", "/api/v1/streams", false),
    (
        "/api/v1/streams/{app}/{*name}",
        "/api/v1/streams/live/cam",
        false,
    ),
];

#[test]
fn anybody_stops_a_stream_or_reads_keys_avideo_cve_2026_34731() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/routes.rs");
    let source = fs::read_to_string(source).unwrap();
    let listed: Vec<&str> = source
        .split(".route(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(
        listed,
        ROUTES.map(|(route, _, _)| route),
        "a route without a row"
    );
    let house = house_with(&[("BONGSU_HTTP__TOKEN", "the-token-of-an-operator")]);
    let mut publisher = Peer::open(house.rtmp);
    let _ = publisher.publish("live", "cam");
    // A request that a proxy passed on is a stranger's.
    let stranger = "X-Forwarded-For: 192.0.2.7\r\n";
    let with = |scheme, token| format!("{stranger}Authorization: {scheme} {token}\r\n");
    let callers = [
        (stranger.to_owned(), false),
        (with("Bearer", "the-token-of-another"), false),
        (with("Basic", "the-token-of-an-operator"), false),
        (with("Bearer", "the-token-of-an-operator"), true),
        (String::new(), true),
    ];
    for (_, path, is_open) in ROUTES {
        for (headers, is_allowed) in &callers {
            for method in ["GET", "POST", "DELETE", "PUT", "PATCH"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
                );
                let answer = ask(&house, &request);
                let status = answer.split(' ').nth(1).unwrap_or_default();
                let expected = match (is_open || *is_allowed, method) {
                    (true, "GET") => "200",
                    (true, _) => "405",
                    (false, _) => "401",
                };
                assert_eq!(status, expected, "{method} {path} {headers}");
            }
        }
    }
    assert!(!publisher.is_closed());
    assert_eq!(stream(&house)["state"], "live");
}

#[test]
fn a_verb_that_nobody_tested_ends_the_server_srs_4140() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = Peer::open(house.rtmp);
    let _ = publisher.publish("live", "cam");
    let verbs = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND",
        "X",
    ];
    let headers = [
        "",
        "Range: bytes=0-\r\n",
        "Range: bytes=-1,5-2,999999999999999999999-\r\n",
        "Upgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "Expect: 100-continue\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Content-Length: 99999999999999999999\r\n",
    ];
    for (_, path, _) in ROUTES {
        for verb in verbs {
            for header in headers {
                let request = format!(
                    "{verb} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}\r\n0\r\n\r\n"
                );
                let answer = ask(&house, &request);
                // Past an interim answer.
                let answer = answer
                    .strip_prefix("HTTP/1.1 100 Continue\r\n\r\n")
                    .unwrap_or(&answer);
                let status = answer.split(' ').nth(1).unwrap_or_default();
                assert!(
                    ["200", "400", "404", "405", "413", "417"].contains(&status),
                    "{verb} {path} {header}: {answer}"
                );
                assert!(
                    verb == "GET" || verb == "HEAD" || status != "200",
                    "{verb} {path}"
                );
            }
        }
    }
    assert_eq!(http::get(house.http, "/healthz").unwrap().status, 200);
    assert!(!publisher.is_closed());
}

#[test]
fn floods_of_http_2_rustsec_2024_0003_0332() {
    let house = House::open(config(|_, _| {}));
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = ask(&house, preface);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5"),
        "it speaks no HTTP/2: {answer:?}"
    );
    assert_eq!(http::get(house.http, "/healthz").unwrap().status, 200);
}

/// Bytes that the kernel has for the relay on the connection from this address, and that it has not read.
fn unread(house: &House, client: SocketAddr) -> u64 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let ends = [house.rtmp, client].map(|end| format!("0100007F:{:04X}", end.port()));
    let line = table.lines().find(|line| {
        let mut words = line.split_whitespace().skip(1);
        ends.iter().all(|end| words.next() == Some(end))
    });
    let queue = line.and_then(|line| line.split_whitespace().nth(4)?.split(':').nth(1));
    u64::from_str_radix(queue.unwrap(), 16).unwrap()
}

/// Bytes that may wait for the relay to read them.
const UNREAD_BYTES_MAX: u64 = 64 << 10;

#[test]
fn what_a_player_sends_fills_its_socket_mediamtx_5776() {
    let house = House::open(config(|_, _| {}));
    let mut publisher = Peer::open(house.rtmp);
    let (id, _) = publisher.publish("live", "cam");
    let mut player = Peer::open(house.rtmp);
    player.play("live", "cam");
    assert!(player.status(LIMIT).is_some());
    let (mut socket, mut reader) = player.into_parts();
    let address = socket.local_addr().unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    // An acknowledgement, a buffer length and a ping, a hundred times as often as players send them.
    let said = [
        b"\x02\0\0\0\0\0\x04\x03\0\0\0\0\0\0\0\x09" as &[u8],
        b"\x02\0\0\0\0\0\x0a\x04\0\0\0\0\0\x03\0\0\0\x01\0\0\x0b\xb8",
        b"\x02\0\0\0\0\0\x06\x04\0\0\0\0\0\x06\0\0\0\x01",
    ];
    let batch = said.concat().repeat(100);
    let mut buffer = vec![0; 65_536];
    for second in 0..60 {
        socket.write_all(&batch).unwrap();
        if second % 10 == 0 {
            let payload = if second == 0 { HEADER } else { KEYFRAME };
            assert!(publisher.send_media(id, 9, second * 1_000, payload));
        }
        let mut answers = 0;
        while answers < 100 {
            let count = socket.read(&mut buffer).unwrap();
            assert!(count > 0, "the player is cut");
            reader.feed(&buffer[..count]);
            while let Some(message) = reader.next_message() {
                answers += u32::from(message.type_id == 4 && message.payload[..2] == [0, 7]);
            }
        }
        assert!(unread(&house, address) < UNREAD_BYTES_MAX);
    }
    // And while it reads nothing, up to the bound on its answers.
    socket.write_all(&batch.repeat(10)).unwrap();
    wait::until_true("the relay reads on", LIMIT, || {
        unread(&house, address) < UNREAD_BYTES_MAX
    });
    assert_eq!(stream(&house)["players"], 1);
}
