//! When each frame of a file is due, and with which timestamp: no clock inside.

use std::time::{Duration, Instant};

/// A step back beyond this is a joint of two recordings, in milliseconds: nobody waits for it.
const STEP_BACK_MS_MAX: i64 = 1_000;

/// A step ahead beyond this is a joint as well, in milliseconds.
const STEP_AHEAD_MS_MAX: i64 = 10_000;

/// Distance of two rounds of a file when its own frames do not tell, in milliseconds.
const FRAME_MS: u32 = 33;

/// Largest distance of two rounds, in milliseconds. Why: the file's last step may be a gap.
const FRAME_MS_MAX: u32 = 1_000;

/// Maps the timestamps of a file to those of the stream, round after round, and to points in time.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Added to the timestamps of this round.
    offset_ms: u32,
    /// File timestamp with which this round began.
    round_began_ms: Option<u32>,
    /// The stretch of the stream since the last joint.
    stretch: Option<Stretch>,
    /// Stream time of the stretches before.
    before: Duration,
    /// The last step ahead.
    step_ms: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Stretch {
    since: Instant,
    from_ms: u32,
    /// The latest timestamp so far.
    last_ms: u32,
}

/// A frame's place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Timestamp to send, in milliseconds.
    pub(crate) timestamp_ms: u32,
    /// When to send it.
    pub(crate) due: Instant,
    /// Stream time since the beginning.
    pub(crate) elapsed: Duration,
}

impl Pace {
    /// Where a frame of the file belongs. `now` counts for the first one and behind a joint.
    pub(crate) fn place(&mut self, now: Instant, file_ms: u32) -> Place {
        self.round_began_ms.get_or_insert(file_ms);
        let timestamp_ms = file_ms.wrapping_add(self.offset_ms);
        let stretch = self.stretch_of(now, timestamp_ms);
        let ahead = millis(step_ms(stretch.from_ms, timestamp_ms));
        Place {
            timestamp_ms,
            due: stretch.since + ahead,
            elapsed: self.before + ahead,
        }
    }

    /// The stretch that a frame belongs to, with the frame taken in.
    fn stretch_of(&mut self, now: Instant, timestamp_ms: u32) -> Stretch {
        let fresh = Stretch {
            since: now,
            from_ms: timestamp_ms,
            last_ms: timestamp_ms,
        };
        let mut stretch = self.stretch.unwrap_or(fresh);
        let step = step_ms(stretch.last_ms, timestamp_ms);
        if (-STEP_BACK_MS_MAX..=STEP_AHEAD_MS_MAX).contains(&step) {
            if step > 0 {
                self.step_ms = Some(timestamp_ms.wrapping_sub(stretch.last_ms));
                stretch.last_ms = timestamp_ms;
            }
        } else {
            self.before += millis(step_ms(stretch.from_ms, stretch.last_ms));
            stretch = fresh;
        }
        self.stretch = Some(stretch);
        stretch
    }

    /// The file begins again: its first frame follows the last one by one frame.
    pub(crate) fn next_round(&mut self) {
        let (Some(stretch), Some(began)) = (self.stretch, self.round_began_ms.take()) else {
            return;
        };
        let step = self.step_ms.unwrap_or(FRAME_MS).min(FRAME_MS_MAX);
        self.offset_ms = stretch.last_ms.wrapping_add(step).wrapping_sub(began);
    }
}

/// From one timestamp to another; 32-bit timestamps wrap. [RTMP 5.3.1.3]
fn step_ms(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from).cast_signed())
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Timestamps, due times and elapsed times of frames, in milliseconds.
    fn places(pace: &mut Pace, start: Instant, now: u32, files: &[u32]) -> Vec<(u32, u128, u128)> {
        let places = files.iter().map(|file_ms| {
            let place = pace.place(start + now * MS, *file_ms);
            (
                place.timestamp_ms,
                place.due.duration_since(start).as_millis(),
                place.elapsed.as_millis(),
            )
        });
        places.collect()
    }

    #[test]
    fn frames_are_due_by_their_timestamps_and_keep_them() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(
            places(&mut pace, start, 0, &[500, 523, 510, 540]),
            [(500, 0, 0), (523, 23, 23), (510, 10, 10), (540, 40, 40)]
        );
    }

    #[test]
    fn a_joint_is_not_waited_for() {
        let start = Instant::now();
        let mut pace = Pace::default();
        places(&mut pace, start, 0, &[0, 40]);
        assert_eq!(
            places(&mut pace, start, 60, &[3_600_000, 3_600_040]),
            [(3_600_000, 60, 40), (3_600_040, 100, 80)]
        );
        assert_eq!(places(&mut pace, start, 100, &[0]), [(0, 100, 80)]);
    }

    #[test]
    fn each_round_goes_on_where_the_last_one_ended() {
        let start = Instant::now();
        let mut pace = Pace::default();
        places(&mut pace, start, 0, &[1_000, 1_040, 1_080]);
        pace.next_round();
        assert_eq!(
            places(&mut pace, start, 80, &[1_000, 1_040]),
            [(1_120, 120, 120), (1_160, 160, 160)]
        );
        pace.next_round();
        assert_eq!(places(&mut pace, start, 160, &[1_000]), [(1_200, 200, 200)]);
    }

    #[test]
    fn timestamps_wrap_and_time_goes_on() {
        let start = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(
            places(&mut pace, start, 0, &[u32::MAX - 9, 10]),
            [(u32::MAX - 9, 0, 0), (10, 20, 20)]
        );
    }
}
