//! The bare loop: what sending a stream to many players costs when nothing but the sends is done.
//!
//! `ceiling <address:port> [window in ms]` takes one publisher and any number of players, chunks each message once, and
//! writes what has come within the window to every player in one call each. There is no hold, no policy, no drop, no
//! log and no second stream: it is the floor under the cost of any server on this machine, not a server.
#![expect(clippy::print_stdout, reason = "it says where it listens")]

use std::io::{self, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongsu_rtmp::ChunkStreamId;
use bongsu_rtmp::chunk::{self, SERVER_CHUNK_SIZE};
use bongsu_rtmp::message::{MediaKind, MessageStreamId};
use bongsu_rtmp::session::server::{Event, RequestId, ServerConfig};
use bongsu_rtmp::session::{Output, ServerSession};
use bytes::{Bytes, BytesMut};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// The token of the listener; connections count from 0.
const LISTENER: u64 = u64::MAX;
/// Bytes read at once.
const SCRATCH_BYTES: usize = 64 << 10;
/// Bytes kept for a player whose socket is full. Why: a bench whose players do not read is over.
const KEPT_BYTES_MAX: usize = 64 << 20;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next();
    let window = arguments.next().map_or(Ok(0), |ms| ms.parse::<u64>());
    let (Some(address), Ok(window)) = (address, window) else {
        eprintln!("Usage : ceiling <address:port> [window in ms]");
        return ExitCode::FAILURE;
    };
    match Ceiling::new(&address, Duration::from_millis(window)).and_then(|mut it| it.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ceiling: {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One connection. Once it plays, its session is gone.
struct Peer {
    socket: TcpStream,
    session: Option<Box<ServerSession>>,
    /// What the socket did not take.
    kept: BytesMut,
}

struct Ceiling {
    epoll: OwnedFd,
    listener: TcpListener,
    config: Arc<ServerConfig>,
    window: Duration,
    peers: Vec<Option<Peer>>,
    /// Who plays.
    players: Vec<usize>,
    /// Metadata and sequence headers, as a joining player gets them.
    headers: BytesMut,
    /// What came since the last pass, and when the first of it came.
    pending: BytesMut,
    due: Option<Instant>,
    scratch: Box<[u8]>,
}

impl Ceiling {
    fn new(address: &str, window: Duration) -> io::Result<Self> {
        let _ = bongsu_net::raise_file_limit();
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let token = epoll::EventData::new_u64(LISTENER);
        epoll::add(&epoll, &listener, token, epoll::EventFlags::IN)?;
        println!("listening on {}", listener.local_addr()?);
        Ok(Self {
            epoll,
            listener,
            config: Arc::new(ServerConfig::default()),
            window,
            peers: Vec::new(),
            players: Vec::new(),
            headers: BytesMut::new(),
            pending: BytesMut::new(),
            due: None,
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(1024);
        loop {
            let wait = self
                .due
                .map(|due| due.saturating_duration_since(Instant::now()));
            let wait = wait.and_then(|wait| Timespec::try_from(wait).ok());
            match epoll::wait(&self.epoll, spare_capacity(&mut events), wait.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in events.drain(..) {
                if event.data.u64() == LISTENER {
                    self.accept()?;
                } else {
                    let index = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
                    if self.serve(index, event.flags).is_err() {
                        self.peers[index] = None;
                        self.players.retain(|player| *player != index);
                    }
                }
            }
            if self.due.is_some_and(|due| due <= Instant::now()) {
                self.pass();
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let (socket, _) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let token = epoll::EventData::new_u64(self.peers.len() as u64);
            epoll::add(&self.epoll, &socket, token, epoll::EventFlags::IN)?;
            let session = ServerSession::new(Arc::clone(&self.config), [7; 16], Instant::now());
            self.peers.push(Some(Peer {
                socket,
                session: Some(Box::new(session)),
                kept: BytesMut::new(),
            }));
        }
    }

    fn serve(&mut self, index: usize, flags: epoll::EventFlags) -> io::Result<()> {
        if flags.contains(epoll::EventFlags::OUT) {
            self.flush(index)?;
        }
        while let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) {
            let count = match peer.socket.read(&mut self.scratch) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            // What a player says means nothing here.
            if let Some(session) = &mut peer.session {
                let taken = session.handle_bytes(Instant::now(), &self.scratch[..count]);
                taken.map_err(io::Error::other)?;
                self.drain(index)?;
            }
            if count < SCRATCH_BYTES {
                return Ok(());
            }
        }
        Ok(())
    }

    fn drain(&mut self, index: usize) -> io::Result<()> {
        loop {
            let peer = self.peers.get_mut(index).and_then(Option::as_mut);
            let Some(session) = peer.and_then(|peer| peer.session.as_mut()) else {
                return Ok(());
            };
            match session.poll_output() {
                None => return Ok(()),
                Some(Output::Transmit(bytes)) => self.send(index, &bytes)?,
                Some(Output::Event(event)) => self.on_event(index, event)?,
            }
        }
    }

    fn on_event(&mut self, index: usize, event: Event) -> io::Result<()> {
        match event {
            Event::ConnectRequested { request, .. } | Event::PublishRequested { request, .. } => {
                self.answer(index, request)
            }
            Event::PlayRequested { request, .. } => {
                self.answer(index, request)?;
                self.drain(index)?;
                let headers = self.headers.clone();
                self.send(index, &headers)?;
                if let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) {
                    peer.session = None;
                }
                self.players.push(index);
                Ok(())
            }
            Event::Media {
                kind,
                timestamp,
                payload,
                ..
            } => {
                self.on_media(kind, timestamp, &payload);
                Ok(())
            }
            Event::Closing { .. } => Err(ErrorKind::ConnectionAborted.into()),
            _ => Ok(()),
        }
    }

    fn answer(&mut self, index: usize, request: RequestId) -> io::Result<()> {
        let peer = self.peers.get_mut(index).and_then(Option::as_mut);
        let Some(session) = peer.and_then(|peer| peer.session.as_mut()) else {
            return Ok(());
        };
        let accepted = session.accept(Instant::now(), request);
        accepted.map_err(io::Error::other)
    }

    fn on_media(&mut self, kind: MediaKind, timestamp: u32, payload: &Bytes) {
        let header = chunk::Header {
            chunk_stream: match kind {
                MediaKind::Audio => ChunkStreamId::AUDIO,
                MediaKind::Video => ChunkStreamId::VIDEO,
                MediaKind::Data => ChunkStreamId::DATA,
            },
            message_type: kind.message_type(),
            stream: MessageStreamId(1),
            timestamp,
        };
        let is_header = kind == MediaKind::Data || payload.get(1) == Some(&0);
        let out = if is_header {
            &mut self.headers
        } else {
            &mut self.pending
        };
        chunk::encode(out, &header, payload, SERVER_CHUNK_SIZE);
        if !is_header {
            self.due.get_or_insert_with(|| Instant::now() + self.window);
        }
    }

    /// Writes what has come to every player.
    fn pass(&mut self) {
        self.due = None;
        let image = std::mem::take(&mut self.pending);
        for at in (0..self.players.len()).rev() {
            let index = self.players[at];
            if self.send(index, &image).is_err() {
                self.peers[index] = None;
                self.players.swap_remove(at);
            }
        }
        // The memory is used again.
        self.pending = image;
        self.pending.clear();
    }

    fn send(&mut self, index: usize, bytes: &[u8]) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) else {
            return Ok(());
        };
        let mut sent = 0;
        if peer.kept.is_empty() {
            sent = match bongsu_net::send(&peer.socket, bytes) {
                Ok(sent) if sent == bytes.len() => return Ok(()),
                Ok(sent) => sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
            self.watch(index, epoll::EventFlags::IN | epoll::EventFlags::OUT)?;
        }
        let peer = self.peers.get_mut(index).and_then(Option::as_mut);
        let Some(peer) = peer.filter(|peer| peer.kept.len() <= KEPT_BYTES_MAX) else {
            return Err(ErrorKind::OutOfMemory.into());
        };
        peer.kept.extend_from_slice(&bytes[sent..]);
        Ok(())
    }

    fn flush(&mut self, index: usize) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) else {
            return Ok(());
        };
        while !peer.kept.is_empty() {
            match bongsu_net::send(&peer.socket, &peer.kept) {
                Ok(sent) => drop(peer.kept.split_to(sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.watch(index, epoll::EventFlags::IN)
    }

    fn watch(&self, index: usize, flags: epoll::EventFlags) -> io::Result<()> {
        let token = epoll::EventData::new_u64(index as u64);
        match self.peers.get(index) {
            Some(Some(peer)) => Ok(epoll::modify(&self.epoll, &peer.socket, token, flags)?),
            _ => Ok(()),
        }
    }
}
