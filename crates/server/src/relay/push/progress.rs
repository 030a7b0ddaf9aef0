//! Whether a destination takes what it is sent: proven by what its TCP acknowledged, not by what was written.

use std::time::Instant;

use super::limits::{STALL, STALL_CLOSE};

/// How it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Bytes arrive, or none wait.
    Flowing,
    /// Bytes wait, and none arrived for [`STALL`].
    Stalled,
    /// Bytes wait, and none arrived for [`STALL_CLOSE`].
    Dead,
}

/// The bytes of one connection.
#[derive(Debug)]
pub(super) struct Progress {
    written: u64,
    acknowledged: u64,
    /// When acknowledged bytes last grew, or when bytes began to wait after a time in which none did.
    moved: Instant,
    /// Nothing waited when it was last looked at.
    is_idle: bool,
}

/// What a look gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) pace: Pace,
    /// Bytes acknowledged since the last look.
    pub(super) grown: u64,
}

impl Progress {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            written: 0,
            acknowledged: 0,
            moved: now,
            is_idle: true,
        }
    }

    /// Bytes went into the socket.
    pub(super) const fn wrote(&mut self, now: Instant, bytes: u64) {
        self.written = self.written.saturating_add(bytes);
        if bytes > 0 {
            self.begin(now);
        }
    }

    /// Bytes written so far.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that arrived so far.
    pub(super) const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether bytes waited when it was last looked at, or were written since.
    pub(super) const fn is_waiting(&self) -> bool {
        !self.is_idle
    }

    /// A look: so many written bytes are not acknowledged, and whether more wait to be written.
    pub(super) fn measure(
        &mut self,
        now: Instant,
        unacknowledged: u64,
        more_waits: bool,
    ) -> Measured {
        let acknowledged = self.written.saturating_sub(unacknowledged);
        let grown = acknowledged.saturating_sub(self.acknowledged);
        self.acknowledged = self.acknowledged.max(acknowledged);
        if grown > 0 {
            self.moved = now;
        }
        if unacknowledged == 0 && !more_waits {
            self.is_idle = true;
            return Measured {
                pace: Pace::Flowing,
                grown,
            };
        }
        self.begin(now);
        let still = now.saturating_duration_since(self.moved);
        let pace = match still {
            still if still >= STALL_CLOSE => Pace::Dead,
            still if still >= STALL => Pace::Stalled,
            _ => Pace::Flowing,
        };
        Measured { pace, grown }
    }

    /// Something waits: the time counts from now if nothing did before.
    const fn begin(&mut self, now: Instant) {
        if self.is_idle {
            self.is_idle = false;
            self.moved = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const STEP: Duration = Duration::from_millis(1);

    #[test]
    fn bytes_that_do_not_arrive_stall_at_the_limit_and_not_before() {
        let start = Instant::now();
        let mut progress = Progress::new(start);
        progress.wrote(start, 1_000);
        let mut at = |after: Duration, unacknowledged| {
            progress.measure(start + after, unacknowledged, false).pace
        };
        assert_eq!(at(STALL - STEP, 1_000), Pace::Flowing);
        assert_eq!(at(STALL, 1_000), Pace::Stalled);
        assert_eq!(at(STALL_CLOSE - STEP, 1_000), Pace::Stalled);
        assert_eq!(at(STALL_CLOSE, 1_000), Pace::Dead);
    }

    #[test]
    fn one_acknowledged_byte_is_progress() {
        let start = Instant::now();
        let mut progress = Progress::new(start);
        progress.wrote(start, 1_000);
        assert_eq!(
            progress.measure(start + STALL, 1_000, true).pace,
            Pace::Stalled
        );
        let measured = progress.measure(start + STALL + STEP, 999, true);
        assert_eq!(
            measured,
            Measured {
                pace: Pace::Flowing,
                grown: 1
            }
        );
        assert_eq!((progress.written(), progress.acknowledged()), (1_000, 1));
        let stalled_again = start + STALL + STEP + STALL;
        assert_eq!(
            progress.measure(stalled_again - STEP, 999, true).pace,
            Pace::Flowing
        );
        assert_eq!(
            progress.measure(stalled_again, 999, true).pace,
            Pace::Stalled
        );
    }

    #[test]
    fn silence_is_no_stall() {
        let start = Instant::now();
        let mut progress = Progress::new(start);
        progress.wrote(start, 10);
        assert_eq!(
            progress.measure(start, 0, false),
            Measured {
                pace: Pace::Flowing,
                grown: 10
            }
        );
        assert!(!progress.is_waiting());
        let later = start + STALL_CLOSE * 3;
        assert_eq!(progress.measure(later, 0, false).pace, Pace::Flowing);
        progress.wrote(later, 10);
        assert!(progress.is_waiting());
        assert_eq!(
            progress.measure(later + STEP, 10, false).pace,
            Pace::Flowing
        );
        assert_eq!(
            progress.measure(later + STALL, 10, false).pace,
            Pace::Stalled
        );
    }

    #[test]
    fn bytes_that_could_not_be_written_stall_as_well() {
        let start = Instant::now();
        let mut progress = Progress::new(start);
        assert_eq!(progress.measure(start, 0, true).pace, Pace::Flowing);
        assert_eq!(progress.measure(start + STALL, 0, true).pace, Pace::Stalled);
    }
}
