//! Clients that mean well, in the middle of an attack.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bongsu_testkit::raw::Peer;

use super::Outcome;

/// Pause between two of them. Why: they are there to be served, not to add to the attack.
const PAUSE: Duration = Duration::from_millis(20);

/// What they saw.
#[derive(Debug, Clone, Copy, Default)]
pub struct Served {
    /// Clients that got through handshake, `connect` and `createStream`.
    pub clients: u32,
    /// The longest that one of them took.
    pub longest: Duration,
}

/// Lets one client after the other come from this address of the machine for as long as the attack goes on.
///
/// # Panics
///
/// When one of them is not served.
pub fn beside(
    address: SocketAddr,
    source: Ipv4Addr,
    attack: impl FnOnce() -> Outcome,
) -> (Outcome, Served) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients = scope.spawn(|| {
            let mut served = Served::default();
            while !over.load(Ordering::Acquire) {
                let started = Instant::now();
                let mut peer = Peer::open_from(source, address);
                peer.connect("live");
                let _ = peer.create_stream();
                served.clients += 1;
                served.longest = served.longest.max(started.elapsed());
                thread::sleep(PAUSE);
            }
            served
        });
        let outcome = attack();
        over.store(true, Ordering::Release);
        (outcome, clients.join().expect("a client that is served"))
    })
}
