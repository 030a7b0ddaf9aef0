//! A client session and a server whose every word the test writes.

use std::time::{Duration, Instant};

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::chunk::{self, CHUNK_SIZE_DEFAULT, CLIENT_CHUNK_SIZE, ChunkStreamId};
use bongsu_rtmp::limits::Limits;
use bongsu_rtmp::message::{Command, Control, TransactionId, UserControl};
use bongsu_rtmp::session::client::{ClientConfig, Event, Role};
use bongsu_rtmp::session::{Capabilities, ClientSession, Output, SessionError};
use bongsu_rtmp::url::RtmpUrl;
use bongsu_rtmp::{MessageStreamId, MessageType};
use bytes::{Bytes, BytesMut};

use super::told::told;

/// Bytes of C0, C1 and C2 together.
pub(crate) const CLIENT_HANDSHAKE_BYTES: usize = 1 + 2 * 1536;

pub(crate) const URL: &str = "rtmp://media.example:1936/live/cam?key=SECRET";

/// Some point in time.
pub(crate) fn epoch() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "nothing else makes an instant; only differences to it count"
    )]
    Instant::now()
}

pub(crate) fn config(role: Role) -> ClientConfig {
    ClientConfig {
        role,
        url: RtmpUrl::parse(URL).unwrap(),
        seed: [7; 16],
        limits: Limits::authorised(),
        chunk_size: CLIENT_CHUNK_SIZE,
        capabilities: Capabilities::none(),
    }
}

/// S0, S1 and S2 of a server that does not know its client's C1 yet.
pub(crate) fn server_handshake() -> Vec<u8> {
    let mut bytes = vec![3];
    bytes.extend([0; 8]);
    bytes.extend((8..1536_u32).map(|i| i.to_be_bytes()[3]));
    bytes.extend([0x5a; 1536]);
    bytes
}

/// A client and what was said so far.
pub(crate) struct Scene {
    pub(crate) client: ClientSession,
    pub(crate) now: Instant,
    decoder: chunk::Decoder,
    /// Everything that the client sent.
    pub(crate) sent: Vec<u8>,
    /// How many of those bytes are looked at.
    read: usize,
    /// Everything that the server said.
    pub(crate) said: Vec<u8>,
    told: Vec<String>,
    events: Vec<Event>,
}

impl Scene {
    pub(crate) fn new(config: ClientConfig) -> Self {
        let now = epoch();
        let mut scene = Self {
            client: ClientSession::new(config, now),
            now,
            decoder: chunk::Decoder::new(Limits::authorised()),
            sent: Vec::new(),
            read: 0,
            said: Vec::new(),
            told: Vec::new(),
            events: Vec::new(),
        };
        scene.drain();
        scene
    }

    /// A client that has the server's handshake.
    pub(crate) fn connecting(config: ClientConfig) -> Self {
        let mut scene = Self::new(config);
        scene.says_bytes(&server_handshake()).unwrap();
        scene
    }

    /// A client whose publish or play the server accepted, on message stream 1.
    pub(crate) fn started(config: ClientConfig) -> Self {
        let role = config.role;
        let mut scene = Self::requesting(config);
        match role {
            Role::Publish => scene.says_status(1, "status", "NetStream.Publish.Start"),
            Role::Play => scene.says_status(1, "status", "NetStream.Play.Start"),
        }
        scene.takes();
        scene.raises();
        scene
    }

    /// A client that has asked to publish or to play.
    pub(crate) fn requesting(config: ClientConfig) -> Self {
        let transaction = create_stream_transaction(config.role);
        let mut scene = Self::connecting(config);
        scene.says(0, &connect_result());
        scene.says(0, &create_stream_result(transaction, 1.0));
        scene.takes();
        scene.raises();
        scene
    }

    /// What the client said since the last call.
    pub(crate) fn takes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    /// What the client raised since the last call.
    pub(crate) fn raises(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub(crate) fn says_bytes(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.said.extend_from_slice(bytes);
        let handled = self.client.handle_bytes(self.now, bytes);
        self.drain();
        handled
    }

    /// The server sends a command on a message stream.
    pub(crate) fn says(&mut self, stream: u32, command: &Command) {
        self.says_message(stream, MessageType::CommandAmf0, 0, &command.to_bytes());
    }

    pub(crate) fn says_control(&mut self, control: Control) {
        self.says_message(0, control.message_type(), 0, &control.encode());
    }

    pub(crate) fn says_user_control(&mut self, event: UserControl) {
        self.says_message(0, MessageType::UserControl, 0, &event.encode());
    }

    pub(crate) fn says_status(&mut self, stream: u32, level: &'static str, code: &'static str) {
        self.says(stream, &status(level, code));
    }

    pub(crate) fn says_message(
        &mut self,
        stream: u32,
        message_type: MessageType,
        timestamp: u32,
        payload: &[u8],
    ) {
        self.try_says_message(stream, message_type, timestamp, payload)
            .unwrap();
    }

    pub(crate) fn try_says_message(
        &mut self,
        stream: u32,
        message_type: MessageType,
        timestamp: u32,
        payload: &[u8],
    ) -> Result<(), SessionError> {
        let bytes = message(stream, message_type, timestamp, payload);
        self.says_bytes(&bytes)
    }

    pub(crate) fn waits(&mut self, time: Duration) {
        self.now += time;
        self.client.handle_timeout(self.now);
        self.drain();
    }

    /// Takes what the session gives: bytes first, then events.
    pub(crate) fn drain(&mut self) {
        let mut raised = false;
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Transmit(bytes) => {
                    assert!(!raised, "bytes behind an event");
                    self.sent.extend_from_slice(&bytes);
                }
                Output::Event(event) => {
                    raised = true;
                    self.events.push(event);
                }
            }
        }
        let from = self.read.max(CLIENT_HANDSHAKE_BYTES);
        let mut input = self.sent.get(from..).unwrap_or_default();
        self.decoder.set_now(self.now);
        while let Some(message) = self.decoder.decode(&mut input).unwrap() {
            self.told.push(told(&message));
        }
        self.read = self.sent.len();
    }
}

/// One message of the server, in chunks of the default size.
pub(crate) fn message(
    stream: u32,
    message_type: MessageType,
    timestamp: u32,
    payload: &[u8],
) -> Bytes {
    let header = chunk::Header {
        chunk_stream: ChunkStreamId::new(3).unwrap(),
        message_type,
        stream: MessageStreamId(stream),
        timestamp,
    };
    let mut bytes = BytesMut::new();
    chunk::encode(&mut bytes, &header, payload, CHUNK_SIZE_DEFAULT);
    bytes.freeze()
}

/// The transaction that a client of this kind creates its stream with.
pub(crate) const fn create_stream_transaction(role: Role) -> f64 {
    match role {
        Role::Publish => 4.0,
        Role::Play => 2.0,
    }
}

pub(crate) fn connect_result() -> Command {
    Command::result(TransactionId::new(1.0))
        .with_object(Properties::new().with("fmsVer", "FMS/3,0,1,123").into())
        .with_argument(info("status", "NetConnection.Connect.Success"))
}

pub(crate) fn create_stream_result(transaction: f64, stream: f64) -> Command {
    Command::result(TransactionId::new(transaction)).with_argument(stream)
}

pub(crate) fn status(level: &'static str, code: &'static str) -> Command {
    Command::new("onStatus", TransactionId::NONE).with_argument(info(level, code))
}

/// The info object of a status.
pub(crate) fn info(level: &'static str, code: &'static str) -> Properties {
    Properties::new()
        .with("level", level)
        .with("code", code)
        .with("description", format!("About {code}."))
}

/// The body of a data message.
pub(crate) fn data(values: &[Value]) -> Bytes {
    let mut body = BytesMut::new();
    for value in values {
        value.encode(&mut body);
    }
    body.freeze()
}
