//! The order in which each known encoder speaks, and what it must hear to go on.

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::message::Control;
use bongsu_rtmp::session::server::ServerConfig;

use crate::script::*;

const RESULT_OF_CREATE: &str = "3/0 _result(4, null, 1)";
const START: &str = "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Publish.Start\", description: \"Publishing.\"})";
const BEGIN: &str = "2/0 StreamBegin(MessageStreamId(1))";
const ON_FC_PUBLISH: &str = "3/0 onFCPublish(0, null, {code: \"NetStream.Publish.Start\", description: \"FCPublish accepted.\"})";
const STOP: &str = "5/1 onStatus(0, null, {level: \"status\", code: \"NetStream.Unpublish.Success\", description: \"The publish has ended.\"})";

fn encoder(flash_ver: &str) -> Properties {
    app("live")
        .with("type", "nonprivate")
        .with("flashVer", flash_ver)
        .with("tcUrl", "rtmp://h/live")
}

/// The connection of `says`, up to its `_result`.
fn connect(scene: &mut Scene, says: &[u8]) {
    scene.say(says);
    assert_eq!(scene.log(), ["! ConnectRequested(1)"]);
    scene.accept();
    let log = scene.log();
    assert!(
        log.last().unwrap().starts_with("3/0 _result(1, "),
        "{log:?}"
    );
}

fn name() -> Value {
    "cam".into()
}

/// OBS 32: the chunk size comes before `connect`, all media on chunk stream 4, data and video in large chunks.
#[test]
fn obs() {
    let mut scene = Scene::new(ServerConfig::default());
    let obs = Voice { chunk_size: 4096 };
    scene.say(&handshake());
    let set = CLIENT.control(Control::SetChunkSize(4096));
    let connecting = obs.connect(encoder("FMLE/3.0 (compatible; FMSc/1.0)"));
    connect(&mut scene, &[set, connecting].concat());
    let calls = [
        obs.call((3, 0), "releaseStream", 2.0, &[name()]),
        obs.call((3, 0), "FCPublish", 3.0, &[name()]),
        obs.call((3, 0), "createStream", 4.0, &[]),
    ];
    scene.say(&calls.concat());
    assert_eq!(
        scene.log(),
        [
            "3/0 _result(2, null)",
            "3/0 _result(3, null)",
            RESULT_OF_CREATE
        ]
    );
    scene.say(&obs.call((4, 1), "publish", 5.0, &[name(), "live".into()]));
    scene.accept();
    assert_eq!(
        scene.log(),
        [
            "! PublishRequested(2, stream 1, Live)",
            ON_FC_PUBLISH,
            BEGIN,
            START
        ]
    );
    let metadata = Value::EcmaArray(
        Properties::new()
            .with("duration", 0.0)
            .with("fileSize", 0.0),
    );
    scene.say(&obs.data(
        1,
        0,
        &["@setDataFrame".into(), "onMetaData".into(), metadata],
    ));
    scene.say(&obs.message((4, 1), bongsu_rtmp::MessageType::Video, 0, &[0x17; 9000]));
    assert_eq!(
        scene.log(),
        [
            "! Media(stream 1, Data, 0 ms, 59 bytes)",
            "! Media(stream 1, Video, 0 ms, 9000 bytes)"
        ]
    );
    let end = [
        obs.call((3, 0), "FCUnpublish", 6.0, &[name()]),
        obs.call((3, 0), "deleteStream", 7.0, &[Value::Number(1.0)]),
    ];
    scene.say(&end.concat());
    assert_eq!(scene.log(), [STOP, "! PublishEnded(stream 1, FcUnpublish)"]);
}

/// ffmpeg: adopts our chunk size, publishes on chunk stream 8.
#[test]
fn ffmpeg() {
    let mut scene = Scene::new(ServerConfig::default());
    scene.say(&handshake());
    connect(
        &mut scene,
        &CLIENT.connect(encoder("FMLE/3.0 (compatible; Lavf59.27.100)")),
    );
    let echoed = CLIENT.control(Control::SetChunkSize(65_536));
    let ffmpeg = Voice { chunk_size: 65_536 };
    scene.say(&[echoed, ffmpeg.call((3, 0), "releaseStream", 2.0, &[name()])].concat());
    scene.say(&ffmpeg.call((3, 0), "FCPublish", 3.0, &[name()]));
    scene.say(&ffmpeg.call((3, 0), "createStream", 4.0, &[]));
    assert_eq!(
        scene.log(),
        [
            "3/0 _result(2, null)",
            "3/0 _result(3, null)",
            RESULT_OF_CREATE
        ]
    );
    scene.say(&ffmpeg.call(
        (8, 1),
        "publish",
        5.0,
        &["cam?token=t".into(), "live".into()],
    ));
    scene.accept();
    assert_eq!(scene.said(), [ON_FC_PUBLISH, BEGIN, START]);
    scene.say(&ffmpeg.video(1, 0, &[0x17; 70_000]));
    scene.say(&ffmpeg.call((3, 0), "FCUnpublish", 6.0, &[name()]));
    scene.say(&ffmpeg.call((3, 0), "deleteStream", 7.0, &[Value::Number(1.0)]));
    assert_eq!(
        scene.log(),
        [
            "! Media(stream 1, Video, 0 ms, 70000 bytes)",
            STOP,
            "! PublishEnded(stream 1, FcUnpublish)",
        ]
    );
}

/// librtmp and rtmpsink: only app, type and tcUrl; media on the chunk stream of `publish`, with type 1 headers.
#[test]
fn librtmp() {
    let mut scene = Scene::new(ServerConfig::default());
    scene.say(&handshake());
    let properties = app("live")
        .with("type", "nonprivate")
        .with("tcUrl", "rtmp://h/live");
    connect(&mut scene, &CLIENT.connect(properties));
    scene.say(&CLIENT.call((3, 0), "releaseStream", 2.0, &[name()]));
    scene.say(&CLIENT.call((3, 0), "FCPublish", 3.0, &[name()]));
    scene.say(&CLIENT.call((3, 0), "createStream", 4.0, &[]));
    scene.log();
    // The first video follows `publish` at once, as a type 1 chunk on the same chunk stream.
    let video = [0x44, 0, 0, 5, 0, 0, 2, 9, 0x17, 0];
    scene.say(&[publish(1), video.to_vec()].concat());
    assert_eq!(scene.log(), ["! PublishRequested(2, stream 1, Live)"]);
    assert!(!scene.session.wants_bytes());
    scene.accept();
    assert_eq!(
        scene.log(),
        [
            ON_FC_PUBLISH,
            BEGIN,
            START,
            "! Media(stream 1, Video, 5 ms, 2 bytes)"
        ]
    );
}

/// GStreamer rtmp2sink: transaction 0 nearly everywhere, everything on chunk stream 3; the first status decides.
#[test]
fn gstreamer() {
    let mut scene = Scene::new(ServerConfig::default());
    scene.say(&handshake());
    connect(
        &mut scene,
        &CLIENT.connect(encoder("FMLE/3.0 (compatible; FMSc/1.0)")),
    );
    let calls = [
        CLIENT.call((3, 0), "releaseStream", 0.0, &[name()]),
        CLIENT.call((3, 0), "FCPublish", 0.0, &[name()]),
        CLIENT.call((3, 0), "createStream", 2.0, &[]),
    ];
    scene.say(&calls.concat());
    assert_eq!(scene.log(), ["3/0 _result(2, null, 1)"]);
    scene.say(&CLIENT.call((3, 1), "publish", 0.0, &[name(), "live".into()]));
    scene.accept();
    let said = scene.said();
    let first_status = said.iter().find(|line| line.contains("onStatus"));
    assert_eq!(first_status.unwrap(), START);
    let end = [
        CLIENT.call((3, 0), "FCUnpublish", 0.0, &[name()]),
        CLIENT.call((3, 1), "closeStream", 0.0, &[]),
        CLIENT.call((3, 0), "deleteStream", 0.0, &[Value::Number(1.0)]),
    ];
    scene.say(&end.concat());
    assert_eq!(scene.log(), [STOP, "! PublishEnded(stream 1, FcUnpublish)"]);
}

/// A relay of nginx-rtmp: announces itself first, and sends media without waiting for the status.
#[test]
fn nginx_rtmp() {
    let mut scene = Scene::new(ServerConfig::default());
    let nginx = Voice { chunk_size: 4096 };
    scene.say(&handshake());
    let hello = [
        CLIENT.control(Control::SetChunkSize(4096)),
        CLIENT.control(Control::WindowAcknowledgementSize(5_000_000)),
        nginx.connect(
            app("live")
                .with("flashVer", "LNX.11,1,102,55")
                .with("tcUrl", "rtmp://h/live"),
        ),
    ];
    connect(&mut scene, &hello.concat());
    scene.say(&nginx.call((3, 0), "createStream", 4.0, &[]));
    let publish = nginx.call((5, 1), "publish", 3.0, &[name(), "live".into()]);
    scene.say(
        &[
            publish,
            nginx.audio(1, 0, &[0xaf, 0]),
            nginx.video(1, 0, &[0x17; 9000]),
        ]
        .concat(),
    );
    scene.accept();
    assert_eq!(
        scene.log(),
        [
            RESULT_OF_CREATE,
            "! PublishRequested(2, stream 1, Live)",
            BEGIN,
            START,
            "! Media(stream 1, Audio, 0 ms, 2 bytes)",
            "! Media(stream 1, Video, 0 ms, 9000 bytes)",
        ]
    );
}

/// Haivision: `_checkbw` and `createStream` before `FCPublish`, whose answer it waits for.
#[test]
fn haivision() {
    let mut scene = Scene::new(ServerConfig::default());
    scene.say(&handshake());
    connect(
        &mut scene,
        &CLIENT.connect(encoder("FMLE/3.0 (compatible; FMSc/1.0)")),
    );
    scene.say(&CLIENT.call((3, 0), "_checkbw", 3.0, &[]));
    scene.say(&CLIENT.call((3, 0), "createStream", 4.0, &[]));
    assert_eq!(scene.log(), ["3/0 _result(3, null)", RESULT_OF_CREATE]);
    scene.say(&CLIENT.call((3, 0), "FCPublish", 5.0, &[name()]));
    assert_eq!(scene.log(), ["3/0 _result(5, null)"]);
    scene.say(&publish(1));
    scene.accept();
    assert_eq!(scene.said(), [ON_FC_PUBLISH, BEGIN, START]);
}

/// MediaMTX and HaishinKit: the key is part of the app, the name is empty or a fragment.
#[test]
fn mediamtx() {
    let mut scene = Scene::new(ServerConfig::default());
    scene.say(&handshake());
    connect(
        &mut scene,
        &CLIENT.connect(app("live/cam?token=t").with("tcUrl", "rtmp://h/live/cam?token=t")),
    );
    scene.say(&CLIENT.call((3, 0), "createStream", 4.0, &[]));
    scene.say(&CLIENT.call((3, 1), "publish", 5.0, &["".into(), "live/cam".into()]));
    scene.accept();
    assert_eq!(
        scene.log(),
        [
            RESULT_OF_CREATE,
            "! PublishRequested(2, stream 1, Live)",
            BEGIN,
            START
        ]
    );
}
