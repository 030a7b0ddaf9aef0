//! A socket as a player sees it: it takes what there is room for.

use std::{cell::RefCell, rc::Rc, time::Instant};

use bongsu_hub::{Write, Written};

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) got: Vec<u8>,
    pub(crate) total: u64,
    /// Bytes it still takes; `None` for as many as come.
    pub(crate) room: Option<usize>,
    pub(crate) gone: bool,
    pub(crate) now: Instant,
    pub(crate) took_at: Instant,
}

#[derive(Debug, Clone)]
pub(crate) struct Link(pub(crate) Rc<RefCell<State>>);

impl Link {
    pub(crate) fn new(now: Instant) -> Self {
        let state = State {
            got: Vec::new(),
            total: 0,
            room: None,
            gone: false,
            now,
            took_at: now,
        };
        Self(Rc::new(RefCell::new(state)))
    }

    pub(crate) fn is_writable(&self) -> bool {
        let state = self.0.borrow();
        state.gone || state.room != Some(0)
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> Written {
        assert!(!bytes.is_empty(), "a write of nothing says nothing");
        let mut state = self.0.borrow_mut();
        if state.gone {
            return Written::Gone;
        }
        let sent = state.room.unwrap_or(usize::MAX).min(bytes.len());
        if sent == 0 {
            return Written::Blocked;
        }
        state.room = state.room.map(|room| room - sent);
        state.got.extend_from_slice(&bytes[..sent]);
        state.total += sent as u64;
        state.took_at = state.now;
        Written::Sent(sent)
    }
}
