//! Ports that nobody uses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Mutex;

/// What was handed out in this process: the system may name a port twice before somebody listens on it.
static TAKEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());

/// A free port on 127.0.0.1, as the system names one. Another process may take it first, which is rare: the system
/// goes through its whole range before it names a port again.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn free_port() -> SocketAddr {
    let mut taken = TAKEN.lock().unwrap();
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on 127.0.0.1");
        let address = listener.local_addr().expect("the port of a listener");
        if !taken.contains(&address.port()) {
            taken.push(address.port());
            return address;
        }
    }
}
