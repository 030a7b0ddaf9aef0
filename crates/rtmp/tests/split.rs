//! However the bytes of a client are split, a server session raises the same events and says the same bytes.
//! [WIRE 002] [WIRE 046]
//!
//! It feeds the golden transcripts in `tests/vectors/*.bin` (what real clients said, from the first byte of the
//! handshake on) and sessions that are made here.
#![allow(clippy::unwrap_used, reason = "the helpers are part of the tests")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::message::{Control, MediaKind, UserControl};
use bongsu_rtmp::session::server::{Event, ServerConfig};
use bongsu_rtmp::session::{Output, ServerSession, SessionError};
use bongsu_rtmp::{MessageStreamId, MessageType};

#[path = "server_session/script.rs"]
mod script;
#[path = "client_session/told.rs"]
mod told;

use script::{CLIENT, Random, Voice, app, epoch, handshake, play, publish, request_of};

/// Random splits of each transcript.
const RANDOM_SPLITS: u64 = 1_000;
/// The longest piece of a random split: the shell reads so much at once.
const PIECE_BYTES_MAX: u64 = 64 << 10;

/// All that a session gave.
#[derive(PartialEq)]
struct Outcome {
    said: Vec<u8>,
    events: Vec<Event>,
    result: Result<(), SessionError>,
    ignored: u64,
}

/// A session whose caller accepts every request as soon as it sees it.
struct Driver {
    session: ServerSession,
    now: Instant,
    said: Vec<u8>,
    events: Vec<Event>,
}

impl Driver {
    fn run<'a>(now: Instant, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
        let session = ServerSession::new(Arc::new(ServerConfig::default()), [9; 16], now);
        let mut driver = Self {
            session,
            now,
            said: Vec::new(),
            events: Vec::new(),
        };
        let result = pieces.into_iter().try_for_each(|piece| {
            let taken = driver.session.handle_bytes(now, piece);
            driver.drain().and(taken)
        });
        Outcome {
            said: driver.said,
            events: driver.events,
            result,
            ignored: driver.session.ignored_messages(),
        }
    }

    fn drain(&mut self) -> Result<(), SessionError> {
        let mut result = Ok(());
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(bytes) => self.said.extend(bytes),
                Output::Event(event) => {
                    let request = request_of(&event);
                    self.events.push(event);
                    if let Some(request) = request {
                        let accepted = self.session.accept(self.now, request);
                        result = result.and(accepted);
                    }
                }
            }
        }
        result
    }
}

/// Cuts anywhere: short pieces are as likely as long ones.
fn pieces<'a>(random: &mut Random, bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let magnitude = random.below(PIECE_BYTES_MAX.ilog2().into());
        let len = usize::try_from(1 + random.below(2 << magnitude)).unwrap();
        let (piece, behind) = rest.split_at(len.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Gives what every split gives.
fn check(name: &str, transcript: &[u8]) -> Outcome {
    let now = epoch();
    let whole = Driver::run(now, [transcript]);
    assert!(whole.events.len() >= 2, "{name}: {:?}", whole.events);
    let same = |how: &str, other: &Outcome| {
        assert_eq!(whole.events, other.events, "{name}, {how}: events");
        assert!(
            whole.said == other.said,
            "{name}, {how}: what the server said"
        );
        assert_eq!(whole.result, other.result, "{name}, {how}");
        assert!(whole == *other, "{name}, {how}: ignored messages");
    };
    same("byte by byte", &Driver::run(now, transcript.chunks(1)));
    for seed in 1..=RANDOM_SPLITS {
        let pieces = pieces(&mut Random::new(seed), transcript);
        same(&format!("split {seed}"), &Driver::run(now, pieces));
    }
    whole
}

/// What a golden transcript must give, counted by another reader of its bytes.
struct Golden {
    /// The file, without its extension.
    name: &'static str,
    /// What it asked for.
    asked: &'static str,
    video: usize,
    audio: usize,
    data: usize,
    /// What it raised but media behind its request.
    then: &'static [&'static str],
}

/// It said that its stream ends; what it deletes behind that is over already.
const UNPUBLISHED: &[&str] = &["PublishEnded(stream 1, FcUnpublish)"];
/// It closed without a word, or in the middle of one: players of ffmpeg send no more than the header of their
/// `deleteStream`.
const CLOSED: &[&str] = &[];

/// Every transcript in `tests/vectors`, in the order of its name.
const GOLDEN: &[Golden] = &[
    Golden {
        name: "ffmpeg-5.1.9-play",
        asked: "play live/cam",
        video: 0,
        audio: 0,
        data: 0,
        then: CLOSED,
    },
    Golden {
        name: "ffmpeg-5.1.9-publish",
        asked: "publish live/cam",
        video: 22,
        audio: 89,
        data: 1,
        then: UNPUBLISHED,
    },
    Golden {
        name: "ffmpeg-9.0.2-play",
        asked: "play live/cam",
        video: 0,
        audio: 0,
        data: 0,
        then: CLOSED,
    },
    Golden {
        name: "ffmpeg-9.0.2-publish",
        asked: "publish live/cam",
        video: 22,
        audio: 89,
        data: 1,
        then: UNPUBLISHED,
    },
    Golden {
        name: "ffmpeg-9.0.2-publish-hevc",
        asked: "publish live/cam",
        video: 22,
        audio: 89,
        data: 1,
        then: UNPUBLISHED,
    },
    Golden {
        name: "gstreamer-1.22.0-play",
        asked: "play live/cam",
        video: 0,
        audio: 0,
        data: 0,
        then: CLOSED,
    },
    Golden {
        name: "gstreamer-1.22.0-publish",
        asked: "publish live/cam",
        video: 22,
        audio: 89,
        data: 9,
        then: UNPUBLISHED,
    },
    Golden {
        name: "librtmp-2.4-publish",
        asked: "publish live/cam",
        video: 22,
        audio: 89,
        data: 9,
        then: UNPUBLISHED,
    },
    Golden {
        name: "nginx-rtmp-1.2.2-push",
        asked: "publish live/cam",
        video: 12,
        audio: 88,
        data: 1,
        then: CLOSED,
    },
    Golden {
        name: "rtmpdump-2.4-play",
        asked: "play live/cam",
        video: 0,
        audio: 0,
        data: 0,
        then: &["PlayEnded(stream 1)"],
    },
    Golden {
        name: "vlc-3.0.24-play",
        asked: "play live/cam",
        video: 0,
        audio: 0,
        data: 0,
        then: CLOSED,
    },
];

impl Golden {
    fn check(&self, outcome: &Outcome) {
        let name = self.name;
        assert_eq!(outcome.result, Ok(()), "{name}");
        let count = |counted: MediaKind| {
            let events = outcome.events.iter();
            let media = events
                .filter(|event| matches!(event, Event::Media { kind, .. } if *kind == counted));
            media.count()
        };
        let kinds = [MediaKind::Video, MediaKind::Audio, MediaKind::Data];
        let expected = [self.video, self.audio, self.data];
        assert_eq!(kinds.map(count), expected, "{name}: video, audio, data");
        let mut others = outcome.events.iter();
        let asked = others.find_map(|event| match event {
            Event::PublishRequested { target, .. } => Some(format!("publish {}", target.path)),
            Event::PlayRequested { target, .. } => Some(format!("play {}", target.path)),
            _ => None,
        });
        assert_eq!(asked.as_deref(), Some(self.asked), "{name}");
        let others = others.filter(|event| !matches!(event, Event::Media { .. }));
        let then: Vec<String> = others.map(|event| format!("{event:?}")).collect();
        assert_eq!(then, self.then, "{name}");
    }
}

#[test]
fn golden_transcripts_give_what_is_known_of_them_for_every_split() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| Some(file.strip_suffix(".bin")?.to_owned()))
        .collect();
    names.sort();
    let known: Vec<&str> = GOLDEN.iter().map(|golden| golden.name).collect();
    assert_eq!(names, known, "each transcript has its row in GOLDEN");
    for golden in GOLDEN {
        let path = folder.join(format!("{}.bin", golden.name));
        golden.check(&check(golden.name, &std::fs::read(path).unwrap()));
    }
}

fn name() -> [Value; 1] {
    ["cam".into()]
}

/// The chunk size changes twice, media follows `publish` at once, and a second publish follows the first.
#[test]
fn a_publisher_gives_the_same_for_every_split() {
    let large = Voice { chunk_size: 4096 };
    let metadata = Value::EcmaArray(Properties::new().with("width", 1280.0));
    let set = |size| Control::SetChunkSize(size);
    let transcript = [
        handshake(),
        CLIENT.control(set(4096)),
        large.connect(
            app("live")
                .with("tcUrl", "rtmp://h/live")
                .with("capsEx", 2.0),
        ),
        large.control(Control::WindowAcknowledgementSize(40_000)),
        large.call((3, 0), "releaseStream", 2.0, &name()),
        large.call((3, 0), "FCPublish", 3.0, &name()),
        large.call((3, 0), "createStream", 4.0, &[]),
        publish(1),
        large.data(
            1,
            0,
            &["@setDataFrame".into(), "onMetaData".into(), metadata],
        ),
        large.audio(1, 0, &[0xaf, 0, 0x12, 0x10]),
        large.video(1, 0, &[0x17; 30_000]),
        large.event(UserControl::PingRequest(7)),
        large.control(set(1)),
        Voice { chunk_size: 1 }.video(1, 0x0100_0000, &[0x27; 300]),
        Voice { chunk_size: 1 }.control(set(128)),
        CLIENT.message((9, 1), MessageType::Unknown(77), 0, &[1, 2, 3]),
        CLIENT.call((3, 0), "FCUnpublish", 5.0, &name()),
        CLIENT.call((3, 0), "deleteStream", 6.0, &[Value::Number(1.0)]),
        CLIENT.call((3, 0), "createStream", 7.0, &[]),
        publish(1),
        CLIENT.audio(1, 40, &[]),
    ];
    check("a publisher", &transcript.concat());
}

#[test]
fn a_player_gives_the_same_for_every_split() {
    let stream = MessageStreamId(1);
    let transcript = [
        handshake(),
        CLIENT.connect(app("live").with("flashVer", "LNX 9,0,124,2")),
        CLIENT.control(Control::WindowAcknowledgementSize(2_500_000)),
        CLIENT.call((3, 0), "createStream", 2.0, &[]),
        CLIENT.call((8, 0), "getStreamLength", 3.0, &name()),
        play(1),
        CLIENT.event(UserControl::SetBufferLength {
            stream,
            buffer_ms: 3000,
        }),
        CLIENT.call((8, 1), "pause", 5.0, &[true.into()]),
        CLIENT.call((8, 1), "receiveVideo", 0.0, &[false.into()]),
        CLIENT.call((8, 1), "seek", 6.0, &[Value::Number(0.0)]),
        CLIENT.call((3, 0), "deleteStream", 7.0, &[Value::Number(1.0)]),
        CLIENT.call((3, 0), "close", 0.0, &[]),
        CLIENT.call((3, 0), "createStream", 8.0, &[]),
    ];
    check("a player", &transcript.concat());
}

/// Errors come at the same byte, and nothing before them is lost.
#[test]
fn a_misbehaving_client_gives_the_same_for_every_split() {
    let transcript = [
        handshake(),
        CLIENT.connect(app("live")),
        publish(0),
        CLIENT.video(0, 0, &[0x17; 500]),
        CLIENT.connect(app("live")),
        CLIENT.video(0, 40, &[0x27; 500]),
    ];
    check("a misbehaving client", &transcript.concat());
}

/// Acknowledgements fall due inside messages.
#[test]
fn acknowledgements_do_not_depend_on_the_split() {
    let voice = Voice { chunk_size: 65_536 };
    let transcript = [
        handshake(),
        CLIENT.connect(app("live")),
        CLIENT.control(Control::SetChunkSize(65_536)),
        voice.control(Control::WindowAcknowledgementSize(1)),
        publish(0),
        voice.video(0, 0, &[0x17; 100_000]),
        voice.event(UserControl::PingRequest(1)),
    ]
    .concat();
    let now = epoch();
    let whole = Driver::run(now, [&transcript[..]]);
    let mut random = Random::new(1);
    for _ in 0..RANDOM_SPLITS {
        let split = Driver::run(now, pieces(&mut random, &transcript));
        assert!(whole == split);
    }
    let ping = CLIENT.event(UserControl::PingResponse(1));
    assert!(whole.said.ends_with(&ping), "the ping is answered last");
    let acknowledgement = [2, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0];
    let count = whole
        .said
        .windows(12)
        .filter(|part| *part == acknowledgement)
        .count();
    let received = transcript.len() - handshake().len();
    assert_eq!(count, received / (16 << 10));
}
