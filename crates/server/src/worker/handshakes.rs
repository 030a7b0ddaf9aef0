//! The connections of a worker that have not said `connect` yet, of which there are only so many.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use crate::mailbox::Mailbox;
use crate::registry::WorkerId;
use crate::telemetry::Seldom;

/// In the order of their arrival, which is that of their numbers.
#[derive(Debug)]
pub(super) struct Handshakes {
    most: usize,
    waiting: RefCell<BTreeMap<u64, Rc<Mailbox>>>,
    /// Those that had to go.
    made_room: Cell<Seldom>,
}

impl Handshakes {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            waiting: RefCell::default(),
            made_room: Cell::default(),
        }
    }

    /// Counts a new connection in. When there is no room, the one that has been here longest has to go: a client takes
    /// milliseconds for its handshake, so that it is the last one to be hit.
    pub(super) fn begin(&self, connection: u64, mailbox: &Rc<Mailbox>) -> Option<Rc<Mailbox>> {
        let mut waiting = self.waiting.borrow_mut();
        let longest = if waiting.len() >= self.most {
            waiting.pop_first()
        } else {
            None
        };
        waiting.insert(connection, Rc::clone(mailbox));
        longest.map(|(_, mailbox)| mailbox)
    }

    /// The connection goes on, or is gone.
    pub(super) fn end(&self, connection: u64) -> Option<Rc<Mailbox>> {
        self.waiting.borrow_mut().remove(&connection)
    }

    /// All that wait.
    pub(super) fn mailboxes(&self) -> Vec<Rc<Mailbox>> {
        self.waiting.borrow().values().cloned().collect()
    }

    /// Says that one had to go: with the first, and then for all of some seconds together.
    pub(super) fn say_made_room(&self, now: Instant) -> Option<u64> {
        let mut made_room = self.made_room.get();
        let count = made_room.count(now);
        self.made_room.set(made_room);
        count
    }
}

/// The share of one worker in a bound on all: they add up to it, and none is zero.
///
/// Connections reach the workers in turn. So who is hit at one worker is among those that waited longest everywhere.
pub(super) fn share(all: u32, worker: WorkerId, workers: usize) -> usize {
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    let workers = workers.max(1);
    (all / workers + usize::from(worker.0 < all % workers)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_limit_the_longest_one_makes_room_and_who_is_done_does_not_count() {
        let handshakes = Handshakes::new(2);
        let [a, b, c, d]: [Rc<Mailbox>; 4] = std::array::from_fn(|_| Rc::default());
        assert!(handshakes.begin(1, &a).is_none());
        assert!(handshakes.begin(2, &b).is_none());
        let gone = handshakes.begin(3, &c).expect("one past the limit");
        assert!(Rc::ptr_eq(&gone, &a));
        assert!(handshakes.end(1).is_none(), "it does not count any more");
        assert!(handshakes.end(2).is_some());
        assert!(handshakes.begin(4, &d).is_none(), "there is room again");
        assert_eq!(handshakes.mailboxes().len(), 2);
    }

    #[test]
    fn shares_add_up_and_none_is_zero() {
        for (all, workers) in [(4_096, 1), (4_096, 3), (7, 2), (5, 5)] {
            let shares = (0..workers).map(|worker| share(all, WorkerId(worker), workers));
            assert_eq!(shares.sum::<usize>(), all as usize, "{all} of {workers}");
        }
        assert_eq!(share(3, WorkerId(7), 8), 1);
    }
}
