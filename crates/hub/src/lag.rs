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
    let behind = ring
        .get(at)
        .map_or(0, |next| ring.head_clock().saturating_sub(next.clock()));
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

    struct Toy(u64);

    impl Entry for Toy {
        fn clock(&self) -> u64 {
            self.0
        }
        fn held_bytes(&self) -> usize {
            1
        }
        fn starts_gop(&self) -> bool {
            false
        }
    }

    fn ring(clocks: &[u64], base: usize) -> Ring<Toy> {
        let mut ring = Ring::new(Limits {
            frames_max: clocks.len() - base,
            ms_min: 2 * LAG_MS_MAX,
            ..Limits::default()
        });
        for clock in clocks {
            ring.push(Toy(*clock));
        }
        assert_eq!(ring.base(), base as u64);
        ring
    }

    #[test]
    fn a_reader_lags_past_the_limit_and_before_the_place_to_start() {
        let ring = ring(&[0, 1, LAG_MS_MAX, LAG_MS_MAX + 1], 0);
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
        let ring = ring(&[0, 1, 2, 3], 2);
        assert_eq!(advise(&ring, 1, Some(3)), Advice::Skip(3));
        assert_eq!(advise(&ring, 1, None), Advice::Wait);
        assert_eq!(advise(&ring, 2, None), Advice::Stay);
    }
}
