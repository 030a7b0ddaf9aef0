//! Goal: whatever goes wrong, the session says once what, where, and in the server's words, and shows no key.

use std::time::Duration;

use bongsu_rtmp::MessageType;
use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::handshake::{Foreign, HandshakeError};
use bongsu_rtmp::limits::Limits;
use bongsu_rtmp::message::{Command, TransactionId};
use bongsu_rtmp::session::client::{Event, Refusal, Role, Step};
use bongsu_rtmp::session::limits::{HANDSHAKE_TIMEOUT, REPLY_TIMEOUT};
use bongsu_rtmp::session::{ApiMisuse, PeerMisbehaved, SessionError};
use bytes::Bytes;

use super::script::{Scene, config, connect_result, create_stream_result, info, server_handshake};

const MS: Duration = Duration::from_millis(1);

fn refused(step: Step, code: &str, description: &str) -> Event {
    Event::Refused(Refusal {
        step,
        code: code.into(),
        description: description.into(),
        redirect: None,
    })
}

/// Waits until just before the deadline, when nothing happens, and then for it.
fn times_out(mut scene: Scene, timeout: Duration, expected: &Event) {
    scene.raises();
    scene.takes();
    assert_eq!(scene.client.poll_timeout(), Some(scene.now + timeout));
    scene.waits(timeout - MS);
    assert_eq!(scene.raises(), []);
    scene.waits(MS);
    assert_eq!(scene.raises(), std::slice::from_ref(expected));
    assert_eq!(scene.takes(), Vec::<String>::new());
    assert_eq!(scene.client.step(), Step::Stopped);
    assert_eq!(scene.client.poll_timeout(), None);
    scene.waits(timeout);
    assert_eq!(scene.raises(), []);
}

/// [WIRE 180] Each answer has its own time, from the request on.
#[test]
fn every_step_has_its_own_deadline() {
    times_out(
        Scene::new(config(Role::Publish)),
        HANDSHAKE_TIMEOUT,
        &refused(Step::Handshaking, "", "no end of the handshake within 10 s"),
    );
    let mut scene = Scene::new(config(Role::Publish));
    scene.waits(HANDSHAKE_TIMEOUT - MS);
    scene.says_bytes(&server_handshake()).unwrap();
    times_out(
        scene,
        REPLY_TIMEOUT,
        &refused(Step::Connecting, "", "no answer to connect within 15 s"),
    );
    let mut scene = Scene::connecting(config(Role::Publish));
    scene.waits(REPLY_TIMEOUT - MS);
    scene.says(0, &connect_result());
    times_out(
        scene,
        REPLY_TIMEOUT,
        &refused(
            Step::CreatingStream,
            "",
            "no answer to createStream within 15 s",
        ),
    );
    for (role, transaction, description) in [
        (Role::Publish, 4.0, "no NetStream.Publish.Start within 15 s"),
        (
            Role::Play,
            2.0,
            "neither NetStream.Play.Start nor media within 15 s",
        ),
    ] {
        let mut scene = Scene::connecting(config(role));
        scene.says(0, &connect_result());
        scene.waits(REPLY_TIMEOUT - MS);
        scene.says(0, &create_stream_result(transaction, 1.0));
        // Other words do not buy time.
        scene.says_status(1, "status", "NetStream.Play.Reset");
        times_out(
            scene,
            REPLY_TIMEOUT,
            &refused(Step::Requesting, "", description),
        );
    }
    for role in [Role::Publish, Role::Play] {
        let mut scene = Scene::started(config(role));
        assert_eq!(scene.client.poll_timeout(), None);
        scene.waits(100 * REPLY_TIMEOUT);
        assert_eq!(scene.raises(), []);
    }
}

/// What the session raises when the server says no: one event, once.
fn raised_by(mut scene: Scene, command: &Command) -> Vec<Event> {
    scene.raises();
    scene.says(0, command);
    assert_eq!(scene.client.step(), Step::Stopped);
    let events = scene.raises();
    assert_eq!(events.len(), 1, "{events:?}");
    scene.says(0, command);
    assert_eq!(scene.raises(), []);
    events
}

fn error(transaction: f64) -> Command {
    Command::error(TransactionId::new(transaction))
}

/// With a code, with a description only, and with nothing.
#[test]
fn a_refused_connect_carries_the_servers_words() {
    let rejected =
        |command: Command| command.with_argument(info("error", "NetConnection.Connect.Rejected"));
    let code = "NetConnection.Connect.Rejected";
    let description = "About NetConnection.Connect.Rejected.";

    let connecting = || Scene::connecting(config(Role::Publish));
    assert_eq!(
        raised_by(connecting(), &rejected(error(1.0))),
        [refused(Step::Connecting, code, description)]
    );
    // Some servers put the refusal into a result.
    assert_eq!(
        raised_by(
            connecting(),
            &rejected(Command::result(TransactionId::new(1.0)))
        ),
        [refused(Step::Connecting, code, description)]
    );
    let no_code = Properties::new().with("description", "Go away.");
    assert_eq!(
        raised_by(connecting(), &error(1.0).with_argument(no_code)),
        [refused(Step::Connecting, "", "Go away.")]
    );
    assert_eq!(
        raised_by(connecting(), &error(1.0)),
        [refused(Step::Connecting, "", "")]
    );
}

#[test]
fn a_refused_create_stream_carries_the_servers_words() {
    let mut scene = Scene::connecting(config(Role::Publish));
    scene.says(0, &connect_result());
    let failed = error(4.0).with_argument(info("error", "NetConnection.Call.Failed"));
    assert_eq!(
        raised_by(scene, &failed),
        [refused(
            Step::CreatingStream,
            "NetConnection.Call.Failed",
            "About NetConnection.Call.Failed."
        )]
    );
}

/// By a status, by an error, or by a word.
#[test]
fn a_refused_publish_carries_the_servers_words() {
    let requesting = || Scene::requesting(config(Role::Publish));
    let bad_name = info("error", "NetStream.Publish.BadName");
    let expected = refused(
        Step::Requesting,
        "NetStream.Publish.BadName",
        "About NetStream.Publish.BadName.",
    );
    let status = Command::new("onStatus", TransactionId::NONE).with_argument(bad_name.clone());
    assert_eq!(
        raised_by(requesting(), &status),
        std::slice::from_ref(&expected)
    );
    let answer = error(5.0).with_argument(bad_name);
    assert_eq!(raised_by(requesting(), &answer), [expected]);
    assert_eq!(
        raised_by(requesting(), &Command::new("close", TransactionId::NONE)),
        [refused(Step::Requesting, "close", "")]
    );
}

/// [WIRE 186] A publisher that is told off after the start has not been refused: its stream ended.
#[test]
fn a_publish_that_the_server_ends_is_ended() {
    for (level, code, is_error) in [
        ("error", "NetStream.Publish.BadName", true),
        ("status", "NetStream.Unpublish.Success", false),
    ] {
        let mut scene = Scene::started(config(Role::Publish));
        scene.says_status(1, level, code);
        assert_eq!(
            scene.raises(),
            [Event::Ended {
                code: code.into(),
                description: format!("About {code}.").into(),
                is_error,
                redirect: None,
            }]
        );
        let sent = scene.client.send_media(
            scene.now,
            bongsu_rtmp::message::MediaKind::Audio,
            0,
            &Bytes::from_static(b"\xaf\x01"),
        );
        assert_eq!(sent, Err(SessionError::ApiMisuse(ApiMisuse::NotPublishing)));
    }
    let mut scene = Scene::started(config(Role::Publish));
    scene.says_status(1, "status", "NetStream.Play.Stop");
    scene.says_status(1, "warning", "NetStream.Play.InsufficientBW");
    assert_eq!(scene.raises(), []);
    assert_eq!(scene.client.step(), Step::Started);
}

/// [WIRE 178]
#[test]
fn a_server_of_another_kind_is_named() {
    let mut scene = Scene::new(config(Role::Play));
    let error = scene
        .says_bytes(b"HTTP/1.1 400 Bad Request\r\n")
        .unwrap_err();
    assert_eq!(
        error,
        SessionError::PeerMisbehaved(PeerMisbehaved::Handshake(HandshakeError::NotRtmp(
            Foreign::Http
        )))
    );
    assert_eq!(scene.client.step(), Step::Stopped);
    assert_eq!(scene.says_bytes(b"more"), Ok(()));
    assert_eq!(scene.client.poll_timeout(), None);
}

/// [WIRE 179]
#[test]
fn a_result_without_a_usable_stream_id_is_an_error() {
    let result = || Command::result(TransactionId::new(4.0));
    for result in [
        result(),
        result().with_argument("1"),
        result().with_argument(0.5),
        result().with_argument(-1.0),
        result().with_argument(f64::NAN),
        result().with_argument(4_294_967_296.0),
        result().with_argument(Value::Boolean(true)),
    ] {
        let mut scene = Scene::connecting(config(Role::Publish));
        scene.says(0, &connect_result());
        let said = scene.try_says_message(0, MessageType::CommandAmf0, 0, &result.to_bytes());
        assert_eq!(
            said,
            Err(SessionError::PeerMisbehaved(PeerMisbehaved::NoStreamId))
        );
        assert_eq!(scene.client.step(), Step::Stopped);
    }
}

#[test]
fn a_command_that_cannot_be_read_and_a_message_over_the_limit_are_errors() {
    let mut scene = Scene::connecting(config(Role::Play));
    let error = scene
        .try_says_message(0, MessageType::CommandAmf0, 0, b"\x05")
        .unwrap_err();
    assert_eq!(error.label(), "bad_message");
    assert_eq!(scene.client.step(), Step::Stopped);

    let mut config = config(Role::Play);
    config.limits = Limits {
        media_bytes: 10,
        ..Limits::authorised()
    };
    let mut scene = Scene::started(config);
    scene.says_message(1, MessageType::Video, 0, &[0x27; 10]);
    let error = scene
        .try_says_message(1, MessageType::Video, 0, &[0x27; 11])
        .unwrap_err();
    assert_eq!(error.to_string(), "media_bytes exceeded: 11 > 10");
    assert_eq!(scene.raises().len(), 1);
    assert_eq!(scene.client.step(), Step::Stopped);
}

/// [WIRE 200] Where it stood when the connection ended without a word.
#[test]
fn the_step_tells_what_the_server_was_asked_for() {
    let mut scene = Scene::new(config(Role::Publish));
    let mut steps = vec![scene.client.step()];
    scene.says_bytes(&server_handshake()).unwrap();
    steps.push(scene.client.step());
    scene.says(0, &connect_result());
    steps.push(scene.client.step());
    scene.says(0, &create_stream_result(4.0, 1.0));
    steps.push(scene.client.step());
    scene.says_status(1, "status", "NetStream.Publish.Start");
    steps.push(scene.client.step());
    assert_eq!(
        steps,
        [
            Step::Handshaking,
            Step::Connecting,
            Step::CreatingStream,
            Step::Requesting,
            Step::Started
        ]
    );
}

/// [WIRE 193] Neither the key that goes out nor the server's echo of it shows.
#[test]
fn debug_shows_no_key() {
    let config = config(Role::Publish);
    let shown = format!("{config:?}");
    assert!(
        !shown.contains("SECRET") && !shown.contains("key="),
        "{shown}"
    );
    let mut scene = Scene::requesting(config);
    let shown = format!("{:?}", scene.client);
    assert_eq!(
        shown,
        "ClientSession { role: Publish, step: Requesting, stream: Some(MessageStreamId(1)), .. }"
    );
    let denied = info("error", "NetStream.Publish.Denied").with("description", "no SECRET");
    let denied = Command::new("onStatus", TransactionId::NONE).with_argument(denied);
    scene.says(1, &denied);
    let shown = format!("{:?}", scene.raises());
    assert!(shown.starts_with("[Refused("), "{shown}");
    assert!(!shown.contains("SECRET"), "{shown}");
}
