//! Goal: a push moves when its destination asks for a new connection, without a gap, and not more often than is good.

use bongsu_flv::{Class, Kind};
use bongsu_testkit::raw::{Manners, Publication, Sink};
use bongsu_testkit::wait;

use crate::house::LIMIT;
use crate::pushing::{CANARY, Scene, numbers, published, url};

/// Frames after which a destination asks.
const ASKS_AFTER: usize = 5;

fn asks(to: Option<String>) -> Manners {
    Manners {
        reconnect_after: Some(ASKS_AFTER),
        reconnect_to: to,
        ..Manners::default()
    }
}

fn classes(publication: &Publication) -> Vec<(Kind, Class)> {
    let packets = publication.packets.iter();
    packets.map(|packet| (packet.kind, packet.class)).collect()
}

/// Sends a keyframe every tenth frame.
fn picture(scene: &mut Scene) {
    if scene.sent().len().is_multiple_of(10) {
        scene.keyframe();
    } else {
        scene.frame();
    }
}

/// Sends frames until the destination has acknowledged some.
fn is_live(scene: &mut Scene) {
    wait::until_true("a destination that is live", LIMIT, || {
        picture(scene);
        scene.destination()["state"] == "live"
    });
}

fn has_frames(sink: &Sink, at: usize) -> bool {
    published(sink)
        .get(at)
        .is_some_and(|one| numbers(one).len() > 3)
}

/// Ends the stream; the publication has everything then.
fn finish(scene: &mut Scene, sink: &Sink, at: usize) {
    scene.end();
    wait::until_true("the end of the stream", LIMIT, || {
        published(sink)[at].ended_in_order
    });
}

/// [WIRE 196]
#[test]
fn the_stream_goes_on_elsewhere_at_a_keyframe_and_no_frame_is_lost_or_doubled() {
    let (old, new) = (Sink::start(), Sink::start());
    old.behave(asks(Some(format!("//{}/other", new.address()))));
    let mut scene = Scene::new(&url(&old));
    scene.until("frames at the new place", picture, || has_frames(&new, 0));
    finish(&mut scene, &new, 0);
    let (before, after) = (&published(&old)[0], &published(&new)[0]);
    assert!(before.ended_in_order, "the old session ends in order");
    assert_eq!(after.tc_url(), format!("rtmp://{}/other", new.address()));
    assert_eq!(after.name, "cam");
    assert_eq!(
        classes(after)[..2],
        [
            (Kind::Video, Class::SequenceHeader),
            (Kind::Video, Class::Keyframe)
        ]
    );
    assert_eq!(after.packets[1].timestamp, 0, "a session of its own");
    let all = [numbers(before), numbers(after)].concat();
    assert_eq!(all, scene.sent());
    assert_eq!(published(&old).len(), 1);
    assert_eq!(published(&new).len(), 1);
}

/// [WIRE 196]
#[test]
fn sound_alone_moves_at_once() {
    let (old, new) = (Sink::start(), Sink::start());
    old.behave(asks(Some(format!("rtmp://{}/live", new.address()))));
    let mut scene = Scene::of_sound(&url(&old));
    scene.until("frames at the new place", Scene::sound, || {
        has_frames(&new, 0)
    });
    finish(&mut scene, &new, 0);
    let all = [numbers(&published(&old)[0]), numbers(&published(&new)[0])].concat();
    assert_eq!(all, scene.sent());
}

#[test]
fn a_destination_that_cannot_be_reached_leaves_the_old_session_as_it_is() {
    let (old, mut gone) = (Sink::start(), Sink::start());
    gone.kill();
    let mut scene = Scene::new(&url(&old));
    is_live(&mut scene);
    old.behave(asks(Some(format!("rtmp://{}/live", gone.address()))));
    picture(&mut scene);
    assert_eq!(scene.waits_for_reason("moving to rtmp://"), "live");
    gone.restart();
    scene.until("frames at the new place", picture, || has_frames(&gone, 0));
    assert_eq!(published(&old).len(), 1, "it never broke");
    assert_eq!(scene.destination()["failures"], 0);
}

#[test]
fn a_place_that_must_not_be_gone_to_leaves_the_old_session_as_it_is() {
    for (to, words) in [
        (
            "rtmp://169.254.169.254/live",
            "where a cloud keeps credentials",
        ),
        (
            "http://canary-0123456789/",
            "asked to move to what cannot be used",
        ),
    ] {
        let old = Sink::start();
        let mut scene = Scene::new(&url(&old));
        is_live(&mut scene);
        old.behave(asks(Some(to.to_owned())));
        picture(&mut scene);
        assert_eq!(scene.waits_for_reason(words), "live");
        let before = numbers(&published(&old)[0]).len();
        scene.until("more frames", picture, || {
            numbers(&published(&old)[0]).len() > before + 3
        });
        assert_eq!(published(&old).len(), 1);
    }
}

/// Goal: requests that cannot be obeyed are no way to fill the log, and count like others.
#[test]
fn a_destination_that_asks_for_nonsense_again_and_again_is_not_listened_to_any_more() {
    let (old, new) = (Sink::start(), Sink::start());
    let mut scene = Scene::new(&url(&old));
    is_live(&mut scene);
    let again = |to: String| Manners {
        asks_again: true,
        ..asks(Some(to))
    };
    old.behave(again("http://nowhere/live".to_owned()));
    let got = || numbers(&published(&old)[0]).len();
    for _ in 0..10 {
        let before = got();
        scene.until("one more frame", picture, || got() > before);
    }
    old.behave(again(format!("rtmp://{}/live", new.address())));
    let before = got();
    scene.until("many frames more", picture, || got() > before + 40);
    assert_eq!(published(&new).len(), 0);
    assert_eq!(scene.destination()["state"], "live");
}

/// Goal: what a destination knows of our secrets does not get into the log or the API by the names of servers.
#[test]
fn a_place_named_like_our_key_is_shown_without_it() {
    let old = Sink::start();
    let mut scene = Scene::new(&format!("{}?k={CANARY}", url(&old)));
    is_live(&mut scene);
    old.behave(asks(Some(format!("rtmp://{CANARY}.invalid/live"))));
    picture(&mut scene);
    assert_eq!(
        scene.waits_for_reason("moving to rtmp://***.invalid"),
        "live"
    );
}

#[test]
fn a_destination_that_takes_nobody_beside_the_old_session_gets_its_end_first() {
    let sink = Sink::start();
    sink.behave(Manners {
        one_at_a_time: true,
        ..asks(None)
    });
    let mut scene = Scene::new(&url(&sink));
    scene.until("a second session", picture, || has_frames(&sink, 1));
    let sessions = published(&sink);
    assert!(sessions[0].ended_in_order);
    assert_eq!(scene.destination()["failures"], 0);
}

/// Goal: after a move for which the old session ended first, a change of the codec does not go back to the old place.
#[test]
fn another_codec_stays_at_the_place_that_the_destination_asked_for() {
    let sink = Sink::start();
    sink.behave(Manners {
        one_at_a_time: true,
        ..asks(Some("/other".to_owned()))
    });
    let mut scene = Scene::new(&url(&sink));
    scene.until("frames at the new place", picture, || has_frames(&sink, 1));
    scene.header_of_another_codec();
    let begins_with_it = |one: &Publication| {
        let video = one.packets.iter().find(|packet| packet.kind == Kind::Video);
        video.is_some_and(|first| first.payload.starts_with(b"\x1c\x00"))
    };
    scene.until("a session for it", Scene::frame_of_another_codec, || {
        published(&sink).last().is_some_and(begins_with_it)
    });
    let all = published(&sink);
    let places: Vec<&str> = all.iter().map(Publication::tc_url).collect();
    let place = |app: &str| format!("rtmp://{}/{app}", sink.address());
    assert_eq!(places, [place("live"), place("other"), place("other")]);
}

#[test]
fn a_destination_that_ends_the_old_session_for_the_new_one_keeps_the_stream() {
    let sink = Sink::start();
    sink.behave(Manners {
        takes_over: true,
        ..asks(None)
    });
    let mut scene = Scene::new(&url(&sink));
    scene.until("a later session", picture, || {
        published(&sink)
            .iter()
            .skip(1)
            .any(|session| numbers(session).len() > 3)
    });
    assert_eq!(scene.destination()["failures"], 0);
}

#[test]
fn a_destination_that_always_asks_is_obeyed_five_times() {
    let sink = Sink::start();
    sink.behave(asks(None));
    let mut scene = Scene::new(&url(&sink));
    scene.until("six sessions", picture, || has_frames(&sink, 5));
    let sessions = published(&sink).len();
    scene.until("many frames more", picture, || {
        published(&sink)
            .last()
            .is_some_and(|last| numbers(last).len() > 60)
    });
    assert_eq!((sessions, published(&sink).len()), (6, 6));
    assert!(published(&sink)[..5].iter().all(|one| one.ended_in_order));
}
