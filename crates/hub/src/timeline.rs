//! The stream's own time: 64-bit milliseconds that go on over publishers, wraps and broken clocks.
//!
//! Each track of a publisher has a clock. A clock unwraps the 32-bit timestamps into the publisher's time and adds an
//! offset. All clocks of a session share one offset, until a clock steps where no other clock is: it then gets a new
//! one, and the others follow when they step to the same place.

use std::time::Instant;

use crate::{
    Kind,
    limits::{CLOCKS_MAX, START_MS, STEP_AHEAD_MS_MAX, STEP_BACK_MS_MAX},
};

const HALF: u32 = 1 << 31;
/// How near to a wrap at 31 bits both sides of it must be to count as one.
const NEAR_HALF: u32 = 0x2_0000;
/// How far behind the last frame of all a track may begin, in milliseconds: further behind it is held.
const BEHIND_MS_MAX: u64 = 1_000;
/// How far the first headers of a publisher are ahead of a frame that would come with them, in milliseconds: room for the
/// kind that begins a little earlier.
const AHEAD_OF_SESSION_MS: u64 = 100;

/// A clock within the session of one publisher.
#[derive(Debug, Clone, Copy)]
struct Running {
    /// Last timestamp as it was on the wire.
    wire: u32,
    /// The same unwrapped, in the publisher's time.
    time: i64,
    /// Highest time with this offset.
    high: i64,
    /// From the publisher's time to the stream's.
    offset: i64,
    /// Number of the time base; a later one is higher.
    base: u64,
    /// Whether the publisher was seen to wrap at 31 bits.
    wraps_at_31: bool,
}

impl Running {
    /// Milliseconds from the last timestamp to this one. [WIRE 162]
    fn step(&self, wire: u32) -> i64 {
        let below_half = HALF - NEAR_HALF..HALF;
        let span = i64::from(wire) - i64::from(self.wire);
        if below_half.contains(&self.wire) && wire < NEAR_HALF {
            // FLV writers that clear the top bit start again at zero after 24.8 days.
            return span + i64::from(HALF);
        }
        if self.wraps_at_31 && self.wire < NEAR_HALF && below_half.contains(&wire) {
            return span - i64::from(HALF);
        }
        i64::from(wire.wrapping_sub(self.wire).cast_signed())
    }

    /// Whether going to this timestamp is a wrap at 31 bits.
    const fn wraps(&self, wire: u32) -> bool {
        self.wire < HALF && self.wire >= HALF - NEAR_HALF && wire < NEAR_HALF
    }

    /// The time of this timestamp with the same offset.
    fn at(&self, wire: u32) -> Self {
        let time = self.time + self.step(wire);
        let wraps_at_31 = self.wraps_at_31 || self.wraps(wire);
        Self {
            wire,
            time,
            high: self.high.max(time),
            wraps_at_31,
            ..*self
        }
    }

    fn out(&self) -> i64 {
        self.time + self.offset
    }
}

#[derive(Debug)]
struct Clock {
    kind: Kind,
    track: u8,
    /// Last time given out, over all sessions.
    last: u64,
    running: Option<Running>,
}

/// The timeline of one stream.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    clocks: Vec<Clock>,
    /// Highest time given to a frame.
    last: u64,
    /// When that was.
    last_at: Option<Instant>,
    /// Last time given to a data message.
    data: u64,
    bases: u64,
    held: u64,
    discontinuities: u64,
}

impl Timeline {
    /// Highest time given to a frame so far.
    pub(crate) const fn last(&self) -> u64 {
        self.last
    }

    /// Frames whose time was behind the last one of their track and was held.
    pub(crate) const fn held(&self) -> u64 {
        self.held
    }

    /// Changes of the time base within a session.
    pub(crate) const fn discontinuities(&self) -> u64 {
        self.discontinuities
    }

    /// Another publisher: its timestamps have nothing to do with those before. [WIRE 170]
    pub(crate) fn begin_session(&mut self) {
        for clock in &mut self.clocks {
            clock.running = None;
        }
    }

    /// The time of a frame that moves its track's clock.
    pub(crate) fn frame(&mut self, now: Instant, kind: Kind, track: u8, wire: u32) -> u64 {
        let index = self.clock(kind, track);
        let running = self.place(now, index, wire);
        let clock = &mut self.clocks[index];
        let first = clock.running.replace(running).is_none();
        let own = u64::try_from(running.out()).unwrap_or(0);
        // A header may have gone ahead of the first frame, see `still`.
        let floor = if first {
            self.last.saturating_sub(BEHIND_MS_MAX)
        } else {
            0
        };
        let out = own.max(clock.last).max(floor);
        if own < out {
            self.held += 1;
        }
        clock.last = out;
        if self.last_at.is_none() || out >= self.last {
            self.last = out;
            self.last_at = Some(now);
        }
        out
    }

    /// The time of a message that moves no clock: a header, a command, an end of sequence, silence. [WIRE 164]
    ///
    /// Nothing that follows on its track is earlier; a track without frames keeps some room for its first one. Before the
    /// first frame of a publisher that follows another it has nearly the time that this frame would have now.
    pub(crate) fn still(&mut self, now: Instant, kind: Kind, track: u8) -> u64 {
        if self.last_at.is_none() || !self.begins_session() || kind == Kind::Data {
            return self.prelude(kind, track, self.last);
        }
        let at = self.first_header(now);
        let index = self.clock(kind, track);
        let clock = &mut self.clocks[index];
        clock.last = clock.last.max(at);
        clock.last
    }

    /// Whether no frame came from the current publisher yet.
    fn begins_session(&self) -> bool {
        self.clocks.iter().all(|clock| clock.running.is_none())
    }

    /// The time of a header before the first frame of a publisher; of the last frame once there was one.
    fn first_header(&self, now: Instant) -> u64 {
        let ahead = if self.begins_session() {
            AHEAD_OF_SESSION_MS
        } else {
            0
        };
        self.expected(now).saturating_sub(ahead).max(self.last)
    }

    /// The time of a frame that comes now: that of the last one, and for the first of a publisher the gap of wall time.
    fn expected(&self, now: Instant) -> u64 {
        match self.last_at {
            Some(at) if self.begins_session() => self.last_and_gap(now, at),
            _ => self.last,
        }
    }

    fn last_and_gap(&self, now: Instant, last_at: Instant) -> u64 {
        let gap = now.saturating_duration_since(last_at).as_millis();
        self.last
            .saturating_add(u64::try_from(gap).unwrap_or(u64::MAX))
    }

    /// The same for a header that is sent again before a frame of this time, while no message of its track follows yet.
    pub(crate) fn prelude(&self, kind: Kind, track: u8, before: u64) -> u64 {
        self.not_before(
            kind,
            track,
            before.min(self.last.saturating_sub(BEHIND_MS_MAX)),
        )
    }

    fn not_before(&self, kind: Kind, track: u8, floor: u64) -> u64 {
        if kind == Kind::Data {
            return self.data.max(floor);
        }
        match self.find(kind, track) {
            Some(clock) if clock.running.is_some() => clock.last,
            Some(clock) => clock.last.max(floor),
            None => floor,
        }
    }

    /// The time of metadata, whose own timestamp says nothing: that of the last frame.
    pub(crate) fn metadata(&mut self, now: Instant) -> u64 {
        self.data = self.data.max(self.first_header(now));
        self.data
    }

    /// The time of another data message: its own when it is near the frames, else that of the last frame.
    pub(crate) fn data(&mut self, wire: u32) -> u64 {
        let latest = i64::try_from(self.last).unwrap_or(i64::MAX);
        let running = self.clocks.iter().filter_map(|clock| clock.running);
        let own = running
            .filter(|clock| clock.step(wire).abs() <= STEP_AHEAD_MS_MAX)
            .max_by_key(|clock| clock.base)
            .and_then(|clock| u64::try_from(clock.at(wire).out().min(latest + 1_000)).ok());
        let floor = self.last.saturating_sub(BEHIND_MS_MAX);
        self.data = self.data.max(own.unwrap_or(self.last)).max(floor);
        self.data
    }

    /// The clock of a track, or the one it shares.
    fn find(&self, kind: Kind, track: u8) -> Option<&Clock> {
        let own = self
            .clocks
            .iter()
            .find(|clock| clock.kind == kind && clock.track == track);
        own.or_else(|| self.clocks.get(CLOCKS_MAX - 1))
    }

    /// Index of the clock of a track. Past the limit tracks share the last clock.
    fn clock(&mut self, kind: Kind, track: u8) -> usize {
        let found = self
            .clocks
            .iter()
            .position(|clock| clock.kind == kind && clock.track == track);
        match found {
            Some(index) => index,
            None if self.clocks.len() < CLOCKS_MAX => {
                self.clocks.push(Clock {
                    kind,
                    track,
                    last: 0,
                    running: None,
                });
                self.clocks.len() - 1
            }
            None => CLOCKS_MAX - 1,
        }
    }

    fn place(&mut self, now: Instant, index: usize, wire: u32) -> Running {
        let own = self.clocks[index].running;
        let shared = self.shared(index, wire);
        if let Some(own) = own {
            let next = own.at(wire);
            let step = own.step(wire);
            if step <= STEP_AHEAD_MS_MAX && next.time >= own.high - STEP_BACK_MS_MAX {
                // Another clock stepped a little further, and this one has come to where it is.
                let follows = shared
                    .filter(|(distance, other)| other.base > own.base && *distance < step.abs());
                return follows.map_or(next, |(_, other)| other);
            }
        }
        if let Some((_, shared)) = shared {
            return shared;
        }
        let first_of_session = self.begins_session();
        if !first_of_session {
            self.discontinuities += 1;
        }
        let out = match self.last_at {
            // [WIRE 163] any first timestamp is right; a small one may stay.
            None => u64::from(wire.min(START_MS)),
            // The gap equals wall time. [WIRE 165]
            Some(at) => {
                let gap = now.saturating_duration_since(at).as_millis();
                self.last
                    .saturating_add(u64::try_from(gap).unwrap_or(u64::MAX))
            }
        };
        self.bases += 1;
        let time = i64::from(wire);
        Running {
            wire,
            time,
            high: time,
            offset: i64::try_from(out).unwrap_or(i64::MAX) - time,
            base: self.bases,
            wraps_at_31: false,
        }
    }

    /// The newest time base of another clock that is where this timestamp is, and how far that clock is from it.
    fn shared(&self, index: usize, wire: u32) -> Option<(i64, Running)> {
        let own_last = i64::try_from(self.clocks[index].last).unwrap_or(i64::MAX);
        let others = self
            .clocks
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != index);
        others
            .filter_map(|(_, clock)| clock.running)
            .map(|other| (other.step(wire).abs(), other))
            .filter(|(distance, _)| *distance <= STEP_AHEAD_MS_MAX)
            .map(|(distance, other)| {
                let here = other.at(wire);
                let high = here.time;
                (distance, Running { high, ..here })
            })
            // A base that would hold this clock's frames for long is none for it.
            .filter(|(_, here)| here.out() + STEP_BACK_MS_MAX >= own_last)
            .max_by_key(|(_, here)| here.base)
    }

    /// Panics when the timeline is not what it promises to be.
    pub(crate) fn check_invariants(&self) {
        assert!(self.clocks.len() <= CLOCKS_MAX, "clocks are bounded");
        assert!(
            self.clocks
                .iter()
                .all(|clock| clock.running.is_none() || clock.last <= self.last),
            "no clock that runs is ahead of the last frame"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::epoch;

    const A: Kind = Kind::Audio;
    const V: Kind = Kind::Video;

    struct Test {
        timeline: Timeline,
        now: Instant,
    }

    impl Test {
        fn new() -> Self {
            Self {
                timeline: Timeline::default(),
                now: epoch(),
            }
        }

        /// A frame of track 0, so many milliseconds after the one before.
        fn frame(&mut self, after_ms: u64, kind: Kind, wire: u32) -> u64 {
            self.now += Duration::from_millis(after_ms);
            let out = self.timeline.frame(self.now, kind, 0, wire);
            self.timeline.check_invariants();
            out
        }
    }

    #[test]
    fn a_start_near_zero_stays_and_any_other_is_moved_near_zero() {
        assert_eq!(Test::new().frame(0, V, 0), 0);
        assert_eq!(Test::new().frame(0, V, START_MS), 1_000);
        for wire in [START_MS + 1, 5_000_000, HALF, u32::MAX] {
            let mut test = Test::new();
            assert_eq!(test.frame(0, V, wire), 1_000, "{wire}");
            assert_eq!(
                test.frame(40, A, wire.wrapping_sub(60)),
                940,
                "the other kind keeps its distance"
            );
            assert_eq!(test.frame(40, V, wire.wrapping_add(40)), 1_040);
        }
    }

    #[test]
    fn differences_are_untouched_through_both_wraps() {
        let mut test = Test::new();
        let start = u32::MAX - 100;
        for step in 0..10 {
            let wire = start.wrapping_add(step * 40);
            assert_eq!(test.frame(40, V, wire), 1_000 + u64::from(step) * 40);
            assert_eq!(
                test.frame(0, A, wire.wrapping_add(7)),
                1_007 + u64::from(step) * 40
            );
        }
        let mut test = Test::new();
        let start = HALF - 100;
        for step in 0..10 {
            // Video wraps a little before audio does.
            let video = (start + step * 40) % HALF;
            let audio = (start + step * 40 - 30) % HALF;
            assert_eq!(test.frame(40, V, video), 1_000 + u64::from(step) * 40);
            assert_eq!(test.frame(0, A, audio), 970 + u64::from(step) * 40);
        }
        assert_eq!(test.timeline.discontinuities(), 0);
        let mut test = Test::new();
        test.frame(0, V, HALF - 10);
        test.frame(10, V, 5);
        assert_eq!(
            test.frame(10, V, HALF - 5),
            1_015,
            "jitter across the wrap is held"
        );
        assert_eq!(test.frame(10, V, 45), 1_055);
    }

    #[test]
    fn passing_the_31st_bit_without_a_wrap_is_an_ordinary_step() {
        let mut test = Test::new();
        test.frame(0, V, HALF - 20);
        assert_eq!(test.frame(40, V, HALF + 20), 1_040);
    }

    #[test]
    fn a_small_step_back_is_held_at_the_last_value() {
        let mut test = Test::new();
        test.frame(0, V, 5_000);
        let at = test.frame(40, V, 5_040);
        assert_eq!(test.frame(40, V, 4_040), at, "1,000 ms back is jitter");
        assert_eq!(test.timeline.held(), 1);
        assert_eq!(
            test.frame(40, V, 5_120),
            at + 80,
            "then it goes on where it would have been"
        );
        assert_eq!(test.timeline.discontinuities(), 0);
        let ahead = test.frame(40, V, 15_120);
        assert_eq!(ahead, at + 10_080, "10,000 ms ahead is a gap");
        assert_eq!(test.timeline.discontinuities(), 0);
    }

    #[test]
    fn a_step_past_either_bound_gets_one_new_offset_with_the_gap_of_wall_time() {
        for jumped in [4_039, 15_041, 0, 3_000_000_000] {
            let mut test = Test::new();
            test.frame(0, V, 5_000);
            let audio = test.frame(0, A, 5_010);
            let video = test.frame(40, V, 5_040);
            assert_eq!((audio, video), (1_010, 1_040));
            assert_eq!(test.frame(30, V, jumped), 1_070, "{jumped}");
            assert_eq!(test.frame(0, A, 5_080), 1_080, "audio has not stepped yet");
            assert_eq!(
                test.frame(20, A, jumped + 25),
                1_095,
                "now it has, to the same place"
            );
            assert_eq!(test.frame(20, V, jumped + 40), 1_110);
            assert_eq!(test.timeline.discontinuities(), 1, "{jumped}");
        }
    }

    #[test]
    fn a_long_gap_that_the_other_kind_lived_through_is_a_gap() {
        let mut test = Test::new();
        test.frame(0, V, 0);
        for second in 0..=60 {
            test.frame(1_000, A, second * 1_000);
        }
        assert_eq!(test.frame(0, V, 60_000), 60_000);
        assert_eq!(test.timeline.discontinuities(), 0);
    }

    #[test]
    fn one_wild_timestamp_does_not_cost_the_sync() {
        let mut test = Test::new();
        test.frame(0, V, 0);
        test.frame(0, A, 10);
        test.frame(40, V, 900_000_000);
        test.frame(0, A, 50);
        assert_eq!(test.frame(40, V, 80), 80);
    }

    #[test]
    fn steps_back_that_add_up_are_a_new_base_and_time_does_not_stand_still() {
        let mut test = Test::new();
        let mut wire = 1_000_000;
        let mut last = test.frame(0, V, wire);
        for _ in 0..20 {
            wire -= 900;
            last = test.frame(40, V, wire);
        }
        assert!(last >= 1_300, "{last}");
        assert!(test.timeline.discontinuities() > 5);
    }

    #[test]
    fn another_publisher_goes_on_after_a_gap_of_wall_time() {
        for first in [0, 77_000, u32::MAX - 5] {
            let mut test = Test::new();
            test.frame(0, V, 0);
            test.frame(0, A, 500);
            test.timeline.begin_session();
            assert_eq!(test.frame(3_000, V, first), 3_500, "{first}");
            assert_eq!(test.frame(5, A, first.wrapping_add(10)), 3_510);
            assert_eq!(test.timeline.discontinuities(), 0);
        }
    }

    #[test]
    fn a_publisher_at_once_after_another_never_goes_back() {
        let mut test = Test::new();
        test.frame(0, V, 0);
        test.frame(0, A, 500);
        test.timeline.begin_session();
        assert_eq!(test.frame(0, V, 9), 500);
        test.timeline.begin_session();
        test.now -= Duration::from_millis(1);
        assert_eq!(test.frame(0, A, 77), 500);
    }

    #[test]
    fn headers_and_data_move_no_clock() {
        let mut test = Test::new();
        assert_eq!(test.timeline.still(test.now, V, 0), 0);
        assert_eq!(test.timeline.data(0), 0);
        test.frame(0, V, 5_000);
        test.frame(0, A, 5_500);
        assert_eq!(test.timeline.still(test.now, V, 0), 1_000);
        assert_eq!(test.timeline.still(test.now, A, 0), 1_500);
        assert_eq!(
            test.timeline.still(test.now, V, 1),
            500,
            "a track without frames: room for its first one"
        );
        assert_eq!(
            test.timeline.data(5_200),
            1_200,
            "a timed message keeps its time"
        );
        assert_eq!(
            test.timeline.data(3_000_000_000),
            1_500,
            "another has that of the last frame"
        );
        assert_eq!(test.timeline.data(5_300), 1_500, "and never goes back");
        assert_eq!(test.timeline.metadata(test.now), 1_500);
        assert_eq!(test.frame(40, V, 5_040), 1_040);
    }

    #[test]
    fn nothing_is_earlier_than_the_header_of_its_track() {
        let mut test = Test::new();
        test.frame(0, V, 0);
        test.frame(2_500, V, 2_500);
        assert_eq!(test.timeline.still(test.now, A, 0), 1_500);
        assert_eq!(
            test.timeline.prelude(A, 0, 0),
            0,
            "never later than the frame to follow"
        );
        assert_eq!(test.timeline.prelude(Kind::Data, 0, 2_500), 1_500);
        assert_eq!(
            test.frame(10, A, 900),
            1_500,
            "held, so that audio does not go back behind its header"
        );
        assert_eq!(
            test.frame(10, A, 1_600),
            1_600,
            "and not moved: it stays in sync with the picture"
        );
        assert_eq!(test.timeline.still(test.now, A, 0), 1_600);
        assert_eq!(test.timeline.data(100), 1_500);
        assert_eq!(test.timeline.metadata(test.now), 2_500);
    }

    #[test]
    fn as_many_clocks_as_the_limit_and_one_more_track_shares_the_last() {
        let mut test = Test::new();
        for track in 0..=CLOCKS_MAX {
            let track = u8::try_from(track).unwrap();
            test.timeline.frame(test.now, V, track, 100);
        }
        assert_eq!(test.timeline.clocks.len(), CLOCKS_MAX);
        test.timeline.check_invariants();
    }
}
