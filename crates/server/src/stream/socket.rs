//! The write side of a player, as the fan-out sees it.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use bongsu_hub::{Write, Written};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Writes to a player's socket without waiting.
///
/// It goes straight to the descriptor, because a look at the runtime's readiness costs more than the rest of the loop;
/// only a full socket is told to the runtime, so that the player's task can wait until it is writable.
#[derive(Debug)]
pub(crate) struct PlayerSocket {
    socket: Rc<TcpStream>,
    /// Bytes sent to all players of the worker.
    sent: Rc<Cell<u64>>,
}

impl PlayerSocket {
    pub(crate) const fn new(socket: Rc<TcpStream>, sent: Rc<Cell<u64>>) -> Self {
        Self { socket, sent }
    }
}

impl Write for PlayerSocket {
    fn write(&mut self, bytes: &[u8]) -> Written {
        match bongsu_net::send(&*self.socket, bytes) {
            Ok(count) => {
                self.sent.set(self.sent.get() + count as u64);
                Written::Sent(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let blocked = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                let _ = self.socket.try_io(Interest::WRITABLE, blocked);
                Written::Blocked
            }
            Err(_) => Written::Gone,
        }
    }
}
