use std::{cell::RefCell, rc::Rc, time::Duration};

use super::*;
use crate::{
    State, Unpublish,
    limits::{CONTROL_BYTES_MAX, PASS_SLICE_PLAYERS, TURN_BYTES_MAX, TURN_FRAMES_MAX},
    testing::{Scene, Toy, parse, payload},
};

/// What arrived at a player, and how much it still takes.
#[derive(Debug)]
struct Link {
    got: Vec<u8>,
    room: usize,
    gone: bool,
    writes: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Pipe(Rc<RefCell<Link>>);

impl Pipe {
    fn new() -> Self {
        let room = usize::MAX;
        Self(Rc::new(RefCell::new(Link {
            got: Vec::new(),
            room,
            gone: false,
            writes: Vec::new(),
        })))
    }

    /// From now on it takes so many bytes.
    fn room(&self, bytes: usize) {
        self.0.borrow_mut().room = bytes;
    }

    fn text(&self) -> String {
        parse(&self.0.borrow().got)
    }

    /// What arrived since the last look.
    fn news(&self) -> String {
        let news = self.text();
        self.0.borrow_mut().got.clear();
        news
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> Written {
        let mut link = self.0.borrow_mut();
        if link.gone {
            return Written::Gone;
        }
        let sent = bytes.len().min(link.room);
        if sent == 0 {
            return Written::Blocked;
        }
        if link.room != usize::MAX {
            link.room -= sent;
        }
        link.got.extend_from_slice(&bytes[..sent]);
        link.writes.push(sent);
        Written::Sent(sent)
    }
}

/// A stream, its fan-out, and a caller that does what events say.
struct Room {
    scene: Scene,
    fanout: Fanout<Pipe>,
    told: Vec<Event>,
}

impl Room {
    fn new() -> Self {
        Self {
            scene: Scene::new(),
            fanout: Fanout::new(),
            told: Vec::new(),
        }
    }

    /// One slice of a pass.
    fn slice(&mut self) -> Pass {
        let pass = self.fanout.pass(self.scene.now, &mut self.scene.stream);
        self.fanout.check_invariants();
        pass
    }

    fn join_on(&mut self, message_stream: u32) -> (PlayerId, Pipe) {
        let pipe = Pipe::new();
        let id = self
            .fanout
            .add(self.scene.now, pipe.clone(), message_stream);
        self.turns(id);
        (id, pipe)
    }

    fn join(&mut self) -> (PlayerId, Pipe) {
        self.join_on(1)
    }

    fn turn(&mut self, id: PlayerId) -> Turn {
        let turn = self
            .fanout
            .turn(self.scene.now, id, &mut self.scene.stream, &Toy);
        self.fanout.check_invariants();
        turn
    }

    /// Turns until there is nothing more to do at once.
    fn turns(&mut self, id: PlayerId) -> Turn {
        loop {
            let turn = self.turn(id);
            if turn != Turn::More {
                return turn;
            }
        }
    }

    /// Does what events say and notes those that are for others.
    fn events(&mut self) {
        while let Some(event) = self.fanout.poll_event() {
            match event {
                Event::Ready(id) => {
                    self.turns(id);
                }
                other => self.told.push(other),
            }
        }
    }

    /// A whole pass with everything it brings.
    fn pass(&mut self) {
        while self.slice() == Pass::More {}
        self.events();
    }

    fn push(&mut self, messages: &str) {
        self.scene.push(messages);
    }

    fn push_pass(&mut self, messages: &str) {
        self.push(messages);
        self.pass();
    }

    fn queue(&mut self, id: PlayerId, bytes: &str) -> Result<(), QueueError> {
        self.fanout
            .queue(self.scene.now, id, Bytes::copy_from_slice(bytes.as_bytes()))
    }

    fn filter(&mut self, id: PlayerId, audio: bool, video: bool, paused: bool) {
        self.fanout.set_filter(
            self.scene.now,
            id,
            Filter {
                audio,
                video,
                paused,
            },
        );
        self.events();
    }
}

// In sync.

#[test]
fn a_joining_player_gets_prelude_and_group_of_pictures_and_is_in_sync() {
    let mut room = Room::new();
    room.push("m H h K1@0 a@10 P@40");
    let (id, pipe) = room.join();
    assert_eq!(
        pipe.news(),
        "m@0 H@0 h@0 K1@0 a@10 P@40",
        "[WIRE 132] [WIRE 133]"
    );
    assert_eq!((room.fanout.in_sync(), room.turn(id)), (1, Turn::InSync));
    room.push_pass("P2@80");
    room.push_pass("a@90 P3@120");
    assert_eq!(pipe.news(), "P2@80 a@90 P3@120");
    let stats = room.fanout.stats(id).unwrap();
    assert_eq!((stats.frames, stats.drops), (6, Drops::default()));
    let sent: usize = pipe.0.borrow().writes.iter().sum();
    assert_eq!(stats.bytes, sent as u64);
}

#[test]
fn one_new_frame_or_several_are_one_write_per_player() {
    let mut room = Room::new();
    room.push("H K@0");
    let pipes = [room.join().1, room.join().1];
    for pipe in &pipes {
        pipe.0.borrow_mut().writes.clear();
    }
    room.push_pass("P@40");
    room.push_pass("P@80 a@90 P@120");
    for pipe in &pipes {
        assert_eq!(pipe.0.borrow().writes.len(), 2);
    }
}

#[test]
fn a_player_of_an_idle_stream_waits_and_is_told_of_the_keyframe() {
    let mut room = Room::new();
    let (id, pipe) = room.join();
    assert_eq!(room.turn(id), Turn::Idle);
    room.push_pass("H h a@0");
    assert_eq!(
        pipe.news(),
        "H@0 h@0 a@0",
        "as long as there is no picture, sound is all"
    );
    let mut room = Room::new();
    let (_, pipe) = room.join();
    room.push("H h");
    room.scene.dropped("P", 0);
    room.push_pass("a@0");
    assert_eq!((pipe.news(), room.fanout.in_sync()), (String::new(), 0));
    room.push_pass("K@40");
    assert_eq!(
        pipe.news(),
        "H@0 h@0 a@0 K@40",
        "it was there from the beginning, and loses nothing of it"
    );
    assert_eq!(room.fanout.in_sync(), 1);
}

#[test]
fn a_player_that_joins_behind_the_last_pass_gets_nothing_twice() {
    let mut room = Room::new();
    room.push("H K1@0");
    let (_, early) = room.join();
    room.push("P@40 K2@80 P@120");
    let (id, pipe) = room.join();
    assert_eq!(
        room.turn(id),
        Turn::Idle,
        "its keyframe belongs to the next pass"
    );
    room.pass();
    assert_eq!(pipe.news(), "H@80 K2@80 P@120");
    assert_eq!(early.news(), "H@0 K1@0 P@40 K2@80 P@120");
    room.push_pass("P@160");
    assert_eq!((pipe.news(), room.fanout.in_sync()), ("P@160".into(), 2));
}

#[test]
fn headers_that_wait_for_a_pass_reach_a_joining_player_once() {
    let mut room = Room::new();
    room.push("m1 H K1@0");
    let _in_sync = room.join();
    room.push("m2 h m3 a@0");
    let (_, pipe) = room.join();
    assert_eq!(
        (pipe.news(), room.fanout.in_sync()),
        ("m3@0 H@0 h@0 K1@0".into(), 1)
    );
    room.pass();
    assert_eq!((pipe.news(), room.fanout.in_sync()), ("a@0".into(), 2));
}

#[test]
fn frames_that_come_during_a_pass_belong_to_the_next_one() {
    let mut room = Room::new();
    room.push("H K@0");
    let pipes: Vec<Pipe> = (0..=PASS_SLICE_PLAYERS).map(|_| room.join().1).collect();
    room.push("P1@40");
    assert_eq!(room.slice(), Pass::More, "one player more than a slice");
    assert!(room.fanout.in_pass());
    room.push("P2@80");
    assert_eq!(room.slice(), Pass::Done);
    for pipe in &pipes {
        assert_eq!(pipe.news(), "H@0 K@0 P1@40");
    }
    assert_eq!(room.slice(), Pass::More);
    assert_eq!(room.slice(), Pass::Done);
    assert!(pipes.iter().all(|pipe| pipe.text() == "P2@80"));
}

// Short writes.

/// What a player gets that is cut off at every byte, one after the other.
#[test]
fn a_short_write_at_any_byte_changes_nothing_but_the_time() {
    let mut whole = Room::new();
    whole.push("H h K1@0");
    let (_, pipe) = whole.join();
    whole.push_pass("P1@40");
    whole.push_pass("a@50 P2@80 a@90");
    let all = pipe.text();
    let len = pipe.0.borrow().got.len();
    for cut in 0..=len {
        let mut room = Room::new();
        room.push("H h K1@0");
        let pipe = Pipe::new();
        pipe.room(cut);
        let id = room.fanout.add(room.scene.now, pipe.clone(), 1);
        room.turns(id);
        room.push_pass("P1@40");
        room.push_pass("a@50 P2@80 a@90");
        assert_eq!(pipe.0.borrow().got.len(), cut);
        pipe.room(usize::MAX);
        assert_eq!(room.turns(id), Turn::InSync, "{cut}");
        assert_eq!(pipe.text(), all, "{cut}");
        assert_eq!(room.fanout.stats(id).unwrap().frames, 5, "{cut}");
        assert_eq!(room.fanout.stats(id).unwrap().bytes, len as u64);
    }
}

#[test]
fn a_player_that_blocks_is_told_of_once_and_others_do_not_notice() {
    let mut room = Room::new();
    room.push("H K@0");
    let (slow, slow_pipe) = room.join();
    let (_, pipe) = room.join();
    slow_pipe.room(7);
    room.push_pass("P1@40");
    room.push_pass("P2@80");
    assert_eq!(room.told, [Event::Blocked(slow)], "[WIRE 171]");
    assert_eq!(pipe.news(), "H@0 K@0 P1@40 P2@80");
    assert_eq!(room.turn(slow), Turn::Blocked);
    slow_pipe.room(usize::MAX);
    assert_eq!(room.turn(slow), Turn::InSync);
    assert_eq!(slow_pipe.news(), "H@0 K@0 P1@40 P2@80");
}

#[test]
fn a_part_sent_frame_is_finished_before_a_skip() {
    let mut room = Room::new();
    room.push("H K0@0");
    let (id, pipe) = room.join();
    pipe.room(12);
    room.push_pass("Pcut@40 Plost@80");
    for second in 1..=10 {
        room.push_pass(&format!("K{second}@{}", second * 1_000));
    }
    room.push_pass("H2 K11@11000");
    pipe.room(usize::MAX);
    assert_eq!(room.turns(id), Turn::InSync);
    assert_eq!(
        pipe.text(),
        "H@0 K0@0 Pcut@40 H2@11000 K11@11000",
        "[WIRE 172] [WIRE 173]"
    );
    let stats = room.fanout.stats(id).unwrap();
    assert_eq!(
        (stats.frames, stats.drops.skips, stats.drops.frames),
        (3, 1, 12)
    );
}

#[test]
fn a_peer_that_is_gone_is_told_in_a_pass_and_in_a_turn() {
    let mut room = Room::new();
    room.push("H K@0");
    let (first, first_pipe) = room.join();
    let (second, second_pipe) = room.join();
    first_pipe.0.borrow_mut().gone = true;
    room.push_pass("P@40");
    assert_eq!(room.told, [Event::Gone(first)]);
    assert_eq!((room.turn(first), room.fanout.in_sync()), (Turn::Gone, 1));
    room.queue(second, "!x!").unwrap();
    second_pipe.0.borrow_mut().gone = true;
    assert_eq!(room.turn(second), Turn::Gone);
    assert_eq!(room.queue(second, "!x!"), Err(QueueError::NoPlayer));
    assert!(room.fanout.remove(first).is_some() && room.fanout.remove(second).is_some());
    assert!(room.fanout.is_empty() && room.fanout.remove(first).is_none());
    assert_eq!(room.turn(first), Turn::Gone);
}

#[test]
fn players_that_leave_in_the_middle_of_a_pass_disturb_nobody() {
    // Before and after the seam of a pass that has served one slice.
    let count = 2 * PASS_SLICE_PLAYERS;
    for leaving in [0, 1, PASS_SLICE_PLAYERS - 1, PASS_SLICE_PLAYERS, count - 1] {
        let mut room = Room::new();
        room.push("H K@0");
        let players: Vec<(PlayerId, Pipe)> = (0..count).map(|_| room.join()).collect();
        room.push("P@40");
        assert_eq!(room.slice(), Pass::More);
        let (id, pipe) = &players[leaving];
        let (_, stats) = room.fanout.remove(*id).unwrap();
        let served = leaving < PASS_SLICE_PLAYERS;
        assert_eq!(stats.frames, 1 + u64::from(served));
        assert_eq!(pipe.text().ends_with("P@40"), served);
        let (late, late_pipe) = room.join();
        assert_ne!(late, *id, "an id is never used twice");
        room.pass();
        assert_eq!(late_pipe.text(), "H@0 K@0 P@40");
        for (other, pipe) in players.iter().filter(|(other, _)| other != id) {
            assert_eq!(pipe.text(), "H@0 K@0 P@40", "{leaving} {other:?}");
            assert_eq!(room.fanout.stats(*other).unwrap().frames, 2);
        }
        assert_eq!(room.fanout.in_sync(), count);
    }
}

#[test]
fn when_a_pass_comes_too_late_everybody_skips() {
    let mut room = Room::new();
    room.push("H K0@0");
    let (id, pipe) = room.join();
    room.push("P@40 K1@2000 P@4041");
    room.pass();
    assert_eq!(pipe.news(), "H@0 K0@0 K1@2000 P@4041");
    assert_eq!(room.fanout.stats(id).unwrap().drops.frames, 1);
    assert_eq!(room.fanout.in_sync(), 1);
}

#[test]
fn what_waits_for_a_pass_is_kept_for_it() {
    let mut room = Room::new();
    room.push("H K0@0");
    let (_, pipe) = room.join();
    room.push_pass("P@40");
    pipe.news();
    // Without players in sync frames older than four seconds would be gone.
    room.push("P1@80 P2@3000 P3@6000 K1@6010");
    room.pass();
    assert_eq!(pipe.news(), "K1@6010", "late is late");
    room.push("P1@6050");
    for at in (6_100..10_000).step_by(50) {
        room.push(&format!("a@{at}"));
    }
    room.push("a@14000");
    room.pass();
    assert!(
        pipe.news().starts_with("P1@6050 a@6100"),
        "nothing better to start with"
    );
}

// Control bytes.

#[test]
fn replies_go_out_between_messages() {
    let mut room = Room::new();
    room.push("H K@0");
    let (id, pipe) = room.join();
    room.queue(id, "!first!").unwrap();
    assert_eq!(room.fanout.in_sync(), 0, "in sync means nothing waits");
    room.events();
    assert_eq!(
        (pipe.news(), room.fanout.in_sync()),
        ("H@0 K@0 !first!".into(), 1)
    );
    pipe.room(3);
    room.push_pass("P1@40");
    room.queue(id, "!second!").unwrap();
    room.queue(id, "!third!").unwrap();
    room.push_pass("P2@80");
    pipe.room(usize::MAX);
    room.turns(id);
    assert_eq!(pipe.news(), "P1@40 !second! !third! P2@80");
}

#[test]
fn replies_before_the_first_turn_precede_the_prelude() {
    let mut room = Room::new();
    room.push("H K@0");
    let pipe = Pipe::new();
    let id = room.fanout.add(room.scene.now, pipe.clone(), 1);
    room.queue(id, "!start!").unwrap();
    room.turns(id);
    assert_eq!(pipe.news(), "!start! H@0 K@0");
}

#[test]
fn as_many_replies_as_the_limit_wait_and_one_byte_more_does_not() {
    let mut room = Room::new();
    let (id, pipe) = room.join();
    pipe.room(0);
    room.queue(id, &"x".repeat(CONTROL_BYTES_MAX)).unwrap();
    assert_eq!(room.queue(id, "x"), Err(QueueError::Full));
    assert_eq!(room.turn(id), Turn::Blocked);
    assert_eq!(
        room.queue(id, "x"),
        Err(QueueError::Full),
        "unsent ones count"
    );
    pipe.room(1);
    assert_eq!(room.turn(id), Turn::Blocked);
    assert_eq!(room.queue(id, "x"), Ok(()));
    assert_eq!(
        room.fanout.finish(room.scene.now, id, Bytes::from("x")),
        Err(QueueError::Full)
    );
    let (other, _) = room.join();
    room.fanout.remove(other);
    assert_eq!(room.queue(other, "x"), Err(QueueError::NoPlayer));
}

#[test]
fn an_end_in_order_sends_the_last_pass_and_then_the_last_bytes() {
    let mut room = Room::new();
    room.push("H K@0");
    let (id, pipe) = room.join();
    pipe.room(2);
    room.push_pass("P1@40 P2@80");
    room.push("P3@120");
    room.fanout
        .finish(room.scene.now, id, Bytes::from("!eof!"))
        .unwrap();
    room.queue(id, "!pong!").unwrap();
    room.pass();
    assert_eq!(room.turn(id), Turn::Blocked);
    pipe.room(usize::MAX);
    assert_eq!(room.turns(id), Turn::Finished);
    assert_eq!(pipe.news(), "H@0 K@0 P1@40 !pong! P2@80 !eof!");
    assert_eq!(
        (room.turn(id), pipe.news()),
        (Turn::Finished, String::new())
    );
    assert_eq!(room.queue(id, "x"), Err(QueueError::NoPlayer));

    let mut room = Room::new();
    let (idle, pipe) = room.join();
    room.fanout
        .finish(room.scene.now, idle, Bytes::from("!eof!"))
        .unwrap();
    room.fanout
        .finish(room.scene.now, idle, Bytes::from("!again!"))
        .unwrap();
    assert_eq!(room.fanout.poll_event(), Some(Event::Ready(idle)));
    assert_eq!(
        (room.turn(idle), pipe.text()),
        (Turn::Finished, "!eof!".into())
    );
}

// Filters and other message streams.

#[test]
fn another_message_stream_gets_images_of_its_own_and_is_never_in_sync() {
    let mut room = Room::new();
    room.push("m H K@0");
    let (id, pipe) = room.join_on(5);
    assert_eq!(pipe.news(), "5:m@0 5:H@0 5:K@0");
    room.push_pass("P@40");
    assert_eq!((pipe.news(), room.fanout.in_sync()), ("5:P@40".into(), 0));
    assert_eq!(room.turn(id), Turn::Idle);
    pipe.room(4);
    room.push_pass("P@80 P@120");
    pipe.room(usize::MAX);
    room.turns(id);
    assert_eq!(pipe.news(), "5:P@80 5:P@120");
}

#[test]
fn a_kind_that_is_switched_off_comes_back_with_its_headers_and_video_at_a_keyframe() {
    let mut room = Room::new();
    room.push("H h K1@0");
    let (id, pipe) = room.join();
    let _in_sync = room.join();
    room.filter(id, true, false, false);
    pipe.news();
    room.push_pass("P@40 a1@50 H2 K2@80 d@80");
    assert_eq!(pipe.news(), "a1@50 d@80");
    room.push("P2@120 H3 a2@130");
    room.filter(id, true, true, false);
    assert_eq!(pipe.news(), "", "the store holds what a later frame needs");
    room.pass();
    assert_eq!(pipe.news(), "H3@120 a2@130");
    room.push_pass("K3@160");
    assert_eq!(
        (pipe.news(), room.fanout.in_sync()),
        ("K3@160".into(), 2),
        "[WIRE 130]"
    );

    room.filter(id, false, true, false);
    room.push_pass("P@200 a3@210 h2 a4@220");
    assert_eq!(pipe.news(), "P@200");
    room.filter(id, true, true, false);
    assert_eq!(
        pipe.news(),
        "h2@220",
        "the last time of its track, while no frame follows"
    );
    room.push_pass("a5@230");
    assert_eq!((pipe.news(), room.fanout.in_sync()), ("a5@230".into(), 2));
}

#[test]
fn video_that_is_switched_on_within_a_group_of_pictures_waits_for_the_next_one() {
    let mut room = Room::new();
    room.push("H h K1@0");
    let (id, pipe) = room.join();
    room.filter(id, true, false, false);
    pipe.news();
    room.filter(id, true, true, false);
    room.push_pass("P@40 a@50");
    assert_eq!(
        (pipe.news(), room.fanout.in_sync()),
        ("a@50".into(), 0),
        "[WIRE 130]"
    );
    room.push_pass("K2@80 P@120");
    assert_eq!(
        (pipe.news(), room.fanout.in_sync()),
        ("K2@80 P@120".into(), 1)
    );
}

#[test]
fn a_pause_sends_nothing_but_replies_and_goes_on_at_a_keyframe() {
    let mut room = Room::new();
    room.push("m H h K1@0");
    let (id, pipe) = room.join();
    room.filter(id, true, true, true);
    pipe.news();
    room.push_pass("P@40 a@50 H2 m2 K2@80 P@120");
    room.queue(id, "!pong!").unwrap();
    room.events();
    assert_eq!(pipe.news(), "!pong!");
    room.filter(id, true, true, false);
    assert_eq!(pipe.news(), "m2@50 H2@80 K2@80 P@120", "[WIRE 130]");
    assert_eq!(room.fanout.in_sync(), 1);
    assert_eq!(
        room.fanout.stats(id).unwrap().drops,
        Drops::default(),
        "it did not want them"
    );

    room.filter(id, true, true, true);
    room.push_pass("P@160 a2@170 m3");
    room.filter(id, true, true, false);
    room.push_pass("P@200 a3@210");
    assert_eq!(pipe.news(), "m3@170 a3@210");
    room.push_pass("K3@240");
    assert_eq!((pipe.news(), room.fanout.in_sync()), ("K3@240".into(), 1));
}

// Bounds.

#[test]
fn a_turn_ends_at_its_bounds() {
    let mut room = Room::new();
    room.push("H K@0");
    let frames = TURN_FRAMES_MAX + 10;
    for at in 0..frames {
        room.push(&format!("P@{at}"));
    }
    let pipe = Pipe::new();
    let id = room.fanout.add(room.scene.now, pipe.clone(), 1);
    assert_eq!(room.turn(id), Turn::More);
    assert_eq!(
        room.fanout.stats(id).unwrap().frames,
        TURN_FRAMES_MAX as u64 - 1,
        "and the prelude"
    );
    assert_eq!(room.turn(id), Turn::InSync);

    let mut room = Room::new();
    let mut big = payload("K").to_vec();
    big.resize(2 * TURN_BYTES_MAX, b'x');
    let now = room.scene.now;
    room.scene
        .stream
        .push(now, room.scene.publisher, Kind::Video, 0, big.into(), &Toy);
    let pipe = Pipe::new();
    let id = room.fanout.add(room.scene.now, pipe.clone(), 1);
    assert_eq!(room.turn(id), Turn::More);
    assert_eq!(pipe.0.borrow().got.len(), TURN_BYTES_MAX);
    assert_eq!((room.turn(id), room.turn(id)), (Turn::More, Turn::InSync));
    assert_eq!(room.fanout.stats(id).unwrap().frames, 1);
}

#[test]
fn small_frames_are_gathered_into_one_write() {
    let mut room = Room::new();
    room.push("H K@0 P@40 P@80 P@120");
    let (_, pipe) = room.join();
    assert_eq!(pipe.0.borrow().writes.len(), 1);
}

#[test]
fn a_player_without_progress_is_told_at_the_limit_and_no_other() {
    let mut room = Room::new();
    room.push("H K@0");
    let (stuck, stuck_pipe) = room.join();
    let (slow, slow_pipe) = room.join();
    let _in_sync = room.join();
    stuck_pipe.room(1);
    slow_pipe.room(1);
    assert_eq!(room.fanout.poll_timeout(), None);
    room.push_pass("P@40");
    room.told.clear();
    let start = room.scene.now;
    assert_eq!(room.fanout.poll_timeout(), Some(start + STALL));
    room.scene.now = start + STALL - Duration::from_millis(1);
    slow_pipe.room(1);
    assert_eq!(
        (room.turn(slow), room.turn(stuck)),
        (Turn::Blocked, Turn::Blocked)
    );
    room.fanout.handle_timeout(room.scene.now);
    assert_eq!(room.fanout.poll_event(), None);
    room.scene.now = start + STALL;
    room.fanout.handle_timeout(room.scene.now);
    assert_eq!(
        room.fanout.poll_event(),
        Some(Event::Stalled(stuck)),
        "[WIRE 175]"
    );
    let due = room.fanout.poll_timeout().unwrap();
    assert_eq!(due, start + STALL * 2 - Duration::from_millis(1));
    stuck_pipe.room(usize::MAX);
    assert_eq!(room.turn(stuck), Turn::InSync);
    room.fanout.handle_timeout(due);
    assert_eq!(room.fanout.poll_event(), Some(Event::Stalled(slow)));
    assert_eq!(room.fanout.poll_timeout(), None);
    room.fanout.remove(slow);
    room.fanout.check_invariants();
}

#[test]
fn a_player_has_one_event_at_a_time() {
    let mut room = Room::new();
    room.push("H K@0");
    let (id, pipe) = room.join();
    room.queue(id, "!a!").unwrap();
    room.queue(id, "!b!").unwrap();
    room.filter(id, true, false, false);
    room.filter(id, true, true, false);
    assert!(pipe.text().ends_with("!a! !b!"), "{}", pipe.text());
    assert_eq!(
        room.fanout.poll_event(),
        None,
        "the turn said what followed"
    );
    room.queue(id, "!c!").unwrap();
    room.fanout.remove(id);
    assert_eq!(room.fanout.poll_event(), None, "nothing of who left");
}

// Publishers in turn.

#[test]
fn players_in_sync_get_the_next_publisher_in_line() {
    let mut room = Room::new();
    room.push_pass("m H h K1@0");
    let (_, pipe) = room.join();
    let (_, slow) = room.join();
    slow.room(1);
    room.push_pass("a@10 P@40");
    let (now, publisher) = (room.scene.now, room.scene.publisher);
    assert!(matches!(
        room.scene.stream.unpublish(now, publisher, Unpublish::Lost),
        State::Holding { .. }
    ));
    let (_, held) = room.join();
    let old = "m@0 H@0 h@0 K1@0 a@10 P@40";
    assert_eq!(held.text().replace("h@10", "h@0"), old);
    room.scene.wait_ms(3_000);
    room.scene.republish();
    let (_, waiting) = room.join();
    room.push_pass("H2 h");
    room.push_pass("a2@5 K2@10");
    assert_eq!(
        pipe.text(),
        format!("{old} H2@2940 h@2940 a2@3040 K2@3045"),
        "[WIRE 169]"
    );
    assert_eq!(waiting.text(), "H2@2940 h@2940 a2@3040 K2@3045");
}
