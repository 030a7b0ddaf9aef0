//! How fast one address may try stream keys.
//!
//! Some wrong keys at once are refused without a wait, as many again every minute. The refusal of the next waits until it
//! would have been earned. When that is too far off, no key of the address is looked at any more, not even a right one:
//! else a guesser would hang up and try the next. That ends by itself, at the latest after one earning.
//!
//! When more addresses guess than the table holds, the others share one entry. Their refusals wait like those of one
//! address, but each of their keys is looked at: somebody with that many addresses could otherwise keep everybody out who
//! has the right one.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::address::Key;
use crate::config::limits::REFUSAL_WAIT_MAX;
use crate::config::{Limits, Network};

/// Addresses in the table. Those that find no place share one entry, as if they were one address.
/// Why: an entry that stays has tried a wrong key within some minutes; 2 MiB.
const ADDRESSES_MAX: usize = 1 << 15;

/// Pause between two looks for entries that can go, when the table is full.
/// Why: each look costs a walk over the table.
const CLEAN_PAUSE: Duration = Duration::from_secs(1);

/// The wrong keys of each address. Addresses in `limits.trusted` are not counted.
pub(crate) struct WrongKeys {
    trusted: Vec<Network>,
    /// Time in which one wrong key is earned.
    interval: Duration,
    /// Time in which all that are free at once are earned.
    burst: Duration,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    /// When everything is earned again. A wrong key moves it on by one interval.
    full_at: HashMap<Key, Instant>,
    clean_after: Option<Instant>,
}

impl WrongKeys {
    /// Nobody has guessed yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        let per_minute = limits.wrong_keys_per_minute.max(1);
        let interval = Duration::from_secs(60) / per_minute;
        Self {
            trusted: limits.trusted.clone(),
            interval,
            burst: interval.saturating_mul(per_minute),
            table: Mutex::default(),
        }
    }

    /// Whether a key of this address may be looked at.
    pub(crate) fn may_try(&self, now: Instant, address: IpAddr) -> bool {
        if self.is_trusted(address) {
            return true;
        }
        let table = self.lock();
        let full_at = table.full_at.get(&Key::of(address));
        full_at.is_none_or(|full_at| self.wait(now, *full_at) <= REFUSAL_WAIT_MAX)
    }

    /// Counts a wrong key and says how long its refusal waits.
    pub(crate) fn count(&self, now: Instant, address: IpAddr) -> Duration {
        if self.is_trusted(address) {
            return Duration::ZERO;
        }
        let mut table = self.lock();
        let key = table.place_for(now, Key::of(address));
        let full_at = table.full_at.entry(key).or_insert(now);
        let wait = self.wait(now, *full_at);
        // Nothing ends the guesses of those who share an entry, and its wait must come down again.
        if key != Key::Rest || wait < REFUSAL_WAIT_MAX {
            *full_at = (*full_at).max(now) + self.interval;
        }
        wait.min(REFUSAL_WAIT_MAX)
    }

    /// Until the next wrong key is earned.
    fn wait(&self, now: Instant, full_at: Instant) -> Duration {
        let owed = full_at.saturating_duration_since(now) + self.interval;
        owed.saturating_sub(self.burst)
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// A panic elsewhere leaves times that are right: each change is one step.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The key under which this one is counted: its own, unless the table is full.
    fn place_for(&mut self, now: Instant, key: Key) -> Key {
        if self.full_at.contains_key(&key) || self.full_at.len() < ADDRESSES_MAX {
            return key;
        }
        if self.clean_after.is_none_or(|after| after <= now) {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.clean_after = Some(now + CLEAN_PAUSE);
        }
        if self.full_at.len() < ADDRESSES_MAX {
            key
        } else {
            Key::Rest
        }
    }
}

impl fmt::Debug for WrongKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrongKeys")
            .field("interval", &self.interval)
            .field("addresses", &self.lock().full_at.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn wrong_keys(per_minute: u32) -> WrongKeys {
        WrongKeys::new(&Limits {
            wrong_keys_per_minute: per_minute,
            ..Limits::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Tries wrong keys until none is looked at; the waits of their refusals, in seconds.
    fn guess(wrong_keys: &WrongKeys, now: Instant, address: IpAddr) -> Vec<u64> {
        let mut waits = Vec::new();
        while wrong_keys.may_try(now, address) {
            waits.push(wrong_keys.count(now, address).as_secs());
        }
        waits
    }

    #[test]
    fn some_are_free_the_next_wait_and_then_none_is_looked_at() {
        let start = Instant::now();
        let guessed = guess(&wrong_keys(5), start, ip("192.0.2.1"));
        assert_eq!(guessed, [0, 0, 0, 0, 0, 12, 24]);
        let guessed = guess(&wrong_keys(60), start, ip("192.0.2.1"));
        assert_eq!(guessed[..60], [0; 60]);
        assert_eq!(guessed[60..], (1..=30).collect::<Vec<u64>>());
    }

    #[test]
    fn nobody_is_locked_out_for_longer_than_one_key_takes_to_earn() {
        let wrong_keys = wrong_keys(5);
        let start = Instant::now();
        guess(&wrong_keys, start, ip("192.0.2.1"));
        assert!(!wrong_keys.may_try(start, ip("192.0.2.1")));
        // The wait was 36 s; it must come down to 30 s.
        let almost = start + 6 * SECOND - Duration::from_millis(1);
        assert!(!wrong_keys.may_try(almost, ip("192.0.2.1")));
        assert!(wrong_keys.may_try(start + 6 * SECOND, ip("192.0.2.1")));
        // A guesser that goes on gets one key looked at in 12 s.
        let guessed: usize = (6..606)
            .map(|second| guess(&wrong_keys, start + second * SECOND, ip("192.0.2.1")).len())
            .sum();
        assert_eq!(guessed, 50);
    }

    #[test]
    fn an_address_is_not_answerable_for_another_and_a_trusted_one_for_nothing() {
        let wrong_keys = wrong_keys(5);
        let now = Instant::now();
        guess(&wrong_keys, now, ip("2001:db8:0:7::1"));
        assert!(
            !wrong_keys.may_try(now, ip("2001:db8:0:7:ffff::")),
            "one /64"
        );
        assert!(wrong_keys.may_try(now, ip("2001:db8:0:8::1")));
        for _ in 0..1_000 {
            assert_eq!(wrong_keys.count(now, ip("127.0.0.1")), Duration::ZERO);
        }
        assert!(wrong_keys.may_try(now, ip("127.0.0.1")));
    }

    #[test]
    fn a_full_table_keeps_its_guessers_and_the_rest_wait_together_but_nobody_is_kept_out() {
        let wrong_keys = wrong_keys(5);
        let start = Instant::now();
        let stranger = |n: usize| {
            let [.., b, c, d] = n.to_be_bytes();
            IpAddr::from([1, b, c, d])
        };
        guess(&wrong_keys, start, stranger(0));
        for n in 1..ADDRESSES_MAX {
            wrong_keys.count(start, stranger(n));
        }
        assert_eq!(wrong_keys.lock().full_at.len(), ADDRESSES_MAX);
        // All of them together are refused at the pace of one, and a right key is looked at.
        let waits = |now, first: usize| -> Vec<u64> {
            let others = (0..8).map(|n| stranger(ADDRESSES_MAX + first + n));
            let wait = |address| {
                assert!(wrong_keys.may_try(now, address));
                wrong_keys.count(now, address).as_secs()
            };
            others.map(wait).collect()
        };
        assert_eq!(waits(start, 0), [0, 0, 0, 0, 0, 12, 24, 30]);
        assert_eq!(waits(start, 8), [30; 8]);
        assert_eq!(wrong_keys.lock().full_at.len(), ADDRESSES_MAX + 1);
        let soon = start + 6 * SECOND;
        assert_eq!(
            waits(soon, 0),
            [30; 8],
            "36 s less 6 s are the longest wait"
        );
        assert_eq!(waits(start + 11 * SECOND, 0)[0], 25, "it came down");
        assert!(!wrong_keys.may_try(start, stranger(0)));
        assert!(wrong_keys.may_try(start, stranger(1)));
        // Who tried once is forgotten when it has earned that again.
        let later = start + 20 * SECOND;
        wrong_keys.count(later, stranger(ADDRESSES_MAX + 1));
        assert_eq!(wrong_keys.lock().full_at.len(), 3);
    }
}
