//! One line in a while for something that happens often.

use std::time::Instant;

use crate::limits::WARN_EVERY;

/// Counts what happens, and says when it is time for a line: at once, then for all of some seconds together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seldom {
    unsaid: u64,
    said: Option<Instant>,
}

impl Seldom {
    /// It happened once more. Gives how often since the last line, when there is to be one now.
    pub(crate) fn count(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        let recent = |said: Instant| now.saturating_duration_since(said) < WARN_EVERY;
        if self.said.is_some_and(recent) {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_happens_often_makes_one_line_in_ten_seconds() {
        let mut seldom = Seldom::default();
        let start = Instant::now();
        assert_eq!(seldom.count(start), Some(1));
        for ms in 0..9_999 {
            assert_eq!(seldom.count(start + Duration::from_millis(ms)), None);
        }
        assert_eq!(seldom.count(start + WARN_EVERY), Some(10_000));
    }
}
