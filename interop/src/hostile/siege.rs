//! A relay under attack, a stream that flows through it all the while, and what the attacks cost.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bongsu_testkit::compare::{Rule, Start, compare};
use bongsu_testkit::{Bongsu, Fixture, Process, RunDir, Signal, http, wait};

use super::{GRACE, Outcome};
use crate::heard::{Ear, End};
use crate::publisher::{Publisher, Publishing};

/// Bytes that may stay resident after an attack.
const RESIDENT_GROWTH_BYTES_MAX: u64 = 16 << 20;
/// Until when they must have gone.
const RESIDENT_LIMIT: Duration = Duration::from_secs(60);
/// Share of a core that the relay may use after an attack, beyond what the stream costs.
const CPU_AFTER_MAX: f64 = 0.20;
/// For how long that is measured.
const CPU_WINDOW: Duration = Duration::from_secs(2);
/// How late a frame may come during an attack. Why: attackers, relay and encoder share the cores of the machine, and a
/// player's buffer holds more.
const LATE_MAX: Duration = Duration::from_secs(1);
/// How often the relay is looked at during an attack.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(20);
/// The name of the stream that flows, in app `live`.
const STEADY: &str = "steady";

/// A relay, a real publisher and a player that hears every message.
#[derive(Debug)]
pub struct Siege {
    relay: Bongsu,
    ear: Ear,
    publishing: Publishing,
    /// When the frame of time 0 would have come.
    anchor: Instant,
    /// What the relay holds and uses when nobody attacks.
    calm: Calm,
}

#[derive(Debug, Clone, Copy)]
struct Calm {
    resident: u64,
    cpu: f64,
}

/// What an attack cost.
#[derive(Debug, Clone)]
pub struct Figures {
    name: String,
    /// What the attackers saw.
    pub outcome: Outcome,
    took: Duration,
    /// How late the frames of the stream came.
    late: Duration,
    resident_before: u64,
    /// The most that was resident during the attack, in bytes.
    pub resident_peak: u64,
    resident_after: u64,
    resident_wait: Duration,
    cpu_during: f64,
    cpu_after: f64,
    calm: Calm,
}

impl Siege {
    /// Starts a relay with these settings, which open app `live`, and lets a stream flow through it.
    ///
    /// # Panics
    ///
    /// When it does not flow.
    #[must_use]
    pub fn begin(dir: &RunDir, toml: &str) -> Self {
        let mut relay = Bongsu::start(dir, "relay", toml);
        let ear = Ear::open(relay.rtmp(), "live", STEADY);
        wait::until_true("the player", LIMIT, || {
            relay.player_count(&format!("live/{STEADY}")) == 1
        });
        let publishing = Publishing::start(
            Publisher::DebianFfmpeg,
            Fixture::H264AacTwoMinutes,
            dir,
            &relay.rtmp().to_string(),
            STEADY,
        );
        wait::until_true("four seconds of the stream", LIMIT, || {
            ear.newest().is_some_and(|newest| newest > 4_000)
        });
        let mut anchor = Instant::now();
        let before = relay.process().cpu_time();
        let _ = wait::try_until(CPU_WINDOW, || {
            anchor = anchor.min(origin(&ear));
            None::<()>
        });
        let process = &*relay.process();
        let calm = Calm {
            resident: process.resident_bytes(),
            cpu: share(process.cpu_time() - before, CPU_WINDOW),
        };
        println!(
            "a stream alone: {} resident, {:.1} % of a core",
            mib(calm.resident),
            100.0 * calm.cpu
        );
        Self {
            relay,
            ear,
            publishing,
            anchor,
            calm,
        }
    }

    /// The relay.
    pub fn relay(&mut self) -> &mut Bongsu {
        &mut self.relay
    }

    /// Lets an attack run and end, and holds the relay to what it promises.
    ///
    /// # Panics
    ///
    /// When the relay breaks a promise; the text holds the figures.
    pub fn attack(
        &mut self,
        name: &str,
        attack: impl FnOnce(SocketAddr) -> Outcome + Send,
    ) -> Figures {
        let address = self.relay.rtmp();
        let open_before = self.metric("bongsu_connections ");
        let process = &*self.relay.process();
        let (resident_before, cpu_before) = (process.resident_bytes(), process.cpu_time());
        let started = Instant::now();
        let over = AtomicBool::new(false);
        let (outcome, (resident_peak, late)) = thread::scope(|scope| {
            let look = || watch(process, &self.ear, self.anchor, &over);
            let watcher = scope.spawn(look);
            let attacker = scope.spawn(|| {
                let outcome = attack(address);
                over.store(true, Ordering::Release);
                outcome
            });
            let outcome = attacker.join();
            over.store(true, Ordering::Release);
            let seen = watcher.join().expect("a relay that lives");
            (outcome.expect("an attack that goes through"), seen)
        });
        let took = started.elapsed();
        let cpu_during = share(process.cpu_time() - cpu_before, took);
        let (resident_after, resident_wait) =
            settle(process, self.calm.resident + RESIDENT_GROWTH_BYTES_MAX);
        let cpu_before = process.cpu_time();
        thread::sleep(CPU_WINDOW);
        let cpu_after = share(process.cpu_time() - cpu_before, CPU_WINDOW);
        let figures = Figures {
            name: name.to_owned(),
            outcome,
            took,
            late,
            resident_before,
            resident_peak,
            resident_after,
            resident_wait,
            cpu_during,
            cpu_after,
            calm: self.calm,
        };
        println!("{figures}");
        figures.judge();
        assert!(
            self.relay.process().is_running(),
            "the relay ended; {}",
            self.relay.process().last_words()
        );
        let open = self.metric("bongsu_connections ");
        assert!(
            open <= open_before,
            "{name}: {open} connections are open, before it {open_before}"
        );
        figures
    }

    /// The sum of all values of a metric whose line begins so.
    ///
    /// # Panics
    ///
    /// When the relay does not answer.
    #[must_use]
    pub fn metric(&self, beginning: &str) -> u64 {
        let response = http::get(self.relay.http(), "/metrics").expect("metrics");
        let lines = response.body.lines();
        lines
            .filter(|line| line.starts_with(beginning))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// Ends the stream and compares all that came with all that was sent.
    ///
    /// # Panics
    ///
    /// When a message was lost or changed.
    pub fn end(mut self) {
        // It has only the ear left to serve.
        wait_until_alone(&self.relay);
        self.publishing.process().signal(Signal::INT);
        let _ = self.publishing.process().wait(LIMIT);
        let (end, packets) = self.ear.finish(LIMIT);
        assert_eq!(end, End::InOrder);
        let equal = compare(
            &self.publishing.sent(),
            &packets,
            Rule::EveryMessage,
            Start::Whole,
        )
        .unwrap_or_else(|difference| panic!("the stream beside was disturbed: {difference}"));
        println!("the stream beside all attacks: {equal}");
    }
}

impl Figures {
    fn judge(&self) {
        let Outcome {
            left_open, late, ..
        } = self.outcome;
        assert_eq!(left_open, 0, "attackers that were not closed: {self}");
        assert!(late <= GRACE, "an attacker was closed too late: {self}");
        assert!(self.late <= LATE_MAX, "the stream was late: {self}");
        assert!(
            self.resident_after <= self.calm.resident + RESIDENT_GROWTH_BYTES_MAX,
            "memory stays: {self}"
        );
        assert!(
            self.cpu_after <= self.calm.cpu + CPU_AFTER_MAX,
            "the relay goes on working: {self}"
        );
    }

    /// What each attacker added to the resident memory at most, in bytes.
    #[must_use]
    pub fn resident_each(&self) -> u64 {
        let growth = self.resident_peak.saturating_sub(self.resident_before);
        growth / u64::from(self.outcome.connections.max(1))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} connections in {:.1} s; the last closed {:.2} s past its deadline; the stream at most {} ms late; \
             resident {} before, {} at most, {} after {:.1} s; CPU {:.0} % during, {:.1} % after",
            self.name,
            self.outcome.connections,
            self.took.as_secs_f64(),
            self.outcome.late.as_secs_f64(),
            self.late.as_millis(),
            mib(self.resident_before),
            mib(self.resident_peak),
            mib(self.resident_after),
            self.resident_wait.as_secs_f64(),
            100.0 * self.cpu_during,
            100.0 * self.cpu_after,
        )
    }
}

/// When the frame of time 0 would have come, if the newest came in time.
fn origin(ear: &Ear) -> Instant {
    let newest = Duration::from_millis(ear.newest().unwrap_or(0).into());
    let now = Instant::now();
    now.checked_sub(newest).unwrap_or(now)
}

/// Looks at the relay until the attack is over: its largest memory, and how late the stream was.
fn watch(process: &Process, ear: &Ear, anchor: Instant, over: &AtomicBool) -> (u64, Duration) {
    let (mut resident, mut late) = (0, Duration::ZERO);
    while !over.load(Ordering::Acquire) {
        resident = resident.max(process.resident_bytes());
        late = late.max(origin(ear).saturating_duration_since(anchor));
        thread::sleep(LOOK_EVERY);
    }
    (resident.max(process.resident_bytes()), late)
}

/// Waits until memory is back; gives what is resident then, and how long it took.
fn settle(process: &Process, bytes_max: u64) -> (u64, Duration) {
    let started = Instant::now();
    let mut resident = process.resident_bytes();
    let _ = wait::try_until(RESIDENT_LIMIT, || {
        resident = process.resident_bytes();
        (resident <= bytes_max).then_some(())
    });
    (resident, started.elapsed())
}

fn wait_until_alone(relay: &Bongsu) {
    wait::until_true("all attackers are gone", LIMIT, || {
        relay.player_count(&format!("live/{STEADY}")) == 1
    });
}

/// The share of a core.
fn share(used: Duration, of: Duration) -> f64 {
    used.as_secs_f64() / of.as_secs_f64()
}

fn mib(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20)
}
