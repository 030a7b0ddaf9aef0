//! Running a load: where it goes, when it begins, what it looks at.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use bongsu_rtmp::Limits;
use bongsu_rtmp::chunk::CLIENT_CHUNK_SIZE;
use bongsu_rtmp::session::Capabilities;
use bongsu_rtmp::session::client::{ClientConfig, Role};
use bongsu_rtmp::url::RtmpUrl;

use super::args::Common;
use super::load::{Job, Load};
use super::media::now_ns;
use super::process::{Usage, Used};
use super::report::{Around, Latencies, Report};
use crate::client::parse_url;
use crate::failure::Failure;
use crate::interrupt;

/// Longest time before progress is shown and a signal is seen.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Stands for the number of a stream in a URL.
const NUMBER: &str = "{n}";

/// Where a load goes.
pub(super) struct Target {
    address: SocketAddr,
    /// One for each stream.
    urls: Vec<RtmpUrl>,
}

impl Target {
    /// Looks up the server of a URL that may stand for several streams.
    pub(super) fn new(text: &str, streams: u32) -> Result<Self, Failure> {
        if streams > 1 && !text.contains(NUMBER) {
            return Err(Failure::new(
                "the URL names one stream, and several are asked for",
                "write {n} where the number of the stream belongs: rtmp://host/live/cam{n}",
            ));
        }
        let numbers = 0..streams.max(1);
        let urls: Result<Vec<_>, _> = numbers
            .map(|number| parse_url(&text.replace(NUMBER, &number.to_string())))
            .collect();
        let urls = urls?;
        let found = urls.first().and_then(|url| {
            let mut addresses = (url.host(), url.port()).to_socket_addrs().ok()?;
            addresses.next()
        });
        let address = found
            .ok_or_else(|| Failure::new("cannot find the host of the URL", "check its name"))?;
        Ok(Self { address, urls })
    }

    fn url(&self, index: u32) -> RtmpUrl {
        let at = index as usize % self.urls.len();
        self.urls[at].clone()
    }
}

/// A load with what is measured around it.
pub(super) struct Run<'a> {
    pub(super) load: Load,
    pub(super) latencies: Latencies,
    target: Target,
    common: &'a Common,
    what: &'static str,
    last_look: Instant,
    server: Option<Usage>,
    own: Usage,
    began_ns: u64,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        what: &'static str,
        target: Target,
        read_every: Option<Duration>,
        common: &'a Common,
    ) -> Result<Self, Failure> {
        interrupt::watch()?;
        // Each connection is a descriptor; a low limit shows as faults that name it.
        let _ = bongsu_net::raise_file_limit();
        let load = Load::new(read_every).map_err(|error| system(&error))?;
        let mut run = Self {
            load,
            latencies: Latencies::new(),
            target,
            common,
            what,
            last_look: Instant::now(),
            server: None,
            own: Usage::default(),
            began_ns: now_ns(),
        };
        run.mark()?;
        Ok(run)
    }

    /// Begins the measurement.
    pub(super) fn mark(&mut self) -> Result<(), Failure> {
        self.server = if self.common.pids.is_empty() {
            None
        } else {
            Some(self.look()?)
        };
        self.own = Usage::of(&[std::process::id()]).map_err(|(_, error)| system(&error))?;
        self.began_ns = now_ns();
        Ok(())
    }

    fn look(&self) -> Result<Usage, Failure> {
        Usage::of(&self.common.pids).map_err(|(pid, error)| {
            Failure::new(
                format!("cannot look at process {pid}: {error}"),
                "check --server-pid; the process must run, as the same user",
            )
        })
    }

    /// Opens connection number `index`.
    pub(super) fn open(&mut self, index: u32, role: Role, job: Job) {
        let mut seed = [0; 16];
        // The handshake proves nothing: without a random source, fixed bytes do as well.
        let _ = getrandom::fill(&mut seed);
        let config = ClientConfig {
            role,
            url: self.target.url(index),
            seed,
            limits: Limits::authorised(),
            chunk_size: CLIENT_CHUNK_SIZE,
            // As most encoders and players are: silent about Enhanced RTMP.
            capabilities: Capabilities::none(),
        };
        self.load.open(self.target.address, config, job);
    }

    /// Opens connections, so many each second, and waits until the server has accepted or refused them all.
    pub(super) fn ramp_up(
        &mut self,
        count: u32,
        per_second: u32,
        role: Role,
        job: impl Fn(u32) -> Job,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        for index in 0..count {
            let due = began + Duration::from_secs(u64::from(index)) / per_second;
            if due > Instant::now() {
                self.run_until(due)?;
            } else if index % 64 == 63 {
                // Late already: the others are served all the same.
                self.run_until(Instant::now())?;
            }
            self.open(index, role, job(index));
        }
        self.wait_for_all(count)
    }

    fn wait_for_all(&mut self, count: u32) -> Result<(), Failure> {
        let deadline = Instant::now() + self.common.timeout;
        while self.settled() < u64::from(count) {
            if Instant::now() >= deadline {
                return Err(Failure::new(
                    format!(
                        "the server accepted {} of {count} connections within {:?}",
                        self.load.accepted(),
                        self.common.timeout
                    ),
                    "look into its log; --timeout waits longer",
                ));
            }
            self.run_until(Instant::now() + Duration::from_millis(5))?;
        }
        Ok(())
    }

    /// Connections whose fate is known.
    pub(super) fn settled(&self) -> u64 {
        let failed: u64 = self.load.faults().values().sum();
        self.load.accepted() as u64 + failed
    }

    /// Serves the connections until then, shows progress and heeds signals.
    pub(super) fn run_until(&mut self, until: Instant) -> Result<(), Failure> {
        loop {
            let next = until.min(Instant::now() + LOOK_EVERY);
            self.load.run_until(next).map_err(|error| system(&error))?;
            let arrivals = std::mem::take(&mut self.load.arrivals);
            self.latencies.add(arrivals);
            if interrupt::happened() {
                return Err(Failure::interrupted());
            }
            self.show_progress();
            if next >= until {
                return Ok(());
            }
        }
    }

    /// Serves whatever is ready, waiting a moment at most.
    pub(super) fn step(&mut self) -> Result<(), Failure> {
        self.load
            .wait(Duration::from_millis(5))
            .map_err(|error| system(&error))?;
        if interrupt::happened() {
            return Err(Failure::interrupted());
        }
        self.show_progress();
        Ok(())
    }

    fn show_progress(&mut self) {
        use std::io::{IsTerminal, Write};
        if self.common.quiet || self.last_look.elapsed() < LOOK_EVERY {
            return;
        }
        self.last_look = Instant::now();
        let mut out = std::io::stderr().lock();
        if out.is_terminal() {
            let (open, accepted) = (self.load.open_count(), self.load.accepted());
            let what = self.what;
            let _ = write!(out, "\r{what}: {accepted} accepted, {open} open\x1b[K");
            let _ = out.flush();
        }
    }

    /// What came of it since [`Run::mark`].
    pub(super) fn report(&mut self, count: u32) -> Result<Report, Failure> {
        self.load.see_gaps();
        let wall_ns = now_ns().saturating_sub(self.began_ns);
        let server = match self.server {
            Some(earlier) => Some(self.look()?.since(earlier, wall_ns)),
            None => None,
        };
        let around = Around {
            bench: self.what,
            count,
            wall_ns,
            server,
            load: self.own_use(wall_ns)?,
        };
        Ok(Report::new(&self.load, &around, &self.latencies))
    }

    fn own_use(&self, wall_ns: u64) -> Result<Used, Failure> {
        let now = Usage::of(&[std::process::id()]).map_err(|(_, error)| system(&error))?;
        Ok(now.since(self.own, wall_ns))
    }

    /// Closes the connections and prints the report; false when not all was well.
    pub(super) fn finish(mut self, report: &Report) -> Result<bool, Failure> {
        self.load.stop();
        report
            .print(self.common.json)
            .map_err(|error| system(&error))?;
        Ok(report.faults.is_empty() && report.open == report.count as usize && report.lost == 0)
    }
}

fn system(error: &std::io::Error) -> Failure {
    Failure::new(error, "raise the limit of open files (`ulimit -n`)")
}
