//! What a peer that takes little, or nothing more, changes for it and for the others.

use super::room::{Pipe, Room};
use crate::{Event, QueueError, Shape, Turn, testing::Toy};

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
        let id = room
            .fanout
            .add(room.scene.now, pipe.clone(), 1, Shape::FULL);
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
    assert!(
        room.fanout.remove(first, &Toy).is_some() && room.fanout.remove(second, &Toy).is_some()
    );
    assert!(room.fanout.is_empty() && room.fanout.remove(first, &Toy).is_none());
    assert_eq!(room.turn(first), Turn::Gone);
}
