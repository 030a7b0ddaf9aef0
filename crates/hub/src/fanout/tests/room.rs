//! A stream, its players, and what arrived at them.

use std::{cell::RefCell, rc::Rc};

use bytes::Bytes;

use crate::{
    Event, Fanout, Filter, Pass, PlayerId, QueueError, Shape, Turn, Write, Written,
    testing::{Scene, Toy, parse},
};

/// What arrived at a player, and how much it still takes.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) got: Vec<u8>,
    pub(super) room: usize,
    pub(super) gone: bool,
    pub(super) writes: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Pipe(pub(super) Rc<RefCell<Link>>);

impl Pipe {
    pub(super) fn new() -> Self {
        let room = usize::MAX;
        Self(Rc::new(RefCell::new(Link {
            got: Vec::new(),
            room,
            gone: false,
            writes: Vec::new(),
        })))
    }

    /// From now on it takes so many bytes.
    pub(super) fn room(&self, bytes: usize) {
        self.0.borrow_mut().room = bytes;
    }

    pub(super) fn text(&self) -> String {
        parse(&self.0.borrow().got)
    }

    /// What arrived since the last look.
    pub(super) fn news(&self) -> String {
        let news = self.text();
        self.0.borrow_mut().got.clear();
        news
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> Written {
        let mut link = self.0.borrow_mut();
        if link.gone {
            return Written::Gone;
        }
        let sent = bytes.len().min(link.room);
        if sent == 0 {
            return Written::Blocked;
        }
        if link.room != usize::MAX {
            link.room -= sent;
        }
        link.got.extend_from_slice(&bytes[..sent]);
        link.writes.push(sent);
        Written::Sent(sent)
    }
}

/// A stream, its fan-out, and a caller that does what events say.
pub(super) struct Room {
    pub(super) scene: Scene,
    pub(super) fanout: Fanout<Pipe>,
    pub(super) told: Vec<Event>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            scene: Scene::new(),
            fanout: Fanout::new(),
            told: Vec::new(),
        }
    }

    /// One slice of a pass.
    pub(super) fn slice(&mut self) -> Pass {
        let pass = self.fanout.pass(self.scene.now, &mut self.scene.stream);
        self.fanout.check_invariants();
        pass
    }

    pub(super) fn join_as(&mut self, message_stream: u32, shape: Shape) -> (PlayerId, Pipe) {
        let pipe = Pipe::new();
        let now = self.scene.now;
        let id = self.fanout.add(now, pipe.clone(), message_stream, shape);
        self.turns(id);
        (id, pipe)
    }

    pub(super) fn join_on(&mut self, message_stream: u32) -> (PlayerId, Pipe) {
        self.join_as(message_stream, Shape::FULL)
    }

    pub(super) fn join(&mut self) -> (PlayerId, Pipe) {
        self.join_on(1)
    }

    pub(super) fn turn(&mut self, id: PlayerId) -> Turn {
        let turn = self
            .fanout
            .turn(self.scene.now, id, &mut self.scene.stream, &Toy);
        self.fanout.check_invariants();
        turn
    }

    /// Turns until there is nothing more to do at once.
    pub(super) fn turns(&mut self, id: PlayerId) -> Turn {
        loop {
            let turn = self.turn(id);
            if turn != Turn::More {
                return turn;
            }
        }
    }

    /// Does what events say and notes those that are for others.
    pub(super) fn events(&mut self) {
        while let Some(event) = self.fanout.poll_event() {
            match event {
                Event::Ready(id) => {
                    self.turns(id);
                }
                other => self.told.push(other),
            }
        }
    }

    /// A whole pass with everything it brings.
    pub(super) fn pass(&mut self) {
        while self.slice() == Pass::More {}
        self.events();
    }

    pub(super) fn push(&mut self, messages: &str) {
        self.scene.push(messages);
    }

    pub(super) fn push_pass(&mut self, messages: &str) {
        self.push(messages);
        self.pass();
    }

    pub(super) fn queue(&mut self, id: PlayerId, bytes: &str) -> Result<(), QueueError> {
        self.fanout
            .queue(self.scene.now, id, Bytes::copy_from_slice(bytes.as_bytes()))
    }

    pub(super) fn filter(&mut self, id: PlayerId, audio: bool, video: bool, paused: bool) {
        self.fanout.set_filter(
            self.scene.now,
            id,
            Filter {
                audio,
                video,
                paused,
            },
        );
        self.events();
    }
}
