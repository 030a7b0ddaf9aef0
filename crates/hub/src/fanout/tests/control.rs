//! Replies of the session go out between messages, and the end in order.

use bytes::Bytes;

use super::room::{Pipe, Room};
use crate::{Event, QueueError, Shape, Turn, limits::CONTROL_BYTES_MAX, testing::Toy};

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
    let id = room
        .fanout
        .add(room.scene.now, pipe.clone(), 1, Shape::FULL);
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
    room.fanout.remove(other, &Toy);
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

/// Goal: what another message stream of the connection sends goes out whole, between messages, behind replies, and is
/// bounded by itself: it takes no room from replies.
#[test]
fn messages_of_other_streams_go_out_between_messages_and_take_no_room_from_replies() {
    let mut room = Room::new();
    room.push("H K@0");
    let (id, pipe) = room.join();
    room.push_pass("P1@40");
    assert!(room.fanout.can_carry(id));
    let large = format!("!{}!", "x".repeat(2 * CONTROL_BYTES_MAX));
    room.fanout
        .carry(room.scene.now, id, Bytes::from(large.clone()))
        .unwrap();
    assert_eq!(room.fanout.poll_event(), Some(Event::Ready(id)));
    assert_eq!(room.fanout.in_sync(), 0, "in sync means nothing waits");
    let again = room.fanout.carry(room.scene.now, id, Bytes::from("!y!"));
    assert_eq!(
        (again, room.fanout.can_carry(id)),
        (Err(QueueError::Full), false)
    );
    room.queue(id, "!reply!").unwrap();
    pipe.room(9);
    assert_eq!(room.turn(id), Turn::Blocked);
    // Under way: the next ones may wait, and replies have all their room.
    assert!(room.fanout.can_carry(id));
    room.fanout
        .carry(room.scene.now, id, Bytes::from("!y!"))
        .unwrap();
    let replies = format!("!{}!", "z".repeat(CONTROL_BYTES_MAX - 2));
    room.queue(id, &replies).unwrap();
    room.push_pass("P2@80");
    pipe.room(usize::MAX);
    assert_eq!(room.turns(id), Turn::InSync);
    assert_eq!(
        pipe.text(),
        format!("H@0 K@0 P1@40 !reply! {large} {replies} !y! P2@80")
    );
    room.fanout.remove(id, &Toy);
    let gone = room.fanout.carry(room.scene.now, id, Bytes::from("!z!"));
    assert_eq!(
        (gone, room.fanout.can_carry(id)),
        (Err(QueueError::NoPlayer), false)
    );
}

#[test]
fn who_leaves_takes_along_everything_that_waits_but_frames() {
    let mut room = Room::new();
    room.push("H K@0");
    let (id, pipe) = room.join();
    pipe.room(2);
    room.push_pass("P1@40");
    let now = room.scene.now;
    room.fanout.carry(now, id, Bytes::from("!x!")).unwrap();
    room.queue(id, "!reply!").unwrap();
    room.fanout.finish(now, id, Bytes::from("!eof!")).unwrap();
    let unsent = room.fanout.remove(id, &Toy).unwrap().unsent;
    assert!(unsent.ends_with(b"!reply!!x!!eof!"), "{unsent:?}");
    assert!(unsent.len() > 15, "the rest of the frame comes first");
}
