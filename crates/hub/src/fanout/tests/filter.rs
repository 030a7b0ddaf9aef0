//! A player gets only the kinds and the message stream that it wants.

use super::room::Room;
use crate::{Drops, Turn};

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
