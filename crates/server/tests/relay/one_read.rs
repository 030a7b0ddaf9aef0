//! Several things in one read: what one of them says is not lost over the next, and nothing stays behind.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::chunk::{self, Header};
use bongsu_rtmp::message::{Command, TransactionId, UserControl};
use bongsu_rtmp::{ChunkStreamId, MessageStreamId, MessageType};
use bongsu_testkit::raw::{Message, Peer, Reader};
use bongsu_testkit::{http, wait};
use bytes::{Bytes, BytesMut};

use crate::house::{House, LIMIT, config};

/// Chunk size of a client that announces none.
const CHUNK_BYTES: u32 = 128;

/// A client that says many things at once.
struct Client {
    socket: TcpStream,
    reader: Reader,
    words: BytesMut,
}

impl Client {
    fn open(house: &House) -> Self {
        let (socket, reader) = Peer::open(house.rtmp).into_parts();
        Self {
            socket,
            reader,
            words: BytesMut::new(),
        }
    }

    fn add(&mut self, message_type: MessageType, stream: u32, payload: &Bytes) {
        let header = Header {
            chunk_stream: ChunkStreamId::COMMAND,
            message_type,
            stream: MessageStreamId(stream),
            timestamp: 0,
        };
        chunk::encode(&mut self.words, &header, payload, CHUNK_BYTES);
    }

    fn command(&mut self, name: &'static str, id: f64, stream: u32, arguments: Vec<Value>) {
        let mut command = Command::new(name, TransactionId::new(id));
        if name == "connect" {
            command = command.with_object(Properties::new().with("app", "live").into());
        }
        for argument in arguments {
            command = command.with_argument(argument);
        }
        self.add(MessageType::CommandAmf0, stream, &command.to_bytes());
    }

    /// Pings in as few bytes as the wire allows: a type 3 chunk repeats the header before it.
    fn pings(&mut self, count: u32) {
        let header = Header {
            chunk_stream: ChunkStreamId::CONTROL,
            message_type: MessageType::UserControl,
            stream: MessageStreamId::CONNECTION,
            timestamp: 0,
        };
        for number in 0..count {
            let ping = UserControl::PingRequest(number).encode();
            if number == 0 {
                chunk::encode(&mut self.words, &header, &ping, CHUNK_BYTES);
            } else {
                self.words.extend_from_slice(&header.continuation());
                self.words.extend_from_slice(&ping);
            }
        }
    }

    /// Everything in one write.
    fn say(&mut self) {
        self.socket.write_all(&self.words.split()).unwrap();
    }

    /// The next message that fits, before the connection ends or the time is over.
    fn hears(&mut self, fits: impl Fn(&Message) -> bool) -> Option<Message> {
        self.socket.set_read_timeout(Some(LIMIT)).unwrap();
        let started = Instant::now();
        let mut buffer = [0; 65_536];
        while started.elapsed() < LIMIT {
            while let Some(message) = self.reader.next_message() {
                if fits(&message) {
                    return Some(message);
                }
            }
            match self.socket.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.reader.feed(&buffer[..count]),
            }
        }
        None
    }
}

fn streams(house: &House) -> String {
    http::get(house.http, "/api/v1/streams").unwrap().body
}

#[test]
fn more_replies_than_a_player_may_have_waiting_leave_nothing_behind() {
    let house = House::open(config(|_, _| {}));
    let mut client = Client::open(&house);
    // Each half is below the limit of a session, both together are above that of a player.
    client.pings(2_000);
    client.command("connect", 1.0, 0, Vec::new());
    client.pings(2_000);
    client.command("play", 0.0, 1, vec!["nobody".into()]);
    client.say();
    assert!(client.hears(|_| false).is_none(), "it is let go");
    wait::until_true("no stream and no connection", LIMIT, || {
        let metrics = http::get(house.http, "/metrics").unwrap().body;
        streams(&house).contains("\"streams\":[]") && metrics.contains("bongsu_connections 0\n")
    });
}

#[test]
fn a_reply_behind_the_end_of_a_play_is_not_lost_with_the_player() {
    let house = House::open(config(|_, _| {}));
    let mut client = Client::open(&house);
    client.command("connect", 1.0, 0, Vec::new());
    client.command("createStream", 2.0, 0, Vec::new());
    client.command("play", 0.0, 1, vec!["cam".into()]);
    client.say();
    let started = |message: &Message| {
        message
            .status()
            .is_some_and(|status| status.code == "NetStream.Play.Start")
    };
    assert!(client.hears(started).is_some());
    client.command("deleteStream", 0.0, 0, vec![1.0.into()]);
    client.command("createStream", 7.0, 0, Vec::new());
    client.say();
    let answers = |message: &Message| {
        let values = message.command();
        values
            .get(1)
            .and_then(bongsu_testkit::raw::Value::as_number)
            == Some(7.0)
    };
    assert!(client.hears(answers).is_some(), "createStream is answered");
    // The connection can play again.
    client.command("play", 0.0, 1, vec!["cam".into()]);
    client.say();
    assert!(client.hears(started).is_some());
}

/// Goal: what a client says without waiting begins as if it had waited, also where the first stream takes the connection
/// to another worker and the second one lives on a third.
#[test]
fn several_streams_asked_for_in_one_read_all_begin() {
    let house = House::open(config(|_, _| {}));
    for _ in 0..4 {
        let mut client = Client::open(&house);
        client.command("connect", 1.0, 0, Vec::new());
        for stream in 1..=3_u8 {
            client.command("createStream", f64::from(stream) + 1.0, 0, Vec::new());
        }
        client.command("play", 0.0, 3, vec!["a".into()]);
        client.command("play", 0.0, 1, vec!["b".into()]);
        client.command("play", 0.0, 2, vec!["c".into()]);
        client.say();
        for stream in [3, 1, 2] {
            let started = |message: &Message| {
                let status = message.status();
                message.stream == stream
                    && status.is_some_and(|status| status.code == "NetStream.Play.Start")
            };
            assert!(client.hears(started).is_some(), "stream {stream}");
        }
    }
}
