//! What `bongsu bench` is asked for.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "these comments are the text of --help, where sections have their brackets"
)]

use std::num::NonZeroU32;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::args::within;

/// How many streams are named by one URL.
const URLS: &str = "\
{n} in the URL is replaced with the number of the stream, from 0: rtmp://host/live/cam{n}?key=...
The tool speaks plain RTMP and drives any server. Frames of `bench publish` carry the time of this machine's monotonic
clock, so latency means something when publisher and players run on the same machine.
Keys in a command line can be read by others on this machine: {env:NAME} and {file:PATH} stand for them.";

/// Load for an RTMP server, and what comes of it.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Play with many players and count what they get
    #[command(after_help = URLS)]
    Players(Players),
    /// Publish synthetic streams, in real time
    #[command(after_help = URLS)]
    Publish(Publish),
    /// Measure how late frames are, and how long joining takes
    #[command(after_help = URLS)]
    Latency(Latency),
    /// Connect many players as fast as the server takes them
    #[command(after_help = URLS)]
    Storm(Storm),
}

/// What all benches take.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Give up when the server takes longer for a connection
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = timeout)]
    pub(crate) timeout: Duration,
    /// Report CPU, memory and descriptors of this process; can be repeated
    #[arg(long = "server-pid", value_name = "PID")]
    pub(crate) pids: Vec<u32>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// `bench players`.
#[derive(Debug, Args)]
pub(crate) struct Players {
    /// What to play
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// How many players
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) count: u32,
    /// How many streams the players are spread over
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub(crate) streams: NonZeroU32,
    /// Players that connect each second
    #[arg(long, value_name = "PER SECOND", default_value_t = 1_000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) ramp: u32,
    /// Time between the last player's start and the measurement
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = pause)]
    pub(crate) warm_up: Duration,
    /// How long to measure
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = run)]
    pub(crate) duration: Duration,
    /// Read by the clock, as in 40ms, and not when bytes come
    #[arg(long, value_name = "TIME", value_parser = read_every)]
    pub(crate) read_every: Option<Duration>,
    /// How many of the players look at each frame: whether one is missing, and how late it is
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(crate) inspect: u32,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `bench latency`.
#[derive(Debug, Args)]
pub(crate) struct Latency {
    /// What to play; `bongsu bench publish` has to publish it
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// How many players
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: u32,
    /// Players that connect each second
    #[arg(long, value_name = "PER SECOND", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) ramp: u32,
    /// How long to measure
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = run)]
    pub(crate) duration: Duration,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `bench publish`.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Where to publish
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// How many publishers
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) count: u32,
    /// Publishers that connect each second
    #[arg(long, value_name = "PER SECOND", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) ramp: u32,
    /// How long to publish once all are accepted
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = run)]
    pub(crate) duration: Duration,
    /// Kilobits of video a second
    #[arg(long, value_name = "KBIT/S", default_value_t = 536,
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(crate) video_bitrate: u32,
    /// Kilobits of audio a second; 0 for none
    #[arg(long, value_name = "KBIT/S", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) audio_bitrate: u32,
    /// Video frames a second
    #[arg(long, value_name = "PER SECOND", default_value_t = 25,
          value_parser = clap::value_parser!(u32).range(1..=240))]
    pub(crate) frame_rate: u32,
    /// Frames from one keyframe to the next
    #[arg(long, value_name = "FRAMES", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) gop: u32,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// `bench storm`.
#[derive(Debug, Args)]
pub(crate) struct Storm {
    /// What to play
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// How many players
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) count: u32,
    /// How many of them may be on their way at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) at_once: u32,
    #[command(flatten)]
    pub(crate) common: Common,
}

fn timeout(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(100), Duration::from_secs(600))
}

fn pause(text: &str) -> Result<Duration, String> {
    within(text, Duration::ZERO, Duration::from_secs(600))
}

fn run(text: &str) -> Result<Duration, String> {
    within(
        text,
        Duration::from_millis(100),
        Duration::from_secs(86_400),
    )
}

fn read_every(text: &str) -> Result<Duration, String> {
    within(text, Duration::from_millis(1), Duration::from_secs(10))
}
