//! What pushes read in a run.

use bongsu_hub::{Cursor, Next};

use super::World;
use crate::reader::Reader;

#[derive(Debug)]
pub(super) struct Push {
    pub(super) cursor: Cursor,
    pub(super) reader: Reader,
    rebased: bool,
}

impl World {
    pub(super) fn reconnect_push(&mut self) {
        let rebased = self.rng.one_in(2);
        let shape = self.any_shape();
        let cursor = if rebased {
            Cursor::rebased()
        } else {
            Cursor::new()
        }
        .with_shape(shape);
        self.joined += 1;
        let reader = Reader::new(format!("push {}", self.joined), 1, shape);
        let push = Push {
            cursor,
            reader,
            rebased,
        };
        if self.pushes.len() < 4 {
            self.pushes.push(push);
        } else {
            let at = self.rng.size(self.pushes.len());
            self.pushes[at] = push;
        }
    }

    pub(super) fn read_push(&mut self) {
        if self.pushes.is_empty() {
            return;
        }
        let at = self.rng.size(self.pushes.len());
        let messages = self.rng.below(80);
        for _ in 0..messages {
            if !self.next(at) {
                return;
            }
        }
    }

    /// Reads one message. Gives whether there was one.
    pub(super) fn next(&mut self, at: usize) -> bool {
        let Push {
            cursor,
            reader,
            rebased,
        } = &mut self.pushes[at];
        let first = reader.messages == 0;
        let timestamp = match self.stream.next(cursor) {
            Next::Wait => return false,
            Next::Header {
                kind,
                timestamp,
                payload,
            } => {
                reader.message(&self.log, kind, timestamp, &payload);
                timestamp
            }
            Next::Frame {
                frame,
                timestamp,
                payload,
            } => {
                reader.message(&self.log, frame.kind, timestamp, &payload);
                timestamp
            }
        };
        // A ring is no longer than that. [WIRE 135]
        assert!(
            !*rebased || !first || timestamp <= 20_000,
            "begins at {timestamp}"
        );
        assert!(reader.gaps <= cursor.drops().skips, "{}", reader.last_gap);
        true
    }
}
