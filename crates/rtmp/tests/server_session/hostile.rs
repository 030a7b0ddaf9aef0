//! Peers that flood, lie, or speak something else.

use bongsu_rtmp::amf0::Value;
use bongsu_rtmp::chunk::ChunkError;
use bongsu_rtmp::handshake::{Foreign, HandshakeError};
use bongsu_rtmp::limits::MESSAGE_STREAMS_MAX;
use bongsu_rtmp::message::{MessageError, UserControl};
use bongsu_rtmp::session::server::{Event, PlayEnd, ServerConfig};
use bongsu_rtmp::session::{LogLevel, Output, PeerMisbehaved, SessionError};
use bongsu_rtmp::status::Code;
use bongsu_rtmp::{Limit, LimitExceeded, MessageStreamId, MessageType};

use crate::script::*;

/// [WIRE 007] [WIRE 008] [WIRE 009]
#[test]
fn foreign_protocols_are_named_and_http_gets_an_answer() {
    let mut http = Scene::new(ServerConfig::default());
    let result = http.session.handle_bytes(http.now, b"GET / HTTP/1.1\r\n");
    let foreign = |foreign| {
        SessionError::PeerMisbehaved(PeerMisbehaved::Handshake(HandshakeError::NotRtmp(foreign)))
    };
    assert_eq!(result, Err(foreign(Foreign::Http)));
    let Some(Output::Transmit(farewell)) = http.session.poll_output() else {
        panic!("no farewell");
    };
    assert_eq!(farewell, Foreign::Http.farewell());
    assert_eq!(http.session.poll_output(), None);

    let mut tls = Scene::new(ServerConfig::default());
    let result = tls.session.handle_bytes(tls.now, &[0x16, 3, 1]);
    assert_eq!(result, Err(foreign(Foreign::Tls)));
    assert_eq!(tls.session.poll_output(), None);
    assert_eq!(tls.due_in(), None);
}

#[test]
fn broken_chunks_and_commands_end_the_session() {
    let mut chunks = Scene::connected();
    let error = chunks.try_say(&[0xc9]).unwrap_err();
    let expected = ChunkError::NoHeader { fmt: 3, csid: 9 };
    assert_eq!(
        error,
        SessionError::PeerMisbehaved(PeerMisbehaved::Chunk(expected))
    );
    assert!(format!("{:?}", chunks.session).contains("Closed"));

    let mut command = Scene::connected();
    let bytes = CLIENT.message((3, 0), MessageType::CommandAmf0, 0, &[5]);
    let error = command.try_say(&bytes).unwrap_err();
    assert!(matches!(
        error,
        SessionError::PeerMisbehaved(PeerMisbehaved::Message(MessageError::Command(_)))
    ));
    // [WIRE 072]
    let mut control = Scene::connected();
    let bytes = CLIENT.message((2, 0), MessageType::WindowAcknowledgementSize, 0, &[0; 3]);
    let error = control.try_say(&bytes).unwrap_err();
    assert!(
        matches!(error, SessionError::PeerMisbehaved(_)),
        "{error:?}"
    );
}

/// [WIRE 209]
#[test]
fn commands_are_limited_per_second() {
    let mut scene = Scene::connected();
    scene.now += 10 * SECOND - SECOND / 100;
    let call = CLIENT.call((3, 0), "ping", 0.0, &[]);
    for _ in 0..100 {
        scene.say(&call);
    }
    let error = scene.try_say(&call).unwrap_err();
    let expected = LimitExceeded {
        limit: Limit::Commands,
        got: 101,
        max: 100,
    };
    assert_eq!(error, SessionError::StrangerExceeded(expected));

    let mut patient = Scene::playing();
    for _ in 0..1000 {
        patient.now += SECOND / 100;
        patient.say(&call);
    }
}

/// [WIRE 210] [WIRE 211]
#[test]
fn answers_to_a_flood_are_bounded() {
    let ping = CLIENT.event(UserControl::PingRequest(1));
    let answer_bytes = 18;
    let config = ServerConfig {
        unsent_bytes: 10 * answer_bytes,
        ..ServerConfig::default()
    };
    let mut at = Scene::shaken_with(config.clone());
    at.say(&ping.repeat(10));
    at.say(&ping.repeat(10));
    assert_eq!(at.log().len(), 20);

    let mut past = Scene::shaken_with(config);
    let error = past.try_say(&ping.repeat(11)).unwrap_err();
    let expected = LimitExceeded {
        limit: Limit::UnsentBytes,
        got: 198,
        max: 180,
    };
    assert_eq!(error, SessionError::StrangerExceeded(expected));
    assert_eq!(past.log().len(), 11, "who does not read is told nothing");
}

/// [WIRE 107] [WIRE 209]
#[test]
fn message_streams_are_limited() {
    let mut scene = Scene::connected();
    let create = CLIENT.call((3, 0), "createStream", 2.0, &[]);
    for _ in 0..MESSAGE_STREAMS_MAX {
        scene.say(&create);
    }
    assert_eq!(scene.log().pop().unwrap(), "3/0 _result(2, null, 8)");
    // One that is deleted is free again.
    scene.say(&CLIENT.call((3, 0), "deleteStream", 0.0, &[Value::Number(3.0)]));
    scene.say(&create);
    assert_eq!(scene.log(), ["3/0 _result(2, null, 3)"]);
    let error = scene.try_say(&create).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::MessageStreams));
}

/// A scanner makes no warning; an encoder that is let in and meets a limit does.
#[test]
fn a_limit_is_worth_a_warning_once_a_publish_was_accepted() {
    let long = CLIENT.message((3, 0), MessageType::CommandAmf0, 0, &vec![2; (1 << 20) + 1]);
    for scene in [Scene::shaken, Scene::asked_to_publish, Scene::playing] {
        let error = scene().try_say(&long).unwrap_err();
        assert_eq!(error.handling().log, LogLevel::Info);
        assert!(matches!(error, SessionError::StrangerExceeded(_)));
    }
    let error = Scene::publishing().try_say(&long).unwrap_err();
    assert_eq!(error.handling().log, LogLevel::Warn);
    assert!(matches!(error, SessionError::LimitExceeded(_)));
}

/// People who set up an encoder see why it was cut off.
#[test]
fn the_last_words_name_the_limit_on_the_stream_in_use() {
    let status = |place: &str, code: &str, words: &str| {
        format!(
            "5/{place} onStatus(0, null, {{level: \"error\", code: \"{code}\", description: \"{words}\"}})"
        )
    };
    let large = CLIENT.video(1, 0, &vec![0x17; 65_537]);
    let too_large = "media_bytes exceeded: 65537 > 65536";
    let mut player = Scene::playing();
    player.try_say(&large).unwrap_err();
    assert_eq!(
        player.log(),
        [status("1", "NetStream.Failed", too_large)],
        "on the stream that plays"
    );
    let mut connected = Scene::connected();
    connected.try_say(&large).unwrap_err();
    assert_eq!(
        connected.log(),
        [status("0", "NetStream.Failed", too_large)]
    );

    let mut publisher = Scene::publishing();
    let broken = CLIENT.message((3, 0), MessageType::CommandAmf0, 0, &[5]);
    publisher.try_say(&broken).unwrap_err();
    let words = "unreadable command: AMF string expected";
    assert_eq!(
        publisher.log(),
        [status("1", "NetConnection.Call.Failed", words)]
    );
    publisher.say(&large);
    assert_eq!(publisher.log(), NOTHING, "nothing is said after it");
}

#[test]
fn commands_that_name_no_stream_are_counted_only() {
    let mut scene = Scene::connected();
    for name in ["deleteStream", "closeStream", "FCUnpublish"] {
        for argument in [
            Value::Number(-1.0),
            Value::Number(f64::INFINITY),
            Value::Null,
        ] {
            scene.say(&CLIENT.call((3, 9), name, 5.0, &[argument]));
        }
    }
    assert_eq!(scene.log(), NOTHING);
    assert_eq!(scene.session.ignored_messages(), 9);
}

/// [WIRE 049] [WIRE 088]
#[test]
fn messages_of_no_meaning_are_skipped() {
    let mut scene = Scene::connected();
    let kinds = [
        MessageType::Unknown(99),
        MessageType::SharedObjectAmf0,
        MessageType::SharedObjectAmf3,
    ];
    for kind in kinds {
        scene.say(&CLIENT.message((3, 0), kind, 0, &[1, 2, 3]));
    }
    assert_eq!(scene.log(), NOTHING);
    assert_eq!(scene.session.ignored_messages(), 3);
}

#[test]
fn what_a_session_prints_names_no_stream() {
    let scene = Scene::asked_to_publish();
    assert_eq!(
        format!("{:?}", scene.session),
        "ServerSession(Connected, 1: PublishPending)"
    );
    let printed = format!("{:?}", scene.events);
    assert!(
        !printed.contains("SECRET") && !printed.contains("cam"),
        "{printed}"
    );
}

/// Goal: no bytes, calls and times, in whatever order, make a session panic or break what holds between calls.
/// [WIRE 206]
#[test]
fn a_session_survives_damaged_clients_and_a_caller_of_any_mood() {
    let dialogue = [
        handshake(),
        CLIENT.connect(app("live")),
        CLIENT.call((3, 0), "createStream", 4.0, &[]),
        publish(1),
        CLIENT.video(1, 0, &[0x17; 300]),
        CLIENT.call((3, 0), "createStream", 5.0, &[]),
        play(2),
        CLIENT.call((8, 2), "pause", 6.0, &[true.into()]),
        CLIENT.audio(1, 9, &[0xaf; 200]),
        CLIENT.call((3, 0), "FCUnpublish", 7.0, &["cam".into()]),
        CLIENT.call((3, 0), "deleteStream", 8.0, &[Value::Number(2.0)]),
    ]
    .concat();
    let (mut finished, mut broken, mut published) = (0, 0, 0);
    for seed in 1..=3000 {
        let mut random = Random::new(seed);
        let mut bytes = dialogue.clone();
        for _ in 0..random.below(12) {
            let at = handshake().len() as u64
                + random.below((dialogue.len() - handshake().len()) as u64);
            bytes[usize::try_from(at).unwrap()] = random.below(256).to_be_bytes()[7];
        }
        let mut scene = Scene::new(ServerConfig::default());
        match live_through(&mut scene, &mut random, &bytes) {
            Ok(()) => finished += 1,
            Err(error) => {
                assert!(
                    !matches!(error, SessionError::ApiMisuse(_)),
                    "{seed}: {error}"
                );
                broken += 1;
            }
        }
        scene.wait(3600 * SECOND);
        let is_media = |event: &Event| matches!(event, Event::Media { .. });
        published += usize::from(scene.events.iter().any(is_media));
    }
    let reached = [finished, broken, published];
    assert!(
        reached.iter().all(|count| *count > 500),
        "finished, broken, published: {reached:?}"
    );
}

/// Says `bytes` in pieces, deciding requests now, later or never.
fn live_through(scene: &mut Scene, random: &mut Random, bytes: &[u8]) -> Result<(), SessionError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        if scene.session.wants_bytes() {
            let len = usize::try_from(1 + random.below(2000)).unwrap();
            let (piece, behind) = rest.split_at(len.min(rest.len()));
            rest = behind;
            scene.try_say(piece)?;
        }
        let (now, request) = (scene.now, scene.requests.last().copied());
        match (random.below(40), request) {
            (0, Some(request)) => {
                scene
                    .session
                    .reject(now, request, &refusal(Code::PublishDenied))?;
            }
            (1..=30, Some(request)) => scene.session.accept(now, request)?,
            (31..=32, _) => {
                let stream = MessageStreamId(2);
                let _ = scene.session.end_play(now, stream, &PlayEnd::Unpublished);
            }
            (33, _) => {
                let (stream, status) = (MessageStreamId(1), refusal(Code::PublishBadName));
                let _ = scene.session.end_publish(now, stream, &status);
            }
            (34..=36, _) => scene.session.ping(now),
            _ => scene.wait(SECOND / 10),
        }
        scene.drain();
    }
    Ok(())
}
