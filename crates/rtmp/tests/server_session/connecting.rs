//! From the first byte to the answer to `connect`, and the commands of a connection.

use bongsu_rtmp::MessageType;
use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::limits::NAME_BYTES_MAX;
use bongsu_rtmp::message::{BandwidthLimit, Command, Control, TransactionId, UserControl};
use bongsu_rtmp::session::server::{Event, ServerConfig};
use bongsu_rtmp::session::{ApiMisuse, PeerMisbehaved, ServerSession, SessionError};
use bongsu_rtmp::status::Code;

use crate::script::*;

const ANNOUNCEMENTS: [&str; 3] = [
    "2/0 WindowAcknowledgementSize(2500000)",
    "2/0 SetPeerBandwidth { window: 2500000, limit: Dynamic }",
    "2/0 SetChunkSize(65536)",
];

#[test]
fn a_session_is_small_while_nobody_is_known() {
    let size = size_of::<ServerSession>();
    assert!(size <= 512, "{size} bytes");
}

/// [WIRE 001] [WIRE 004]
#[test]
fn the_server_answers_c1_at_once_and_says_nothing_more_before_c2() {
    let mut scene = Scene::new(ServerConfig::default());
    let bytes = handshake();
    let (c0_c1, c2) = bytes.split_at(1537);
    scene.say(c0_c1);
    scene.session.ping(scene.now);
    assert_eq!(scene.session.poll_output(), None);
    scene.say(c2);
    assert_eq!(scene.log(), NOTHING);
    scene.session.ping(scene.now + SECOND);
    scene.drain();
    assert_eq!(scene.log(), ["2/0 PingRequest(1000)"]);
}

/// [WIRE 003] [WIRE 096] [WIRE 097] [WIRE 056]
#[test]
fn connect_behind_the_handshake_is_answered_in_the_order_that_encoders_need() {
    let mut scene = Scene::new(ServerConfig::default());
    scene.say(&[handshake(), CLIENT.connect(app("live"))].concat());
    assert_eq!(scene.log(), ["! ConnectRequested(1)"]);
    scene.accept();
    let mut expected = ANNOUNCEMENTS.to_vec();
    expected.push(
        "3/0 _result(1, {fmsVer: \"FMS/3,0,1,123\", capabilities: 31, mode: 1}, \
         {level: \"status\", code: \"NetConnection.Connect.Success\", \
         description: \"Connection succeeded.\", objectEncoding: 0})",
    );
    assert_eq!(scene.log(), expected);
}

/// [WIRE 158] [E-RTMP v2: Enhancing NetConnection connect Command]
#[test]
fn enhanced_capabilities_are_answered_in_both_objects_when_the_client_has_any() {
    let mut scene = Scene::shaken();
    let list = Value::StrictArray(vec!["hvc1".into()]);
    scene.say(&CLIENT.connect(app("live").with("fourCcList", list)));
    scene.accept();
    let answer = scene.log().pop().unwrap();
    let keys =
        "fourCcList: [\"*\"], videoFourCcInfoMap: {*: 4}, audioFourCcInfoMap: {*: 4}, capsEx: 15}";
    assert_eq!(answer.matches(keys).count(), 2, "{answer}");

    let mut older = Scene::shaken();
    older.say(&CLIENT.connect(app("live").with("videoFunction", 1.0)));
    older.accept();
    assert!(!older.log().pop().unwrap().contains("fourCcList"));
}

/// [WIRE 095]
#[test]
fn what_a_client_says_of_itself_is_kept_as_far_as_it_is_used() {
    let mut scene = Scene::shaken();
    let properties = app("live/a?x=1")
        .with("type", "nonprivate")
        .with("flashVer", "f".repeat(300))
        .with("swfUrl", "s")
        .with("tcUrl", "'rtmp://h/live'")
        .with("fpad", false)
        .with("objectEncoding", 3.0)
        .with("unheardOf", Value::Undefined);
    scene.say(&CLIENT.connect(properties));
    let info = scene.session.connect_info().unwrap();
    assert_eq!(info.app, "live/a?x=1");
    assert!(info.is_publisher_like);
    assert_eq!(info.flash_ver.as_ref().unwrap().len(), 256);
    assert_eq!(info.swf_url.as_ref().unwrap(), &"s");
    assert_eq!(info.page_url, None);
    assert_eq!(info.tc_url.as_ref().unwrap(), &"rtmp://h/live");
    assert_eq!(info.object_encoding, 3.0);
    assert!(info.capabilities.is_none());
    let Some(Event::ConnectRequested { connect, .. }) = scene.events.first() else {
        panic!("no request");
    };
    assert_eq!(connect, info);
}

/// [WIRE 095]
#[test]
fn connect_may_come_as_an_ecma_array_with_only_an_app_and_a_misspelt_tc_url() {
    let mut scene = Scene::shaken();
    let object = Value::EcmaArray(app("live").with("tcurl", "rtmp://h/live"));
    let command = Command::new("connect", TransactionId::new(1.0)).with_object(object);
    let bytes = CLIENT.message((3, 0), MessageType::CommandAmf0, 0, &command.to_bytes());
    scene.say(&bytes);
    assert_eq!(scene.log(), ["! ConnectRequested(1)"]);
    let info = scene.session.connect_info().unwrap();
    assert_eq!(info.tc_url.as_ref().unwrap(), &"rtmp://h/live");
}

/// [WIRE 098]
#[test]
fn connect_without_an_app_is_refused_by_the_session() {
    let mut scene = Scene::shaken();
    scene.say(&CLIENT.connect(Properties::new().with("tcUrl", "rtmp://h/live")));
    assert_eq!(
        scene.log(),
        [
            "2/0 SetChunkSize(65536)",
            "3/0 _error(1, null, {level: \"error\", code: \"NetConnection.Connect.InvalidApp\", \
             description: \"No app is named.\"})",
            "! Closing(Refused(ConnectInvalidApp))",
        ]
    );
}

/// [WIRE 102]
#[test]
fn an_app_or_tc_url_is_taken_at_its_limit_and_refused_past_it() {
    let long = |bytes: usize| "a".repeat(bytes);
    let mut at = Scene::shaken();
    let both = app(&long(NAME_BYTES_MAX)).with("tcUrl", long(NAME_BYTES_MAX));
    at.say(&CLIENT.connect(both));
    assert_eq!(at.log(), ["! ConnectRequested(1)"]);
    let over = [
        app(&long(NAME_BYTES_MAX + 1)),
        app("live").with("tcUrl", long(NAME_BYTES_MAX + 1)),
    ];
    for properties in over {
        let mut past = Scene::shaken();
        past.say(&CLIENT.connect(properties));
        assert_eq!(past.raised(), ["! Closing(Refused(ConnectRejected))"]);
        assert_eq!(past.session.connect_info(), None);
    }
}

/// [WIRE 098]
#[test]
fn a_refused_connect_gets_error_null_and_info_before_the_close() {
    let mut scene = Scene::shaken();
    scene.say(&CLIENT.connect(app("nope")));
    scene.log();
    scene.reject(Code::ConnectRejected);
    assert_eq!(
        scene.log(),
        [
            "2/0 SetChunkSize(65536)",
            "3/0 _error(1, null, {level: \"error\", code: \"NetConnection.Connect.Rejected\", description: \"No.\"})",
            "! Closing(Refused(ConnectRejected))",
        ]
    );
    assert_eq!(scene.session.connect_info().unwrap().app, "nope");
}

#[test]
fn bytes_behind_connect_wait_for_the_decision_and_no_more_are_wanted() {
    let mut scene = Scene::shaken();
    let create = CLIENT.call((3, 0), "createStream", 2.0, &[]);
    let (half, rest) = create.split_at(5);
    scene.say(&[CLIENT.connect(app("live")), half.to_vec()].concat());
    assert!(!scene.session.wants_bytes());
    let misuse = scene.try_say(rest);
    assert_eq!(
        misuse,
        Err(SessionError::ApiMisuse(ApiMisuse::UnwantedBytes))
    );
    scene.accept();
    scene.log();
    assert!(scene.session.wants_bytes());
    scene.say(rest);
    assert_eq!(scene.log(), ["3/0 _result(2, null, 1)"]);
}

/// [WIRE 103] [WIRE 104] [WIRE 105] [WIRE 106] [WIRE 109]
#[test]
fn calls_are_answered_on_the_connection_in_any_order_and_on_any_chunk_stream() {
    let mut scene = Scene::connected();
    let name = || [Value::from("cam")];
    scene.say(&CLIENT.call((3, 0), "_checkbw", 2.0, &[]));
    scene.say(&CLIENT.call((8, 0), "createStream", 3.0, &[]));
    scene.say(&CLIENT.call((3, 1), "FCPublish", 4.0, &name()));
    scene.say(&CLIENT.call((5, 0), "releaseStream", 5.5, &name()));
    scene.say(&CLIENT.call((3, 0), "createStream", 6.0, &[]));
    scene.say(&CLIENT.call((8, 0), "getStreamLength", 7.0, &name()));
    scene.say(&CLIENT.call((3, 0), "FCSubscribe", 8.0, &name()));
    assert_eq!(
        scene.log(),
        [
            "3/0 _result(2, null)",
            "3/0 _result(3, null, 1)",
            "3/0 _result(4, null)",
            "3/0 _result(5.5, null)",
            "3/0 _result(6, null, 2)",
            "3/0 _result(7, null, 0)",
            "3/0 onFCSubscribe(0, null, {level: \"status\", code: \"NetStream.Play.Start\", \
             description: \"Subscribed.\"})",
        ]
    );
}

/// [WIRE 091]
#[test]
fn calls_with_transaction_0_are_not_answered() {
    let mut scene = Scene::connected();
    let calls = [
        "releaseStream",
        "FCPublish",
        "createStream",
        "_checkbw",
        "getStreamLength",
        "FCSubscribe",
        "unheardOf",
    ];
    for name in calls {
        scene.say(&CLIENT.call((3, 0), name, 0.0, &["cam".into()]));
    }
    assert_eq!(scene.log(), NOTHING);
}

/// [WIRE 108]
#[test]
fn unknown_calls_fail_and_known_ones_that_need_nothing_are_skipped() {
    let mut scene = Scene::connected();
    scene.say(&CLIENT.call((3, 0), "unheardOf", 9.0, &[]));
    assert_eq!(
        scene.log(),
        [
            "3/0 _error(9, null, {level: \"error\", code: \"NetConnection.Call.Failed\", \
          description: \"This command is not supported.\"})"
        ]
    );
    let skipped = [
        "FCUnsubscribe",
        "FCTestPublish",
        "_onbwcheck",
        "onBWCheck",
        "ping",
        "set-peer-info",
        "getConnectionCount",
        "_result",
        "_error",
        "onStatus",
    ];
    for name in skipped {
        scene.say(&CLIENT.call((3, 0), name, 9.0, &[]));
    }
    assert_eq!(scene.log(), NOTHING);
    assert_eq!(scene.session.ignored_messages(), 1 + 10);
}

/// [WIRE 099]
#[test]
fn a_command_before_connect_and_a_second_connect_end_the_session() {
    let mut early = Scene::shaken();
    let error = early
        .try_say(&CLIENT.call((3, 0), "createStream", 1.0, &[]))
        .unwrap_err();
    assert_eq!(
        error,
        SessionError::PeerMisbehaved(PeerMisbehaved::CommandBeforeConnect)
    );
    let mut twice = Scene::connected();
    let error = twice.try_say(&CLIENT.connect(app("live"))).unwrap_err();
    assert_eq!(
        error,
        SessionError::PeerMisbehaved(PeerMisbehaved::SecondConnect)
    );
    for scene in [&mut early, &mut twice] {
        let last = scene.log().pop().unwrap();
        assert!(last.contains("NetConnection.Call.Failed"), "{last}");
        scene.say(&CLIENT.connect(app("live")));
        assert_eq!(scene.log(), NOTHING);
        assert_eq!(scene.due_in(), None);
    }
}

#[test]
fn close_ends_the_session_in_order() {
    let mut scene = Scene::connected();
    let behind = CLIENT.call((3, 0), "createStream", 2.0, &[]);
    scene.say(&[CLIENT.call((3, 0), "close", 0.0, &[]), behind.clone()].concat());
    assert_eq!(scene.log(), ["! Closing(PeerClosed)"]);
    scene.say(&behind);
    scene.session.ping(scene.now);
    scene.drain();
    assert_eq!(scene.log(), NOTHING);
}

/// [WIRE 065] [WIRE 066] [WIRE 067] [WIRE 069] [WIRE 060]
#[test]
fn control_messages_are_answered_where_they_want_an_answer() {
    let mut scene = Scene::connected();
    let bandwidth = |window, limit| CLIENT.control(Control::SetPeerBandwidth { window, limit });
    scene.say(&bandwidth(2_500_000, BandwidthLimit::Hard));
    assert_eq!(scene.log(), NOTHING);
    scene.say(&bandwidth(5_000_000, BandwidthLimit::Dynamic));
    assert_eq!(scene.log(), ["2/0 WindowAcknowledgementSize(5000000)"]);
    scene.say(&bandwidth(1_000_000, BandwidthLimit::Soft));
    assert_eq!(scene.log(), ["2/0 WindowAcknowledgementSize(1000000)"]);
    scene.say(&bandwidth(9_000_000, BandwidthLimit::Soft));
    scene.say(&CLIENT.message((2, 0), MessageType::SetPeerBandwidth, 0, &[0, 0, 1, 0]));
    assert_eq!(scene.log(), NOTHING);
    scene.say(&CLIENT.event(UserControl::PingRequest(0xdead_beef)));
    assert_eq!(scene.log(), ["2/0 PingResponse(3735928559)"]);
    scene.say(&CLIENT.event(UserControl::PingResponse(1)));
    scene.say(&CLIENT.message((2, 0), MessageType::UserControl, 0, &[0, 6, 1]));
    scene.say(&CLIENT.message((2, 0), MessageType::UserControl, 0, &[0, 99]));
    assert_eq!(scene.log(), NOTHING);
    assert_eq!(scene.session.acknowledged(), None);
    scene.say(&CLIENT.control(Control::Acknowledgement(77)));
    assert_eq!(scene.session.acknowledged(), Some(77));
    scene.say(&CLIENT.control(Control::Acknowledgement(5)));
    assert_eq!(scene.session.acknowledged(), Some(5));
}

/// [WIRE 061] [WIRE 063] [WIRE 064]
#[test]
fn received_bytes_are_acknowledged_at_half_the_window() {
    let mut scene = Scene::publishing();
    let voice = Voice { chunk_size: 65_536 };
    scene.say(&CLIENT.control(Control::SetChunkSize(65_536)));
    let frame = voice.video(1, 0, &[0x17; 10_000]);
    for _ in 0..124 {
        scene.say(&frame);
    }
    assert_eq!(scene.said(), NOTHING);
    scene.say(&frame);
    assert_eq!(scene.said(), ["2/0 Acknowledgement(1250000)"]);
    // A window of a few bytes counts as 32 KiB.
    scene.say(&CLIENT.control(Control::WindowAcknowledgementSize(1)));
    scene.say(&frame);
    assert_eq!(scene.said(), NOTHING);
    scene.say(&frame);
    assert_eq!(scene.said(), ["2/0 Acknowledgement(1266384)"]);
}
