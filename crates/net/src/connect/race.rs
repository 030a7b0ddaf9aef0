//! Which of a name's addresses to try when: Happy Eyeballs (RFC 8305) without sockets and clocks.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::error::{ConnectError, RaceError};
use crate::limits;
use crate::socket::canonical;

/// The delays and bounds of a [`Race`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaceConfig {
    /// Head start of each address over the next one.
    pub attempt_delay: Duration,
    /// Time for all addresses together.
    pub timeout: Duration,
    /// Addresses tried at most; the rest is ignored.
    pub addresses_max: usize,
}

impl Default for RaceConfig {
    fn default() -> Self {
        Self {
            attempt_delay: limits::millis(limits::RACE_ATTEMPT_DELAY_MS),
            timeout: limits::millis(limits::CONNECT_TIMEOUT_MS),
            addresses_max: limits::RACE_ADDRESSES_MAX,
        }
    }
}

/// Names one attempt of one race.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(usize);

/// What the caller does next.
#[derive(Debug)]
#[non_exhaustive]
pub enum Output {
    /// Begin to connect to this address and report what becomes of it.
    Start {
        /// Give it back with the outcome.
        attempt: AttemptId,
        /// Where to connect.
        address: SocketAddr,
    },
    /// The race is over: keep this connection and drop the other attempts.
    Connected {
        /// The attempt that won.
        attempt: AttemptId,
        /// Its address.
        address: SocketAddr,
    },
    /// The race is over: nothing answered. Drop all attempts.
    Failed(RaceError),
}

/// A race between the addresses of one name.
///
/// - The order is the resolver's, but families alternate (RFC 8305 section 4), beginning with the
///   resolver's first. Doubles are dropped; IPv4-mapped addresses count as IPv4.
/// - The first attempt starts at once, each further one `attempt_delay` after the one before it, or as soon
///   as an attempt fails (section 5).
/// - The first connection wins. The race fails when every address has failed, or at the deadline.
///
/// The caller feeds outcomes with `handle_*`; after every call it drains [`poll_output`](Self::poll_output)
/// to `None` and then waits for an outcome or for [`poll_timeout`](Self::poll_timeout).
#[derive(Debug)]
pub struct Race {
    addresses: Vec<SocketAddr>,
    /// `running[i]` belongs to `addresses[i]`; as long as the number of attempts started.
    running: Vec<bool>,
    errors: Vec<ConnectError>,
    attempt_delay: Duration,
    next_start: Instant,
    deadline: Instant,
    outputs: VecDeque<Output>,
    over: bool,
}

impl Race {
    /// A race whose time begins at `now`. The first `Start` is there at once.
    pub fn new(
        addresses: impl IntoIterator<Item = SocketAddr>,
        config: RaceConfig,
        now: Instant,
    ) -> Self {
        let mut race = Self {
            addresses: in_order(addresses, config.addresses_max),
            running: Vec::new(),
            errors: Vec::new(),
            attempt_delay: config.attempt_delay,
            next_start: now,
            deadline: now + config.timeout,
            outputs: VecDeque::new(),
            over: false,
        };
        if race.addresses.is_empty() {
            race.finish(Output::Failed(RaceError::NoAddress));
        } else {
            race.start_next(now);
        }
        race
    }

    /// An attempt connected. Outcomes after the end of the race are ignored.
    pub fn handle_connected(&mut self, attempt: AttemptId) {
        if self.over || !self.is_running(attempt) {
            return;
        }
        let address = self.addresses[attempt.0];
        self.running[attempt.0] = false;
        self.finish(Output::Connected { attempt, address });
    }

    /// An attempt failed: the next address starts at once, if there is one.
    pub fn handle_failed(&mut self, attempt: AttemptId, error: ConnectError, now: Instant) {
        if self.over || !self.is_running(attempt) {
            return;
        }
        self.running[attempt.0] = false;
        self.errors.push(error);
        if now >= self.deadline {
            self.handle_timeout(now);
        } else if self.untried() > 0 {
            self.start_next(now);
        } else if !self.running.contains(&true) {
            let attempts = std::mem::take(&mut self.errors);
            self.finish(Output::Failed(RaceError::AllFailed { attempts }));
        }
    }

    /// Time has passed: starts the next address when it is due, ends the race at its deadline.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.over {
            return;
        }
        if now >= self.deadline {
            let running = self
                .running
                .iter()
                .zip(&self.addresses)
                .filter(|(running, _)| **running);
            let timed_out = running.map(|(_, &address)| ConnectError::TimedOut { address });
            let mut attempts = std::mem::take(&mut self.errors);
            attempts.extend(timed_out);
            let untried = self.untried();
            self.finish(Output::Failed(RaceError::DeadlinePassed {
                attempts,
                untried,
            }));
        } else if self.untried() > 0 && now >= self.next_start {
            self.start_next(now);
        }
    }

    /// What to do next; `None` is "wait".
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout); `None` when the race is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.over {
            None
        } else if self.untried() > 0 {
            Some(self.next_start.min(self.deadline))
        } else {
            Some(self.deadline)
        }
    }

    fn start_next(&mut self, now: Instant) {
        let index = self.running.len();
        debug_assert!(index < self.addresses.len());
        let address = self.addresses[index];
        self.running.push(true);
        self.next_start = now + self.attempt_delay;
        self.outputs.push_back(Output::Start {
            attempt: AttemptId(index),
            address,
        });
    }

    fn finish(&mut self, output: Output) {
        // Attempts that the caller has not begun yet are not worth beginning.
        self.outputs.clear();
        self.outputs.push_back(output);
        self.over = true;
    }

    fn is_running(&self, attempt: AttemptId) -> bool {
        self.running.get(attempt.0).copied().unwrap_or(false)
    }

    fn untried(&self) -> usize {
        self.addresses.len() - self.running.len()
    }
}

/// Distinct addresses, families in turn, at most `max` of them.
fn in_order(addresses: impl IntoIterator<Item = SocketAddr>, max: usize) -> Vec<SocketAddr> {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    let mut v6_first = None;
    for address in addresses.into_iter().map(canonical) {
        v6_first.get_or_insert(address.is_ipv6());
        let same_family = if address.is_ipv6() { &mut v6 } else { &mut v4 };
        if same_family.len() < max && !same_family.contains(&address) {
            same_family.push(address);
        }
    }
    let (first, second) = if v6_first == Some(true) {
        (v6, v4)
    } else {
        (v4, v6)
    };
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut ordered = Vec::new();
    while ordered.len() < max {
        match (first.next(), second.next()) {
            (None, None) => break,
            (one, other) => ordered.extend(one.into_iter().chain(other)),
        }
    }
    ordered.truncate(max);
    ordered
}
