//! How often a push moves because its destination says so. Pure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::limits::{MOVE_PAUSE_MIN, MOVE_TRIES_MAX, MOVES_MAX, MOVES_PERIOD};

/// The moves of one push, over all its sessions.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// When those began that count.
    begun: VecDeque<Instant>,
}

impl Moves {
    /// Whether the push obeys a request now; if so it counts.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let is_old = |begun: &Instant| now.saturating_duration_since(*begun) >= MOVES_PERIOD;
        while self.begun.front().is_some_and(is_old) {
            self.begun.pop_front();
        }
        if self.begun.len() >= MOVES_MAX {
            return false;
        }
        self.begun.push_back(now);
        true
    }
}

/// The tries of one move.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// A try failed: how long to wait for the next one; `None` when it was the last.
    pub(super) fn failed(&mut self, random: u64) -> Option<Duration> {
        self.0 += 1;
        if self.0 >= MOVE_TRIES_MAX {
            return None;
        }
        let longest = MOVE_PAUSE_MIN * 2_u32.saturating_pow(self.0);
        // Between half of it and all of it: those who were asked together do not come back together.
        let span = u64::try_from((longest / 2).as_millis()).unwrap_or(u64::MAX);
        Some(longest / 2 + Duration::from_millis(random % span.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_that_asks_every_second_is_obeyed_up_to_the_limit() {
        let start = Instant::now();
        let mut moves = Moves::default();
        let obeyed = (0..MOVES_PERIOD.as_secs())
            .filter(|second| moves.begin(start + Duration::from_secs(*second)))
            .count();
        assert_eq!(obeyed, MOVES_MAX);
        let step = Duration::from_millis(1);
        assert!(!moves.begin(start + MOVES_PERIOD - step));
        assert!(moves.begin(start + MOVES_PERIOD), "the first is forgotten");
        assert!(!moves.begin(start + MOVES_PERIOD));
    }

    #[test]
    fn tries_are_bounded_and_their_pauses_double() {
        let pauses = |random| {
            let mut tries = Tries::default();
            let pauses: Vec<u128> = std::iter::from_fn(|| tries.failed(random))
                .map(|pause| pause.as_millis())
                .collect();
            pauses
        };
        assert_eq!(pauses(0), [1_000, 2_000, 4_000, 8_000]);
        assert!(
            pauses(u64::MAX)
                .iter()
                .zip(pauses(0))
                .all(|(long, short)| { (short..=short * 2).contains(long) })
        );
        assert_eq!(
            pauses(0).len(),
            usize::try_from(MOVE_TRIES_MAX - 1).unwrap()
        );
    }
}
