//! `bongsu bench` against the relay and against nginx-rtmp: what it publishes decodes without a complaint, and what it
//! counts is what flowed.

use std::process::Command;
use std::thread;
use std::time::Duration;

use bongsu_interop::stage::OPEN_APP;
use bongsu_testkit::clients::ffmpeg_play;
use bongsu_testkit::{Bongsu, Nginx, Process, RunDir, Tool, wait};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// `bongsu bench` with these arguments, its report in `<name>.json`.
fn bench(dir: &RunDir, name: &str, arguments: &str) -> Process {
    let mut command = Command::new(Bongsu::binary());
    command
        .args(["bench"])
        .args(arguments.split(' '))
        .args(["--json", "--quiet"]);
    let to = dir.join(&format!("{name}.json"));
    Process::start_printing(name, dir.path(), &mut command, &to)
}

fn report(dir: &RunDir, name: &str) -> Value {
    let path = dir.join(&format!("{name}.json"));
    let text = std::fs::read_to_string(&path).expect("a report");
    serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{}: {error}: {text}", path.display()))
}

fn number(report: &Value, pointer: &str) -> u64 {
    let value = report.pointer(pointer).and_then(Value::as_f64);
    let value = value.unwrap_or_else(|| panic!("no {pointer} in {report}"));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts"
    )]
    let whole = value as u64;
    whole
}

#[test]
fn what_it_publishes_decodes_and_what_it_counts_has_flowed() {
    let dir = RunDir::new("bench-on-bongsu");
    let mut relay = Bongsu::start(&dir, "relay", OPEN_APP);
    let (url, pid) = (relay.url("live/cam"), relay.process().id());
    let recording = dir.join("played.flv");
    let mut player = Process::start(
        "ffmpeg",
        dir.path(),
        &mut ffmpeg_play(Tool::DebianFfmpeg, &url, &recording),
    );
    let arguments = format!("publish {url} --duration 8s --gop 25");
    let mut publisher = bench(&dir, "publish", &arguments);
    wait::until_true("the stream to flow", LIMIT, || {
        relay
            .stream("live/cam")
            .is_some_and(|stream| stream["state"] == "live")
    });
    let arguments = format!(
        "players {url} --count 40 --inspect 5 --warm-up 1s --duration 3s --server-pid {pid}"
    );
    let mut players = bench(&dir, "players", &arguments);
    players.wait_for_success(LIMIT);
    publisher.wait_for_success(LIMIT);
    player.wait_for_success(LIMIT);

    let published = report(&dir, "publish");
    // 8 s of 25 pictures and 43.07 sounds; the last of each may be on either side of the end.
    let sent = number(&published, "/frames");
    assert!((540..=548).contains(&sent), "{published}");
    let played = report(&dir, "players");
    assert_eq!(number(&played, "/accepted"), 40, "{played}");
    assert_eq!(number(&played, "/lost"), 0, "{played}");
    assert!(number(&played, "/frames") >= 5 * 3 * 60, "{played}");
    assert!(number(&played, "/bytes/least") >= 150_000, "{played}");
    let pictures = number(&played, "/video_latency/count");
    assert!((5 * 74..=5 * 76).contains(&pictures), "{played}");
    assert_eq!(number(&played, "/join/count"), 5, "{played}");
    assert!(
        played["server"]["cpu_ms"]
            .as_f64()
            .is_some_and(|ms| ms > 0.0),
        "{played}"
    );

    let mut decode = Tool::DebianFfmpeg.command();
    decode
        .args("-hide_banner -v warning -xerror -i".split(' '))
        .arg(&recording);
    decode.args("-f null -".split(' '));
    let mut decode = Process::start("decode", dir.path(), &mut decode);
    decode.wait_for_success(LIMIT);
    assert_eq!(decode.output(), "", "a decoder complains");
}

#[test]
fn many_streams_a_storm_and_latency() {
    let dir = RunDir::new("bench-many");
    let relay = Bongsu::start(&dir, "relay", OPEN_APP);
    let url = relay.url("live/cam{n}");
    let mut publisher = bench(
        &dir,
        "publish",
        &format!("publish {url} --count 20 --duration 6s"),
    );
    wait::until_true("twenty streams to flow", LIMIT, || {
        let streams = relay.streams();
        let list = streams["streams"].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter(|stream| stream["state"] == "live")
            .count()
            == 20
    });
    let arguments =
        format!("players {url} --streams 20 --count 20 --inspect 20 --warm-up 0s --duration 2s");
    let mut players = bench(&dir, "players", &arguments);
    let mut storm = bench(
        &dir,
        "storm",
        &format!("storm {} --count 200", relay.url("live/cam3")),
    );
    let one = relay.url("live/cam7");
    let mut latency = bench(
        &dir,
        "latency",
        &format!("latency {one} --count 3 --ramp 100 --duration 2s"),
    );
    for process in [&mut players, &mut storm, &mut latency, &mut publisher] {
        process.wait_for_success(LIMIT);
    }
    assert!(number(&report(&dir, "players"), "/frames") >= 20 * 2 * 60);
    let storm = report(&dir, "storm");
    assert_eq!(number(&storm, "/accepted"), 200, "{storm}");
    assert!(number(&storm, "/accepted_per_second") >= 50, "{storm}");
    let latency = report(&dir, "latency");
    assert_eq!(number(&latency, "/join/count"), 3, "{latency}");
    assert!(
        number(&latency, "/audio_latency/count") >= 3 * 80,
        "{latency}"
    );
}

#[test]
fn nginx_is_driven_as_well() {
    let dir = RunDir::new("bench-on-nginx");
    let nginx = Nginx::recording(&dir, "nginx");
    let url = format!("rtmp://{}/live/cam", nginx.address());
    let arguments = format!("publish {url} --duration 5s");
    let publisher = bench(&dir, "publish", &arguments);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut publisher = publisher;
            publisher.wait_for_success(LIMIT);
        });
        let arguments = format!(
            "players {url} --count 10 --inspect 2 --warm-up 1s --duration 2s --read-every 40ms"
        );
        let mut players = bench(&dir, "players", &arguments);
        players.wait_for_success(LIMIT);
    });
    let played = report(&dir, "players");
    assert_eq!(
        (number(&played, "/accepted"), number(&played, "/lost")),
        (10, 0),
        "{played}"
    );
    assert!(number(&played, "/bytes/least") >= 100_000, "{played}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let dir = RunDir::new("bench-nobody");
    let address = bongsu_testkit::free_port();
    let mut players = bench(
        &dir,
        "players",
        &format!("players rtmp://{address}/live/cam --count 2 --duration 1s"),
    );
    let status = players.wait(LIMIT);
    assert_eq!(status.code(), Some(3), "{}", players.last_words());
    let played = report(&dir, "players");
    assert_eq!(number(&played, "/accepted"), 0, "{played}");
    let faults = played["faults"].as_object().cloned().unwrap_or_default();
    let (fault, times) = faults.iter().next().expect("a fault");
    assert!(fault.contains("refused") && times == 2, "{played}");
}
