//! Goal: a publisher whose clock starts near a boundary is read right on both sides of it, in every form of header, with
//! extended timestamps repeated in type 3 chunks or not.

use bongsu_rtmp::Limits;
use bongsu_rtmp::chunk::Decoder;

use crate::reference::{Habit, Step, Writer};
use crate::support::{Outcome, assert_same, decode, feed};

/// Where a field changes its form, a sign appears, or the count begins again.
const BOUNDARIES: [u64; 3] = [1 << 24, 1 << 31, 1 << 32];
/// From one message of a kind to the next.
const STEP_MS: u32 = 40;
/// Messages of a kind on each side of the boundary.
const EACH_SIDE: u32 = 4;

const AUDIO: u32 = 4;
const VIDEO: u32 = 6;

/// The first time of a publisher, so many messages before a boundary.
fn start(boundary: u64) -> u32 {
    let start = boundary - u64::from(EACH_SIDE * STEP_MS);
    u32::try_from(start).expect("below 2^32")
}

/// One chunk of a message of this kind; of video it takes three.
fn chunk(chunk_stream: u32, fmt: u8, time: u32) -> Step {
    let (kind, length) = if chunk_stream == VIDEO {
        (9, 300)
    } else {
        (8, 9)
    };
    Step::Chunk {
        chunk_stream,
        fmt,
        time,
        kind,
        stream: 1,
        length,
    }
}

/// Audio and video across a boundary, audio between the chunks of video. `fmt` is the header of all but the first.
fn publisher(boundary: u64, fmt: u8) -> Vec<Step> {
    let mut steps = Vec::new();
    for count in 0..=2 * EACH_SIDE {
        let time = start(boundary).wrapping_add(count * STEP_MS);
        // The second message has a delta for the third to repeat.
        let (fmt, time) = match (count, fmt) {
            (0, _) | (_, 0) => (0, time),
            (1, 3) => (2, STEP_MS),
            _ => (fmt, STEP_MS),
        };
        steps.push(chunk(VIDEO, fmt, time));
        steps.push(chunk(AUDIO, fmt, time));
        steps.extend([chunk(VIDEO, 3, 0), chunk(VIDEO, 3, 0)]);
    }
    steps
}

fn times(outcome: &Outcome, chunk_stream: u32) -> Vec<u32> {
    let of_it = outcome.messages.iter();
    of_it
        .filter(|message| message.chunk_stream.get() == chunk_stream)
        .map(|message| message.timestamp)
        .collect()
}

/// [WIRE 024] [WIRE 032] [WIRE 033] [WIRE 034] Each header type, each habit, whole and split at every byte.
#[test]
fn publishers_that_start_near_a_boundary() {
    for boundary in BOUNDARIES {
        let expected: Vec<u32> = (0..=2 * EACH_SIDE)
            .map(|count| start(boundary).wrapping_add(count * STEP_MS))
            .collect();
        for fmt in 0..=3 {
            for habit in [Habit::Repeats, Habit::Omits] {
                let writer = Writer::write(habit, &publisher(boundary, fmt));
                let outcome = decode(&writer.bytes);
                let how = format!("{boundary:#x}, type {fmt}, {habit:?}");
                assert_eq!(outcome.error, None, "{how}");
                assert_eq!(outcome.messages, writer.expected, "{how}");
                assert_eq!(times(&outcome, VIDEO), expected, "{how}");
                assert_eq!(times(&outcome, AUDIO), expected, "{how}");
            }
        }
    }
}

/// A clock that steps: back and ahead, by little and by much, as an absolute time and as a delta modulo 2^32.
#[test]
fn clocks_that_step_at_a_boundary() {
    let steps_ms = [
        -1_i64,
        -200,
        -5_000,
        -20_000_000,
        1,
        5_000,
        20_000_000,
        1 << 31,
    ];
    for boundary in BOUNDARIES {
        for step_ms in steps_ms {
            let delta = u32::try_from(step_ms.rem_euclid(1 << 32)).expect("32 bits");
            let stepped = start(boundary).wrapping_add(delta);
            for (fmt, time) in [(0, stepped), (1, delta), (2, delta)] {
                for habit in [Habit::Repeats, Habit::Omits] {
                    let mut steps = vec![chunk(VIDEO, 0, start(boundary))];
                    steps.extend([chunk(VIDEO, 3, 0), chunk(VIDEO, 3, 0)]);
                    steps.push(chunk(VIDEO, fmt, time));
                    let writer = Writer::write(habit, &steps);
                    let whole = feed(&mut Decoder::new(Limits::authorised()), [&writer.bytes[..]]);
                    let single = feed(
                        &mut Decoder::new(Limits::authorised()),
                        writer.bytes.chunks(1),
                    );
                    let how = format!("{boundary:#x} {step_ms:+} ms, type {fmt}, {habit:?}");
                    assert_same(&whole, &single, &how);
                    assert_eq!(times(&whole, VIDEO), [start(boundary), stepped], "{how}");
                }
            }
        }
    }
}
