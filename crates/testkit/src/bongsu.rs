//! The relay itself, as users start it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::http;
use crate::place::{RunDir, target_dir};
use crate::ports::free_port;
use crate::process::Process;
use crate::wait;

/// How long the relay may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(10);

/// A running relay with ports and state of its own. Its log is what it writes to standard error.
#[derive(Debug)]
pub struct Bongsu {
    process: Process,
    name: String,
    rtmp: SocketAddr,
    http: SocketAddr,
    settings: Settings,
}

/// Where a relay has its settings from.
#[derive(Debug, Clone)]
enum Settings {
    /// A file.
    File(PathBuf),
    /// Flags alone; its state is in a folder of the test.
    Flags { state_home: PathBuf },
}

impl Bongsu {
    /// The program: `BONGSU_BIN`, else what `cargo build --release` makes.
    ///
    /// # Panics
    ///
    /// When it is missing; the text says what to type.
    #[must_use]
    pub fn binary() -> PathBuf {
        let path = match std::env::var_os("BONGSU_BIN") {
            Some(path) => PathBuf::from(path),
            None => target_dir().join("release/bongsu"),
        };
        assert!(
            path.is_file(),
            "{} is missing; type: cargo build --release --locked -p bongsu (or cargo xtask test, which does)",
            path.display()
        );
        path
    }

    /// Starts a relay with `toml` behind the sections that say where it listens, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// When it is not ready in time.
    #[must_use]
    pub fn start(dir: &RunDir, name: &str, toml: &str) -> Self {
        Self::start_on(dir, name, toml, free_port())
    }

    /// As [`Self::start`], taking RTMP at this address.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    #[must_use]
    pub fn start_on(dir: &RunDir, name: &str, toml: &str, rtmp: SocketAddr) -> Self {
        Self::start_with(dir, name, "", toml, rtmp)
    }

    /// As [`Self::start`], with `keys` in `[server]`.
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    #[must_use]
    pub fn start_with_server_keys(dir: &RunDir, name: &str, keys: &str, toml: &str) -> Self {
        Self::start_with(dir, name, keys, toml, free_port())
    }

    fn start_with(dir: &RunDir, name: &str, keys: &str, toml: &str, rtmp: SocketAddr) -> Self {
        let http = free_port();
        let config = dir.join(&format!("{name}.toml"));
        let data = dir.folder(&format!("{name}-data"));
        let text = format!(
            "[server]\ndata_dir = \"{}\"\n{keys}\n[http]\nlisten = [\"{http}\"]\n\n[rtmp]\nlisten = [\"{rtmp}\"]\n{toml}",
            data.display()
        );
        fs::write(&config, text).expect("a configuration for the relay");
        Self::run(dir, name, rtmp, http, Settings::File(config))
    }

    /// Starts a relay as somebody does who tries it: without a file. Only its ports and the folder for its state differ
    /// from the defaults, and its log tells everything.
    ///
    /// # Panics
    ///
    /// When it is not ready in time.
    #[must_use]
    pub fn start_without_file(dir: &RunDir, name: &str) -> Self {
        let state_home = dir.folder(&format!("{name} state"));
        let settings = Settings::Flags { state_home };
        Self::run(dir, name, free_port(), free_port(), settings)
    }

    /// Starts it again with the same settings, on the same ports. Its log begins anew.
    ///
    /// # Panics
    ///
    /// When it is not ready in time.
    pub fn restart(&mut self, dir: &RunDir) {
        self.process.kill();
        *self = Self::run(
            dir,
            &self.name.clone(),
            self.rtmp,
            self.http,
            self.settings.clone(),
        );
    }

    fn run(
        dir: &RunDir,
        name: &str,
        rtmp: SocketAddr,
        http: SocketAddr,
        settings: Settings,
    ) -> Self {
        let mut command = match &settings {
            Settings::File(config) => Self::command(config),
            Settings::Flags { state_home } => Self::command_without_file(rtmp, http, state_home),
        };
        let printed = printed_in(dir, name);
        let mut process = Process::start_printing(name, dir.path(), &mut command, &printed);
        wait::until(&format!("{name} to be ready"), START_LIMIT, || {
            assert!(
                process.is_running(),
                "{name} ended; {}",
                process.last_words()
            );
            http::get(http, "/readyz").filter(|response| response.status == 200)
        });
        Self {
            process,
            name: name.to_owned(),
            rtmp,
            http,
            settings,
        }
    }

    /// `bongsu serve` with a configuration.
    #[must_use]
    pub fn command(config: &Path) -> Command {
        let mut command = Command::new(Self::binary());
        command.args(["serve", "--config"]).arg(config);
        command
    }

    fn command_without_file(rtmp: SocketAddr, http: SocketAddr, state_home: &Path) -> Command {
        let mut command = Command::new(Self::binary());
        command
            .args(["--listen", &rtmp.to_string(), "--http", &http.to_string()])
            .args(["--log-level", "trace"])
            .env("XDG_STATE_HOME", state_home)
            .env_remove("STATE_DIRECTORY");
        command
    }

    /// What it has printed to standard output since its start.
    #[must_use]
    pub fn printed(&self, dir: &RunDir) -> String {
        fs::read_to_string(printed_in(dir, &self.name)).unwrap_or_default()
    }

    /// Where it takes RTMP.
    #[must_use]
    pub const fn rtmp(&self) -> SocketAddr {
        self.rtmp
    }

    /// Where it takes HTTP.
    #[must_use]
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// The URL of `app/name`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("rtmp://{}/{path}", self.rtmp)
    }

    /// The process, for signals, memory and output.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What `GET /api/v1/streams` says.
    ///
    /// # Panics
    ///
    /// When it does not answer, or not in JSON.
    #[must_use]
    pub fn streams(&self) -> Value {
        let response =
            http::get(self.http, "/api/v1/streams").expect("an answer from /api/v1/streams");
        assert_eq!(response.status, 200, "/api/v1/streams: {}", response.body);
        serde_json::from_str(&response.body).expect("JSON from /api/v1/streams")
    }

    /// The players of one stream, those who wait for it included; 0 when there is no such stream.
    ///
    /// # Panics
    ///
    /// As [`Self::streams`].
    #[must_use]
    pub fn player_count(&self, path: &str) -> usize {
        self.stream(path)
            .and_then(|stream| stream.get("players")?.as_u64())
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(0)
    }

    /// One stream of [`Self::streams`], by its path (`app/name`).
    ///
    /// # Panics
    ///
    /// As [`Self::streams`].
    #[must_use]
    pub fn stream(&self, path: &str) -> Option<Value> {
        let all = self.streams();
        let list = all.as_array().or_else(|| all.get("streams")?.as_array())?;
        list.iter().find(|stream| stream["path"] == path).cloned()
    }

    /// One destination of a stream, by its name.
    ///
    /// # Panics
    ///
    /// As [`Self::streams`].
    #[must_use]
    pub fn destination(&self, path: &str, name: &str) -> Option<Value> {
        let stream = self.stream(path)?;
        let all = stream["destinations"].as_array()?;
        all.iter().find(|one| one["name"] == name).cloned()
    }
}

fn printed_in(dir: &RunDir, name: &str) -> PathBuf {
    dir.join(&format!("{name}.out"))
}
