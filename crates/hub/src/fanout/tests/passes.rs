//! A pass brings every player in sync the same, whoever comes and leaves meanwhile.

use super::room::{Pipe, Room};
use crate::{Pass, PlayerId, State, Unpublish, limits::PASS_SLICE_PLAYERS, testing::Toy};

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
        let stats = room.fanout.remove(*id, &Toy).unwrap().stats;
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
