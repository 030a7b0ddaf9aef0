//! How tasks of one worker wake each other: a set of flags and one waiting task.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

/// Something a task is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mail(u8);

impl Mail {
    /// There is work: new frames, a turn, a due time that changed.
    pub(crate) const WORK: Self = Self(1);
    /// The peer of a player is gone.
    pub(crate) const GONE: Self = Self(1 << 1);
    /// A player took nothing for too long.
    pub(crate) const STALLED: Self = Self(1 << 2);
    /// The stream is over.
    pub(crate) const STREAM_ENDED: Self = Self(1 << 3);
    /// Another publisher has the slot now.
    pub(crate) const TAKEN_OVER: Self = Self(1 << 4);
    /// The server is going down.
    pub(crate) const SHUTDOWN: Self = Self(1 << 5);
    /// Others want to connect, and this connection has been longest in its handshake.
    pub(crate) const MAKE_ROOM: Self = Self(1 << 6);
    /// The server takes nothing new and waits for those who are there.
    pub(crate) const DRAINING: Self = Self(1 << 7);

    /// Everything that concerns the stream that a connection publishes or plays.
    pub(crate) const OF_A_STREAM: Self = Self(
        Self::WORK.0 | Self::GONE.0 | Self::STALLED.0 | Self::STREAM_ENDED.0 | Self::TAKEN_OVER.0,
    );

    /// Whether this mail holds `other`.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there is nothing in it.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The mailbox of one task. Posting twice is posting once, so that it is bounded by nature.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    flags: Cell<u8>,
    waker: RefCell<Option<Waker>>,
}

impl Mailbox {
    /// Leaves mail and wakes the task.
    pub(crate) fn post(&self, mail: Mail) {
        self.flags.set(self.flags.get() | mail.0);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    /// Takes everything that is there.
    pub(crate) fn take(&self) -> Mail {
        Mail(self.flags.replace(0))
    }

    /// Throws this mail away: its addressee has something else to do now.
    pub(crate) fn forget(&self, mail: Mail) {
        self.flags.set(self.flags.get() & !mail.0);
    }

    /// Ready when there is mail; it stays there.
    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<()> {
        if self.flags.get() != 0 {
            return Poll::Ready(());
        }
        let mut waker = self.waker.borrow_mut();
        match &mut *waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => *waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Waits for mail that wants its addressee gone; other mail is thrown away.
    pub(crate) async fn wait_to_leave(&self) {
        loop {
            self.wait().await;
            let mail = self.take();
            if mail.has(Mail::SHUTDOWN) || mail.has(Mail::MAKE_ROOM) {
                return;
            }
        }
    }

    /// Waits for mail; it stays there.
    pub(crate) async fn wait(&self) {
        std::future::poll_fn(|context| self.poll(context)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_is_kept_until_taken_and_wakes_the_waiting_task() {
        let mailbox = Mailbox::default();
        let context = Context::from_waker(Waker::noop());
        assert!(mailbox.poll(&context).is_pending());
        mailbox.post(Mail::WORK);
        mailbox.post(Mail::WORK);
        mailbox.post(Mail::SHUTDOWN);
        assert!(mailbox.poll(&context).is_ready());
        let mail = mailbox.take();
        assert!(mail.has(Mail::WORK) && mail.has(Mail::SHUTDOWN) && !mail.has(Mail::GONE));
        assert!(mailbox.take().is_empty());
        assert!(mailbox.poll(&context).is_pending());
    }
}
