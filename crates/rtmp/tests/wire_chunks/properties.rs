//! Properties of decoder and encoder over random input.

use bongsu_rtmp::chunk::{Decoder, Header, Message, encode, encoded_len, message_len};
use bongsu_rtmp::{Limits, MessageStreamId, MessageType};
use bytes::BytesMut;
use proptest::prelude::*;

use crate::reference::{Habit, Writer, steps};
use crate::support::{Outcome, assert_same, csid, feed, set_chunk_size};

/// `bytes` cut at these places, which count modulo the length.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places
        .iter()
        .map(|place| place % (bytes.len() + 1))
        .collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect()
}

fn decoded<'a>(limits: Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    feed(&mut Decoder::new(limits), pieces)
}

/// [WIRE 046] Whole, byte by byte and in random pieces.
fn every_split(limits: Limits, bytes: &[u8], places: &[usize]) -> Outcome {
    let whole = decoded(limits, [bytes]);
    assert_same(&whole, &decoded(limits, bytes.chunks(1)), "byte by byte");
    assert_same(
        &whole,
        &decoded(limits, cut(bytes, places)),
        "random pieces",
    );
    whole
}

fn any_message() -> impl Strategy<Value = Message> {
    let kinds = vec![0, 7, 8, 9, 15, 16, 17, 18, 19, 20, 22, 255];
    let time = prop_oneof![any::<u32>(), 0xff_fffd..0x100_0002_u32];
    let payload = prop::collection::vec(any::<u8>(), 0..700);
    (
        2..=65_599_u32,
        prop::sample::select(kinds),
        any::<u32>(),
        time,
        payload,
    )
        .prop_map(|(id, kind, stream, timestamp, payload)| Message {
            chunk_stream: csid(id),
            message_type: MessageType::from_id(kind),
            stream: MessageStreamId(stream),
            timestamp,
            payload: payload.into(),
        })
}

fn places() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..20_000_usize, 0..20)
}

proptest! {
    /// [WIRE 059] What we encode decodes to the same messages.
    #[test]
    fn encoded_messages_come_back(
        messages in prop::collection::vec(any_message(), 0..12),
        chunk_size in prop_oneof![1..600_u32, Just(65_536), Just(0x7fff_ffff)],
        places in places(),
    ) {
        let mut bytes = BytesMut::from(&set_chunk_size(chunk_size)[..]);
        for message in &messages {
            let header = Header {
                chunk_stream: message.chunk_stream,
                message_type: message.message_type,
                stream: message.stream,
                timestamp: message.timestamp,
            };
            let before = bytes.len();
            encode(&mut bytes, &header, &message.payload, chunk_size);
            let len = encoded_len(&header, message.payload.len(), chunk_size);
            prop_assert_eq!(bytes.len() - before, len);
            let seam = message_len(&bytes[before..], chunk_size);
            prop_assert_eq!(seam, (message.chunk_stream.get() < 64).then_some(len));
        }
        let outcome = every_split(Limits::authorised(), &bytes, &places);
        prop_assert_eq!(outcome.partial_bytes, 0);
        prop_assert_eq!(&outcome.whole()[1..], &messages[..]);
    }

    /// [WIRE 047] Every legal mixture of headers, interleaving, aborts and chunk sizes, in both habits.
    #[test]
    fn every_legal_mixture_is_accepted(
        steps in steps(),
        omits in any::<bool>(),
        places in places(),
    ) {
        let habit = if omits { Habit::Omits } else { Habit::Repeats };
        let writer = Writer::write(habit, &steps);
        let outcome = every_split(Limits::authorised(), &writer.bytes, &places);
        prop_assert_eq!(outcome.error, None);
        prop_assert_eq!(outcome.messages, writer.expected);
        prop_assert_eq!(outcome.partial_bytes, 0);
    }

    /// [WIRE 206] Any bytes end in messages or an error, the same in every split.
    #[test]
    fn random_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..3_000),
        places in places(),
    ) {
        every_split(Limits::before_authorisation(), &bytes, &places);
        every_split(Limits::authorised(), &bytes, &places);
    }

    /// [WIRE 206] Damaged but nearly legal bytes, which reach further than random ones.
    #[test]
    fn damaged_streams_never_panic(
        steps in steps(),
        damage in prop::collection::vec((0..20_000_usize, any::<u8>()), 1..6),
        places in places(),
    ) {
        let mut bytes = Writer::write(Habit::Repeats, &steps).bytes;
        for (place, byte) in damage {
            let len = bytes.len();
            bytes[place % len] = byte;
        }
        every_split(Limits::before_authorisation(), &bytes, &places);
        let limits = Limits { partial_bytes: 400, chunk_streams: 3, ..Limits::authorised() };
        every_split(limits, &bytes, &places);
    }

    /// [WIRE 202] What is held never exceeds what came.
    #[test]
    fn partial_bytes_follow_received_bytes(steps in steps()) {
        let bytes = Writer::write(Habit::Repeats, &steps).bytes;
        let mut decoder = Decoder::new(Limits::authorised());
        for (taken, piece) in bytes.chunks(1).enumerate() {
            feed(&mut decoder, [piece]).whole();
            prop_assert!(decoder.partial_bytes() <= taken);
        }
    }

    /// [WIRE 116] Holding at any time, for any number of reads, changes nothing but the moment.
    #[test]
    fn holding_loses_nothing(
        steps in steps(),
        places in places(),
        holds in prop::collection::vec(any::<bool>(), 24),
    ) {
        let writer = Writer::write(Habit::Repeats, &steps);
        let mut decoder = Decoder::new(Limits::authorised());
        let mut messages = Vec::new();
        let mut kept: Vec<u8> = Vec::new();
        let mut holds = holds.into_iter();
        for piece in cut(&writer.bytes, &places).into_iter().chain([&[][..]]) {
            decoder.set_hold_media(!piece.is_empty() && holds.next().unwrap_or(false));
            kept.extend_from_slice(piece);
            let mut input = &kept[..];
            while let Some(message) = decoder.decode(&mut input).expect("legal chunks") {
                messages.push(message);
            }
            prop_assert!(input.is_empty() || decoder.is_holding());
            kept = input.to_vec();
        }
        decoder.set_hold_media(false);
        let mut input = &kept[..];
        while let Some(message) = decoder.decode(&mut input).expect("legal chunks") {
            messages.push(message);
        }
        prop_assert_eq!(messages, writer.expected);
    }
}
