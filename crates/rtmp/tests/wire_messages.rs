//! What complete messages mean: control, user control, and the way of each type through `decode`.

use bongsu_rtmp::chunk::{Header, Message as Chunked, encode};
use bongsu_rtmp::limits::AmfLimits;
use bongsu_rtmp::message::{
    BandwidthLimit, Control, Data, Ignored, Message, MessageError, UserControl, decode,
};
use bongsu_rtmp::{ChunkStreamId, MessageStreamId, MessageType};
use bytes::{Bytes, BytesMut};

fn message(id: u8, payload: &[u8]) -> Chunked {
    Chunked {
        chunk_stream: ChunkStreamId::COMMAND,
        message_type: MessageType::from_id(id),
        stream: MessageStreamId(1),
        timestamp: 5,
        payload: Bytes::copy_from_slice(payload),
    }
}

fn decoded(id: u8, payload: &[u8]) -> Result<Message, MessageError> {
    decode(&message(id, payload), AmfLimits::default())
}

/// The bytes of a control message as we send it.
fn on_the_wire(message_type: MessageType, body: &[u8]) -> String {
    let header = Header {
        chunk_stream: ChunkStreamId::CONTROL,
        message_type,
        stream: MessageStreamId::CONNECTION,
        timestamp: 0,
    };
    let mut out = BytesMut::new();
    encode(&mut out, &header, body, 128);
    out.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn body_of(golden: &str) -> Vec<u8> {
    golden.as_bytes()[24..]
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hex"))
        .collect()
}

/// V04 to V07. [WIRE 061]
#[test]
fn golden_control_messages() {
    let total: u64 = (1 << 32) + 5;
    let wrapped = u32::try_from(total & 0xffff_ffff).expect("32 bits");
    let bandwidth = Control::SetPeerBandwidth {
        window: 2_500_000,
        limit: BandwidthLimit::Dynamic,
    };
    for (golden, control) in [
        (
            "02000000000004010000000000001000",
            Control::SetChunkSize(4096),
        ),
        (
            "020000000000040500000000002625a0",
            Control::WindowAcknowledgementSize(2_500_000),
        ),
        ("020000000000050600000000002625a002", bandwidth),
        (
            "02000000000004030000000000000005",
            Control::Acknowledgement(wrapped),
        ),
        ("02000000000004020000000000000006", Control::Abort(6)),
    ] {
        assert_eq!(
            on_the_wire(control.message_type(), &control.encode()),
            golden
        );
        let body = body_of(golden);
        assert_eq!(
            Control::decode(control.message_type(), &body),
            Ok(Some(control))
        );
        let id = control.message_type().id();
        assert_eq!(decoded(id, &body), Ok(Message::Control(control)));
    }
}

/// [WIRE 072] Shorter bodies break the protocol, longer ones are fine.
#[test]
fn control_bodies_have_a_least_length() {
    for id in [1, 2, 3, 5, 6] {
        for len in 0..4 {
            let error = Err(MessageError::ShortControl { id, len });
            assert_eq!(decoded(id, &vec![0; len]), error);
        }
        let long = decoded(id, &[0, 0, 1, 0, 1, 7, 7]);
        assert_eq!(long, decoded(id, &[0, 0, 1, 0, 1]));
        assert!(matches!(long, Ok(Message::Control(_))));
    }
    assert_eq!(Control::decode(MessageType::UserControl, &[]), Ok(None));
    assert_eq!(Control::decode(MessageType::Audio, &[0; 9]), Ok(None));
}

/// [WIRE 066] The limit type: 0, 1, 2, odd ones and none.
#[test]
fn peer_bandwidth_without_its_last_byte() {
    for (last, limit) in [
        (&[0][..], BandwidthLimit::Hard),
        (&[1], BandwidthLimit::Soft),
        (&[2], BandwidthLimit::Dynamic),
        (&[9], BandwidthLimit::Dynamic),
        (&[], BandwidthLimit::Dynamic),
    ] {
        let body = [&[0, 0, 0, 7][..], last].concat();
        let control = Control::SetPeerBandwidth { window: 7, limit };
        assert_eq!(decoded(6, &body), Ok(Message::Control(control)));
        let again = Control::decode(MessageType::SetPeerBandwidth, &control.encode());
        assert_eq!(again, Ok(Some(control)));
    }
}

/// V08, and the events that it leaves out.
#[test]
fn golden_user_control_events() {
    let one = MessageStreamId(1);
    for (golden, event) in [
        (
            "020000000000060400000000000000000001",
            UserControl::StreamBegin(one),
        ),
        (
            "020000000000060400000000000100000001",
            UserControl::StreamEof(one),
        ),
        (
            "020000000000060400000000000200000001",
            UserControl::StreamDry(one),
        ),
        (
            "020000000000060400000000000400000001",
            UserControl::StreamIsRecorded(one),
        ),
        (
            "020000000000060400000000000601020304",
            UserControl::PingRequest(0x0102_0304),
        ),
        (
            "020000000000060400000000000701020304",
            UserControl::PingResponse(0x0102_0304),
        ),
        (
            "0200000000000a0400000000000300000001 00000bb8",
            UserControl::SetBufferLength {
                stream: one,
                buffer_ms: 3000,
            },
        ),
    ] {
        let golden = golden.replace(' ', "");
        assert_eq!(
            on_the_wire(MessageType::UserControl, &event.encode()),
            golden
        );
        let body = body_of(&golden);
        assert_eq!(UserControl::decode(&body), Some(event));
        let longer = [&body[..], &[1, 2, 3]].concat();
        assert_eq!(decoded(4, &longer), Ok(Message::UserControl(event)));
        for len in 0..body.len() {
            let short = Ok(Message::Ignored(Ignored::ShortUserControl));
            assert_eq!(decoded(4, &body[..len]), short, "{event:?} cut at {len}");
        }
    }
}

/// [WIRE 069] Events that we do not know, with data or without.
#[test]
fn unknown_events_are_told_apart_from_short_ones() {
    for event in [5_u16, 8, 26, 27, 31, 32, 0xffff] {
        let other = Ok(Message::UserControl(UserControl::Other(event)));
        let body = event.to_be_bytes();
        assert_eq!(decoded(4, &body), other);
        assert_eq!(decoded(4, &[&body[..], &[9; 42]].concat()), other);
        assert_eq!(UserControl::Other(event).encode()[..], body);
    }
}

/// [WIRE 049] [WIRE 088] [WIRE 139] Media passes as it is, shared objects and unknown types mean nothing.
#[test]
fn media_passes_and_the_rest_is_ignored() {
    let body = Bytes::from_static(&[0x17, 0, 1]);
    assert_eq!(decoded(8, &body), Ok(Message::Audio(body.clone())));
    assert_eq!(decoded(8, &[]), Ok(Message::Audio(Bytes::new())));
    assert_eq!(decoded(9, &body), Ok(Message::Video(body.clone())));
    assert_eq!(decoded(22, &body), Ok(Message::Aggregate(body.clone())));
    for id in [16, 19] {
        assert_eq!(
            decoded(id, &body),
            Ok(Message::Ignored(Ignored::SharedObject))
        );
    }
    for id in [0, 7, 10, 14, 21, 23, 255] {
        assert_eq!(
            decoded(id, &body),
            Ok(Message::Ignored(Ignored::UnknownType(id)))
        );
    }
}

/// [WIRE 085] [WIRE 086] [WIRE 087] Commands and data, with the format byte of types 17 and 15.
#[test]
fn commands_and_data_in_both_types() {
    let command = b"\x02\x00\x04ping\x00\x40\x00\x00\x00\x00\x00\x00\x00\x05";
    for (id, body) in [(20, command.to_vec()), (17, [&[0], &command[..]].concat())] {
        let Ok(Message::Command(command)) = decoded(id, &body) else {
            panic!("type {id} is a command");
        };
        assert_eq!(command.name.to_str_lossy(), "ping");
        assert_eq!(command.transaction.number().to_bits(), 2.0_f64.to_bits());
    }
    for id in [20, 17] {
        assert!(matches!(decoded(id, &[5]), Err(MessageError::Command(_))));
    }

    let data = b"\x02\x00\x05onCue\x05";
    for (id, body) in [(18, data.to_vec()), (15, [&[0], &data[..]].concat())] {
        let Ok(Message::Data(Data::Event { body, .. })) = decoded(id, &body) else {
            panic!("type {id} is data");
        };
        assert_eq!(body[..], data[..]);
    }
    // Some encoders send a time code of four bytes that begins with a number marker. [WIRE 093]
    for id in [18, 15] {
        let unnamed = Ok(Message::Ignored(Ignored::UnnamedData));
        assert_eq!(decoded(id, &[0, 0, 0, 1]), unnamed);
    }
}

/// Every id survives, and the two families are what they say.
#[test]
fn types_and_their_families() {
    for id in 0..=u8::MAX {
        let kind = MessageType::from_id(id);
        assert_eq!(kind.id(), id);
        assert_eq!(kind.is_control(), (1..=6).contains(&id));
        assert_eq!(kind.is_media(), [8, 9, 15, 18, 22].contains(&id));
    }
}

/// [WIRE 094] Only whole numbers from 0 to 2^32 - 1 are message stream ids.
#[test]
fn message_stream_ids_out_of_numbers() {
    for (number, id) in [(0.0, 0), (1.0, 1), (4_294_967_295.0, u32::MAX)] {
        assert_eq!(
            MessageStreamId::from_number(number),
            Some(MessageStreamId(id))
        );
        assert_eq!(MessageStreamId(id).to_number().to_bits(), number.to_bits());
    }
    for number in [
        -1.0,
        0.5,
        4_294_967_296.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        assert_eq!(MessageStreamId::from_number(number), None, "{number}");
    }
}
