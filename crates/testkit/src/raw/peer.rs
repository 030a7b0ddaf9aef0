//! A scripted client.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};

use super::amf::{self, Value};
use super::chunks::{self, Message, Reader};

/// How long an answer to a command may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of C1, S1, C2 and S2.
const HANDSHAKE_BYTES: usize = 1536;
/// The size of the chunks that we send, announced before the first command.
const CHUNK_BYTES: u32 = 65_536;

/// What an `onStatus` said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `status` or `error`.
    pub level: String,
    /// The code.
    pub code: String,
    /// The sentence behind it.
    pub description: String,
}

/// A client that says what the test tells it to.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    reader: Reader,
    transaction: u32,
    announced: Vec<(String, Value)>,
    closed: bool,
}

impl Peer {
    /// Connects and shakes hands.
    ///
    /// # Panics
    ///
    /// When the server does not take part.
    #[must_use]
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, ANSWER_LIMIT)
            .unwrap_or_else(|error| panic!("cannot connect to {address}: {error}"));
        Self::greet(stream)
    }

    /// As [`Self::open`], from another address of this machine than the usual one: all of 127.0.0.0/8 is its own.
    ///
    /// # Panics
    ///
    /// As [`Self::open`].
    #[must_use]
    pub fn open_from(source: Ipv4Addr, address: SocketAddr) -> Self {
        Self::greet(connect_from(source, address))
    }

    fn greet(mut stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("no delay");
        stream
            .set_read_timeout(Some(ANSWER_LIMIT))
            .expect("a read timeout");
        let mut hello = vec![3_u8];
        hello.extend((0..HANDSHAKE_BYTES).map(|at| {
            if at < 8 {
                0
            } else {
                u8::try_from(at % 251).unwrap()
            }
        }));
        stream.write_all(&hello).expect("C0 and C1 are sent");
        let mut answer = vec![0; 1 + 2 * HANDSHAKE_BYTES];
        stream
            .read_exact(&mut answer)
            .expect("S0, S1 and S2 arrive");
        stream
            .write_all(&answer[1..=HANDSHAKE_BYTES])
            .expect("C2 is sent");
        let mut peer = Self {
            stream,
            reader: Reader::default(),
            transaction: 0,
            announced: Vec::new(),
            closed: false,
        };
        peer.send_message(
            2,
            1,
            0,
            0,
            Bytes::copy_from_slice(&CHUNK_BYTES.to_be_bytes()),
        );
        peer
    }

    /// Adds a property to `connect`, such as `capsEx`. Call it before anything that connects.
    #[must_use]
    pub fn announcing(mut self, name: &str, value: Value) -> Self {
        self.announced.push((name.to_owned(), value));
        self
    }

    /// Sends `connect` and waits until it is accepted.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn connect(&mut self, app: &str) {
        let address = self.stream.peer_addr().expect("the server's address");
        let mut properties = vec![
            ("app".to_owned(), Value::text(app)),
            ("type".to_owned(), Value::text("nonprivate")),
            (
                "flashVer".to_owned(),
                Value::text("FMLE/3.0 (compatible; scripted)"),
            ),
            (
                "tcUrl".to_owned(),
                Value::text(&format!("rtmp://{address}/{app}")),
            ),
        ];
        properties.append(&mut self.announced);
        let answer = self.call("connect", 0, &[Value::Object(properties)]);
        assert_eq!(
            answer.first().and_then(Value::as_text),
            Some("_result"),
            "connect: {answer:?}"
        );
    }

    /// Sends `createStream` and gives the id of the new stream.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn create_stream(&mut self) -> u32 {
        let answer = self.call("createStream", 0, &[Value::Null]);
        let id = answer.get(3).and_then(Value::as_number);
        let id = id.unwrap_or_else(|| panic!("createStream: {answer:?}"));
        format!("{id:.0}").parse().expect("a stream id")
    }

    /// Connects, creates a stream and asks to publish; gives the first status and the stream.
    ///
    /// # Panics
    ///
    /// When the server does not answer.
    pub fn publish(&mut self, app: &str, name: &str) -> (u32, Status) {
        let stream = self.ask_to_publish(app, name);
        let status = self.status(ANSWER_LIMIT);
        (stream, status.expect("a status after publish"))
    }

    /// Connects, creates a stream and asks to publish; does not wait for an answer to `publish`.
    pub fn ask_to_publish(&mut self, app: &str, name: &str) -> u32 {
        self.connect(app);
        self.command("releaseStream", 0, &[Value::Null, Value::text(name)]);
        self.command("FCPublish", 0, &[Value::Null, Value::text(name)]);
        let stream = self.create_stream();
        self.command(
            "publish",
            stream,
            &[Value::Null, Value::text(name), Value::text("live")],
        );
        stream
    }

    /// Connects, creates a stream and asks to play; does not wait for an answer to `play`.
    pub fn play(&mut self, app: &str, name: &str) -> u32 {
        self.connect(app);
        let stream = self.create_stream();
        self.command(
            "play",
            stream,
            &[Value::Null, Value::text(name), Value::Number(-2000.0)],
        );
        stream
    }

    /// Sends a command with the next transaction id, and gives that id.
    pub fn command(&mut self, name: &str, stream: u32, arguments: &[Value]) -> u32 {
        self.transaction += 1;
        let mut values = vec![
            Value::text(name),
            Value::Number(f64::from(self.transaction)),
        ];
        values.extend_from_slice(arguments);
        self.send_message(3, 20, stream, 0, amf::encode(&values).into());
        self.transaction
    }

    /// Sends a command and waits for its `_result` or `_error`.
    fn call(&mut self, name: &str, stream: u32, arguments: &[Value]) -> Vec<Value> {
        let id = f64::from(self.command(name, stream, arguments));
        let deadline = Instant::now() + ANSWER_LIMIT;
        while let Some(message) =
            self.next_message(deadline.saturating_duration_since(Instant::now()))
        {
            let values = message.command();
            let answers = matches!(
                values.first().and_then(Value::as_text),
                Some("_result" | "_error")
            );
            if answers && values.get(1).and_then(Value::as_number) == Some(id) {
                return values;
            }
        }
        panic!("no answer to {name}");
    }

    /// Sends audio (8), video (9) or data (18). `false` when the connection is gone.
    pub fn send_media(&mut self, stream: u32, type_id: u8, timestamp: u32, payload: &[u8]) -> bool {
        self.send_message(
            4,
            type_id,
            stream,
            timestamp,
            Bytes::copy_from_slice(payload),
        );
        !self.closed
    }

    fn send_message(
        &mut self,
        chunk_stream: u8,
        type_id: u8,
        stream: u32,
        timestamp: u32,
        payload: Bytes,
    ) {
        let chunk_size = if type_id == 1 {
            128
        } else {
            usize::try_from(CHUNK_BYTES).unwrap()
        };
        let message = Message {
            type_id,
            stream,
            timestamp,
            payload,
        };
        let mut bytes = Vec::new();
        chunks::write(&mut bytes, chunk_stream, &message, chunk_size);
        if self.stream.write_all(&bytes).is_err() {
            self.closed = true;
        }
    }

    /// The next status of any stream; `None` when the connection ends or `limit` passes before it.
    pub fn status(&mut self, limit: Duration) -> Option<Status> {
        let deadline = Instant::now() + limit;
        loop {
            let message = self.next_message(deadline.saturating_duration_since(Instant::now()))?;
            if let Some(status) = message.status() {
                return Some(status);
            }
        }
    }

    /// The next message; `None` when the connection ends or `limit` passes before it.
    ///
    /// # Panics
    ///
    /// When the connection breaks otherwise.
    pub fn next_message(&mut self, limit: Duration) -> Option<Message> {
        let deadline = Instant::now() + limit;
        let mut buffer = vec![0; 65_536];
        loop {
            if let Some(message) = self.reader.next_message() {
                return Some(message);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if self.closed || left.is_zero() {
                return None;
            }
            self.stream
                .set_read_timeout(Some(left))
                .expect("a read timeout");
            match self.stream.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(count) => self.reader.feed(&buffer[..count]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return None;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.closed = true,
            }
        }
    }

    /// Reads until the server closes the connection; `false` when it does not within `limit`.
    pub fn wait_for_close(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while !self.closed && Instant::now() < deadline {
            let _ = self.next_message(deadline.saturating_duration_since(Instant::now()));
        }
        self.closed
    }

    /// Whether the server has closed the connection, as far as reads and writes have shown.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The socket and what was read ahead, for a test that goes on by itself.
    #[must_use]
    pub fn into_parts(self) -> (TcpStream, Reader) {
        (self.stream, self.reader)
    }
}

/// A connection whose own end has this address.
///
/// # Panics
///
/// When it cannot be made.
#[must_use]
pub fn connect_from(source: Ipv4Addr, address: SocketAddr) -> TcpStream {
    let connected = || -> rustix::io::Result<TcpStream> {
        let socket = socket_with(
            AddressFamily::INET,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        bind(&socket, &SocketAddr::from((source, 0)))?;
        connect(&socket, &address)?;
        Ok(TcpStream::from(socket))
    };
    connected().unwrap_or_else(|error| panic!("cannot connect from {source} to {address}: {error}"))
}

impl Message {
    /// The values of a command message; none for any other.
    #[must_use]
    pub fn command(&self) -> Vec<Value> {
        if self.type_id == 20 {
            amf::decode(&self.payload)
        } else {
            Vec::new()
        }
    }

    /// The status, when the message is an `onStatus`.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        let values = self.command();
        if values.first()?.as_text()? != "onStatus" {
            return None;
        }
        let text = |name: &str| {
            let value = values.get(3).and_then(|info| info.property(name));
            value
                .and_then(Value::as_text)
                .unwrap_or_default()
                .to_owned()
        };
        Some(Status {
            level: text("level"),
            code: text("code"),
            description: text("description"),
        })
    }
}
