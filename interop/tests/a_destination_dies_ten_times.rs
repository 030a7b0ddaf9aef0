//! One of four destinations dies ten times. Each time it is back within its backoff, beginning with metadata, headers
//! and a keyframe; the other three, the players and the publisher notice nothing.

use std::time::Duration;

use bongsu_flv::{Class, Kind};
use bongsu_interop::audience::{Listener, Player};
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::{OPEN_APP, differences, push, wait_for_players};
use bongsu_testkit::compare::{Packet, Start, compare_run, read_flv};
use bongsu_testkit::raw::Sink;
use bongsu_testkit::{Bongsu, Fixture, Nginx, RunDir, wait};
use serde_json::Value;

/// The longest pause before another attempt, in milliseconds.
const RETRY_MAX_MS: u64 = 500;
/// That pause, a keyframe of the media, which come every second, and room for a busy machine.
const BACK_LIMIT: Duration = Duration::from_millis(RETRY_MAX_MS + 1_000 + 1_500);
/// The death after which it stays down for some attempts.
const LONG_DEATH: usize = 4;
/// Attempts that fail meanwhile.
const ATTEMPTS_IN_VAIN: u64 = 3;
/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(10);
/// Frames that show a destination has the stream again.
const FRAMES_BACK: usize = 10;

/// The one that dies.
trait Victim {
    fn target(&self) -> String;
    fn die(&mut self);
    fn come_back(&mut self, dir: &RunDir);
    /// What each life has got, oldest first.
    fn lives(&self) -> Vec<Vec<Packet>>;
    /// Whether they have the metadata.
    fn keeps_metadata(&self) -> bool;
}

/// Cuts its connections; it keeps every message in order.
impl Victim for Sink {
    fn target(&self) -> String {
        self.address().to_string()
    }

    fn die(&mut self) {
        self.kill();
    }

    fn come_back(&mut self, _: &RunDir) {
        self.restart();
    }

    fn lives(&self) -> Vec<Vec<Packet>> {
        let publications = self.publications().into_iter();
        publications
            .map(|publication| publication.packets)
            .collect()
    }

    fn keeps_metadata(&self) -> bool {
        true
    }
}

/// A real server, killed as the kernel kills it when memory runs out.
impl Victim for Nginx {
    fn target(&self) -> String {
        self.address().to_string()
    }

    fn die(&mut self) {
        self.kill();
    }

    fn come_back(&mut self, dir: &RunDir) {
        self.restart(dir);
    }

    fn lives(&self) -> Vec<Vec<Packet>> {
        self.recordings()
            .iter()
            .map(|file| read_flv(file))
            .collect()
    }

    /// nginx's recorder writes none.
    fn keeps_metadata(&self) -> bool {
        false
    }
}

fn frames(packets: &[Packet]) -> usize {
    packets.iter().filter(|packet| packet.is_frame()).count()
}

/// Metadata, then both headers, then a keyframe, and only then the rest.
fn begins_properly(packets: &[Packet], with_metadata: bool) -> Result<(), String> {
    let first_frame = packets.iter().position(Packet::is_frame);
    let (before, from) = packets.split_at(first_frame.ok_or("no frame")?);
    let has = |kind, class| {
        before
            .iter()
            .any(|packet| packet.kind == kind && packet.class == class)
    };
    if with_metadata
        && before.first().map(|packet| (packet.kind, packet.class))
            != Some((Kind::Data, Class::Config))
    {
        return Err("does not begin with metadata".to_owned());
    }
    if !has(Kind::Video, Class::SequenceHeader) || !has(Kind::Audio, Class::SequenceHeader) {
        return Err("a frame comes before the headers".to_owned());
    }
    match from.iter().find(|packet| packet.kind == Kind::Video) {
        Some(packet) if packet.class == Class::Keyframe => Ok(()),
        other => Err(format!("the first picture is no keyframe: {other:?}")),
    }
}

/// The three destinations that live, and the relay that pushes to them and to the victim.
struct Scene {
    relay: Bongsu,
    steady: [Bongsu; 2],
    nginx: Nginx,
}

impl Scene {
    fn set(dir: &RunDir, victim: &dyn Victim) -> Self {
        let steady = ["one", "two"].map(|name| Bongsu::start(dir, name, OPEN_APP));
        let nginx = Nginx::recording(dir, "three");
        let mut toml = OPEN_APP.to_owned();
        for (name, target) in [
            ("one", steady[0].rtmp().to_string()),
            ("two", steady[1].rtmp().to_string()),
            ("three", nginx.address().to_string()),
            ("victim", victim.target()),
        ] {
            toml.push_str(&push(name, &format!("rtmp://{target}/live/{{name}}")));
            let retry = format!("retry_min = \"100ms\"\nretry_max = \"{RETRY_MAX_MS}ms\"\n");
            toml.push_str(&retry);
        }
        let relay = Bongsu::start(dir, "relay", &toml);
        Self {
            relay,
            steady,
            nginx,
        }
    }

    /// Players of the three, and of the relay itself.
    fn listeners(&self, dir: &RunDir) -> Vec<Listener> {
        let [one, two] = self.steady.each_ref().map(|steady| steady.url("live/cam"));
        let own = self.relay.url("live/cam");
        let listeners = vec![
            Listener::start(Player::Rtmpdump, dir, &one, Some("bongsu 1")),
            Listener::start(Player::Bongsu, dir, &two, Some("bongsu 2")),
            Listener::start(
                Player::Rtmpdump,
                dir,
                &self.nginx.url("cam"),
                Some("nginx-rtmp"),
            ),
            Listener::start(Player::Rtmpdump, dir, &own, None),
            Listener::start(Player::Bongsu, dir, &own, None),
        ];
        wait_for_players(&self.relay, 2);
        listeners
    }
}

/// The victim as the relay sees it.
fn victim_at(relay: &Bongsu) -> Value {
    relay.destination("live/cam", "victim").unwrap_or_default()
}

/// The destination has been seen live, which its TCP proves by acknowledging bytes.
fn wait_for_live(name: &str, relay: &Bongsu) {
    wait::until_true(&format!("{name} to be live"), LIMIT, || {
        victim_at(relay)["state"] == "live"
    });
}

/// While it is down the relay says that it waits, for how long, and how often it has tried.
fn wait_for_attempts_in_vain(name: &str, relay: &Bongsu) {
    let before = victim_at(relay);
    let count = |victim: &Value, key: &str| victim[key].as_u64();
    let said = wait::until(&format!("{name} to be tried in vain"), LIMIT, || {
        let now = victim_at(relay);
        let tried = count(&now, "attempt")? >= count(&before, "attempt")? + ATTEMPTS_IN_VAIN;
        (tried && now["state"] == "waiting_retry").then_some(now)
    });
    let next = count(&said, "next_retry_ms");
    assert!(next.is_some_and(|ms| ms <= RETRY_MAX_MS), "{name}: {said}");
    assert!(
        said["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("connection refused")),
        "{name}: {said}"
    );
    assert!(
        count(&said, "failures") >= count(&before, "failures").map(|was| was + ATTEMPTS_IN_VAIN),
        "{name}: {said}, before: {before}"
    );
}

fn dies_ten_times(name: &str, victim: &mut dyn Victim, dir: &RunDir) {
    let scene = Scene::set(dir, victim);
    let listeners = scene.listeners(dir);
    let address = scene.relay.rtmp().to_string();
    let mut publishing = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacLong,
        dir,
        &address,
        "cam",
    );
    for life in 0..=10 {
        let limit = if life == 0 { LIMIT } else { BACK_LIMIT };
        wait::until_true(&format!("{name} to be back, life {life}"), limit, || {
            victim
                .lives()
                .get(life)
                .is_some_and(|packets| frames(packets) >= FRAMES_BACK)
        });
        wait_for_live(name, &scene.relay);
        if life == 10 {
            break;
        }
        victim.die();
        if life == LONG_DEATH {
            wait_for_attempts_in_vain(name, &scene.relay);
        }
        victim.come_back(dir);
    }
    assert!(
        publishing.process().is_running(),
        "the publisher did not outlive the ten deaths"
    );
    let sent = publishing.finish();
    let verdicts: Vec<_> = listeners
        .into_iter()
        .map(|one| one.judge(&sent, Start::Whole))
        .collect();
    let differences = differences(&verdicts, |_| true);
    assert!(
        differences.is_empty(),
        "somebody else noticed:{differences}"
    );
    for (life, packets) in victim.lives().iter().enumerate() {
        begins_properly(packets, victim.keeps_metadata())
            .unwrap_or_else(|problem| panic!("{name}, life {life}: {problem}"));
        compare_run(&sent, packets)
            .unwrap_or_else(|difference| panic!("{name}, life {life}: {difference}"));
    }
}

#[test]
fn a_scripted_destination_whose_connections_are_cut() {
    let dir = RunDir::new("destination-dies-scripted");
    dies_ten_times("a scripted destination", &mut Sink::start(), &dir);
}

#[test]
fn an_nginx_that_is_killed() {
    let dir = RunDir::new("destination-dies-nginx");
    let mut victim = Nginx::recording(&dir, "victim");
    dies_ten_times("nginx", &mut victim, &dir);
}
