//! A stream that runs for two months.

use std::sync::Arc;

use bongsu_hub::Kind;
use bytes::Bytes;

use crate::scene::{A, Got, INTER, KEY, SOUND, Scene, V};
use crate::starts::{BOUNDARIES, wire};

const DAY_MS: u64 = 86_400_000;
const DAYS: u64 = 60;
/// From one frame of a kind to the next: as far apart as frames of one time base may be, nearly.
const STEP_MS: u64 = 8_000;
/// How far sound is behind the picture.
const AUDIO_BEHIND_MS: u64 = 3_000;
/// How long those stay who join near a boundary: over it, and for all kinds of header behind it.
const STAY_MS: u64 = DAY_MS;
/// Most frames that anybody may hold: the ring keeps 20 s, and a group of pictures here has two.
const HELD_MAX: usize = 32;

/// Payloads that count how many of them are alive.
struct Counted {
    all: Arc<()>,
}

/// One payload among [`Counted`].
struct Payload {
    bytes: &'static [u8],
    _alive: Arc<()>,
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self.bytes
    }
}

impl Counted {
    fn payload(&self, bytes: &'static [u8]) -> Bytes {
        Bytes::from_owner(Payload {
            bytes,
            _alive: Arc::clone(&self.all),
        })
    }

    fn alive(&self) -> usize {
        Arc::strong_count(&self.all) - 1
    }
}

/// What an output must show: its clock, unwrapped, and how often it began again at 0.
struct Watched {
    name: String,
    is_push: bool,
    number: usize,
    /// Time of the stream when it joined.
    joined_ms: u64,
    /// Time of the last frame of each kind.
    last: [Option<u32>; 2],
    frames: u64,
    wraps: u32,
    first: Option<u32>,
}

impl Watched {
    fn new(joined_ms: u64, is_push: bool, number: usize) -> Self {
        Self {
            name: format!(
                "{} {number}, from {joined_ms} ms on",
                if is_push { "push" } else { "player" }
            ),
            is_push,
            number,
            joined_ms,
            last: [None; 2],
            frames: 0,
            wraps: 0,
            first: None,
        }
    }

    fn got(&self, scene: &mut Scene) -> Vec<Got> {
        if self.is_push {
            scene.pushed(self.number)
        } else {
            scene.played(self.number)
        }
    }

    /// Every frame of a kind is one step behind the one before: nothing lost, nothing twice, never back.
    fn watch(&mut self, got: &[Got]) {
        for message in got.iter().filter(|message| !message.is_header()) {
            if self.frames == 0 {
                assert_eq!(message.payload, KEY, "{}", self.name);
                self.first = Some(message.time);
            }
            self.frames += 1;
            let last = &mut self.last[usize::from(message.kind == V)];
            if let Some(last) = *last {
                let step = message.time.wrapping_sub(last);
                assert_eq!(u64::from(step), STEP_MS, "{} behind {last}", self.name);
                self.wraps += u32::from(message.time < last && message.kind == V);
            }
            *last = Some(message.time);
        }
    }
}

struct Weeks {
    scene: Scene,
    /// Pairs of a player and a push, in the order in which they joined. The first pair stays to the end.
    watched: Vec<Watched>,
    /// Before this one all but the first pair are gone.
    gone: usize,
    held_max: usize,
}

impl Weeks {
    /// A player and a push that join now, at this time of the stream.
    fn join(&mut self, now_ms: u64) {
        let (player, push) = (self.scene.join(), self.scene.push_out());
        self.watched.push(Watched::new(now_ms, false, player));
        self.watched.push(Watched::new(now_ms, true, push));
    }

    /// Looks at what everybody got, and lets those go that have stayed long enough.
    fn watch(&mut self, now_ms: u64) {
        let first_that_stays = self.gone;
        for watched in self.watched[..2].iter_mut() {
            watched.watch(&watched.got(&mut self.scene));
        }
        for pair in self.watched[first_that_stays..].chunks_exact_mut(2) {
            for watched in pair.iter_mut() {
                watched.watch(&watched.got(&mut self.scene));
            }
            if now_ms - pair[0].joined_ms >= STAY_MS {
                self.scene.leave(pair[0].number, pair[1].number);
                self.gone += 2;
            }
        }
    }

    /// Runs for so many days from a time of the publisher; what is not in `mask` is not kept of its clock. Somebody
    /// joins on each side of each boundary of the stream's time.
    fn run(days: u64, start: u64, mask: u32) -> Self {
        let counted = Counted { all: Arc::new(()) };
        let mut weeks = Self {
            scene: Scene::new(),
            watched: Vec::new(),
            gone: 2,
            held_max: 0,
        };
        weeks.join(0);
        weeks.scene.headers(wire(start) & mask);
        for count in 0..days * DAY_MS / STEP_MS {
            let time = count * STEP_MS;
            let picture = if count % 2 == 0 { KEY } else { INTER };
            let mut send = |after_ms: u64, kind: Kind, time: u64, bytes| {
                let payload = counted.payload(bytes);
                let wire = wire(start + time) & mask;
                weeks.scene.send(after_ms, kind, wire, &payload);
            };
            send(STEP_MS - AUDIO_BEHIND_MS, V, time, picture);
            send(AUDIO_BEHIND_MS, A, time + AUDIO_BEHIND_MS, SOUND);
            weeks.watch(time);
            for boundary in BOUNDARIES {
                let away = (time + STEP_MS).abs_diff(boundary);
                if away < 2 * STEP_MS && count % 2 == 1 {
                    weeks.join(time);
                }
            }
            weeks.held_max = weeks.held_max.max(counted.alive());
        }
        weeks
    }

    fn check(&self, days: u64, boundaries: usize) {
        let frames = days * DAY_MS / STEP_MS * 2;
        assert_eq!(self.watched[0].frames, frames);
        assert_eq!(self.watched[1].frames, frames);
        assert!(self.held_max <= HELD_MAX, "{} frames held", self.held_max);
        let stats = self.scene.stream.stats();
        assert_eq!(
            (
                stats.discontinuities,
                stats.times_held,
                stats.ring_overflows
            ),
            (0, 0, 0)
        );
        // A player and a push before each boundary, and behind it.
        let joined = &self.watched[2..];
        assert!(joined.len() >= 4 * boundaries, "{} joined", joined.len());
        for watched in joined {
            assert!(watched.frames > 0, "{} got nothing", watched.name);
            let is_near_zero = watched.first < Some(1_001);
            assert!(
                is_near_zero || !watched.is_push,
                "{} begins at {:?}",
                watched.name,
                watched.first
            );
        }
    }
}

/// [WIRE 134] [WIRE 135] [WIRE 162] Sixty days of a clock that begins at 0: past 2^24 ms, 2^30, 2^31, and the wrap after
/// 49.7 days, on input and on every output that is older than that.
#[test]
fn sixty_days_from_zero() {
    let weeks = Weeks::run(DAYS, 0, u32::MAX);
    weeks.check(DAYS, BOUNDARIES.len());
    for watched in &weeks.watched {
        // Who is there all the time, and players that join right before it: a push has a time of its own.
        let joins_before_it = watched.joined_ms > 3 << 30 && watched.first > Some(1 << 31);
        let sees_it = watched.joined_ms == 0 || (joins_before_it && !watched.is_push);
        assert_eq!(watched.wraps, u32::from(sees_it), "{}", watched.name);
    }
}

/// [WIRE 162] The wrap of the publisher at another time than that of the outputs: it starts a day before 2^32.
#[test]
fn the_publisher_wraps_after_a_day() {
    let days = 2;
    let weeks = Weeks::run(days, (1 << 32) - DAY_MS, u32::MAX);
    weeks.check(days, 1);
    assert!(
        weeks.watched.iter().all(|watched| watched.wraps == 0),
        "no output wraps"
    );
}

/// [WIRE 162] A publisher that keeps 31 bits of its clock begins again at 0, a day after its start and 24.8 days later; no output
/// shows it.
#[test]
fn a_publisher_of_31_bits_wraps_after_a_day() {
    let days = 27;
    let weeks = Weeks::run(days, (1 << 31) - DAY_MS, u32::MAX >> 1);
    weeks.check(days, 3);
    assert!(
        weeks.watched.iter().all(|watched| watched.wraps == 0),
        "no output wraps"
    );
}
