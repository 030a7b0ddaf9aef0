//! A turn, a player without progress and its events have bounds.

use std::time::Duration;

use super::room::{Pipe, Room};
use crate::{
    Event, Kind, Shape, Turn,
    limits::{STALL, TURN_BYTES_MAX, TURN_FRAMES_MAX},
    testing::{Toy, payload},
};

#[test]
fn a_turn_ends_at_its_bounds() {
    let mut room = Room::new();
    room.push("H K@0");
    let frames = TURN_FRAMES_MAX + 10;
    for at in 0..frames {
        room.push(&format!("P@{at}"));
    }
    let pipe = Pipe::new();
    let id = room
        .fanout
        .add(room.scene.now, pipe.clone(), 1, Shape::FULL);
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
    let id = room
        .fanout
        .add(room.scene.now, pipe.clone(), 1, Shape::FULL);
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
    room.fanout.remove(slow, &Toy);
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
    room.fanout.remove(id, &Toy);
    assert_eq!(room.fanout.poll_event(), None, "nothing of who left");
}
