//! Several message streams of one connection: each with its own id, its own start and its own end.

use bongsu_rtmp::MessageStreamId;
use bongsu_rtmp::amf0::Value;
use bongsu_rtmp::message::{MessageType, UserControl};
use bongsu_rtmp::session::server::PlayEnd;
use bongsu_rtmp::status::{Code, Status};

use crate::script::*;

const FIRST: MessageStreamId = MessageStreamId(1);
const SECOND_STREAM: MessageStreamId = MessageStreamId(2);

fn create(scene: &mut Scene) {
    scene.say(&CLIENT.call((3, 0), "createStream", 6.0, &[]));
    scene.log();
}

fn publish_as(stream: u32, name: &'static str) -> Vec<u8> {
    CLIENT.call((4, stream), "publish", 5.0, &[name.into(), "live".into()])
}

fn call(stream: u32, name: &'static str, arguments: &[Value]) -> Vec<u8> {
    CLIENT.call((3, stream), name, 0.0, arguments)
}

/// Publishes on stream 1 and plays on stream 2.
fn publishing_and_playing() -> Scene {
    let mut scene = Scene::publishing();
    create(&mut scene);
    scene.say(&play(2));
    scene.accept();
    scene.log();
    scene
}

/// Publishes on streams 1 and 2.
fn publishing_twice() -> Scene {
    let mut scene = Scene::publishing();
    create(&mut scene);
    scene.say(&publish_as(2, "two"));
    scene.accept();
    scene.log();
    scene
}

fn status(scene: &mut Scene) -> (String, String) {
    let log = scene.log();
    let [only] = log.as_slice() else {
        panic!("one status and no event: {log:?}");
    };
    let (place, rest) = only.split_once(' ').unwrap();
    let code = rest.split("code: \"").nth(1).unwrap();
    (place.to_owned(), code.split_once('"').unwrap().0.to_owned())
}

/// [WIRE 107] [WIRE 113] [WIRE 125]
#[test]
fn each_stream_hears_its_own_answers_in_their_order() {
    let mut scene = publishing_twice();
    create(&mut scene);
    scene.say(&play(3));
    assert_eq!(scene.log(), ["! PlayRequested(4, stream 3)"]);
    scene.accept();
    assert_eq!(
        scene.log(),
        [
            "2/0 StreamBegin(MessageStreamId(3))",
            "5/3 onStatus(0, null, {level: \"status\", code: \"NetStream.Play.Reset\", description: \"Playing and resetting.\"})",
            "5/3 onStatus(0, null, {level: \"status\", code: \"NetStream.Play.Start\", description: \"Playing.\"})",
            "5/3 data @0 \"|RtmpSampleAccess\", true, true",
        ]
    );
    scene.say(&CLIENT.audio(2, 1, &[1]));
    scene.say(&CLIENT.audio(1, 2, &[1]));
    assert_eq!(
        scene.raised(),
        [
            "! Media(stream 2, Audio, 1 ms, 1 bytes)",
            "! Media(stream 1, Audio, 2 ms, 1 bytes)",
        ]
    );
}

/// [WIRE 114]
#[test]
fn every_fcpublish_is_answered_by_one_onfcpublish() {
    let mut scene = Scene::created();
    create(&mut scene);
    for name in ["cam", "two"] {
        scene.say(&call(0, "FCPublish", &[name.into()]));
    }
    scene.log();
    for stream in [1, 2] {
        scene.say(&publish(stream));
        scene.accept();
        let said = scene.said();
        assert!(said[0].starts_with("3/0 onFCPublish("), "{said:?}");
        assert_eq!(said.len(), 3);
    }
}

/// [WIRE 117]
#[test]
fn a_refusal_leaves_the_other_streams_alone() {
    for (request, code) in [
        (publish_as(2, "two"), Code::PublishDenied),
        (play(2), Code::PlayStreamNotFound),
    ] {
        for mut scene in [Scene::publishing(), Scene::playing()] {
            create(&mut scene);
            scene.say(&request);
            scene.log();
            scene.reject(code);
            let heard = ("5/2".to_owned(), code.as_str().to_owned());
            assert_eq!(status(&mut scene), heard);
            assert_eq!(
                scene.due_in().is_some(),
                scene.session.is_in_use() && {
                    // Only a publisher has a deadline.
                    format!("{:?}", scene.session).contains("Publishing")
                }
            );
            // The stream is free for another request.
            scene.say(&play(2));
            assert_eq!(scene.raised().len(), 1);
            scene.accept();
            assert!(scene.session.is_in_use());
        }
    }
}

#[test]
fn the_last_request_that_is_refused_closes_the_connection() {
    let mut scene = Scene::asked_to_play();
    create(&mut scene);
    scene.say(&publish_as(2, "two"));
    scene.log();
    let [first, second] = scene.requests[1..] else {
        panic!("two requests are open");
    };
    let no = refusal(Code::PublishDenied);
    scene.session.reject(scene.now, second, &no).unwrap();
    scene.drain();
    assert_eq!(scene.raised(), NOTHING);
    let no = refusal(Code::PlayFailed);
    scene.session.reject(scene.now, first, &no).unwrap();
    scene.drain();
    assert_eq!(scene.raised(), ["! Closing(Refused(PlayFailed))"]);
}

#[test]
fn names_that_cannot_be_used_end_no_other_stream() {
    let mut scene = publishing_and_playing();
    create(&mut scene);
    scene.say(&publish_as(3, "a//b"));
    let heard = ("5/3".to_owned(), "NetStream.Publish.BadName".to_owned());
    assert_eq!(status(&mut scene), heard);
    scene.say(&call(3, "play", &["..".into()]));
    let heard = ("5/3".to_owned(), "NetStream.Play.StreamNotFound".to_owned());
    assert_eq!(status(&mut scene), heard);
}

#[test]
fn a_publish_on_a_stream_that_publishes_changes_nothing_but_is_refused() {
    let mut scene = publishing_twice();
    scene.say(&publish_as(1, "three"));
    let heard = ("5/1".to_owned(), "NetStream.Publish.BadName".to_owned());
    assert_eq!(status(&mut scene), heard);
    scene.say(&CLIENT.audio(1, 2, &[1]));
    assert_eq!(scene.log(), ["! Media(stream 1, Audio, 2 ms, 1 bytes)"]);
}

#[test]
fn bytes_behind_a_refused_request_are_taken_in() {
    let mut scene = Scene::publishing();
    create(&mut scene);
    let bytes = [publish_as(2, "two"), CLIENT.audio(1, 7, &[1])].concat();
    scene.say(&bytes);
    assert_eq!(scene.log(), ["! PublishRequested(3, stream 2, Live)"]);
    assert!(!scene.session.wants_bytes());
    scene.reject(Code::PublishDenied);
    assert!(scene.session.wants_bytes());
    assert_eq!(
        scene.raised(),
        ["! Media(stream 1, Audio, 7 ms, 1 bytes)"],
        "held back by the decision, not lost"
    );
}

/// [WIRE 121]
#[test]
fn one_end_is_no_other_ones() {
    let ends: [(Vec<u8>, &str); 3] = [
        (
            call(0, "deleteStream", &[Value::Number(2.0)]),
            "! PlayEnded(stream 2)",
        ),
        (call(2, "closeStream", &[]), "! PlayEnded(stream 2)"),
        (
            call(1, "closeStream", &[]),
            "! PublishEnded(stream 1, CloseStream)",
        ),
    ];
    for (end, event) in ends {
        let mut scene = publishing_and_playing();
        scene.say(&end);
        assert_eq!(scene.raised(), [event]);
        scene.say(&end);
        assert_eq!(scene.log(), NOTHING, "an end comes once");
        assert!(scene.session.is_in_use());
        scene.wait(7 * SECOND);
        assert_eq!(scene.log(), NOTHING, "no request is awaited");
    }
    // What has ended takes nothing with it when it is ended again, in any other way.
    let mut scene = publishing_twice();
    scene.say(&call(0, "FCUnpublish", &["two".into()]));
    scene.say(&call(0, "deleteStream", &[Value::Number(2.0)]));
    assert_eq!(scene.raised(), ["! PublishEnded(stream 2, FcUnpublish)"]);
    scene.say(&call(0, "FCUnpublish", &["two".into()]));
    scene.say(&call(1, "deleteStream", &[Value::Number(2.0)]));
    assert_eq!(scene.log(), NOTHING);
    // A command that names no stream and came on none means none when there are two.
    let mut scene = publishing_and_playing();
    scene.say(&call(0, "closeStream", &[]));
    assert_eq!(scene.log(), NOTHING);
}

#[test]
fn a_kick_ends_one_publish_and_the_last_one_the_connection() {
    let mut scene = publishing_twice();
    let words = Status::new(Code::PublishBadName, "Taken over.");
    scene.session.end_publish(scene.now, FIRST, &words).unwrap();
    scene.drain();
    let heard = ("5/1".to_owned(), "NetStream.Publish.BadName".to_owned());
    assert_eq!(status(&mut scene), heard);
    // What the loser still sends is nobody's.
    scene.say(&CLIENT.audio(1, 1, &[1]));
    scene.say(&CLIENT.audio(2, 2, &[1]));
    assert_eq!(scene.log(), ["! Media(stream 2, Audio, 2 ms, 1 bytes)"]);
    scene
        .session
        .end_publish(scene.now, SECOND_STREAM, &words)
        .unwrap();
    scene.drain();
    assert_eq!(scene.raised(), ["! Closing(Ended(PublishBadName))"]);
}

#[test]
fn the_end_of_a_played_stream_leaves_the_publish_alone() {
    let mut scene = publishing_and_playing();
    scene
        .session
        .end_play(scene.now, SECOND_STREAM, &PlayEnd::Unpublished)
        .unwrap();
    scene.drain();
    let log = scene.log();
    assert!(log[0].starts_with("5/2 onStatus") && log[0].contains("UnpublishNotify"));
    assert_eq!(log[1..], ["2/0 StreamEof(MessageStreamId(2))"]);
    scene.say(&CLIENT.audio(1, 1, &[1]));
    assert_eq!(scene.log(), ["! Media(stream 1, Audio, 1 ms, 1 bytes)"]);
}

/// [WIRE 124]
#[test]
fn silence_ends_the_silent_publish_and_the_last_one_the_connection() {
    let mut scene = publishing_twice();
    scene.wait(5 * SECOND);
    scene.say(&CLIENT.audio(2, 1, &[1]));
    scene.log();
    scene.wait(3 * SECOND);
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Publish.Idle\", description: \"No media came for too long.\"})",
            "! PublishLost(stream 1)",
        ]
    );
    assert_eq!(scene.due_in(), Some(5 * SECOND));
    scene.wait(5 * SECOND);
    assert_eq!(scene.raised(), ["! Closing(PublishIdle)"]);
}

#[test]
fn publishes_that_fall_silent_together_end_together() {
    let mut scene = publishing_twice();
    scene.wait(8 * SECOND);
    let raised = scene.raised();
    assert_eq!(raised.last().unwrap(), "! Closing(PublishIdle)");
    assert_eq!(raised.len(), 2, "{raised:?}");
}

#[test]
fn each_publish_has_the_idle_time_of_its_acceptance() {
    let mut scene = Scene::publishing();
    create(&mut scene);
    scene.session.set_publish_idle(Some(3 * SECOND));
    scene.say(&publish_as(2, "two"));
    scene.accept();
    scene.log();
    assert_eq!(scene.due_in(), Some(3 * SECOND));
    scene.wait(3 * SECOND);
    assert_eq!(scene.raised(), ["! PublishLost(stream 2)"]);
    assert_eq!(scene.due_in(), Some(5 * SECOND));
}

/// Goal: what is late for a publish that has ended, or comes on a stream that plays, gets into no other publish.
#[test]
fn media_on_a_stream_that_does_not_publish_does_nothing() {
    let mut scene = publishing_and_playing();
    create(&mut scene);
    for stream in [2, 3, 9] {
        scene.say(&CLIENT.video(stream, 0, &[0x17, 1]));
        scene.say(&CLIENT.data(stream, 0, &["onMetaData".into()]));
        scene.say(&CLIENT.message((6, stream), MessageType::Aggregate, 0, &[0; 15]));
    }
    assert_eq!(scene.log(), NOTHING);
    assert_eq!(scene.session.ignored_messages(), 9);
    // Message stream 0 is what a chunk stream has that was opened without one. [WIRE 026]
    scene.say(&CLIENT.audio(0, 5, &[1]));
    assert_eq!(scene.log(), ["! Media(stream 1, Audio, 5 ms, 1 bytes)"]);
    let mut late = publishing_twice();
    late.say(&call(0, "deleteStream", &[Value::Number(2.0)]));
    late.log();
    late.say(&CLIENT.video(2, 0, &[0x17, 1]));
    assert_eq!(late.log(), NOTHING);
}

#[test]
fn controls_of_a_player_mean_the_stream_they_came_on() {
    let mut scene = Scene::playing();
    create(&mut scene);
    scene.say(&play(2));
    scene.accept();
    scene.log();
    for (stream, name, event) in [
        (2, "receiveAudio", "! ReceiveAudio(stream 2, false)"),
        (1, "receiveVideo", "! ReceiveVideo(stream 1, false)"),
        (2, "pause", "! PauseRequested(stream 2, false)"),
    ] {
        scene.say(&call(stream, name, &[false.into()]));
        assert_eq!(scene.raised(), [event]);
    }
}

/// [WIRE 004] [WIRE 067]
#[test]
fn pings_go_both_ways_beside_running_streams() {
    let mut scene = publishing_and_playing();
    scene.say(&CLIENT.event(UserControl::PingRequest(7)));
    assert_eq!(scene.log(), ["2/0 PingResponse(7)"]);
    scene.session.ping(scene.now + 3 * SECOND);
    scene.drain();
    assert_eq!(scene.log(), ["2/0 PingRequest(3000)"]);
    scene.say(&CLIENT.event(UserControl::PingResponse(3000)));
    assert_eq!(scene.log(), NOTHING);
}

#[test]
fn a_withdrawn_request_ends_no_other_stream() {
    let mut scene = Scene::publishing();
    create(&mut scene);
    scene.say(&play(2));
    scene.log();
    scene.say(&call(0, "deleteStream", &[Value::Number(2.0)]));
    assert_eq!(scene.log(), ["! RequestWithdrawn(3)"]);
    scene.accept();
    scene.reject(Code::PlayFailed);
    assert_eq!(scene.log(), NOTHING, "nobody waits for an answer");
    scene.say(&CLIENT.audio(1, 1, &[1]));
    assert_eq!(scene.raised(), ["! Media(stream 1, Audio, 1 ms, 1 bytes)"]);
}
