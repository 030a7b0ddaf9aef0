//! A play that runs, native or a side stream: its place in the fan-out, its turns, its waits, its end.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongsu_flv::Features;
use bongsu_hub::{Filter, PlayerId, PlayerStats, Turn};
use bongsu_rtmp::message::MessageStreamId;
use bongsu_rtmp::session::Capabilities;
use bongsu_rtmp::session::server::ConnectInfo;
use bongsu_rtmp::status::{Code, Status};
use bytes::Bytes;

use super::ending::End;
use crate::limits::{PLAY_LINGER, TURNS_MAX};
use crate::mailbox::Mail;
use crate::receiver::{self, Receiver, Verdict};
use crate::stream::Stream;
use crate::telemetry::CloseReason;

/// A play that runs.
#[derive(Debug)]
pub(super) struct Playing {
    stream: Rc<Stream>,
    player: PlayerId,
    message_stream: MessageStreamId,
    /// Until when the player waits for a stream that does not exist yet.
    wait_until: Option<Instant>,
    /// What the stream had when it was last looked at whether the player can use any of it.
    judged: Features,
    /// When it is certain that it can use nothing, unless more comes.
    decide_at: Option<Instant>,
    /// Its socket was full at the last turn.
    blocked: bool,
    /// It needs a turn.
    hungry: bool,
    /// What it is told at the end is queued; it may read the rest until then.
    leaving: Option<(Instant, CloseReason)>,
}

impl Playing {
    /// A player that was just added, and may wait so long for its stream.
    pub(super) fn new(
        now: Instant,
        stream: Rc<Stream>,
        player: PlayerId,
        message_stream: MessageStreamId,
        wait: Option<Duration>,
    ) -> Self {
        Self {
            stream,
            player,
            message_stream,
            wait_until: wait.map(|wait| now + wait),
            judged: Features::NONE,
            decide_at: None,
            blocked: false,
            hungry: true,
            leaving: None,
        }
    }

    pub(super) const fn stream(&self) -> &Rc<Stream> {
        &self.stream
    }

    /// The message stream that it gets media on.
    pub(super) const fn message_stream(&self) -> MessageStreamId {
        self.message_stream
    }

    /// Gives replies to the fan-out.
    pub(super) fn queue(&self, now: Instant, bytes: Bytes) -> Result<(), End> {
        let queued = self.stream.queue(now, self.player, bytes);
        queued.map_err(|_| CloseReason::RepliesNotRead.into())
    }

    /// Gives messages of a side stream to the fan-out; only while [`Playing::can_carry`].
    pub(super) fn carry(&mut self, now: Instant, bytes: Bytes) -> Result<(), End> {
        self.hungry = true;
        let carried = self.stream.carry(now, self.player, bytes);
        carried.map_err(|_| CloseReason::PeerClosed.into())
    }

    /// Whether messages of a side stream may go out next.
    pub(super) fn can_carry(&self) -> bool {
        self.stream.can_carry(self.player)
    }

    /// Changes what the player wants.
    pub(super) fn filter(&self, now: Instant, change: impl FnOnce(&mut Filter)) {
        self.stream.filter(now, self.player, change);
    }

    /// It needs a turn: its socket takes bytes again, or there is something for it.
    pub(super) const fn feed(&mut self) {
        self.hungry = true;
    }

    /// Whether it goes on with its turns when others had theirs.
    pub(super) const fn is_hungry(&self) -> bool {
        self.hungry
    }

    /// Whether its socket was full.
    pub(super) const fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// Whether it has been told that it is over.
    pub(super) const fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// What the fan-out and the stream say. True when the stream has ended.
    pub(super) fn read_mail(&mut self, mail: Mail) -> Result<bool, CloseReason> {
        if mail.has(Mail::GONE) {
            return Err(CloseReason::PeerClosed);
        }
        if mail.has(Mail::STALLED) {
            return Err(CloseReason::Stalled(bongsu_hub::limits::STALL));
        }
        if mail.has(Mail::WORK) {
            self.hungry = true;
        }
        Ok(mail.has(Mail::STREAM_ENDED) && self.leaving.is_none())
    }

    /// Queues the last words: the player gets what it has to get, then them.
    pub(super) fn leave(
        &mut self,
        now: Instant,
        words: Bytes,
        reason: CloseReason,
    ) -> Result<(), CloseReason> {
        let finished = self.stream.finish(now, self.player, words);
        finished.map_err(|_| CloseReason::RepliesNotRead)?;
        self.wait_until = None;
        self.hungry = true;
        self.leaving = Some((now + PLAY_LINGER, reason));
        Ok(())
    }

    /// Serves a player that is not in sync. Gives why it is over, once it has got everything.
    pub(super) fn take_turns(&mut self, now: Instant) -> Result<Option<CloseReason>, CloseReason> {
        let mut turns = 0;
        while std::mem::take(&mut self.hungry) {
            self.blocked = false;
            match self.stream.turn(now, self.player) {
                Turn::InSync | Turn::Idle => {}
                Turn::Blocked => self.blocked = true,
                Turn::Gone => return Err(CloseReason::PeerClosed),
                Turn::Finished => {
                    let reason = self.leaving.take().map(|(_, reason)| reason);
                    return Ok(Some(reason.unwrap_or(CloseReason::StreamEnded)));
                }
                Turn::More => {
                    turns += 1;
                    self.hungry = true;
                    if turns == TURNS_MAX {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// When a player that waits, or that leaves, has waited long enough, or when it is certain that it gets nothing.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.leaving {
            Some((until, _)) => Some(*until),
            None => [self.wait_until, self.decide_at]
                .into_iter()
                .flatten()
                .min(),
        }
    }

    /// Looks again at a stream that has something new.
    ///
    /// # Errors
    /// What the player is told that can use nothing of it.
    pub(super) fn check_media(
        &mut self,
        now: Instant,
        connection: u64,
        connect: Option<&Arc<ConnectInfo>>,
    ) -> Result<(), Status> {
        let features = self.stream.inner().live.features();
        let is_due = self.decide_at.is_some_and(|at| at <= now);
        if self.leaving.is_some() || (self.judged == features && !is_due) {
            return Ok(());
        }
        self.judged = features;
        self.decide_at = None;
        let receiver = receiver_of(&self.stream, connect);
        match self.stream.judge(now, &receiver) {
            Verdict::Served => {
                let left_out = receiver::left_out(&self.stream.inner().live, receiver.shape());
                if !left_out.is_empty() {
                    let left_out = left_out.join(", ");
                    tracing::info!(conn = connection, stream = %self.stream.path(), left_out, "a player gets a part of the stream");
                }
                Ok(())
            }
            Verdict::Unclear(at) => {
                self.decide_at = Some(at);
                Ok(())
            }
            Verdict::Hopeless(words) => Err(nothing_usable(connection, &self.stream, &words)),
        }
    }

    /// Why it is over although it has not read everything: its time to leave is over.
    pub(super) fn is_out_of_time(&self, now: Instant) -> Option<CloseReason> {
        let (until, reason) = self.leaving.as_ref()?;
        (*until <= now).then(|| reason.clone())
    }

    /// Ends its wait when it is over: the stream is there, or it has not come in the time that is given.
    pub(super) fn end_wait(&mut self, now: Instant) -> Result<(), Duration> {
        if self.wait_until.is_none_or(|until| until > now) {
            return Ok(());
        }
        self.wait_until = None;
        if self.stream.inner().live.is_playable() {
            return Ok(());
        }
        Err(self.stream.app().play_wait)
    }

    /// Takes it out of the stream; gives what it got, and what must go out before anything else on its connection.
    pub(super) fn remove(&self) -> (PlayerStats, Bytes) {
        self.stream.remove_player(self.player)
    }
}

/// How long a player of this stream waits for it: not at all when it is there.
///
/// # Errors
/// When nobody publishes it and the app does not let players wait.
pub(super) fn wait_for(stream: &Stream) -> Result<Option<Duration>, CloseReason> {
    let wait = stream.app().play_wait;
    if stream.inner().live.is_playable() {
        return Ok(None);
    }
    if wait.is_zero() {
        // It may have been made for this request only.
        stream.wake();
        return Err(CloseReason::StreamNotFound(wait));
    }
    Ok(Some(wait))
}

/// What a connection that said this can take of a stream.
pub(super) fn receiver_of(stream: &Stream, connect: Option<&Arc<ConnectInfo>>) -> Receiver {
    let app = stream.app();
    let silent = Capabilities::none();
    let announced = connect.map_or(&silent, |connect| &connect.capabilities);
    Receiver::new(announced, app.compat, app.hevc)
}

/// Tells the operator, and gives what the player is told.
pub(super) fn nothing_usable(connection: u64, stream: &Stream, words: &str) -> Status {
    tracing::info!(conn = connection, stream = %stream.path(), "play refused: this player {words}");
    Status::new(Code::PlayFailed, format!("this player {words}"))
}

pub(super) fn not_found() -> Status {
    Status::new(Code::PlayStreamNotFound, "nobody publishes this stream")
}
