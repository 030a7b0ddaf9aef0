//! Writing new frames to the players in sync.

use std::{mem, time::Instant};

use bytes::Bytes;

use super::{
    Event, Fanout, Pass, Write, Written,
    player::{Phase, Rest, Totals},
};
use crate::{
    LiveStream,
    lag::{self, Advice},
    limits::{PASS_BUFFER_KEPT_BYTES, PASS_SLICE_PLAYERS, STALL},
    position::Position,
};

/// The pass that runs.
#[derive(Debug)]
pub(super) struct Run {
    /// Where the players began.
    from: Position,
    /// What players in sync had got before.
    totals: Totals,
    steps: Vec<Step>,
    image: Image,
}

/// One frame of a pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Where its image ends in that of the pass.
    end: usize,
    /// Where a player is after it.
    position: Position,
}

/// What everybody gets.
#[derive(Debug)]
enum Image {
    /// The only new frame.
    One(Bytes),
    /// Several, gathered.
    Several(Vec<u8>),
}

impl Image {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::One(image) => image,
            Self::Several(gathered) => gathered,
        }
    }
}

impl<W: Write> Fanout<W> {
    /// Writes all new frames to the players in sync, one slice of them per call. Begins a pass or goes on with it.
    pub fn pass(&mut self, now: Instant, stream: &mut LiveStream) -> Pass {
        if self.run.is_none() {
            self.begin(stream);
        }
        if let Some(run) = self.run.take() {
            self.serve_slice(now, stream, &run);
            if self.roster.served < self.roster.in_sync.len() {
                self.run = Some(run);
            } else {
                self.end(run);
            }
        }
        stream.pin(self.pin());
        self.check_in_debug();
        if self.run.is_some() {
            Pass::More
        } else {
            Pass::Done
        }
    }

    /// Where the ring must begin for the players in sync.
    pub(super) fn pin(&self) -> Option<u64> {
        (!self.roster.in_sync.is_empty()).then_some(self.synced.at)
    }

    /// Without players in sync there is nothing a pass would do.
    pub(super) fn follow(&mut self, stream: &LiveStream) {
        if self.roster.in_sync.is_empty() && self.run.is_none() {
            self.synced.at = stream.ring().head();
        }
    }

    fn begin(&mut self, stream: &LiveStream) {
        let start = stream.start();
        if lag::advise(stream.ring(), self.synced.at, start) != Advice::Stay {
            self.desync_all();
        }
        self.desync_changed(stream);
        self.follow(stream);
        self.images.clear();
        let steps = mem::take(&mut self.steps);
        if let Some(run) = self.gather(stream, steps) {
            self.roster.served = 0;
            self.run = Some(run);
        }
        self.wake_idle(stream, start);
    }

    /// Features grow rarely. Players whose shape changes messages with the new ones go on by themselves.
    fn desync_changed(&mut self, stream: &LiveStream) {
        let features = stream.features_from(self.synced.at);
        if mem::replace(&mut self.features, features) == features {
            return;
        }
        let mut at = 0;
        while let Some(index) = self.roster.in_sync.get(at).map(|member| member.index) {
            if self.roster.at(index).shape.changes(features) {
                // Another one takes its place.
                self.leave(index);
                self.roster.tell(Event::Ready(self.roster.id(index)));
            } else {
                at += 1;
            }
        }
    }

    /// The next pass comes too late for everybody: each skips by itself.
    fn desync_all(&mut self) {
        while let Some(member) = self.roster.in_sync.last() {
            let index = member.index;
            self.leave(index);
            self.roster.tell(Event::Ready(self.roster.id(index)));
        }
    }

    /// Puts the new frames together.
    fn gather(&mut self, stream: &LiveStream, mut steps: Vec<Step>) -> Option<Run> {
        steps.clear();
        let mut position = self.synced;
        let mut end = 0;
        for frame in stream.ring().from(self.synced.at) {
            position.pass(frame, true);
            end += frame.image.len();
            steps.push(Step { end, position });
        }
        let frames = steps.len();
        if frames == 0 || self.roster.in_sync.is_empty() {
            self.steps = steps;
            return None;
        }
        let mut new = stream.ring().from(self.synced.at);
        let image = match new.next() {
            Some(only) if frames == 1 => Image::One(only.image.clone()),
            first => {
                let mut gathered = mem::take(&mut self.gathered);
                gathered.clear();
                gathered.reserve(end);
                for frame in first.into_iter().chain(new) {
                    gathered.extend_from_slice(&frame.image);
                }
                Image::Several(gathered)
            }
        };
        let run = Run {
            from: self.synced,
            totals: self.totals,
            steps,
            image,
        };
        self.synced = position;
        self.totals.bytes += end as u64;
        self.totals.frames += frames as u64;
        Some(run)
    }

    fn serve_slice(&mut self, now: Instant, stream: &LiveStream, run: &Run) {
        let bytes = run.image.bytes();
        for _ in 0..PASS_SLICE_PLAYERS {
            let Some(member) = self.roster.in_sync.get_mut(self.roster.served) else {
                return;
            };
            let index = member.index;
            match member.writer.write(bytes) {
                Written::Sent(sent) if sent >= bytes.len() => self.roster.served += 1,
                Written::Sent(sent) => self.block(now, stream, run, index, sent),
                Written::Blocked => self.block(now, stream, run, index, 0),
                Written::Gone => {
                    self.leave_at(index, run.from, run.totals);
                    self.roster.list(index, Phase::Gone);
                    self.roster.tell(Event::Gone(self.roster.id(index)));
                }
            }
        }
    }

    /// A player in sync did not take everything: from now on it has a place of its own.
    fn block(&mut self, now: Instant, stream: &LiveStream, run: &Run, index: u32, sent: usize) {
        let whole = run.steps.partition_point(|step| step.end <= sent);
        let before = whole.checked_sub(1).and_then(|last| run.steps.get(last));
        let (begin, position) = before.map_or((0, run.from), |step| (step.end, step.position));
        let mut got = run.totals;
        got.bytes += sent as u64;
        got.frames += whole as u64;
        self.leave_at(index, position, got);
        if let Some(step) = run.steps.get(whole).filter(|_| sent > begin) {
            // The frame's own image, where there still is one: it is shared, a copy is not.
            let frame = stream.ring().get(position.at);
            let rest = frame.map_or_else(
                || Bytes::copy_from_slice(&run.image.bytes()[sent..step.end]),
                |frame| frame.image.slice(sent - begin..),
            );
            let player = self.roster.at(index);
            player.rest = rest;
            player.rest_is = Rest::Frame;
            player.position = Position {
                drops: player.position.drops,
                ..step.position
            };
        }
        self.roster.at(index).took_at = now;
        self.roster.list(index, Phase::Blocked);
        self.stall_check.get_or_insert(now + STALL);
        self.roster.tell(Event::Blocked(self.roster.id(index)));
    }

    fn end(&mut self, run: Run) {
        self.steps = run.steps;
        self.steps.clear();
        if let Image::Several(gathered) = run.image {
            self.gathered = gathered;
            self.gathered.clear();
            self.gathered.shrink_to(PASS_BUFFER_KEPT_BYTES);
        }
    }

    /// Tells of players that wait for frames, now that there are some.
    fn wake_idle(&mut self, stream: &LiveStream, start: Option<u64>) {
        let boundary = self.synced.at;
        let mut at = 0;
        while let Some(index) = self.roster.idle().get(at).copied() {
            let player = self.roster.at(index);
            let due = if player.position.waiting {
                stream.start_for(player.shape, start).is_some()
            } else {
                player.position.at < boundary
            };
            if due && !player.filter.paused {
                // Another one takes its place in the list.
                self.wake(index);
            } else {
                at += 1;
            }
        }
    }

    /// Has the caller serve a player that waits for something.
    pub(super) fn wake(&mut self, index: u32) {
        if self.roster.at(index).phase == Phase::Idle {
            self.roster.list(index, Phase::Wanted);
            self.roster.tell(Event::Ready(self.roster.id(index)));
        }
    }

    /// Takes a player from those in sync to a place of its own.
    pub(super) fn leave(&mut self, index: u32) {
        let listed = self.roster.at(index).listed;
        let (position, got) = self.place_of(listed);
        self.leave_at(index, position, got);
    }

    /// Where a player in sync is, and what it got: not all have got the pass that runs.
    fn place_of(&self, listed: usize) -> (Position, Totals) {
        match &self.run {
            Some(run) if listed >= self.roster.served => (run.from, run.totals),
            _ => (self.synced, self.totals),
        }
    }

    /// What a player in sync got.
    pub(super) fn totals_of(&self, listed: usize) -> Totals {
        self.place_of(listed).1
    }

    fn leave_at(&mut self, index: u32, position: Position, got: Totals) {
        self.roster.leave(index);
        let player = self.roster.at(index);
        player.position = Position {
            drops: player.position.drops,
            ..position
        };
        player.got.bytes += got.bytes - player.joined.bytes;
        player.got.frames += got.frames - player.joined.frames;
    }
}
