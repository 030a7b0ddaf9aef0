//! How long a push waits before it tries again: exponential with full jitter, by kind of failure.

use std::time::{Duration, Instant};

use super::failure::Kind;
use super::limits::{
    IN_ORDER_SPACING, ITSELF, NAME_TAKEN_MAX, NAME_TAKEN_MIN, REFUSED_MAX, REFUSED_MIN,
};

/// The pauses of one push. Randomness comes in from outside.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    /// Failures in a row that may heal by themselves.
    losses: u32,
    /// Permanent refusals in a row.
    refusals: u32,
}

impl Backoff {
    /// Pauses whose upper bound begins at `min` and doubles up to `max`.
    pub(super) const fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            losses: 0,
            refusals: 0,
        }
    }

    /// When the next attempt begins, after one that began at `started` failed now.
    ///
    /// A pause counts from the start of the attempt, so that a session of some seconds is followed by the next one at
    /// once; a refusal counts from now.
    pub(super) fn next(
        &mut self,
        kind: Kind,
        started: Instant,
        now: Instant,
        random: u64,
    ) -> Instant {
        let next = match kind {
            Kind::Lost => {
                let bound = doubled(self.min, self.losses).min(self.max);
                self.losses = self.losses.saturating_add(1);
                started + within(Duration::ZERO, bound, random)
            }
            Kind::Refused => {
                let bound = doubled(REFUSED_MIN, self.refusals).min(REFUSED_MAX);
                self.refusals = self.refusals.saturating_add(1);
                // Half of it at least: chance must not make us ask twice in a second.
                now + within(bound / 2, bound, random)
            }
            Kind::NameTaken => now + within(NAME_TAKEN_MIN, NAME_TAKEN_MAX, random),
            Kind::Itself => now + ITSELF,
        };
        next.max(now)
    }

    /// When the next session begins, after one that began at `started` ended in order to make room for it.
    pub(super) fn next_in_order(started: Instant, now: Instant) -> Instant {
        now.max(started + IN_ORDER_SPACING)
    }

    /// A session lasted: the pauses begin anew.
    pub(super) const fn reset(&mut self) {
        self.losses = 0;
        self.refusals = 0;
    }
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times))
}

/// A time from `min` to `max`, both included, each as likely as the others.
fn within(min: Duration, max: Duration, random: u64) -> Duration {
    let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let span = nanos(max.saturating_sub(min));
    min + Duration::from_nanos(span.checked_add(1).map_or(random, |count| random % count))
}

/// A small generator for the jitter. It protects nothing; destinations must only not be called in step.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    /// `seed` may be anything; zero counts as one.
    pub(super) const fn new(seed: u64) -> Self {
        Self(if seed == 0 { 1 } else { seed })
    }

    /// The next number: Marsaglia's xorshift64.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_millis(250);
    const MAX: Duration = Duration::from_secs(15);

    /// The shortest and the longest pause that the next failure of this kind can give, and then counts the failure.
    fn bounds(backoff: &mut Backoff, kind: Kind) -> (Duration, Duration) {
        let now = Instant::now();
        let shortest = backoff.clone().next(kind, now, now, 0) - now;
        // The longest comes from the largest remainder, which differs with the bound: look for it from above.
        let pause =
            |backoff: &Backoff, nanos: u64| backoff.clone().next(kind, now, now, nanos) - now;
        let span = (0..40).map(|step| 250_000_000_u64 << step).chain([
            2_500_000_000,
            5_000_000_000,
            10_000_000_000,
            15_000_000_000,
            20_000_000_000,
            30_000_000_000,
        ]);
        let longest = span.map(|nanos| pause(backoff, nanos)).max().unwrap();
        let _ = backoff.next(kind, now, now, 0);
        (shortest, longest)
    }

    #[test]
    fn the_bound_doubles_from_the_first_pause_to_the_longest_and_stays_there() {
        let mut backoff = Backoff::new(MIN, MAX);
        let longest: Vec<u128> = (0..9)
            .map(|_| bounds(&mut backoff, Kind::Lost).1.as_millis())
            .collect();
        assert_eq!(
            longest,
            [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]
        );
        for _ in 0..100 {
            assert_eq!(bounds(&mut backoff, Kind::Lost), (Duration::ZERO, MAX));
        }
        backoff.reset();
        assert_eq!(bounds(&mut backoff, Kind::Lost), (Duration::ZERO, MIN));
    }

    #[test]
    fn a_random_number_past_the_bound_wraps_into_it() {
        let now = Instant::now();
        let bound = u64::try_from(MIN.as_nanos()).unwrap();
        let pause = |random| Backoff::new(MIN, MAX).next(Kind::Lost, now, now, random) - now;
        assert_eq!(pause(bound), MIN);
        assert_eq!(pause(bound + 1), Duration::ZERO);
        assert!(pause(u64::MAX) <= MIN);
    }

    #[test]
    fn a_pause_counts_from_the_start_of_the_attempt_and_is_never_in_the_past() {
        let started = Instant::now();
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap();
        for (lasted_ms, pause_ms, left_ms) in [(0, 200, 200), (150, 200, 50), (5_000, 200, 0)] {
            let now = started + Duration::from_millis(lasted_ms);
            let random = nanos(Duration::from_millis(pause_ms));
            let next = Backoff::new(MIN, MAX).next(Kind::Lost, started, now, random);
            assert_eq!((next - now).as_millis(), left_ms, "after {lasted_ms} ms");
        }
    }

    #[test]
    fn refusals_have_pauses_of_their_own() {
        let mut backoff = Backoff::new(MIN, MAX);
        let seconds =
            |(shortest, longest): (Duration, Duration)| (shortest.as_millis(), longest.as_millis());
        let refused: Vec<_> = (0..6)
            .map(|_| seconds(bounds(&mut backoff, Kind::Refused)))
            .collect();
        assert_eq!(
            refused[..3],
            [(2_500, 5_000), (5_000, 10_000), (10_000, 20_000)]
        );
        assert_eq!(
            refused[3..],
            [(20_000, 40_000), (30_000, 60_000), (30_000, 60_000)]
        );
        assert_eq!(
            seconds(bounds(&mut backoff, Kind::NameTaken)),
            (5_000, 10_000)
        );
        assert_eq!(
            seconds(bounds(&mut backoff, Kind::Itself)),
            (60_000, 60_000)
        );
        assert_eq!(
            bounds(&mut backoff, Kind::Lost).1,
            MIN,
            "they do not count as losses"
        );
    }

    #[test]
    fn a_refusal_counts_from_now() {
        let started = Instant::now();
        let now = started + Duration::from_secs(100);
        let next = Backoff::new(MIN, MAX).next(Kind::Refused, started, now, 0);
        assert_eq!(next - now, REFUSED_MIN / 2);
    }

    #[test]
    fn a_session_that_makes_room_is_followed_at_once_unless_it_was_short() {
        let started = Instant::now();
        for (lasted, left) in [(0, 1_000), (999, 1), (1_000, 0), (5_000, 0)] {
            let now = started + Duration::from_millis(lasted);
            let next = Backoff::next_in_order(started, now);
            assert_eq!((next - now).as_millis(), left, "after {lasted} ms");
        }
    }

    #[test]
    fn the_generator_spreads_pauses_over_the_whole_bound() {
        let mut random = Random::new(0);
        let mut quarters = [0; 4];
        for _ in 0..4_000 {
            let pause = within(Duration::ZERO, Duration::from_millis(399), random.next());
            quarters[usize::try_from(pause.as_millis() / 100).unwrap()] += 1;
        }
        assert!(
            quarters.iter().all(|count| (900..1_100).contains(count)),
            "{quarters:?}"
        );
    }
}
