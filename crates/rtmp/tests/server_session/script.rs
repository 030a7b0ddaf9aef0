//! A server session and a client whose every word the test writes.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::chunk::{self, CHUNK_SIZE_DEFAULT};
use bongsu_rtmp::message::{Command, Control, TransactionId, UserControl};
use bongsu_rtmp::session::server::{Event, RequestId, ServerConfig};
use bongsu_rtmp::session::{Output, ServerSession, SessionError};
use bongsu_rtmp::status::{Code, Status};
use bongsu_rtmp::{ChunkStreamId, Limits, MessageStreamId, MessageType};
use bytes::BytesMut;

use crate::told::told;

/// S0, S1 and S2 together; C0, C1 and C2 as well.
pub(crate) const HANDSHAKE_BYTES: usize = 1 + 2 * 1536;
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Some point in time.
pub(crate) fn epoch() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing else makes an instant; only differences to it count"
    )]
    Instant::now()
}

/// C0, C1 and a C2 that echoes nothing. [WIRE 006]
pub(crate) fn handshake() -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.extend([0; 8]);
    bytes.extend((8..1536_u32).map(|i| i.to_be_bytes()[3]));
    bytes.extend([0xa5; 1536]);
    bytes
}

/// Writes what a client says, in chunks of its size.
#[derive(Clone, Copy)]
pub(crate) struct Voice {
    pub(crate) chunk_size: u32,
}

/// A client that leaves the chunk size as it is.
pub(crate) const CLIENT: Voice = Voice {
    chunk_size: CHUNK_SIZE_DEFAULT,
};

impl Voice {
    pub(crate) fn message(
        self,
        (csid, stream): (u32, u32),
        message_type: MessageType,
        timestamp: u32,
        payload: &[u8],
    ) -> Vec<u8> {
        let header = chunk::Header {
            chunk_stream: ChunkStreamId::new(csid).unwrap(),
            message_type,
            stream: MessageStreamId(stream),
            timestamp,
        };
        let mut out = BytesMut::new();
        chunk::encode(&mut out, &header, payload, self.chunk_size);
        out.to_vec()
    }

    /// A command with a null object.
    pub(crate) fn call(
        self,
        at: (u32, u32),
        name: &'static str,
        transaction: f64,
        arguments: &[Value],
    ) -> Vec<u8> {
        let command = Command::new(name, TransactionId::new(transaction));
        let command = arguments
            .iter()
            .cloned()
            .fold(command, Command::with_argument);
        self.message(at, MessageType::CommandAmf0, 0, &command.to_bytes())
    }

    pub(crate) fn connect(self, properties: Properties) -> Vec<u8> {
        let command = Command::new("connect", TransactionId::new(1.0));
        let command = command.with_object(properties.into());
        self.message((3, 0), MessageType::CommandAmf0, 0, &command.to_bytes())
    }

    pub(crate) fn audio(self, stream: u32, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        self.message((4, stream), MessageType::Audio, timestamp, payload)
    }

    pub(crate) fn video(self, stream: u32, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        self.message((6, stream), MessageType::Video, timestamp, payload)
    }

    pub(crate) fn data(self, stream: u32, timestamp: u32, values: &[Value]) -> Vec<u8> {
        self.message((4, stream), MessageType::DataAmf0, timestamp, &amf0(values))
    }

    pub(crate) fn control(self, control: Control) -> Vec<u8> {
        self.message((2, 0), control.message_type(), 0, &control.encode())
    }

    pub(crate) fn event(self, event: UserControl) -> Vec<u8> {
        self.message((2, 0), MessageType::UserControl, 0, &event.encode())
    }
}

pub(crate) fn amf0(values: &[Value]) -> Vec<u8> {
    let mut out = BytesMut::new();
    for value in values {
        value.encode(&mut out);
    }
    out.to_vec()
}

/// The command object of a client that says nothing but its app.
pub(crate) fn app(app: &str) -> Properties {
    Properties::new().with("app", app)
}

pub(crate) fn refusal(code: Code) -> Status {
    Status::new(code, "No.")
}

/// A small generator of numbers that is the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The request that an event is about, if it asks for a decision.
pub(crate) fn request_of(event: &Event) -> Option<RequestId> {
    match event {
        Event::ConnectRequested { request, .. }
        | Event::PublishRequested { request, .. }
        | Event::PlayRequested { request, .. } => Some(*request),
        _ => None,
    }
}

/// A session, what it said, and what it raised.
pub(crate) struct Scene {
    pub(crate) session: ServerSession,
    pub(crate) now: Instant,
    decoder: chunk::Decoder,
    handshake_left: usize,
    log: Vec<String>,
    /// All events so far.
    pub(crate) events: Vec<Event>,
    /// The requests so far.
    pub(crate) requests: Vec<RequestId>,
}

impl Scene {
    pub(crate) fn new(config: ServerConfig) -> Self {
        let now = epoch();
        Self {
            session: ServerSession::new(Arc::new(config), [7; 16], now),
            now,
            decoder: chunk::Decoder::new(Limits::authorised()),
            handshake_left: HANDSHAKE_BYTES,
            log: Vec::new(),
            events: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// After the handshake.
    pub(crate) fn shaken() -> Self {
        Self::shaken_with(ServerConfig::default())
    }

    pub(crate) fn shaken_with(config: ServerConfig) -> Self {
        let mut scene = Self::new(config);
        scene.say(&handshake());
        assert_eq!(scene.handshake_left, 0);
        assert_eq!(scene.log(), NOTHING);
        scene
    }

    /// After `connect` to app `live` was accepted.
    pub(crate) fn connected() -> Self {
        Self::connected_with(ServerConfig::default())
    }

    pub(crate) fn connected_with(config: ServerConfig) -> Self {
        let mut scene = Self::shaken_with(config);
        scene.say(&CLIENT.connect(app("live")));
        scene.accept();
        scene.log();
        scene
    }

    /// After `createStream`.
    pub(crate) fn created() -> Self {
        Self::created_with(ServerConfig::default())
    }

    pub(crate) fn created_with(config: ServerConfig) -> Self {
        let mut scene = Self::connected_with(config);
        scene.say(&CLIENT.call((3, 0), "createStream", 4.0, &[]));
        scene.log();
        scene
    }

    /// With a publish that is not decided.
    pub(crate) fn asked_to_publish() -> Self {
        let mut scene = Self::created();
        scene.say(&publish(1));
        scene.log();
        scene
    }

    pub(crate) fn publishing() -> Self {
        Self::publishing_with(ServerConfig::default())
    }

    pub(crate) fn publishing_with(config: ServerConfig) -> Self {
        let mut scene = Self::created_with(config);
        scene.say(&publish(1));
        scene.accept();
        scene.log();
        scene
    }

    /// With a play that is not decided.
    pub(crate) fn asked_to_play() -> Self {
        let mut scene = Self::created();
        scene.say(&play(1));
        scene.log();
        scene
    }

    pub(crate) fn playing() -> Self {
        let mut scene = Self::asked_to_play();
        scene.accept();
        scene.log();
        scene
    }

    /// Hands bytes in and takes what comes out.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.try_say(bytes).unwrap();
    }

    pub(crate) fn try_say(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let result = self.session.handle_bytes(self.now, bytes);
        self.drain();
        result
    }

    /// Accepts the newest request.
    pub(crate) fn accept(&mut self) {
        let request = *self.requests.last().unwrap();
        self.session.accept(self.now, request).unwrap();
        self.drain();
    }

    /// Refuses the newest request.
    pub(crate) fn reject(&mut self, code: Code) {
        let request = *self.requests.last().unwrap();
        self.session
            .reject(self.now, request, &refusal(code))
            .unwrap();
        self.drain();
    }

    /// Lets time pass, and tells the session about it.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
        self.drain();
    }

    /// How long until the session wants to be called.
    pub(crate) fn due_in(&self) -> Option<Duration> {
        self.session.poll_timeout().map(|at| at - self.now)
    }

    /// What was said and raised since the last look, in order: messages as
    /// `chunk stream/message stream what`, events behind `!`.
    pub(crate) fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// As [`log`](Self::log), without events.
    pub(crate) fn said(&mut self) -> Vec<String> {
        self.log()
            .into_iter()
            .filter(|line| !line.starts_with('!'))
            .collect()
    }

    /// As [`log`](Self::log), only events.
    pub(crate) fn raised(&mut self) -> Vec<String> {
        self.log()
            .into_iter()
            .filter(|line| line.starts_with('!'))
            .collect()
    }

    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(bytes) => self.read(&bytes),
                Output::Event(event) => {
                    self.log.push(format!("! {event:?}"));
                    self.requests.extend(request_of(&event));
                    self.events.push(event);
                }
            }
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        let (handshake, mut rest) = bytes.split_at(self.handshake_left.min(bytes.len()));
        self.handshake_left -= handshake.len();
        while let Some(message) = self.decoder.decode(&mut rest).unwrap() {
            self.log.push(told(&message));
        }
        assert_eq!(
            self.decoder.partial_bytes(),
            0,
            "Transmit holds whole messages"
        );
    }
}

pub(crate) const NOTHING: [&str; 0] = [];

/// `publish cam` as encoders send it.
pub(crate) fn publish(stream: u32) -> Vec<u8> {
    CLIENT.call(
        (4, stream),
        "publish",
        5.0,
        &["cam?key=SECRET".into(), "live".into()],
    )
}

/// `play cam` as players send it.
pub(crate) fn play(stream: u32) -> Vec<u8> {
    CLIENT.call(
        (8, stream),
        "play",
        4.0,
        &["cam".into(), Value::Number(-2000.0)],
    )
}
