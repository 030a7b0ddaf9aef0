//! When the next pass over the players of a stream is due: merging by load.
//!
//! The number of sends is what a relay costs. A small audience gets every frame at once; the longer a pass takes, the
//! longer the next one waits and the more frames it carries, up to a cap that counts to the last player.

use std::time::{Duration, Instant};

use crate::{
    Kind,
    limits::{MERGE_AUDIO_RIDE_MAX, MERGE_DEFAULT_MAX, MERGE_DUTY_INVERSE, MERGE_THROUGHPUT_MAX},
};

/// How frames are merged into passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Merge {
    /// By load, window plus pass at most [`MERGE_DEFAULT_MAX`].
    #[default]
    Default,
    /// By load, window plus pass at most [`MERGE_THROUGHPUT_MAX`].
    Throughput,
    /// Video at once; audio rides with it or waits [`MERGE_AUDIO_RIDE_MAX`] at most.
    LowLatency,
    /// A fixed time from the start of one pass to the start of the next.
    Fixed(Duration),
}

/// Decides when the next pass is due. The caller says what happens and when.
#[derive(Debug, Clone)]
pub struct Schedule {
    merge: Merge,
    /// When the pass that runs, or ran last, began.
    started: Option<Instant>,
    /// How long the last whole pass took.
    took: Duration,
    running: bool,
    /// Since when a frame waits for a pass.
    pending: Option<Instant>,
    /// Since when a frame waits that must not wait for others.
    urgent: Option<Instant>,
}

impl Schedule {
    /// A schedule with nothing pending.
    #[must_use]
    pub const fn new(merge: Merge) -> Self {
        Self {
            merge,
            started: None,
            took: Duration::ZERO,
            running: false,
            pending: None,
            urgent: None,
        }
    }

    /// Changes the rule; frames that wait already are due by the new one.
    pub const fn set_merge(&mut self, merge: Merge) {
        self.merge = merge;
    }

    /// The rule in force.
    #[must_use]
    pub const fn merge(&self) -> Merge {
        self.merge
    }

    /// A frame went into the ring.
    pub fn on_frame(&mut self, now: Instant, kind: Kind) {
        self.pending.get_or_insert(now);
        if kind == Kind::Video {
            self.urgent.get_or_insert(now);
        }
    }

    /// A pass began: it takes every frame that waits.
    pub fn pass_started(&mut self, now: Instant) {
        debug_assert!(!self.running, "one pass at a time");
        self.started = Some(now);
        self.running = true;
        self.pending = None;
        self.urgent = None;
    }

    /// The pass reached its last player.
    pub fn pass_ended(&mut self, now: Instant) {
        debug_assert!(self.running, "a pass must begin before it ends");
        self.running = false;
        if let Some(started) = self.started {
            self.took = now.saturating_duration_since(started);
        }
    }

    /// When the next pass is due; `None` while no frame waits or a pass runs. A time in the past means now.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let pending = self.pending?;
        if self.running {
            return None;
        }
        if self.merge == Merge::LowLatency {
            let ride = pending + MERGE_AUDIO_RIDE_MAX;
            return Some(self.urgent.map_or(ride, |urgent| urgent.min(ride)));
        }
        Some(
            self.started
                .map_or(pending, |started| pending.max(started + self.window())),
        )
    }

    /// Time from the start of the last pass to the earliest start of the next.
    #[must_use]
    pub fn window(&self) -> Duration {
        let by_load = self.took.saturating_mul(MERGE_DUTY_INVERSE);
        match self.merge {
            Merge::Default => by_load.min(MERGE_DEFAULT_MAX.saturating_sub(self.took)),
            Merge::Throughput => by_load.min(MERGE_THROUGHPUT_MAX.saturating_sub(self.took)),
            Merge::LowLatency => Duration::ZERO,
            Merge::Fixed(window) => window,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn t0() -> Instant {
        crate::testing::epoch()
    }

    /// A schedule whose last pass began at `t0` and took so long.
    fn after_pass(merge: Merge, took: Duration) -> Schedule {
        let mut schedule = Schedule::new(merge);
        schedule.on_frame(t0(), Kind::Video);
        schedule.pass_started(t0());
        schedule.pass_ended(t0() + took);
        schedule
    }

    #[test]
    fn nothing_is_due_without_a_frame_and_the_first_frame_is_due_at_once() {
        let mut schedule = Schedule::new(Merge::Default);
        assert_eq!(schedule.due(), None);
        schedule.on_frame(t0(), Kind::Audio);
        schedule.on_frame(t0() + 5 * MS, Kind::Video);
        assert_eq!(schedule.due(), Some(t0()));
    }

    #[test]
    fn a_small_audience_gets_every_frame_at_once() {
        let mut schedule = after_pass(Merge::Default, MS / 10);
        assert_eq!(schedule.window(), 5 * MS);
        schedule.on_frame(t0() + 20 * MS, Kind::Video);
        assert_eq!(schedule.due(), Some(t0() + 20 * MS));
    }

    #[test]
    fn the_window_grows_with_the_pass_up_to_the_cap_and_never_wraps() {
        for (took, window) in [(0, 0), (1, 50), (2, 88), (10, 80), (90, 0), (500, 0)] {
            let mut schedule = after_pass(Merge::Default, took * MS);
            assert_eq!(schedule.window(), window * MS, "{took}");
            schedule.on_frame(t0() + MS, Kind::Audio);
            assert_eq!(schedule.due(), Some(t0() + (window * MS).max(MS)));
        }
        for (took, window) in [(1, 50), (6, 300), (7, 333), (20, 320), (340, 0), (341, 0)] {
            assert_eq!(
                after_pass(Merge::Throughput, took * MS).window(),
                window * MS,
                "{took}"
            );
        }
    }

    #[test]
    fn low_latency_sends_video_at_once_and_audio_with_it_or_after_20_ms() {
        let mut schedule = after_pass(Merge::LowLatency, 50 * MS);
        let at = t0() + 60 * MS;
        schedule.on_frame(at, Kind::Audio);
        assert_eq!(schedule.due(), Some(at + 20 * MS));
        schedule.on_frame(at + 7 * MS, Kind::Video);
        assert_eq!(schedule.due(), Some(at + 7 * MS));
    }

    #[test]
    fn a_fixed_window_counts_from_start_to_start() {
        let mut schedule = after_pass(Merge::Fixed(100 * MS), 3 * MS);
        schedule.on_frame(t0() + 10 * MS, Kind::Video);
        assert_eq!(schedule.due(), Some(t0() + 100 * MS));
        schedule.set_merge(Merge::Fixed(Duration::ZERO));
        assert_eq!(schedule.due(), Some(t0() + 10 * MS));
    }

    #[test]
    fn frames_that_come_during_a_pass_wait_for_the_next_one() {
        let mut schedule = Schedule::new(Merge::Default);
        schedule.on_frame(t0(), Kind::Video);
        schedule.pass_started(t0());
        schedule.on_frame(t0() + MS, Kind::Audio);
        assert_eq!(schedule.due(), None);
        schedule.pass_ended(t0() + MS);
        assert_eq!(schedule.due(), Some(t0() + 50 * MS));
    }
}
