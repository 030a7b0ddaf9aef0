//! The order in which each known player speaks.

use bongsu_rtmp::MessageStreamId;
use bongsu_rtmp::amf0::Value;
use bongsu_rtmp::message::{Control, UserControl};

use crate::script::*;

/// Chunk stream, message stream and name of what was said.
fn outline(log: &[String]) -> Vec<&str> {
    log.iter()
        .map(|line| {
            line.split_once(['(', ' ']).map_or(line.as_str(), |_| {
                let end = line.find(['(', '{']).unwrap_or(line.len());
                &line[..end]
            })
        })
        .collect()
}

const STARTED: [&str; 4] = [
    "2/0 StreamBegin",
    "5/1 onStatus",
    "5/1 onStatus",
    "5/1 data @0 \"|RtmpSampleAccess\", true, true",
];

fn connected(properties: bongsu_rtmp::amf0::Properties) -> Scene {
    let mut scene = Scene::shaken();
    scene.say(&CLIENT.connect(properties));
    scene.accept();
    scene.log();
    scene
}

fn buffer(stream: u32, buffer_ms: u32) -> Vec<u8> {
    CLIENT.event(UserControl::SetBufferLength {
        stream: MessageStreamId(stream),
        buffer_ms,
    })
}

/// ffmpeg and VLC.
#[test]
fn ffmpeg() {
    let mut scene = connected(
        app("live")
            .with("flashVer", "LNX 9,0,124,2")
            .with("tcUrl", "rtmp://h/live"),
    );
    scene.say(&CLIENT.control(Control::WindowAcknowledgementSize(2_500_000)));
    scene.say(&CLIENT.call((3, 0), "createStream", 2.0, &[]));
    assert_eq!(scene.log(), ["3/0 _result(2, null, 1)"]);
    let asking = [
        CLIENT.call((8, 0), "getStreamLength", 3.0, &["cam".into()]),
        CLIENT.call((8, 1), "play", 4.0, &["cam".into(), Value::Number(-2000.0)]),
        buffer(1, 3000),
    ];
    scene.say(&asking.concat());
    assert_eq!(
        scene.log(),
        ["3/0 _result(3, null, 0)", "! PlayRequested(2, stream 1)"]
    );
    scene.accept();
    let log = scene.log();
    assert_eq!(outline(&log), STARTED);
    scene.say(&CLIENT.call((3, 0), "deleteStream", 5.0, &[Value::Number(1.0)]));
    assert_eq!(scene.log(), ["! PlayEnded(stream 1)"]);
}

/// rtmpdump: the buffer length comes first, `FCSubscribe` in live mode.
#[test]
fn rtmpdump() {
    let mut scene = connected(
        app("live")
            .with("flashVer", "LNX 10,0,32,18")
            .with("audioCodecs", 3191.0),
    );
    scene.say(&CLIENT.control(Control::WindowAcknowledgementSize(2_500_000)));
    scene.say(&buffer(0, 300));
    scene.say(&CLIENT.call((3, 0), "createStream", 2.0, &[]));
    scene.say(&CLIENT.call((3, 0), "FCSubscribe", 3.0, &["cam".into()]));
    scene.say(&CLIENT.call((8, 1), "play", 4.0, &["cam".into(), Value::Number(-1000.0)]));
    scene.say(&buffer(1, 36_000_000));
    let log = scene.log();
    assert_eq!(
        outline(&log),
        ["3/0 _result", "3/0 onFCSubscribe", "! PlayRequested"]
    );
    scene.accept();
    let log = scene.log();
    assert_eq!(outline(&log), STARTED);
}

/// GStreamer rtmp2src: no transaction for `play`; the first status decides.
#[test]
fn gstreamer() {
    let mut scene = connected(app("live").with("tcUrl", "rtmp://h/live"));
    scene.say(&CLIENT.call((3, 0), "createStream", 2.0, &[]));
    scene.say(&CLIENT.call((3, 1), "play", 0.0, &["cam".into(), Value::Number(-2.0)]));
    scene.say(&buffer(1, 300));
    scene.log();
    scene.accept();
    let log = scene.log();
    let first_status = log.iter().find(|line| line.contains("onStatus")).unwrap();
    assert!(
        first_status.starts_with("5/1 ") && first_status.contains("Play.Reset"),
        "{log:?}"
    );
}
