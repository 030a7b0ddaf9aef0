//! The write side of a player, as the fan-out sees it.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use bongsu_hub::{Write, Written};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::session::{Put, Sender, Up};

/// Writes to a player without waiting: to its socket, or to the connection of which it is a side stream.
///
/// A socket is written to straight. It goes straight to the descriptor, because a look at the runtime's readiness costs more than the rest of the loop;
/// only a full socket is told to the runtime, so that the player's task can wait until it is writable.
#[derive(Debug)]
pub(crate) struct PlayerSocket(Way);

#[derive(Debug)]
enum Way {
    Socket {
        socket: Rc<TcpStream>,
        /// Bytes sent to all players of the worker.
        sent: Rc<Cell<u64>>,
    },
    /// The connection writes to the socket, and counts.
    Side(Rc<Sender<Up>>),
}

impl PlayerSocket {
    pub(crate) const fn new(socket: Rc<TcpStream>, sent: Rc<Cell<u64>>) -> Self {
        Self(Way::Socket { socket, sent })
    }

    /// A player whose connection has another task, perhaps on another worker.
    pub(crate) const fn side(up: Rc<Sender<Up>>) -> Self {
        Self(Way::Side(up))
    }
}

impl Write for PlayerSocket {
    fn write(&mut self, bytes: &[u8]) -> Written {
        let (socket, sent) = match &self.0 {
            Way::Socket { socket, sent } => (socket, sent),
            Way::Side(up) => {
                return match up.put(bytes, Up::Bytes) {
                    Put::Some(count) => Written::Sent(count),
                    Put::Full => Written::Blocked,
                    Put::Closed => Written::Gone,
                };
            }
        };
        match bongsu_net::send(&**socket, bytes) {
            Ok(count) => {
                sent.set(sent.get() + count as u64);
                Written::Sent(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let blocked = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                let _ = socket.try_io(Interest::WRITABLE, blocked);
                Written::Blocked
            }
            Err(_) => Written::Gone,
        }
    }
}
