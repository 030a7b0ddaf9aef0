//! From `publish` to the end of it.

use bongsu_rtmp::MessageType;
use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::limits::CHUNK_HEADERS_PER_SECOND_MAX;
use bongsu_rtmp::message::{Control, MediaKind};
use bongsu_rtmp::session::server::{Event, PublishMode, ServerConfig};
use bongsu_rtmp::session::{ApiMisuse, SessionError};
use bongsu_rtmp::status::{Code, Status};
use bongsu_rtmp::{Limit, MessageStreamId};

use crate::script::*;

const STARTED: [&str; 2] = [
    "2/0 StreamBegin(MessageStreamId(1))",
    "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Publish.Start\", description: \"Publishing.\"})",
];
const STOPPED: &str = "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Unpublish.Success\", description: \"The publish has ended.\"})";

fn metadata() -> Value {
    Value::EcmaArray(Properties::new().with("width", 1280.0))
}

/// [WIRE 070] [WIRE 112] [WIRE 113]
#[test]
fn an_accepted_publish_begins_the_stream_and_says_so_on_it() {
    let mut scene = Scene::created();
    scene.say(&publish(1));
    assert_eq!(scene.log(), ["! PublishRequested(2, stream 1, Live)"]);
    scene.accept();
    assert_eq!(scene.log(), STARTED);
}

/// [WIRE 101]
#[test]
fn the_request_names_the_stream_and_its_parameters() {
    let scene = Scene::asked_to_publish();
    let Some(Event::PublishRequested { target, stream, .. }) = scene.events.last() else {
        panic!("no request");
    };
    assert_eq!(*stream, MessageStreamId(1));
    assert_eq!(target.path.as_str(), "live/cam");
    assert_eq!(target.raw.name, "cam?key=SECRET");
    assert_eq!(target.raw.app, "live");
}

#[test]
fn a_key_that_is_part_of_the_app_needs_no_name() {
    let mut scene = Scene::shaken();
    scene.say(&CLIENT.connect(app("live/cam")));
    scene.accept();
    scene.say(&CLIENT.call((3, 0), "createStream", 2.0, &[]));
    scene.say(&CLIENT.call((4, 1), "publish", 3.0, &[]));
    let Some(Event::PublishRequested { target, .. }) = scene.events.last() else {
        panic!("no request");
    };
    assert_eq!(target.path.as_str(), "live/cam");
}

/// [WIRE 115]
#[test]
fn the_mode_is_read_in_any_case_and_anything_unknown_is_live() {
    let cases = [
        (Some(Value::from("RECORD")), PublishMode::Record),
        (Some("append".into()), PublishMode::Append),
        (Some("AppendWithGap".into()), PublishMode::Append),
        (Some("Live".into()), PublishMode::Live),
        (Some("live/cam".into()), PublishMode::Live),
        (Some(Value::Null), PublishMode::Live),
        (None, PublishMode::Live),
    ];
    for (argument, expected) in cases {
        let mut scene = Scene::created();
        let arguments: Vec<Value> = [Value::from("cam")].into_iter().chain(argument).collect();
        scene.say(&CLIENT.call((4, 1), "publish", 5.0, &arguments));
        let Some(Event::PublishRequested { mode, .. }) = scene.events.last() else {
            panic!("no request");
        };
        assert_eq!(*mode, expected);
    }
}

/// [WIRE 114]
#[test]
fn on_fc_publish_goes_to_those_who_sent_fc_publish_once() {
    let mut scene = Scene::created();
    scene.say(&CLIENT.call((3, 0), "FCPublish", 0.0, &["cam".into()]));
    scene.say(&publish(1));
    scene.log();
    scene.accept();
    let log = scene.log();
    assert_eq!(
        log[0],
        "3/0 onFCPublish(0, null, {code: \"NetStream.Publish.Start\", description: \"FCPublish accepted.\"})"
    );
    assert_eq!(log[1..], STARTED);
    scene.say(&CLIENT.call((3, 1), "closeStream", 0.0, &[]));
    scene.say(&publish(1));
    scene.log();
    scene.accept();
    assert_eq!(scene.log(), STARTED);
}

#[test]
fn media_of_every_kind_comes_out_as_it_went_in() {
    let mut scene = Scene::publishing();
    scene.say(&CLIENT.audio(1, 10, &[0xaf, 1, 2]));
    scene.say(&CLIENT.video(1, 0xffff_ffff, &[0x17; 300]));
    scene.say(&CLIENT.audio(1, 30, &[])); // [WIRE 139]
    let (audio, video) = (MediaKind::Audio, MediaKind::Video);
    let expected = [
        (audio, 10, vec![0xaf, 1, 2]),
        (video, 0xffff_ffff, vec![0x17; 300]),
        (audio, 30, vec![]),
    ];
    let events = &scene.events[scene.events.len() - 3..];
    for (event, (kind, timestamp, payload)) in events.iter().zip(expected) {
        let stream = MessageStreamId(1);
        assert_eq!(
            *event,
            Event::Media {
                stream,
                kind,
                timestamp,
                payload: payload.into()
            }
        );
    }
}

/// [WIRE 118] [WIRE 119] [WIRE 093]
#[test]
fn data_comes_without_set_data_frame_and_clearing_is_an_event() {
    let bare = amf0(&["onMetaData".into(), metadata()]);
    let sent: [&[Value]; 3] = [
        &["@setDataFrame".into(), "onMetaData".into(), metadata()],
        &["onMetaData".into(), metadata()],
        &["onCuePoint".into(), Value::Null],
    ];
    let mut scene = Scene::publishing();
    for values in sent {
        scene.say(&CLIENT.data(1, 7, values));
    }
    let payloads: Vec<&[u8]> = scene.events[2..]
        .iter()
        .map(|event| match event {
            Event::Media {
                kind: MediaKind::Data,
                timestamp: 7,
                payload,
                ..
            } => payload.as_ref(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(payloads, [&bare[..], &bare[..], &amf0(sent[2])[..]]);
    scene.log();

    scene.say(&CLIENT.data(1, 8, &["@clearDataFrame".into(), "onMetaData".into()]));
    scene.say(&CLIENT.data(1, 8, &["@clearDataFrame".into()]));
    let ignored = scene.session.ignored_messages();
    scene.say(&CLIENT.data(1, 8, &["@clearDataFrame".into(), "onCuePoint".into()]));
    scene.say(&CLIENT.data(1, 8, &[Value::Number(0.0)]));
    assert_eq!(
        scene.log(),
        ["! MetadataCleared(stream 1)", "! MetadataCleared(stream 1)"]
    );
    assert_eq!(scene.session.ignored_messages(), ignored + 2);
}

/// One FLV tag with a back pointer of zero.
fn part(kind: u8, timestamp: u8, body: &[u8]) -> Vec<u8> {
    let len = u8::try_from(body.len()).unwrap();
    let mut tag = vec![kind, 0, 0, len, 0, 0, timestamp, 0, 0, 0, 0];
    tag.extend(body);
    tag.extend([0, 0, 0, 0]);
    tag
}

/// [WIRE 089] [WIRE 090]
#[test]
fn an_aggregate_comes_out_as_its_parts() {
    let set = amf0(&["@setDataFrame".into(), "onMetaData".into(), Value::Null]);
    let body = [
        part(9, 5, b"v"),
        part(8, 9, b"au"),
        part(18, 9, &set),
        part(18, 9, &[0; 4]),
        part(20, 9, b"command"),
    ]
    .concat();
    let mut scene = Scene::publishing();
    scene.say(&CLIENT.message((6, 1), MessageType::Aggregate, 1000, &body));
    assert_eq!(
        scene.log(),
        [
            "! Media(stream 1, Video, 1000 ms, 1 bytes)",
            "! Media(stream 1, Audio, 1004 ms, 2 bytes)",
            "! Media(stream 1, Data, 1004 ms, 14 bytes)",
        ]
    );
    assert_eq!(scene.session.ignored_messages(), 2);
}

/// [WIRE 201] One byte over the wire must not make unbounded events, and a small part that is kept no large message.
#[test]
fn parts_of_an_aggregate_count_as_chunk_headers_whatever_they_are() {
    for kind in [9, 20] {
        let config = || {
            let mut config = ServerConfig::default();
            config.limits_publishing.chunk_headers_per_second = 100;
            config
        };
        let say = |parts: usize| {
            let mut scene = Scene::publishing_with(config());
            scene.now += SECOND;
            let body = part(kind, 0, b"").repeat(parts);
            let voice = Voice { chunk_size: 65_536 };
            scene.say(&CLIENT.control(Control::SetChunkSize(65_536)));
            scene.try_say(&voice.message((6, 1), MessageType::Aggregate, 0, &body))
        };
        // Set Chunk Size and the aggregate itself are two of the hundred.
        assert_eq!(say(98), Ok(()));
        let error = say(99).unwrap_err();
        assert_eq!(error.limit(), Some(Limit::ChunkHeadersPerSecond));
    }
}

#[test]
fn the_largest_aggregate_of_empty_parts_ends_the_session() {
    let mut scene = Scene::publishing();
    let voice = Voice {
        chunk_size: 0x7fff_ffff,
    };
    scene.say(&CLIENT.control(Control::SetChunkSize(voice.chunk_size)));
    let body = part(8, 0, b"").repeat(0xff_ffff / 15);
    let error = scene
        .try_say(&voice.message((6, 1), MessageType::Aggregate, 0, &body))
        .unwrap_err();
    assert_eq!(error.limit(), Some(Limit::ChunkHeadersPerSecond));
    let media = scene.events.iter();
    let media = media.filter(|event| matches!(event, Event::Media { .. }));
    assert!(media.count() < CHUNK_HEADERS_PER_SECOND_MAX as usize);
}

/// Each part has its own memory: what is kept of one does not keep the others.
#[test]
fn a_kept_part_of_an_aggregate_keeps_no_more_than_itself() {
    let mut scene = Scene::publishing();
    let body = [part(8, 0, b"small"), part(9, 0, &[0x27; 255])].concat();
    scene.say(&CLIENT.message((6, 1), MessageType::Aggregate, 0, &body));
    let payloads = scene.events.iter().filter_map(|event| match event {
        Event::Media { payload, .. } => Some(payload),
        _ => None,
    });
    let payloads: Vec<_> = payloads.collect();
    assert_eq!(payloads.len(), 2);
    assert!(payloads.iter().all(|payload| payload.is_unique()));
}

#[test]
fn the_only_publisher_gets_the_media_of_every_message_stream() {
    let mut scene = Scene::publishing();
    scene.say(&CLIENT.call((3, 0), "createStream", 6.0, &[]));
    scene.log();
    let video = "! Media(stream 1, Video, 0 ms, 1 bytes)";
    for stream in [0, 1, 2, 3] {
        scene.say(&CLIENT.video(stream, 0, &[0x17]));
        assert_eq!(scene.log(), [video], "message stream {stream}");
    }
    assert_eq!(scene.session.ignored_messages(), 0);
    scene.say(&CLIENT.call((3, 1), "closeStream", 0.0, &[]));
    scene.log();
    scene.say(&CLIENT.video(1, 0, &[0x17]));
    assert_eq!(scene.log(), NOTHING, "nobody publishes any more");
    assert_eq!(scene.session.ignored_messages(), 1);
}

/// [WIRE 123]
#[test]
fn media_between_two_publishers_is_counted_and_dropped() {
    let mut scene = Scene::publishing();
    scene.say(&CLIENT.call((3, 0), "createStream", 6.0, &[]));
    scene.say(&CLIENT.call((4, 2), "publish", 7.0, &["two".into()]));
    scene.accept();
    scene.log();
    for stream in [0, 3] {
        scene.say(&CLIENT.video(stream, 0, &[0x17]));
        scene.say(&CLIENT.data(stream, 0, &["onMetaData".into(), metadata()]));
    }
    assert_eq!(scene.log(), NOTHING);
    assert_eq!(scene.session.ignored_messages(), 4);
}

/// [WIRE 116]
#[test]
fn media_behind_publish_waits_outside_and_is_published_once_accepted() {
    let mut scene = Scene::created();
    let frame = CLIENT.video(1, 40, &[0x17; 200]);
    scene.say(&[publish(1), frame.clone(), frame.clone()].concat());
    assert_eq!(scene.log(), ["! PublishRequested(2, stream 1, Live)"]);
    assert!(!scene.session.wants_bytes());
    assert_eq!(
        scene.try_say(&frame),
        Err(SessionError::ApiMisuse(ApiMisuse::UnwantedBytes))
    );
    scene.accept();
    let media = "! Media(stream 1, Video, 40 ms, 200 bytes)";
    assert_eq!(scene.log(), [&STARTED[..], &[media, media]].concat());
    assert!(scene.session.wants_bytes());
}

/// [WIRE 116]
#[test]
fn media_behind_a_refused_publish_is_never_published() {
    let mut scene = Scene::created();
    scene.say(&[publish(1), CLIENT.video(1, 40, &[0x17; 200])].concat());
    scene.log();
    scene.reject(Code::PublishDenied);
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"error\", code: \"NetStream.Publish.Denied\", description: \"No.\"})",
            "! Closing(Refused(PublishDenied))",
        ]
    );
    scene.say(&CLIENT.video(1, 80, &[0x27; 200]));
    assert_eq!(scene.log(), NOTHING);
}

/// [WIRE 116]
#[test]
fn a_large_first_frame_before_the_decision_meets_the_limits_of_a_publisher() {
    let mut scene = Scene::created();
    let frame = CLIENT.video(1, 0, &vec![0x17; 200_000]);
    let mut rest = &frame[..];
    scene.say(&[publish(1), rest[..1000].to_vec()].concat());
    rest = &rest[1000..];
    scene.accept();
    scene.log();
    scene.say(rest);
    assert_eq!(
        scene.log(),
        ["! Media(stream 1, Video, 0 ms, 200000 bytes)"]
    );
}

#[test]
fn commands_go_on_while_a_publish_is_decided() {
    let mut scene = Scene::asked_to_publish();
    assert!(scene.session.wants_bytes());
    scene.say(&CLIENT.call((3, 0), "_checkbw", 6.0, &[]));
    assert_eq!(scene.log(), ["3/0 _result(6, null)"]);
}

#[test]
fn a_publish_may_be_withdrawn_before_it_is_decided() {
    let ends = [
        CLIENT.call((3, 0), "FCUnpublish", 6.0, &["cam".into()]),
        CLIENT.call((3, 1), "closeStream", 0.0, &[]),
        CLIENT.call((3, 0), "deleteStream", 7.0, &[Value::Number(1.0)]),
    ];
    for end in ends {
        let mut scene = Scene::asked_to_publish();
        scene.say(&[end, CLIENT.video(1, 0, &[0x17])].concat());
        assert_eq!(scene.log(), ["! RequestWithdrawn(2)"]);
        assert_eq!(scene.session.ignored_messages(), 1);
        // The decision comes too late and changes nothing.
        scene.accept();
        scene.reject(Code::PublishDenied);
        assert_eq!(scene.log(), NOTHING);
    }
}

/// [WIRE 121] [WIRE 122] [WIRE 110]
#[test]
fn a_publish_ends_once_and_another_may_follow_on_the_same_connection() {
    let mut scene = Scene::publishing();
    scene.say(&CLIENT.call((3, 0), "FCUnpublish", 6.0, &["cam".into()]));
    assert_eq!(
        scene.log(),
        [STOPPED, "! PublishEnded(stream 1, FcUnpublish)"]
    );
    scene.say(&CLIENT.call((3, 0), "FCUnpublish", 6.0, &["cam".into()]));
    scene.say(&CLIENT.call((3, 1), "closeStream", 0.0, &[]));
    scene.say(&CLIENT.call((3, 0), "deleteStream", 7.0, &[Value::Number(1.0)]));
    assert_eq!(scene.log(), NOTHING);

    scene.say(&CLIENT.call((3, 0), "createStream", 8.0, &[]));
    scene.say(&publish(1));
    assert_eq!(
        scene.log(),
        [
            "3/0 _result(8, null, 1)",
            "! PublishRequested(3, stream 1, Live)"
        ]
    );
    scene.accept();
    assert_eq!(scene.log(), STARTED);
    scene.say(&CLIENT.call((3, 1), "deleteStream", 9.0, &[Value::Number(f64::NAN)]));
    assert_eq!(
        scene.log(),
        [STOPPED, "! PublishEnded(stream 1, DeleteStream)"]
    );
}

/// [WIRE 121]
#[test]
fn close_stream_ends_a_publish_and_leaves_the_stream() {
    let mut scene = Scene::publishing();
    scene.say(&CLIENT.call((3, 1), "closeStream", 0.0, &[]));
    assert_eq!(
        scene.log(),
        [STOPPED, "! PublishEnded(stream 1, CloseStream)"]
    );
    scene.say(&publish(1));
    assert_eq!(scene.log(), ["! PublishRequested(3, stream 1, Live)"]);
}

/// [WIRE 102]
#[test]
fn names_that_cannot_be_used_are_refused_by_the_session() {
    for name in ["", "a//b", "../etc", "a\u{7}b", "a\\b"] {
        let mut scene = Scene::shaken();
        scene.say(&CLIENT.connect(app("")));
        scene.accept();
        scene.say(&CLIENT.call((3, 0), "createStream", 2.0, &[]));
        scene.log();
        scene.say(&CLIENT.call((4, 1), "publish", 5.0, &[name.into(), "live".into()]));
        let log = scene.log();
        assert!(
            log[0].contains("NetStream.Publish.BadName"),
            "{name:?}: {log:?}"
        );
        assert!(
            log[0].starts_with("5/1 onStatus(0, null, {level: \"error\""),
            "{log:?}"
        );
        assert_eq!(log[1..], ["! Closing(Refused(PublishBadName))"]);
    }
}

/// [WIRE 123]
#[test]
fn a_publish_on_a_stream_in_use_and_a_play_on_one_that_publishes_are_refused() {
    for (mut scene, request, code) in [
        (Scene::publishing(), publish(1), "PublishBadName"),
        (Scene::asked_to_publish(), publish(1), "PublishBadName"),
        (Scene::playing(), publish(1), "PublishBadName"),
        (Scene::publishing(), play(1), "PlayFailed"),
    ] {
        scene.say(&[request, CLIENT.audio(1, 0, &[1])].concat());
        assert_eq!(scene.raised(), [format!("! Closing(Refused({code}))")]);
        assert!(scene.session.wants_bytes(), "what comes is dropped");
    }
}

#[test]
fn two_streams_of_one_connection_publish_side_by_side() {
    let mut scene = Scene::publishing();
    scene.say(&CLIENT.call((3, 0), "createStream", 6.0, &[]));
    scene.say(&CLIENT.call((4, 2), "publish", 7.0, &["two".into()]));
    assert!(scene.session.wants_bytes());
    scene.accept();
    scene.log();
    scene.say(&CLIENT.audio(2, 1, &[1]));
    scene.say(&CLIENT.audio(1, 2, &[1]));
    scene.say(&CLIENT.call((3, 0), "FCUnpublish", 6.0, &["two".into()]));
    assert_eq!(
        scene.raised(),
        [
            "! Media(stream 2, Audio, 1 ms, 1 bytes)",
            "! Media(stream 1, Audio, 2 ms, 1 bytes)",
            "! PublishEnded(stream 2, FcUnpublish)",
        ]
    );
}

#[test]
fn a_publish_on_a_stream_that_nobody_created_is_answered_where_it_came() {
    for stream in [0, 7] {
        let mut scene = Scene::connected();
        scene.say(&publish(stream));
        assert_eq!(
            scene.log(),
            [format!("! PublishRequested(2, stream {stream}, Live)")]
        );
        scene.accept();
        let started = scene.log();
        assert!(
            started[1].starts_with(&format!("5/{stream} onStatus")),
            "{started:?}"
        );
        scene.say(&CLIENT.audio(stream, 1, &[1]));
        assert_eq!(
            scene.log(),
            [format!("! Media(stream {stream}, Audio, 1 ms, 1 bytes)")]
        );
        scene.say(&CLIENT.call((3, 0), "deleteStream", 7.0, &[Value::Number(1.0)]));
        assert_eq!(
            scene.raised(),
            [format!("! PublishEnded(stream {stream}, DeleteStream)")]
        );
    }
    let mut beside = Scene::publishing();
    beside.say(&publish(0));
    let log = beside.log();
    assert!(log[0].starts_with("5/0 onStatus") && log[0].contains("NetStream.Publish.BadName"));
    assert_eq!(log.len(), 1, "the stream in use goes on: {log:?}");
}

#[test]
fn we_may_end_a_publish_with_a_status() {
    let mut scene = Scene::publishing();
    let status = Status::new(Code::PublishBadName, "Taken over.");
    let (stream, other) = (MessageStreamId(1), MessageStreamId(2));
    let wrong = Err(SessionError::ApiMisuse(ApiMisuse::WrongStreamState));
    assert_eq!(scene.session.end_publish(scene.now, other, &status), wrong);
    scene
        .session
        .end_publish(scene.now, stream, &status)
        .unwrap();
    scene.drain();
    assert_eq!(
        scene.log(),
        [
            "5/1 onStatus(0, null, {level: \"error\", code: \"NetStream.Publish.BadName\", description: \"Taken over.\"})",
            "! Closing(Ended(PublishBadName))",
        ]
    );
    assert_eq!(scene.session.end_publish(scene.now, stream, &status), wrong);
    let mut undecided = Scene::asked_to_publish();
    assert_eq!(
        undecided
            .session
            .end_publish(undecided.now, stream, &status),
        wrong
    );
}

#[test]
fn limits_are_those_of_a_stranger_until_a_publish_is_accepted() {
    let large = CLIENT.video(1, 0, &vec![0x17; 65_537]);
    let error = Scene::created().try_say(&large).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::MediaBytes));
    let error = Scene::playing().try_say(&large).unwrap_err();
    assert_eq!(error.limit(), Some(Limit::MediaBytes));
    let mut publisher = Scene::publishing();
    publisher.say(&large);
    assert_eq!(
        publisher.log(),
        ["! Media(stream 1, Video, 0 ms, 65537 bytes)"]
    );
}

#[test]
fn the_default_configuration_keeps_the_figures() {
    let config = ServerConfig::default();
    assert_eq!(config.chunk_size, 65_536);
    assert_eq!(config.handshake_timeout, 10 * SECOND);
    assert_eq!(config.request_timeout, 10 * SECOND);
    assert_eq!(config.publish_idle, Some(8 * SECOND));
    assert_eq!(config.limits_before.media_bytes, 64 << 10);
    assert_eq!(config.limits_publishing.media_bytes, 0xff_ffff);
}
