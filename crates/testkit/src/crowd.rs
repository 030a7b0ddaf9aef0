//! Many players in one process: some read, some never do.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bongsu_flv::Kind;
use rustix::event::epoll;

use crate::compare::Packet;
use crate::raw::{Message, Peer, Reader};

/// Receive buffer of a player that does not read: it should stop the relay's writes within a second or two.
const STALLED_RECEIVE_BYTES: usize = 16 * 1024;

/// Players that have asked to play and wait for the stream.
#[derive(Debug)]
pub struct Crowd {
    readers: Vec<Player>,
    stalled: Vec<TcpStream>,
}

#[derive(Debug)]
struct Player {
    stream: TcpStream,
    reader: Reader,
    heard: Heard,
}

/// What a reading player heard.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// Coded frames, audio and video.
    pub frames: usize,
    /// A digest of their kinds, times and bytes, in order: equal digests are equal streams.
    pub digest: u64,
    /// Whether the stream ended in order: `StreamEOF`, `NetStream.Play.UnpublishNotify` or a close after it.
    pub ended: bool,
    /// The packets, kept by the first player only.
    pub packets: Vec<Packet>,
}

impl Crowd {
    /// Connects all players, one after the other, and asks to play.
    ///
    /// # Panics
    ///
    /// When one of them is refused.
    #[must_use]
    pub fn join(
        address: SocketAddr,
        app: &str,
        name: &str,
        readers: usize,
        stalled: usize,
    ) -> Self {
        let ask = || {
            let mut peer = Peer::open(address);
            peer.play(app, name);
            peer.into_parts()
        };
        let readers = (0..readers)
            .map(|_| {
                let (stream, reader) = ask();
                stream
                    .set_nonblocking(true)
                    .expect("a socket that does not block");
                Player {
                    stream,
                    reader,
                    heard: Heard::default(),
                }
            })
            .collect();
        let stalled = (0..stalled)
            .map(|_| {
                let (stream, _) = ask();
                rustix::net::sockopt::set_socket_recv_buffer_size(&stream, STALLED_RECEIVE_BYTES)
                    .expect("a small receive buffer");
                stream
            })
            .collect();
        Self { readers, stalled }
    }

    /// Reads until every reading player's stream has ended, or `limit` passes. `each_second` is called once a second.
    ///
    /// # Panics
    ///
    /// When the system refuses to watch the sockets.
    pub fn listen(mut self, limit: Duration, mut each_second: impl FnMut()) -> Vec<Heard> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
        for (index, player) in self.readers.iter().enumerate() {
            let data = epoll::EventData::new_u64(u64::try_from(index).unwrap());
            epoll::add(&poll, &player.stream, data, epoll::EventFlags::IN)
                .expect("a watched socket");
        }
        let started = Instant::now();
        let mut next_second = Duration::from_secs(1);
        let mut buffer = vec![0; 256 * 1024];
        let mut left = self.readers.len();
        while left > 0 && started.elapsed() < limit {
            let wait = rustix::event::Timespec {
                tv_sec: 0,
                tv_nsec: 200_000_000,
            };
            let mut events = Vec::with_capacity(256);
            let _ = epoll::wait(
                &poll,
                rustix::buffer::spare_capacity(&mut events),
                Some(&wait),
            );
            for event in events {
                let index = usize::try_from(event.data.u64()).unwrap();
                let player = &mut self.readers[index];
                if player.read(&mut buffer, index == 0) {
                    let _ = epoll::delete(&poll, &player.stream);
                    left -= 1;
                }
            }
            if started.elapsed() > next_second {
                next_second += Duration::from_secs(1);
                each_second();
            }
        }
        drop(self.stalled);
        self.readers
            .into_iter()
            .map(|player| player.heard)
            .collect()
    }
}

impl Player {
    /// Takes what is there; `true` when no more will come.
    fn read(&mut self, buffer: &mut [u8], keep: bool) -> bool {
        match self.stream.read(buffer) {
            Ok(0) => return true,
            Ok(count) => self.reader.feed(&buffer[..count]),
            Err(error) => {
                return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
            }
        }
        while let Some(message) = self.reader.next_message() {
            self.heard.note(&message, keep);
        }
        self.heard.ended
    }
}

impl Heard {
    fn note(&mut self, message: &Message, keep: bool) {
        let kind = match message.type_id {
            8 => Kind::Audio,
            9 => Kind::Video,
            18 => Kind::Data,
            // User control, StreamEOF.
            4 if message.payload.starts_with(&[0, 1]) => {
                self.ended = true;
                return;
            }
            _ => return,
        };
        let packet = Packet::new(kind, message.timestamp, message.payload.clone());
        if packet.is_frame() {
            self.frames += 1;
            self.digest = digest(self.digest, message);
        }
        if keep {
            self.packets.push(packet);
        }
    }
}

/// The next digest: eight bytes at a time, so that a debug build keeps up with hundreds of players.
fn digest(before: u64, message: &Message) -> u64 {
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let head = mix(
        before,
        u64::from(message.timestamp) << 8 | u64::from(message.type_id),
    );
    let (words, rest) = message.payload.as_chunks::<8>();
    let body = words
        .iter()
        .fold(head, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    rest.iter()
        .fold(body, |hash, byte| mix(hash, u64::from(*byte)))
}
