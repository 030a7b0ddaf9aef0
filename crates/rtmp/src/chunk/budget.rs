//! How many chunk headers a peer may send in a second.

use std::time::Instant;

use crate::limits::{Limit, LimitExceeded};

const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// A token bucket: full at the start, as large as one second of its rate.
#[derive(Debug, Default)]
pub(super) struct HeaderBudget {
    /// What is taken and not refilled yet, as nanoseconds of refilling; at most one second.
    owed_ns: u32,
    refilled: Option<Instant>,
}

impl HeaderBudget {
    /// Refills for the time since the last call; time that goes backwards refills nothing.
    pub(super) fn set_now(&mut self, now: Instant) {
        if let Some(before) = self.refilled {
            let elapsed = now.saturating_duration_since(before).as_nanos();
            let elapsed = u32::try_from(elapsed).unwrap_or(u32::MAX);
            self.owed_ns = self.owed_ns.saturating_sub(elapsed);
        }
        self.refilled = self.refilled.max(Some(now));
    }

    /// Takes one header.
    pub(super) fn take(&mut self, per_second: u32) -> Result<(), LimitExceeded> {
        let cost = NANOS_PER_SECOND.checked_div(per_second);
        let owed = cost.and_then(|cost| self.owed_ns.checked_add(cost));
        match owed {
            Some(owed) if owed <= NANOS_PER_SECOND => {
                self.owed_ns = owed;
                Ok(())
            }
            _ => Err(LimitExceeded {
                limit: Limit::ChunkHeadersPerSecond,
                got: u64::from(per_second).saturating_add(1),
                max: u64::from(per_second),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::limits::CHUNK_HEADERS_PER_SECOND_MAX;

    #[expect(
        clippy::disallowed_methods,
        reason = "a test needs some instant to start from; which one changes nothing"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn takes(budget: &mut HeaderBudget, per_second: u32) -> u32 {
        let mut taken = 0;
        // Twice the rate is enough to see that there is no limit.
        while taken < 2 * per_second && budget.take(per_second).is_ok() {
            taken += 1;
        }
        taken
    }

    #[test]
    fn the_burst_is_one_second_and_time_refills_it() {
        for rate in [1, 3, 10, CHUNK_HEADERS_PER_SECOND_MAX] {
            let now = start();
            let mut budget = HeaderBudget::default();
            budget.set_now(now);
            assert_eq!(takes(&mut budget, rate), rate);
            budget.set_now(now + Duration::from_secs(1));
            assert_eq!(takes(&mut budget, rate), rate);
            budget.set_now(now + Duration::from_secs(100));
            assert_eq!(takes(&mut budget, rate), rate, "the bucket does not grow");
        }
    }

    #[test]
    fn short_reads_do_not_lose_fractions() {
        let mut now = start();
        let mut budget = HeaderBudget::default();
        budget.set_now(now);
        assert_eq!(takes(&mut budget, 10), 10);
        for _ in 0..1000 {
            now += Duration::from_micros(500);
            budget.set_now(now);
        }
        assert_eq!(takes(&mut budget, 10), 5);
    }

    #[test]
    fn a_clock_that_steps_back_refills_nothing() {
        let now = start();
        let mut budget = HeaderBudget::default();
        budget.set_now(now + Duration::from_secs(5));
        assert_eq!(takes(&mut budget, 10), 10);
        budget.set_now(now);
        budget.set_now(now + Duration::from_secs(5));
        assert_eq!(takes(&mut budget, 10), 0);
    }

    #[test]
    fn a_rate_of_zero_refuses_the_first() {
        let refused = HeaderBudget::default().take(0).unwrap_err();
        assert_eq!(refused.limit, Limit::ChunkHeadersPerSecond);
    }
}
