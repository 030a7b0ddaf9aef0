//! One run: a stream, its publishers, players and pushes, and a caller that does what it is told.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use bongsu_hub::{
    Config, Cursor, Dropped, Event, Fanout, Filter, Identity, Kind, LiveStream, Merge, Next, Pass,
    PlayerId, PublisherId, Pushed, QueueError, Schedule, State, Takeover, Turn, Unpublish,
    limits::{RING_BYTES_MAX, STALL},
};
use bytes::Bytes;

use crate::{
    link::Link,
    log::{Log, What},
    publisher::Profile,
    reader::Reader,
    rng::Rng,
    wire::{self, Wire},
};

const STEPS: u64 = 500;

/// What the caller waits for before it gives a player a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Turn,
    Writable,
    Event,
}

#[derive(Debug)]
struct Seat {
    id: PlayerId,
    link: Link,
    reader: Reader,
    want: Want,
    controls: u32,
    /// Most messages of a kind it may have got by now, since the kind was switched off.
    most: Vec<(Kind, u64)>,
    finished: bool,
}

#[derive(Debug)]
struct Push {
    cursor: Cursor,
    reader: Reader,
    rebased: bool,
}

#[derive(Debug)]
struct Publisher {
    id: PublisherId,
    profile: Profile,
    /// Time on its own clock when it began, and whether it clears the top bit.
    base: u32,
    began: Instant,
    masked: bool,
    /// Per track: whether it had a keyframe, and a frame since the last keyframe of track 0.
    keyed: [bool; 2],
    seen: [bool; 2],
    last_video: Option<Instant>,
}

impl Publisher {
    /// Takes note of a video frame.
    fn note(&mut self, now: Instant, what: What, track: usize) {
        if !matches!(what, What::Key | What::Inter) {
            return;
        }
        self.seen[track] = true;
        if track == 0 {
            self.last_video = Some(now);
        }
        if what == What::Key {
            self.keyed[track] = true;
            if track == 0 {
                // Who was silent for a whole group of pictures begins anew.
                self.keyed[1] &= self.seen[1];
                self.seen = [true, false];
            }
        }
    }
}

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

const ALL: [Kind; 3] = [Kind::Audio, Kind::Video, Kind::Data];

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
        world.join(1);
        if world.rng.one_in(8) {
            // More than a slice of a pass.
            (0..140).for_each(|_| world.join(1));
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
                self.join(message_stream);
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

    // Publishers.

    fn publish(&mut self) {
        let identity = Identity::Key(format!("key {}", self.rng.below(2)).into());
        let published = self.stream.publish(self.now, identity).unwrap();
        assert_eq!(
            published.replaced,
            self.publisher.as_ref().map(|publisher| publisher.id)
        );
        self.replaced = published.replaced.or(self.replaced);
        let (base, masked) = match self.rng.below(4) {
            0 => (0, false),
            1 => (u32::MAX - 2_000, false),
            2 => ((1 << 31) - 2_000, true),
            _ => (u32::try_from(self.rng.below(1 << 32)).unwrap(), false),
        };
        self.log.begin_session();
        self.last_video = None;
        self.publisher = Some(Publisher {
            id: published.publisher,
            profile: Profile::any(&mut self.rng),
            base,
            began: self.now,
            masked,
            keyed: [false; 2],
            seen: [false; 2],
            last_video: None,
        });
    }

    fn change_publisher(&mut self) {
        match &self.publisher {
            Some(publisher) if self.rng.one_in(2) => {
                let state = self
                    .stream
                    .unpublish(self.now, publisher.id, Unpublish::Lost);
                assert!(matches!(state, State::Holding { .. }));
                self.publisher = None;
                let ms = self.rng.below(3_000);
                self.sleep(ms);
            }
            _ => self.publish(),
        }
    }

    /// Pushes a message and tells the model.
    fn push(&mut self, kind: Kind, what: What, track: u8, payload: Option<Bytes>) -> Pushed {
        let id = self.log.next_id();
        // A header too large to be kept would be a story of its own.
        let big = self.rng.one_in(60) && !matches!(what, What::Header | What::Metadata);
        let size = self.rng.size(if big { 120_000 } else { 1_500 });
        let jitter = u32::try_from(self.rng.below(20)).unwrap();
        let publisher = self.publisher.as_mut().unwrap();
        let payload =
            payload.unwrap_or_else(|| publisher.profile.payload(kind, what, track, id, size));
        let elapsed = self
            .now
            .saturating_duration_since(publisher.began)
            .as_millis();
        let elapsed = u32::try_from(elapsed).unwrap();
        let mut timestamp = publisher.base.wrapping_add(elapsed).wrapping_sub(jitter);
        if publisher.masked {
            timestamp &= (1 << 31) - 1;
        }
        publisher.note(self.now, what, usize::from(track));
        let pushed = self
            .stream
            .push(self.now, publisher.id, kind, timestamp, payload, &Wire);
        if pushed == Pushed::Queued {
            // Without a keyframe for long it goes out as it is.
            let unmarked = what == What::Inter && !publisher.keyed[usize::from(track)];
            if kind == Kind::Video && what == What::Header {
                let changed = self.log.header(kind, track).is_some();
                publisher.keyed[usize::from(track)] &= !changed;
            }
            self.log.queue(id, kind, track, what, unmarked);
            self.schedule.on_frame(self.now, kind);
        }
        let last = publisher.last_video;
        let quiet = last.is_none_or(|last| self.now - last >= Duration::from_secs(9));
        if quiet || !publisher.keyed[0] {
            self.log.anywhere = self.log.head();
        }
        assert!(self.stream.ring_bytes() <= RING_BYTES_MAX, "[WIRE 174]");
        pushed
    }

    /// Pushes what must get through.
    fn must(&mut self, kind: Kind, what: What, track: u8) {
        assert_eq!(
            self.push(kind, what, track, None),
            Pushed::Queued,
            "{what:?}"
        );
    }

    fn media(&mut self) {
        let Some(publisher) = &self.publisher else {
            if self.rng.one_in(5) {
                self.publish();
            }
            return;
        };
        let profile = publisher.profile;
        if profile.has_audio() && (profile.tracks() == 0 || self.rng.one_in(2)) {
            if self.log.header(Kind::Audio, 0).is_none() {
                self.must(Kind::Audio, What::Header, 0);
            }
            return self.must(Kind::Audio, What::Audio, 0);
        }
        let track = u8::try_from(self.rng.below(u64::from(profile.tracks()))).unwrap();
        if profile.has_video_header() && self.log.header(Kind::Video, track).is_none() {
            self.must(Kind::Video, What::Header, track);
        }
        let key = profile != Profile::Unmarked && self.rng.one_in(20);
        if key {
            self.must(Kind::Video, What::Key, track);
        } else {
            let keyed = self.publisher.as_ref().unwrap().keyed[usize::from(track)];
            let pushed = self.push(Kind::Video, What::Inter, track, None);
            let before_keyframe = pushed == Pushed::Dropped(Dropped::BeforeKeyframe);
            assert!(
                pushed == Pushed::Queued || before_keyframe && !keyed,
                "{pushed:?}"
            );
        }
    }

    /// Everything a publisher sends beside media, and what it should not send.
    fn special(&mut self) {
        let Some(publisher) = &self.publisher else {
            return;
        };
        let (profile, old) = (publisher.profile, self.replaced);
        match self.rng.below(9) {
            0 => self.must(Kind::Data, What::Metadata, 0),
            1 => self.must(Kind::Data, What::Data, 0),
            2 if profile.has_audio() => self.must(Kind::Audio, What::Header, 0),
            3 if profile.has_video_header() => self.must(Kind::Video, What::Header, 0),
            4 if profile.tracks() > 0 => self.must(Kind::Video, What::Moment, 0),
            5 if profile.has_audio() => {
                let pushed = self.push(Kind::Audio, What::Silence, 0, Some(Bytes::new()));
                assert_eq!(pushed, Pushed::Queued);
            }
            6 => {
                let malformed = Bytes::from_static(b"\x17\x01\0");
                let pushed = self.push(Kind::Video, What::Moment, 0, Some(malformed));
                assert_eq!(pushed, Pushed::Dropped(Dropped::Malformed));
            }
            7 => {
                // A clock that jumps, far enough to be no gap.
                let jump = 20_000 + u32::try_from(self.rng.below(1 << 30)).unwrap();
                let back = self.rng.one_in(2);
                let publisher = self.publisher.as_mut().unwrap();
                let base = publisher.base;
                publisher.base = if back {
                    base.wrapping_sub(jump)
                } else {
                    base.wrapping_add(jump)
                };
            }
            _ => {
                if let Some(old) = old {
                    let audio = Bytes::from_static(b"\xaf\x01late");
                    let pushed = self
                        .stream
                        .push(self.now, old, Kind::Audio, 0, audio, &Wire);
                    assert_eq!(pushed, Pushed::Dropped(Dropped::NotPublishing));
                }
            }
        }
    }

    // Players.

    fn join(&mut self, message_stream: u32) {
        self.joined += 1;
        let link = Link::new(self.now);
        let id = self.fanout.add(self.now, link.clone(), message_stream);
        let name = format!("player {}", self.joined);
        let reader = Reader::new(name, message_stream);
        let mut seat = Seat {
            id,
            link,
            reader,
            want: Want::Turn,
            controls: 0,
            most: Vec::new(),
            finished: false,
        };
        if self.rng.one_in(2) {
            self.fanout.queue(self.now, id, wire::control(0)).unwrap();
            seat.controls = 1;
        }
        self.seats.push(seat);
    }

    /// Somebody, but not the first player.
    fn anybody(&mut self) -> Option<usize> {
        let others = self
            .seats
            .len()
            .checked_sub(1)
            .filter(|others| *others > 0)?;
        Some(1 + self.rng.size(others))
    }

    fn leave(&mut self) {
        let Some(at) = self.anybody() else { return };
        if self.rng.one_in(3) {
            // Its peer goes first.
            self.seats[at].link.0.borrow_mut().gone = true;
            return;
        }
        self.remove(at);
    }

    fn remove(&mut self, at: usize) {
        let mut seat = self.seats.swap_remove(at);
        // The first one stays the first.
        assert!(at > 0 || self.seats.is_empty());
        let (_, stats) = self.fanout.remove(seat.id).unwrap();
        let total = seat.link.0.borrow().total;
        assert_eq!(stats.bytes, total, "{:?}", seat.reader);
        seat.reader
            .feed(&self.log, &mut seat.link.0.borrow_mut().got);
        assert!(seat.reader.gaps <= stats.drops.skips);
        assert!(seat.reader.in_place <= stats.frames && stats.frames <= seat.reader.messages);
        self.skips += stats.drops.skips;
        assert_eq!(
            Rc::strong_count(&seat.link.0),
            1,
            "nobody else holds its socket"
        );
    }

    fn room(&mut self) {
        let Some(at) = self.anybody() else { return };
        let room = match self.rng.below(6) {
            0 => Some(0),
            1..=3 => Some(self.rng.size(4_000)),
            _ => None,
        };
        self.seats[at].link.0.borrow_mut().room = room;
    }

    fn filter(&mut self) {
        let Some(at) = self.anybody() else { return };
        let filter = Filter {
            audio: !self.rng.one_in(3),
            video: !self.rng.one_in(3),
            paused: self.rng.one_in(4),
        };
        self.set_filter(at, filter);
    }

    fn set_filter(&mut self, at: usize, filter: Filter) {
        let seat = &mut self.seats[at];
        seat.reader
            .feed(&self.log, &mut seat.link.0.borrow_mut().got);
        if filter != Filter::OPEN {
            seat.reader.always_open = false;
        }
        let off = |kind: &Kind| {
            filter.paused
                || (*kind == Kind::Audio && !filter.audio)
                || (*kind == Kind::Video && !filter.video)
        };
        // A frame or a prelude under way is finished.
        let so_far = |kind| seat.reader.by_kind.get(&kind).copied().unwrap_or(0) + 3;
        seat.most = ALL
            .into_iter()
            .filter(off)
            .map(|kind| (kind, so_far(kind)))
            .collect();
        self.fanout.set_filter(self.now, seat.id, filter);
        assert_eq!(self.fanout.filter(seat.id), Some(filter));
    }

    fn queue(&mut self) {
        let Some(at) = self.anybody() else { return };
        let seat = &mut self.seats[at];
        match self
            .fanout
            .queue(self.now, seat.id, wire::control(seat.controls))
        {
            Ok(()) => seat.controls += 1,
            Err(error) => assert_eq!(error, QueueError::NoPlayer, "so few replies always fit"),
        }
    }

    // The caller.

    fn serve(&mut self) {
        self.stream.handle_timeout(self.now);
        if self
            .fanout
            .poll_timeout()
            .is_some_and(|due| due <= self.now)
        {
            self.fanout.handle_timeout(self.now);
        }
        let due = self.schedule.due().is_some_and(|due| due <= self.now);
        if due || self.fanout.in_pass() {
            self.pass();
        }
        self.events();
        for at in (0..self.seats.len()).rev() {
            let seat = &self.seats[at];
            let due = match seat.want {
                Want::Turn => at == 0 || !self.rng.one_in(4),
                Want::Writable => seat.link.is_writable(),
                Want::Event => false,
            };
            if due {
                self.turn(at);
            }
        }
        self.events();
        self.check_first();
    }

    /// One slice.
    fn pass(&mut self) {
        if !self.fanout.in_pass() {
            self.schedule.pass_started(self.now);
        }
        if self.fanout.pass(self.now, &mut self.stream) == Pass::Done {
            self.schedule.pass_ended(self.now);
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.fanout.poll_event() {
            let id = event.player();
            let at = self
                .seats
                .iter()
                .position(|seat| seat.id == id)
                .expect("an event of nobody");
            match event {
                Event::Blocked(_) => self.seats[at].want = Want::Writable,
                Event::Ready(_) => self.seats[at].want = Want::Turn,
                Event::Gone(_) => {
                    assert!(self.seats[at].link.0.borrow().gone);
                    self.remove(at);
                }
                Event::Stalled(_) => {
                    let took_at = self.seats[at].link.0.borrow().took_at;
                    assert!(self.now - took_at >= STALL, "[WIRE 175]");
                    self.remove(at);
                }
            }
        }
    }

    fn turn(&mut self, at: usize) {
        let seat = &mut self.seats[at];
        let turn = self.fanout.turn(self.now, seat.id, &mut self.stream, &Wire);
        seat.want = match turn {
            Turn::More => Want::Turn,
            Turn::Blocked => Want::Writable,
            Turn::InSync | Turn::Idle => Want::Event,
            Turn::Gone => return self.remove(at),
            Turn::Finished => {
                seat.finished = true;
                Want::Event
            }
        };
    }

    // Pushes.

    fn reconnect_push(&mut self) {
        let rebased = self.rng.one_in(2);
        let cursor = if rebased {
            Cursor::rebased()
        } else {
            Cursor::new()
        };
        self.joined += 1;
        let reader = Reader::new(format!("push {}", self.joined), 1);
        let push = Push {
            cursor,
            reader,
            rebased,
        };
        if self.pushes.len() < 4 {
            self.pushes.push(push);
        } else {
            let at = self.rng.size(self.pushes.len());
            self.pushes[at] = push;
        }
    }

    fn read_push(&mut self) {
        if self.pushes.is_empty() {
            return;
        }
        let at = self.rng.size(self.pushes.len());
        let messages = self.rng.below(80);
        for _ in 0..messages {
            if !self.next(at) {
                return;
            }
        }
    }

    /// Reads one message. Gives whether there was one.
    fn next(&mut self, at: usize) -> bool {
        let Push {
            cursor,
            reader,
            rebased,
        } = &mut self.pushes[at];
        let first = reader.messages == 0;
        let timestamp = match self.stream.next(cursor) {
            Next::Wait => return false,
            Next::Header {
                kind,
                timestamp,
                payload,
            } => {
                reader.message(&self.log, kind, timestamp, payload);
                timestamp
            }
            Next::Frame { frame, timestamp } => {
                reader.message(&self.log, frame.kind, timestamp, &frame.payload);
                timestamp
            }
        };
        // A ring is no longer than that. [WIRE 135]
        assert!(
            !*rebased || !first || timestamp <= 20_000,
            "begins at {timestamp}"
        );
        assert!(reader.gaps <= cursor.drops().skips, "{}", reader.last_gap);
        true
    }

    // What must hold.

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

    /// Everybody reads again and wants everything: soon everybody has everything.
    fn heal(&mut self) {
        self.publish();
        self.publisher.as_mut().unwrap().profile = Profile::Enhanced;
        for at in 0..self.seats.len() {
            self.seats[at].link.0.borrow_mut().room = None;
            self.set_filter(at, Filter::OPEN);
        }
        self.must(Kind::Data, What::Metadata, 0);
        self.must(Kind::Video, What::Header, 0);
        self.must(Kind::Audio, What::Header, 0);
        for what in [What::Key, What::Inter, What::Key, What::Inter] {
            self.must(Kind::Video, what, 0);
            self.must(Kind::Audio, What::Audio, 0);
            self.settle();
        }
        self.check();
        let open = self.seats.iter().filter(|seat| !seat.link.0.borrow().gone);
        for seat in open {
            assert!(seat.reader.is_whole(), "{:?}", seat.reader);
            assert!(
                seat.reader.is_current(&self.log),
                "somebody forgot {:?}",
                seat.reader
            );
            assert_eq!(seat.reader.controls, seat.controls, "no reply is lost");
        }
        let shared = |seat: &&Seat| seat.reader.is_shared();
        assert_eq!(
            self.fanout.in_sync(),
            self.seats.iter().filter(shared).count()
        );
        for at in 0..self.pushes.len() {
            while self.next(at) {}
            assert!(self.pushes[at].reader.is_current(&self.log));
            assert_eq!(self.stream.lag_ms(&self.pushes[at].cursor), 0);
        }
    }

    /// Serves until there is nothing more to do.
    fn settle(&mut self) {
        for _ in 0..400 {
            self.sleep(10);
            self.serve();
            let busy = self.seats.iter().any(|seat| seat.want != Want::Event);
            if !busy && self.schedule.due().is_none() && !self.fanout.in_pass() {
                return;
            }
        }
        panic!("there is always something to do");
    }

    /// The stream ends, everybody leaves, nothing is left.
    fn end(&mut self) {
        if let Some(publisher) = self.publisher.take() {
            let how = if self.rng.one_in(2) {
                Unpublish::Clean
            } else {
                Unpublish::Lost
            };
            self.stream.unpublish(self.now, publisher.id, how);
        }
        if let Some(due) = self.stream.poll_timeout() {
            self.stream.handle_timeout(due);
        }
        assert_eq!(self.stream.state(), State::Ended);
        for at in 0..self.seats.len() {
            let seat = &mut self.seats[at];
            seat.link.0.borrow_mut().room = None;
            let last = wire::control(seat.controls);
            if self.fanout.finish(self.now, seat.id, last).is_ok() {
                seat.controls += 1;
            }
        }
        for _ in 0..200 {
            self.sleep(10);
            self.serve();
        }
        while let Some(at) = self.seats.len().checked_sub(1) {
            let seat = &mut self.seats[at];
            assert!(seat.finished, "{:?} waits for {:?}", seat.reader, seat.want);
            seat.reader
                .feed(&self.log, &mut seat.link.0.borrow_mut().got);
            assert_eq!(
                seat.reader.controls, seat.controls,
                "the last bytes are the last"
            );
            self.remove(at);
        }
        assert!(self.fanout.is_empty() && self.fanout.in_sync() == 0);
        assert_eq!(self.fanout.players().count(), 0);
        assert_eq!(self.fanout.poll_event(), None);
        self.fanout.check_invariants();
        self.skips += self
            .pushes
            .iter()
            .map(|push| push.cursor.drops().skips)
            .sum::<u64>();
    }
}
