//! Writing a stream to its players.

use std::time::Instant;

use bongsu_flv::{Features, Shape};
use bytes::Bytes;

use self::{
    batch::Batch,
    images::Images,
    pass::{Run, Step},
    player::{Finish, Phase, Player, Totals},
    prelude::Preludes,
    roster::Roster,
};
use crate::{
    Drops, Encode, Kind,
    limits::{STALL, STALL_CHECK},
    position::Position,
};

mod batch;
mod images;
mod own;
mod pass;
mod player;
mod prelude;
mod roster;
mod turn;

/// Takes bytes for one player, as a non-blocking socket does.
pub trait Write {
    /// Writes as much as goes now.
    fn write(&mut self, bytes: &[u8]) -> Written;
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// So many bytes went, perhaps fewer than given.
    Sent(usize),
    /// Nothing goes now.
    Blocked,
    /// Nothing will ever go: the peer is gone.
    Gone,
}

/// One player of a [`Fanout`]. An id is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlayerId {
    index: u32,
    generation: u32,
}

/// What a player wants of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// `receiveAudio`.
    pub audio: bool,
    /// `receiveVideo`.
    pub video: bool,
    /// `pause`: nothing but control messages.
    pub paused: bool,
}

/// Counters of one player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlayerStats {
    /// Bytes it took, control messages included.
    pub bytes: u64,
    /// Frames it got whole.
    pub frames: u64,
    /// What it missed.
    pub drops: Drops,
}

/// What is left of a player that was taken out.
#[derive(Debug)]
pub struct Removed<W> {
    /// Its writer.
    pub writer: W,
    /// Its counters.
    pub stats: PlayerStats,
    /// What must go out first when the connection is used for something else: the rest of a message that was begun,
    /// replies that waited, messages of other message streams, and the last bytes given to [`Fanout::finish`].
    pub unsent: Bytes,
}

/// What the caller has to do for a player; see [`Fanout::poll_event`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// It fell behind, its socket is full: call [`Fanout::turn`] when it can be written to.
    Blocked(PlayerId),
    /// Call [`Fanout::turn`] soon: there is something for it.
    Ready(PlayerId),
    /// Its peer is gone: remove it.
    Gone(PlayerId),
    /// It took no byte for too long: remove and close it.
    Stalled(PlayerId),
}

/// Whether a pass is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Call [`Fanout::pass`] again after other work had a turn.
    More,
    /// Every player in sync has every frame there was when the pass began.
    Done,
}

/// What a player needs after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it is in sync, passes serve it.
    InSync,
    /// Another turn, after others had theirs.
    More,
    /// Another turn when its socket can be written to.
    Blocked,
    /// Another turn when an event says so.
    Idle,
    /// To be removed: its peer is gone.
    Gone,
    /// To be removed: it has everything including the last bytes given to [`Fanout::finish`].
    Finished,
}

/// Why control bytes cannot be queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueError {
    /// There is no such player.
    NoPlayer,
    /// Too much waits already: close it.
    Full,
}

/// The players of one stream on one thread.
///
/// Contract: after each call drain [`Fanout::poll_event`]; call [`Fanout::turn`] as events and turns say; call
/// [`Fanout::handle_timeout`] when [`Fanout::poll_timeout`] is due; remove players that are gone, stalled or finished.
/// Call [`Fanout::pass`] when the [`crate::Schedule`] says so, without any player as well: it also wakes those that wait
/// for frames. A fan-out belongs to one stream. The phases of a player are drawn in `LIFECYCLE.md`.
#[derive(Debug)]
pub struct Fanout<W> {
    roster: Roster<W>,
    /// Where players in sync are after the pass that runs, or ran last.
    synced: Position,
    /// What a player that was always in sync had got by then.
    totals: Totals,
    /// What the frames from there on had when the last pass began: a player whose shape changes some is not in sync.
    features: Features,
    run: Option<Run>,
    preludes: Preludes,
    images: Images,
    /// Memory that is used again: of passes, of turns.
    steps: Vec<Step>,
    gathered: Vec<u8>,
    batch: Batch,
    /// When to look for players that take nothing; `None` while nobody is blocked.
    stall_check: Option<Instant>,
    calls: usize,
}

impl<W: Write> Default for Fanout<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<W: Write> Fanout<W> {
    /// No players.
    #[must_use]
    pub fn new() -> Self {
        Self {
            roster: Roster::new(),
            synced: Position::new(),
            totals: Totals::default(),
            features: Features::NONE,
            run: None,
            preludes: Preludes::default(),
            images: Images::default(),
            steps: Vec::new(),
            gathered: Vec::new(),
            batch: Batch::default(),
            stall_check: None,
            calls: 0,
        }
    }

    /// Adds a player; call [`Fanout::turn`] for it next, after queueing the replies that must come first.
    ///
    /// `message_stream` is the id its media goes out on; any but [`crate::SHARED_MESSAGE_STREAM`] costs an encoding
    /// per frame and player. A `shape` that changes what the stream has costs turns of its own, and an encoding per frame
    /// for all its players; one that changes nothing costs nothing.
    pub fn add(&mut self, now: Instant, writer: W, message_stream: u32, shape: Shape) -> PlayerId {
        let player = Player::new(now, writer, message_stream, shape);
        let id = self.roster.add(player);
        self.check_in_debug();
        id
    }

    /// Takes a player out, in the middle of a pass as well. Frames of the last pass that it did not get count as missed.
    pub fn remove<E: Encode>(&mut self, id: PlayerId, encode: &E) -> Option<Removed<W>> {
        if self.roster.get(id)?.phase == Phase::InSync {
            self.leave(id.index);
        }
        let mut stats = self.stats(id)?;
        let player = self.roster.take(id)?;
        stats.drops = player.missed(&self.synced);
        let unsent = player.unsent(encode);
        let writer = player.writer?;
        self.check_in_debug();
        Some(Removed {
            writer,
            stats,
            unsent,
        })
    }

    /// Whether a pass is under way.
    #[must_use]
    pub const fn in_pass(&self) -> bool {
        self.run.is_some()
    }

    /// Queues whole messages (replies, pings, statuses) for a player; they go out at the next message boundary.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when it is full or the player is gone; nothing is queued then.
    pub fn queue(&mut self, now: Instant, id: PlayerId, bytes: Bytes) -> Result<(), QueueError> {
        let _ = now;
        self.with_room(id, bytes.len())?;
        self.roster.at(id.index).queue(&bytes);
        self.want_turn(id);
        self.check_in_debug();
        Ok(())
    }

    /// Gives a player whole messages of other message streams of its connection; they go out at the next message
    /// boundary, behind replies. Some wait at a time: see [`Fanout::can_carry`].
    ///
    /// # Errors
    ///
    /// [`QueueError::Full`] while some wait, whatever their size; [`QueueError::NoPlayer`].
    pub fn carry(&mut self, now: Instant, id: PlayerId, bytes: Bytes) -> Result<(), QueueError> {
        let _ = now;
        self.with_room(id, 0)?;
        if !self.can_carry(id) {
            return Err(QueueError::Full);
        }
        self.roster.at(id.index).carried = bytes;
        self.want_turn(id);
        self.check_in_debug();
        Ok(())
    }

    /// Whether nothing waits that was given to [`Fanout::carry`]: it has gone out, or is the message under way. So a
    /// status that is queued now stands behind it.
    #[must_use]
    pub fn can_carry(&self, id: PlayerId) -> bool {
        let player = self.roster.get(id);
        player.is_some_and(|player| player.carried.is_empty())
    }

    /// Ends a player in order: the frames up to the last pass, then these bytes, then [`Turn::Finished`].
    ///
    /// A second call changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Fanout::queue`].
    pub fn finish(&mut self, now: Instant, id: PlayerId, bytes: Bytes) -> Result<(), QueueError> {
        let _ = now;
        self.with_room(id, bytes.len())?;
        let until = self.synced.at;
        let player = self.roster.at(id.index);
        player.finish.get_or_insert(Finish {
            until,
            bytes: Some(bytes),
        });
        self.want_turn(id);
        self.check_in_debug();
        Ok(())
    }

    fn with_room(&self, id: PlayerId, bytes: usize) -> Result<(), QueueError> {
        let player = self.roster.get(id).ok_or(QueueError::NoPlayer)?;
        match player.phase {
            Phase::Gone | Phase::Finished => Err(QueueError::NoPlayer),
            _ if player.has_room(bytes) => Ok(()),
            _ => Err(QueueError::Full),
        }
    }

    /// There is something for this player that a pass does not send.
    fn want_turn(&mut self, id: PlayerId) {
        if self.roster.at(id.index).phase == Phase::InSync {
            self.leave(id.index);
            self.roster.tell(Event::Ready(id));
        } else {
            self.wake(id.index);
        }
    }

    /// What a player wants of the stream; `None` when there is no such player.
    #[must_use]
    pub fn filter(&self, id: PlayerId) -> Option<Filter> {
        self.roster.get(id).map(|player| player.filter)
    }

    /// Changes what a player wants: pause, `receiveAudio`, `receiveVideo`. Video begins again at a keyframe.
    pub fn set_filter(&mut self, now: Instant, id: PlayerId, filter: Filter) {
        let _ = now;
        let Some(before) = self.filter(id).filter(|before| *before != filter) else {
            return;
        };
        // Out of sync first: from here on it has a place of its own.
        self.want_turn(id);
        let player = self.roster.at(id.index);
        player.filter = filter;
        let position = &mut player.position;
        if before.paused && !filter.paused {
            position.resumes = true;
        }
        if filter.audio && !before.audio {
            position.owed.set(Kind::Audio, true);
        }
        if filter.video && !before.video {
            position.owed.set(Kind::Video, true);
            position.keyed = Some(bongsu_flv::TrackSet::EMPTY);
        }
        self.check_in_debug();
    }

    /// The next thing to do for a player.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.roster.poll_event()
    }

    /// Finds players that took no byte for too long. Call it when [`Fanout::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.stall_check.is_none_or(|due| now < due) {
            return;
        }
        let mut next: Option<Instant> = None;
        for at in 0..self.roster.blocked().len() {
            let index = self.roster.blocked()[at];
            let id = self.roster.id(index);
            let player = self.roster.at(index);
            let due = player.took_at + STALL;
            if player.stalled {
                continue;
            }
            if due <= now {
                player.stalled = true;
                self.roster.tell(Event::Stalled(id));
            } else {
                next = Some(next.map_or(due, |next| next.min(due)));
            }
        }
        self.stall_check = next.map(|next| next.max(now + STALL_CHECK));
        self.check_in_debug();
    }

    /// When [`Fanout::handle_timeout`] is due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.stall_check
    }

    /// Counters of a player.
    #[must_use]
    pub fn stats(&self, id: PlayerId) -> Option<PlayerStats> {
        let player = self.roster.get(id)?;
        let mut got = player.got;
        if player.phase == Phase::InSync {
            let totals = self.totals_of(player.listed);
            got.bytes += totals.bytes - player.joined.bytes;
            got.frames += totals.frames - player.joined.frames;
        }
        Some(PlayerStats {
            bytes: got.bytes,
            frames: got.frames,
            drops: player.position.drops,
        })
    }

    /// The writer of a player, to look at its socket.
    #[must_use]
    pub fn writer(&self, id: PlayerId) -> Option<&W> {
        let player = self.roster.get(id)?;
        let in_sync = || {
            self.roster
                .in_sync
                .get(player.listed)
                .map(|member| &member.writer)
        };
        player.writer.as_ref().or_else(in_sync)
    }

    /// The ids of all players.
    pub fn players(&self) -> impl Iterator<Item = PlayerId> {
        self.roster.ids()
    }

    /// Number of players.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.roster.len()
    }

    /// Whether there is no player.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of players in sync: those a pass serves.
    #[must_use]
    pub const fn in_sync(&self) -> usize {
        self.roster.in_sync.len()
    }

    /// Panics when the fan-out is not what it promises to be. It looks at every player; debug builds do so after
    /// every few calls, the fewer the more players there are.
    pub fn check_invariants(&self) {
        self.roster.check_invariants();
        self.images.check_invariants();
        if self.run.is_none() {
            assert_eq!(
                self.roster.served,
                self.roster.in_sync.len(),
                "all have the last pass"
            );
        }
        for id in self.players() {
            let Some(player) = self.roster.get(id) else {
                continue;
            };
            assert!(player.control_bytes() <= crate::limits::CONTROL_BYTES_MAX);
            match player.phase {
                Phase::InSync => {
                    assert!(
                        player.is_shared(self.features) && player.is_plain(),
                        "a pass is all it gets"
                    );
                }
                Phase::Idle => assert!(player.is_plain(), "what waits is sent"),
                Phase::Blocked => {
                    let watched = self.stall_check.is_some() || player.stalled;
                    assert!(watched, "somebody looks whether it stalls");
                }
                Phase::Wanted | Phase::Gone | Phase::Finished => {}
            }
        }
    }

    fn check_in_debug(&mut self) {
        if cfg!(debug_assertions) {
            self.calls = self.calls.wrapping_add(1);
            if self.calls.is_multiple_of(1 + self.len() / 8) {
                self.check_invariants();
            }
        }
    }
}

#[cfg(test)]
mod tests;
