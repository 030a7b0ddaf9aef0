//! Bytes that wait for the socket of a connection, as long as no fan-out owns its write side.

use std::collections::VecDeque;
use std::io;

use bytes::{Buf, Bytes};
use tokio::net::TcpStream;

use crate::limits::{OUTBOX_BYTES_MAX, OUTBOX_REPLIES_MAX};

/// Whole messages in order; the first may be sent in part.
///
/// Replies are bounded by the session: nothing is read from the peer while any wait here, and one read makes at most
/// `bongsu_rtmp::session::limits::UNSENT_BYTES_MAX` bytes of them. Media of side streams is bounded by who puts it in,
/// see [`Outbox::has_room`]; it does not stop the reading, because the same peer may publish.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<(Bytes, What)>,
    replies: usize,
    media: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Reply,
    Media,
}

impl Outbox {
    /// Queues replies of the session.
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.add(bytes, What::Reply);
    }

    /// Queues media, or what a fan-out has left.
    pub(super) fn push_media(&mut self, bytes: Bytes) {
        self.add(bytes, What::Media);
    }

    fn add(&mut self, bytes: Bytes, what: What) {
        if !bytes.is_empty() {
            *self.count(what) += bytes.len();
            self.queue.push_back((bytes, what));
        }
    }

    const fn count(&mut self, what: What) -> &mut usize {
        match what {
            What::Reply => &mut self.replies,
            What::Media => &mut self.media,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that wait.
    pub(super) const fn bytes(&self) -> usize {
        self.replies + self.media
    }

    /// Whether media waits, and all that waits is too much for the queue of replies of a fan-out.
    pub(super) const fn holds_much_media(&self) -> bool {
        self.media > 0 && !self.has_room()
    }

    /// Whether media may be put in.
    pub(super) const fn has_room(&self) -> bool {
        self.bytes() < OUTBOX_BYTES_MAX
    }

    /// Whether the peer may send what makes more replies: there are none, or some wait behind media that the peer takes
    /// slowly.
    pub(super) const fn allows_reading(&self) -> bool {
        self.replies == 0 || (self.media > 0 && self.replies < OUTBOX_REPLIES_MAX)
    }

    /// Takes what waits, for the fan-out to send.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Bytes> + '_ {
        (self.replies, self.media) = (0, 0);
        self.queue.drain(..).map(|(bytes, _)| bytes)
    }

    /// Writes as much as goes now; gives the number of bytes.
    ///
    /// # Errors
    /// When the connection is over. A full socket is no error.
    pub(super) fn write_to(&mut self, socket: &TcpStream) -> io::Result<usize> {
        let mut written = 0;
        while let Some((first, what)) = self.queue.front_mut() {
            match socket.try_write(first) {
                Ok(count) => {
                    written += count;
                    first.advance(count);
                    let (is_out, what) = (first.is_empty(), *what);
                    *self.count(what) -= count;
                    if is_out {
                        self.queue.pop_front();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(len: usize) -> Bytes {
        Bytes::from(vec![7; len])
    }

    #[test]
    fn replies_stop_the_reading_and_media_does_not() {
        let mut outbox = Outbox::default();
        assert!(outbox.allows_reading());
        outbox.push(of(1));
        assert!(!outbox.allows_reading());
        let mut outbox = Outbox::default();
        outbox.push_media(of(10));
        outbox.push(of(OUTBOX_REPLIES_MAX - 1));
        assert!(outbox.allows_reading());
        outbox.push(of(1));
        assert!(!outbox.allows_reading());
        assert_eq!(outbox.drain().count(), 3);
        assert!(outbox.allows_reading() && outbox.is_empty());
    }

    #[test]
    fn media_goes_in_below_the_limit_and_not_at_it() {
        let mut outbox = Outbox::default();
        outbox.push_media(of(OUTBOX_BYTES_MAX - 1));
        assert!(outbox.has_room() && !outbox.holds_much_media());
        outbox.push(of(1));
        assert!(!outbox.has_room() && outbox.holds_much_media());
    }
}
