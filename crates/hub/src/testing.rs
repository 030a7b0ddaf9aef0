//! What the unit tests of this crate share.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    Config, Cursor, Dropped, Encode, Identity, Kind, LiveStream, Next, PublisherId, Pushed,
    Takeover,
};

/// An arbitrary origin of time.
#[expect(clippy::disallowed_methods, reason = "only differences to it matter")]
pub(crate) fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

/// An image that a test can read: message stream, kind, time, length, payload.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Toy;

impl Encode for Toy {
    fn encode(&self, message_stream: u32, kind: Kind, timestamp: u32, payload: &Bytes) -> Bytes {
        let mut image = BytesMut::new();
        image.put_u8(b'0' + u8::try_from(message_stream).unwrap());
        image.put_u8(letter(kind));
        image.put_u32(timestamp);
        image.put_u32(u32::try_from(payload.len()).unwrap());
        image.put_slice(payload);
        image.freeze()
    }
}

fn letter(kind: Kind) -> u8 {
    match kind {
        Kind::Audio => b'a',
        Kind::Video => b'v',
        Kind::Data => b'd',
    }
}

/// What a payload is, in two or more letters: see [`payload`].
pub(crate) fn name(payload: &[u8]) -> String {
    let text = |skip: usize| String::from_utf8(payload[skip..].to_vec()).unwrap();
    match payload {
        [] => "empty".to_owned(),
        [0x17, 0, ..] => format!("H{}", text(6)),
        [0x17, 1, ..] => format!("K{}", text(5)),
        [0x27, 1, ..] => format!("P{}", text(5)),
        [0x17, 2, ..] => "E".to_owned(),
        [0x57, ..] => "C".to_owned(),
        [0xaf, 0, ..] => format!("h{}", text(3)),
        [0xaf, 1, ..] => format!("a{}", text(2)),
        [0x1c, 0, ..] => format!("12:H{}", text(6)),
        [0x1c, 1, ..] => format!("12:K{}", text(5)),
        [0x2c, 1, ..] => format!("12:P{}", text(5)),
        [0x96, 0, ..] => format!("H.{}", payload[6]),
        [0x96, 1, ..] => format!("K.{}", payload[6]),
        [0xa6, 1, ..] => format!("P.{}", payload[6]),
        [0x96, 0x10, ..] => format!("H.{}+{}", payload[6], payload[12]),
        [0x96, 0x11, ..] => format!("K.{}+{}", payload[6], payload[14]),
        [0xa6, 0x11, ..] => format!("P.{}+{}", payload[6], payload[14]),
        [0x90 | 0x91 | 0xa1, ..] => enhanced_name(payload),
        [2, 0, 10, ..] => format!("m{}", text(13)),
        _ => format!("d{}", text(3)),
    }
}

fn enhanced_name(payload: &[u8]) -> String {
    let fourcc = String::from_utf8(payload[1..5].to_vec()).unwrap();
    let (letter, skip) = match (payload[0], fourcc.as_str()) {
        (0x90, "mp4a") => ('h', 6),
        (0x91, "mp4a") => ('a', 5),
        (0x90, _) => ('H', 6),
        (0x91, _) => ('K', 8),
        _ => ('P', 8),
    };
    let text = String::from_utf8(payload[skip..].to_vec()).unwrap();
    format!("{fourcc}:{letter}{text}")
}

fn enhanced_payload(fourcc: &str, name: &str) -> Bytes {
    let (letter, text) = name.split_at(1);
    let (first, body): (u8, &[u8]) = match letter {
        "H" | "h" => (0x90, b"\x01"),
        "K" => (0x91, b"\0\0\0"),
        "P" => (0xa1, b"\0\0\0"),
        "a" => (0x91, b""),
        _ => panic!("no such payload: {fourcc}:{name}"),
    };
    [&[first], fourcc.as_bytes(), body, text.as_bytes()]
        .concat()
        .into()
}

/// A header, keyframe or frame of two tracks in one message.
fn of_two(letter: &str, tracks: &str) -> Bytes {
    let (head, body): (&[u8], &[u8]) = match letter {
        "H" => (b"\x96\x10avc1", b"\0\0\x02\x01."),
        "K" => (b"\x96\x11avc1", b"\0\0\x04\0\0\0."),
        _ => (b"\xa6\x11avc1", b"\0\0\x04\0\0\0."),
    };
    let mut bytes = head.to_vec();
    for track in tracks.split('+') {
        bytes.push(track.parse().unwrap());
        bytes.extend_from_slice(body);
    }
    bytes.into()
}

/// The payload of a name: `H1` video header, `K` keyframe, `P` inter frame, `E` end of sequence, `C` command, `h` audio
/// header, `a` audio frame, `s` silence, `m` metadata, `d` other data, each with a text; `H.1 K.1 P.1` of another track,
/// `H.0+1 K.0+1 P.0+1` of two in one message; `hvc1:H hvc1:K mp4a:a` of a fourcc.
pub(crate) fn payload(name: &str) -> Bytes {
    if let Some((fourcc, name)) = name.split_once(':') {
        return enhanced_payload(fourcc, name);
    }
    if let Some((first, tracks)) = name
        .split_once('.')
        .filter(|(_, tracks)| tracks.contains('+'))
    {
        return of_two(first, tracks);
    }
    let (first, text) = name.split_at(1);
    let track = text
        .strip_prefix('.')
        .map(|track| track.parse::<u8>().unwrap());
    let mut bytes = match (first, track) {
        ("H", Some(track)) => return [b"\x96\x00avc1", &[track, 1][..]].concat().into(),
        ("K", Some(track)) => return [b"\x96\x01avc1", &[track, 0, 0, 0][..]].concat().into(),
        ("P", Some(track)) => return [b"\xa6\x01avc1", &[track, 0, 0, 0][..]].concat().into(),
        ("H", None) => b"\x17\x00\0\0\0\x01".to_vec(),
        ("K", None) => b"\x17\x01\0\0\0".to_vec(),
        ("P", None) => b"\x27\x01\0\0\0".to_vec(),
        ("E", None) => b"\x17\x02\0\0\0".to_vec(),
        ("C", None) => b"\x57\x00".to_vec(),
        ("h", None) => b"\xaf\x00\x12".to_vec(),
        ("a", None) => b"\xaf\x01".to_vec(),
        ("m", None) => b"\x02\0\x0aonMetaData".to_vec(),
        ("d", None) => b"\x02\0\x01".to_vec(),
        ("s", None) => return Bytes::new(),
        _ => panic!("no such payload: {name}"),
    };
    bytes.extend_from_slice(text.as_bytes());
    bytes.into()
}

fn kind(name: &str) -> Kind {
    let (_, name) = name.split_once(':').unwrap_or(("", name));
    match &name[..1] {
        "m" | "d" => Kind::Data,
        "h" | "a" | "s" => Kind::Audio,
        _ => Kind::Video,
    }
}

/// A stream, its publisher and a clock.
pub(crate) struct Scene {
    pub(crate) stream: LiveStream,
    pub(crate) publisher: PublisherId,
    pub(crate) now: Instant,
}

pub(crate) const HOLD: Duration = Duration::from_secs(10);

impl Scene {
    pub(crate) fn new() -> Self {
        let now = epoch();
        let config = Config {
            hold: HOLD,
            takeover: Takeover::SameKey,
        };
        let mut stream = LiveStream::new(config);
        let publisher = stream.publish(now, Identity::Open).unwrap().publisher;
        Self {
            stream,
            publisher,
            now,
        }
    }

    pub(crate) fn wait_ms(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }

    /// Publishes again.
    pub(crate) fn republish(&mut self) {
        self.publisher = self
            .stream
            .publish(self.now, Identity::Open)
            .unwrap()
            .publisher;
    }

    pub(crate) fn try_push(&mut self, name: &str, timestamp: u32) -> Pushed {
        let payload = payload(name);
        let pushed = self.stream.push(
            self.now,
            self.publisher,
            kind(name),
            timestamp,
            payload,
            &Toy,
        );
        self.stream.check_invariants();
        pushed
    }

    /// Pushes messages: `K1@40` is keyframe 1 at 40 ms, and the clock goes with it; without a time it is 0 for the wire.
    pub(crate) fn push(&mut self, messages: &str) -> &mut Self {
        for message in messages.split_whitespace() {
            let (name, at) = message.split_once('@').unwrap_or((message, "0"));
            assert_eq!(
                self.try_push(name, at.parse().unwrap()),
                Pushed::Queued,
                "{message}"
            );
        }
        self
    }

    pub(crate) fn dropped(&mut self, name: &str, timestamp: u32) -> Dropped {
        match self.try_push(name, timestamp) {
            Pushed::Dropped(why) => why,
            Pushed::Queued => panic!("{name} was queued"),
        }
    }

    /// Everything a cursor gets now: headers of its prelude in brackets.
    pub(crate) fn read(&self, cursor: &mut Cursor) -> String {
        let got: Vec<_> = std::iter::from_fn(|| self.read_one(cursor)).collect();
        got.join(" ")
    }

    /// The next thing a cursor gets.
    pub(crate) fn read_one(&self, cursor: &mut Cursor) -> Option<String> {
        match self.stream.next(cursor) {
            Next::Wait => None,
            Next::Header {
                timestamp, payload, ..
            } => Some(format!("[{}@{timestamp}]", name(&payload))),
            Next::Frame {
                timestamp, payload, ..
            } => {
                let what = if payload.is_empty() {
                    "s".into()
                } else {
                    name(&payload)
                };
                Some(format!("{what}@{timestamp}"))
            }
        }
    }

    /// What a new cursor gets.
    pub(crate) fn join(&self) -> String {
        self.read(&mut Cursor::new())
    }
}

/// Parses images of [`Toy`]: `1v@40 K1` and so on without the message stream when it is 1.
pub(crate) fn parse(mut bytes: &[u8]) -> String {
    let mut got = Vec::new();
    while !bytes.is_empty() {
        if bytes[0] == b'!' {
            let end = 1 + bytes[1..]
                .iter()
                .position(|byte| *byte == b'!')
                .expect("a whole reply");
            got.push(String::from_utf8(bytes[..=end].to_vec()).unwrap());
            bytes = &bytes[end + 1..];
            continue;
        }
        let field = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let (timestamp, len) = (field(2), field(6) as usize);
        let payload = &bytes[10..10 + len];
        let stream = if bytes[0] == b'1' {
            String::new()
        } else {
            format!("{}:", char::from(bytes[0]))
        };
        got.push(format!("{stream}{}@{timestamp}", name(payload)));
        bytes = &bytes[10 + len..];
    }
    got.join(" ")
}
