//! A chunk writer that uses every legal liberty, and says what must come out. [WIRE 047]

use std::collections::BTreeMap;

use bongsu_rtmp::chunk::Message;
use bongsu_rtmp::{MessageStreamId, MessageType};
use bytes::Bytes;
use proptest::prelude::*;

use crate::support::csid;

/// One thing that a writer may do next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Opens a message, or goes on with the one that is open on the chunk stream.
    Chunk {
        chunk_stream: u32,
        /// Which header type it would like; another one is taken where that one is not legal.
        fmt: u8,
        /// Absolute time or delta.
        time: u32,
        kind: u8,
        stream: u32,
        length: usize,
    },
    SetChunkSize(u32),
    Abort(u32),
}

/// How the writer treats the extended timestamp in type 3 chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    Repeats,
    Omits,
}

const CHUNK_STREAMS: [u32; 7] = [3, 4, 6, 63, 64, 319, 65_599];

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let time = prop_oneof![
        4 => 0..100_u32,
        1 => 998..1004_u32,
        1 => 0xff_fff0..0x100_0010_u32,
        1 => 0xffff_ff00..=u32::MAX,
        1 => any::<u32>(),
    ];
    let kinds = vec![0, 7, 8, 9, 15, 17, 18, 19, 20, 22, 255];
    let chunk = (
        prop::sample::select(CHUNK_STREAMS.to_vec()),
        0..4_u8,
        time,
        prop::sample::select(kinds),
        prop_oneof![Just(1_u32), any::<u32>()],
        prop_oneof![3 => 0..20_usize, 2 => 100..400_usize],
    )
        .prop_map(
            |(chunk_stream, fmt, time, kind, stream, length)| Step::Chunk {
                chunk_stream,
                fmt,
                time,
                kind,
                stream,
                length,
            },
        );
    let step = prop_oneof![
        20 => chunk,
        1 => prop_oneof![1..200_u32, Just(0x7fff_ffff)].prop_map(Step::SetChunkSize),
        1 => prop_oneof![prop::sample::select(CHUNK_STREAMS.to_vec()), any::<u32>()]
            .prop_map(Step::Abort),
    ];
    prop::collection::vec(step, 1..60)
}

/// What a writer remembers of a chunk stream.
#[derive(Debug, Clone)]
struct Remembered {
    time: u32,
    extended: bool,
    absolute: bool,
    message: Message,
    /// Payload bytes that are written; `None` between messages.
    written: Option<usize>,
}

impl Remembered {
    fn new(chunk_stream: u32) -> Self {
        Self {
            time: 0,
            extended: false,
            absolute: false,
            message: Message {
                chunk_stream: csid(chunk_stream),
                message_type: MessageType::Unknown(0),
                stream: MessageStreamId(0),
                timestamp: 0,
                payload: Bytes::new(),
            },
            written: None,
        }
    }
}

/// Writes chunks and notes the messages that must come out.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) expected: Vec<Message>,
    chunk_size: usize,
    habit: Habit,
    streams: BTreeMap<u32, Remembered>,
    payloads: u8,
}

impl Writer {
    /// Writes all steps, then the rest of every open message.
    pub(crate) fn write(habit: Habit, steps: &[Step]) -> Self {
        let mut writer = Self {
            bytes: Vec::new(),
            expected: Vec::new(),
            chunk_size: 128,
            habit,
            streams: BTreeMap::new(),
            payloads: 0,
        };
        if habit == Habit::Omits {
            // A reader learns the habit from a continuation; before it type 3 cannot open a message.
            let payload = writer.payload(300);
            writer.open(5, 0, 0x0100_0000, 9, 1, payload);
            writer.finish(5);
        }
        for step in steps {
            writer.step(step);
        }
        let open: Vec<u32> = writer.streams.keys().copied().collect();
        for chunk_stream in open {
            writer.finish(chunk_stream);
        }
        writer
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Chunk {
                chunk_stream,
                fmt,
                time,
                kind,
                stream,
                length,
            } => {
                if self.is_open(chunk_stream) {
                    self.go_on(chunk_stream);
                    return;
                }
                let before = self.streams.get(&chunk_stream);
                let fmt = if before.is_none() && fmt > 1 { 0 } else { fmt };
                let length = match before {
                    Some(before) if fmt > 1 => before.message.payload.len(),
                    _ => length,
                };
                let payload = self.payload(length);
                self.open(chunk_stream, fmt, time, kind, stream, payload);
            }
            Step::SetChunkSize(size) => {
                self.control(MessageType::SetChunkSize, size);
                self.chunk_size = size as usize;
            }
            Step::Abort(chunk_stream) => {
                self.control(MessageType::Abort, chunk_stream);
                if let Some(remembered) = self.streams.get_mut(&chunk_stream) {
                    remembered.written = None;
                }
            }
        }
    }

    fn is_open(&self, chunk_stream: u32) -> bool {
        self.streams
            .get(&chunk_stream)
            .is_some_and(|stream| stream.written.is_some())
    }

    fn finish(&mut self, chunk_stream: u32) {
        while self.is_open(chunk_stream) {
            self.go_on(chunk_stream);
        }
    }

    /// A control message, whole, whatever the chunk size.
    fn control(&mut self, kind: MessageType, number: u32) {
        self.open(2, 0, 0, kind.id(), 0, number.to_be_bytes().to_vec());
        self.finish(2);
    }

    /// Bytes that differ from message to message.
    fn payload(&mut self, length: usize) -> Vec<u8> {
        self.payloads = self.payloads.wrapping_mul(5).wrapping_add(17);
        let bytes = (0..=u8::MAX)
            .cycle()
            .map(|byte| byte.wrapping_mul(7) ^ self.payloads);
        bytes.take(length).collect()
    }

    /// Begins a message with a header type that is legal here; types 2 and 3 keep length and type.
    fn open(
        &mut self,
        chunk_stream: u32,
        fmt: u8,
        time: u32,
        kind: u8,
        stream: u32,
        payload: Vec<u8>,
    ) {
        let before = self.streams.remove(&chunk_stream);
        let mut next = before.unwrap_or_else(|| Remembered::new(chunk_stream));
        next.message.payload = payload.into();
        if fmt < 2 {
            next.message.message_type = MessageType::from_id(kind);
        }
        if fmt == 0 {
            next.message.stream = MessageStreamId(stream);
        }
        if fmt < 3 {
            next.time = time;
            next.extended = time >= 0xff_ffff;
            next.absolute = fmt == 0;
        }
        next.message.timestamp = match fmt {
            0 => time,
            // [WIRE 031] A time over a second is the same time again.
            3 if next.absolute && (next.extended || next.time > 1000) => next.time,
            _ => next.message.timestamp.wrapping_add(next.time),
        };
        next.written = Some(0);
        self.write_header(chunk_stream, fmt, &next);
        self.streams.insert(chunk_stream, next);
        self.write_payload(chunk_stream);
    }

    fn go_on(&mut self, chunk_stream: u32) {
        let remembered = self.streams[&chunk_stream].clone();
        self.write_header(chunk_stream, 3, &remembered);
        self.write_payload(chunk_stream);
    }

    fn write_header(&mut self, chunk_stream: u32, fmt: u8, of: &Remembered) {
        let high = fmt << 6;
        // Ids from 64 to 319 have two forms; the parity of what was written picks one.
        let long = chunk_stream > 319 || self.bytes.len() % 2 == 1;
        let low = |number: u32| number.to_le_bytes()[0];
        match chunk_stream.checked_sub(64) {
            None => self.bytes.push(high | low(chunk_stream)),
            Some(rest) if long => self.bytes.extend([high | 1, low(rest), low(rest >> 8)]),
            Some(rest) => self.bytes.extend([high, low(rest)]),
        }
        let field = if of.extended { 0xff_ffff } else { of.time };
        if fmt < 3 {
            self.bytes.extend_from_slice(&field.to_be_bytes()[1..]);
        }
        if fmt < 2 {
            let length = u32::try_from(of.message.payload.len()).expect("short");
            self.bytes.extend_from_slice(&length.to_be_bytes()[1..]);
            self.bytes.push(of.message.message_type.id());
        }
        if fmt == 0 {
            self.bytes
                .extend_from_slice(&of.message.stream.0.to_le_bytes());
        }
        if of.extended && (fmt < 3 || self.habit == Habit::Repeats) {
            self.bytes.extend_from_slice(&of.time.to_be_bytes());
        }
    }

    fn write_payload(&mut self, chunk_stream: u32) {
        let remembered = self.streams.get_mut(&chunk_stream).expect("it is open");
        let from = remembered.written.expect("it is open");
        let payload = &remembered.message.payload;
        let to = payload.len().min(from.saturating_add(self.chunk_size));
        self.bytes.extend_from_slice(&payload[from..to]);
        remembered.written = (to < payload.len()).then_some(to);
        if to == payload.len() {
            self.expected.push(remembered.message.clone());
        }
    }
}
