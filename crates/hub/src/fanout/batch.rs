//! What a player that is not in sync gets next: prelude and frames, as far as one write should carry.

use bongsu_flv::Shape;
use bytes::Bytes;

use super::{
    images::Images,
    own::{Made, Own},
    player::{Budget, Player},
    prelude::{self, Preludes},
};
use crate::{
    Encode, Frame, Kind, LiveStream, SHARED_MESSAGE_STREAM, Settled, limits::GATHER_BYTES_MAX,
    position::PerKind, position::Position,
};

/// One whole message, or the first part of a large one, or a prelude, and where the player is after it.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) image: Made,
    pub(super) position: Position,
    pub(super) is_frame: bool,
}

/// Things to be written together. Nothing of it counts before its bytes went out.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    bytes: usize,
    gathered: Vec<u8>,
}

impl Batch {
    /// Lets go of the images.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.bytes = 0;
    }

    /// Whether another image still fits: the first one always does.
    fn fits(&self, image: &Made) -> bool {
        self.items.is_empty() || self.bytes + image.bytes.len() <= GATHER_BYTES_MAX
    }

    fn push(&mut self, image: Made, position: Position, is_frame: bool) {
        debug_assert!(
            self.items.last().is_none_or(|last| !last.image.is_part()),
            "nothing goes between the parts of a message"
        );
        self.bytes += image.bytes.len();
        self.items.push(Item {
            image,
            position,
            is_frame,
        });
    }

    fn push_prelude(&mut self, bytes: Bytes, position: Position) {
        if !bytes.is_empty() {
            self.push(Made { bytes, own: None }, position, false);
        }
    }

    /// Everything in one piece.
    pub(super) fn bytes(&mut self) -> &[u8] {
        if let [only] = self.items.as_slice() {
            return &only.image.bytes;
        }
        self.gathered.clear();
        for item in &self.items {
            self.gathered.extend_from_slice(&item.image.bytes);
        }
        &self.gathered
    }
}

/// Fills a batch.
pub(super) struct Collect<'a, E> {
    pub(super) stream: &'a LiveStream,
    pub(super) encode: &'a E,
    pub(super) preludes: &'a mut Preludes,
    pub(super) images: &'a mut Images,
    pub(super) batch: &'a mut Batch,
    /// The entry before which it ends.
    pub(super) limit: u64,
}

impl<E: Encode> Collect<'_, E> {
    /// Collects from where the player is. Gives where it is when all of it went out.
    pub(super) fn run<W>(&mut self, player: &Player<W>, budget: &Budget) -> Position {
        self.batch.clear();
        let mut position = player.position;
        match self.settle(&mut position, player.shape) {
            Settled::Waiting => return position,
            Settled::Here => {}
            Settled::Restarted => self.prelude(player, &mut position),
        }
        while self.batch.items.len() < budget.frames && self.batch.bytes < budget.bytes {
            for kind in [Kind::Data, Kind::Video, Kind::Audio] {
                self.owed(player, &mut position, kind);
            }
            if position.at >= self.limit {
                break;
            }
            let Some(frame) = self.stream.ring().get(position.at) else {
                break;
            };
            let wanted = position.wants(frame, player.shape)
                && player.filter.wants(frame.kind)
                && !position.owed.get(frame.kind);
            let mut after = position;
            after.pass(frame, wanted);
            // What its shape drops it has got as well: nobody owes it to the player.
            if wanted && let Some(image) = self.image(player, position.at, frame) {
                if !self.batch.fits(&image) {
                    break;
                }
                self.batch.push(image, after, true);
            }
            position = after;
        }
        position
    }

    /// The frame at a place as the player gets it; `None` when its shape leaves nothing of it.
    fn image<W>(&mut self, player: &Player<W>, at: u64, frame: &Frame) -> Option<Made> {
        let (shape, message_stream) = (player.shape, player.message_stream);
        let is_shared = message_stream == SHARED_MESSAGE_STREAM;
        if is_shared && !shape.changes(frame.features) {
            let bytes = frame.image.clone();
            return Some(Made { bytes, own: None });
        }
        let encode = self.encode;
        let make = || Some(Own::of(frame, message_stream, shape)?.make(encode));
        if is_shared {
            self.images.get(at, shape, make)
        } else {
            make()
        }
    }

    /// The drop policy, or the place to go on after a pause.
    fn settle(&self, position: &mut Position, shape: Shape) -> Settled {
        if !position.resumes || position.waiting {
            position.resumes = false;
            return self.stream.settle(position, shape);
        }
        position.resumes = false;
        let head = self.stream.ring().head();
        let start = self.stream.start_for(shape, self.stream.start());
        let start = start.filter(|start| *start >= position.at);
        if let Some(start) = start {
            position.go(start, self.stream.bytes_before(start), head);
            return Settled::Restarted;
        }
        // Within the group of pictures it was in: audio at once, video from the next keyframe on. [WIRE 130]
        let at = self.limit.max(position.at);
        position.go(at, self.stream.bytes_before(at), head);
        position.owed = PerKind::all(true);
        Settled::Here
    }

    /// The headers it lacks at its new place.
    fn prelude<W>(&mut self, player: &Player<W>, position: &mut Position) {
        let image = if player.is_shared(self.stream.features()) {
            self.preludes.shared(self.stream, self.encode, position)
        } else {
            let wants = |kind| player.filter.wants(kind);
            prelude::build(
                self.stream,
                self.encode,
                (player.message_stream, player.shape),
                position,
                wants,
            )
        };
        for kind in [Kind::Audio, Kind::Video, Kind::Data] {
            if player.filter.wants(kind) {
                self.has_headers(position, kind);
            }
        }
        self.batch.push_prelude(image, *position);
    }

    /// The headers of a kind that was switched off, before its next frame. They wait until no other header of the kind
    /// is ahead, so that what the store holds is what the next frame needs.
    fn owed<W>(&mut self, player: &Player<W>, position: &mut Position, kind: Kind) {
        let due = position.owed.get(kind)
            && player.filter.wants(kind)
            && self.stream.is_settled(kind, position.at);
        if !due {
            return;
        }
        position.joins = false;
        let only = |other| other == kind;
        let image = prelude::build(
            self.stream,
            self.encode,
            (player.message_stream, player.shape),
            position,
            only,
        );
        self.has_headers(position, kind);
        self.batch.push_prelude(image, *position);
    }

    const fn has_headers(&self, position: &mut Position, kind: Kind) {
        position.versions.set(kind, self.stream.headers().version());
        position.owed.set(kind, false);
    }
}
