//! Bytes that wait for a destination's socket.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use super::limits::REPLY_BYTES_MAX;

/// Messages written with one system call at most.
const WRITE_SLICES: usize = 16;

/// Whole messages in order; the first may be sent in part.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    messages: VecDeque<Bytes>,
    bytes: usize,
    /// Bytes of answers to the destination, since nothing waited.
    reply_bytes: usize,
}

impl Unsent {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Bytes that wait.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Queues one message or more.
    pub(super) fn push(&mut self, message: Bytes) {
        if !message.is_empty() {
            self.bytes += message.len();
            self.messages.push_back(message);
        }
    }

    /// Queues an answer to what the destination sent.
    pub(super) fn push_reply(&mut self, message: Bytes) {
        self.reply_bytes += message.len();
        self.push(message);
    }

    /// Whether the destination asks and does not read the answers. [WIRE 211]
    pub(super) const fn has_too_many_replies(&self) -> bool {
        self.reply_bytes > REPLY_BYTES_MAX
    }

    /// What to write next.
    pub(super) fn slices(&self) -> [IoSlice<'_>; WRITE_SLICES] {
        let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
        for (slice, message) in slices.iter_mut().zip(&self.messages) {
            *slice = IoSlice::new(message);
        }
        slices
    }

    /// So many bytes were written.
    pub(super) fn advance(&mut self, count: usize) {
        self.bytes = self.bytes.saturating_sub(count);
        let mut left = count;
        while let Some(first) = self.messages.front_mut() {
            if left < first.len() {
                first.advance(left);
                return;
            }
            left -= first.len();
            self.messages.pop_front();
        }
        self.reply_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes in portions of so many bytes, and gives everything that was written.
    fn written_in_portions(unsent: &mut Unsent, portion: usize) -> Vec<u8> {
        let mut written = Vec::new();
        while !unsent.is_empty() {
            let offered: Vec<u8> = unsent
                .slices()
                .iter()
                .flat_map(|slice| slice.iter().copied())
                .collect();
            let count = offered.len().min(portion);
            written.extend_from_slice(&offered[..count]);
            unsent.advance(count);
        }
        written
    }

    #[test]
    fn short_writes_lose_and_repeat_nothing() {
        let messages: Vec<Bytes> = (0..40_u8)
            .map(|index| Bytes::from(vec![index; usize::from(index)]))
            .collect();
        let whole: Vec<u8> = messages.iter().flatten().copied().collect();
        for portion in [1, 7, 100, usize::MAX] {
            let mut unsent = Unsent::default();
            messages
                .iter()
                .cloned()
                .for_each(|message| unsent.push(message));
            assert_eq!(unsent.bytes(), whole.len());
            assert_eq!(
                written_in_portions(&mut unsent, portion),
                whole,
                "portions of {portion}"
            );
            assert_eq!(unsent.bytes(), 0);
        }
    }

    #[test]
    fn answers_count_up_to_the_limit_until_nothing_waits() {
        let reply = |bytes| Bytes::from(vec![0; bytes]);
        let mut unsent = Unsent::default();
        unsent.push(reply(REPLY_BYTES_MAX * 2));
        assert!(!unsent.has_too_many_replies(), "media does not count");
        unsent.push_reply(reply(REPLY_BYTES_MAX));
        assert!(!unsent.has_too_many_replies());
        unsent.push_reply(reply(1));
        assert!(unsent.has_too_many_replies());
        unsent.advance(REPLY_BYTES_MAX * 3);
        assert!(unsent.has_too_many_replies(), "one byte waits still");
        unsent.advance(1);
        assert!(unsent.is_empty() && !unsent.has_too_many_replies());
    }
}
