//! A joining player gets what a decoder needs, and nothing twice.

use super::room::Room;
use crate::{Drops, Turn};

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
