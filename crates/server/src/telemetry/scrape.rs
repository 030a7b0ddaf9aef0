//! Metrics that are computed when somebody asks: streams, destinations, the process.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Metric, Registry};

use super::names::Name;
use super::process::Process;
use super::{Label, names};
use crate::snapshot::StreamSnapshot;

/// States of a stream that are on the page even when no stream is in them.
const STREAM_STATES: [&str; 4] = ["idle", "live", "holding", "ended"];

/// States of a destination that are on the page even when none is in them.
const DESTINATION_STATES: [&str; 10] = [
    "idle",
    "resolving",
    "connecting",
    "handshaking",
    "publishing",
    "live",
    "held",
    "stalled",
    "waiting_retry",
    "rejected",
];

/// What one scrape is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scrape<'a> {
    /// The streams of all workers that answered.
    pub(crate) streams: &'a [StreamSnapshot],
    /// Workers that did not answer in time.
    pub(crate) workers_missing: usize,
    /// Whether no new connections are taken.
    pub(crate) draining: bool,
}

impl Scrape<'_> {
    pub(super) fn registry(&self, process: &Process) -> Registry {
        let mut registry = Registry::default();
        self.add_server(&mut registry);
        self.add_streams(&mut registry);
        self.add_destinations(&mut registry);
        add_process(&mut registry, process);
        registry
    }

    fn add_server(&self, registry: &mut Registry) {
        let version = [(env!("CARGO_PKG_VERSION"), 1)];
        add_by(registry, names::BUILD_INFO, "version", version);
        let draining = ConstGauge::new(u64::from(self.draining));
        add(registry, names::DRAINING, draining);
        let missing = ConstGauge::new(self.workers_missing as u64);
        add(registry, names::SCRAPE_WORKERS_MISSING, missing);
    }

    fn add_streams(&self, registry: &mut Registry) {
        let streams = self.streams;
        let states = count(&STREAM_STATES, streams.iter().map(|stream| stream.state));
        add_by(registry, names::STREAMS, "state", states);
        let publishers = streams.iter().filter(|stream| stream.publisher.is_some());
        add(
            registry,
            names::PUBLISHERS,
            ConstGauge::new(publishers.count() as u64),
        );
        let sum = |figure: fn(&StreamSnapshot) -> u64| sum(streams.iter().map(figure));
        for (name, value) in [
            (names::PLAYERS, sum(|stream| stream.players as u64)),
            (
                names::PLAYERS_IN_SYNC,
                sum(|stream| stream.players_in_sync as u64),
            ),
        ] {
            add(registry, name, ConstGauge::new(value));
        }
        let dropped = [
            ("malformed", sum(|stream| stream.dropped.malformed)),
            ("repeated", sum(|stream| stream.dropped.repeated)),
            (
                "before_keyframe",
                sum(|stream| stream.dropped.before_keyframe),
            ),
        ];
        add_by(registry, names::STREAM_DROPPED, "reason", dropped);
    }

    fn add_destinations(&self, registry: &mut Registry) {
        let destinations = || self.streams.iter().flat_map(|stream| &stream.destinations);
        let states = destinations().map(|destination| destination.state);
        let states = count(&DESTINATION_STATES, states);
        add_by(registry, names::DESTINATIONS, "state", states);
        for (name, value) in [
            (names::PUSH_FRAMES, sum(destinations().map(|to| to.frames))),
            (
                names::PUSH_FRAMES_DROPPED,
                sum(destinations().map(|to| to.frames_dropped)),
            ),
            (
                names::PUSH_BYTES,
                sum(destinations().map(|to| to.bytes_acknowledged)),
            ),
        ] {
            add(registry, name, ConstGauge::new(value));
        }
    }
}

fn add_process(registry: &mut Registry, process: &Process) {
    if let Some(bytes) = process.resident_bytes {
        add(registry, names::PROCESS_RESIDENT, ConstGauge::new(bytes));
    }
    if let Some(count) = process.open_fds {
        add(registry, names::PROCESS_FDS, ConstGauge::new(count));
    }
    if let Some(seconds) = process.cpu_seconds {
        add(registry, names::PROCESS_CPU, ConstCounter::new(seconds));
    }
    if let Some(seconds) = process.start_seconds {
        add(registry, names::PROCESS_START, ConstGauge::new(seconds));
    }
}

fn add(registry: &mut Registry, name: Name, metric: impl Metric) {
    registry.register(name.name, name.help(), metric);
}

/// One gauge per value of a label.
fn add_by(
    registry: &mut Registry,
    name: Name,
    label: &'static str,
    values: impl IntoIterator<Item = (&'static str, u64)>,
) {
    let family = Family::<Label, Gauge<u64, AtomicU64>>::default();
    for (value, figure) in values {
        family.get_or_create(&[(label, value)]).set(figure);
    }
    add(registry, name, family);
}

/// How often each word comes, the known ones at least 0 times.
fn count(
    known: &[&'static str],
    words: impl Iterator<Item = &'static str>,
) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<_, _> = known.iter().map(|word| (*word, 0)).collect();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

/// A sum that wraps as counters do.
fn sum(figures: impl Iterator<Item = u64>) -> u64 {
    figures.fold(0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;

    use super::*;
    use crate::telemetry::testing;

    fn page(scrape: &Scrape<'_>, process: &Process) -> String {
        let mut page = String::new();
        text::encode_registry(&mut page, &scrape.registry(process)).unwrap();
        page
    }

    #[test]
    fn streams_and_destinations_are_counted_by_state_and_summed() {
        let mut held = testing::stream("live/b");
        held.state = "holding";
        held.publisher = None;
        let streams = [testing::stream("live/a"), held, testing::stream("live/c")];
        let scrape = Scrape {
            streams: &streams,
            workers_missing: 1,
            draining: true,
        };
        let page = page(&scrape, &Process::default());
        for line in [
            "bongsu_streams{state=\"live\"} 2",
            "bongsu_streams{state=\"holding\"} 1",
            "bongsu_streams{state=\"ended\"} 0",
            "bongsu_publishers 2",
            "bongsu_players 9",
            "bongsu_players_in_sync 6",
            "bongsu_stream_dropped_messages{reason=\"repeated\"} 6",
            "bongsu_destinations{state=\"live\"} 3",
            "bongsu_destinations{state=\"rejected\"} 0",
            "bongsu_push_frames 300",
            "bongsu_push_dropped_frames 12",
            "bongsu_push_acknowledged_bytes 3000",
            "bongsu_draining 1",
            "bongsu_scrape_workers_missing 1",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        let version = format!(
            "bongsu_build_info{{version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        );
        assert!(page.contains(&version), "{page}");
        // No name of a stream or destination gets out: labels stay bounded.
        assert!(
            !page.contains("live/") && !page.contains("twitch"),
            "{page}"
        );
    }

    #[test]
    fn what_the_kernel_does_not_tell_is_left_out() {
        let scrape = Scrape {
            streams: &[],
            workers_missing: 0,
            draining: false,
        };
        assert!(!page(&scrape, &Process::default()).contains("process"));
        let process = Process {
            resident_bytes: Some(4_096),
            open_fds: Some(7),
            cpu_seconds: Some(1.5),
            start_seconds: Some(1_700_000_000.25),
        };
        let page = page(&scrape, &process);
        for line in [
            "bongsu_process_resident_bytes 4096",
            "bongsu_process_open_fds 7",
            "bongsu_process_cpu_seconds_total 1.5",
            "bongsu_process_start_time_seconds 1700000000.25",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }
}
