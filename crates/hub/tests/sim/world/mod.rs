//! One run: a stream, its publishers, players and pushes, and a caller that does what it is told.

mod caller;
mod end;
mod players;
mod publishing;
mod pushes;

use std::time::{Duration, Instant};

use bongsu_hub::{
    Config, Fanout, LiveStream, Merge, PublisherId, Schedule, Shape, State, Takeover,
};

use self::{players::Seat, publishing::Publisher, pushes::Push};
use crate::{link::Link, log::Log, rng::Rng};

const STEPS: u64 = 500;

#[derive(Debug)]
pub(crate) struct World {
    rng: Rng,
    now: Instant,
    stream: LiveStream,
    fanout: Fanout<Link>,
    schedule: Schedule,
    log: Log,
    publisher: Option<Publisher>,
    replaced: Option<PublisherId>,
    last_video: Option<Instant>,
    seats: Vec<Seat>,
    pushes: Vec<Push>,
    joined: u64,
    skips: u64,
}

#[expect(clippy::disallowed_methods, reason = "only differences to it matter")]
fn epoch() -> Instant {
    Instant::now()
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let hold = Duration::from_secs(5 + rng.below(60));
        let merge = match rng.below(4) {
            0 => Merge::Default,
            1 => Merge::Throughput,
            2 => Merge::LowLatency,
            _ => Merge::Fixed(Duration::from_millis(rng.below(300))),
        };
        let mut world = Self {
            now: epoch(),
            stream: LiveStream::new(Config {
                hold,
                takeover: Takeover::Always,
            }),
            fanout: Fanout::new(),
            schedule: Schedule::new(merge),
            log: Log::default(),
            publisher: None,
            replaced: None,
            last_video: None,
            seats: Vec::new(),
            pushes: Vec::new(),
            joined: 0,
            skips: 0,
            rng,
        };
        // The first player is never disturbed: whatever others do must not change what it gets.
        world.join(1, Shape::FULL);
        if world.rng.one_in(8) {
            // More than a slice of a pass.
            for _ in 0..140 {
                let shape = world.any_shape();
                world.join(1, shape);
            }
        }
        world
    }

    /// Runs to the end. Gives how often somebody skipped.
    pub(crate) fn run(mut self) -> u64 {
        for _ in 0..STEPS {
            self.step();
            self.serve();
            if self.stream.state() == State::Ended {
                break;
            }
        }
        self.check();
        if self.stream.state() != State::Ended {
            self.heal();
        }
        self.end();
        self.skips
    }

    fn step(&mut self) {
        let ms = 1 + self.rng.below(30);
        self.sleep(ms);
        match self.rng.below(100) {
            0..=59 => self.media(),
            60..=64 => self.special(),
            65..=66 => self.change_publisher(),
            67 => {
                let ms = 500 + self.rng.below(9_000);
                self.sleep(ms);
            }
            68..=71 => {
                let message_stream = if self.rng.one_in(4) { 7 } else { 1 };
                let shape = self.any_shape();
                self.join(message_stream, shape);
            }
            72..=73 => self.leave(),
            74..=82 => self.room(),
            83..=86 => self.filter(),
            87..=90 => self.queue(),
            91..=97 => self.read_push(),
            _ => self.reconnect_push(),
        }
    }

    fn sleep(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        for seat in &self.seats {
            seat.link.0.borrow_mut().now = self.now;
        }
    }

    fn check_first(&mut self) {
        let Some(first) = self.seats.first_mut() else {
            return;
        };
        first
            .reader
            .feed(&self.log, &mut first.link.0.borrow_mut().got);
        assert_eq!(
            first.reader.gaps, 0,
            "others disturb it [WIRE 171]: {}",
            first.reader.last_gap
        );
        assert!(first.reader.is_whole());
    }

    fn check(&mut self) {
        self.stream.check_invariants();
        self.fanout.check_invariants();
        for seat in &mut self.seats {
            seat.reader
                .feed(&self.log, &mut seat.link.0.borrow_mut().got);
            for (kind, most) in &seat.most {
                let got = seat.reader.by_kind.get(kind).copied().unwrap_or(0);
                assert!(
                    got <= *most,
                    "{kind:?} after it was switched off: {:?}",
                    seat.reader
                );
            }
        }
    }
}
