//! A player gets what it can take, and is in sync while that is what everybody gets.

use std::cell::Cell;

use bongsu_flv::shape::Hevc;
use bytes::Bytes;

use super::room::{Pipe, Room};
use crate::{
    Drops, Encode, Event, Kind, Pass, PlayerId, Shape, Turn, Unpublish, fanout::player::Player,
    limits::PASS_SLICE_PLAYERS, testing::Toy,
};

const LEGACY_HEVC: Shape = Shape {
    hevc: Hevc::Legacy,
    ..Shape::FULL
};

impl Room {
    fn join_shape(&mut self, shape: Shape) -> (PlayerId, Pipe) {
        self.join_as(1, shape)
    }
}

// Goal: capabilities must not cost more than a few bytes per player, and nothing on the way of a frame.
#[test]
fn a_shape_that_changes_nothing_of_the_stream_costs_nothing() {
    let mut room = Room::new();
    room.push("m H h K@0");
    let pipes = [Shape::FULL, Shape::DEFAULT_TRACK, Shape::LEGACY].map(|shape| {
        let (id, pipe) = room.join_shape(shape);
        assert_eq!(room.turn(id), Turn::InSync);
        pipe
    });
    room.push_pass("P@40 a@50");
    for pipe in pipes {
        assert_eq!(pipe.text(), "m@0 H@0 h@0 K@0 P@40 a@50");
        assert_eq!(
            pipe.0.borrow().writes.len(),
            2,
            "one for the past, one for the pass"
        );
    }
    assert!(size_of::<Shape>() <= 8);
    let player = size_of::<Player<()>>();
    assert!(player <= 384, "{player}");
}

#[test]
fn a_player_leaves_those_in_sync_before_a_message_that_it_cannot_take() {
    let mut room = Room::new();
    room.push("H K@0");
    let (_, full) = room.join();
    let (id, default) = room.join_shape(Shape::DEFAULT_TRACK);
    let (_, legacy) = room.join_shape(Shape::LEGACY);
    assert_eq!(room.fanout.in_sync(), 3);
    for pipe in [&full, &default, &legacy] {
        pipe.news();
    }
    room.push("P1@40 H.1 K.1@80 P2@80");
    assert_eq!(room.slice(), Pass::Done);
    assert_eq!(room.fanout.in_sync(), 1, "at the beginning of the pass");
    assert_eq!(default.text(), "", "nothing of it");
    assert_eq!(room.fanout.poll_event(), Some(Event::Ready(id)));
    room.turns(id);
    room.events();
    assert_eq!(full.news(), "P1@40 H.1@0 K.1@80 P2@80");
    assert_eq!(
        (default.news(), legacy.news()),
        ("P1@40 P2@80".into(), "P1@40 P2@80".into())
    );
    room.push_pass("P3@120 P.1@120 K@160");
    assert_eq!(full.news(), "P3@120 P.1@120 K@160");
    assert_eq!(
        (default.news(), legacy.news()),
        ("P3@120 K@160".into(), "P3@120 K@160".into())
    );
    assert_eq!(room.fanout.in_sync(), 1);
    let stats = room.fanout.stats(id).unwrap();
    let sent: usize = default.0.borrow().writes.iter().sum();
    assert_eq!(
        (stats.frames, stats.drops),
        (5, Drops::default()),
        "what it got"
    );
    assert_eq!(stats.bytes, sent as u64);
    let removed = room.fanout.remove(id, &Toy).unwrap();
    assert_eq!(removed.stats.drops, Drops::default());
}

#[test]
fn a_new_feature_during_a_pass_belongs_to_the_next_one() {
    let mut room = Room::new();
    room.push("H K@0");
    let count = PASS_SLICE_PLAYERS + 2;
    let pipes: Vec<Pipe> = (0..count)
        .map(|_| room.join_shape(Shape::DEFAULT_TRACK).1)
        .collect();
    let (_, full) = room.join();
    room.push("P1@40");
    assert_eq!(room.slice(), Pass::More);
    room.push("H.1 K.1@80 P2@80");
    assert_eq!(room.slice(), Pass::Done);
    assert_eq!(room.fanout.in_sync(), count + 1);
    let (_, late) = room.join_shape(Shape::DEFAULT_TRACK);
    assert_eq!(
        (late.text(), room.fanout.in_sync()),
        ("H@0 K@0 P1@40".into(), count + 1),
        "who joins now is not in sync any more"
    );
    room.pass();
    assert_eq!(room.fanout.in_sync(), 1);
    for pipe in pipes.iter().chain([&late]) {
        assert_eq!(pipe.text(), "H@0 K@0 P1@40 P2@80");
    }
    assert_eq!(full.text(), "H@0 K@0 P1@40 H.1@0 K.1@80 P2@80");
}

#[test]
fn who_joins_a_stream_of_several_tracks_gets_headers_and_frames_of_the_default_one() {
    let mut room = Room::new();
    room.push("m H.0 H.1 h K.0@0 K.1@0 P.0+1@40 a@50");
    let (id, pipe) = room.join_shape(Shape::DEFAULT_TRACK);
    assert_eq!(pipe.news(), "m@0 avc1:H@0 h@0 avc1:K@0 avc1:P.@40 a@50");
    assert_eq!((room.turn(id), room.fanout.in_sync()), (Turn::Idle, 0));
    let (_, other) = room.join_as(5, Shape::LEGACY);
    assert_eq!(
        other.news(),
        "5:m@0 5:H@0 5:h@0 5:K@0 5:P.@40 5:a@50",
        "[WIRE 150]"
    );
    room.push_pass("K.1@80 H.2 P.1@120");
    assert_eq!(pipe.news(), "", "other tracks");
    assert_eq!(room.turn(id), Turn::Idle);
    room.push_pass("K.0+1@160");
    assert_eq!(
        (pipe.news(), other.news()),
        ("avc1:K.@160".into(), "5:K.@160".into())
    );
    assert_eq!(room.fanout.stats(id).unwrap().drops, Drops::default());
}

#[test]
fn hevc_reaches_each_player_in_the_form_that_it_reads() {
    let mut room = Room::new();
    room.push("hvc1:H hvc1:K@0");
    let (_, old) = room.join_shape(LEGACY_HEVC);
    let (_, new) = room.join_shape(Shape::DEFAULT_TRACK);
    room.push_pass("hvc1:P@40 hvc1:H2 hvc1:K2@80");
    assert_eq!(
        old.news(),
        "12:H@0 12:K@0 12:P@40 12:H2@40 12:K2@80",
        "[WIRE 149]"
    );
    assert_eq!(
        new.news(),
        "hvc1:H@0 hvc1:K@0 hvc1:P@40 hvc1:H2@40 hvc1:K2@80"
    );
    assert_eq!(room.fanout.in_sync(), 1);
}

#[test]
fn a_player_that_can_use_the_sound_alone_gets_it_and_waits_for_no_keyframe() {
    let mut room = Room::new();
    let (id, pipe) = room.join_shape(Shape::LEGACY);
    assert_eq!(room.turn(id), Turn::Idle);
    room.push("mp4a:h hvc1:H");
    room.scene.dropped("hvc1:P", 0);
    room.push_pass("mp4a:a1@0");
    assert_eq!(
        pipe.news(),
        "h@0 a1@0",
        "parked before there was a publisher"
    );
    let (_, late) = room.join_shape(Shape::LEGACY);
    assert_eq!(late.news(), "h@0 a1@0");
    let (_, full) = room.join();
    assert_eq!(full.news(), "", "it waits for the picture");
    room.push_pass("hvc1:K@40 mp4a:a2@50 hvc1:P@80");
    assert_eq!((pipe.news(), late.news()), ("a2@50".into(), "a2@50".into()));
    assert_eq!(
        full.news(),
        "hvc1:H@40 mp4a:h@40 hvc1:K@40 mp4a:a2@50 hvc1:P@80"
    );
    assert_eq!(room.fanout.stats(id).unwrap().drops, Drops::default());
}

#[test]
fn after_a_pause_a_player_of_sound_alone_goes_on_at_once() {
    let mut room = Room::new();
    room.push("mp4a:h hvc1:H hvc1:K@0 mp4a:a1@0");
    let (id, pipe) = room.join_shape(Shape::LEGACY);
    assert_eq!(pipe.news(), "h@0 a1@0");
    room.filter(id, true, true, true);
    room.push_pass("mp4a:a2@40 hvc1:P@40");
    assert_eq!(pipe.news(), "");
    room.push("mp4a:a3@3000");
    room.filter(id, true, true, false);
    room.push_pass("mp4a:a4@3020");
    assert_eq!(pipe.news(), "a3@3000 a4@3020");
}

#[test]
fn a_publisher_without_the_feature_brings_the_players_back_in_sync() {
    let mut room = Room::new();
    room.push("H.0 K.0@0");
    let (id, pipe) = room.join_shape(Shape::DEFAULT_TRACK);
    room.push_pass("P.0@40");
    assert_eq!(
        (pipe.news(), room.fanout.in_sync()),
        ("avc1:H@0 avc1:K@0 avc1:P@40".into(), 0)
    );
    room.scene
        .stream
        .unpublish(room.scene.now, room.scene.publisher, Unpublish::Lost);
    room.scene.wait_ms(1_000);
    room.scene.republish();
    room.push_pass("H1 K1@0");
    room.push_pass("P1@40");
    assert_eq!(pipe.news(), "H1@940 K1@1040 P1@1080");
    assert_eq!((room.turn(id), room.fanout.in_sync()), (Turn::InSync, 1));
    room.push_pass("P.0@80");
    assert_eq!(
        (pipe.news(), room.fanout.in_sync()),
        ("avc1:P@1120".into(), 0)
    );
}

/// What a player gets that is cut off at every byte, one after the other.
#[test]
fn a_short_write_at_any_byte_of_a_changed_message_changes_nothing_but_the_time() {
    let mut room = Room::new();
    room.push("m H.0 H.1 h K.0@0");
    let whole = room.join_shape(Shape::LEGACY).1;
    let total = whole.0.borrow().got.len();
    for cut in 0..total {
        let mut room = Room::new();
        room.push("m H.0 H.1 h K.0@0");
        let pipe = Pipe::new();
        pipe.room(cut);
        let id = room
            .fanout
            .add(room.scene.now, pipe.clone(), 1, Shape::LEGACY);
        assert_eq!(room.turns(id), Turn::Blocked, "{cut}");
        room.push_pass("P.0@40 K.1@40");
        pipe.room(usize::MAX);
        room.turns(id);
        assert_eq!(pipe.news(), "m@0 H@0 h@0 K@0 P@40", "{cut}");
        let stats = room.fanout.stats(id).unwrap();
        assert_eq!((stats.frames, stats.drops), (2, Drops::default()), "{cut}");
    }
}

// Goal: a player that stops reading costs no more than one that gets what everybody gets.
#[test]
fn a_large_message_of_its_own_comes_in_parts_and_a_player_that_stops_in_it_holds_none() {
    const LEN: usize = 700_000;
    let key = |message_stream, head: &[u8]| {
        let body = (0..=250_u8).cycle().take(LEN);
        let payload: Vec<u8> = head.iter().copied().chain(body).collect();
        Toy.encode(message_stream, Kind::Video, 0, &payload.into())
    };
    let sent = &key(1, b"\x96\x01avc1\x00\0\0\0")[10..];
    for (message_stream, shape, image) in [
        (1, Shape::DEFAULT_TRACK, key(1, b"\x91avc1\0\0\0")),
        (5, Shape::LEGACY, key(5, b"\x17\x01\0\0\0")),
        (5, Shape::FULL, key(5, b"\x96\x01avc1\x00\0\0\0")),
    ] {
        let mut room = Room::new();
        let (now, publisher) = (room.scene.now, room.scene.publisher);
        let payload = Bytes::copy_from_slice(sent);
        let stream = &mut room.scene.stream;
        stream.push(now, publisher, Kind::Video, 0, payload, &Toy);
        let pipe = Pipe::new();
        let id = room.fanout.add(now, pipe.clone(), message_stream, shape);
        room.queue(id, "!a!").unwrap();
        let mut reply = 0;
        for take in [3, 1, 0, 9, 255_990, 10, 1, 65_536, 65_537, 7, 200_000, 1] {
            pipe.room(take);
            assert_eq!(room.turns(id), Turn::Blocked, "{take}");
            let player = room.fanout.roster.get(id).unwrap();
            let got = pipe.0.borrow().got.len();
            if got > 3 {
                assert!(player.rest.is_empty(), "{got}: {}", player.rest.len());
                assert_eq!(player.got.frames, 0, "it has not got all of it");
            }
            if got == 4 && reply == 0 {
                reply = 1;
                room.queue(id, "!b!").unwrap();
            }
        }
        let rest = room.fanout.roster.get(id).unwrap().unsent(&Toy);
        let out = pipe.0.borrow().got.len();
        pipe.room(usize::MAX);
        assert_eq!(room.turns(id), Turn::Idle);
        let got = pipe.0.borrow().got.clone();
        let all = [&b"!a!"[..], &image, b"!b!"].concat();
        assert!(
            got == all,
            "{shape:?}: {} of {} bytes",
            got.len(),
            all.len()
        );
        assert!(all[out..] == rest, "what goes out first on its connection");
        let (at_once, pipe) = room.join_as(message_stream, shape);
        assert!(pipe.0.borrow().got == image, "{shape:?}: all that there is");
        assert_eq!(room.fanout.stats(at_once).unwrap().frames, 1);
        let stats = room.fanout.stats(id).unwrap();
        assert_eq!((stats.frames, stats.bytes), (1, all.len() as u64));
    }
}

/// Counts what is encoded.
struct Counting(Cell<usize>);

impl Encode for Counting {
    fn encode(&self, message_stream: u32, kind: Kind, timestamp: u32, payload: &Bytes) -> Bytes {
        self.0.set(self.0.get() + 1);
        Toy.encode(message_stream, kind, timestamp, payload)
    }
}

#[test]
fn a_changed_frame_is_encoded_once_for_all_players_of_a_shape() {
    let mut room = Room::new();
    room.push("H.0 K.0@0");
    let mut players = Vec::new();
    for shape in [
        Shape::DEFAULT_TRACK,
        Shape::LEGACY,
        Shape::DEFAULT_TRACK,
        Shape::LEGACY,
    ] {
        players.push(room.join_shape(shape));
    }
    room.push("H.1 P.0@40 K.1@50 P.0@80");
    assert_eq!(room.slice(), Pass::Done);
    let counting = Counting(Cell::new(0));
    for (id, _) in &players {
        let (now, stream) = (room.scene.now, &mut room.scene.stream);
        let turn = room.fanout.turn(now, *id, stream, &counting);
        assert_eq!(turn, Turn::Idle);
    }
    assert_eq!(counting.0.get(), 4, "two frames in two shapes");
    assert_ne!(room.fanout.images.bytes(), 0);
    room.slice();
    assert_eq!(room.fanout.images.bytes(), 0, "nobody asks for them again");
    assert_eq!(players[2].1.text(), "avc1:H@0 avc1:K@0 avc1:P@40 avc1:P@80");
    assert_eq!(players[3].1.text(), "H@0 K@0 P@40 P@80");
}
