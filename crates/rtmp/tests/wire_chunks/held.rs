//! Media that is held while a decision is open. [WIRE 116]

use bongsu_rtmp::chunk::{Decoder, Message};
use bongsu_rtmp::{Limits, MessageType};

use crate::support::{feed, full_header, hex, message, numbered};

fn audio(timestamp: u32, payload: &[u8]) -> Vec<u8> {
    [
        full_header(4, timestamp, payload.len(), 8),
        payload.to_vec(),
    ]
    .concat()
}

/// Decodes until `None`; gives the messages and what was not taken.
fn drain<'a>(decoder: &mut Decoder, mut input: &'a [u8]) -> (Vec<Message>, &'a [u8]) {
    let mut messages = Vec::new();
    while let Some(message) = decoder.decode(&mut input).expect("legal chunks") {
        messages.push(message);
    }
    (messages, input)
}

/// A decoder may end up in a log line, its payloads must not.
#[test]
fn debug_counts_what_has_come_and_does_not_show_it() {
    let mut decoder = Decoder::new(Limits::authorised());
    let half = [full_header(4, 5, 12, 8), b"sekret".to_vec()].concat();
    assert_eq!(drain(&mut decoder, &half), (vec![], &b""[..]));
    let text = format!("{decoder:?}");
    assert!(text.contains("received: 6, length: 12"), "{text}");
    // Neither as text nor as a list of bytes.
    assert!(!text.contains("sekret"), "{text}");
    assert!(!text.contains("115, 101, 107"), "{text}");
}

/// Control and commands pass, the first media header stays in the input, and nothing is lost later.
#[test]
fn the_first_media_header_is_not_taken() {
    let command = hex("03 000000 000001 14 01000000 02");
    for kind in [8, 9, 15, 18, 22] {
        let media = [full_header(4, 5, 3, kind), vec![1, 2, 3]].concat();
        let bytes = [command.clone(), media.clone(), command.clone()].concat();
        let mut decoder = Decoder::new(Limits::authorised());
        decoder.set_hold_media(true);

        let (messages, rest) = drain(&mut decoder, &bytes);
        assert_eq!(messages.len(), 1, "type {kind}");
        assert!(decoder.is_holding());
        assert_eq!(rest.len(), media.len() + command.len());
        assert_eq!(drain(&mut decoder, rest), (vec![], rest), "it stays held");

        decoder.set_hold_media(false);
        assert!(!decoder.is_holding());
        let (messages, rest) = drain(&mut decoder, rest);
        assert_eq!(
            messages[0],
            message(4, MessageType::from_id(kind), 5, vec![1, 2, 3])
        );
        assert_eq!((messages.len(), rest.len()), (2, 0));
    }
}

/// Types that are no media go on, shared objects and unknown ones included.
#[test]
fn only_media_is_held() {
    let mut decoder = Decoder::new(Limits::authorised());
    decoder.set_hold_media(true);
    for kind in [1, 3, 4, 5, 6, 7, 16, 17, 19, 20, 99] {
        let bytes = [full_header(3, 0, 4, kind), vec![0, 0, 0, 128]].concat();
        let (messages, rest) = drain(&mut decoder, &bytes);
        assert_eq!((messages.len(), rest.len()), (1, 0), "type {kind}");
        assert!(!decoder.is_holding());
    }
}

/// In each split of the media header the decoder keeps at most the header, and the payload comes exact.
#[test]
fn a_header_that_came_in_pieces_is_held_too() {
    let payload = numbered(200);
    let bytes = [
        audio(9, &payload[..128])[..12].to_vec(),
        payload[..128].to_vec(),
    ]
    .concat();
    let mut bytes = bytes;
    bytes[4..7].copy_from_slice(&[0, 0, 200]);
    bytes.push(0xc4);
    bytes.extend_from_slice(&payload[128..]);
    for cut in 0..=bytes.len() {
        let mut decoder = Decoder::new(Limits::authorised());
        decoder.set_hold_media(true);
        let (front, back) = bytes.split_at(cut);
        let (messages, kept) = drain(&mut decoder, front);
        assert!(messages.is_empty());
        assert!(cut - kept.len() <= 12, "at most the header was taken");
        let rest = [kept, back].concat();
        let (messages, kept) = drain(&mut decoder, &rest);
        assert!(messages.is_empty() && decoder.is_holding());
        assert_eq!(decoder.partial_bytes(), 0);

        decoder.set_hold_media(false);
        let (messages, rest) = drain(&mut decoder, kept);
        assert_eq!(
            messages,
            [message(4, MessageType::Audio, 9, payload.clone())],
            "cut {cut}"
        );
        assert!(rest.is_empty());
    }
}

/// Types 2 and 3 that open a media message are held by the type of before.
#[test]
fn repeated_headers_are_held() {
    for next in ["84 000005", "c4"] {
        let mut decoder = Decoder::new(Limits::authorised());
        assert_eq!(drain(&mut decoder, &audio(5, &[1])).0.len(), 1);
        decoder.set_hold_media(true);
        let bytes = [hex(next), vec![2]].concat();
        let (messages, rest) = drain(&mut decoder, &bytes);
        assert!(messages.is_empty() && decoder.is_holding());
        assert_eq!(rest, bytes);
        decoder.set_hold_media(false);
        assert_eq!(
            drain(&mut decoder, rest).0,
            [message(4, MessageType::Audio, 10, vec![2])]
        );
    }
}

/// Holding concerns messages that begin later: one that is half there is completed.
#[test]
fn a_message_that_has_begun_goes_on() {
    let video = [
        full_header(6, 0, 200, 9),
        vec![3; 128],
        hex("c6"),
        vec![3; 72],
    ]
    .concat();
    let bytes = [video, audio(0, &[1])].concat();
    let mut decoder = Decoder::new(Limits::authorised());
    drain(&mut decoder, &bytes[..100]);
    decoder.set_hold_media(true);
    let (messages, rest) = drain(&mut decoder, &bytes[100..]);
    assert_eq!(messages, [message(6, MessageType::Video, 0, vec![3; 200])]);
    assert!(decoder.is_holding());
    assert_eq!(rest.len(), 13);
}

/// Held media meets no limit, and asking again and again uses no budget; afterwards the new limits hold.
#[test]
fn nothing_is_counted_while_it_waits() {
    let strangers = Limits {
        chunk_headers_per_second: 3,
        chunk_streams: 1,
        ..Limits::before_authorisation()
    };
    let mut decoder = Decoder::new(strangers);
    let command = hex("03 000000 000001 14 01000000 02");
    assert_eq!(feed(&mut decoder, [&command[..]]).whole().len(), 1);
    decoder.set_hold_media(true);
    let big = full_header(6, 0, 0xff_ffff, 9);
    for _ in 0..100 {
        assert_eq!(drain(&mut decoder, &big).1.len(), big.len());
        assert!(decoder.is_holding());
    }
    decoder.set_limits(Limits {
        chunk_headers_per_second: 3,
        ..Limits::authorised()
    });
    decoder.set_hold_media(false);
    let (messages, rest) = drain(&mut decoder, &big);
    assert!(messages.is_empty() && rest.is_empty() && !decoder.is_holding());
}
