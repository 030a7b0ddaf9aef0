//! Strangers who mean harm: what they send, how the relay gets rid of them, and what they cost it.
//!
//! [`Siege`] runs one attack after the other while a stream flows; [`attacks`] and [`silence`] are the attackers, and
//! [`half_open`] runs in a process of its own. Nothing here shares code with the relay.

pub mod attacks;
pub mod damage;
pub mod floods;
pub mod half_open;
pub mod honest;
mod siege;
pub mod silence;
pub mod wire;

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

pub use siege::{Figures, Siege};

/// How late the relay may be with closing who has used up its time.
pub const GRACE: Duration = Duration::from_secs(2);
/// The shortest wait for a close.
const LOOK: Duration = Duration::from_millis(1);
/// Attackers at work at once, where each waits for the relay in turn.
const THREADS: u32 = 4;

/// What an attack did, as the attackers saw it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Connections that were made.
    pub connections: u32,
    /// Connections that the relay did not close within their deadline and [`GRACE`].
    pub left_open: u32,
    /// How long after its deadline the last one was closed.
    pub late: Duration,
}

impl Outcome {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            left_open: self.left_open + other.left_open,
            late: self.late.max(other.late),
        }
    }
}

/// A connection that the relay has to close.
#[derive(Debug)]
pub struct Held {
    stream: TcpStream,
    due: Instant,
}

impl Held {
    /// From now on the relay has `deadline`.
    #[must_use]
    pub fn new(stream: TcpStream, deadline: Duration) -> Self {
        Self {
            stream,
            due: Instant::now() + deadline,
        }
    }

    /// Reads until the relay has closed the connection.
    #[must_use]
    pub fn wait_for_close(mut self) -> Outcome {
        let mut outcome = Outcome {
            connections: 1,
            ..Outcome::default()
        };
        let mut buffer = [0; 16_384];
        loop {
            let left = (self.due + GRACE).saturating_duration_since(Instant::now());
            // Who has waited for others looks at least once.
            let _ = self.stream.set_read_timeout(Some(left.max(LOOK)));
            match self.stream.read(&mut buffer) {
                Ok(count) if count > 0 => {}
                Err(error) if left.is_zero() && error.kind() == ErrorKind::WouldBlock => {
                    outcome.left_open = 1;
                    return outcome;
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) => {}
                // An end, or a reset.
                _ => {
                    outcome.late = Instant::now().saturating_duration_since(self.due);
                    return outcome;
                }
            }
        }
    }
}

/// Waits until the relay has closed all of them, in the order of their deadlines.
#[must_use]
pub fn wait_for_closes(mut held: Vec<Held>) -> Outcome {
    held.sort_by_key(|held| held.due);
    held.into_iter()
        .map(Held::wait_for_close)
        .fold(Outcome::default(), Outcome::and)
}

/// Lets several threads do `each` with the numbers 0 to `count`.
///
/// # Panics
///
/// When one of them does.
pub fn together(count: u32, each: impl Fn(u32) -> Outcome + Sync) -> Outcome {
    let part =
        |index: u32| -> Range<u32> { count * index / THREADS..count * (index + 1) / THREADS };
    let each = &each;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|index| {
                scope.spawn(move || part(index).map(each).fold(Outcome::default(), Outcome::and))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an attacker"))
            .fold(Outcome::default(), Outcome::and)
    })
}

/// Numbers that are the same on every run.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of one seed.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        Self((seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next one, below `bound`.
    ///
    /// # Panics
    ///
    /// When `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 8).unwrap() % bound
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}
