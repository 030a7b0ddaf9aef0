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
        if v6_first.is_none() {
            v6_first = Some(address.is_ipv6());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    use self::Fate::{Connects, Fails, Silent};

    const DELAY: Duration = Duration::from_millis(250);
    const TIMEOUT: Duration = Duration::from_secs(2);
    const CONFIG: RaceConfig = RaceConfig {
        attempt_delay: DELAY,
        timeout: TIMEOUT,
        addresses_max: 4,
    };

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn started(race: &mut Race) -> Option<(AttemptId, SocketAddr)> {
        match race.poll_output() {
            Some(Output::Start { attempt, address }) => Some((attempt, address)),
            None => None,
            other => panic!("expected a start: {other:?}"),
        }
    }

    fn refused(address: SocketAddr) -> ConnectError {
        ConnectError::Refused { address }
    }

    #[test]
    fn families_take_turns_beginning_with_the_resolvers_first() {
        let given = addresses(&[
            "[2001:db8::1]:1",
            "[2001:db8::2]:1",
            "192.0.2.1:1",
            "192.0.2.2:1",
        ]);
        let ordered = in_order(given, 8);
        let expected = addresses(&[
            "[2001:db8::1]:1",
            "192.0.2.1:1",
            "[2001:db8::2]:1",
            "192.0.2.2:1",
        ]);
        assert_eq!(ordered, expected);
        let v4_first = in_order(
            addresses(&["192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1"]),
            8,
        );
        assert_eq!(
            v4_first,
            addresses(&["192.0.2.1:1", "[2001:db8::1]:1", "192.0.2.2:1"])
        );
    }

    #[test]
    fn doubles_and_mapped_addresses_count_once() {
        let given = addresses(&["[::ffff:192.0.2.1]:1", "192.0.2.1:1", "192.0.2.1:1"]);
        assert_eq!(in_order(given, 8), addresses(&["192.0.2.1:1"]));
    }

    #[test]
    fn the_number_of_addresses_is_bounded_and_both_families_keep_a_place() {
        let v6 = (0..40u16).map(|port| SocketAddr::new("2001:db8::1".parse().unwrap(), port));
        let v4 = (0..40u16).map(|port| SocketAddr::new("192.0.2.1".parse().unwrap(), port));
        for max in [limits::RACE_ADDRESSES_MAX, 1] {
            let ordered = in_order(v6.clone().chain(v4.clone()), max);
            assert_eq!(ordered.len(), max);
            assert_eq!(
                ordered.iter().filter(|address| address.is_ipv4()).count(),
                max / 2
            );
        }
        let exact = in_order(
            v6.take(limits::RACE_ADDRESSES_MAX),
            limits::RACE_ADDRESSES_MAX,
        );
        assert_eq!(exact.len(), limits::RACE_ADDRESSES_MAX);
    }

    #[test]
    fn the_second_address_starts_after_the_delay_and_not_before() {
        let now = Instant::now();
        let given = addresses(&["[2001:db8::1]:1", "192.0.2.1:1"]);
        let mut race = Race::new(given.clone(), CONFIG, now);
        let (first, address) = started(&mut race).unwrap();
        assert_eq!(address, given[0]);
        assert_eq!(race.poll_timeout(), Some(now + DELAY));
        race.handle_timeout(now + DELAY - Duration::from_millis(1));
        assert!(started(&mut race).is_none());
        race.handle_timeout(now + DELAY);
        let (second, address) = started(&mut race).unwrap();
        assert_eq!(address, given[1]);
        assert_eq!(race.poll_timeout(), Some(now + TIMEOUT));
        race.handle_connected(second);
        assert!(
            matches!(race.poll_output(), Some(Output::Connected { attempt, .. }) if attempt == second)
        );
        race.handle_connected(first);
        race.handle_timeout(now + TIMEOUT);
        assert!(race.poll_output().is_none(), "the race is over once");
        assert_eq!(race.poll_timeout(), None);
    }

    #[test]
    fn a_failure_starts_the_next_address_at_once_and_every_error_is_kept() {
        let now = Instant::now();
        let given = addresses(&["192.0.2.1:1", "192.0.2.2:1"]);
        let mut race = Race::new(given.clone(), CONFIG, now);
        let (first, _) = started(&mut race).unwrap();
        race.handle_failed(first, refused(given[0]), now);
        let (second, _) = started(&mut race).unwrap();
        race.handle_failed(first, refused(given[0]), now);
        race.handle_failed(second, ConnectError::Unreachable { address: given[1] }, now);
        let Some(Output::Failed(error)) = race.poll_output() else {
            panic!("not over")
        };
        assert_eq!(error.attempts().len(), 2);
        assert_eq!(
            error.to_string(),
            "cannot connect to 192.0.2.1:1: connection refused; \
             cannot connect to 192.0.2.2:1: network or host unreachable"
        );
        assert_eq!(error.try_hint(), refused(given[0]).try_hint());
    }

    #[test]
    fn the_deadline_ends_all_attempts_and_names_them() {
        let now = Instant::now();
        let given = addresses(&["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"]);
        let mut race = Race::new(given.clone(), CONFIG, now);
        race.handle_timeout(now + DELAY);
        race.handle_timeout(now + TIMEOUT);
        let Some(Output::Failed(RaceError::DeadlinePassed { attempts, untried })) =
            race.poll_output()
        else {
            panic!("not over")
        };
        assert_eq!((attempts.len(), untried), (2, 1));
        assert!(matches!(attempts[0], ConnectError::TimedOut { address } if address == given[0]));
    }

    #[test]
    fn no_address_is_an_error_of_its_own() {
        let mut race = Race::new([], CONFIG, Instant::now());
        assert!(matches!(
            race.poll_output(),
            Some(Output::Failed(RaceError::NoAddress))
        ));
        assert_eq!(race.poll_timeout(), None);
    }

    /// What becomes of an address in the exhaustive test, so long after its start.
    #[derive(Clone, Copy)]
    enum Fate {
        Connects(u64),
        Fails(u64),
        Silent,
    }

    #[test]
    fn every_mix_of_fates_ends_with_the_earliest_connection_or_all_errors() {
        let fates = [
            Connects(0),
            Connects(100),
            Connects(400),
            Fails(0),
            Fails(100),
            Fails(400),
            Silent,
        ];
        for mix in 0..fates.len().pow(3) {
            let pick = |place: u32| fates[mix / fates.len().pow(place) % fates.len()];
            run_mix(&[pick(0), pick(1), pick(2)]);
        }
    }

    /// Runs one race in virtual time, and checks its end.
    fn run_mix(fates: &[Fate]) {
        let given = addresses(&["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"]);
        let begin = Instant::now();
        let mut race = Race::new(given.clone(), CONFIG, begin);
        let mut now = begin;
        let mut pending: Vec<(Instant, AttemptId, bool)> = Vec::new();
        let mut starts = 0;
        loop {
            match race.poll_output() {
                Some(Output::Start { attempt, address }) => {
                    assert_eq!(address, given[starts], "in order, each once");
                    match fates[starts] {
                        Connects(ms) => pending.push((now + limits::millis(ms), attempt, true)),
                        Fails(ms) => pending.push((now + limits::millis(ms), attempt, false)),
                        Silent => {}
                    }
                    starts += 1;
                    continue;
                }
                Some(Output::Connected { attempt, .. }) => {
                    let earliest = pending.iter().filter(|(_, _, connects)| *connects).min();
                    assert!(earliest.is_none_or(|(at, ..)| *at >= now));
                    assert!(matches!(fates[attempt.0], Connects(_)));
                    break;
                }
                Some(Output::Failed(error)) => {
                    assert!(fates.iter().all(|fate| !matches!(fate, Connects(_))));
                    assert_eq!(error.attempts().len(), fates.len());
                    break;
                }
                None => {}
            }
            pending.sort();
            let wake = race.poll_timeout().expect("not over");
            assert!(wake <= begin + TIMEOUT);
            if pending.first().is_some_and(|(at, ..)| *at <= wake) {
                let (at, attempt, connects) = pending.remove(0);
                now = now.max(at);
                if connects {
                    race.handle_connected(attempt);
                } else {
                    race.handle_failed(attempt, refused(given[attempt.0]), now);
                }
            } else {
                now = now.max(wake);
                race.handle_timeout(now);
            }
        }
        assert_eq!(race.poll_timeout(), None);
    }
}
