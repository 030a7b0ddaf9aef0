//! Configuration: what the server consumes, and how it is made from a file, the environment and flags.
//!
//! [`Config`] cannot be invalid: addresses are addresses, push templates make URLs, figures are in range. It is made
//! in three steps, each in its own file. `tree` holds keys and values with the place they came from, `environment`
//! lays variables over it, `build` reads the tree into a [`Config`] and collects every [`Problem`] on its way.
//!
//! The order is defaults < file < environment < flags. `examples/full.toml` has every key with its default, and
//! `docs/config.md` is made from it; tests hold both to the code.

mod app;
pub mod auth;
mod build;
mod environment;
pub mod first_key;
pub mod limits;
mod listen_addr;
mod network;
mod problem;
mod read;
mod reference;
mod secret;
mod source;
mod suggest;
mod template;
mod tree;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use app::{App, CodecChange, Compat, Hevc, Mode, PublishPolicy, Push, StreamKey};
pub use environment::Environment;
pub use listen_addr::ListenAddr;
pub use network::Network;
pub use problem::{FileFault, Problem, Problems};
pub use reference::follow_references;
pub use secret::{MASK, Secret};
pub use source::{Flag, FlagValue, Sources};
pub use template::{TemplateError, UrlTemplate};
pub use tree::Origin;

/// The app whose settings hold for every app that is not listed.
pub const ANY_APP: &str = "*";

/// The app that exists when none is configured.
pub const DEFAULT_APP: &str = "live";

/// All settings of a relay, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The process: threads, files, shutdown.
    pub server: Server,
    /// The RTMP listeners.
    pub rtmp: Rtmp,
    /// The listener of API and metrics.
    pub http: Http,
    /// What strangers may use up.
    pub limits: Limits,
    /// Log lines.
    pub log: Log,
    /// Settings of each app by name; [`ANY_APP`] is every other app. Without it other apps are refused.
    pub apps: BTreeMap<String, App>,
    /// Settings that work but are probably not meant.
    pub warnings: Vec<Problem>,
}

/// `[server]`: the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Threads that carry media.
    pub workers: Workers,
    /// Where state is kept; [`first_key::data_dir`] says where when it is not given.
    pub data_dir: Option<PathBuf>,
    /// How long SIGTERM waits for sessions to end.
    pub drain_timeout: Duration,
}

/// How many threads carry media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workers {
    /// One per core.
    Auto,
    /// So many, at least one.
    Count(usize),
}

/// `[rtmp]`: where publishers and players connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rtmp {
    /// At least one address; each once.
    pub listen: Vec<ListenAddr>,
    /// Finished handshakes that the kernel keeps until they are accepted.
    pub backlog: u32,
}

/// `[http]`: API and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Empty turns it off. Addresses that others can reach need a [`Http::token`].
    pub listen: Vec<ListenAddr>,
    /// What a request must carry; `None` only while every address is loopback.
    pub token: Option<Secret>,
}

/// `[limits]`: what strangers may use up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Addresses that the figures per address do not apply to.
    pub trusted: Vec<Network>,
    /// Connections in all.
    pub connections: u32,
    /// Connections in all that have not finished their handshake.
    pub handshakes: u32,
    /// Connections of one address that have not finished their handshake. IPv6 counts per /64.
    pub handshakes_per_address: u32,
    /// Connections of one address in all.
    pub connections_per_address: u32,
    /// New connections of one address per second, over time.
    pub connects_per_second: u32,
    /// New connections of one address at once.
    pub connects_burst: u32,
    /// Wrong stream keys of one address per minute whose refusal does not wait; also the burst.
    pub wrong_keys_per_minute: u32,
    /// Time to finish the handshake.
    pub handshake_timeout: Duration,
    /// Time from the handshake to a publish or play request.
    pub request_timeout: Duration,
    /// Largest audio or video message of a publisher, in bytes.
    pub media_bytes: u32,
    /// Largest command or data message of a publisher or player, in bytes.
    pub data_bytes: u32,
}

/// `[log]`: log lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// The least serious lines that are written.
    pub level: LogLevel,
    /// Directives as in `bongsu_server=debug,info`, checked; they stand in for the level.
    pub filter: Option<String>,
}

/// The shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// How serious a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Our bugs.
    Error,
    /// Things an operator should act on.
    Warn,
    /// Publishing and playing starts, connections end.
    Info,
    /// Commands and statuses.
    Debug,
    /// Messages.
    Trace,
}

impl Limits {
    /// The bounds of the parsers of a peer that publishes.
    #[must_use]
    pub const fn authorised(&self) -> bongsu_rtmp::limits::Limits {
        bongsu_rtmp::limits::Limits {
            media_bytes: self.media_bytes,
            amf_body_bytes: self.data_bytes,
            ..bongsu_rtmp::limits::Limits::authorised()
        }
    }
}

impl LogLevel {
    pub(crate) const ALL: [Self; 5] = [
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// The word in the file and in a filter directive.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Config {
    /// Reads file, environment and flags.
    ///
    /// # Errors
    /// Every problem that was found, each with its place and what to do.
    pub fn load(sources: &Sources) -> Result<Self, Problems> {
        source::load(sources)
    }

    /// Every setting that exists: section and key. The section of an app is `apps`, its lists are `apps.keys` and
    /// `apps.push`.
    #[must_use]
    pub fn keys() -> Vec<(&'static str, &'static str)> {
        build::known().into_iter().collect()
    }

    /// The settings of an app: its own, else those of [`ANY_APP`], else `None`: the app is refused.
    #[must_use]
    pub fn app(&self, name: &str) -> Option<&App> {
        self.apps.get(name).or_else(|| self.apps.get(ANY_APP))
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: Server::default(),
            rtmp: Rtmp::default(),
            http: Http::default(),
            limits: Limits::default(),
            log: Log::default(),
            apps: BTreeMap::from([(DEFAULT_APP.to_owned(), App::default())]),
            warnings: Vec::new(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            workers: Workers::Auto,
            data_dir: None,
            drain_timeout: limits::DRAIN_TIMEOUT,
        }
    }
}

impl Default for Rtmp {
    fn default() -> Self {
        Self {
            listen: vec![ListenAddr::preset(limits::RTMP_LISTEN)],
            backlog: bongsu_net::limits::LISTEN_BACKLOG,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: vec![ListenAddr::preset(limits::HTTP_LISTEN)],
            token: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            trusted: Network::loopback(),
            connections: limits::CONNECTIONS,
            handshakes: limits::HANDSHAKES,
            handshakes_per_address: limits::HANDSHAKES_PER_ADDRESS,
            connections_per_address: limits::CONNECTIONS_PER_ADDRESS,
            connects_per_second: limits::CONNECTS_PER_SECOND,
            connects_burst: limits::CONNECTS_BURST,
            wrong_keys_per_minute: limits::WRONG_KEYS_PER_MINUTE,
            handshake_timeout: limits::HANDSHAKE_TIMEOUT,
            request_timeout: limits::REQUEST_TIMEOUT,
            media_bytes: bongsu_rtmp::limits::MEDIA_BYTES_MAX,
            data_bytes: bongsu_rtmp::limits::AMF_BODY_BYTES_MAX,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: LogLevel::Info,
            filter: None,
        }
    }
}
