//! A server for one connection: the relay's own protocol, and decisions that the test makes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use bongsu_flv::Kind;
use bongsu_rtmp::MessageStreamId;
use bongsu_rtmp::chunk::{self, ChunkStreamId, SERVER_CHUNK_SIZE};
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::server::{Event, PlayEnd, RequestId, ServerConfig};
use bongsu_rtmp::session::{Output, ServerSession};
use bongsu_rtmp::status::Status;
use bytes::{Bytes, BytesMut};

/// One message of a stream.
pub(crate) type Message = (Kind, u32, Bytes);

/// One connection as the server sees it.
pub(crate) struct Server {
    session: ServerSession,
    socket: TcpStream,
}

/// Runs `act` with the first connection; gives the port, and what `act` gives.
pub(crate) fn serve<T: Send + 'static>(
    act: impl FnOnce(Server) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let config = Arc::new(ServerConfig::default());
        let session = ServerSession::new(config, [1; 16], Instant::now());
        act(Server { session, socket })
    });
    (port, thread)
}

impl Server {
    /// The next event; `None` when the client is gone.
    pub(crate) fn event(&mut self) -> Option<Event> {
        let mut buffer = [0; 4096];
        loop {
            while let Some(output) = self.session.poll_output() {
                match output {
                    Output::Transmit(bytes) => self.socket.write_all(&bytes).unwrap(),
                    Output::Event(event) => return Some(event),
                }
            }
            let count = self.socket.read(&mut buffer).unwrap_or(0);
            if count == 0 {
                return None;
            }
            let bytes = buffer.get(..count).unwrap();
            self.session.handle_bytes(Instant::now(), bytes).unwrap();
        }
    }

    /// Accepts the connection and gives the request behind it.
    pub(crate) fn request(&mut self) -> (RequestId, MessageStreamId, String) {
        loop {
            match self.event().unwrap() {
                Event::ConnectRequested { request, .. } => self.accept(request),
                Event::PublishRequested {
                    request,
                    stream,
                    target,
                    ..
                }
                | Event::PlayRequested {
                    request,
                    stream,
                    target,
                } => return (request, stream, target.raw.name.clone()),
                other => panic!("not expected: {other:?}"),
            }
        }
    }

    /// Accepts whatever is asked for; gives the stream.
    pub(crate) fn accept_all(&mut self) -> MessageStreamId {
        let (request, stream, _) = self.request();
        self.accept(request);
        stream
    }

    pub(crate) fn accept(&mut self, request: RequestId) {
        self.session.accept(Instant::now(), request).unwrap();
    }

    /// Refuses what is asked for, and waits for the client to leave.
    pub(crate) fn reject(mut self, status: &Status) {
        let (request, ..) = self.request();
        self.session
            .reject(Instant::now(), request, status)
            .unwrap();
        self.finish();
    }

    /// Throws a publisher out.
    pub(crate) fn end_publish(mut self, stream: MessageStreamId, status: &Status) {
        self.session
            .end_publish(Instant::now(), stream, status)
            .unwrap();
        self.finish();
    }

    /// Ends a play and waits for the client to leave.
    pub(crate) fn end_play(mut self, stream: MessageStreamId, end: &PlayEnd) {
        self.session.end_play(Instant::now(), stream, end).unwrap();
        self.finish();
    }

    /// Waits for the client to leave.
    pub(crate) fn finish(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.event() {
            if matches!(event, Event::Closing { .. }) {
                let _ = self.socket.shutdown(Shutdown::Write);
            }
            events.push(event);
        }
        events
    }

    /// Closes without a word, in a way that loses nothing.
    pub(crate) fn close(self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
        self.finish();
    }

    /// Pings, and waits for the answer: the client has taken all that was sent before.
    pub(crate) fn ping(&mut self) {
        // The end of a header of six bytes of user control on message stream 0, and the event PingResponse.
        const ANSWER: &[u8] = b"\x06\x04\0\0\0\0\0\x07";
        self.session.ping(Instant::now());
        while let Some(Output::Transmit(bytes)) = self.session.poll_output() {
            self.socket.write_all(&bytes).unwrap();
        }
        let mut received = Vec::new();
        let mut buffer = [0; 256];
        while !received.windows(ANSWER.len()).any(|part| part == ANSWER) {
            let count = self.socket.read(&mut buffer).unwrap();
            assert_ne!(count, 0, "the client left");
            let bytes = buffer.get(..count).unwrap();
            received.extend_from_slice(bytes);
            self.session.handle_bytes(Instant::now(), bytes).unwrap();
        }
    }

    /// Sends messages to a player.
    pub(crate) fn send(&mut self, stream: MessageStreamId, messages: &[Message]) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(bytes) => self.socket.write_all(&bytes).unwrap(),
                Output::Event(event) => panic!("not expected: {event:?}"),
            }
        }
        let mut image = BytesMut::new();
        for (kind, timestamp, payload) in messages {
            let (chunk_stream, kind) = match kind {
                Kind::Audio => (ChunkStreamId::AUDIO, MediaKind::Audio),
                Kind::Video => (ChunkStreamId::VIDEO, MediaKind::Video),
                Kind::Data => (ChunkStreamId::DATA, MediaKind::Data),
            };
            let header = chunk::Header {
                chunk_stream,
                message_type: kind.message_type(),
                stream,
                timestamp: *timestamp,
            };
            chunk::encode(&mut image, &header, payload, SERVER_CHUNK_SIZE);
        }
        self.socket.write_all(&image).unwrap();
    }
}
