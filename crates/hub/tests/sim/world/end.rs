//! How a run ends: everybody catches up, then everybody leaves.

use bongsu_hub::{Filter, Kind, State, Unpublish};

use super::{World, players::Seat};
use crate::{log::What, publisher::Profile, wire};

impl World {
    /// Everybody reads again and wants everything: soon everybody has everything.
    pub(super) fn heal(&mut self) {
        self.publish();
        self.publisher.as_mut().unwrap().profile = Profile::Enhanced;
        for at in 0..self.seats.len() {
            self.seats[at].link.0.borrow_mut().room = None;
            self.set_filter(at, Filter::OPEN);
        }
        self.must(Kind::Data, What::Metadata, 0);
        self.must(Kind::Video, What::Header, 0);
        self.must(Kind::Audio, What::Header, 0);
        for what in [What::Key, What::Inter, What::Key, What::Inter] {
            self.must(Kind::Video, what, 0);
            self.must(Kind::Audio, What::Audio, 0);
            self.settle();
        }
        self.check();
        let open = self.seats.iter().filter(|seat| !seat.link.0.borrow().gone);
        for seat in open {
            assert!(seat.reader.is_whole(), "{:?}", seat.reader);
            assert!(
                seat.reader.is_current(&self.log),
                "somebody forgot {:?}",
                seat.reader
            );
            assert_eq!(seat.reader.controls, seat.controls, "no reply is lost");
        }
        let features = self.stream.features();
        let shared = |seat: &&Seat| seat.reader.is_shared(features);
        assert_eq!(
            self.fanout.in_sync(),
            self.seats.iter().filter(shared).count()
        );
        for at in 0..self.pushes.len() {
            while self.next(at) {}
            assert!(self.pushes[at].reader.is_current(&self.log));
            assert_eq!(self.stream.lag_ms(&self.pushes[at].cursor), 0);
        }
    }

    /// The stream ends, everybody leaves, nothing is left.
    pub(super) fn end(&mut self) {
        if let Some(publisher) = self.publisher.take() {
            let how = if self.rng.one_in(2) {
                Unpublish::Clean
            } else {
                Unpublish::Lost
            };
            self.stream.unpublish(self.now, publisher.id, how);
        }
        if let Some(due) = self.stream.poll_timeout() {
            self.stream.handle_timeout(due);
        }
        assert_eq!(self.stream.state(), State::Ended);
        for at in 0..self.seats.len() {
            let seat = &mut self.seats[at];
            seat.link.0.borrow_mut().room = None;
            let last = wire::control(seat.controls);
            if self.fanout.finish(self.now, seat.id, last).is_ok() {
                seat.controls += 1;
            }
        }
        for _ in 0..200 {
            self.sleep(10);
            self.serve();
        }
        while let Some(at) = self.seats.len().checked_sub(1) {
            let seat = &mut self.seats[at];
            assert!(seat.finished, "{:?} waits for {:?}", seat.reader, seat.want);
            seat.reader
                .feed(&self.log, &mut seat.link.0.borrow_mut().got);
            assert_eq!(
                seat.reader.controls, seat.controls,
                "the last bytes are the last"
            );
            self.remove(at);
        }
        assert!(self.fanout.is_empty() && self.fanout.in_sync() == 0);
        assert_eq!(self.fanout.players().count(), 0);
        assert_eq!(self.fanout.poll_event(), None);
        self.fanout.check_invariants();
        self.skips += self
            .pushes
            .iter()
            .map(|push| push.cursor.drops().skips)
            .sum::<u64>();
    }
}
