//! When a failure is news: once per outage, not once per attempt.

use std::time::{Duration, Instant};

use super::limits::BACK;

/// The outage of a destination, if it has one.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// The first failure.
    since: Option<Instant>,
    /// When media arrived again. It takes [`BACK`] from then until the outage is over.
    back: Option<Instant>,
}

impl Outage {
    /// Media arrives: for how long it did not, if it ever failed.
    pub(super) fn on_live(&mut self, now: Instant) -> Option<Duration> {
        let since = self.since?;
        self.back = Some(now);
        Some(now.saturating_duration_since(since))
    }

    /// A failure: true when it begins an outage, false when it is one more of the same.
    pub(super) fn on_failure(&mut self, now: Instant) -> bool {
        let back = self.back.take();
        let is_over = back.is_some_and(|back| now.saturating_duration_since(back) >= BACK);
        if self.since.is_some() && !is_over {
            return false;
        }
        self.since = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_failure_of_an_outage_is_news() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut outage = Outage::default();
        assert_eq!(outage.on_live(start), None, "it never failed");
        assert!(outage.on_failure(at(1)));
        assert!(!outage.on_failure(at(2)));
        assert_eq!(outage.on_live(at(31)), Some(Duration::from_secs(30)));
    }

    #[test]
    fn a_destination_is_back_when_it_stays() {
        let start = Instant::now();
        let step = Duration::from_millis(1);
        let mut outage = Outage::default();
        assert!(outage.on_failure(start));
        assert_eq!(outage.on_live(start + step), Some(step));
        assert!(
            !outage.on_failure(start + BACK),
            "it was back for too short a time"
        );
        let later = start + BACK * 2;
        assert_eq!(
            outage.on_live(later),
            Some(BACK * 2),
            "still the same outage"
        );
        assert!(outage.on_failure(later + BACK));
    }
}
