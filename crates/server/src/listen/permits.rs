//! What one address may use up: handshakes, connections, connects per second.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::address::Key;
use crate::config::{Limits, Network};

/// Addresses in the table. Those that find no place share one entry, as if they were one address.
/// Why: every entry that stays has a connection, so that descriptors run out first; about 100 MiB if they do not.
const ADDRESSES_MAX: usize = 1 << 20;

/// Entries below which nothing is cleaned up; above it at twice the number that the last cleaning left.
/// Why: cleaning costs one look at each entry, so that twice the number makes it a constant per connect.
const CLEAN_ENTRIES_MIN: usize = 1_024;

/// Pause between cleanings of a full table.
/// Why: a full table would otherwise be walked at every connect of a new address.
const CLEAN_FULL_PAUSE: Duration = Duration::from_secs(1);

/// Why a connection was turned away. `Display` names the setting to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TurnedAway {
    /// There are too many connections.
    #[error("too many connections: `connections` in [limits]")]
    Connections,
    /// The address has too many connections that have not finished their handshake.
    #[error(
        "too many connections of this address are in their handshake: `handshakes_per_address` in [limits]"
    )]
    HandshakesPerAddress,
    /// The address has too many connections.
    #[error("too many connections of this address: `connections_per_address` in [limits]")]
    ConnectionsPerAddress,
    /// The address connects too often.
    #[error(
        "too many new connections of this address per second: `connects_per_second` and `connects_burst` in [limits]"
    )]
    ConnectsPerSecond,
}

impl TurnedAway {
    /// A stable label in snake case: the setting that decided.
    #[must_use]
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::HandshakesPerAddress => "handshakes_per_address",
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::ConnectsPerSecond => "connects_per_second",
        }
    }
}

/// Counts connections per address. IPv6 counts per /64; addresses in `limits.trusted` are not counted.
pub(crate) struct Permits {
    trusted: Vec<Network>,
    figures: Figures,
    table: Arc<Mutex<Table>>,
}

/// The place of one connection in the count; dropping it gives the place back.
pub(crate) struct Permit {
    /// `None` for a trusted address.
    place: Option<Place>,
}

struct Place {
    table: Arc<Mutex<Table>>,
    key: Key,
    in_handshake: bool,
}

/// What the limits are.
#[derive(Debug, Clone, Copy)]
struct Figures {
    handshakes: u32,
    connections: u32,
    /// Time in which one connect is earned.
    interval: Duration,
    /// Time in which the whole burst is earned.
    burst: Duration,
}

struct Table {
    counts: HashMap<Key, Counts>,
    entries_max: usize,
    clean_at_entries: usize,
    clean_full_after: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Counts {
    connections: u32,
    handshakes: u32,
    /// When the whole burst is earned again. A connect moves it on by one interval.
    full_at: Instant,
}

impl Permits {
    /// Nobody is connected yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::with_entries(limits, ADDRESSES_MAX)
    }

    fn with_entries(limits: &Limits, entries_max: usize) -> Self {
        let interval = Duration::from_secs(1) / limits.connects_per_second.max(1);
        Self {
            trusted: limits.trusted.clone(),
            figures: Figures {
                handshakes: limits.handshakes_per_address,
                connections: limits.connections_per_address,
                interval,
                burst: interval.saturating_mul(limits.connects_burst),
            },
            table: Arc::new(Mutex::new(Table {
                counts: HashMap::new(),
                entries_max,
                clean_at_entries: CLEAN_ENTRIES_MIN,
                clean_full_after: None,
            })),
        }
    }

    /// Counts a new connection in, at the start of its handshake.
    ///
    /// # Errors
    /// The limit that is used up. The connection is not counted, and costs the address no connect.
    pub(crate) fn admit(&self, now: Instant, address: IpAddr) -> Result<Permit, TurnedAway> {
        if self.trusted.iter().any(|network| network.contains(address)) {
            return Ok(Permit { place: None });
        }
        let key = lock(&self.table).count_in(now, Key::of(address), &self.figures)?;
        Ok(Permit {
            place: Some(Place {
                table: Arc::clone(&self.table),
                key,
                in_handshake: true,
            }),
        })
    }
}

impl Permit {
    /// The handshake is over: it counts as a connection only. Once is enough, more do no harm.
    pub(crate) fn handshake_done(&mut self) {
        if let Some(place) = &mut self.place {
            place.leave_handshake();
        }
    }
}

impl Place {
    fn leave_handshake(&mut self) {
        if std::mem::take(&mut self.in_handshake)
            && let Some(counts) = lock(&self.table).counts.get_mut(&self.key)
        {
            counts.handshakes = counts.handshakes.saturating_sub(1);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave_handshake();
        if let Some(counts) = lock(&self.table).counts.get_mut(&self.key) {
            counts.connections = counts.connections.saturating_sub(1);
        }
    }
}

impl Table {
    /// Counts a connection in and says under which key.
    fn count_in(&mut self, now: Instant, key: Key, figures: &Figures) -> Result<Key, TurnedAway> {
        let key = if self.counts.contains_key(&key) || self.has_place(now) {
            key
        } else {
            Key::Rest
        };
        match self.counts.entry(key) {
            Entry::Occupied(mut entry) => entry.get_mut().connect(now, figures)?,
            Entry::Vacant(entry) => {
                let mut counts = Counts {
                    connections: 0,
                    handshakes: 0,
                    full_at: now,
                };
                counts.connect(now, figures)?;
                entry.insert(counts);
            }
        }
        Ok(key)
    }

    /// Whether a new address fits in, after cleaning when it is time.
    fn has_place(&mut self, now: Instant) -> bool {
        let is_full = self.counts.len() >= self.entries_max;
        let clean_now = if is_full {
            self.clean_full_after.is_none_or(|after| now >= after)
        } else {
            self.counts.len() >= self.clean_at_entries
        };
        if clean_now {
            self.counts.retain(|_, counts| !counts.is_idle(now));
            self.clean_at_entries = (self.counts.len() * 2).max(CLEAN_ENTRIES_MIN);
            self.clean_full_after = Some(now + CLEAN_FULL_PAUSE);
            self.counts.shrink_to(self.clean_at_entries);
        }
        self.counts.len() < self.entries_max
    }
}

impl Counts {
    fn connect(&mut self, now: Instant, figures: &Figures) -> Result<(), TurnedAway> {
        if self.connections >= figures.connections {
            return Err(TurnedAway::ConnectionsPerAddress);
        }
        if self.handshakes >= figures.handshakes {
            return Err(TurnedAway::HandshakesPerAddress);
        }
        let full_at = self.full_at.max(now) + figures.interval;
        if full_at.duration_since(now) > figures.burst {
            return Err(TurnedAway::ConnectsPerSecond);
        }
        self.full_at = full_at;
        self.connections += 1;
        self.handshakes += 1;
        Ok(())
    }

    /// Whether forgetting it changes nothing.
    fn is_idle(&self, now: Instant) -> bool {
        self.connections == 0 && self.full_at <= now
    }
}

/// A panic elsewhere leaves counts that are right: each change is one step.
fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits")
            .field("figures", &self.figures)
            .field("addresses", &lock(&self.table).counts.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_handshake = self.place.as_ref().is_some_and(|place| place.in_handshake);
        f.debug_struct("Permit")
            .field("counted", &self.place.is_some())
            .field("in_handshake", &in_handshake)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            handshakes_per_address: 3,
            connections_per_address: 5,
            connects_per_second: 10,
            connects_burst: 100,
            ..Limits::default()
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn entries(permits: &Permits) -> usize {
        lock(&permits.table).counts.len()
    }

    #[test]
    fn handshakes_are_counted_until_they_are_done_or_the_connection_ends() {
        let permits = Permits::new(&limits());
        let now = Instant::now();
        let admit = || permits.admit(now, ip("192.0.2.1"));
        let mut held: Vec<_> = (0..3).map(|_| admit().unwrap()).collect();
        assert_eq!(admit().unwrap_err(), TurnedAway::HandshakesPerAddress);

        // Twice for one connection frees one place, not two.
        held[0].handshake_done();
        held[0].handshake_done();
        held.push(admit().unwrap());
        assert_eq!(admit().unwrap_err(), TurnedAway::HandshakesPerAddress);

        // The end of a connection whose handshake was done frees no handshake.
        drop(held.remove(0));
        assert_eq!(admit().unwrap_err(), TurnedAway::HandshakesPerAddress);
        held.pop();
        admit().unwrap();
    }

    #[test]
    fn connections_are_counted_until_they_end() {
        let permits = Permits::new(&limits());
        let now = Instant::now();
        let admit = || {
            let mut permit = permits.admit(now, ip("192.0.2.1"))?;
            permit.handshake_done();
            Ok::<_, TurnedAway>(permit)
        };
        let mut held: Vec<_> = (0..5).map(|_| admit().unwrap()).collect();
        assert_eq!(admit().unwrap_err(), TurnedAway::ConnectionsPerAddress);
        held.pop();
        held.push(admit().unwrap());
        assert_eq!(admit().unwrap_err(), TurnedAway::ConnectionsPerAddress);
        permits.admit(now, ip("192.0.2.2")).unwrap();
    }

    #[test]
    fn connects_are_limited_by_a_burst_and_a_rate() {
        let limits = Limits {
            connects_burst: 4,
            ..limits()
        };
        let permits = Permits::new(&limits);
        let start = Instant::now();
        let connect = |after_ms| {
            let now = start + Duration::from_millis(after_ms);
            permits.admit(now, ip("192.0.2.1")).map(drop)
        };
        for _ in 0..4 {
            connect(0).unwrap();
        }
        assert_eq!(connect(0), Err(TurnedAway::ConnectsPerSecond));
        // One connect is earned in 100 ms; being turned away costs nothing.
        assert_eq!(connect(99), Err(TurnedAway::ConnectsPerSecond));
        connect(100).unwrap();
        assert_eq!(connect(100), Err(TurnedAway::ConnectsPerSecond));
        // More than the burst is never saved up.
        for _ in 0..4 {
            connect(60_000).unwrap();
        }
        assert_eq!(connect(60_000), Err(TurnedAway::ConnectsPerSecond));
    }

    #[test]
    fn the_default_figures_hold_at_and_past_each_limit() {
        let permits = Permits::new(&Limits::default());
        let now = Instant::now();
        let mut handshakes: Vec<_> = (0..256)
            .map(|_| permits.admit(now, ip("192.0.2.1")).unwrap())
            .collect();
        let refused = permits.admit(now, ip("192.0.2.1")).unwrap_err();
        assert_eq!(refused, TurnedAway::HandshakesPerAddress);
        handshakes.clear();
        for _ in 256..1_000 {
            permits.admit(now, ip("192.0.2.1")).unwrap();
        }
        let refused = permits.admit(now, ip("192.0.2.1")).unwrap_err();
        assert_eq!(refused, TurnedAway::ConnectsPerSecond);
    }

    #[test]
    fn ipv6_counts_per_64_bits_and_mapped_ipv4_as_ipv4() {
        let permits = Permits::new(&limits());
        let now = Instant::now();
        let _held: Vec<_> = ["2001:db8:0:7::1", "2001:db8:0:7:ffff::", "2001:db8:0:7::2"]
            .map(|address| permits.admit(now, ip(address)).unwrap())
            .into();
        let refused = permits.admit(now, ip("2001:db8:0:7:1::")).unwrap_err();
        assert_eq!(refused, TurnedAway::HandshakesPerAddress);
        permits.admit(now, ip("2001:db8:0:8::1")).unwrap();

        let _held: Vec<_> = ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"]
            .map(|address| permits.admit(now, ip(address)).unwrap())
            .into();
        let refused = permits.admit(now, ip("::ffff:192.0.2.1")).unwrap_err();
        assert_eq!(refused, TurnedAway::HandshakesPerAddress);
        permits.admit(now, ip("::ffff:192.0.2.2")).unwrap();
    }

    #[test]
    fn trusted_networks_are_exempt() {
        let permits = Permits::new(&limits());
        let now = Instant::now();
        let mut held: Vec<_> = (0..200)
            .map(|_| permits.admit(now, ip("127.0.0.1")).unwrap())
            .collect();
        held[0].handshake_done();
        assert_eq!(entries(&permits), 0);
    }

    #[test]
    fn idle_addresses_are_forgotten_and_connected_ones_are_not() {
        let permits = Permits::new(&limits());
        let start = Instant::now();
        let stranger = |n: usize| {
            let [.., b, c, d] = n.to_be_bytes();
            IpAddr::from([1, b, c, d])
        };
        let _held = permits.admit(start, ip("192.0.2.1")).unwrap();
        for n in 0..CLEAN_ENTRIES_MIN - 1 {
            permits.admit(start, stranger(n)).unwrap();
        }
        assert_eq!(entries(&permits), CLEAN_ENTRIES_MIN);
        // Nothing is earned back yet: all stay. Then the bucket of each is full again.
        permits.admit(start, stranger(CLEAN_ENTRIES_MIN)).unwrap();
        assert_eq!(entries(&permits), CLEAN_ENTRIES_MIN + 1);
        let later = start + Duration::from_millis(100);
        for n in 0..CLEAN_ENTRIES_MIN {
            permits.admit(later, stranger(n + 10_000)).unwrap();
        }
        assert!(entries(&permits) <= CLEAN_ENTRIES_MIN + 1);
        assert_eq!(
            lock(&permits.table).counts[&Key::of(ip("192.0.2.1"))].connections,
            1
        );
    }

    #[test]
    fn addresses_past_a_full_table_share_one_entry() {
        let permits = Permits::with_entries(&limits(), 2);
        let now = Instant::now();
        let mut held = vec![
            permits.admit(now, ip("192.0.2.1")).unwrap(),
            permits.admit(now, ip("192.0.2.2")).unwrap(),
        ];
        for last in 3..6 {
            held.push(permits.admit(now, [192, 0, 2, last].into()).unwrap());
        }
        let refused = permits.admit(now, ip("192.0.2.6")).unwrap_err();
        assert_eq!(refused, TurnedAway::HandshakesPerAddress);
        assert_eq!(entries(&permits), 3);
        // Those in the table have their own count still.
        permits.admit(now, ip("192.0.2.1")).unwrap();

        // When the others are gone there is a place again.
        held.clear();
        permits
            .admit(now + CLEAN_FULL_PAUSE, ip("192.0.2.6"))
            .unwrap();
        assert_eq!(entries(&permits), 1);
    }

    #[test]
    fn the_sentence_names_the_setting_and_the_label_is_its_key() {
        for turned_away in [
            TurnedAway::Connections,
            TurnedAway::HandshakesPerAddress,
            TurnedAway::ConnectionsPerAddress,
            TurnedAway::ConnectsPerSecond,
        ] {
            let sentence = turned_away.to_string();
            assert!(sentence.contains(&format!("`{}`", turned_away.label())));
            assert!(sentence.contains("[limits]"));
            let setting = ("limits", turned_away.label());
            assert!(crate::config::Config::keys().contains(&setting));
        }
    }
}
