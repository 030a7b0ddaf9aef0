//! What a bench found: lines for people, or one JSON object.

use std::collections::BTreeMap;
use std::io::Write;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::load::{Arrival, Load, Tally};
use super::process::Used;

/// A time without a byte from which on a player counts as starved, in nanoseconds. Why: players buffer a second or two.
const STARVED_NS: u64 = 1_000_000_000;

/// How values of a kind are spread, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

/// Nanoseconds, counted in microseconds with three digits.
#[derive(Debug)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Self {
        // Three digits up to an hour: the bounds are constants that the crate takes.
        let histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3);
        Self(histogram.unwrap_or_else(|error| unreachable!("constant bounds: {error}")))
    }

    pub(crate) fn add(&mut self, ns: u64) {
        self.0.saturating_record(ns / 1_000);
    }

    /// The spread; `None` without a value.
    #[allow(clippy::cast_precision_loss)] // microseconds of an hour fit
    pub(crate) fn spread(&self) -> Option<Spread> {
        let ms = |us: u64| us as f64 / 1_000.0;
        (!self.0.is_empty()).then(|| Spread {
            count: self.0.len(),
            p50_ms: ms(self.0.value_at_quantile(0.5)),
            p99_ms: ms(self.0.value_at_quantile(0.99)),
            max_ms: ms(self.0.max()),
        })
    }
}

/// Latency by kind.
#[derive(Debug)]
pub(crate) struct Latencies {
    video: Times,
    audio: Times,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self {
            video: Times::new(),
            audio: Times::new(),
        }
    }

    pub(crate) fn add(&mut self, arrivals: impl IntoIterator<Item = Arrival>) {
        for arrival in arrivals {
            let times = if arrival.is_audio {
                &mut self.audio
            } else {
                &mut self.video
            };
            times.add(arrival.latency_ns);
        }
    }
}

/// All that a bench may have to say; what does not apply is left out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) bench: &'static str,
    /// Connections asked for.
    pub(crate) count: u32,
    /// Connections that the server accepted.
    pub(crate) accepted: usize,
    /// Connections at the end.
    pub(crate) open: usize,
    /// How connections failed or ended early, with how many did.
    pub(crate) faults: BTreeMap<String, u64>,
    /// Length of the measurement.
    pub(crate) seconds: f64,
    /// Connections accepted per second, in a storm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accepted_per_second: Option<f64>,
    pub(crate) bytes: Bytes,
    /// Messages of media that were read or sent, and those missing between them.
    pub(crate) frames: u64,
    pub(crate) lost: u64,
    /// Players that got nothing for a second or longer.
    pub(crate) starved: usize,
    pub(crate) longest_gap_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) video_latency: Option<Spread>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audio_latency: Option<Spread>,
    /// From connecting to the server's yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accept: Option<Spread>,
    /// From connecting to the first keyframe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) join: Option<Spread>,
    /// The processes of `--server-pid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<Used>,
    /// CPU milliseconds of the server for each connection and minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server_cpu_ms_per_connection_minute: Option<f64>,
    /// This process. Near one core the load is the limit, not the server.
    pub(crate) load: Used,
}

/// Bytes of all connections, and how they are spread.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Bytes {
    pub(crate) total: u64,
    pub(crate) least: u64,
    pub(crate) median: u64,
    pub(crate) most: u64,
}

impl Bytes {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        Self {
            total: values.iter().sum(),
            least: values.first().copied().unwrap_or(0),
            median: values.get(values.len() / 2).copied().unwrap_or(0),
            most: values.last().copied().unwrap_or(0),
        }
    }
}

/// What was measured around the load.
#[derive(Debug)]
pub(crate) struct Around {
    pub(crate) bench: &'static str,
    pub(crate) count: u32,
    pub(crate) wall_ns: u64,
    pub(crate) server: Option<Used>,
    pub(crate) load: Used,
}

impl Report {
    /// Puts together what connections saw and what was measured around them.
    #[allow(clippy::cast_precision_loss)] // nanoseconds of days fit
    pub(crate) fn new(load: &Load, around: &Around, latencies: &Latencies) -> Self {
        let tallies: Vec<&Tally> = load.tallies().collect();
        let (mut accept, mut join) = (Times::new(), Times::new());
        for tally in &tallies {
            tally.accept_ns().into_iter().for_each(|ns| accept.add(ns));
            tally.join_ns().into_iter().for_each(|ns| join.add(ns));
        }
        let bytes = |tally: &&Tally| tally.received.max(tally.sent);
        let seconds = around.wall_ns as f64 / 1e9;
        let minutes = seconds / 60.0 * load.open_count().max(1) as f64;
        let gaps = tallies.iter().map(|tally| tally.longest_gap_ns);
        Self {
            bench: around.bench,
            count: around.count,
            accepted: load.accepted(),
            open: load.open_count(),
            faults: load.faults().clone(),
            seconds,
            accepted_per_second: None,
            bytes: Bytes::of(tallies.iter().map(bytes).collect()),
            frames: tallies.iter().map(|tally| tally.frames).sum(),
            lost: tallies.iter().map(|tally| tally.lost).sum(),
            starved: gaps.clone().filter(|gap| *gap >= STARVED_NS).count(),
            longest_gap_ms: gaps.max().unwrap_or(0) as f64 / 1e6,
            video_latency: latencies.video.spread(),
            audio_latency: latencies.audio.spread(),
            accept: accept.spread(),
            join: join.spread(),
            server: around.server,
            server_cpu_ms_per_connection_minute: around.server.map(|used| used.cpu_ms / minutes),
            load: around.load,
        }
    }

    /// Prints it to standard output.
    pub(crate) fn print(&self, as_json: bool) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        if as_json {
            let text = serde_json::to_string(self).map_err(std::io::Error::other)?;
            return writeln!(out, "{text}");
        }
        out.write_all(self.lines().join("\n").as_bytes())?;
        writeln!(out)
    }

    fn lines(&self) -> Vec<String> {
        let Self {
            count,
            accepted,
            open,
            seconds,
            ..
        } = self;
        let mut lines = vec![format!(
            "{}: {accepted} of {count} accepted, {open} open after {seconds:.1} s",
            self.bench
        )];
        if let Some(rate) = self.accepted_per_second {
            lines.push(format!("  accepted a second  {rate:.0}"));
        }
        let Bytes {
            total,
            least,
            median,
            most,
        } = self.bytes;
        lines.push(format!(
            "  bytes              {total} in all; least {least}, median {median}, most {most}"
        ));
        lines.push(format!(
            "  frames             {}, {} missing",
            self.frames, self.lost
        ));
        lines.push(format!(
            "  without a byte     {:.0} ms at most; {} for 1 s or longer",
            self.longest_gap_ms, self.starved
        ));
        let spreads = [
            ("video latency", self.video_latency),
            ("audio latency", self.audio_latency),
            ("accepted after", self.accept),
            ("keyframe after", self.join),
        ];
        for (name, spread) in spreads {
            if let Some(spread) = spread {
                let Spread {
                    count,
                    p50_ms,
                    p99_ms,
                    max_ms,
                } = spread;
                lines.push(format!(
                    "  {name:<17}  p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms, max {max_ms:.2} ms ({count})"
                ));
            }
        }
        if let Some(used) = self.server {
            let per_minute = self.server_cpu_ms_per_connection_minute.unwrap_or(0.0);
            lines.push(format!(
                "  server             {}; {per_minute:.2} CPU ms per connection and minute",
                shown(&used)
            ));
        }
        lines.push(format!("  this load          {}", shown(&self.load)));
        let faults = self.faults.iter();
        lines.extend(faults.map(|(fault, times)| format!("  {times} times: {fault}")));
        lines
    }
}

fn shown(used: &Used) -> String {
    format!(
        "{:.3} cores, {} KiB resident, {} descriptors",
        used.cores,
        used.resident_bytes / 1024,
        used.descriptors
    )
}
