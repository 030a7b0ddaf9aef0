//! When a frame was sent, and the how-manieth it is: carried inside valid media.

use rustix::time::{ClockId, clock_gettime};

/// What marks our stamps, without a zero byte.
pub(super) const UUID: [u8; 16] = *b"bongsu.bench.1.0";

/// Bytes of a stamp as it is carried: two for each.
pub(super) const STAMP_BYTES: usize = 24;

/// Added to each half of a byte. Why: no byte is ever 0, which H.264 would have to escape.
const HALF: u8 = 0x40;

/// A mark on a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Counts the frames of a kind of one publisher, from 0.
    pub(crate) sequence: u32,
    /// When it was sent, in nanoseconds of this machine's monotonic clock.
    pub(crate) sent_ns: u64,
}

impl Stamp {
    /// The stamp of a frame that is sent now.
    pub(crate) fn now(sequence: u32) -> Self {
        Self {
            sequence,
            sent_ns: now_ns(),
        }
    }

    pub(super) fn encode(self) -> [u8; STAMP_BYTES] {
        let mut out = [HALF; STAMP_BYTES];
        let bytes = self.sequence.to_be_bytes().into_iter();
        let bytes = bytes.chain(self.sent_ns.to_be_bytes());
        for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
            if let [high, low] = pair {
                *high |= byte >> 4;
                *low |= byte & 0x0f;
            }
        }
        out
    }

    /// The stamp in a message, where the UUID begins at `at`.
    pub(super) fn find(message: &[u8], at: usize) -> Option<Self> {
        let rest = message.get(at..)?.strip_prefix(&UUID)?;
        let carried = rest.first_chunk::<STAMP_BYTES>()?;
        let mut bytes = [0; STAMP_BYTES / 2];
        for (byte, pair) in bytes.iter_mut().zip(carried.chunks_exact(2)) {
            if let [high, low] = pair {
                *byte = (high & 0x0f) << 4 | low & 0x0f;
            }
        }
        let (sequence, sent) = bytes.split_first_chunk::<4>()?;
        Some(Self {
            sequence: u32::from_be_bytes(*sequence),
            sent_ns: u64::from_be_bytes(*sent.first_chunk()?),
        })
    }
}

/// Nanoseconds of the monotonic clock, which all processes of a machine share.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
