//! Serving one player that is not in sync.

use std::time::Instant;

use super::{
    Fanout, PlayerId, Turn, Write,
    batch::{Batch, Collect, Item},
    own::UnderWay,
    player::{Budget, Phase, Player, Rest},
};
use crate::{Encode, Kind, LiveStream, limits::STALL, position::Position};

impl<W: Write> Fanout<W> {
    /// Serves one player that is not in sync: control bytes, prelude, frames, within the bounds of a turn.
    pub fn turn<E: Encode>(
        &mut self,
        now: Instant,
        id: PlayerId,
        stream: &mut LiveStream,
        encode: &E,
    ) -> Turn {
        let Some(player) = self.roster.get_mut(id) else {
            return Turn::Gone;
        };
        match player.phase {
            Phase::InSync => return Turn::InSync,
            Phase::Gone => return Turn::Gone,
            Phase::Finished => return Turn::Finished,
            Phase::Wanted | Phase::Idle | Phase::Blocked => {}
        }
        let before = player.got.bytes;
        self.follow(stream);
        let turn = self.serve(id, stream, encode);
        self.batch.clear();
        self.after_turn(now, id, turn, before, stream);
        stream.pin(self.pin());
        self.check_in_debug();
        turn
    }

    fn serve<E: Encode>(&mut self, id: PlayerId, stream: &LiveStream, encode: &E) -> Turn {
        let mut budget = Budget::of_a_turn();
        let features = self.features | stream.features_from(self.synced.at);
        let Some(player) = self.roster.get_mut(id) else {
            return Turn::Gone;
        };
        loop {
            if let Err(turn) = player.flush(&mut budget) {
                player.give_back();
                return turn;
            }
            if player.go_on(encode) || player.take_control() {
                continue;
            }
            if player.has_all_frames() {
                return Turn::Finished;
            }
            if player.filter.paused {
                return Turn::Idle;
            }
            if budget.is_spent() {
                return Turn::More;
            }
            let until = player.finish.as_ref().map(|finish| finish.until);
            let mut collect = Collect {
                stream,
                encode,
                preludes: &mut self.preludes,
                images: &mut self.images,
                batch: &mut self.batch,
                limit: until.unwrap_or(self.synced.at),
            };
            let end = collect.run(player, &budget);
            if self.batch.items.is_empty() {
                player.position = end;
                if player.finish.is_some() {
                    continue;
                }
                let synced = player.is_shared(features)
                    && !end.waiting
                    && end.at == self.synced.at
                    && end.owes_nothing()
                    && has_no_later_headers(&end, &self.synced, stream)
                    && stream.is_keyed(&end);
                return if synced { Turn::InSync } else { Turn::Idle };
            }
            budget.frames -= self.batch.items.len().min(budget.frames);
            let bytes = self.batch.bytes();
            let all = bytes.len();
            let asked = all.min(budget.bytes);
            let sent = match player.write(bytes, &mut budget) {
                Ok(sent) => sent,
                Err(turn) => return turn,
            };
            commit(player, &self.batch, sent);
            if sent < asked {
                return Turn::Blocked;
            }
            if sent == all {
                player.position = end;
            }
        }
    }

    fn after_turn(
        &mut self,
        now: Instant,
        id: PlayerId,
        turn: Turn,
        before: u64,
        stream: &LiveStream,
    ) {
        let Some(player) = self.roster.get_mut(id) else {
            return;
        };
        if player.got.bytes > before {
            player.took_at = now;
            player.stalled = false;
        }
        // The turn says more than what was to be said before it, unless nothing has changed since.
        if !player.stalled {
            player.event = None;
        }
        let phase = match turn {
            Turn::InSync => return self.join(id, stream),
            Turn::More => Phase::Wanted,
            Turn::Idle => Phase::Idle,
            Turn::Gone => Phase::Gone,
            Turn::Finished => Phase::Finished,
            Turn::Blocked => {
                if player.phase != Phase::Blocked {
                    player.took_at = now;
                }
                let due = player.took_at + STALL;
                self.stall_check.get_or_insert(due);
                Phase::Blocked
            }
        };
        self.roster.list(id.index, phase);
    }

    fn join(&mut self, id: PlayerId, stream: &LiveStream) {
        if self.roster.in_sync.is_empty() {
            // The first one says what they have.
            if let Some(player) = self.roster.get(id) {
                self.synced = in_sync(player.position);
            }
        }
        debug_assert!(self.synced.at <= stream.ring().head());
        let totals = self.totals;
        self.roster.at(id.index).joined = totals;
        self.roster.join(id.index);
    }
}

/// Keeps as much of a batch as went out: a message begun is a message got, the rest of it goes first next time.
fn commit<W>(player: &mut Player<W>, batch: &Batch, sent: usize) {
    let mut left = sent;
    for Item {
        image,
        position,
        is_frame,
    } in &batch.items
    {
        if left == 0 {
            return;
        }
        player.position = *position;
        let whole = image.bytes.len() <= left;
        let out = image.bytes.len().min(left);
        left -= out;
        match &image.own {
            Some(own) if !whole || image.is_part() => {
                player.under_way = Some(Box::new(UnderWay::new(own.clone(), out)));
            }
            _ if whole => player.got.frames += u64::from(*is_frame),
            _ => {
                player.rest = image.bytes.slice(out..);
                player.rest_is = if *is_frame {
                    Rest::Frame
                } else {
                    Rest::Prelude
                };
            }
        }
    }
}

/// Whether the next pass sends no header older than what a player has: its prelude has the newest of all.
fn has_no_later_headers(position: &Position, synced: &Position, stream: &LiveStream) -> bool {
    [Kind::Audio, Kind::Video, Kind::Data]
        .into_iter()
        .all(|kind| {
            stream.is_settled(kind, position.at)
                || position.versions.get(kind) <= synced.versions.get(kind)
        })
}

/// A position as all players in sync have it.
const fn in_sync(position: Position) -> Position {
    let mut synced = Position::new();
    synced.go(position.at, position.bytes, 0);
    synced.versions = position.versions;
    synced.keyed = None;
    synced
}
