//! Goal: a publisher says what every known server wants to hear, in this order, and nothing else.

use bongsu_rtmp::MessageType;
use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::limits::MEDIA_BYTES_MAX;
use bongsu_rtmp::message::{
    BandwidthLimit, Command, Control, MediaKind, TransactionId, UserControl,
};
use bongsu_rtmp::session::client::{ClientSession, Event, Role, Step};
use bongsu_rtmp::session::{ApiMisuse, Capabilities, CodecSupport, SessionError};
use bongsu_rtmp::text::Text;
use bongsu_rtmp::url::RtmpUrl;
use bytes::Bytes;

use super::script::{
    CLIENT_HANDSHAKE_BYTES, Scene, config, connect_result, create_stream_result, data, info,
    server_handshake, status,
};
use bongsu_rtmp::MessageStreamId;

/// [WIRE 182] [WIRE 183] [WIRE 185] [WIRE 188] [WIRE 189] [WIRE 199]
#[test]
fn a_whole_life_of_a_publisher() {
    let mut scene = Scene::connecting(config(Role::Publish));
    connects(&mut scene);
    asks_to_publish(&mut scene);
    sends_media(&mut scene);
    says_goodbye(&mut scene);
}

fn connects(scene: &mut Scene) {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        scene.takes(),
        [
            "2/0 SetChunkSize(4096)".to_owned(),
            format!(
                "3/0 connect(1, {{app: \"live\", type: \"nonprivate\", \
                 flashVer: \"FMLE/3.0 (compatible; bongsu/{version})\", \
                 swfUrl: \"rtmp://media.example:1936/live\", tcUrl: \"rtmp://media.example:1936/live\"}})"
            ),
        ]
    );
    assert_eq!(
        scene.raises(),
        [
            Event::Stepped(Step::Handshaking),
            Event::Stepped(Step::Connecting)
        ]
    );

    scene.says_control(Control::WindowAcknowledgementSize(2_500_000));
    scene.says_control(Control::SetPeerBandwidth {
        window: 2_500_000,
        limit: BandwidthLimit::Dynamic,
    });
    scene.says_control(Control::SetChunkSize(128));
    scene.says(0, &connect_result());
    assert_eq!(
        scene.takes(),
        [
            "2/0 WindowAcknowledgementSize(2500000)",
            "3/0 releaseStream(2, null, \"cam?key=SECRET\")",
            "3/0 FCPublish(3, null, \"cam?key=SECRET\")",
            "3/0 createStream(4, null)",
        ]
    );
    assert_eq!(scene.raises(), [Event::Stepped(Step::CreatingStream)]);
    assert_eq!(scene.client.stream(), None);
}

fn asks_to_publish(scene: &mut Scene) {
    scene.says(0, &create_stream_result(4.0, 1.0));
    assert_eq!(
        scene.takes(),
        ["5/1 publish(5, null, \"cam?key=SECRET\", \"live\")"]
    );
    assert_eq!(scene.raises(), [Event::Stepped(Step::Requesting)]);

    scene.says_user_control(UserControl::StreamBegin(MessageStreamId(1)));
    scene.says_status(1, "status", "NetStream.Publish.Start");
    assert_eq!(
        scene.raises(),
        [Event::Started {
            stream: MessageStreamId(1),
            capabilities: Capabilities::none(),
        }]
    );
    assert_eq!(scene.client.stream(), Some(MessageStreamId(1)));
}

fn sends_media(scene: &mut Scene) {
    let metadata = data(&[
        Value::text("onMetaData"),
        Properties::new().with("width", 640.0).into(),
    ]);
    send(scene, MediaKind::Data, 0, &metadata);
    send(scene, MediaKind::Audio, 0, b"\xaf\x00\x12\x10");
    send(scene, MediaKind::Video, 0, b"\x17\x00\0\0\0");
    send(scene, MediaKind::Video, 0x0100_0000, b"\x27\x01\0\0\0");
    assert_eq!(
        scene.takes(),
        [
            "5/1 data @0 \"@setDataFrame\", \"onMetaData\", {width: 640}",
            "4/1 audio @0 af001210",
            "6/1 video @0 1700000000",
            "6/1 video @16777216 2701000000",
        ]
    );
}

fn says_goodbye(scene: &mut Scene) {
    scene.client.stop(scene.now);
    scene.drain();
    assert_eq!(
        scene.takes(),
        [
            "3/0 FCUnpublish(6, null, \"cam?key=SECRET\")",
            "3/0 deleteStream(7, null, 1)",
        ]
    );
    assert_eq!(scene.client.step(), Step::Stopped);
    scene.says_status(1, "status", "NetStream.Unpublish.Success");
    scene.client.stop(scene.now);
    scene.drain();
    assert_eq!((scene.takes(), scene.raises()), (vec![], vec![]));
}

fn send(scene: &mut Scene, kind: MediaKind, timestamp: u32, payload: &[u8]) {
    let payload = Bytes::copy_from_slice(payload);
    scene
        .client
        .send_media(scene.now, kind, timestamp, &payload)
        .unwrap();
    scene.drain();
}

/// [WIRE 177] C2 follows S1 at once; no chunk goes out before the last byte of S2.
#[test]
fn the_second_packet_follows_s1_and_chunks_follow_s2() {
    let mut scene = Scene::new(config(Role::Publish));
    assert_eq!(scene.sent.len(), 1 + 1536);
    let bytes = server_handshake();
    let (until_s1, s2) = bytes.split_at(1 + 1536);
    let (most_of_s1, last_of_s1) = until_s1.split_at(1536);
    scene.says_bytes(most_of_s1).unwrap();
    assert_eq!(scene.sent.len(), 1 + 1536);
    scene.says_bytes(last_of_s1).unwrap();
    assert_eq!(scene.sent.len(), CLIENT_HANDSHAKE_BYTES);
    assert_eq!(scene.sent[1 + 1536..], until_s1[1..]);
    let (most_of_s2, last_of_s2) = s2.split_at(1535);
    scene.says_bytes(most_of_s2).unwrap();
    assert_eq!(scene.sent.len(), CLIENT_HANDSHAKE_BYTES);
    scene.says_bytes(last_of_s2).unwrap();
    assert_eq!(scene.takes().len(), 2);
}

/// [WIRE 179] Servers hand out 0, 5 or 4294967295, and put it where others have null.
#[test]
fn the_stream_id_is_the_first_number_of_the_result() {
    let id = |scene: &mut Scene, result: &Command| {
        scene.says(0, &connect_result());
        scene.takes();
        scene.says(0, result);
        let publish = scene.takes().pop().unwrap();
        publish.split_once(' ').unwrap().0.to_owned()
    };
    let result = || Command::result(TransactionId::new(4.0));
    for (result, place) in [
        (result().with_argument(0.0), "5/0"),
        (result().with_argument(5.0), "5/5"),
        (result().with_argument(4_294_967_295.0), "5/4294967295"),
        (result().with_object(Value::Number(9.0)), "5/9"),
        (
            result()
                .with_argument(Value::Null)
                .with_argument(3.0)
                .with_argument(4.0),
            "5/3",
        ),
    ] {
        let mut scene = Scene::connecting(config(Role::Publish));
        assert_eq!(id(&mut scene, &result), place);
        // [WIRE 187] The status names whatever message stream and transaction it likes.
        let start = Command {
            transaction: TransactionId::new(5.0),
            ..status("status", "NetStream.Publish.Start")
        };
        scene.says(0, &start);
        assert_eq!(scene.client.step(), Step::Started);
        send(&mut scene, MediaKind::Audio, 0, b"\xaf\x01");
        let audio = scene.takes().pop().unwrap();
        assert_eq!(audio, format!("4/{} audio @0 af01", &place[2..]));
    }
}

/// [WIRE 181]
#[test]
fn errors_of_what_nobody_waits_for_mean_nothing() {
    let mut scene = Scene::connecting(config(Role::Publish));
    let error = |transaction| {
        Command::error(TransactionId::new(transaction))
            .with_argument(info("error", "NetConnection.Call.Failed"))
    };
    scene.says(0, &connect_result());
    scene.says(0, &Command::new("onBWDone", TransactionId::NONE));
    scene.says(0, &error(2.0));
    scene.says(0, &error(3.0));
    scene.says(0, &error(77.0));
    scene.says(0, &Command::new("_checkbw", TransactionId::new(9.0)));
    scene.says(0, &create_stream_result(4.0, 1.0));
    scene.says(0, &Command::result(TransactionId::new(5.0)));
    scene.says(
        0,
        &Command::new("onFCPublish", TransactionId::NONE)
            .with_argument(info("status", "NetStream.Publish.Start")),
    );
    assert_eq!(scene.client.step(), Step::Requesting);
    // [WIRE 180] Other statuses do not start the stream.
    scene.says_status(1, "status", "NetStream.Publish.Idle");
    scene.says_status(1, "status", "NetStream.Play.Start");
    scene.says_status(1, "warning", "NetStream.Play.InsufficientBW");
    assert_eq!(scene.client.step(), Step::Requesting);
    scene.says_status(1, "status", "NetStream.Publish.Start");
    assert_eq!(scene.client.step(), Step::Started);
    assert_eq!(
        scene.raises().pop(),
        Some(Event::Started {
            stream: MessageStreamId(1),
            capabilities: Capabilities::none(),
        })
    );
}

/// [WIRE 180] [WIRE 188]
#[test]
fn media_is_taken_while_the_stream_is_published_and_never_else() {
    let payload = Bytes::from_static(b"\xaf\x01");
    let refused = |client: &mut ClientSession, now| {
        let sent = client.send_media(now, MediaKind::Audio, 0, &payload);
        assert_eq!(sent, Err(SessionError::ApiMisuse(ApiMisuse::NotPublishing)));
        assert!(client.poll_output().is_none());
    };
    let mut scene = Scene::new(config(Role::Publish));
    refused(&mut scene.client, scene.now);
    let mut scene = Scene::requesting(config(Role::Publish));
    refused(&mut scene.client, scene.now);
    let mut scene = Scene::started(config(Role::Play));
    refused(&mut scene.client, scene.now);
    let mut scene = Scene::started(config(Role::Publish));
    send(&mut scene, MediaKind::Audio, 0, &payload);
    scene.client.stop(scene.now);
    scene.drain();
    refused(&mut scene.client, scene.now);
}

/// [WIRE 189] Once, whether or not the caller has done it, and for metadata only.
#[test]
fn metadata_is_marked_once_and_other_data_is_not() {
    let mut scene = Scene::started(config(Role::Publish));
    let set = data(&[
        Value::text("@setDataFrame"),
        Value::text("onMetaData"),
        Value::Null,
    ]);
    let text = data(&[Value::text("onTextData"), Value::Null]);
    let longer = data(&[Value::text("onMetaDatax"), Value::Null]);
    let empty = Bytes::new();
    for (payload, told) in [
        (&set, "5/1 data @9 \"@setDataFrame\", \"onMetaData\", null"),
        (&text, "5/1 data @9 \"onTextData\", null"),
        (&longer, "5/1 data @9 \"onMetaDatax\", null"),
        (&empty, "5/1 Ignored(UnnamedData)"),
    ] {
        send(&mut scene, MediaKind::Data, 9, payload);
        assert_eq!(scene.takes(), [told]);
    }
}

#[test]
fn audio_that_looks_like_metadata_is_audio() {
    let mut scene = Scene::started(config(Role::Publish));
    let metadata = data(&[Value::text("onMetaData")]);
    send(&mut scene, MediaKind::Audio, 0, &metadata);
    assert_eq!(scene.takes(), ["4/1 audio @0 02000a6f6e4d65746144617461"]);
}

/// Only sizes that RTMP can say are announced. [RTMP 5.4.1]
#[test]
fn a_chunk_size_that_is_not_legal_becomes_the_nearest_that_is() {
    for (chunk_size, announced) in [(0, 1), (1, 1), (u32::MAX, 0x7fff_ffff)] {
        let mut config = config(Role::Publish);
        config.chunk_size = chunk_size;
        let mut scene = Scene::connecting(config);
        let told = scene.takes();
        assert_eq!(told[0], format!("2/0 SetChunkSize({announced})"));
        assert!(told[1].starts_with("3/0 connect(1, "));
    }
}

#[test]
fn a_message_of_the_largest_length_is_sent_and_a_longer_one_refused() {
    let mut scene = Scene::started(config(Role::Publish));
    let max = usize::try_from(MEDIA_BYTES_MAX).unwrap();
    let longest = Bytes::from(vec![0x27; max]);
    send(&mut scene, MediaKind::Video, 0, &longest);
    assert!(scene.takes()[0].starts_with("6/1 video @0 2727"));
    let longer = Bytes::from(vec![0x27; max + 1]);
    let sent = scene
        .client
        .send_media(scene.now, MediaKind::Video, 0, &longer);
    assert_eq!(
        sent.unwrap_err().to_string(),
        "media_bytes exceeded: 16777216 > 16777215"
    );
}

/// [WIRE 183] The app and the key that were configured apart go out as they are.
#[test]
fn a_key_that_was_configured_apart_is_passed_on_byte_for_byte() {
    let mut config = config(Role::Publish);
    config.url = RtmpUrl::with_name("rtmp://u:p@h/a/b?x=1", "k?bandwidthtest=true&s=%2F").unwrap();
    let mut scene = Scene::connecting(config);
    let connect = scene.takes().pop().unwrap();
    assert!(connect.contains("{app: \"a/b?x=1\""), "{connect}");
    for secret in ["u:p", "bandwidthtest"] {
        assert!(!connect.contains(secret), "{connect}");
    }
    scene.says(0, &connect_result());
    scene.says(0, &create_stream_result(4.0, 1.0));
    let publish = scene.takes().pop().unwrap();
    assert_eq!(
        publish,
        "5/1 publish(5, null, \"k?bandwidthtest=true&s=%2F\", \"live\")"
    );
}

/// [E-RTMP v2: Enhancing NetConnection connect Command]
#[test]
fn capabilities_are_said_and_read_from_either_object_of_the_result() {
    let mut config = config(Role::Publish);
    config.capabilities = Capabilities {
        four_cc_list: Some(vec!["hvc1".into()]),
        caps_ex: Some(6),
        ..Capabilities::none()
    };
    let mut scene = Scene::connecting(config);
    let connect = scene.takes().pop().unwrap();
    assert!(
        connect.ends_with(", fourCcList: [\"hvc1\"], capsEx: 6})"),
        "{connect}"
    );
    let mut info = info("status", "NetConnection.Connect.Success");
    info.push("capsEx", 7.0);
    let map = Properties::new().with("*", 4.0);
    let result = Command::result(TransactionId::new(1.0))
        .with_object(Properties::new().with("videoFourCcInfoMap", map).into())
        .with_argument(info);
    scene.says(0, &result);
    scene.says(0, &create_stream_result(4.0, 1.0));
    scene.says_status(1, "status", "NetStream.Publish.Start");
    let Some(Event::Started { capabilities, .. }) = scene.raises().pop() else {
        panic!("not started");
    };
    assert_eq!(
        capabilities,
        Capabilities {
            video: Some(CodecSupport(vec![(Text::from("*"), 4)])),
            caps_ex: Some(7),
            ..Capabilities::none()
        }
    );
}

/// A server may send media or AMF3 commands at any time; a publisher is not disturbed.
#[test]
fn media_that_comes_back_is_left_out_and_amf3_commands_are_understood() {
    let mut scene = Scene::requesting(config(Role::Publish));
    scene.says_message(1, MessageType::Audio, 0, b"\xaf\x01");
    let mut body = vec![0];
    body.extend_from_slice(&status("status", "NetStream.Publish.Start").to_bytes());
    scene.says_message(1, MessageType::CommandAmf3, 0, &body);
    scene.says_message(1, MessageType::Video, 0, b"\x17\x01");
    scene.says_message(1, MessageType::Unknown(99), 0, b"?");
    let events = scene.raises();
    assert!(matches!(events[..], [Event::Started { .. }]), "{events:?}");
}

/// Stopping says no more than what the server was told before.
#[test]
fn stopping_early_says_goodbye_to_what_was_begun() {
    let mut scene = Scene::connecting(config(Role::Publish));
    scene.takes();
    scene.client.stop(scene.now);
    scene.drain();
    assert_eq!(scene.takes(), Vec::<String>::new());

    let mut scene = Scene::connecting(config(Role::Publish));
    scene.says(0, &connect_result());
    scene.takes();
    scene.client.stop(scene.now);
    scene.drain();
    assert_eq!(
        scene.takes(),
        ["3/0 FCUnpublish(5, null, \"cam?key=SECRET\")"]
    );
    assert_eq!(scene.client.poll_timeout(), None);

    let mut scene = Scene::requesting(config(Role::Play));
    scene.client.stop(scene.now);
    scene.drain();
    assert_eq!(scene.takes(), ["3/0 deleteStream(4, null, 1)"]);
}
