//! A connection to a server: a blocking socket around `bongsu_rtmp::ClientSession`.
//!
//! A thread reads the socket and hands pieces over through a bounded queue, so that the main loop can wait for the
//! server and for the next frame at once. Writes block: a server that takes nothing holds the sender up, and after
//! the timeout that is an error. The session's own deadlines are not used: `--timeout` stands for them all.

mod connect;
mod error;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bongsu_flv::Kind;
use bongsu_rtmp::Limits;
use bongsu_rtmp::chunk::CLIENT_CHUNK_SIZE;
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::client::{ClientConfig, Event, Role as SessionRole};
use bongsu_rtmp::session::{Capabilities, ClientSession, Output};
use bongsu_rtmp::url::{RtmpUrl, Scheme};
use bongsu_server::config::{Environment, follow_references};
use bytes::Bytes;

use crate::args;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Progress;

/// Bytes read at once.
const READ_BYTES: usize = 64 << 10;

/// Pieces that wait between the reading thread and the main loop. Why: 2 MiB hold a second of any stream.
const PIECES_MAX: usize = 32;

/// How long the server may take to answer a goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// Longest wait before a signal is noticed.
const SIGNAL_CHECK: Duration = Duration::from_millis(100);

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Publish,
    Play,
}

/// What the main loop gets while it waits.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A message of the stream that is played.
    Media {
        kind: Kind,
        timestamp_ms: u32,
        payload: Bytes,
    },
    /// The server ended the stream.
    Ended {
        /// Its words, safe in a terminal.
        why: String,
        /// False when the stream came to its end in order.
        is_error: bool,
    },
    /// The time is over.
    Due,
    /// SIGINT or SIGTERM.
    Interrupted,
}

/// Reads a URL of the command line, with its references to a variable or a file followed.
pub(crate) fn parse_url(text: &str) -> Result<RtmpUrl, Failure> {
    let example = "write it as in rtmp://host/live/cam";
    let text = follow_references(text, &Environment::of_process())
        .map_err(|problem| Failure::new(problem.what(), problem.hint()))?;
    let url = RtmpUrl::parse(&text).map_err(|error| Failure::new(error, example))?;
    if url.scheme() == Scheme::Rtmps {
        return Err(Failure::new(
            "RTMP over TLS (rtmps://) is not supported yet",
            "use an rtmp:// URL, or a TLS tunnel on this machine",
        ));
    }
    if url.stream_name().is_empty() {
        return Err(Failure::new("the URL names an app but no stream", example));
    }
    Ok(url)
}

/// A connection on which the server accepted to publish or to play.
pub(crate) struct Client {
    stream: TcpStream,
    session: ClientSession,
    pieces: Receiver<io::Result<Bytes>>,
    reader: Option<JoinHandle<()>>,
    waiting: VecDeque<Event>,
    role: Role,
    /// Host and port, for errors.
    place: String,
    timeout: Duration,
    connected_at: Instant,
}

impl Client {
    /// Connects, and waits until the server accepted to publish or to play.
    ///
    /// # Errors
    /// When there is no way there, no RTMP, a refusal, no answer in time, or a signal.
    pub(crate) fn open(
        url: &RtmpUrl,
        role: Role,
        settings: &args::Client,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let place = place(url);
        progress.step(&format!("connecting to {place}"));
        let stream = connect::connect(url, settings.timeout)?;
        let broken = |error| error::broken(&place, settings.timeout, &error);
        stream
            .set_write_timeout(Some(settings.timeout))
            .map_err(broken)?;
        let (sender, pieces) = sync_channel(PIECES_MAX);
        let reader = read_in_background(&stream, sender).map_err(broken)?;
        let now = Instant::now();
        let mut client = Self {
            session: ClientSession::new(session_config(url, role), now),
            stream,
            pieces,
            reader: Some(reader),
            waiting: VecDeque::new(),
            role,
            place,
            timeout: settings.timeout,
            connected_at: now,
        };
        client.flush()?;
        client.wait_for_start(progress)?;
        Ok(client)
    }

    fn wait_for_start(&mut self, progress: &Progress) -> Result<(), Failure> {
        let deadline = self.connected_at + self.timeout;
        loop {
            while let Some(event) = self.waiting.pop_front() {
                match event {
                    Event::Stepped(step) => progress.step(&format!("{}: {step:?}", self.place)),
                    Event::Started { .. } => return Ok(()),
                    Event::Refused(refusal) => return Err(error::refused(&self.place, &refusal)),
                    _ => {}
                }
            }
            match self.receive(deadline)? {
                Received::Bytes => {}
                Received::Due => {
                    let step = self.session.step();
                    return Err(error::silent(&self.place, step, self.role, self.timeout));
                }
                Received::Interrupted => {
                    self.session.stop(Instant::now());
                    self.flush()?;
                    return Err(Failure::interrupted());
                }
                Received::Closed => {
                    let step = self.session.step();
                    return Err(error::closed_early(&self.place, step, self.role));
                }
            }
        }
    }

    /// Waits for the next thing that happens, at most until `until`.
    ///
    /// # Errors
    /// When the connection breaks, or the server breaks the protocol.
    pub(crate) fn next(&mut self, until: Instant) -> Result<Happening, Failure> {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                match event {
                    Event::Media {
                        kind,
                        timestamp,
                        payload,
                    } => {
                        return Ok(Happening::Media {
                            kind: flv_kind(kind),
                            timestamp_ms: timestamp,
                            payload,
                        });
                    }
                    Event::Ended {
                        code,
                        description,
                        is_error,
                        ..
                    } => {
                        let why = error::words(&code, &description);
                        return Ok(Happening::Ended { why, is_error });
                    }
                    // A request to come back over a new connection: this one still works.
                    _ => {}
                }
            }
            match self.receive(until)? {
                Received::Bytes => {}
                Received::Due => return Ok(Happening::Due),
                Received::Interrupted => return Ok(Happening::Interrupted),
                Received::Closed => return Err(error::closed_late(&self.place)),
            }
        }
    }

    /// Whether nothing that came already waits to be taken.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the connection was there.
    pub(crate) const fn connected_at(&self) -> Instant {
        self.connected_at
    }

    /// Sends one message of the stream that is published.
    ///
    /// # Errors
    /// When the connection breaks or the server takes nothing for the timeout.
    pub(crate) fn send(
        &mut self,
        kind: Kind,
        timestamp_ms: u32,
        payload: &Bytes,
    ) -> Result<(), Failure> {
        self.session
            .send_media(Instant::now(), media_kind(kind), timestamp_ms, payload)
            .map_err(|error| error::wrong(&self.place, &error))?;
        self.flush()
    }

    /// Says goodbye and waits a moment for the server to close.
    pub(crate) fn stop(mut self) {
        self.session.stop(Instant::now());
        if self.flush().is_err() {
            return;
        }
        let _ = self.stream.shutdown(Shutdown::Write);
        let until = Instant::now() + FAREWELL;
        while let Ok(Ok(_)) = self
            .pieces
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {}
    }

    /// Waits for bytes and hands them to the session.
    fn receive(&mut self, until: Instant) -> Result<Received, Failure> {
        loop {
            if interrupt::happened() {
                return Ok(Received::Interrupted);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.pieces.recv_timeout(left.min(SIGNAL_CHECK)) {
                Ok(Ok(piece)) => {
                    let handled = self.session.handle_bytes(Instant::now(), &piece);
                    self.flush()?;
                    handled.map_err(|error| error::wrong(&self.place, &error))?;
                    return Ok(Received::Bytes);
                }
                Ok(Err(error)) => return Err(error::broken(&self.place, self.timeout, &error)),
                Err(RecvTimeoutError::Disconnected) => return Ok(Received::Closed),
                Err(RecvTimeoutError::Timeout) if Instant::now() >= until => {
                    return Ok(Received::Due);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Takes what the session has to say: bytes go out, events wait.
    fn flush(&mut self) -> Result<(), Failure> {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(bytes) => self
                    .stream
                    .write_all(&bytes)
                    .map_err(|error| error::broken(&self.place, self.timeout, &error))?,
                Output::Event(event) => self.waiting.push_back(event),
            }
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Wakes the reading thread, which may wait for bytes or for room in the queue.
        let _ = self.stream.shutdown(Shutdown::Both);
        self.pieces = sync_channel(0).1;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// What [`Client::receive`] saw.
enum Received {
    Bytes,
    Due,
    Interrupted,
    Closed,
}

/// Host and port as people write them.
fn place(url: &RtmpUrl) -> String {
    let host = url.host();
    if host.contains(':') {
        format!("[{host}]:{}", url.port())
    } else {
        format!("{host}:{}", url.port())
    }
}

/// Hands over what comes in until the connection ends or nobody takes it any more.
fn read_in_background(
    stream: &TcpStream,
    sender: SyncSender<io::Result<Bytes>>,
) -> io::Result<JoinHandle<()>> {
    let mut stream = stream.try_clone()?;
    let mut buffer = vec![0; READ_BYTES];
    std::thread::Builder::new()
        .name("read".to_owned())
        .spawn(move || {
            loop {
                let piece = match stream.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(count) => Ok(Bytes::copy_from_slice(
                        buffer.get(..count).unwrap_or_default(),
                    )),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let last = piece.is_err();
                if sender.send(piece).is_err() || last {
                    return;
                }
            }
        })
}

fn session_config(url: &RtmpUrl, role: Role) -> ClientConfig {
    let mut seed = [0; 16];
    // The handshake proves nothing: without a random source, fixed bytes do as well.
    let _ = getrandom::fill(&mut seed);
    ClientConfig {
        role: match role {
            Role::Publish => SessionRole::Publish,
            Role::Play => SessionRole::Play,
        },
        url: url.clone(),
        seed,
        limits: Limits::authorised(),
        chunk_size: CLIENT_CHUNK_SIZE,
        // Every codec and track passes; only a move to another server is not followed.
        capabilities: Capabilities {
            caps_ex: Some(
                Capabilities::MULTITRACK | Capabilities::MOD_EX | Capabilities::NANO_OFFSET,
            ),
            ..Capabilities::forwarding()
        },
    }
}

const fn flv_kind(kind: MediaKind) -> Kind {
    match kind {
        MediaKind::Audio => Kind::Audio,
        MediaKind::Video => Kind::Video,
        MediaKind::Data => Kind::Data,
    }
}

const fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
        Kind::Data => MediaKind::Data,
    }
}
