//! Publishing and playing between two workers.

use std::time::Duration;

use bongsu_testkit::raw::{Message, Peer};
use bongsu_testkit::{http, wait};

use crate::house::{FRAME, HEADER, House, KEYFRAME, LIMIT, config};

/// The next audio or video message.
fn media(peer: &mut Peer) -> Message {
    wait::until("a frame", LIMIT, || {
        peer.next_message(LIMIT)
            .filter(|message| matches!(message.type_id, 8 | 9))
    })
}

fn payloads(peer: &mut Peer, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| media(peer).payload.to_vec()).collect()
}

#[test]
fn players_of_every_worker_get_each_frame_once_and_in_order() {
    let house = House::open(config(|_, _| {}));
    // With two workers every other connection has to move to the home of the stream.
    let mut early: Vec<Peer> = (0..4).map(|_| Peer::open(house.rtmp)).collect();
    for peer in &mut early {
        peer.play("live", "cam");
        assert_eq!(peer.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
        assert_eq!(peer.status(LIMIT).unwrap().code, "NetStream.Play.Start");
    }
    let mut publisher = Peer::open(house.rtmp);
    let (stream, status) = publisher.publish("live", "cam");
    assert_eq!(status.code, "NetStream.Publish.Start");
    for (time, payload) in [(0, HEADER), (0, KEYFRAME), (40, FRAME), (80, FRAME)] {
        assert!(publisher.send_media(stream, 9, time, payload));
    }
    for peer in &mut early {
        assert_eq!(payloads(peer, 4), [HEADER, KEYFRAME, FRAME, FRAME]);
    }
    // Who joins later starts with the header and the keyframe.
    let mut late = Peer::open(house.rtmp);
    late.play("live", "cam");
    assert_eq!(payloads(&mut late, 4), [HEADER, KEYFRAME, FRAME, FRAME]);
    publisher.command("FCUnpublish", 0, &[bongsu_testkit::raw::Value::Null]);
    for mut peer in early {
        assert_eq!(
            peer.status(LIMIT).unwrap().code,
            "NetStream.Play.UnpublishNotify"
        );
        assert!(peer.wait_for_close(LIMIT));
    }
    wait::until_true("the stream to be gone", LIMIT, || {
        http::get(house.http, "/api/v1/streams")
            .unwrap()
            .body
            .contains("\"streams\":[]")
    });
}

#[test]
fn a_player_of_an_absent_stream_waits_as_long_as_configured_and_no_longer() {
    let house = House::open(config(|_, app| app.play_wait = Duration::from_millis(300)));
    let mut peer = Peer::open(house.rtmp);
    peer.play("live", "nobody");
    assert_eq!(peer.status(LIMIT).unwrap().code, "NetStream.Play.Reset");
    assert_eq!(peer.status(LIMIT).unwrap().code, "NetStream.Play.Start");
    assert_eq!(
        peer.status(LIMIT).unwrap().code,
        "NetStream.Play.StreamNotFound"
    );
    assert!(peer.wait_for_close(LIMIT));
}

#[test]
fn without_a_wait_an_absent_stream_is_refused_at_once() {
    let house = House::open(config(|_, app| app.play_wait = Duration::ZERO));
    let mut peer = Peer::open(house.rtmp);
    peer.play("live", "nobody");
    assert_eq!(
        peer.status(LIMIT).unwrap().code,
        "NetStream.Play.StreamNotFound"
    );
    assert!(peer.wait_for_close(LIMIT));
}

#[test]
fn an_app_that_is_not_listed_is_refused_at_connect() {
    let house = House::open(config(|config, _| {
        config.apps.clear();
    }));
    let mut peer = Peer::open(house.rtmp);
    peer.command(
        "connect",
        0,
        &[bongsu_testkit::raw::Value::Object(vec![(
            "app".to_owned(),
            bongsu_testkit::raw::Value::text("nowhere"),
        )])],
    );
    let refused = wait::until("an answer", LIMIT, || {
        peer.next_message(LIMIT)
            .map(|message| message.command())
            .filter(|values| {
                values.first().and_then(bongsu_testkit::raw::Value::as_text) == Some("_error")
            })
    });
    let code = refused
        .last()
        .and_then(|info| info.property("code"))
        .and_then(|code| code.as_text());
    assert_eq!(code, Some("NetConnection.Connect.InvalidApp"));
    assert!(peer.wait_for_close(LIMIT));
}
