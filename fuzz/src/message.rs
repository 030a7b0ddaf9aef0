//! Whole messages.

use bongsu_rtmp::chunk;
use bongsu_rtmp::limits::Limits;
use bongsu_rtmp::message::media::Aggregate;
use bongsu_rtmp::message::{self, Command, Control, Data, MediaKind, Message, UserControl};
use bongsu_rtmp::{ChunkStreamId, MessageStreamId, MessageType};
use bytes::Bytes;

use crate::steer::Steer;

/// Longest input.
const INPUT_BYTES_MAX: usize = 8 << 10;
/// Bytes in front of each tag of an aggregate.
const TAG_HEADER_BYTES: usize = 11;

/// A message of any type: its first byte is the type, the rest the body.
///
/// What is decoded encodes to the same again; bodies of data are the end of the payload; the parts of an aggregate
/// are no more than its bytes can hold.
pub fn message(input: &[u8]) {
    if input.len() > INPUT_BYTES_MAX {
        return;
    }
    let mut steer = Steer::new(input);
    let raw = chunk::Message {
        chunk_stream: ChunkStreamId::STREAM,
        message_type: MessageType::from_id(steer.byte()),
        stream: MessageStreamId::FIRST,
        timestamp: 1_000,
        payload: Bytes::copy_from_slice(steer.rest()),
    };
    assert_eq!(
        MessageType::from_id(raw.message_type.id()),
        raw.message_type
    );
    let amf = Limits::authorised().amf;
    let decoded = message::decode(&raw, amf);
    if message::decode(&raw, Limits::before_authorisation().amf).is_ok() {
        assert!(decoded.is_ok(), "smaller limits let more in");
    }
    let Ok(decoded) = decoded else {
        let kind = raw.message_type;
        let is_command = matches!(kind, MessageType::CommandAmf0 | MessageType::CommandAmf3);
        assert!(is_command || kind.is_control(), "{kind:?} is an error");
        return;
    };
    match decoded {
        Message::Control(control) => {
            let body = control.encode();
            let again = Control::decode(control.message_type(), &body);
            assert_eq!(again, Ok(Some(control)));
            // The fifth byte is the limit type of a bandwidth, of which some values mean the same.
            assert_eq!(raw.payload[..4], body[..4]);
            if let Some(limit @ 0..=2) = raw.payload.get(4) {
                assert!(body.get(4).is_none_or(|written| written == limit));
            }
        }
        Message::UserControl(event) => {
            let body = event.encode();
            assert_eq!(UserControl::decode(&body), Some(event));
            assert!(raw.payload.starts_with(&body), "{event:?}");
        }
        Message::Command(command) => check_command(&command),
        Message::Data(data) => check_data(&data, &raw.payload),
        Message::Aggregate(body) => check_aggregate(&body, raw.timestamp),
        Message::Audio(body) | Message::Video(body) => assert_eq!(body, raw.payload),
        _ => {}
    }
}

fn check_command(command: &Command) {
    let bytes = command.to_bytes();
    // References become copies, so that only wide limits fit.
    let wide = bongsu_rtmp::limits::AmfLimits {
        depth: 64,
        values: u32::MAX,
    };
    let again = Command::decode(&bytes, wide).expect("what we write can be read");
    assert_eq!(again.name, command.name);
    assert_eq!(again.transaction, command.transaction);
    assert_eq!(again.arguments.len(), command.arguments.len());
    assert_eq!(again.to_bytes(), bytes, "written twice");
}

fn check_data(data: &Data, payload: &Bytes) {
    let (name, body) = match data {
        Data::Set { name, body } | Data::Event { name, body } => (name, body),
        Data::Clear { .. } => return,
    };
    assert!(payload.ends_with(body));
    match Data::decode(body) {
        // A body that begins with another `@setDataFrame` is read once.
        Some(Data::Event { name: again, .. }) => assert_eq!(again, *name),
        other => assert!(name.as_bytes().starts_with(b"@"), "{other:?}"),
    }
    if let Some(told) = bongsu_flv::script::event_name(body) {
        assert_eq!(told.as_bytes(), name.as_bytes(), "two readers of one name");
    }
}

fn check_aggregate(body: &Bytes, timestamp: u32) {
    let tags: Vec<_> = Aggregate::new(body.clone(), timestamp).collect();
    assert!(tags.len() * TAG_HEADER_BYTES <= body.len());
    let payload: usize = tags.iter().flatten().map(|part| part.payload.len()).sum();
    assert!(tags.len() * TAG_HEADER_BYTES + payload <= body.len());
    if let Some(Some(first)) = tags.first() {
        assert_eq!(
            first.timestamp, timestamp,
            "the first tag has the message's time"
        );
    }
    for part in tags.into_iter().flatten() {
        if part.kind == MediaKind::Data {
            let _ = Data::decode(&part.payload);
        }
    }
}
