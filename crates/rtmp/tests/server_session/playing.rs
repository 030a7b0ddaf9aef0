//! From `play` to the end of it.

use bongsu_rtmp::MessageStreamId;
use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::session::server::{Event, PlayEnd};
use bongsu_rtmp::session::{ApiMisuse, SessionError};
use bongsu_rtmp::status::{Code, Status};

use crate::script::*;

const STARTED: [&str; 4] = [
    "2/0 StreamBegin(MessageStreamId(1))",
    "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Play.Reset\", description: \"Playing and resetting.\"})",
    "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Play.Start\", description: \"Playing.\"})",
    "5/1 data @0 \"|RtmpSampleAccess\", true, true",
];
const PAUSED: &str = "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Pause.Notify\", description: \"Paused.\"})";

fn one(value: impl Into<Value>) -> [Value; 1] {
    [value.into()]
}

/// [WIRE 125] [WIRE 126]
#[test]
fn an_accepted_play_is_answered_in_the_order_that_players_need() {
    let mut scene = Scene::created();
    scene.say(&play(1));
    assert_eq!(scene.log(), ["! PlayRequested(2, stream 1)"]);
    scene.accept();
    assert_eq!(scene.log(), STARTED);
}

/// [WIRE 127]
#[test]
fn any_start_duration_and_reset_is_live() {
    for start in [-2.0, -1.0, -2000.0, -1000.0, 0.0, 5.5] {
        let mut scene = Scene::created();
        let arguments = [
            "cam".into(),
            Value::Number(start),
            Value::Number(-1.0),
            false.into(),
        ];
        scene.say(&CLIENT.call((8, 1), "play", 4.0, &arguments));
        assert_eq!(scene.log(), ["! PlayRequested(2, stream 1)"]);
    }
    let mut scene = Scene::created();
    scene.say(&CLIENT.call((8, 1), "play", 4.0, &one("cam?t=1")));
    let Some(Event::PlayRequested { target, .. }) = scene.events.last() else {
        panic!("no request");
    };
    assert_eq!(target.path.as_str(), "live/cam");
    assert_eq!(target.raw.name, "cam?t=1");
}

/// [WIRE 128]
#[test]
fn a_refused_play_gets_its_status_on_the_stream() {
    let mut scene = Scene::asked_to_play();
    scene.reject(Code::PlayStreamNotFound);
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"error\", code: \"NetStream.Play.StreamNotFound\", description: \"No.\"})",
            "! Closing(Refused(PlayStreamNotFound))",
        ]
    );
}

/// [WIRE 102]
#[test]
fn a_name_that_cannot_be_used_is_not_found() {
    let mut scene = Scene::created();
    scene.say(&CLIENT.call((8, 1), "play", 4.0, &one("..")));
    assert_eq!(scene.raised(), ["! Closing(Refused(PlayStreamNotFound))"]);
}

/// [WIRE 130]
#[test]
fn pause_and_receive_are_raised_and_pause_is_confirmed() {
    let mut scene = Scene::playing();
    scene.say(&CLIENT.call((8, 1), "pause", 5.0, &[true.into(), Value::Number(0.0)]));
    assert_eq!(scene.log(), [PAUSED, "! PauseRequested(stream 1, true)"]);
    scene.say(&CLIENT.call((8, 1), "pauseraw", 0.0, &[false.into(), Value::Number(0.0)]));
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Unpause.Notify\", description: \"Playing again.\"})",
            "! PauseRequested(stream 1, false)",
        ]
    );
    scene.say(&CLIENT.call((8, 1), "receiveAudio", 0.0, &one(false)));
    scene.say(&CLIENT.call((8, 1), "receiveVideo", 6.0, &one(true)));
    assert_eq!(
        scene.log(),
        [
            "! ReceiveAudio(stream 1, false)",
            "! ReceiveVideo(stream 1, true)"
        ]
    );
}

/// [WIRE 130]
#[test]
fn who_wants_no_audio_or_no_video_before_the_decision_is_taken_at_their_word() {
    for (name, raised) in [
        ("receiveAudio", "! ReceiveAudio(stream 1, false)"),
        ("receiveVideo", "! ReceiveVideo(stream 1, false)"),
    ] {
        let mut scene = Scene::asked_to_play();
        scene.say(&CLIENT.call((8, 1), name, 0.0, &one(false)));
        scene.accept();
        assert_eq!(scene.raised(), [raised]);
    }
}

/// [WIRE 131]
#[test]
fn seek_is_answered_and_changes_nothing() {
    let mut scene = Scene::playing();
    scene.say(&CLIENT.call((8, 1), "seek", 5.0, &one(30_000.0)));
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Seek.Notify\", description: \"The stream is live.\"})"
        ]
    );
}

/// [WIRE 130]
#[test]
fn wishes_before_the_decision_are_raised_after_it() {
    let mut scene = Scene::asked_to_play();
    scene.say(&CLIENT.call((8, 1), "receiveVideo", 0.0, &one(false)));
    scene.say(&CLIENT.call((8, 1), "receiveAudio", 0.0, &one(false)));
    scene.say(&CLIENT.call((8, 1), "receiveAudio", 0.0, &one(true)));
    scene.say(&CLIENT.call((8, 1), "pause", 0.0, &one(true)));
    scene.say(&CLIENT.call((8, 1), "seek", 0.0, &one(0.0)));
    assert_eq!(scene.log(), NOTHING);
    scene.accept();
    let raised = [
        "! ReceiveVideo(stream 1, false)",
        "! PauseRequested(stream 1, true)",
    ];
    assert_eq!(scene.log(), [&STARTED[..], &[PAUSED], &raised[..]].concat());
}

#[test]
fn controls_of_players_mean_nothing_on_other_streams() {
    for mut scene in [Scene::created(), Scene::publishing()] {
        for name in ["pause", "seek", "receiveAudio", "receiveVideo"] {
            scene.say(&CLIENT.call((8, 1), name, 0.0, &one(true)));
        }
        assert_eq!(scene.log(), NOTHING);
        assert_eq!(scene.session.ignored_messages(), 4);
    }
}

#[test]
fn play2_plays_on_a_free_stream() {
    let options = || {
        one(Properties::new()
            .with("streamName", "cam")
            .with("transition", "reset"))
    };
    let mut scene = Scene::created();
    scene.say(&CLIENT.call((8, 1), "play2", 4.0, &options()));
    assert_eq!(scene.log(), ["! PlayRequested(2, stream 1)"]);
}

/// Flash: a transition that does not succeed is told by `NetStream.Play.Failed`, and the old stream plays on.
#[test]
fn play2_begins_anew_on_a_stream_that_plays_or_says_that_the_switch_failed() {
    let options = |transition: Option<&'static str>| {
        let name = Properties::new().with("streamName", "other");
        one(match transition {
            Some(transition) => name.with("transition", transition),
            None => name,
        })
    };
    for transition in [None, Some("reset")] {
        let mut scene = Scene::playing();
        scene.say(&CLIENT.call((8, 1), "play2", 0.0, &options(transition)));
        assert_eq!(
            scene.log(),
            ["! PlayEnded(stream 1)", "! PlayRequested(3, stream 1)"]
        );
        scene.accept();
        assert_eq!(scene.log(), STARTED);
    }
    for transition in ["switch", "swap", "append", "stop", "resume"] {
        let mut scene = Scene::playing();
        scene.say(&CLIENT.call((8, 1), "play2", 0.0, &options(Some(transition))));
        let log = scene.log();
        assert!(
            log[0].starts_with("5/1 onStatus") && log[0].contains("NetStream.Play.Failed"),
            "{log:?}"
        );
        assert_eq!(log.len(), 1, "{transition}");
        scene.say(&CLIENT.call((8, 1), "pause", 0.0, &one(true)));
        assert_eq!(scene.log(), [PAUSED, "! PauseRequested(stream 1, true)"]);
    }
}

/// [RTMP 7.2.2.1]
#[test]
fn another_play_on_a_stream_takes_the_place_of_the_first() {
    let mut scene = Scene::playing();
    scene.say(&play(1));
    assert_eq!(
        scene.log(),
        ["! PlayEnded(stream 1)", "! PlayRequested(3, stream 1)"]
    );
    scene.accept();
    assert_eq!(scene.log(), STARTED);
}

#[test]
fn a_player_leaves_a_stream_and_plays_again() {
    let mut scene = Scene::playing();
    scene.say(&CLIENT.call((8, 1), "closeStream", 0.0, &[]));
    assert_eq!(scene.log(), ["! PlayEnded(stream 1)"]);
    scene.say(&play(1));
    assert_eq!(scene.log(), ["! PlayRequested(3, stream 1)"]);
    scene.say(&CLIENT.call((3, 0), "deleteStream", 0.0, &one(1.0)));
    assert_eq!(scene.log(), ["! RequestWithdrawn(3)"]);
    scene.say(&CLIENT.call((3, 0), "createStream", 5.0, &[]));
    assert_eq!(scene.log(), ["3/0 _result(5, null, 1)"]);
}

/// [WIRE 129] [WIRE 071]
#[test]
fn the_end_of_the_stream_is_told_and_closes_the_connection() {
    let mut scene = Scene::playing();
    scene
        .session
        .end_play(scene.now, MessageStreamId(1), &PlayEnd::Unpublished)
        .unwrap();
    scene.drain();
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Play.UnpublishNotify\", description: \"The stream has ended.\"})",
            "2/0 StreamEof(MessageStreamId(1))",
            "! Closing(Ended(PlayUnpublishNotify))",
        ]
    );
}

#[test]
fn the_end_of_one_play_leaves_another_alone() {
    let mut scene = Scene::playing();
    scene.say(&CLIENT.call((3, 0), "createStream", 5.0, &[]));
    scene.say(&play(2));
    scene.accept();
    scene.log();
    let not_found = PlayEnd::Status(Status::new(Code::PlayStreamNotFound, "Not live."));
    scene
        .session
        .end_play(scene.now, MessageStreamId(1), &not_found)
        .unwrap();
    scene.drain();
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"error\", code: \"NetStream.Play.StreamNotFound\", description: \"Not live.\"})"
        ]
    );
    scene
        .session
        .end_play(scene.now, MessageStreamId(2), &not_found)
        .unwrap();
    scene.drain();
    assert_eq!(scene.raised(), ["! Closing(Ended(PlayStreamNotFound))"]);
}

#[test]
fn only_a_play_can_be_ended_as_one() {
    let wrong = Err(SessionError::ApiMisuse(ApiMisuse::WrongStreamState));
    for mut scene in [
        Scene::created(),
        Scene::publishing(),
        Scene::asked_to_play(),
    ] {
        let end = PlayEnd::Unpublished;
        assert_eq!(
            scene.session.end_play(scene.now, MessageStreamId(1), &end),
            wrong
        );
        scene.drain();
        assert_eq!(scene.log(), NOTHING);
    }
}

#[test]
fn a_request_that_was_never_raised_is_a_bug_of_the_caller() {
    let unknown = Err(SessionError::ApiMisuse(ApiMisuse::UnknownRequest));
    let request = *Scene::asked_to_play().requests.last().unwrap();
    let mut fresh = Scene::connected();
    assert_eq!(fresh.session.accept(fresh.now, request), unknown);
    let status = refusal(Code::PlayFailed);
    assert_eq!(fresh.session.reject(fresh.now, request, &status), unknown);
}
