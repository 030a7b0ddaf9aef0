//! Goal: chunks mean to `rml_rtmp` 0.8 what they mean to us, in both directions, and so do the control messages.

use std::collections::BTreeMap;

use bongsu_differential::{corpus, transcripts};
use bongsu_rtmp::chunk::{Decoder, Header, encode};
use bongsu_rtmp::message::{BandwidthLimit, Control, UserControl};
use bongsu_rtmp::{ChunkStreamId, Limits, MessageStreamId, MessageType};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use rml_rtmp::chunk_io::{ChunkDeserializer, ChunkSerializer};
use rml_rtmp::messages::{
    MessagePayload, PeerBandwidthLimitType, RtmpMessage, UserControlEventType,
};
use rml_rtmp::time::RtmpTimestamp;

/// A message as both tell it: type, message stream, timestamp, payload.
type Told = (u8, u32, u32, Bytes);

fn ours(mut bytes: &[u8]) -> Vec<Told> {
    let mut decoder = Decoder::new(Limits::authorised());
    let mut told = Vec::new();
    while let Some(message) = decoder.decode(&mut bytes).expect("legal chunks") {
        told.push((
            message.message_type.id(),
            message.stream.0,
            message.timestamp,
            message.payload,
        ));
    }
    assert_eq!(decoder.partial_bytes(), 0, "all messages are whole");
    told
}

fn theirs(bytes: &[u8]) -> Result<Vec<Told>, String> {
    let mut decoder = ChunkDeserializer::new();
    let mut told = Vec::new();
    let mut input = bytes;
    loop {
        let read = decoder.get_next_message(input);
        input = &[];
        let Some(message) = read.map_err(|error| error.to_string())? else {
            return Ok(told);
        };
        // Their caller has to tell them what came. Only this type: their reader of commands panics at fewer than three
        // values.
        if message.type_id == 1
            && let Ok(RtmpMessage::SetChunkSize { size }) = message.to_rtmp_message()
        {
            decoder
                .set_max_chunk_size(usize::try_from(size).expect("31 bits"))
                .map_err(|error| error.to_string())?;
        }
        told.push((
            message.type_id,
            message.message_stream_id,
            message.timestamp.value,
            message.data,
        ));
    }
}

/// Times at which the form of a header changes, and any other.
fn time() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..100_000_u32,
        0xff_fffd..0x100_0002_u32,
        0x7fff_fff0..0x8000_0010_u32,
        0xffff_fff0..=u32::MAX,
        any::<u32>(),
    ]
}

fn told(lengths: std::ops::Range<usize>) -> impl Strategy<Value = Told> {
    let kinds = prop::sample::select(vec![8_u8, 9, 15, 17, 18, 20, 22]);
    let payload = prop::collection::vec(any::<u8>(), lengths);
    (kinds, 0..4_u32, time(), payload)
        .prop_map(|(kind, stream, time, payload)| (kind, stream, time, payload.into()))
}

fn set_chunk_size(size: u32) -> Told {
    (1, 0, 0, Bytes::copy_from_slice(&size.to_be_bytes()))
}

proptest! {
    /// On any chunk stream, with any chunk size, with times on both sides of the extended timestamp.
    #[test]
    fn they_read_what_we_write(
        messages in prop::collection::vec((2..=65_599_u32, told(0..700)), 0..10),
        size in prop_oneof![1..400_u32, Just(4_096), Just(65_536)],
    ) {
        let mut expected = vec![set_chunk_size(size)];
        let mut bytes = BytesMut::from(&b"\x02\0\0\0\0\0\x04\x01\0\0\0\0"[..]);
        bytes.extend_from_slice(&size.to_be_bytes());
        for (chunk_stream, (kind, stream, timestamp, payload)) in messages {
            let header = Header {
                chunk_stream: ChunkStreamId::new(chunk_stream).unwrap(),
                message_type: MessageType::from_id(kind),
                stream: MessageStreamId(stream),
                timestamp,
            };
            encode(&mut bytes, &header, &payload, size);
            expected.push((kind, stream, timestamp, payload));
        }
        prop_assert_eq!(theirs(&bytes).unwrap(), expected);
    }

    /// Times that rise by little, as those of media do: all four types of header, deltas, continuations.
    #[test]
    fn we_read_what_they_write(
        start in time(),
        messages in prop::collection::vec((0..3_000_u32, told(1..700), any::<bool>()), 0..12),
        size in prop_oneof![1..400_u32, Just(4_096), Just(65_536)],
        first_size in any::<bool>(),
    ) {
        let mut writer = ChunkSerializer::new();
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        if first_size {
            let packet = writer.set_max_chunk_size(size, RtmpTimestamp::new(0)).unwrap();
            bytes.extend(packet.bytes);
            expected.push(set_chunk_size(size));
        }
        let mut time = start;
        let mut last = BTreeMap::new();
        for (step, (kind, stream, _, payload), uncompressed) in messages {
            time = time.wrapping_add(step);
            let message = MessagePayload {
                timestamp: RtmpTimestamp::new(time),
                type_id: kind,
                message_stream_id: stream,
                data: payload.clone(),
            };
            // Forced headers inside a message are one of the differences.
            let uncompressed = uncompressed && payload.len() <= if first_size { size as usize } else { 128 };
            let packet = writer.serialize(&message, uncompressed, false).unwrap();
            prop_assume!(!opens_with_type_3_behind_a_late_full_header(&packet.bytes, time, &mut last));
            bytes.extend(packet.bytes);
            expected.push((kind, stream, time, payload));
        }
        prop_assert_eq!(ours(&bytes), expected);
    }
}

/// Whether a packet is of the kind that [`type_3_behind_a_full_header_over_a_second`] is about. `last` holds the time of
/// the last full header of each chunk stream, while no other header followed.
fn opens_with_type_3_behind_a_late_full_header(
    packet: &[u8],
    time: u32,
    last: &mut BTreeMap<u8, u32>,
) -> bool {
    let (form, chunk_stream) = (packet[0] >> 6, packet[0] & 0x3f);
    let full = last.remove(&chunk_stream);
    if form == 0 {
        last.insert(chunk_stream, time);
    }
    form == 3 && full.is_some_and(|time| time > 1_000)
}

/// What real clients sent, to the last message.
#[test]
fn recorded_connections_are_the_same_to_both() {
    let mut messages = 0;
    for recorded in transcripts() {
        let told = ours(&recorded.bytes);
        assert_eq!(
            theirs(&recorded.bytes),
            Ok(told.clone()),
            "{}",
            recorded.name
        );
        messages += told.len();
    }
    assert!(messages > 500, "{messages} messages compared");
}

/// Whatever messages fuzzing made of its inputs, written again.
#[test]
fn fuzzed_messages_are_the_same_to_both() {
    let mut messages = 0;
    for sample in corpus("chunk").into_iter().chain(corpus("server_session")) {
        let mut decoder = Decoder::new(Limits::authorised());
        let (mut input, mut bytes, mut expected) = (&sample.bytes[..], BytesMut::new(), Vec::new());
        while let Ok(Some(message)) = decoder.decode(&mut input) {
            if message.message_type.is_control() {
                continue;
            }
            let header = Header {
                chunk_stream: message.chunk_stream,
                message_type: message.message_type,
                stream: message.stream,
                timestamp: message.timestamp,
            };
            encode(&mut bytes, &header, &message.payload, 128);
            let kind = message.message_type.id();
            expected.push((kind, message.stream.0, message.timestamp, message.payload));
        }
        messages += expected.len();
        assert_eq!(theirs(&bytes), Ok(expected), "{}", sample.name);
    }
    assert!(messages > 20, "{messages} messages compared");
}

const AUDIO: &str = "00000408 01000000 af01aabb";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

fn times(told: &[Told]) -> Vec<u32> {
    told.iter().map(|(_, _, time, _)| *time).collect()
}

/// Theirs wrong: [RTMP 5.3] chunks of different chunk streams may take turns. They have room for one message.
#[test]
fn interleaved_messages() {
    let video = [1_u8; 200];
    let bytes = [
        hex("06 000005 0000c8 09 01000000"),
        video[..128].to_vec(),
        hex("04 000005"),
        hex(AUDIO),
        hex("c6"),
        video[128..].to_vec(),
    ]
    .concat();
    assert_eq!(
        ours(&bytes),
        [
            (8, 1, 5, hex("af01aabb").into()),
            (9, 1, 5, video.to_vec().into())
        ]
    );
    let panicked = std::panic::catch_unwind(|| theirs(&bytes));
    assert!(panicked.is_err(), "their length underflows");
}

/// Both allowed: [RTMP 5.3.1.2.2] takes the message stream of the chunk before, and there is none. librtmp opens chunk
/// stream 2 so, and means message stream 0. [WIRE 026]
#[test]
fn type_1_on_a_fresh_chunk_stream() {
    let bytes = hex("42 000000 000004 05 002625a0");
    assert_eq!(ours(&bytes), [(5, 0, 0, hex("002625a0").into())]);
    assert!(theirs(&bytes).is_err());
}

/// Both allowed: by the letter of [RTMP 5.3.1.2.4] a type 3 behind a type 0 adds its time; above a second, writers mean
/// the same time again. [WIRE 031]
#[test]
fn type_3_behind_a_full_header_over_a_second() {
    let two = |time: &str| hex(&format!("04 {time} {AUDIO} c4 af01aabb"));
    assert_eq!(times(&ours(&two("0003e8"))), [1_000, 2_000]);
    assert_eq!(times(&theirs(&two("0003e8")).unwrap()), [1_000, 2_000]);
    assert_eq!(times(&ours(&two("0003e9"))), [1_001, 1_001]);
    assert_eq!(times(&theirs(&two("0003e9")).unwrap()), [1_001, 2_002]);
    // An extended time goes the same way.
    let extended = hex("04 ffffff 00000408 01000000 01000000 af01aabb c4 01000000 af01aabb");
    assert_eq!(times(&ours(&extended)), [1 << 24, 1 << 24]);
    assert_eq!(times(&theirs(&extended).unwrap()), [1 << 24, 2 << 24]);
}

/// Both allowed: [RTMP 5.3.1.3] repeats the extended timestamp in type 3 chunks; librtmp of 2012 and cameras do not.
/// [WIRE 036] They lose four bytes of payload then, and the stream behind.
#[test]
fn extended_timestamps_left_out_of_continuations() {
    let payload: Vec<u8> = (0..200).collect();
    let bytes = [
        hex("06 ffffff 0000c8 09 01000000 01000000"),
        payload[..128].to_vec(),
        hex("c6"),
        payload[128..].to_vec(),
        hex("04 000005"),
        hex(AUDIO),
    ]
    .concat();
    let (told, audio) = (
        (9, 1, 1 << 24, payload.into()),
        (8, 1, 5, hex("af01aabb").into()),
    );
    assert_eq!(ours(&bytes), [told, audio]);
    assert_ne!(theirs(&bytes), Ok(ours(&bytes)));
}

/// Theirs wrong: [RTMP 5.3.1.3] gives the extended timestamp 32 bits, however small it is; theirs underflows.
#[test]
fn a_small_delta_in_an_extended_timestamp() {
    let bytes = hex(&format!("04 000005 {AUDIO} 84 ffffff 00000028 af01aabb"));
    assert_eq!(times(&ours(&bytes)), [5, 45]);
    assert!(std::panic::catch_unwind(|| theirs(&bytes)).is_err());
}

/// Theirs wrong: [RTMP 5.4.2] drops the message that is on its way. They tell of the message and keep the bytes.
#[test]
fn an_aborted_message() {
    let bytes = [
        hex("06 000005 0000c8 09 01000000"),
        vec![1; 128],
        hex("02 000000 000004 02 00000000 00000006"),
        hex("06 000006 000002 09 01000000 2701"),
    ]
    .concat();
    assert_eq!(
        ours(&bytes),
        [
            (2, 0, 0, hex("00000006").into()),
            (9, 1, 6, hex("2701").into())
        ]
    );
    let read = std::panic::catch_unwind(|| theirs(&bytes));
    assert!(!matches!(read, Ok(Ok(told)) if told == ours(&bytes)));
}

/// Theirs wrong: [RTMP 5.3.1.2.4] what continues a message is type 3. Forced, they repeat the full header in each chunk.
#[test]
fn forced_headers_inside_a_message() {
    let message = MessagePayload {
        timestamp: RtmpTimestamp::new(5),
        type_id: 9,
        message_stream_id: 1,
        data: vec![1; 129].into(),
    };
    let bytes = ChunkSerializer::new()
        .serialize(&message, true, false)
        .unwrap()
        .bytes;
    let refused = Decoder::new(Limits::authorised()).decode(&mut &bytes[..]);
    assert!(refused.is_err(), "{refused:?}");
}

/// Theirs wrong: [RTMP 5.3.1.2.1] has a length of 0 too, and audio of no bytes means silence [WIRE 139]. They read it,
/// and write nothing at all.
#[test]
fn messages_without_a_byte() {
    let bytes = hex("04 000005 00000008 01000000");
    assert_eq!(ours(&bytes), [(8, 1, 5, Bytes::new())]);
    assert_eq!(theirs(&bytes), Ok(ours(&bytes)));
    let message = MessagePayload {
        timestamp: RtmpTimestamp::new(5),
        type_id: 8,
        message_stream_id: 1,
        data: Bytes::new(),
    };
    let written = ChunkSerializer::new().serialize(&message, false, false);
    assert!(written.unwrap().bytes.is_empty());
}

fn user(
    event_type: UserControlEventType,
    stream_id: Option<u32>,
    time: Option<u32>,
) -> RtmpMessage {
    RtmpMessage::UserControl {
        event_type,
        stream_id,
        buffer_length: None,
        timestamp: time.map(RtmpTimestamp::new),
    }
}

proptest! {
    /// Bodies of control messages, byte for byte and both ways.
    #[test]
    fn control_messages_are_the_same_to_both(number in 0..=0x7fff_ffff_u32, length in any::<u32>()) {
        let stream = MessageStreamId(number);
        let bandwidth = |limit| Control::SetPeerBandwidth { window: length, limit };
        let peer = |limit_type| RtmpMessage::SetPeerBandwidth { size: length, limit_type };
        let controls = [
            (Control::SetChunkSize(number), RtmpMessage::SetChunkSize { size: number }),
            (Control::Abort(length), RtmpMessage::Abort { stream_id: length }),
            (Control::Acknowledgement(length), RtmpMessage::Acknowledgement { sequence_number: length }),
            (
                Control::WindowAcknowledgementSize(length),
                RtmpMessage::WindowAcknowledgement { size: length },
            ),
            (bandwidth(BandwidthLimit::Hard), peer(PeerBandwidthLimitType::Hard)),
            (bandwidth(BandwidthLimit::Soft), peer(PeerBandwidthLimitType::Soft)),
            (bandwidth(BandwidthLimit::Dynamic), peer(PeerBandwidthLimitType::Dynamic)),
        ];
        for (ours, theirs) in controls {
            let payload = payload_of(theirs);
            prop_assert_eq!(ours.encode(), &payload.data);
            let kind = MessageType::from_id(payload.type_id);
            prop_assert_eq!(Control::decode(kind, &payload.data), Ok(Some(ours)));
        }
        use UserControlEventType as Event;
        let set_length = RtmpMessage::UserControl {
            event_type: Event::SetBufferLength,
            stream_id: Some(number),
            buffer_length: Some(length),
            timestamp: None,
        };
        let events = [
            (UserControl::StreamBegin(stream), user(Event::StreamBegin, Some(number), None)),
            (UserControl::StreamEof(stream), user(Event::StreamEof, Some(number), None)),
            (UserControl::StreamDry(stream), user(Event::StreamDry, Some(number), None)),
            (UserControl::StreamIsRecorded(stream), user(Event::StreamIsRecorded, Some(number), None)),
            (UserControl::SetBufferLength { stream, buffer_ms: length }, set_length),
            (UserControl::PingRequest(length), user(Event::PingRequest, None, Some(length))),
            (UserControl::PingResponse(length), user(Event::PingResponse, None, Some(length))),
        ];
        for (ours, theirs) in events {
            let payload = payload_of(theirs);
            prop_assert_eq!(ours.encode(), &payload.data);
            prop_assert_eq!(UserControl::decode(&payload.data), Some(ours));
        }
    }
}

fn payload_of(message: RtmpMessage) -> MessagePayload {
    let payload =
        MessagePayload::from_rtmp_message(message.clone(), RtmpTimestamp::new(0), 0).unwrap();
    assert_eq!(
        payload.to_rtmp_message().unwrap(),
        message,
        "they agree with themselves"
    );
    payload
}
