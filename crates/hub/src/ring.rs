//! The frames a stream keeps: from the last keyframe on, and a few seconds in any case.
//!
//! Entries are numbered from the beginning of the stream and never renumbered, so a reader is one number. The front is
//! trimmed as keyframes come; when a group of pictures alone exceeds the limits it stops being a place to start, and
//! only what readers need to keep up stays.

use std::collections::VecDeque;

use crate::limits::{RING_BYTES_MAX, RING_FRAMES_MAX, RING_MS_MAX, RING_MS_MIN};

/// What the ring asks of its entries.
pub(crate) trait Entry {
    /// A time in milliseconds that never falls from one entry to the next.
    fn clock(&self) -> u64;
    /// Whether its time is its own: others have that of an entry before, which may be long ago.
    fn is_timed(&self) -> bool;
    /// Memory the entry pins.
    fn held_bytes(&self) -> usize;
    /// Whether a reader can start with it.
    fn starts_gop(&self) -> bool;
}

/// Bounds of a ring, so that tests can shrink them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) bytes_max: usize,
    pub(crate) frames_max: usize,
    pub(crate) ms_max: u64,
    pub(crate) ms_min: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: RING_BYTES_MAX,
            frames_max: RING_FRAMES_MAX,
            ms_max: RING_MS_MAX,
            ms_min: RING_MS_MIN,
        }
    }
}

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct Ring<F> {
    frames: VecDeque<F>,
    /// Number of the first entry kept.
    base: u64,
    bytes: usize,
    /// Numbers of the entries that start a group of pictures and can be started with, rising.
    gops: VecDeque<u64>,
    /// First entry that players in sync still have to get.
    pin: Option<u64>,
    limits: Limits,
    overflows: u64,
}

impl<F: Entry> Ring<F> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            frames: VecDeque::new(),
            base: 0,
            bytes: 0,
            gops: VecDeque::new(),
            pin: None,
            limits,
            overflows: 0,
        }
    }

    /// Number of the first entry kept.
    pub(crate) const fn base(&self) -> u64 {
        self.base
    }

    /// Number the next entry will get.
    pub(crate) fn head(&self) -> u64 {
        self.base + self.frames.len() as u64
    }

    /// The entry of this number, if it is kept.
    pub(crate) fn get(&self, seq: u64) -> Option<&F> {
        let index = usize::try_from(seq.checked_sub(self.base)?).ok()?;
        self.frames.get(index)
    }

    /// The entries from this number on, as far as they are kept.
    pub(crate) fn from(&self, seq: u64) -> impl Iterator<Item = &F> {
        let skip = usize::try_from(seq.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.frames.iter().skip(skip)
    }

    /// Time of the newest entry.
    pub(crate) fn head_clock(&self) -> u64 {
        self.frames.back().map_or(0, Entry::clock)
    }

    /// How much older this entry is than the newest one, in milliseconds.
    ///
    /// After a pause of the publisher a header may come first, with a time from before the pause: it is as old as the
    /// frame that follows.
    pub(crate) fn age(&self, seq: u64) -> u64 {
        let timed = self.from(seq).find(|entry| entry.is_timed());
        timed.map_or(0, |entry| self.head_clock().saturating_sub(entry.clock()))
    }

    /// The newest entry that a reader can start with.
    pub(crate) fn newest_gop(&self) -> Option<u64> {
        self.gops.back().copied()
    }

    /// First entry that is at most so many milliseconds older than the newest.
    pub(crate) fn newest_ms(&self, ms: u64) -> u64 {
        let from = self.head_clock().saturating_sub(ms);
        self.base + self.frames.partition_point(|frame| frame.clock() < from) as u64
    }

    /// Memory the entries pin.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How often a group of pictures exceeded the limits.
    pub(crate) const fn overflows(&self) -> u64 {
        self.overflows
    }

    /// Nobody can start with what is kept: wait for a new keyframe. Readers on their way go on.
    pub(crate) fn clear_gops(&mut self) {
        self.gops.clear();
    }

    /// Keeps entries from this one on, as far as the limits allow, whatever their age.
    pub(crate) const fn pin(&mut self, from: Option<u64>) {
        self.pin = from;
    }

    /// Adds an entry and trims the front.
    pub(crate) fn push(&mut self, frame: F) -> u64 {
        let seq = self.head();
        debug_assert!(
            frame.clock() >= self.head_clock(),
            "the clock of a ring never falls"
        );
        if frame.starts_gop() {
            self.gops.push_back(seq);
        }
        self.bytes += frame.held_bytes();
        self.frames.push_back(frame);
        self.trim();
        seq
    }

    fn trim(&mut self) {
        let pin = self.pin.unwrap_or(u64::MAX);
        while self.base < pin && self.front_is_old() && self.front_is_before_gop() {
            self.pop();
        }
        if !self.is_over() {
            return;
        }
        // Over the limits: first what no joining reader needs, however young.
        while self.is_over() && self.front_is_before_gop() && self.frames.len() > 1 {
            self.pop();
        }
        if !self.is_over() {
            return;
        }
        // [WIRE 154] a group of pictures without its front is of no use to a joining reader: it is dropped as a whole.
        if !self.gops.is_empty() {
            self.gops.clear();
            self.overflows += 1;
        }
        while self.frames.len() > 1 && (self.is_over() || self.front_is_old()) {
            self.pop();
        }
    }

    fn front_is_old(&self) -> bool {
        self.front_age() > self.limits.ms_min
    }

    fn front_age(&self) -> u64 {
        self.age(self.base)
    }

    fn front_is_before_gop(&self) -> bool {
        self.newest_gop().is_none_or(|gop| self.base < gop)
    }

    fn is_over(&self) -> bool {
        self.bytes > self.limits.bytes_max
            || self.frames.len() > self.limits.frames_max
            || self.front_age() > self.limits.ms_max
    }

    fn pop(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.held_bytes();
            if self.gops.front() == Some(&self.base) {
                self.gops.pop_front();
            }
            self.base += 1;
        }
    }

    /// Panics when the ring is not what it promises to be. A lone entry may exceed the bytes.
    pub(crate) fn check_invariants(&self) {
        let held: usize = self.frames.iter().map(Entry::held_bytes).sum();
        assert_eq!(held, self.bytes, "bytes are counted");
        assert!(
            self.frames.len() <= 1 || !self.is_over(),
            "the ring is within its limits"
        );
        let clocks = || self.frames.iter().map(Entry::clock);
        assert!(
            clocks().zip(clocks().skip(1)).all(|(a, b)| a <= b),
            "clocks rise"
        );
        let gops = || self.gops.iter().copied();
        assert!(
            gops().zip(gops().skip(1)).all(|(a, b)| a < b),
            "groups of pictures rise"
        );
        assert!(
            gops().all(|seq| self.get(seq).is_some_and(Entry::starts_gop)),
            "a place to start is kept and is a keyframe"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy)]
    struct Toy {
        clock: u64,
        bytes: usize,
        key: bool,
    }

    /// Without bytes it is a header.
    impl Entry for Toy {
        fn clock(&self) -> u64 {
            self.clock
        }
        fn is_timed(&self) -> bool {
            self.bytes > 0
        }
        fn held_bytes(&self) -> usize {
            self.bytes
        }
        fn starts_gop(&self) -> bool {
            self.key
        }
    }

    const LIMITS: Limits = Limits {
        bytes_max: 1_000,
        frames_max: 50,
        ms_max: 20_000,
        ms_min: 4_000,
    };

    fn ring(frames: impl IntoIterator<Item = Toy>) -> Ring<Toy> {
        let mut ring = Ring::new(LIMITS);
        for frame in frames {
            ring.push(frame);
            ring.check_invariants();
        }
        ring
    }

    fn toy(clock: u64, key: bool) -> Toy {
        Toy {
            clock,
            bytes: 10,
            key,
        }
    }

    /// One frame a second, a keyframe every `gop` seconds.
    fn seconds(count: u64, gop: u64) -> impl Iterator<Item = Toy> {
        (0..count).map(move |at| toy(at * 1_000, at % gop == 0))
    }

    #[test]
    fn the_last_keyframe_and_four_seconds_are_kept() {
        let short = ring(seconds(20, 2));
        assert_eq!(
            (short.base(), short.newest_gop(), short.head()),
            (15, Some(18), 20)
        );
        let long = ring(seconds(19, 10));
        assert_eq!((long.base(), long.newest_gop()), (10, Some(10)));
        let audio = ring((0..30).map(|at| toy(at * 1_000, false)));
        assert_eq!((audio.base(), audio.newest_gop()), (25, None));
        assert_eq!(audio.newest_ms(1_000), 28);
    }

    #[test]
    fn a_gop_at_the_time_limit_stays_and_one_past_it_is_dropped_as_a_whole() {
        let mut ring = ring(seconds(21, 100));
        assert_eq!(
            (ring.base(), ring.newest_gop(), ring.overflows()),
            (0, Some(0), 0)
        );
        ring.push(toy(20_001, false));
        assert_eq!((ring.newest_gop(), ring.overflows()), (None, 1));
        assert_eq!(
            ring.base(),
            17,
            "readers on their way keep their four seconds"
        );
        ring.push(toy(21_000, true));
        assert_eq!(ring.newest_gop(), Some(22));
    }

    #[test]
    fn a_gop_at_the_frame_limit_stays_and_one_past_it_is_dropped_as_a_whole() {
        let mut ring = ring((0..50).map(|at| toy(at, at == 0)));
        assert_eq!(ring.newest_gop(), Some(0));
        ring.push(toy(50, false));
        assert_eq!(
            (ring.newest_gop(), ring.base(), ring.overflows()),
            (None, 1, 1)
        );
        ring.check_invariants();
    }

    #[test]
    fn a_gop_at_the_byte_limit_stays_and_one_past_it_is_dropped_as_a_whole() {
        let mut ring = ring((0..10).map(|at| Toy {
            clock: at,
            bytes: 100,
            key: at == 0,
        }));
        assert_eq!((ring.newest_gop(), ring.bytes()), (Some(0), 1_000));
        ring.push(Toy {
            clock: 10,
            bytes: 1,
            key: false,
        });
        assert_eq!(
            (ring.newest_gop(), ring.base(), ring.bytes()),
            (None, 1, 901)
        );
    }

    #[test]
    fn over_the_limits_frames_before_the_newest_keyframe_go_first() {
        let mut ring = ring((0..10).map(|at| Toy {
            clock: at,
            bytes: 100,
            key: at == 0 || at == 8,
        }));
        ring.push(Toy {
            clock: 10,
            bytes: 500,
            key: false,
        });
        assert_eq!(
            (ring.newest_gop(), ring.base(), ring.overflows()),
            (Some(8), 5, 0)
        );
    }

    #[test]
    fn a_lone_frame_above_the_limit_is_still_there_for_players_in_sync() {
        let ring = ring([
            toy(0, true),
            Toy {
                clock: 1,
                bytes: 5_000,
                key: true,
            },
        ]);
        assert_eq!((ring.base(), ring.head()), (1, 2));
    }

    #[test]
    fn a_pin_keeps_old_frames_but_not_beyond_the_limits() {
        let mut ring = ring(seconds(3, 1));
        ring.pin(Some(1));
        ring.push(toy(12_000, true));
        assert_eq!(ring.base(), 1);
        ring.push(toy(22_000, true));
        assert_eq!(ring.base(), 2, "20 s is the limit whoever asks for more");
        assert_eq!(ring.overflows(), 0);
        ring.check_invariants();
    }

    #[test]
    fn without_a_place_to_start_readers_on_their_way_keep_theirs() {
        let mut ring = ring(seconds(4, 2));
        ring.clear_gops();
        assert_eq!((ring.newest_gop(), ring.base()), (None, 0));
        assert!(ring.get(3).is_some() && ring.get(4).is_none());
    }

    #[test]
    fn headers_after_a_pause_are_as_old_as_the_frame_that_follows() {
        let mut ring = ring(seconds(3, 1));
        let header = Toy {
            clock: 2_000,
            bytes: 0,
            key: false,
        };
        ring.push(header);
        ring.push(header);
        assert_eq!((ring.age(2), ring.age(3)), (0, 0));
        ring.push(toy(60_000, true));
        assert_eq!(ring.base(), 3, "whoever was at the head has lost nothing");
        assert_eq!((ring.age(2), ring.age(3), ring.age(9)), (0, 0, 0));
        ring.check_invariants();
    }
}
