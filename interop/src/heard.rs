//! A scripted player on a thread of its own, for tests that watch a session while it goes on.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bongsu_flv::Kind;
use bongsu_testkit::compare::Packet;
use bongsu_testkit::raw::Peer;
use bongsu_testkit::wait;

/// How long the thread waits for a message before it looks whether it should end.
const TURN: Duration = Duration::from_millis(200);

/// How a stream ended for a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `StreamEOF` came.
    InOrder,
    /// The connection was closed without it.
    Cut,
    /// Not at all.
    GoesOn,
}

#[derive(Debug, Default)]
struct Shared {
    packets: Mutex<Vec<Packet>>,
    codes: Mutex<Vec<String>>,
    ended: AtomicBool,
    cut: AtomicBool,
    stop: AtomicBool,
}

/// A player that keeps what it hears.
#[derive(Debug)]
pub struct Ear {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    /// Asks to play `app/name`.
    #[must_use]
    pub fn open(address: SocketAddr, app: &str, name: &str) -> Self {
        let mut peer = Peer::open(address);
        peer.play(app, name);
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || listen(&mut peer, &own));
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// What came so far: audio, video and data.
    ///
    /// # Panics
    ///
    /// When the thread of the player has panicked.
    #[must_use]
    pub fn packets(&self) -> Vec<Packet> {
        self.shared.packets.lock().unwrap().clone()
    }

    /// The time of the newest packet, in milliseconds.
    ///
    /// # Panics
    ///
    /// When the thread of the player has panicked.
    #[must_use]
    pub fn newest(&self) -> Option<u32> {
        let packets = self.shared.packets.lock().unwrap();
        packets.last().map(|packet| packet.timestamp)
    }

    /// The codes of all statuses so far.
    ///
    /// # Panics
    ///
    /// When the thread of the player has panicked.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        self.shared.codes.lock().unwrap().clone()
    }

    /// Whether the stream has ended, in whatever way.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shared.ended.load(Ordering::Acquire) || self.shared.cut.load(Ordering::Acquire)
    }

    /// Waits for the end of the stream, at most so long.
    #[must_use]
    pub fn finish(mut self, limit: Duration) -> (End, Vec<Packet>) {
        let _ = wait::try_until(limit, || self.has_ended().then_some(()));
        self.stop();
        let end = if self.shared.ended.load(Ordering::Acquire) {
            End::InOrder
        } else if self.shared.cut.load(Ordering::Acquire) {
            End::Cut
        } else {
            End::GoesOn
        };
        (end, self.packets())
    }

    fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen(peer: &mut Peer, shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) && !shared.ended.load(Ordering::Acquire) {
        let Some(message) = peer.next_message(TURN) else {
            if peer.is_closed() {
                shared.cut.store(true, Ordering::Release);
                return;
            }
            continue;
        };
        let kind = match message.type_id {
            8 => Kind::Audio,
            9 => Kind::Video,
            18 => Kind::Data,
            // User control, StreamEOF.
            4 if message.payload.starts_with(&[0, 1]) => {
                shared.ended.store(true, Ordering::Release);
                return;
            }
            _ => {
                shared
                    .codes
                    .lock()
                    .unwrap()
                    .extend(message.status().map(|status| status.code));
                continue;
            }
        };
        let packet = Packet::new(kind, message.timestamp, message.payload);
        shared.packets.lock().unwrap().push(packet);
    }
}
