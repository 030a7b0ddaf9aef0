//! Peers that say nothing more after some step of a session.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bongsu_testkit::raw::{Peer, Value};

use super::wire::{self, HANDSHAKE_BYTES};
use super::{Held, Outcome, wait_for_closes};

/// What the relay's configuration says about time.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// `limits.handshake_timeout`.
    pub handshake: Duration,
    /// `limits.request_timeout`.
    pub request: Duration,
    /// `publish_idle` of the app `live`.
    pub publish_idle: Duration,
    /// `play_wait` of the app `brief`.
    pub play_wait: Duration,
}

/// Numbers the streams of silent publishers.
static NAMES: AtomicU32 = AtomicU32::new(0);

/// A step of a session, and what may pass after it.
type Step = (fn(SocketAddr) -> TcpStream, Duration);

/// `count` peers for each step of a session fall silent behind it.
#[must_use]
pub fn after_each_step(address: SocketAddr, count: u32, deadlines: Deadlines) -> Outcome {
    let Deadlines {
        handshake,
        request,
        publish_idle,
        play_wait,
    } = deadlines;
    let steps: [Step; 11] = [
        (wire::connect, handshake),
        (|address| said(wire::connect(address), &[3]), handshake),
        (
            |address| said(wire::connect(address), &wire::hello()),
            handshake,
        ),
        (
            |address| said(wire::connect(address), &[3; HANDSHAKE_BYTES]),
            handshake,
        ),
        (wire::shake, request),
        (|address| connected(address).into_parts().0, request),
        (created, request),
        (|address| published(address).0.into_parts().0, publish_idle),
        (half_a_message, publish_idle),
        (unpublished, request),
        // The player is told that there is no such stream, and may ask for another one.
        (waiting, play_wait + request),
    ];
    let held = steps
        .iter()
        .flat_map(|(step, deadline)| (0..count).map(move |_| Held::new(step(address), *deadline)));
    wait_for_closes(held.collect::<Vec<_>>())
}

fn said(mut stream: TcpStream, bytes: &[u8]) -> TcpStream {
    stream.write_all(bytes).expect("bytes are sent");
    stream
}

fn connected(address: SocketAddr) -> Peer {
    let mut peer = Peer::open(address);
    peer.connect("live");
    peer
}

fn created(address: SocketAddr) -> TcpStream {
    let mut peer = connected(address);
    let _ = peer.create_stream();
    peer.into_parts().0
}

/// A publisher of a name of its own, so that nobody takes it over.
fn published(address: SocketAddr) -> (Peer, u32, String) {
    let mut peer = Peer::open(address);
    let name = format!("silent-{}", NAMES.fetch_add(1, Ordering::Relaxed));
    let (stream, status) = peer.publish("live", &name);
    assert_eq!(status.code, "NetStream.Publish.Start");
    (peer, stream, name)
}

fn half_a_message(address: SocketAddr) -> TcpStream {
    let (peer, stream, _) = published(address);
    let half = [wire::header(6, 9, stream, 1_000), vec![0x17; 500]].concat();
    said(peer.into_parts().0, &half)
}

fn unpublished(address: SocketAddr) -> TcpStream {
    let (mut peer, stream, name) = published(address);
    peer.command("FCUnpublish", 0, &[Value::Null, Value::text(&name)]);
    let id = Value::Number(f64::from(stream));
    peer.command("deleteStream", 0, &[Value::Null, id]);
    peer.into_parts().0
}

fn waiting(address: SocketAddr) -> TcpStream {
    let mut peer = Peer::open(address);
    peer.play("brief", "nobody");
    peer.into_parts().0
}
