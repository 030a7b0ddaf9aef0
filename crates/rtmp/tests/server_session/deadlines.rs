//! Everything that happens because time passes.

use std::time::Duration;

use bongsu_rtmp::MessageType;
use bongsu_rtmp::amf0::Value;
use bongsu_rtmp::session::server::ServerConfig;
use bongsu_rtmp::status::Code;

use crate::script::*;

const MILLISECOND: Duration = Duration::from_millis(1);

/// [WIRE 005]
#[test]
fn the_handshake_has_ten_seconds() {
    let mut scene = Scene::new(ServerConfig::default());
    assert_eq!(scene.due_in(), Some(10 * SECOND));
    scene.now += 9 * SECOND;
    scene.say(&handshake()[..3000]);
    assert_eq!(scene.due_in(), Some(SECOND));
    scene.wait(SECOND - MILLISECOND);
    assert_eq!(scene.log(), NOTHING);
    scene.wait(MILLISECOND);
    assert_eq!(scene.log(), ["! Closing(HandshakeTimeout)"]);
    assert_eq!(scene.due_in(), None);
}

/// [WIRE 214]
#[test]
fn a_request_must_come_within_ten_seconds_of_the_handshake() {
    let mut scene = Scene::shaken();
    assert_eq!(scene.due_in(), Some(10 * SECOND));
    scene.wait(5 * SECOND);
    scene.say(&CLIENT.connect(app("live")));
    scene.accept();
    scene.say(&CLIENT.call((3, 0), "createStream", 2.0, &[]));
    scene.log();
    assert_eq!(scene.due_in(), Some(5 * SECOND));
    scene.wait(5 * SECOND - MILLISECOND);
    assert_eq!(scene.log(), NOTHING);
    scene.wait(MILLISECOND);
    assert_eq!(scene.log(), ["! Closing(RequestTimeout)"]);
}

/// [WIRE 214]
#[test]
fn our_own_decisions_do_not_count() {
    let mut scene = Scene::shaken();
    scene.wait(4 * SECOND);
    scene.say(&CLIENT.connect(app("live")));
    assert_eq!(scene.due_in(), None);
    scene.wait(60 * SECOND);
    scene.accept();
    assert_eq!(scene.due_in(), Some(6 * SECOND));
    scene.say(&publish(0));
    assert_eq!(scene.due_in(), None);
    scene.wait(60 * SECOND);
    scene.log();
    // A withdrawn request was none.
    scene.say(&CLIENT.call((3, 0), "closeStream", 0.0, &[]));
    assert_eq!(scene.due_in(), Some(6 * SECOND));
    scene.wait(6 * SECOND);
    assert_eq!(
        scene.log(),
        ["! RequestWithdrawn(2)", "! Closing(RequestTimeout)"]
    );
}

/// [WIRE 214]
#[test]
fn the_time_for_a_request_starts_anew_when_the_last_stream_ends() {
    let config = ServerConfig {
        publish_idle: None,
        ..ServerConfig::default()
    };
    for mut scene in [Scene::publishing_with(config), Scene::playing()] {
        scene.wait(60 * SECOND);
        assert_eq!(scene.due_in(), None);
        scene.say(&CLIENT.call((3, 0), "createStream", 6.0, &[]));
        scene.say(&CLIENT.call((4, 2), "play", 7.0, &["two".into()]));
        scene.accept();
        scene.say(&CLIENT.call((3, 0), "deleteStream", 0.0, &[Value::Number(1.0)]));
        assert_eq!(scene.due_in(), None);
        scene.say(&CLIENT.call((3, 0), "deleteStream", 0.0, &[Value::Number(2.0)]));
        assert_eq!(scene.due_in(), Some(10 * SECOND));
        scene.log();
        scene.wait(10 * SECOND);
        assert_eq!(scene.log(), ["! Closing(RequestTimeout)"]);
    }
}

/// [WIRE 124]
#[test]
fn a_silent_publisher_is_told_and_closed() {
    let mut scene = Scene::publishing();
    assert_eq!(scene.due_in(), Some(8 * SECOND));
    scene.wait(8 * SECOND - MILLISECOND);
    assert_eq!(scene.log(), NOTHING);
    scene.wait(MILLISECOND);
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Publish.Idle\", description: \"No media came for too long.\"})",
            "! Closing(PublishIdle)",
        ]
    );
}

/// [WIRE 124]
#[test]
fn whole_media_messages_count_as_life_and_nothing_else_does() {
    let mut scene = Scene::publishing();
    let alive = [
        CLIENT.audio(1, 0, &[]),
        CLIENT.video(1, 0, &[0x17]),
        CLIENT.data(1, 0, &["onCuePoint".into()]),
    ];
    for message in alive {
        scene.wait(5 * SECOND);
        scene.say(&message);
        assert_eq!(scene.due_in(), Some(8 * SECOND));
    }
    scene.wait(5 * SECOND);
    let frame = CLIENT.video(1, 0, &[0x17; 300]);
    scene.say(&CLIENT.call((3, 0), "_checkbw", 6.0, &[]));
    scene.say(&CLIENT.message((5, 0), MessageType::Unknown(99), 0, &[]));
    scene.say(&frame[..250]);
    assert_eq!(scene.due_in(), Some(3 * SECOND));
    scene.say(&frame[250..]);
    assert_eq!(scene.due_in(), Some(8 * SECOND));
}

/// [WIRE 124]
#[test]
fn the_idle_time_is_that_of_the_moment_of_acceptance_and_may_be_off() {
    let mut scene = Scene::asked_to_publish();
    scene.session.set_publish_idle(Some(3 * SECOND));
    scene.accept();
    scene.session.set_publish_idle(None);
    assert_eq!(scene.due_in(), Some(3 * SECOND));
    let mut scene = Scene::asked_to_publish();
    scene.session.set_publish_idle(None);
    scene.accept();
    scene.log();
    assert_eq!(scene.due_in(), None);
    scene.wait(3600 * SECOND);
    assert_eq!(scene.log(), NOTHING);
    let config = ServerConfig {
        publish_idle: None,
        ..ServerConfig::default()
    };
    assert_eq!(Scene::publishing_with(config).due_in(), None);
}

#[test]
fn time_spent_on_our_decision_is_no_silence_of_the_publisher() {
    let mut scene = Scene::asked_to_publish();
    scene.wait(60 * SECOND);
    scene.accept();
    assert_eq!(scene.due_in(), Some(8 * SECOND));
}

/// [WIRE 068]
#[test]
fn a_player_that_answers_no_ping_is_kept() {
    let mut scene = Scene::playing();
    for _ in 0..100 {
        scene.session.ping(scene.now);
        scene.wait(60 * SECOND);
        assert_eq!(scene.log().len(), 1);
    }
    assert_eq!(scene.due_in(), None);
}

#[test]
fn an_early_or_late_call_of_handle_timeout_is_harmless() {
    let mut scene = Scene::playing();
    scene.wait(Duration::ZERO);
    scene.reject(Code::PlayFailed);
    assert_eq!(scene.log(), NOTHING, "it was accepted");
    scene.say(&CLIENT.call((3, 0), "close", 0.0, &[]));
    scene.log();
    scene.wait(60 * SECOND);
    assert_eq!(scene.log(), NOTHING);
}

#[test]
fn times_beyond_the_clock_never_come() {
    let config = ServerConfig {
        handshake_timeout: Duration::MAX,
        request_timeout: Duration::MAX,
        publish_idle: Some(Duration::MAX),
        ..ServerConfig::default()
    };
    assert_eq!(Scene::new(config.clone()).due_in(), None);
    assert_eq!(Scene::connected_with(config.clone()).due_in(), None);
    assert_eq!(Scene::publishing_with(config).due_in(), None);
}
