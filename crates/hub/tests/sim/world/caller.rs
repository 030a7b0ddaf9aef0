//! The caller of stream and fan-out, who does what they say.

use bongsu_hub::{Event, Pass, Turn, limits::STALL};

use super::{World, players::Want};
use crate::wire::Wire;

impl World {
    pub(super) fn serve(&mut self) {
        self.stream.handle_timeout(self.now);
        if self
            .fanout
            .poll_timeout()
            .is_some_and(|due| due <= self.now)
        {
            self.fanout.handle_timeout(self.now);
        }
        let due = self.schedule.due().is_some_and(|due| due <= self.now);
        if due || self.fanout.in_pass() {
            self.pass();
        }
        self.events();
        for at in (0..self.seats.len()).rev() {
            let seat = &self.seats[at];
            let due = match seat.want {
                Want::Turn => at == 0 || !self.rng.one_in(4),
                Want::Writable => seat.link.is_writable(),
                Want::Event => false,
            };
            if due {
                self.turn(at);
            }
        }
        self.events();
        self.check_first();
    }

    /// One slice.
    fn pass(&mut self) {
        if !self.fanout.in_pass() {
            self.schedule.pass_started(self.now);
        }
        if self.fanout.pass(self.now, &mut self.stream) == Pass::Done {
            self.schedule.pass_ended(self.now);
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.fanout.poll_event() {
            let id = event.player();
            let at = self
                .seats
                .iter()
                .position(|seat| seat.id == id)
                .expect("an event of nobody");
            match event {
                Event::Blocked(_) => self.seats[at].want = Want::Writable,
                Event::Ready(_) => self.seats[at].want = Want::Turn,
                Event::Gone(_) => {
                    assert!(self.seats[at].link.0.borrow().gone);
                    self.remove(at);
                }
                Event::Stalled(_) => {
                    let took_at = self.seats[at].link.0.borrow().took_at;
                    assert!(self.now - took_at >= STALL, "[WIRE 175]");
                    self.remove(at);
                }
            }
        }
    }

    fn turn(&mut self, at: usize) {
        let seat = &mut self.seats[at];
        let turn = self.fanout.turn(self.now, seat.id, &mut self.stream, &Wire);
        seat.want = match turn {
            Turn::More => Want::Turn,
            Turn::Blocked => Want::Writable,
            Turn::InSync | Turn::Idle => Want::Event,
            Turn::Gone => return self.remove(at),
            Turn::Finished => {
                seat.finished = true;
                Want::Event
            }
        };
    }

    /// Serves until there is nothing more to do.
    pub(super) fn settle(&mut self) {
        for _ in 0..400 {
            self.sleep(10);
            self.serve();
            let busy = self.seats.iter().any(|seat| seat.want != Want::Event);
            if !busy && self.schedule.due().is_none() && !self.fanout.in_pass() {
                return;
            }
        }
        panic!("there is always something to do");
    }
}
