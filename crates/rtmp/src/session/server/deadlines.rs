//! The time that a client has to ask for something, and the commands that it may send in a second.

use std::time::{Duration, Instant};

use crate::limits::{Limit, LimitExceeded};

/// Runs while the client owes a request to publish or play; our own decisions stop it. [WIRE 214]
#[derive(Debug, Clone, Copy)]
pub(super) enum RequestTimer {
    Running { deadline: Instant },
    Stopped { remaining: Duration },
}

impl RequestTimer {
    /// Not running yet.
    pub(super) const fn new(timeout: Duration) -> Self {
        Self::Stopped { remaining: timeout }
    }

    /// It is our turn.
    pub(super) fn stop(&mut self, now: Instant) {
        if let Self::Running { deadline } = *self {
            *self = Self::Stopped {
                remaining: deadline.saturating_duration_since(now),
            };
        }
    }

    /// It is the client's turn again.
    pub(super) fn go_on(&mut self, now: Instant) {
        if let Self::Stopped { remaining } = *self {
            self.start(now, remaining);
        }
    }

    /// The client starts over. A timeout beyond the clock's range never comes.
    pub(super) fn start(&mut self, now: Instant, timeout: Duration) {
        *self = match now.checked_add(timeout) {
            Some(deadline) => Self::Running { deadline },
            None => Self::Stopped { remaining: timeout },
        };
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Running { deadline } => Some(*deadline),
            Self::Stopped { .. } => None,
        }
    }
}

/// Counts commands: a burst of one second's worth, then as many as time allows. [WIRE 209]
#[derive(Debug, Clone, Copy)]
pub(super) struct CommandBudget {
    /// When all commands so far are paid for.
    paid_at: Instant,
}

impl CommandBudget {
    /// Time in which the whole budget comes back.
    const PERIOD: Duration = Duration::from_secs(1);

    pub(super) const fn new(now: Instant) -> Self {
        Self { paid_at: now }
    }

    /// Takes one command.
    pub(super) fn spend(&mut self, now: Instant, per_second: u32) -> Result<(), LimitExceeded> {
        let max = u64::from(per_second);
        let exceeded = LimitExceeded {
            limit: Limit::Commands,
            got: max.saturating_add(1),
            max,
        };
        let price = Self::PERIOD.checked_div(per_second).ok_or(exceeded)?;
        let paid_at = self.paid_at.max(now).checked_add(price).ok_or(exceeded)?;
        if paid_at.saturating_duration_since(now) > Self::PERIOD {
            return Err(exceeded);
        }
        self.paid_at = paid_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn epoch() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_stopped_timer_keeps_what_is_left() {
        let start = epoch();
        let mut timer = RequestTimer::new(10 * SECOND);
        assert_eq!(timer.deadline(), None);
        timer.go_on(start);
        assert_eq!(timer.deadline(), Some(start + 10 * SECOND));
        timer.stop(start + 4 * SECOND);
        timer.stop(start + 5 * SECOND);
        assert_eq!(timer.deadline(), None);
        timer.go_on(start + 60 * SECOND);
        timer.go_on(start + 61 * SECOND);
        assert_eq!(timer.deadline(), Some(start + 66 * SECOND));
        timer.start(start + 70 * SECOND, 10 * SECOND);
        assert_eq!(timer.deadline(), Some(start + 80 * SECOND));
    }

    #[test]
    fn the_budget_allows_one_second_at_once_and_comes_back_with_time() {
        let start = epoch();
        let mut budget = CommandBudget::new(start);
        for _ in 0..100 {
            budget.spend(start, 100).unwrap();
        }
        let exceeded = budget.spend(start, 100).unwrap_err();
        assert_eq!(
            (exceeded.limit, exceeded.got, exceeded.max),
            (Limit::Commands, 101, 100)
        );
        budget.spend(start + SECOND / 100, 100).unwrap();
        assert!(budget.spend(start + SECOND / 100, 100).is_err());
        assert!(budget.spend(start + 5 * SECOND, 0).is_err());
    }
}
