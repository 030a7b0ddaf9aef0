//! Bytes of a session that wait for its socket, before a fan-out owns the write side.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, Bytes};
use tokio::net::TcpStream;

/// Whole messages in order; the first may be sent in part.
///
/// It is bounded by the session: nothing is read from the peer while anything waits here, and one read makes at most
/// `bongsu_rtmp::session::limits::UNSENT_BYTES_MAX` bytes of replies.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Bytes>);

impl Outbox {
    pub(super) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.0.push_back(bytes);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what waits, for the fan-out to send.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Bytes> + '_ {
        self.0.drain(..)
    }

    /// Writes as much as goes now; gives the number of bytes.
    ///
    /// # Errors
    /// When the connection is over. A full socket is no error.
    pub(super) fn write_to(&mut self, socket: &TcpStream) -> io::Result<usize> {
        let mut written = 0;
        while let Some(first) = self.0.front_mut() {
            match socket.try_write(first) {
                Ok(count) => {
                    written += count;
                    first.advance(count);
                    if first.is_empty() {
                        self.0.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }
}
