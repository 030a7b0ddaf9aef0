//! The whole scene of a matrix test: a relay with three destinations, and players everywhere.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bongsu_testkit::compare::{Packet, Rule, Start};
use bongsu_testkit::results::{Table, leave};
use bongsu_testkit::{Bongsu, Fixture, Nginx, RunDir, wait};

use crate::audience::{Listener, Player, Verdict, judge_file};
use crate::publisher::{Publisher, Publishing};

/// How long the players may take to ask for the stream.
const SEATED_LIMIT: Duration = Duration::from_secs(30);
/// The stream's name.
const STREAM: &str = "cam";

/// An app that anybody may publish to and that keeps players waiting for a stream.
pub const OPEN_APP: &str = "\n[apps.live]\npublish = \"open\"\nplay_wait = \"60s\"\n";

/// One stage at a time: a dozen programs that encode and decode are as much as a small machine can do in real time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A relay, its destinations and everybody who listens, before the publisher begins.
#[derive(Debug)]
pub struct Stage {
    _only: MutexGuard<'static, ()>,
    dir: RunDir,
    relay: Bongsu,
    _destinations: [Bongsu; 2],
    nginx: Nginx,
    listeners: Vec<Listener>,
}

impl Stage {
    /// Starts everything and waits until every player of the relay has asked for the stream.
    #[must_use]
    pub fn set(name: &str, players: &[Player]) -> Self {
        let only = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = RunDir::new(name);
        let destinations = ["one", "two"].map(|name| Bongsu::start(&dir, name, OPEN_APP));
        let nginx = Nginx::recording(&dir, "nginx");
        // A publisher that ends by closing its connection, as nginx does, is waited for so long.
        let mut toml = format!("{OPEN_APP}hold = \"2s\"\n");
        for (name, address) in [
            ("one", destinations[0].rtmp()),
            ("two", destinations[1].rtmp()),
            ("nginx", nginx.address()),
        ] {
            toml.push_str(&push(name, &format!("rtmp://{address}/live/{{name}}")));
        }
        let relay = Bongsu::start(&dir, "relay", &toml);
        let mut listeners = vec![
            Listener::start(
                Player::Rtmpdump,
                &dir,
                &destinations[0].url("live/cam"),
                Some("bongsu 1"),
            ),
            Listener::start(
                Player::Bongsu,
                &dir,
                &destinations[1].url("live/cam"),
                Some("bongsu 2"),
            ),
            Listener::start(
                Player::Rtmpdump,
                &dir,
                &nginx.url(STREAM),
                Some("nginx-rtmp"),
            ),
        ];
        for player in players {
            listeners.push(Listener::start(*player, &dir, &relay.url("live/cam"), None));
        }
        wait_for_players(&relay, players.len());
        for destination in &destinations {
            wait_for_players(destination, 1);
        }
        Self {
            _only: only,
            dir,
            relay,
            _destinations: destinations,
            nginx,
            listeners,
        }
    }

    /// Publishes to the relay, waits for everybody's end, and judges.
    #[must_use]
    pub fn play(mut self, publisher: Publisher, fixture: Fixture) -> Vec<Verdict> {
        let relay = self.relay.rtmp().to_string();
        let mut publishing = Publishing::start(publisher, fixture, &self.dir, &relay, STREAM);
        let sent = publishing.finish();
        let start = match publisher {
            // It connects onward when its own publisher is there already.
            Publisher::NginxPush => Start::AtAKeyframe,
            _ => Start::Whole,
        };
        drop(publishing);
        let listeners = std::mem::take(&mut self.listeners).into_iter();
        let heard: Vec<Verdict> = listeners
            .map(|listener| listener.judge(&sent, start))
            .collect();
        // Its own player has seen the end, so that the recording is whole.
        let mut verdicts = self.recorded(fixture, &sent, start);
        verdicts.extend(heard);
        verdicts
    }

    /// What nginx has on its disk. Its recorder knows no picture of Enhanced RTMP, so only H.264 counts there.
    fn recorded(&self, fixture: Fixture, sent: &[Packet], start: Start) -> Vec<Verdict> {
        if !fixture.title().starts_with("H.264 + AAC") {
            return Vec::new();
        }
        let file = wait::until("a recording of nginx", SEATED_LIMIT, || {
            self.nginx.recordings().pop()
        });
        vec![judge_file(
            "nginx-rtmp, recorded",
            &file,
            sent,
            Rule::FramesAndHeaders,
            start,
        )]
    }
}

/// The lines of one destination.
#[must_use]
pub fn push(name: &str, url: &str) -> String {
    format!("\n[[apps.live.push]]\nname = \"{name}\"\nurl = \"{url}\"\n")
}

/// Waits until so many players have asked for `live/cam`.
pub fn wait_for_players(relay: &Bongsu, count: usize) {
    wait::until_true(&format!("{count} players"), SEATED_LIMIT, || {
        relay.player_count("live/cam") == count
    });
}

/// Leaves the rows for the page and fails with every difference at once.
pub fn conclude(table: Table, order: &str, publisher: &str, verdicts: &[Verdict]) {
    let rows: Vec<Vec<String>> = verdicts
        .iter()
        .map(|verdict| {
            let outcome = match &verdict.outcome {
                Ok(equal) => format!("equal: {equal}"),
                Err(difference) => difference.lines().next().unwrap_or_default().to_owned(),
            };
            vec![
                publisher.to_owned(),
                verdict.receiver.clone(),
                verdict.compared.clone(),
                outcome,
            ]
        })
        .collect();
    leave(table, order, &rows);
}

/// All differences of the verdicts that `must` hold, in one text; empty when there are none.
#[must_use]
pub fn differences(verdicts: &[Verdict], must: impl Fn(&Verdict) -> bool) -> String {
    let failed = verdicts.iter().filter(|verdict| must(verdict));
    failed
        .filter_map(|verdict| {
            let difference = verdict.outcome.as_ref().err()?;
            Some(format!("\n{}: {difference}", verdict.receiver))
        })
        .collect()
}
