//! Playing: from the request to the fan-out that owns the write side.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bongsu_flv::Features;
use bongsu_hub::{Filter, PlayerId, Turn};
use bongsu_net::limits::PLAYER_USER_TIMEOUT_MS;
use bongsu_rtmp::message::MessageStreamId;
use bongsu_rtmp::session::server::{PlayEnd, RequestId};
use bongsu_rtmp::session::{Capabilities, Output};
use bongsu_rtmp::status::{Code, Status};
use bongsu_rtmp::url::{Resolved, StreamPath};
use bytes::{Bytes, BytesMut};

use super::connection::{Connection, Role};
use super::ending::End;
use crate::config::auth;
use crate::limits::{PLAY_LINGER, TURNS_MAX};
use crate::mailbox::Mail;
use crate::receiver::{self, Receiver, Verdict};
use crate::stream::{PlayerSocket, Stream};
use crate::telemetry::CloseReason;

/// A play that is allowed.
#[derive(Debug)]
pub(super) struct Request {
    request: RequestId,
    message_stream: MessageStreamId,
    path: StreamPath,
}

impl Request {
    /// The stream it is about.
    pub(super) const fn path(&self) -> &StreamPath {
        &self.path
    }
}

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
    pub(super) const fn stream(&self) -> &Rc<Stream> {
        &self.stream
    }

    /// Gives replies to the fan-out.
    pub(super) fn queue(&self, now: Instant, bytes: Bytes) -> Result<(), End> {
        let queued = self.stream.queue(now, self.player, bytes);
        queued.map_err(|_| CloseReason::RepliesNotRead.into())
    }
}

impl Connection {
    pub(super) fn on_play_requested(
        &mut self,
        now: Instant,
        request: RequestId,
        message_stream: MessageStreamId,
        target: &Resolved,
    ) -> Result<(), End> {
        let shared = std::sync::Arc::clone(self.worker.shared());
        let path = match auth::play(&shared.config, target) {
            Ok(_) if self.is_in_use() => {
                let status = Status::new(Code::PlayFailed, "this connection is in use already");
                self.reason = Some(CloseReason::Refused(Code::PlayFailed));
                return self.reject(now, request, &status);
            }
            Ok(granted) => granted.path,
            Err(denied) => {
                self.reason = Some(CloseReason::Denied(denied));
                return self.reject(now, request, &denied.play_status());
            }
        };
        self.begin(super::Request::Play(Request {
            request,
            message_stream,
            path,
        }))
    }

    pub(super) fn begin_play(&mut self, allowed: Request) -> Result<(), End> {
        let now = Instant::now();
        let Request {
            request,
            message_stream,
            path,
        } = allowed;
        let Some(stream) = self.worker.stream(&path) else {
            self.reason = Some(CloseReason::Denied(auth::Denied::UnknownApp));
            return self.reject(now, request, &auth::Denied::UnknownApp.play_status());
        };
        let wait = stream.app().play_wait;
        let playable = stream.inner().live.is_playable();
        if !playable && wait.is_zero() {
            self.reason = Some(CloseReason::StreamNotFound(wait));
            stream.wake();
            return self.reject(now, request, &not_found());
        }
        let receiver = self.receiver(&stream);
        if let Verdict::Hopeless(words) = stream.judge(now, &receiver) {
            self.reason = Some(CloseReason::NothingUsable);
            let status = self.nothing_usable(&stream, &words);
            return self.reject(now, request, &status);
        }
        // A player may pause for longer than a publisher may be silent.
        let patience = Duration::from_millis(PLAYER_USER_TIMEOUT_MS);
        let _ = bongsu_net::set_user_timeout(&*self.socket, Some(patience));
        let socket = PlayerSocket::new(
            Rc::clone(&self.socket),
            Rc::clone(self.worker.sent_counter()),
        );
        let mailbox = Rc::clone(&self.mailbox);
        let how = (message_stream.0, receiver.shape());
        let player = stream.add_player(now, socket, how, mailbox);
        self.worker.shared().telemetry.plays.inc();
        tracing::info!(conn = self.facts.id, peer = %self.facts.peer, stream = %path, "playing");
        self.reason = None;
        let playing = Playing {
            stream,
            player,
            message_stream,
            wait_until: (!playable).then(|| now + wait),
            judged: Features::NONE,
            decide_at: None,
            blocked: false,
            hungry: true,
            leaving: None,
        };
        self.role = Role::Player(playing);
        self.hand_over_outbox(now)?;
        let accepted = self.session.accept(now, request);
        self.after(now, accepted)
    }

    /// What this connection can take of a stream.
    fn receiver(&self, stream: &Stream) -> Receiver {
        let app = stream.app();
        let silent = Capabilities::none();
        let connect = self.session.connect_info();
        let announced = connect.map_or(&silent, |connect| &connect.capabilities);
        Receiver::new(announced, app.compat, app.hevc)
    }

    /// Looks again at a stream that has something new: ends the play when the player can use nothing of it.
    pub(super) fn check_media(&mut self, now: Instant) -> Result<(), End> {
        let Role::Player(playing) = &mut self.role else {
            return Ok(());
        };
        let stream = Rc::clone(&playing.stream);
        let features = stream.inner().live.features();
        let is_due = playing.decide_at.is_some_and(|at| at <= now);
        if playing.leaving.is_some() || (playing.judged == features && !is_due) {
            return Ok(());
        }
        playing.judged = features;
        playing.decide_at = None;
        let receiver = self.receiver(&stream);
        match stream.judge(now, &receiver) {
            Verdict::Served => {
                let left_out = receiver::left_out(&stream.inner().live, receiver.shape());
                if !left_out.is_empty() {
                    let left_out = left_out.join(", ");
                    tracing::info!(conn = self.facts.id, stream = %stream.path(), left_out, "a player gets a part of the stream");
                }
                Ok(())
            }
            Verdict::Unclear(at) => {
                if let Role::Player(playing) = &mut self.role {
                    playing.decide_at = Some(at);
                }
                Ok(())
            }
            Verdict::Hopeless(words) => {
                let end = PlayEnd::Status(self.nothing_usable(&stream, &words));
                self.say_farewell(now, &end, CloseReason::NothingUsable)
            }
        }
    }

    /// Tells the operator, and gives what the player is told.
    fn nothing_usable(&self, stream: &Stream, words: &str) -> Status {
        tracing::info!(conn = self.facts.id, stream = %stream.path(), "play refused: this player {words}");
        Status::new(Code::PlayFailed, format!("this player {words}"))
    }

    /// The fan-out owns the write side now: what waited for the socket goes out through it, before anything else.
    fn hand_over_outbox(&mut self, now: Instant) -> Result<(), End> {
        let Role::Player(playing) = &self.role else {
            return Ok(());
        };
        self.outbox
            .drain()
            .try_for_each(|bytes| playing.queue(now, bytes))
    }

    /// What the fan-out and the stream say.
    pub(super) fn read_player_mail(&mut self, now: Instant, mail: Mail) -> Result<(), End> {
        let Role::Player(playing) = &mut self.role else {
            return Ok(());
        };
        if mail.has(Mail::GONE) {
            return Err(CloseReason::PeerClosed.into());
        }
        if mail.has(Mail::STALLED) {
            return Err(CloseReason::Stalled(bongsu_hub::limits::STALL).into());
        }
        if mail.has(Mail::WORK) {
            playing.hungry = true;
        }
        if mail.has(Mail::STREAM_ENDED) && playing.leaving.is_none() {
            self.say_farewell(now, &PlayEnd::Unpublished, CloseReason::StreamEnded)?;
        }
        Ok(())
    }

    /// Queues the last words for a player; it gets what it has to get, then them.
    pub(super) fn say_farewell(
        &mut self,
        now: Instant,
        end: &PlayEnd,
        reason: CloseReason,
    ) -> Result<(), End> {
        let Role::Player(playing) = &mut self.role else {
            return Ok(());
        };
        let ended = self.session.end_play(now, playing.message_stream, end);
        debug_assert!(ended.is_ok(), "a player's stream plays: {ended:?}");
        let mut words = BytesMut::new();
        while let Some(output) = self.session.poll_output() {
            if let Output::Transmit(bytes) = output {
                words.extend_from_slice(&bytes);
            }
        }
        let finished = playing.stream.finish(now, playing.player, words.freeze());
        finished.map_err(|_| CloseReason::RepliesNotRead)?;
        playing.wait_until = None;
        playing.hungry = true;
        playing.leaving = Some((now + PLAY_LINGER, reason));
        Ok(())
    }

    /// Serves a player that is not in sync.
    pub(super) fn take_turns(&mut self, now: Instant) -> Result<(), End> {
        let Role::Player(playing) = &mut self.role else {
            return Ok(());
        };
        let mut turns = 0;
        while std::mem::take(&mut playing.hungry) {
            playing.blocked = false;
            match playing.stream.turn(now, playing.player) {
                Turn::InSync | Turn::Idle => {}
                Turn::Blocked => playing.blocked = true,
                Turn::Gone => return Err(CloseReason::PeerClosed.into()),
                Turn::Finished => {
                    let reason = playing.leaving.take().map(|(_, reason)| reason);
                    return Err(reason.unwrap_or(CloseReason::StreamEnded).into());
                }
                Turn::More => {
                    turns += 1;
                    playing.hungry = true;
                    if turns == TURNS_MAX {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether a player has been told that it is over.
    pub(super) const fn is_leaving(&self) -> bool {
        matches!(&self.role, Role::Player(playing) if playing.leaving.is_some())
    }

    /// Whether a player goes on with its turns when others had theirs.
    pub(super) const fn is_hungry(&self) -> bool {
        matches!(&self.role, Role::Player(playing) if playing.hungry)
    }

    /// Whether the socket of a player was full.
    pub(super) const fn is_blocked(&self) -> bool {
        matches!(&self.role, Role::Player(playing) if playing.blocked)
    }

    /// The socket can be written to again.
    pub(super) const fn on_writable(&mut self) {
        if let Role::Player(playing) = &mut self.role {
            playing.hungry = true;
        }
    }

    /// When a player that waits, or that leaves, has waited long enough, or when it is certain that it gets nothing.
    pub(super) fn play_deadline(&self) -> Option<Instant> {
        let Role::Player(playing) = &self.role else {
            return None;
        };
        match &playing.leaving {
            Some((until, _)) => Some(*until),
            None => [playing.wait_until, playing.decide_at]
                .into_iter()
                .flatten()
                .min(),
        }
    }

    /// Ends the wait of a player: the stream is there, or it will not come.
    pub(super) fn check_play_wait(&mut self, now: Instant) -> Result<(), End> {
        let Role::Player(playing) = &mut self.role else {
            return Ok(());
        };
        if let Some((until, reason)) = &playing.leaving
            && *until <= now
        {
            return Err(reason.clone().into());
        }
        if playing.wait_until.is_none_or(|until| until > now) {
            return Ok(());
        }
        playing.wait_until = None;
        if playing.stream.inner().live.is_playable() {
            return Ok(());
        }
        let wait = playing.stream.app().play_wait;
        let end = PlayEnd::Status(not_found());
        self.say_farewell(now, &end, CloseReason::StreamNotFound(wait))
    }

    /// Changes what a player wants.
    pub(super) fn filter(&self, now: Instant, change: impl FnOnce(&mut Filter)) {
        if let Role::Player(playing) = &self.role {
            playing.stream.filter(now, playing.player, change);
        }
    }

    /// The player stopped playing; its connection may go on.
    pub(super) fn on_play_ended(&mut self) {
        self.end_play();
        self.reason = None;
    }

    /// The play is over, in whatever way. Harmless when there is none.
    pub(super) fn end_play(&mut self) {
        let Role::Player(playing) = &self.role else {
            return;
        };
        let (stats, unsent) = playing.stream.remove_player(playing.player);
        // The connection may go on: what has begun to go out is finished, and replies are not lost.
        self.outbox.push(unsent);
        self.mailbox.forget(Mail::OF_A_STREAM);
        self.facts.sent += stats.bytes;
        self.facts.drops.skips += stats.drops.skips;
        let telemetry = &self.worker.shared().telemetry;
        telemetry.player_frames_dropped.inc_by(stats.drops.frames);
        self.facts.drops.frames += stats.drops.frames;
        self.facts.drops.bytes += stats.drops.bytes;
        self.remember_part();
        self.role = Role::None;
    }
}

fn not_found() -> Status {
    Status::new(Code::PlayStreamNotFound, "nobody publishes this stream")
}
