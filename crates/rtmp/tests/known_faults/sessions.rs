//! Faults of sessions.

use std::time::Duration;

use bongsu_rtmp::amf0::Value;
use bongsu_rtmp::message::{Command, MessageType, TransactionId, UserControl};
use bongsu_rtmp::session::client::{ClientConfig, Role};
use bongsu_rtmp::session::server::Event;
use bongsu_rtmp::session::{Capabilities, ClientSession, SessionError};
use bongsu_rtmp::url::RtmpUrl;
use bongsu_rtmp::{Limits, MessageStreamId};

use crate::script::{CLIENT, NOTHING, SECOND, Scene, amf0, epoch, handshake};

/// What a destination answers to a push, message by message.
fn answers() -> Vec<Vec<u8>> {
    let say = |stream, name, id: f64, arguments: &[Value]| {
        let command = Command::new(name, TransactionId::new(id));
        let command = arguments
            .iter()
            .cloned()
            .fold(command, Command::with_argument);
        CLIENT.message(
            (3, stream),
            MessageType::CommandAmf0,
            0,
            &command.to_bytes(),
        )
    };
    let info = |code: &'static str| {
        let info = bongsu_rtmp::amf0::Properties::new().with("level", "status");
        Value::from(info.with("code", code).with("description", "?"))
    };
    vec![
        say(0, "_result", 1.0, &[info("NetConnection.Connect.Success")]),
        say(0, "_result", 2.0, &[Value::Number(1.0)]),
        say(0, "_result", 3.0, &[Value::Number(1.0)]),
        say(0, "_result", 4.0, &[Value::Number(1.0)]),
        say(1, "onStatus", 0.0, &[info("NetStream.Publish.Start")]),
        CLIENT.event(UserControl::StreamBegin(MessageStreamId(1))),
        // AMF3, where the fault was: an array, an object with a class, strings by reference.
        CLIENT.message(
            (3, 0),
            MessageType::CommandAmf3,
            0,
            &[
                &[0][..],
                &amf0(&["onBWDone".into()]),
                b"\x11\x0a\x0b\x01\x03a\x06\x00\x01\x11\x09\x03\x01\x04\x01",
            ]
            .concat(),
        ),
    ]
}

fn client(role: Role) -> ClientSession {
    let config = ClientConfig {
        role,
        url: RtmpUrl::parse("rtmp://media.example/live/cam").unwrap(),
        seed: [7; 16],
        limits: Limits::authorised(),
        chunk_size: 4_096,
        capabilities: Capabilities::none(),
    };
    ClientSession::new(config, epoch())
}

/// Gives a destination's words to a client, in one piece or byte by byte; how it ends, and what was answered.
fn hear(role: Role, words: &[u8]) -> Result<usize, SessionError> {
    let now = epoch();
    let mut client = client(role);
    let mut said = 0;
    for piece in [&handshake()[..], words] {
        let heard = client.handle_bytes(now, piece);
        while let Some(output) = client.poll_output() {
            if let bongsu_rtmp::session::Output::Transmit(bytes) = output {
                said += bytes.len();
            }
        }
        heard?;
    }
    Ok(said)
}

/// The answers of a destination end, grow or change at every byte: the client that trusted them here is no less careful
/// than the server.
#[test]
fn answers_of_a_server_damaged_at_every_byte_ffmpeg_cve_2017_11665_rtmpdump_cve_2015_8270() {
    let whole = answers().concat();
    let (mut waits, mut broken) = (0, 0);
    for role in [Role::Publish, Role::Play] {
        assert!(hear(role, &whole).is_ok());
        for at in 0..whole.len() {
            let (front, back) = whole.split_at(at);
            let mut damaged = vec![front.to_vec(), [front, &back[1..]].concat()];
            for byte in [0xff, back[0] ^ 0x80] {
                damaged.push([front, &[byte], &back[1..]].concat());
            }
            damaged.push([front, &[0xff; 4], back].concat());
            for words in damaged {
                match hear(role, &words) {
                    Ok(said) => {
                        waits += 1;
                        assert!(said < 64 << 10, "{said} bytes of answers");
                    }
                    Err(SessionError::ApiMisuse(misuse)) => panic!("{at}: {misuse}"),
                    Err(_) => broken += 1,
                }
            }
        }
    }
    assert!(waits > 1_000 && broken > 1_000, "{waits} {broken}");
}

/// What odd cameras and encoders say between `publish` and their pictures, none of which is worth a disconnect: two
/// numbers in front of the metadata, an `onStatus` that only servers send, commands that nobody knows.
#[test]
fn odd_words_of_encoders_that_others_drop_zlmediakit_4800_ireader_381() {
    let number = Value::Number(0.0);
    let metadata: [Value; 3] = [
        "@setDataFrame".into(),
        "onMetaData".into(),
        bongsu_rtmp::amf0::Properties::new()
            .with("width", 640.0)
            .into(),
    ];
    let stray = [&[number.clone(), number.clone()][..], &metadata].concat();
    let status = bongsu_rtmp::amf0::Properties::new().with("code", "NetStream.Odd.Code");
    let odd: [Vec<u8>; 12] = [
        CLIENT.data(1, 0, &stray),
        CLIENT.data(1, 0, std::slice::from_ref(&number)),
        CLIENT.data(1, 0, &[]),
        CLIENT.data(1, 0, &[Value::Null, "onMetaData".into()]),
        CLIENT.call((5, 1), "onStatus", 0.0, &[status.into()]),
        CLIENT.call((5, 1), "onStatus", 0.0, std::slice::from_ref(&number)),
        CLIENT.call((5, 1), "_result", 99.0, std::slice::from_ref(&number)),
        CLIENT.call((5, 1), "_error", 99.0, &[]),
        CLIENT.call((5, 1), "setAutofocus", 0.0, &[number]),
        CLIENT.message((5, 1), MessageType::UserControl, 0, &[0, 99, 1, 2, 3, 4]),
        CLIENT.message((5, 1), MessageType::SharedObjectAmf0, 0, &[1, 2, 3]),
        CLIENT.message((5, 1), MessageType::Unknown(0x77), 0, b"camera"),
    ];
    for (index, words) in odd.iter().enumerate() {
        let mut scene = Scene::publishing();
        scene.say(words);
        scene.say(&CLIENT.data(1, 0, &metadata));
        scene.say(&CLIENT.video(1, 0, &[0x17, 1]));
        let is_video = |event: &Event| matches!(event, Event::Media { payload, .. } if payload[..] == [0x17, 1]);
        assert!(scene.events.iter().any(is_video), "odd words {index}");
        assert_eq!(scene.said(), NOTHING, "odd words {index}");
    }
    // Who waits for an answer gets one.
    let mut scene = Scene::publishing();
    scene.say(&CLIENT.call((5, 1), "setAutofocus", 9.0, &[]));
    let said = scene.said();
    assert!(said.len() == 1 && said[0].contains("_error(9"), "{said:?}");
}

/// A day of a player that pings and acknowledges a hundred times as often as others do: everything is read and answered,
/// nothing is kept.
#[test]
fn what_a_player_sends_is_never_drained_mediamtx_5776() {
    let mut scene = Scene::playing();
    let mut player = CLIENT.event(UserControl::PingRequest(7));
    player.extend(CLIENT.event(UserControl::SetBufferLength {
        stream: MessageStreamId(1),
        buffer_ms: 3_000,
    }));
    let acknowledgement = bongsu_rtmp::message::Control::Acknowledgement(9);
    player.extend(CLIENT.control(acknowledgement));
    let batch = player.repeat(100);
    for _ in 0..24 * 60 {
        scene.now += Duration::from_secs(60);
        assert!(scene.session.wants_bytes());
        scene.say(&batch);
        let said = scene.log();
        let answers = said.iter().filter(|line| line.contains("PingResponse(7)"));
        assert_eq!(answers.count(), 100, "each ping is answered once");
        assert!(said.len() <= 102, "{said:?}");
    }
    assert_eq!(scene.session.acknowledged(), Some(9));
    assert_eq!(scene.due_in(), None, "it plays on");
    scene.wait(SECOND);
    assert!(scene.session.wants_bytes());
}
