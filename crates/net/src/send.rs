//! One send that never waits.

use std::io;
use std::os::fd::AsFd;

use rustix::net::{SendFlags, send as send_flags};

/// Writes as much as the socket takes now and says how much that was; never blocks, never raises SIGPIPE.
///
/// For the fan-out, which sends the same bytes to thousands of descriptors: one system call, no state, and
/// it does not matter whether the descriptor is in non-blocking mode.
///
/// # Errors
///
/// [`io::ErrorKind::WouldBlock`] when the socket takes nothing now; anything else means that the connection
/// is over (`BrokenPipe`, `ConnectionReset`, `TimedOut`, ...).
pub fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match send_flags(&socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Err(rustix::io::Errno::INTR) => {}
            sent => return Ok(sent?),
        }
    }
}
