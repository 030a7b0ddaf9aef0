//! The drop policy: when a reader skips, and where to.

use crate::{
    limits::LAG_MS_MAX,
    ring::{Entry, Ring},
};

/// What the policy says to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Read on.
    Stay,
    /// Skip to this entry: audio and video together. [WIRE 172]
    Skip(u64),
    /// Skip to the next place to start, which is still to come.
    Wait,
}

/// Judges a reader whose next entry is `at`; `start` is where one may start now.
///
/// It lags when its next entry is gone, or when it is more than [`LAG_MS_MAX`] behind the newest one and before the
/// place to start. Behind that place it reads on however far it is: skipping would gain nothing.
pub(crate) fn advise<F: Entry>(ring: &Ring<F>, at: u64, start: Option<u64>) -> Advice {
    let gone = at < ring.base();
    let behind = ring.age(at);
    match start {
        Some(start) if at < start && (gone || behind > LAG_MS_MAX) => Advice::Skip(start),
        None if gone => Advice::Wait,
        _ => Advice::Stay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::Limits;

    /// A time, or the time of the entry before.
    #[derive(Clone, Copy)]
    enum Toy {
        Timed(u64),
        Still(u64),
    }

    use Toy::{Still, Timed};

    impl Entry for Toy {
        fn clock(&self) -> u64 {
            match *self {
                Timed(clock) | Still(clock) => clock,
            }
        }
        fn is_timed(&self) -> bool {
            matches!(self, Timed(_))
        }
        fn held_bytes(&self) -> usize {
            1
        }
        fn starts_gop(&self) -> bool {
            false
        }
    }

    fn ring(entries: &[Toy], base: usize) -> Ring<Toy> {
        let mut ring = Ring::new(Limits {
            frames_max: entries.len() - base,
            ms_min: 3 * LAG_MS_MAX,
            ..Limits::default()
        });
        for entry in entries {
            ring.push(*entry);
        }
        assert_eq!(ring.base(), base as u64);
        ring
    }

    #[test]
    fn a_reader_lags_past_the_limit_and_before_the_place_to_start() {
        let ring = ring(&[0, 1, LAG_MS_MAX, LAG_MS_MAX + 1].map(Timed), 0);
        assert_eq!(advise(&ring, 0, Some(3)), Advice::Skip(3));
        assert_eq!(advise(&ring, 1, Some(3)), Advice::Stay, "at the limit");
        assert_eq!(
            advise(&ring, 0, Some(0)),
            Advice::Stay,
            "there is nothing to gain"
        );
        assert_eq!(
            advise(&ring, 0, None),
            Advice::Stay,
            "nor without a place to start"
        );
        assert_eq!(advise(&ring, 4, Some(0)), Advice::Stay, "at the head");
    }

    #[test]
    fn a_reader_whose_next_entry_is_gone_skips_or_waits() {
        let ring = ring(&[0, 1, 2, 3].map(Timed), 2);
        assert_eq!(advise(&ring, 1, Some(3)), Advice::Skip(3));
        assert_eq!(advise(&ring, 1, None), Advice::Wait);
        assert_eq!(advise(&ring, 2, None), Advice::Stay);
    }

    #[test]
    fn a_header_from_before_a_pause_is_no_lag() {
        let pause = 2 * LAG_MS_MAX;
        let ring = ring(
            &[Timed(0), Still(0), Still(0), Timed(pause), Timed(pause + 1)],
            0,
        );
        assert_eq!(advise(&ring, 1, Some(4)), Advice::Stay);
        assert_eq!(advise(&ring, 0, Some(4)), Advice::Skip(4));
    }
}
