//! What players do in a run.

use std::rc::Rc;

use bongsu_flv::shape::Hevc;
use bongsu_hub::{Filter, Kind, PlayerId, QueueError, Shape};

use super::World;
use crate::{link::Link, reader::Reader, wire};

/// What the caller waits for before it gives a player a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Turn,
    Writable,
    Event,
}

#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: PlayerId,
    pub(super) link: Link,
    pub(super) reader: Reader,
    pub(super) want: Want,
    pub(super) controls: u32,
    /// Most messages of a kind it may have got by now, since the kind was switched off.
    pub(super) most: Vec<(Kind, u64)>,
    pub(super) finished: bool,
}

const ALL: [Kind; 3] = [Kind::Audio, Kind::Video, Kind::Data];

impl World {
    /// What somebody can take: half of them everything.
    pub(super) fn any_shape(&mut self) -> Shape {
        let hevc = |hevc, shape| Shape { hevc, ..shape };
        match self.rng.below(10) {
            0 | 1 => Shape::DEFAULT_TRACK,
            2 => Shape::LEGACY,
            3 => hevc(Hevc::Legacy, Shape::LEGACY),
            4 => hevc(Hevc::Enhanced, Shape::FULL),
            _ => Shape::FULL,
        }
    }

    pub(super) fn join(&mut self, message_stream: u32, shape: Shape) {
        self.joined += 1;
        let link = Link::new(self.now);
        let id = self
            .fanout
            .add(self.now, link.clone(), message_stream, shape);
        let name = format!("player {}", self.joined);
        let reader = Reader::new(name, message_stream, shape);
        let mut seat = Seat {
            id,
            link,
            reader,
            want: Want::Turn,
            controls: 0,
            most: Vec::new(),
            finished: false,
        };
        if self.rng.one_in(2) {
            self.fanout.queue(self.now, id, wire::control(0)).unwrap();
            seat.controls = 1;
        }
        self.seats.push(seat);
    }

    /// Somebody, but not the first player.
    fn anybody(&mut self) -> Option<usize> {
        let others = self
            .seats
            .len()
            .checked_sub(1)
            .filter(|others| *others > 0)?;
        Some(1 + self.rng.size(others))
    }

    pub(super) fn leave(&mut self) {
        let Some(at) = self.anybody() else { return };
        if self.rng.one_in(3) {
            // Its peer goes first.
            self.seats[at].link.0.borrow_mut().gone = true;
            return;
        }
        self.remove(at);
    }

    pub(super) fn remove(&mut self, at: usize) {
        let mut seat = self.seats.swap_remove(at);
        // The first one stays the first.
        assert!(at > 0 || self.seats.is_empty());
        let stats = self.fanout.remove(seat.id, &wire::Wire).unwrap().stats;
        let total = seat.link.0.borrow().total;
        assert_eq!(stats.bytes, total, "{:?}", seat.reader);
        seat.reader
            .feed(&self.log, &mut seat.link.0.borrow_mut().got);
        assert!(seat.reader.gaps <= stats.drops.skips);
        assert!(seat.reader.in_place <= stats.frames && stats.frames <= seat.reader.messages);
        self.skips += stats.drops.skips;
        assert_eq!(
            Rc::strong_count(&seat.link.0),
            1,
            "nobody else holds its socket"
        );
    }

    pub(super) fn room(&mut self) {
        let Some(at) = self.anybody() else { return };
        let room = match self.rng.below(6) {
            0 => Some(0),
            1..=3 => Some(self.rng.size(4_000)),
            _ => None,
        };
        self.seats[at].link.0.borrow_mut().room = room;
    }

    pub(super) fn filter(&mut self) {
        let Some(at) = self.anybody() else { return };
        let filter = Filter {
            audio: !self.rng.one_in(3),
            video: !self.rng.one_in(3),
            paused: self.rng.one_in(4),
        };
        self.set_filter(at, filter);
    }

    pub(super) fn set_filter(&mut self, at: usize, filter: Filter) {
        let seat = &mut self.seats[at];
        seat.reader
            .feed(&self.log, &mut seat.link.0.borrow_mut().got);
        if filter != Filter::OPEN {
            seat.reader.always_open = false;
        }
        let off = |kind: &Kind| {
            filter.paused
                || (*kind == Kind::Audio && !filter.audio)
                || (*kind == Kind::Video && !filter.video)
        };
        // A frame or a prelude under way is finished.
        let so_far = |kind| seat.reader.by_kind.get(&kind).copied().unwrap_or(0) + 3;
        seat.most = ALL
            .into_iter()
            .filter(off)
            .map(|kind| (kind, so_far(kind)))
            .collect();
        self.fanout.set_filter(self.now, seat.id, filter);
        assert_eq!(self.fanout.filter(seat.id), Some(filter));
    }

    pub(super) fn queue(&mut self) {
        let Some(at) = self.anybody() else { return };
        let seat = &mut self.seats[at];
        match self
            .fanout
            .queue(self.now, seat.id, wire::control(seat.controls))
        {
            Ok(()) => seat.controls += 1,
            Err(error) => assert_eq!(error, QueueError::NoPlayer, "so few replies always fit"),
        }
    }
}
