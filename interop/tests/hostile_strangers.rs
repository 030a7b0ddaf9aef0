//! Strangers who mean harm, one attack after the other, while a stream flows from a real encoder to a player: the player
//! loses nothing, the attackers are gone at their deadlines, and memory and processor are free again.
#![allow(
    clippy::print_stdout,
    reason = "the figures of a run are worth more than its verdict"
)]

use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use bongsu_interop::hostile::honest::{self, Served};
use bongsu_interop::hostile::silence::{Deadlines, after_each_step};
use bongsu_interop::hostile::{Siege, attacks, damage, floods, half_open, wire};
use bongsu_testkit::crowd::Crowd;
use bongsu_testkit::{Bongsu, RunDir, wait};

/// The process that opens handshakes.
const HALF_OPEN: &str = env!("CARGO_BIN_EXE_half_open");
/// Handshakes that nobody finishes.
const HALF_OPEN_HANDSHAKES: u32 = 10_000;
/// Handshakes that may be under way at once by default; the test of the table of settings knows it too.
const HANDSHAKES: u64 = 3_072;
/// Strangers, and publishers, who declare the largest messages.
const DECLARERS: u32 = 1_000;
/// Time for all of those publishers to be there at once: the silence that app `patient` allows.
const PATIENCE: Duration = Duration::from_secs(5);
/// A second address of this machine.
const SECOND_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// How long a client that means well may take in the middle of an attack.
/// Why so long: when the backlog is full, the kernel tries again after 1 s and then after 3 s.
const SERVED_WITHIN: Duration = Duration::from_secs(4);
/// The shortest that let all attackers of an attack be there at once.
const DEADLINES: Deadlines = Deadlines {
    handshake: Duration::from_secs(5),
    request: Duration::from_secs(2),
    publish_idle: Duration::from_secs(1),
    play_wait: Duration::from_secs(1),
};
/// How long the relay waits for those who close, and no longer for those who flood.
const LINGER: Duration = Duration::from_secs(1);
/// Players that never read.
const STALLED_PLAYERS: usize = 20;
/// A player without progress is closed after it.
const STALL: Duration = Duration::from_secs(30);
/// How long a stream of 600 kbit/s goes into the buffers of a player's connection.
const BUFFERED: Duration = Duration::from_secs(5);
/// Chunk streams that a stranger may open, and what each may cost, in bytes.
const STRANGER_CHUNK_STREAMS: u64 = 8;
const CHUNK_STREAM_BYTES_MAX: u64 = 1 << 10;
/// What a connection that has not asked for anything may cost, in bytes.
const IDLE_BYTES_MAX: u64 = 4 << 10;
/// Idle connections of each kind.
const IDLE_CONNECTIONS: usize = 1_000;
/// How long their processor time is measured, and the share of a core that they may use.
const IDLE_WINDOW: Duration = Duration::from_secs(5);
const IDLE_CPU_MAX: f64 = 0.01;
/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(20);

/// One relay at a time, so that its figures are its own.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The settings of a relay that is attacked; `more` belongs to `[limits]`.
fn settings(more: &str) -> String {
    let Deadlines {
        handshake,
        request,
        publish_idle,
        play_wait,
    } = DEADLINES;
    format!(
        "\n[limits]\nhandshake_timeout = \"{handshake:?}\"\nrequest_timeout = \"{request:?}\"\n{more}\
         \n[apps.live]\npublish = \"open\"\nplay_wait = \"60s\"\nhold = \"1s\"\npublish_idle = \"{publish_idle:?}\"\n\
         \n[apps.brief]\npublish = \"open\"\nplay_wait = \"{play_wait:?}\"\n\
         \n[apps.patient]\npublish = \"open\"\nhold = \"1s\"\npublish_idle = \"{PATIENCE:?}\"\n"
    )
}

#[test]
fn attacks_of_every_kind_harm_nobody_else() {
    let _alone = alone();
    let Deadlines {
        request,
        publish_idle,
        ..
    } = DEADLINES;
    let possible = half_open::possible(HALF_OPEN_HANDSHAKES);
    if possible < HALF_OPEN_HANDSHAKES {
        println!("the limit of open files allows {possible} of {HALF_OPEN_HANDSHAKES} handshakes");
    }
    let declarers = DECLARERS.min(possible);
    let dir = RunDir::new("hostile-strangers");
    let mut siege = Siege::begin(&dir, &settings(""));

    let stalled = Crowd::join(siege.relay().rtmp(), "live", "steady", 0, STALLED_PLAYERS);
    let figures = siege.attack("strangers declare the largest messages", |address| {
        attacks::strangers_declare(address, declarers, request)
    });
    let each = figures.resident_each();
    println!("  {each} bytes for each stranger");
    assert!(
        each <= IDLE_BYTES_MAX + STRANGER_CHUNK_STREAMS * CHUNK_STREAM_BYTES_MAX,
        "{each} bytes for each stranger"
    );
    assert_stayed(&siege, "request_timeout", declarers);
    let figures = siege.attack("publishers declare the largest messages", |address| {
        attacks::publishers_declare(address, declarers, PATIENCE)
    });
    println!(
        "  {} bytes for each publisher and its stream",
        figures.resident_each()
    );
    assert_stayed(&siege, "publish_idle", declarers);
    let figures = siege.attack("chunks of one byte", |address| {
        attacks::one_byte_chunks(address, 8)
    });
    assert!(
        figures.outcome.late < LINGER,
        "who floods was listened to until the farewell was over"
    );
    siege.attack("nested values", |address| {
        attacks::nested(address, publish_idle)
    });
    siege.attack("garbage", |address| attacks::garbage(address, 2_000));
    siege.attack("recorded sessions, cut off", |address| {
        damage::truncated(address, 2_000)
    });
    siege.attack("recorded sessions, changed", |address| {
        damage::mutated(address, 2_000)
    });
    siege.attack("command floods", |address| floods::commands(address, 24));
    siege.attack("ping floods", |address| {
        floods::pings(address, 24, request, publish_idle)
    });
    siege.attack("silence after each step", |address| {
        after_each_step(address, 10, DEADLINES)
    });
    stalled_players_are_closed(siege.relay());
    half_open_handshakes_make_room(&dir, &mut siege, possible);
    drop(stalled);
    siege.end();
}

/// Nothing but this deadline has ended so many connections.
fn assert_stayed(siege: &Siege, reason: &str, count: u32) {
    let ended = siege.metric(&format!(
        "bongsu_connections_ended_total{{reason=\"{reason}\"}}"
    ));
    assert!(ended >= u64::from(count), "{ended} ended by {reason}");
}

fn half_open_handshakes_make_room(dir: &RunDir, siege: &mut Siege, possible: u32) {
    let mut served = Served::default();
    let figures = siege.attack("half-open handshakes", |address| {
        let attack = || half_open::run(dir, HALF_OPEN, address, possible, DEADLINES.handshake);
        let (outcome, seen) = honest::beside(address, Ipv4Addr::LOCALHOST, attack);
        served = seen;
        outcome
    });
    assert!(figures.outcome.connections >= possible);
    assert_served(served);
    let made_room = siege.metric("bongsu_connections_ended_total{reason=\"made_room\"}");
    println!("  {made_room} of them made room for others");
    assert!(made_room >= u64::from(possible).saturating_sub(HANDSHAKES));
}

fn assert_served(served: Served) {
    println!(
        "  {} clients were served beside it, each within {} ms",
        served.clients,
        served.longest.as_millis()
    );
    assert!(served.clients > 0 && served.longest <= SERVED_WITHIN);
}

/// They have never read; the relay's log says when it closed each.
fn stalled_players_are_closed(relay: &mut Bongsu) {
    let durations = |relay: &mut Bongsu| -> Vec<u64> {
        let output = relay.process().output();
        let lines = output.lines().filter(|line| {
            line.contains("stream=\"live/steady\"") && line.contains("reason=\"stalled\"")
        });
        lines
            .filter_map(|line| {
                line.split("duration_ms=")
                    .nth(1)?
                    .split(' ')
                    .next()?
                    .parse()
                    .ok()
            })
            .collect()
    };
    wait::until_true("stalled players are closed", LIMIT, || {
        durations(relay).len() == STALLED_PLAYERS
    });
    let longest = durations(relay).into_iter().max().unwrap_or_default();
    println!(
        "players that never read: {STALLED_PLAYERS} connections, closed after at most {longest} ms"
    );
    let limit = BUFFERED + STALL + bongsu_interop::hostile::GRACE;
    assert!(
        u128::from(longest) <= limit.as_millis(),
        "a player that never reads was closed after {longest} ms"
    );
}

#[test]
fn an_address_that_is_not_trusted_is_turned_away() {
    let _alone = alone();
    let dir = RunDir::new("hostile-untrusted");
    let mut siege = Siege::begin(&dir, &settings("trusted = []\n"));
    let possible = half_open::possible(HALF_OPEN_HANDSHAKES);
    let mut served = Served::default();
    let figures = siege.attack("half-open handshakes of one address", |address| {
        let deadline = DEADLINES.handshake;
        let attack = || half_open::run(&dir, HALF_OPEN, address, possible, deadline);
        let (outcome, seen) = honest::beside(address, SECOND_ADDRESS, attack);
        served = seen;
        outcome
    });
    assert_served(served);
    assert_eq!(figures.outcome.connections, possible);
    let turned_away = siege.metric("bongsu_connections_turned_away_total{");
    let accepted = siege.metric("bongsu_connections_accepted_total ");
    println!("  {turned_away} of them were turned away, {accepted} connections accepted in all");
    assert!(turned_away >= u64::from(possible) * 9 / 10);
    assert!(turned_away + accepted >= u64::from(possible));
    siege.end();
}

#[test]
fn who_waits_costs_next_to_nothing() {
    let _alone = alone();
    let _ = half_open::possible(0);
    let dir = RunDir::new("hostile-idle");
    let patient = "\n[limits]\nhandshake_timeout = \"120s\"\nrequest_timeout = \"120s\"\n";
    let mut relay = Bongsu::start(&dir, "relay", patient);
    let address = relay.rtmp();
    let mut held: Vec<TcpStream> = Vec::new();
    let (mut bytes, mut cpu) = (Vec::new(), Vec::new());
    for open in [wire::connect, wire::shake] {
        let before = relay.process().resident_bytes();
        held.extend((0..IDLE_CONNECTIONS).map(|_| open(address)));
        wait::until_true("all connections are accepted", LIMIT, || {
            connections(&relay) == held.len()
        });
        let growth = relay.process().resident_bytes().saturating_sub(before);
        bytes.push(growth / IDLE_CONNECTIONS as u64);
        let before = relay.process().cpu_time();
        thread::sleep(IDLE_WINDOW);
        let used = relay.process().cpu_time() - before;
        cpu.push(used.as_secs_f64() / IDLE_WINDOW.as_secs_f64());
    }
    println!(
        "idle: {} bytes and then {:.2} % of a core for {IDLE_CONNECTIONS} that connected only; \
         {} bytes and then {:.2} % for {IDLE_CONNECTIONS} more whose handshake is done",
        bytes[0],
        100.0 * cpu[0],
        bytes[1],
        100.0 * cpu[1]
    );
    assert!(
        bytes.iter().all(|each| *each <= IDLE_BYTES_MAX),
        "{bytes:?}"
    );
    assert!(cpu.iter().all(|share| *share < IDLE_CPU_MAX), "{cpu:?}");
}

fn connections(relay: &Bongsu) -> usize {
    let response = bongsu_testkit::http::get(relay.http(), "/metrics").expect("metrics");
    let line = response
        .body
        .lines()
        .find_map(|line| line.strip_prefix("bongsu_connections "));
    line.and_then(|count| count.parse().ok())
        .unwrap_or_default()
}
