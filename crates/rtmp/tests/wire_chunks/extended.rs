//! Extended timestamps in type 3 chunks: peers that repeat them and peers that do not. [RTMP 5.3.1.3]

use bongsu_rtmp::Limits;
use bongsu_rtmp::MessageType;
use bongsu_rtmp::chunk::{Decoder, Message};

use crate::support::{decode, feed, full_header, hex, message, numbered};

/// The three chunks of V11 and V12, with `repeated` in both continuations.
fn three_chunks(first: &str, continuation: &str, payload: &[u8]) -> Vec<u8> {
    [
        hex(first),
        payload[..128].to_vec(),
        hex(continuation),
        payload[128..256].to_vec(),
        hex(continuation),
        payload[256..].to_vec(),
    ]
    .concat()
}

/// A message of 130 bytes whose continuation holds two bytes and omits the timestamp.
fn short_tail(timestamp: &str) -> Vec<u8> {
    [
        hex(&format!("06 ffffff 000082 09 01000000 {timestamp}")),
        vec![0x55; 128],
        hex("c6"),
        vec![0x55; 2],
    ]
    .concat()
}

fn video_300(timestamp: u32) -> Message {
    message(6, MessageType::Video, timestamp, numbered(300))
}

const FIRST: &str = "06 ffffff 00012c 09 01000000 01000000";

/// [WIRE 033] [WIRE 034] V11 and V12, in every split.
#[test]
fn repeated_or_omitted_it_is_the_same_message() {
    let repeated = three_chunks(FIRST, "c6 01000000", &numbered(300));
    assert_eq!(repeated.len(), 326);
    assert_eq!(decode(&repeated).whole(), [video_300(0x0100_0000)]);

    let omitted = three_chunks(FIRST, "c6", &numbered(300));
    assert_eq!(omitted.len(), 318);
    assert_eq!(decode(&omitted).whole(), [video_300(0x0100_0000)]);
}

/// [WIRE 035] V17: behind a type 1 header the repeated field is the delta.
#[test]
fn an_extended_delta_is_added() {
    let command = hex("04 0003e8 000001 14 01000000 02");
    let video = three_chunks(
        "44 ffffff 00012c 09 01000000",
        "c4 01000000",
        &numbered(300),
    );
    let messages = decode(&[command, video].concat()).whole();
    let expected = message(4, MessageType::Video, 0x0100_03e8, numbered(300));
    assert_eq!(messages[1], expected);
}

/// [WIRE 024] [WIRE 035] A small step back as a delta near 2^32.
#[test]
fn a_step_back_is_an_extended_delta() {
    let bytes = hex("04 000064 000001 08 01000000 aa 84 ffffff ffffffec bb c4 ffffffec cc");
    assert_eq!(decode(&bytes).timestamps(), [100, 80, 60]);
}

/// [WIRE 030] Type 3 that opens a message: behind type 0 the field is a time, behind types 1 and 2 a delta.
#[test]
fn type_3_opens_a_message_with_an_extended_field() {
    let bytes = hex("04 ffffff 000001 08 01000000 01000000 aa
         c4 01000000 bb
         c4 01000010 cc
         84 ffffff 01000000 dd
         c4 01000000 ee
         84 000005 ff
         c4 11");
    let expected = [
        0x0100_0000,
        0x0100_0000,
        0x0100_0010,
        0x0200_0010,
        0x0300_0010,
        0x0300_0015,
        0x0300_001a,
    ];
    assert_eq!(decode(&bytes).timestamps(), expected);
}

/// [WIRE 036] [WIRE 037] Once a peer is known to omit it, a tail of two bytes is not waited for.
#[test]
fn a_known_omitter_does_not_stall() {
    let known = three_chunks(FIRST, "c6", &numbered(300));
    let bytes = [known, short_tail("01000040")].concat();
    let outcome = decode(&bytes);
    assert_eq!(outcome.partial_bytes, 0);
    let messages = outcome.whole();
    assert_eq!(messages.len(), 2);
    assert_eq!(
        messages[1],
        message(6, MessageType::Video, 0x0100_0040, vec![0x55; 130])
    );
}

/// [WIRE 036] A known omitter opens a message with type 3: no field there either.
#[test]
fn a_known_omitter_opens_messages_without_it() {
    let known = three_chunks(FIRST, "c6", &numbered(300));
    let next = three_chunks("c6", "c6", &numbered(300));
    let messages = decode(&[known, next].concat()).whole();
    assert_eq!(messages[1], video_300(0x0100_0000));
}

/// [WIRE 036] The first short tail waits for what comes behind it, whatever that is; nothing is lost.
#[test]
fn an_unknown_peer_is_told_by_the_bytes_of_the_next_chunk() {
    let mut decoder = Decoder::new(Limits::authorised());
    let tail = short_tail("01000000");
    let waiting = feed(&mut decoder, [&tail[..]]);
    assert_eq!((waiting.messages.len(), waiting.partial_bytes), (0, 128));

    let expected = message(6, MessageType::Video, 0x0100_0000, vec![0x55; 130]);
    let audio = [full_header(4, 7, 3, 8), vec![1, 2, 3]].concat();
    let next = feed(&mut decoder, audio.chunks(1)).whole();
    assert_eq!(
        next,
        [
            expected.clone(),
            message(4, MessageType::Audio, 7, vec![1, 2, 3])
        ]
    );

    // The bytes in question may be two whole chunks of the next message.
    let empty = hex("04 000001 000000 08 01000000 c4 c4 c4");
    let messages = decode(&[empty[..12].to_vec(), tail, empty[12..].to_vec()].concat()).whole();
    let kinds: Vec<_> = messages.iter().map(|message| message.timestamp).collect();
    assert_eq!(kinds, [1, 0x0100_0000, 2, 3, 4]);
}

/// [WIRE 036] The answer is the connection's: learned on one chunk stream it holds on another.
#[test]
fn the_habit_is_the_connection_s() {
    let known = three_chunks(FIRST, "c6", &numbered(300));
    let other = hex("05 ffffff 000002 08 01000000 01000000 aabb c5 ccdd");
    let messages = decode(&[known, other].concat()).whole();
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[2].payload[..], [0xcc, 0xdd]);
}

/// A peer that repeats is compared each time: one continuation without the field is payload.
#[test]
fn a_known_repeater_is_still_compared() {
    let known = three_chunks(FIRST, "c6 01000000", &numbered(300));
    let without = three_chunks(
        "06 ffffff 00012c 09 01000000 01000064",
        "c6",
        &numbered(300),
    );
    let again = three_chunks(
        "06 ffffff 00012c 09 01000000 010000c8",
        "c6 010000c8",
        &numbered(300),
    );
    let messages = decode(&[known, without, again].concat()).whole();
    assert_eq!(
        messages,
        [0x0100_0000, 0x0100_0064, 0x0100_00c8].map(video_300)
    );
}
