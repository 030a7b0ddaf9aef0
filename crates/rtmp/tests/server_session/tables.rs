//! What every state does with every event, as tables that a change of behaviour changes.
//!
//! `BLESS=1 cargo test -p bongsu-rtmp --test server_session tables` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use bongsu_rtmp::MessageStreamId;
use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::message::UserControl;
use bongsu_rtmp::session::SessionError;
use bongsu_rtmp::session::server::{PlayEnd, RequestId, ServerConfig};
use bongsu_rtmp::status::Code;

use crate::script::*;

type State = (&'static str, fn() -> Scene);
type Event = (&'static str, fn(&mut Scene) -> Result<(), SessionError>);

const STREAM: MessageStreamId = MessageStreamId(1);

fn one(value: impl Into<Value>) -> [Value; 1] {
    [value.into()]
}

/// The newest request, or one that the session never raised.
fn request(scene: &Scene) -> RequestId {
    let known = scene.requests.last().copied();
    known.unwrap_or_else(|| *Scene::connected().requests.last().unwrap())
}

fn accept(scene: &mut Scene) -> Result<(), SessionError> {
    scene.session.accept(scene.now, request(scene))
}

fn reject(scene: &mut Scene, code: Code) -> Result<(), SessionError> {
    scene
        .session
        .reject(scene.now, request(scene), &refusal(code))
}

fn deadline(scene: &mut Scene) -> Result<(), SessionError> {
    scene.wait(scene.due_in().unwrap_or(3600 * SECOND));
    Ok(())
}

fn call(scene: &mut Scene, name: &'static str, arguments: &[Value]) -> Result<(), SessionError> {
    scene.try_say(&CLIENT.call((3, 1), name, 9.0, arguments))
}

const CONNECTION_STATES: [State; 5] = [
    ("Handshaking", || {
        let mut scene = Scene::new(ServerConfig::default());
        scene.say(&handshake()[..1537]);
        scene
    }),
    ("AwaitingConnect", Scene::shaken),
    ("Deciding", || {
        let mut scene = Scene::shaken();
        scene.say(&CLIENT.connect(app("live")));
        scene
    }),
    ("Connected", Scene::connected),
    ("Closed", || {
        let mut scene = Scene::connected();
        call(&mut scene, "close", &[]).unwrap();
        scene
    }),
];

const CONNECTION_EVENTS: [Event; 14] = [
    ("C2", |scene| scene.try_say(&handshake()[1537..])),
    ("connect", |scene| {
        scene.try_say(&CLIENT.connect(app("live")))
    }),
    ("connect without app", |scene| {
        scene.try_say(&CLIENT.connect(Properties::new()))
    }),
    ("createStream", |scene| call(scene, "createStream", &[])),
    ("unknown command", |scene| call(scene, "unheardOf", &[])),
    ("close", |scene| call(scene, "close", &[])),
    ("PingRequest", |scene| {
        scene.try_say(&CLIENT.event(UserControl::PingRequest(1)))
    }),
    ("audio", |scene| scene.try_say(&CLIENT.audio(1, 0, &[1]))),
    ("broken chunk", |scene| scene.try_say(&[0xc9])),
    ("accept()", accept),
    ("reject(Rejected)", |scene| {
        reject(scene, Code::ConnectRejected)
    }),
    ("ping()", |scene| {
        scene.session.ping(scene.now);
        Ok(())
    }),
    ("end_play(1)", |scene| {
        scene
            .session
            .end_play(scene.now, STREAM, &PlayEnd::Unpublished)
    }),
    ("deadline", deadline),
];

const STREAM_STATES: [State; 5] = [
    ("Idle", Scene::created),
    ("PublishPending", Scene::asked_to_publish),
    ("Publishing", Scene::publishing),
    ("PlayPending", Scene::asked_to_play),
    ("Playing", Scene::playing),
];

const STREAM_EVENTS: [Event; 23] = [
    ("publish", |scene| scene.try_say(&publish(1))),
    ("publish of a bad name", |scene| {
        call(scene, "publish", &one("a//b"))
    }),
    ("play", |scene| scene.try_say(&play(1))),
    ("play of a bad name", |scene| {
        call(scene, "play", &one("a//b"))
    }),
    ("play2", |scene| {
        call(
            scene,
            "play2",
            &one(Properties::new().with("streamName", "cam")),
        )
    }),
    ("audio", |scene| scene.try_say(&CLIENT.audio(1, 0, &[1]))),
    ("video", |scene| scene.try_say(&CLIENT.video(1, 0, &[1]))),
    ("data", |scene| {
        scene.try_say(&CLIENT.data(1, 0, &["onMetaData".into()]))
    }),
    ("@clearDataFrame", |scene| {
        scene.try_say(&CLIENT.data(1, 0, &["@clearDataFrame".into()]))
    }),
    ("FCPublish", |scene| call(scene, "FCPublish", &one("cam"))),
    ("FCUnpublish", |scene| {
        call(scene, "FCUnpublish", &one("cam"))
    }),
    ("closeStream", |scene| call(scene, "closeStream", &[])),
    ("deleteStream", |scene| {
        call(scene, "deleteStream", &one(1.0))
    }),
    ("pause", |scene| call(scene, "pause", &one(true))),
    ("seek", |scene| call(scene, "seek", &one(0.0))),
    ("receiveAudio", |scene| {
        call(scene, "receiveAudio", &one(false))
    }),
    ("receiveVideo", |scene| {
        call(scene, "receiveVideo", &one(false))
    }),
    ("accept()", accept),
    ("reject(Denied)", |scene| reject(scene, Code::PublishDenied)),
    ("end_play(Unpublished)", |scene| {
        scene
            .session
            .end_play(scene.now, STREAM, &PlayEnd::Unpublished)
    }),
    ("end_play(Failed)", |scene| {
        let end = PlayEnd::Status(refusal(Code::PlayFailed));
        scene.session.end_play(scene.now, STREAM, &end)
    }),
    ("end_publish(BadName)", |scene| {
        scene
            .session
            .end_publish(scene.now, STREAM, &refusal(Code::PublishBadName))
    }),
    ("deadline", deadline),
];

#[test]
fn every_state_of_a_connection_with_every_event() {
    check(
        "server_connection.txt",
        &CONNECTION_STATES,
        &CONNECTION_EVENTS,
    );
}

#[test]
fn every_state_of_a_stream_with_every_event() {
    check("server_stream.txt", &STREAM_STATES, &STREAM_EVENTS);
}

fn check(file: &str, states: &[State], events: &[Event]) {
    let mut table = String::from(
        "Event: what the server says, raises (!) or fails with -> state of the connection, of its streams.\n",
    );
    for (state, reach) in states {
        let _ = write!(table, "\n[{state}]\n");
        for (event, apply) in events {
            let mut scene = reach();
            let reached = format!("{:?}", scene.session);
            assert!(reached.contains(state), "{reached} is not {state}");
            scene.log();
            let result = apply(&mut scene);
            scene.drain();
            let _ = writeln!(table, "{event}: {}", outcome(&mut scene, result));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tables")
        .join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        table == expected,
        "{file} differs; this is what happens now:\n{table}"
    );
}

fn outcome(scene: &mut Scene, result: Result<(), SessionError>) -> String {
    let mut happened: Vec<String> = scene.log().iter().map(|line| brief(line)).collect();
    happened.extend(result.err().map(|error| format!("error \"{error}\"")));
    if happened.is_empty() {
        happened.push("nothing".to_owned());
    }
    let state = format!("{:?}", scene.session);
    let state = state
        .trim_start_matches("ServerSession(")
        .trim_end_matches(')');
    format!("{} -> {state}", happened.join("; "))
}

/// A message without its place: its name, and its code if it has one.
fn brief(line: &str) -> String {
    if line.starts_with('!') {
        return line.to_owned();
    }
    let message = line.split_once(' ').map_or(line, |(_, message)| message);
    let code = message
        .split_once("code: \"")
        .and_then(|(_, rest)| rest.split_once('"'));
    match (message.split_once('('), code) {
        (Some((name, _)), Some((code, _))) => format!("{name} {code}"),
        _ => message.to_owned(),
    }
}
