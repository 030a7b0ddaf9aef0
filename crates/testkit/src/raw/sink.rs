//! A scripted destination: a server that takes every publication and keeps what it gets, in order.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use bongsu_flv::Kind;
use bytes::Bytes;

use super::amf::{self, Value};
use super::chunks::{self, Message, Reader};
use super::door::Manners;
use crate::compare::Packet;

/// Bytes of C1, S1, C2 and S2.
const HANDSHAKE_BYTES: usize = 1536;

/// `@setDataFrame` as an AMF0 string.
const SET_DATA_FRAME: &[u8] = b"\x02\x00\x0d@setDataFrame";

/// What one connection published.
#[derive(Debug, Clone, Default)]
pub struct Publication {
    /// The object of `connect`.
    pub connect: Option<Value>,
    /// The name in `publish`, with its query.
    pub name: String,
    /// Messages as they came, data included.
    pub packets: Vec<Packet>,
    /// Whether it was asked for a new connection.
    pub asked_to_reconnect: bool,
    /// Whether it ended with `deleteStream` or `FCUnpublish`.
    pub ended_in_order: bool,
    /// Whether the connection is over.
    pub closed: bool,
}

impl Publication {
    /// The `tcUrl` in `connect`.
    #[must_use]
    pub fn tc_url(&self) -> &str {
        let tc_url = self
            .connect
            .as_ref()
            .and_then(|object| object.property("tcUrl"));
        tc_url.and_then(Value::as_text).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct State {
    publications: Vec<Publication>,
    /// What it says of itself in the result of `connect`.
    announced: Vec<(String, Value)>,
    connections: Vec<TcpStream>,
    /// Nothing more is read, and the connections stay.
    stopped: bool,
    manners: Manners,
}

/// A destination on a port of its own, until it goes.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    listener: Option<TcpListener>,
    state: Arc<Mutex<State>>,
}

impl Sink {
    /// Listens on a free port.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on 127.0.0.1");
        let mut sink = Self {
            address: listener.local_addr().expect("the port of a listener"),
            listener: None,
            state: Arc::default(),
        };
        sink.serve(listener);
        sink
    }

    /// Listens on a free port, and says this of itself in the result of `connect`, such as `capsEx`.
    ///
    /// # Panics
    ///
    /// When there is no port.
    #[must_use]
    pub fn announcing(name: &str, value: Value) -> Self {
        let sink = Self::start();
        let announced = vec![(name.to_owned(), value)];
        sink.state.lock().unwrap().announced = announced;
        sink
    }

    /// Behaves like this from now on.
    ///
    /// # Panics
    ///
    /// When a connection's thread has panicked.
    pub fn behave(&self, manners: Manners) {
        self.state.lock().unwrap().manners = manners;
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The publications so far, oldest first.
    ///
    /// # Panics
    ///
    /// When a connection's thread has panicked.
    #[must_use]
    pub fn publications(&self) -> Vec<Publication> {
        self.state.lock().unwrap().publications.clone()
    }

    /// Reads nothing more and keeps its connections, as a program does that hangs.
    ///
    /// # Panics
    ///
    /// When a connection's thread has panicked.
    pub fn hang(&self) {
        self.state.lock().unwrap().stopped = true;
    }

    /// Stops listening and cuts every connection, as a crash does.
    ///
    /// # Panics
    ///
    /// When a connection's thread has panicked.
    pub fn kill(&mut self) {
        if let Some(listener) = self.listener.take() {
            // Wakes the thread that accepts, which then finds the mark and ends with its listener.
            rustix::net::shutdown(&listener, rustix::net::Shutdown::Both)
                .expect("a listener that shuts down");
        }
        for connection in self.state.lock().unwrap().connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Listens again on the same port.
    ///
    /// # Panics
    ///
    /// When somebody else took the port.
    pub fn restart(&mut self) {
        let listener = crate::wait::until(
            "the port of a killed destination",
            std::time::Duration::from_secs(5),
            || TcpListener::bind(self.address).ok(),
        );
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        self.listener = Some(listener.try_clone().expect("a second handle of a listener"));
        let state = Arc::clone(&self.state);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let state = Arc::clone(&state);
                thread::spawn(move || {
                    let index = {
                        let mut state = state.lock().unwrap();
                        state.connections.extend(stream.try_clone());
                        state.publications.push(Publication::default());
                        state.publications.len() - 1
                    };
                    let _ = converse(stream, &state, index);
                    state.lock().unwrap().publications[index].closed = true;
                });
            }
        });
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One connection to its end.
fn converse(mut stream: TcpStream, state: &Mutex<State>, index: usize) -> std::io::Result<()> {
    let mut hello = vec![0; 1 + HANDSHAKE_BYTES];
    stream.read_exact(&mut hello)?;
    // S1 is zero but for its random part, S2 repeats C1.
    let mut answer = vec![3];
    answer.extend(vec![0; 8]);
    answer.extend(vec![0x5a; HANDSHAKE_BYTES - 8]);
    answer.extend(&hello[1..]);
    stream.write_all(&answer)?;
    stream.read_exact(&mut vec![0; HANDSHAKE_BYTES])?;
    let mut reader = Reader::default();
    let mut buffer = vec![0; 65_536];
    loop {
        if state.lock().unwrap().stopped {
            // The socket stays open: the list of connections has it too.
            return Ok(());
        }
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        reader.feed(&buffer[..count]);
        while let Some(message) = reader.next_message() {
            let values = message.command();
            let reply = {
                let mut state = state.lock().unwrap();
                note(&mut state.publications[index], &message, &values);
                reply(&mut state, index, &message, &values)
            };
            for (on, answer) in reply.says {
                say(&mut stream, on, &answer)?;
            }
            if reply.closes {
                // A server that refuses closes; what the client has sent meanwhile does not count.
                let _ = stream.shutdown(Shutdown::Write);
                while stream.read(&mut buffer)? > 0 {}
                return Ok(());
            }
        }
    }
}

/// What a message is answered with.
#[derive(Default)]
struct Reply {
    /// Commands, each with its message stream.
    says: Vec<(u32, Vec<Value>)>,
    closes: bool,
}

fn reply(state: &mut State, index: usize, message: &Message, values: &[Value]) -> Reply {
    let mut reply = Reply::default();
    let manners = state.manners.clone();
    match values.first().and_then(Value::as_text) {
        Some("connect") => {
            let app = values.get(2).and_then(|object| object.property("app"));
            let app = app.and_then(Value::as_text).unwrap_or_default();
            if let Some(info) = manners.door.refusal(app) {
                let transaction = values.get(1).cloned().unwrap_or(Value::Number(1.0));
                let error = vec![Value::text("_error"), transaction, Value::Null, info];
                return Reply {
                    says: vec![(0, error)],
                    closes: true,
                };
            }
        }
        Some("publish") => {
            if let Some(refusal) = instead_of_start(state, index, &manners) {
                return refusal;
            }
        }
        _ => {}
    }
    let is_media = matches!(message.type_id, 8 | 9);
    let media = state.publications[index]
        .packets
        .iter()
        .filter(|packet| packet.kind != Kind::Data)
        .count();
    let own = &mut state.publications[index];
    let to = manners.reconnect_to.as_deref();
    let is_there = to.is_some_and(|to| own.tc_url().ends_with(to));
    if is_media
        && !is_there
        && (!own.asked_to_reconnect || manners.asks_again)
        && manners.reconnect_after.is_some_and(|after| media >= after)
    {
        own.asked_to_reconnect = true;
        let code = "NetConnection.Connect.ReconnectRequest";
        let Value::Object(mut properties) = info("status", code) else {
            return reply;
        };
        let to = manners.reconnect_to;
        properties.extend(to.map(|to| ("tcUrl".to_owned(), Value::Text(to))));
        reply.says.push((0, status(Value::Object(properties))));
    }
    reply.says.extend(yes(values, &state.announced));
    reply
}

/// What a publisher is told that is not let in. Others may have to leave for one that is.
fn instead_of_start(state: &mut State, index: usize, manners: &Manners) -> Option<Reply> {
    let is_there = |at: usize, other: &Publication| {
        at != index && !other.closed && !other.ended_in_order && !other.name.is_empty()
    };
    let others = state.publications.iter().enumerate();
    let busy: Vec<usize> = others
        .filter(|(at, other)| is_there(*at, other))
        .map(|(at, _)| at)
        .collect();
    if manners.one_at_a_time && !busy.is_empty() {
        state.publications[index].name.clear();
        let busy = info("error", "NetStream.Publish.BadName");
        return Some(Reply {
            says: vec![(1, status(busy))],
            closes: true,
        });
    }
    if let Some(info) = manners.door.instead_of_start() {
        return Some(Reply {
            says: vec![(0, status(info))],
            closes: true,
        });
    }
    if manners.takes_over {
        for at in busy {
            let mut loser = &state.connections[at];
            let words = encoded(1, &status(info("error", "NetStream.Publish.BadName")));
            let _ = loser.write_all(&words);
            let _ = loser.shutdown(Shutdown::Write);
        }
    }
    None
}

fn info(level: &str, code: &str) -> Value {
    Value::Object(vec![
        ("level".to_owned(), Value::text(level)),
        ("code".to_owned(), Value::text(code)),
        ("description".to_owned(), Value::text("scripted")),
    ])
}

fn status(info: Value) -> Vec<Value> {
    vec![
        Value::text("onStatus"),
        Value::Number(0.0),
        Value::Null,
        info,
    ]
}

/// Keeps what a message says.
fn note(publication: &mut Publication, message: &Message, values: &[Value]) {
    let kind = match message.type_id {
        8 => Kind::Audio,
        9 => Kind::Video,
        18 => Kind::Data,
        _ => {
            match values.first().and_then(Value::as_text) {
                Some("connect") => publication.connect = values.get(2).cloned(),
                Some("publish") => {
                    publication.name = values
                        .get(3)
                        .and_then(Value::as_text)
                        .unwrap_or_default()
                        .to_owned();
                }
                Some("deleteStream" | "FCUnpublish") => publication.ended_in_order = true,
                _ => {}
            }
            return;
        }
    };
    // A server keeps metadata without the word that says so. [WIRE 118]
    let payload = match message.payload.strip_prefix(SET_DATA_FRAME) {
        Some(rest) if kind == Kind::Data => message.payload.slice_ref(rest),
        _ => message.payload.clone(),
    };
    let packet = Packet::new(kind, message.timestamp, payload);
    publication.packets.push(packet);
}

/// Says yes to everything that waits for an answer.
fn yes(values: &[Value], announced: &[(String, Value)]) -> Option<(u32, Vec<Value>)> {
    let transaction = values.get(1).cloned().unwrap_or(Value::Number(0.0));
    match values.first().and_then(Value::as_text)? {
        "connect" => {
            let mut properties = vec![("fmsVer".to_owned(), Value::text("FMS/3,0,1,123"))];
            properties.extend_from_slice(announced);
            let properties = Value::Object(properties);
            let success = info("status", "NetConnection.Connect.Success");
            Some((
                0,
                vec![Value::text("_result"), transaction, properties, success],
            ))
        }
        "createStream" => Some((
            0,
            vec![
                Value::text("_result"),
                transaction,
                Value::Null,
                Value::Number(1.0),
            ],
        )),
        "publish" => Some((1, status(info("status", "NetStream.Publish.Start")))),
        _ => None,
    }
}

fn say(stream: &mut TcpStream, on: u32, values: &[Value]) -> std::io::Result<()> {
    stream.write_all(&encoded(on, values))
}

fn encoded(on: u32, values: &[Value]) -> Vec<u8> {
    let message = Message {
        type_id: 20,
        stream: on,
        timestamp: 0,
        payload: Bytes::from(amf::encode(values)),
    };
    let mut bytes = Vec::new();
    chunks::write(&mut bytes, 3, &message, 128);
    bytes
}
