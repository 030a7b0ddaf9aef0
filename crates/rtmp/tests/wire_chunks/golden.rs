//! Golden chunk streams and what every decoder must accept or refuse.

use bongsu_rtmp::chunk::{ChunkError, Decoder};
use bongsu_rtmp::{Limits, MessageStreamId, MessageType};

use crate::support::{csid, decode, feed, full_header, hex, message, numbered, set_chunk_size};

const AUDIO: [u8; 4] = [0xaf, 0x01, 0xaa, 0xbb];

/// [WIRE 020] [WIRE 021] V09.
#[test]
fn every_form_of_the_basic_header() {
    let rows = [
        ("02", 2),
        ("3f", 63),
        ("0000", 64),
        ("010000", 64),
        ("00ff", 319),
        ("01ff00", 319),
        ("010001", 320),
        ("01ffff", 65_599),
    ];
    for (basic, id) in rows {
        let bytes = hex(&format!("{basic} 000001 000001 08 01000000 aa"));
        let expected = message(id, MessageType::Audio, 1, vec![0xaa]);
        assert_eq!(decode(&bytes).whole(), [expected], "{basic}");
    }
}

/// [WIRE 020] The two and three byte forms share one state: type 3 in one repeats type 0 in the other.
#[test]
fn both_long_forms_are_the_same_chunk_stream() {
    for second in ["c000", "c10000"] {
        let bytes = hex(&format!("0000 000005 000001 08 01000000 aa {second} bb"));
        let messages = decode(&bytes).whole();
        assert_eq!(messages[1].timestamp, 10);
        assert_eq!(messages[1].chunk_stream, csid(64));
    }
}

/// V10, [WIRE 022]: 300 bytes in three chunks of up to 128, message stream 1 in little-endian.
#[test]
fn a_message_in_three_chunks() {
    let payload = numbered(300);
    let bytes = [
        hex("06 0003e8 00012c 09 01000000"),
        payload[..128].to_vec(),
        hex("c6"),
        payload[128..256].to_vec(),
        hex("c6"),
        payload[256..].to_vec(),
    ]
    .concat();
    assert_eq!(bytes.len(), 314);
    let expected = message(6, MessageType::Video, 1000, payload);
    assert_eq!(decode(&bytes).whole(), [expected]);
}

/// [WIRE 023] V13.
#[test]
fn the_four_header_types_in_turn() {
    let bytes = hex(
        "040003e8 00000408 01000000 af01aabb 44000014 00000408 af01aabb 84000014 af01aabb c4af01aa bb",
    );
    let expected =
        [1000, 1020, 1040, 1060].map(|at| message(4, MessageType::Audio, at, AUDIO.to_vec()));
    assert_eq!(decode(&bytes).whole(), expected);
}

/// [WIRE 032] V14.
#[test]
fn the_extended_timestamp_is_there_exactly_at_all_ones() {
    let bytes = hex("04fffffe 00000408 01000000 af01aabb
         04ffffff 00000408 01000000 00ffffff af01aabb
         04ffffff 00000408 01000000 ffffffff af01aabb");
    assert_eq!(
        decode(&bytes).timestamps(),
        [0xff_fffe, 0xff_ffff, u32::MAX]
    );
}

/// [WIRE 024] V15.
#[test]
fn deltas_wrap() {
    let bytes = hex("04ffffff 00000408 01000000 fffffff0 af01aabb 84000020 af01aabb");
    assert_eq!(decode(&bytes).timestamps(), [0xffff_fff0, 0x10]);
}

/// [WIRE 030] V16, and a third message: the delta stays.
#[test]
fn type_3_behind_type_0_adds_its_timestamp() {
    let bytes = hex("0400001a 00000408 01000000 af01aabb c4af01aa bb c4af01aa bb");
    assert_eq!(decode(&bytes).timestamps(), [26, 52, 78]);
}

/// [WIRE 031] Up to 1000 ms the time of type 0 is a delta, above it the same time again, and again.
#[test]
fn type_3_behind_type_0_repeats_a_time_over_a_second() {
    let bytes = |time| {
        hex(&format!(
            "04 {time} 00000408 01000000 af01aabb c4af01aa bb c4af01aa bb"
        ))
    };
    assert_eq!(decode(&bytes("0003e8")).timestamps(), [1000, 2000, 3000]);
    assert_eq!(decode(&bytes("0003e9")).timestamps(), [1001, 1001, 1001]);
    let delta_behind = [bytes("0003e9"), hex("84 0003e9 af01aabb c4af01aa bb")].concat();
    assert_eq!(
        decode(&delta_behind).timestamps(),
        [1001, 1001, 1001, 2002, 3003],
        "a delta is a delta, however large"
    );
}

/// [WIRE 043] [WIRE 044] V18: audio inside a video message, then the tail, or an abort instead of it.
#[test]
fn interleaved_messages_and_the_abort_of_one() {
    let head = [
        hex("06 000000 0000c8 09 01000000"),
        vec![0; 128],
        hex("04 000000 000004 08 01000000 af01aabb"),
    ]
    .concat();
    let audio = message(4, MessageType::Audio, 0, AUDIO.to_vec());

    let tail = [hex("c6"), vec![0; 72]].concat();
    let video = message(6, MessageType::Video, 0, vec![0; 200]);
    assert_eq!(
        decode(&[head.clone(), tail].concat()).whole(),
        [audio.clone(), video]
    );

    let abort = hex("02 000000 000004 02 00000000 00000006");
    let aborted = [head, abort].concat();
    let outcome = decode(&aborted);
    assert_eq!(outcome.partial_bytes, 0);
    assert_eq!(outcome.messages.len(), 2);
    assert_eq!(outcome.messages[0], audio);

    // The header stays: type 2 and type 3 open the next messages on the aborted chunk stream.
    let next = [hex("86 000007"), vec![1; 128], hex("c6"), vec![2; 72]].concat();
    let messages = decode(&[aborted, next].concat()).whole();
    let payload = [vec![1; 128], vec![2; 72]].concat();
    assert_eq!(messages[2], message(6, MessageType::Video, 7, payload));
}

/// [WIRE 045] Unknown chunk stream, nothing partial, an id that cannot exist.
#[test]
fn an_abort_of_nothing_is_ignored() {
    for id in ["00000009", "00000004", "00000002", "00000000", "ffffffff"] {
        let bytes = hex(&format!(
            "04 000000 000001 08 01000000 aa 02 000000 000004 02 00000000 {id} c4 bb"
        ));
        assert_eq!(decode(&bytes).whole().len(), 3, "{id}");
    }
}

/// [WIRE 025] [WIRE 139]
#[test]
fn a_message_of_no_bytes_ends_with_its_header() {
    let bytes = hex("04 000001 000000 08 01000000 84 000002 c4");
    let expected = [1, 3, 5].map(|at| message(4, MessageType::Audio, at, vec![]));
    assert_eq!(decode(&bytes).whole(), expected);
    assert_eq!(decode(&bytes[..12]).whole().len(), 1);
}

/// [WIRE 026] Some clients open chunk stream 2 with type 1.
#[test]
fn type_1_may_open_a_chunk_stream() {
    let bytes = hex("42 000009 000004 05 002625a0 42 000001 000004 03 00000001");
    let messages = decode(&bytes).whole();
    assert_eq!(messages[0].stream, MessageStreamId::CONNECTION);
    assert_eq!(
        messages[0].message_type,
        MessageType::WindowAcknowledgementSize
    );
    assert_eq!((messages[0].timestamp, messages[1].timestamp), (9, 10));
}

/// [WIRE 027]
#[test]
fn types_2_and_3_may_not() {
    for (bytes, fmt, id) in [
        ("84 000001 aa", 2, 4),
        ("c4 aa", 3, 4),
        ("c10001 aa", 3, 320),
    ] {
        let error = Some(ChunkError::NoHeader { fmt, csid: id });
        assert_eq!(decode(&hex(bytes)).error, error, "{bytes}");
    }
}

/// [WIRE 028] One chunk stream carries a command, audio and data in turn; the state is the chunk stream's.
#[test]
fn header_state_belongs_to_the_chunk_stream() {
    let bytes = hex("04 000000 000001 14 01000000 02
         44 000014 000002 08 af01
         44 000005 000001 12 02
         84 000005 02
         c4 05");
    let expected = [
        message(4, MessageType::CommandAmf0, 0, vec![2]),
        message(4, MessageType::Audio, 20, vec![0xaf, 1]),
        message(4, MessageType::DataAmf0, 25, vec![2]),
        message(4, MessageType::DataAmf0, 30, vec![2]),
        message(4, MessageType::DataAmf0, 35, vec![5]),
    ];
    assert_eq!(decode(&bytes).whole(), expected);
}

/// [WIRE 029] Set Chunk Size and Abort act on any chunk stream and any message stream.
#[test]
fn control_acts_wherever_it_comes() {
    let mut decoder = Decoder::new(Limits::authorised());
    let bytes = hex("06 000000 000004 01 07000000 00001000");
    feed(&mut decoder, [&bytes[..]]).whole();
    assert_eq!(decoder.chunk_size(), 4096);

    let partial = [full_header(4, 0, 5000, 8), vec![0; 4096]].concat();
    assert_eq!(feed(&mut decoder, [&partial[..]]).partial_bytes, 4096);
    let abort = hex("05 000000 000004 02 07000000 00000004");
    assert_eq!(feed(&mut decoder, [&abort[..]]).partial_bytes, 0);
}

/// [WIRE 038]
#[test]
fn a_header_inside_a_message_is_refused() {
    for (fmt, header) in [
        (0, "06 000000 0000c8 09 01000000"),
        (1, "46 000000 0000c8 09"),
        (2, "86 000000"),
    ] {
        let bytes = [
            hex("06 000000 0000c8 09 01000000"),
            vec![0; 128],
            hex(header),
            vec![0; 72],
        ]
        .concat();
        let error = ChunkError::HeaderInsideMessage { fmt, csid: 6 };
        assert_eq!(decode(&bytes).error, Some(error));
    }
}

/// [WIRE 039] [WIRE 040] The new size holds from the next chunk, in the middle of another message.
#[test]
fn chunk_size_changes_inside_a_message() {
    let payload = numbered(300);
    let bytes = [
        full_header(6, 0, 300, 9),
        payload[..128].to_vec(),
        set_chunk_size(150),
        hex("c6"),
        payload[128..278].to_vec(),
        set_chunk_size(5),
        hex("c6"),
        payload[278..283].to_vec(),
        set_chunk_size(4096),
        hex("c6"),
        payload[283..].to_vec(),
    ]
    .concat();
    let messages = decode(&bytes).whole();
    assert_eq!(messages.len(), 4);
    assert_eq!(messages[3], message(6, MessageType::Video, 0, payload));
}

/// [WIRE 041] [WIRE 042]
#[test]
fn legal_chunk_sizes_are_1_to_2_31_less_1() {
    for size in [1, 2, 127, 65_536, 0xff_ffff, 0x7fff_ffff] {
        let mut decoder = Decoder::new(Limits::authorised());
        feed(&mut decoder, [&set_chunk_size(size)[..]]).whole();
        assert_eq!(decoder.chunk_size(), size);
    }
    for size in [0, 0x8000_0000, 0x8000_1000, u32::MAX] {
        let outcome = decode(&set_chunk_size(size));
        assert_eq!(outcome.error, Some(ChunkError::ChunkSize(size)));
    }
}

/// [WIRE 072] Bodies that are too short are refused, longer ones are fine.
#[test]
fn chunk_size_and_abort_need_four_bytes() {
    for id in [1, 2] {
        for len in 0..4_u8 {
            let bytes = [full_header(2, 0, len.into(), id), vec![1; len.into()]].concat();
            let error = ChunkError::ShortControl {
                id,
                len: len.into(),
            };
            assert_eq!(decode(&bytes).error, Some(error));
        }
        let bytes = [full_header(2, 0, 6, id), vec![0, 0, 1, 0, 9, 9]].concat();
        assert_eq!(decode(&bytes).whole().len(), 1);
    }
}

/// [WIRE 043] Sixteen messages at once, their chunks in turn.
#[test]
fn sixteen_chunk_streams_interleaved() {
    let mut bytes = Vec::new();
    for id in 4..20 {
        bytes.extend(full_header(id, u32::from(id), 300, 9));
        bytes.extend(vec![id; 128]);
    }
    for length in [128, 44] {
        for id in 4..20 {
            bytes.push(0xc0 | id);
            bytes.extend(vec![id; length]);
        }
    }
    let expected: Vec<_> = (4..20_u8)
        .map(|id| message(id.into(), MessageType::Video, id.into(), vec![id; 300]))
        .collect();
    assert_eq!(decode(&bytes).whole(), expected);
}

/// [WIRE 049] Types that nobody assigned come out as they are, and decoding goes on.
#[test]
fn unknown_types_pass() {
    let bytes = hex("04 000001 000001 07 01000000 aa 44 000001 000001 fe bb 44 000000 000000 00");
    let kinds: Vec<_> = decode(&bytes)
        .whole()
        .iter()
        .map(|message| message.message_type)
        .collect();
    assert_eq!(kinds, [7, 0xfe, 0].map(MessageType::Unknown));
}
