//! Goal: a player gets every message of the stream, whatever the server forgets to say, and learns how it ended.

use std::time::Duration;

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::limits::Limit;
use bongsu_rtmp::message::{Command, MediaKind, TransactionId, UserControl};
use bongsu_rtmp::session::Capabilities;
use bongsu_rtmp::session::client::{Event, Role, Step};
use bongsu_rtmp::text::Text;
use bongsu_rtmp::{MessageStreamId, MessageType};
use bytes::Bytes;

use super::script::{Scene, config, connect_result, create_stream_result, data, info};

fn media(kind: MediaKind, timestamp: u32, payload: &[u8]) -> Event {
    Event::Media {
        kind,
        timestamp,
        payload: Bytes::copy_from_slice(payload),
    }
}

fn started() -> Event {
    Event::Started {
        stream: MessageStreamId(1),
        capabilities: Capabilities::none(),
    }
}

fn ended(code: &str, description: &str, is_error: bool) -> Event {
    Event::Ended {
        code: code.into(),
        description: description.into(),
        is_error,
        redirect: None,
    }
}

#[test]
fn a_whole_life_of_a_player() {
    let mut scene = Scene::connecting(config(Role::Play));
    asks_to_play(&mut scene);
    gets_media(&mut scene);
    learns_of_the_end(&mut scene);
}

fn asks_to_play(scene: &mut Scene) {
    assert_eq!(
        scene.takes(),
        [
            "2/0 SetChunkSize(4096)",
            "3/0 connect(1, {app: \"live\", flashVer: \"LNX 9,0,124,2\", \
             swfUrl: \"rtmp://media.example:1936/live\", tcUrl: \"rtmp://media.example:1936/live\", \
             audioCodecs: 4071, videoCodecs: 252, videoFunction: 1})",
        ]
    );
    scene.says(0, &connect_result());
    assert_eq!(
        scene.takes(),
        [
            "2/0 WindowAcknowledgementSize(2500000)",
            "3/0 createStream(2, null)",
        ]
    );
    scene.says(0, &create_stream_result(2.0, 1.0));
    assert_eq!(
        scene.takes(),
        [
            "5/1 play(3, null, \"cam?key=SECRET\", -2000)",
            "2/0 SetBufferLength { stream: MessageStreamId(1), buffer_ms: 3000 }",
        ]
    );
    scene.raises();
    scene.says_user_control(UserControl::StreamBegin(MessageStreamId(1)));
    scene.says_status(1, "status", "NetStream.Play.Reset");
    assert_eq!(scene.raises(), []);
    scene.says_status(1, "status", "NetStream.Play.Start");
    assert_eq!(scene.raises(), [started()]);
}

fn gets_media(scene: &mut Scene) {
    let access = data(&[
        Value::text("|RtmpSampleAccess"),
        Value::Boolean(true),
        Value::Boolean(true),
    ]);
    let metadata = data(&[
        Value::text("onMetaData"),
        Properties::new().with("width", 640.0).into(),
    ]);
    let begins = data(&[
        Value::text("onStatus"),
        info("status", "NetStream.Data.Start").into(),
    ]);
    scene.says_message(1, MessageType::DataAmf0, 0, &access);
    scene.says_message(1, MessageType::DataAmf0, 0, &begins);
    scene.says_message(1, MessageType::DataAmf0, 0, &metadata);
    scene.says_message(1, MessageType::Video, 40, b"\x17\x00");
    scene.says_message(1, MessageType::Audio, 41, b"");
    assert_eq!(
        scene.raises(),
        [
            media(MediaKind::Data, 0, &metadata),
            media(MediaKind::Video, 40, b"\x17\x00"),
            media(MediaKind::Audio, 41, b""),
        ]
    );
}

fn learns_of_the_end(scene: &mut Scene) {
    scene.says_status(1, "status", "NetStream.Play.UnpublishNotify");
    scene.says_status(1, "status", "NetStream.Play.Stop");
    scene.says_user_control(UserControl::StreamEof(MessageStreamId(1)));
    scene.says_message(1, MessageType::Audio, 50, b"\xaf\x01");
    assert_eq!(
        scene.raises(),
        [ended(
            "NetStream.Play.UnpublishNotify",
            "About NetStream.Play.UnpublishNotify.",
            false
        )]
    );
    assert_eq!(scene.client.step(), Step::Stopped);
    assert_eq!(scene.takes(), Vec::<String>::new());
}

/// [WIRE 188]
#[test]
fn a_player_that_stops_deletes_its_stream() {
    let mut scene = Scene::started(config(Role::Play));
    scene.client.stop(scene.now);
    scene.drain();
    assert_eq!(scene.takes(), ["3/0 deleteStream(4, null, 1)"]);
    scene.says_message(1, MessageType::Audio, 50, b"\xaf\x01");
    assert_eq!(scene.raises(), []);
}

/// [WIRE 190] Audio, video and metadata begin the stream; a status in a data message does not.
#[test]
fn the_first_message_begins_a_stream_that_no_status_announced() {
    let metadata = data(&[Value::text("onMetaData"), Value::Null]);
    for (message_type, kind, payload) in [
        (MessageType::Audio, MediaKind::Audio, &b"\xaf\x00"[..]),
        (MessageType::Video, MediaKind::Video, b"\x17\x00"),
        (MessageType::DataAmf0, MediaKind::Data, &metadata),
    ] {
        let mut scene = Scene::requesting(config(Role::Play));
        let access = data(&[Value::text("|RtmpSampleAccess"), Value::Boolean(true)]);
        scene.says_message(1, MessageType::DataAmf0, 0, &access);
        assert_eq!(scene.client.step(), Step::Requesting);
        scene.says_message(1, message_type, 7, payload);
        scene.says_status(1, "status", "NetStream.Play.Start");
        assert_eq!(scene.raises(), [started(), media(kind, 7, payload)]);
        assert_eq!(scene.client.poll_timeout(), None);
    }
}

#[test]
fn media_before_the_play_is_asked_for_is_not_of_it() {
    let mut scene = Scene::connecting(config(Role::Play));
    scene.says_message(1, MessageType::Audio, 0, b"\xaf\x01");
    scene.says(0, &connect_result());
    scene.says_message(1, MessageType::Audio, 0, b"\xaf\x01");
    assert_eq!(scene.client.step(), Step::CreatingStream);
    let steps = scene.raises();
    assert!(
        steps.iter().all(|event| matches!(event, Event::Stepped(_))),
        "{steps:?}"
    );
}

/// [WIRE 186] Each of the ends, and what is none.
#[test]
fn every_known_end_ends_the_stream_and_warnings_do_not() {
    let ends = |act: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::started(config(Role::Play));
        act(&mut scene);
        scene.raises()
    };
    for code in [
        "NetStream.Play.UnpublishNotify",
        "NetStream.Play.Stop",
        "NetStream.Play.Complete",
    ] {
        let description = format!("About {code}.");
        assert_eq!(
            ends(&|scene| scene.says_status(1, "status", code)),
            [ended(code, &description, false)]
        );
    }
    let complete = data(&[
        Value::text("onPlayStatus"),
        info("status", "NetStream.Play.Complete").into(),
    ]);
    assert_eq!(
        ends(&|scene| scene.says_message(1, MessageType::DataAmf0, 0, &complete)),
        [ended(
            "NetStream.Play.Complete",
            "About NetStream.Play.Complete.",
            false
        )]
    );
    assert_eq!(
        ends(&|scene| scene.says_user_control(UserControl::StreamEof(MessageStreamId(1)))),
        [ended("StreamEOF", "", false)]
    );
    assert_eq!(
        ends(&|scene| scene.says(0, &Command::new("close", TransactionId::NONE))),
        [ended("close", "", false)]
    );
    // On the connection's own message stream, with a code that nobody knows.
    assert_eq!(
        ends(&|scene| scene.says_status(0, "error", "Vendor.Trouble")),
        [ended("Vendor.Trouble", "About Vendor.Trouble.", true)]
    );
    // With a level that does not fit its code.
    assert_eq!(
        ends(&|scene| scene.says_status(1, "status", "NetStream.Play.Failed")),
        [ended(
            "NetStream.Play.Failed",
            "About NetStream.Play.Failed.",
            true
        )]
    );
    for (level, code) in [
        ("warning", "NetStream.Play.InsufficientBW"),
        ("status", "NetStream.Play.PublishNotify"),
        ("status", "NetStream.Play.Start"),
        ("status", "NetStream.Unpublish.Success"),
        ("status", "Vendor.News"),
    ] {
        assert_eq!(ends(&|scene| scene.says_status(1, level, code)), []);
    }
}

/// Servers tell of an older stream of the name before they start the new one.
#[test]
fn an_end_before_the_start_is_not_the_end() {
    let mut scene = Scene::requesting(config(Role::Play));
    scene.says_status(1, "status", "NetStream.Play.UnpublishNotify");
    scene.says_user_control(UserControl::StreamEof(MessageStreamId(1)));
    assert_eq!(scene.client.step(), Step::Requesting);
    scene.says_status(1, "status", "NetStream.Play.Start");
    assert_eq!(scene.raises(), [started()]);
}

/// [WIRE 191]
#[test]
fn aggregates_are_split_and_their_data_is_sorted_like_any_other() {
    let mut body = Vec::new();
    let metadata = data(&[Value::text("onMetaData"), Value::Null]);
    let access = data(&[Value::text("|RtmpSampleAccess"), Value::Boolean(true)]);
    tag(&mut body, 18, 1_000, &access);
    tag(&mut body, 18, 1_000, &metadata);
    tag(&mut body, 8, 1_010, b"\xaf\x01");
    tag(&mut body, 9, 1_020, b"\x27\x01");
    let mut scene = Scene::requesting(config(Role::Play));
    scene.says_message(1, MessageType::Aggregate, 500, &body);
    assert_eq!(
        scene.raises(),
        [
            started(),
            media(MediaKind::Data, 500, &metadata),
            media(MediaKind::Audio, 510, b"\xaf\x01"),
            media(MediaKind::Video, 520, b"\x27\x01"),
        ]
    );
}

/// [WIRE 191] [WIRE 201] Small parts cost as much as chunks, those that are skipped too, and each has its own memory.
#[test]
fn parts_of_an_aggregate_count_as_chunk_headers_and_are_copied() {
    for kind in [8, 20] {
        let says = |parts: usize| {
            let mut config = config(Role::Play);
            config.limits.chunk_headers_per_second = 100;
            let mut scene = Scene::started(config);
            scene.now += Duration::from_secs(1);
            let mut body = Vec::new();
            (0..parts).for_each(|_| tag(&mut body, kind, 0, b"\xaf"));
            let chunks = body.len().div_ceil(128);
            let said = scene.try_says_message(1, MessageType::Aggregate, 0, &body);
            (
                chunks,
                said.err().and_then(|error| error.limit()),
                scene.raises(),
            )
        };
        let (chunks, error, events) = says(80);
        assert_eq!((chunks, error), (10, None));
        let payloads = events.iter().filter_map(|event| match event {
            Event::Media { payload, .. } => Some(payload),
            _ => None,
        });
        assert!(payloads.clone().all(Bytes::is_unique));
        assert_eq!(payloads.count(), if kind == 8 { 80 } else { 0 });
        let (chunks, error, _) = says(90);
        assert_eq!((chunks, error), (12, Some(Limit::ChunkHeadersPerSecond)));
    }
}

/// One FLV tag with its back pointer.
fn tag(body: &mut Vec<u8>, tag_type: u8, timestamp: u32, payload: &[u8]) {
    let len = u32::try_from(payload.len()).unwrap();
    body.push(tag_type);
    body.extend(&len.to_be_bytes()[1..]);
    body.extend(&timestamp.to_be_bytes()[1..]);
    body.extend([0; 4]);
    body.extend(payload);
    body.extend((len + 11).to_be_bytes());
}

/// Data that the server forgot to unwrap comes without `@setDataFrame`; what clears it is no data of the stream.
#[test]
fn wrapped_metadata_is_unwrapped() {
    let mut scene = Scene::started(config(Role::Play));
    let set = data(&[
        Value::text("@setDataFrame"),
        Value::text("onMetaData"),
        Value::Null,
    ]);
    let clear = data(&[Value::text("@clearDataFrame"), Value::text("onMetaData")]);
    scene.says_message(1, MessageType::DataAmf0, 3, &set);
    scene.says_message(1, MessageType::DataAmf0, 3, &clear);
    scene.says_message(1, MessageType::DataAmf0, 3, b"\x00time");
    let metadata = data(&[Value::text("onMetaData"), Value::Null]);
    assert_eq!(scene.raises(), [media(MediaKind::Data, 3, &metadata)]);
}

/// [E-RTMP v2: Reconnect Request] The connection goes on; where to is the caller's business.
#[test]
fn a_reconnect_request_is_raised_and_ends_nothing() {
    let mut scene = Scene::requesting(config(Role::Play));
    let request = |tc_url: Option<&'static str>| {
        let mut info = info("status", "NetConnection.Connect.ReconnectRequest");
        if let Some(tc_url) = tc_url {
            info.push("tcUrl", tc_url);
        }
        Command::new("onStatus", TransactionId::NONE).with_argument(info)
    };
    scene.says(0, &request(None));
    scene.says_status(1, "status", "NetStream.Play.Start");
    scene.says(0, &request(Some("//other.example/live")));
    scene.says_message(1, MessageType::Audio, 0, b"\xaf\x01");
    assert_eq!(
        scene.raises(),
        [
            Event::ReconnectRequested { tc_url: None },
            started(),
            Event::ReconnectRequested {
                tc_url: Some(Text::from("//other.example/live")),
            },
            media(MediaKind::Audio, 0, b"\xaf\x01"),
        ]
    );
}

/// The other bits of videoFunction are kept, and the key is said once.
#[test]
fn video_function_holds_both_what_players_say_and_what_the_caller_can() {
    let mut config = config(Role::Play);
    config.capabilities = Capabilities {
        video_function: Some(4),
        ..Capabilities::none()
    };
    let mut scene = Scene::connecting(config);
    let connect = scene.takes().pop().unwrap();
    assert!(
        connect.ends_with("videoCodecs: 252, videoFunction: 5})"),
        "{connect}"
    );
}
