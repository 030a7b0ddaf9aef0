//! Sequences of legal and illegal messages, chosen by the input: it need not find lengths and markers by itself.

use bongsu_rtmp::MessageType;
use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::amf3;
use bongsu_rtmp::message::{BandwidthLimit, Control, UserControl};
use bytes::{BufMut, BytesMut};

use crate::steer::Steer;
use crate::wire::{Voice, amf0, info};

/// Messages of one input.
const MESSAGES_MAX: usize = 200;
/// Arguments of a command.
const ARGUMENTS_MAX: u8 = 4;
/// Levels of containers in a value.
const DEPTH_MAX: u8 = 4;

const CLIENT_COMMANDS: [&str; 24] = [
    "connect",
    "createStream",
    "releaseStream",
    "FCPublish",
    "publish",
    "play",
    "play2",
    "deleteStream",
    "closeStream",
    "FCUnpublish",
    "FCSubscribe",
    "pause",
    "pauseraw",
    "seek",
    "receiveAudio",
    "receiveVideo",
    "getStreamLength",
    "_checkbw",
    "close",
    "_result",
    "_error",
    "onStatus",
    "unknown",
    "",
];
const SERVER_COMMANDS: [&str; 10] = [
    "_result",
    "_error",
    "onStatus",
    "onFCPublish",
    "onFCUnpublish",
    "onFCSubscribe",
    "onBWDone",
    "close",
    "_checkbw",
    "connect",
];
const CODES: [&str; 18] = [
    "NetConnection.Connect.Success",
    "NetConnection.Connect.Rejected",
    "NetConnection.Connect.ReconnectRequest",
    "NetStream.Publish.Start",
    "NetStream.Publish.BadName",
    "NetStream.Publish.Denied",
    "NetStream.Unpublish.Success",
    "NetStream.Play.Reset",
    "NetStream.Play.Start",
    "NetStream.Play.Stop",
    "NetStream.Play.Complete",
    "NetStream.Play.StreamNotFound",
    "NetStream.Play.UnpublishNotify",
    "NetStream.Play.PublishNotify",
    "NetStream.Data.Start",
    "NetStream.Failed",
    "NetStream.Unknown",
    "",
];
const LEVELS: [&str; 4] = ["status", "warning", "error", ""];
const NAMES: [&str; 8] = [
    "cam",
    "cam?key=SECRET",
    "a/b",
    "",
    "..",
    "live",
    "flv:cam",
    "append",
];
const KEYS: [&str; 14] = [
    "app",
    "tcUrl",
    "flashVer",
    "type",
    "objectEncoding",
    "capsEx",
    "fourCcList",
    "videoFourCcInfoMap",
    "audioFourCcInfoMap",
    "videoFunction",
    "streamName",
    "code",
    "level",
    "*",
];
const EVENTS: [&str; 8] = [
    "@setDataFrame",
    "onMetaData",
    "@clearDataFrame",
    "onStatus",
    "onPlayStatus",
    "|RtmpSampleAccess",
    "onCuePoint",
    "",
];
const NUMBERS: [f64; 10] = [
    0.0,
    1.0,
    -1.0,
    -2000.0,
    0.5,
    f64::NAN,
    f64::INFINITY,
    4_294_967_295.0,
    4_294_967_296.0,
    1e300,
];

/// What a client says to a server.
pub(crate) fn server_hears(steer: &mut Steer<'_>, voice: Voice) -> Vec<u8> {
    speech(steer, voice, &CLIENT_COMMANDS)
}

/// What a server says to a client.
pub(crate) fn client_hears(steer: &mut Steer<'_>, voice: Voice) -> Vec<u8> {
    speech(steer, voice, &SERVER_COMMANDS)
}

fn speech(steer: &mut Steer<'_>, mut voice: Voice, commands: &[&'static str]) -> Vec<u8> {
    for _ in 0..MESSAGES_MAX {
        if steer.is_empty() {
            break;
        }
        say(steer, &mut voice, commands);
    }
    voice.into_bytes()
}

fn say(steer: &mut Steer<'_>, voice: &mut Voice, commands: &[&'static str]) {
    match steer.byte() % 14 {
        0..=3 => command(steer, voice, commands),
        4 => status(steer, voice),
        5 => media(steer, voice, MessageType::Audio),
        6 => media(steer, voice, MessageType::Video),
        7 => data(steer, voice),
        8 => aggregate(steer, voice),
        9 => voice.control(control(steer)),
        10 => voice.event(event(steer)),
        11 => {
            let message_type = MessageType::from_id(steer.byte());
            media(steer, voice, message_type);
        }
        12 => {
            let len = usize::from(steer.byte());
            voice.raw(steer.take(len));
        }
        _ => {
            let object = value(steer, 0);
            let command = bongsu_rtmp::message::Command::new(
                "connect",
                bongsu_rtmp::message::TransactionId::new(1.0),
            );
            voice.command((3, 0), &command.with_object(object));
        }
    }
}

fn command(steer: &mut Steer<'_>, voice: &mut Voice, commands: &[&'static str]) {
    let name = steer.pick(commands);
    let stream = u32::from(steer.byte() % 10);
    let transaction = f64::from(steer.byte() % 8);
    let count = steer.byte() % (ARGUMENTS_MAX + 1);
    let arguments: Vec<Value> = (0..count).map(|_| value(steer, 0)).collect();
    voice.call((3, stream), name, transaction, &arguments);
}

fn status(steer: &mut Steer<'_>, voice: &mut Voice) {
    let stream = u32::from(steer.byte() % 4);
    let info = info(steer.pick(&LEVELS), steer.pick(&CODES));
    let name = steer.pick(&["onStatus", "_result", "_error"]);
    let transaction = f64::from(steer.byte() % 8);
    voice.call((3, stream), name, transaction, &[info.into()]);
}

fn media(steer: &mut Steer<'_>, voice: &mut Voice, message_type: MessageType) {
    let at = (
        u32::from(steer.byte() % 12) + 2,
        u32::from(steer.byte() % 4),
    );
    let timestamp = steer.u32();
    let len = usize::from(steer.byte());
    voice.message(at, message_type, timestamp, steer.take(len));
}

fn data(steer: &mut Steer<'_>, voice: &mut Voice) {
    let stream = u32::from(steer.byte() % 4);
    let timestamp = u32::from(steer.u16());
    let mut values: Vec<Value> = Vec::new();
    for _ in 0..=steer.byte() % 2 {
        values.push(steer.pick(&EVENTS).into());
    }
    values.push(value(steer, 0));
    voice.message(
        (4, stream),
        MessageType::DataAmf0,
        timestamp,
        &amf0(&values),
    );
}

fn aggregate(steer: &mut Steer<'_>, voice: &mut Voice) {
    let stream = u32::from(steer.byte() % 4);
    let timestamp = steer.u32();
    let mut body = BytesMut::new();
    for _ in 0..steer.byte() % 8 {
        let kind = steer.pick(&[8, 9, 18, 22]);
        let len = usize::from(steer.byte() % 64);
        let payload = steer.take(len);
        body.put_u8(kind);
        body.put_uint(payload.len() as u64, 3);
        body.put_u32(steer.u32());
        body.put_uint(0, 3);
        body.put_slice(payload);
        body.put_u32(0);
    }
    voice.message((4, stream), MessageType::Aggregate, timestamp, &body);
}

fn control(steer: &mut Steer<'_>) -> Control {
    let kind = steer.byte();
    let number = match kind >> 4 & 3 {
        0 => u32::from(steer.byte()),
        1 => u32::from(steer.u16()),
        _ => steer.u32(),
    };
    match kind % 5 {
        0 => Control::SetChunkSize(number),
        1 => Control::Abort(number),
        2 => Control::Acknowledgement(number),
        3 => Control::WindowAcknowledgementSize(number),
        _ => Control::SetPeerBandwidth {
            window: number,
            limit: steer.pick(&[
                BandwidthLimit::Hard,
                BandwidthLimit::Soft,
                BandwidthLimit::Dynamic,
            ]),
        },
    }
}

fn event(steer: &mut Steer<'_>) -> UserControl {
    let mut body = BytesMut::new();
    body.put_u16(u16::from(steer.byte() % 9));
    body.put_u64(u64::from(steer.u32()));
    UserControl::decode(&body).unwrap_or(UserControl::Other(99))
}

fn value(steer: &mut Steer<'_>, depth: u8) -> Value {
    match steer.byte() % 11 {
        0 => Value::Null,
        1 => f64::from(steer.byte() % 10).into(),
        2 => Value::Number(steer.pick(&NUMBERS)),
        3 => (steer.byte() & 1 == 1).into(),
        4 => steer.pick(&NAMES).into(),
        5 => {
            let len = usize::from(steer.byte());
            bongsu_rtmp::Text::copy_from_bytes(steer.take(len)).into()
        }
        6 => Value::Undefined,
        7 => Value::Amf3(Box::new(amf3::Value::Integer(i32::from(steer.byte())))),
        _ if depth >= DEPTH_MAX => Value::Unsupported,
        8 => {
            let count = steer.byte() % 5;
            Value::StrictArray((0..count).map(|_| value(steer, depth + 1)).collect())
        }
        9 => Value::Object(properties(steer, depth)),
        _ => Value::EcmaArray(properties(steer, depth)),
    }
}

fn properties(steer: &mut Steer<'_>, depth: u8) -> Properties {
    let mut properties = Properties::new();
    for _ in 0..steer.byte() % 8 {
        let key = steer.pick(&KEYS);
        properties.push(key, value(steer, depth + 1));
    }
    properties
}
