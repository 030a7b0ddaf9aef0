//! Writing a stream to its players.

use std::{marker::PhantomData, time::Instant};

use bytes::Bytes;

use crate::{Drops, Encode, LiveStream};

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
#[derive(Debug)]
pub struct Fanout<W> {
    players: PhantomData<W>,
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
            players: PhantomData,
        }
    }

    /// Adds a player; call [`Fanout::turn`] for it next, after queueing the replies that must come first.
    ///
    /// `message_stream` is the id its media goes out on; any but [`crate::SHARED_MESSAGE_STREAM`] costs an encoding
    /// per frame and player.
    pub fn add(&mut self, now: Instant, writer: W, message_stream: u32) -> PlayerId {
        let _ = (now, writer, message_stream);
        PlayerId {
            index: 0,
            generation: 0,
        }
    }

    /// Takes a player out, in the middle of a pass as well. A part-sent message stays part-sent.
    pub fn remove(&mut self, id: PlayerId) -> Option<(W, PlayerStats)> {
        let _ = id;
        None
    }

    /// Writes all new frames to the players in sync, one slice of them per call. Begins a pass or goes on with it.
    pub fn pass(&mut self, now: Instant, stream: &mut LiveStream) -> Pass {
        let _ = (now, stream);
        Pass::Done
    }

    /// Whether a pass is under way.
    #[must_use]
    pub fn in_pass(&self) -> bool {
        false
    }

    /// Serves one player that is not in sync: control bytes, prelude, frames, within the bounds of a turn.
    pub fn turn<E: Encode>(
        &mut self,
        now: Instant,
        id: PlayerId,
        stream: &mut LiveStream,
        encode: &E,
    ) -> Turn {
        let _ = (now, id, stream, encode);
        Turn::Gone
    }

    /// Queues whole messages (replies, pings, statuses) for a player; they go out at the next message boundary.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when it is full or the player is gone; nothing is queued then.
    pub fn queue(&mut self, now: Instant, id: PlayerId, bytes: Bytes) -> Result<(), QueueError> {
        let _ = (now, id, bytes);
        Ok(())
    }

    /// Ends a player in order: the frames up to the last pass, then these bytes, then [`Turn::Finished`].
    ///
    /// # Errors
    ///
    /// As [`Fanout::queue`].
    pub fn finish(&mut self, now: Instant, id: PlayerId, bytes: Bytes) -> Result<(), QueueError> {
        let _ = (now, id, bytes);
        Ok(())
    }

    /// What a player wants of the stream; `None` when there is no such player.
    #[must_use]
    pub fn filter(&self, id: PlayerId) -> Option<Filter> {
        let _ = id;
        None
    }

    /// Changes what a player wants: pause, `receiveAudio`, `receiveVideo`.
    pub fn set_filter(&mut self, now: Instant, id: PlayerId, filter: Filter) {
        let _ = (now, id, filter);
    }

    /// The next thing to do for a player.
    pub fn poll_event(&mut self) -> Option<Event> {
        None
    }

    /// Finds players that took no byte for too long. Call it when [`Fanout::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// When [`Fanout::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Counters of a player.
    #[must_use]
    pub fn stats(&self, id: PlayerId) -> Option<PlayerStats> {
        let _ = id;
        None
    }

    /// The writer of a player, to look at its socket.
    #[must_use]
    pub fn writer(&self, id: PlayerId) -> Option<&W> {
        let _ = id;
        None
    }

    /// The ids of all players.
    pub fn players(&self) -> impl Iterator<Item = PlayerId> {
        std::iter::empty()
    }

    /// Number of players.
    #[must_use]
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there is no player.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of players in sync: those a pass serves.
    #[must_use]
    pub fn in_sync(&self) -> usize {
        0
    }
}
