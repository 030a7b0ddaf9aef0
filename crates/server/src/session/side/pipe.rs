//! A bounded way between the task of a connection and the task of one of its side streams, which may be on another
//! worker.
//!
//! It has a lock, which nobody holds for longer than it takes to move one item. Only connections with several streams
//! have one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::limits::{SIDE_BYTES_MAX, SIDE_ITEMS_MAX};

/// What goes through a pipe.
pub(crate) trait Item: Sized {
    /// The bytes that it counts for.
    fn bytes(&self) -> usize;
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    /// Of all items.
    bytes: usize,
    /// Nothing more comes, or nobody takes it.
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug)]
struct Shared<T>(Mutex<State<T>>);

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panic elsewhere cannot leave it half changed: nothing between lock and unlock can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes whom the change concerns, with the lock given back.
    fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> (R, Option<Waker>)) -> R {
        let (result, waker) = change(&mut self.lock());
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }
}

impl<T> State<T> {
    /// Whether another item may wait. Its size does not matter, so that any message gets through: the bytes that wait
    /// stay below the limit and one message more.
    fn has_room(&self) -> bool {
        self.items.len() < SIDE_ITEMS_MAX && self.bytes < SIDE_BYTES_MAX
    }
}

impl<T: Item> State<T> {
    fn push(&mut self, item: T) -> Option<Waker> {
        self.bytes += item.bytes();
        self.items.push_back(item);
        self.reader.take()
    }
}

/// The end that puts in. When it goes, the other end gets what is in, then nothing more.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The end that takes out.
#[derive(Debug)]
pub(crate) struct Receiver<T>(Arc<Shared<T>>);

/// An empty pipe.
pub(crate) fn pipe<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared(Mutex::new(State {
        items: VecDeque::new(),
        bytes: 0,
        closed: false,
        reader: None,
        writer: None,
    })));
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// What became of bytes for a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// So many of them are in.
    Some(usize),
    /// There is no room now.
    Full,
    /// Nobody takes them any more.
    Closed,
}

impl<T: Item> Sender<T> {
    /// Puts an item in; gives it back when there is no room. One that nobody would take goes nowhere.
    pub(crate) fn try_send(&self, item: T) -> Result<(), T> {
        self.0.change(|state| {
            if state.closed {
                (Ok(()), None)
            } else if state.has_room() {
                (Ok(()), state.push(item))
            } else {
                (Err(item), None)
            }
        })
    }

    /// Puts as many bytes in as there is room for, as one item.
    pub(crate) fn put(&self, bytes: &[u8], item: impl FnOnce(Bytes) -> T) -> Put {
        self.0.change(|state| {
            if state.closed {
                return (Put::Closed, None);
            }
            if !state.has_room() {
                return (Put::Full, None);
            }
            let count = bytes.len().min(SIDE_BYTES_MAX - state.bytes);
            let taken = Bytes::copy_from_slice(bytes.get(..count).unwrap_or_default());
            (Put::Some(count), state.push(item(taken)))
        })
    }

    /// Puts the last items in, whether there is room or not. Nothing may follow.
    pub(crate) fn finish(&self, last: impl IntoIterator<Item = T>) {
        self.0.change(|state| {
            let mut waker = state.reader.take();
            if !state.closed {
                for item in last {
                    waker = state.push(item).or(waker);
                }
                state.closed = true;
            }
            ((), waker)
        });
    }

    /// Ready when there is room, or nobody takes anything any more.
    pub(crate) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.closed || state.has_room() {
            return Poll::Ready(());
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.closed = true;
            ((), state.reader.take())
        });
    }
}

impl<T: Item> Receiver<T> {
    /// Takes the next item.
    pub(crate) fn try_recv(&self) -> Option<T> {
        self.0.change(|state| {
            let item = state.items.pop_front();
            state.bytes -= item.as_ref().map_or(0, Item::bytes);
            let waker = if state.has_room() {
                state.writer.take()
            } else {
                None
            };
            (item, waker)
        })
    }

    /// Whether nothing is in and nothing will be.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.0.lock();
        state.closed && state.items.is_empty()
    }

    /// Ready when there is an item, or never will be.
    pub(crate) fn poll_ready(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.closed || !state.items.is_empty() {
            return Poll::Ready(());
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.closed = true;
            state.items = VecDeque::new();
            state.bytes = 0;
            ((), state.writer.take())
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    impl Item for Bytes {
        fn bytes(&self) -> usize {
            self.len()
        }
    }

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn bell() -> (Arc<Bell>, Waker) {
        let bell = Arc::new(Bell::default());
        (Arc::clone(&bell), Waker::from(bell))
    }

    fn of(len: usize) -> Bytes {
        Bytes::from(vec![7; len])
    }

    #[test]
    fn as_many_items_as_the_limit_wait_and_one_more_does_not() {
        let (sender, receiver) = pipe::<Bytes>();
        for _ in 0..SIDE_ITEMS_MAX {
            sender.try_send(Bytes::new()).unwrap();
        }
        assert_eq!(sender.try_send(of(1)), Err(of(1)));
        assert_eq!(sender.put(&[7], |bytes| bytes), Put::Full);
        assert_eq!(receiver.try_recv(), Some(Bytes::new()));
        assert_eq!(sender.try_send(of(1)), Ok(()));
    }

    #[test]
    fn bytes_wait_up_to_the_limit_and_a_message_of_any_size_gets_through() {
        let (sender, receiver) = pipe::<Bytes>();
        sender.try_send(of(SIDE_BYTES_MAX - 1)).unwrap();
        let large = 10 * SIDE_BYTES_MAX;
        sender.try_send(of(large)).unwrap();
        assert_eq!(sender.try_send(of(1)), Err(of(1)), "the limit is passed");
        assert_eq!(receiver.try_recv().unwrap().len(), SIDE_BYTES_MAX - 1);
        assert!(sender.try_send(of(1)).is_err(), "the large one alone");
        assert_eq!(receiver.try_recv().unwrap().len(), large);
        // Bytes without seams never pass it.
        assert_eq!(
            sender.put(&of(2 * SIDE_BYTES_MAX), |bytes| bytes),
            Put::Some(SIDE_BYTES_MAX)
        );
        assert_eq!(sender.put(&[7], |bytes| bytes), Put::Full);
        assert_eq!(receiver.try_recv().unwrap().len(), SIDE_BYTES_MAX);
        assert_eq!(sender.put(&[7], |bytes| bytes), Put::Some(1));
    }

    #[test]
    fn each_end_wakes_the_other_once_it_can_go_on() {
        let (sender, receiver) = pipe::<Bytes>();
        let (reads, reader) = bell();
        let (writes, writer) = bell();
        assert!(
            receiver
                .poll_ready(&Context::from_waker(&reader))
                .is_pending()
        );
        sender.try_send(of(SIDE_BYTES_MAX)).unwrap();
        assert_eq!(reads.0.load(Ordering::SeqCst), 1);
        assert!(
            receiver
                .poll_ready(&Context::from_waker(&reader))
                .is_ready()
        );
        assert!(sender.poll_room(&Context::from_waker(&writer)).is_pending());
        receiver.try_recv().unwrap();
        assert_eq!(writes.0.load(Ordering::SeqCst), 1);
        assert!(sender.poll_room(&Context::from_waker(&writer)).is_ready());
    }

    #[test]
    fn the_last_items_go_in_without_room_and_come_out_before_the_end() {
        let (sender, receiver) = pipe::<Bytes>();
        sender.try_send(of(SIDE_BYTES_MAX)).unwrap();
        sender.finish([of(1), of(2)]);
        assert_eq!(sender.try_send(of(3)), Ok(()), "it goes nowhere");
        assert_eq!(sender.put(&[7], |bytes| bytes), Put::Closed);
        drop(sender);
        let lens: Vec<usize> = std::iter::from_fn(|| receiver.try_recv())
            .map(|item| item.len())
            .collect();
        assert_eq!(lens, [SIDE_BYTES_MAX, 1, 2]);
        assert!(receiver.is_over());
    }

    #[test]
    fn an_end_that_goes_wakes_the_other_and_frees_what_waits() {
        let (sender, receiver) = pipe::<Bytes>();
        let (writes, writer) = bell();
        sender.try_send(of(SIDE_BYTES_MAX)).unwrap();
        assert!(sender.poll_room(&Context::from_waker(&writer)).is_pending());
        drop(receiver);
        assert_eq!(writes.0.load(Ordering::SeqCst), 1);
        assert_eq!(sender.put(&[7], |bytes| bytes), Put::Closed);
        assert!(sender.0.lock().items.is_empty());
        let (sender, receiver) = pipe::<Bytes>();
        let (reads, reader) = bell();
        assert!(
            receiver
                .poll_ready(&Context::from_waker(&reader))
                .is_pending()
        );
        drop(sender);
        assert_eq!(reads.0.load(Ordering::SeqCst), 1);
        assert!(receiver.is_over());
    }
}
