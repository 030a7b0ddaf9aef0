//! Outgoing connections: one address with a deadline, or a [`Race`] between the addresses of a name.
//!
//! For one address and a caller that may wait, [`connect_timeout`]. For a name with several addresses,
//! [`connect_first_of`] waits too. A caller that may not wait drives a [`Race`] itself: for each
//! [`race::Output::Start`] it calls [`start`], waits until the socket is writable, and asks
//! [`is_connected`]; what comes out goes back into the race.

mod error;
pub mod race;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::{SockAddr, SockRef};

pub use error::{ConnectError, RaceError};
pub use race::{AttemptId, Race, RaceConfig};

use crate::options::StreamOptions;
use crate::socket::Socket;

/// Connects to one address and waits at most `timeout`; the stream that comes back blocks.
pub fn connect_timeout(
    address: SocketAddr,
    timeout: Duration,
    options: &StreamOptions,
) -> Result<TcpStream, ConnectError> {
    Socket::open(address)?
        .stream_options(options)?
        .connect(address, timeout)
}

/// Starts to connect to one address and does not wait.
pub fn start(address: SocketAddr, options: &StreamOptions) -> Result<Connecting, ConnectError> {
    Socket::open(address)?
        .stream_options(options)?
        .start_connect(address)
}

/// A connection on its way. Dropping it gives it up.
#[derive(Debug)]
pub struct Connecting {
    stream: TcpStream,
    address: SocketAddr,
}

impl Connecting {
    pub(crate) fn start(
        socket: socket2::Socket,
        address: SocketAddr,
    ) -> Result<Self, ConnectError> {
        let started = socket
            .set_nonblocking(true)
            .and_then(|()| socket.connect(&SockAddr::from(address)));
        match started {
            Ok(()) => {}
            Err(error) if is_under_way(&error) => {}
            Err(error) => return Err(ConnectError::from_io(address, error)),
        }
        Ok(Self {
            stream: socket.into(),
            address,
        })
    }

    /// The peer.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it is connected by now; ask when the socket becomes writable.
    pub fn is_connected(&self) -> Result<bool, ConnectError> {
        is_connected(&self.stream, self.address)
    }

    /// The non-blocking stream, connected or not yet, for an async runtime.
    pub fn into_nonblocking(self) -> TcpStream {
        self.stream
    }
}

impl AsFd for Connecting {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn is_under_way(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::INPROGRESS | Errno::AGAIN | Errno::INTR)
    )
}

/// Whether a stream that began to connect to `address` is connected: `false` is "not yet".
///
/// Takes the socket's pending error. Ask after the socket became writable.
pub fn is_connected(stream: impl AsFd, address: SocketAddr) -> Result<bool, ConnectError> {
    let socket = SockRef::from(&stream);
    let failed = |source| ConnectError::from_io(address, source);
    if let Some(error) = socket.take_error().map_err(failed)? {
        return Err(failed(error));
    }
    match socket.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Connects to whichever of the addresses answers first, by the rules of [`Race`], and waits for it.
///
/// The stream that comes back blocks.
pub fn connect_first_of(
    addresses: impl IntoIterator<Item = SocketAddr>,
    config: RaceConfig,
    options: &StreamOptions,
) -> Result<TcpStream, RaceError> {
    let mut race = Race::new(addresses, config, Instant::now());
    let mut running: Vec<(AttemptId, Connecting)> = Vec::new();
    loop {
        while let Some(output) = race.poll_output() {
            match output {
                race::Output::Start { attempt, address } => match start(address, options) {
                    Ok(connecting) => running.push((attempt, connecting)),
                    Err(error) => race.handle_failed(attempt, error, Instant::now()),
                },
                race::Output::Connected { attempt, address } => {
                    return take_winner(running, attempt, address);
                }
                race::Output::Failed(error) => return Err(error),
            }
        }
        wait_for_any(&running, race.poll_timeout());
        let now = Instant::now();
        running.retain(|(attempt, connecting)| match connecting.is_connected() {
            Ok(true) => {
                race.handle_connected(*attempt);
                true
            }
            Ok(false) => true,
            Err(error) => {
                race.handle_failed(*attempt, error, now);
                false
            }
        });
        race.handle_timeout(now);
    }
}

fn take_winner(
    running: Vec<(AttemptId, Connecting)>,
    winner: AttemptId,
    address: SocketAddr,
) -> Result<TcpStream, RaceError> {
    let stream = running
        .into_iter()
        .find_map(|(attempt, connecting)| (attempt == winner).then_some(connecting.stream))
        .ok_or(RaceError::NoAddress)?;
    match stream.set_nonblocking(false) {
        Ok(()) => Ok(stream),
        Err(source) => {
            let attempts = vec![ConnectError::Other { address, source }];
            Err(RaceError::AllFailed { attempts })
        }
    }
}

/// Returns when one of the sockets is writable or has failed, or at `until`.
fn wait_for_any(running: &[(AttemptId, Connecting)], until: Option<Instant>) {
    let mut fds: Vec<PollFd<'_>> = running
        .iter()
        .map(|(_, connecting)| PollFd::new(connecting, PollFlags::OUT))
        .collect();
    let wait = until
        .map(|until| until.saturating_duration_since(Instant::now()))
        .and_then(|wait| Timespec::try_from(wait).ok());
    // A signal or a failed poll only makes the caller look once more.
    let _ = poll(&mut fds, wait.as_ref());
}
