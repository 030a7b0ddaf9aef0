//! Playing: from the request to the fan-out that owns the write side.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bongsu_hub::Filter;
use bongsu_net::limits::PLAYER_USER_TIMEOUT_MS;
use bongsu_rtmp::message::MessageStreamId;
use bongsu_rtmp::session::Output;
use bongsu_rtmp::session::server::{PlayEnd, RequestId};
use bongsu_rtmp::status::Code;
use bongsu_rtmp::url::{Resolved, StreamPath};
use bytes::BytesMut;

use super::connection::{Connection, Role};
use super::ending::End;
use super::playing::{Playing, not_found, nothing_usable, receiver_of, wait_for};
use crate::config::auth;
use crate::mailbox::Mail;
use crate::receiver::Verdict;
use crate::stream::PlayerSocket;
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

    /// What the session wants to be decided.
    pub(super) const fn request(&self) -> RequestId {
        self.request
    }

    /// The message stream that media is wanted on.
    pub(super) const fn message_stream(&self) -> MessageStreamId {
        self.message_stream
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
        if self.refusal.is_some() {
            return self.refuse_meanwhile(now, request, Code::PlayFailed);
        }
        match auth::play(&shared.config, target) {
            Ok(granted) => self.begin(super::Request::Play(Request {
                request,
                message_stream,
                path: granted.path,
            })),
            Err(denied) => {
                let status = denied.play_status();
                self.refuse(now, request, &status, CloseReason::Denied(denied))
            }
        }
    }

    pub(super) fn begin_play(&mut self, allowed: Request) -> Result<(), End> {
        let now = Instant::now();
        let Request {
            request,
            message_stream,
            path,
        } = allowed;
        let Some(stream) = self.worker.stream(&path) else {
            let denied = auth::Denied::UnknownApp;
            let status = denied.play_status();
            return self.refuse(now, request, &status, CloseReason::Denied(denied));
        };
        let wait = match wait_for(&stream) {
            Ok(wait) => wait,
            Err(reason) => return self.refuse(now, request, &not_found(), reason),
        };
        let receiver = receiver_of(&stream, self.session.connect_info());
        if let Verdict::Hopeless(words) = stream.judge(now, &receiver) {
            let status = nothing_usable(self.facts.id, &stream, &words);
            return self.refuse(now, request, &status, CloseReason::NothingUsable);
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
        self.role = Role::Player(Playing::new(now, stream, player, message_stream, wait));
        self.hand_over_outbox(now)?;
        let accepted = self.session.accept(now, request);
        self.after(now, accepted)
    }

    /// Looks again at a stream that has something new: ends the play when the player can use nothing of it.
    pub(super) fn check_media(&mut self, now: Instant) -> Result<(), End> {
        let Role::Player(playing) = &mut self.role else {
            return Ok(());
        };
        let connect = self.session.connect_info();
        match playing.check_media(now, self.facts.id, connect) {
            Ok(()) => Ok(()),
            Err(status) => {
                let end = PlayEnd::Status(status);
                self.say_farewell(now, &end, CloseReason::NothingUsable)
            }
        }
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
        if playing.read_mail(mail)? {
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
        let ended = self.session.end_play(now, playing.message_stream(), end);
        debug_assert!(ended.is_ok(), "a player's stream plays: {ended:?}");
        let mut words = BytesMut::new();
        while let Some(output) = self.session.poll_output() {
            if let Output::Transmit(bytes) = output {
                words.extend_from_slice(&bytes);
            }
        }
        Ok(playing.leave(now, words.freeze(), reason)?)
    }

    /// Serves a player that is not in sync.
    pub(super) fn take_turns(&mut self, now: Instant) -> Result<(), End> {
        let Role::Player(playing) = &mut self.role else {
            return Ok(());
        };
        match playing.take_turns(now)? {
            None => Ok(()),
            Some(reason) => self.play_is_over(reason),
        }
    }

    /// The player has got everything, or had its time: its connection goes on if it has another use.
    fn play_is_over(&mut self, reason: CloseReason) -> Result<(), End> {
        if !self.session.is_in_use() {
            return Err(reason.into());
        }
        self.end_play();
        self.report_stream(&reason);
        Ok(())
    }

    /// Whether a player has been told that it is over.
    pub(super) const fn is_leaving(&self) -> bool {
        matches!(&self.role, Role::Player(playing) if playing.is_leaving())
    }

    /// Whether a player goes on with its turns when others had theirs.
    pub(super) const fn is_hungry(&self) -> bool {
        matches!(&self.role, Role::Player(playing) if playing.is_hungry())
    }

    /// Whether the socket of a player was full.
    pub(super) const fn is_blocked(&self) -> bool {
        matches!(&self.role, Role::Player(playing) if playing.is_blocked())
    }

    /// The socket can be written to again.
    pub(super) const fn on_writable(&mut self) {
        if let Role::Player(playing) = &mut self.role {
            playing.feed();
        }
    }

    /// When a player that waits, or that leaves, has waited long enough, or when it is certain that it gets nothing.
    pub(super) fn play_deadline(&self) -> Option<Instant> {
        match &self.role {
            Role::Player(playing) => playing.deadline(),
            Role::None | Role::Publisher(_) => None,
        }
    }

    /// Ends the wait of a player: the stream is there, or it will not come.
    pub(super) fn check_play_wait(&mut self, now: Instant) -> Result<(), End> {
        let Role::Player(playing) = &mut self.role else {
            return Ok(());
        };
        if let Some(reason) = playing.is_out_of_time(now) {
            return self.play_is_over(reason);
        }
        let Err(wait) = playing.end_wait(now) else {
            return Ok(());
        };
        let end = PlayEnd::Status(not_found());
        self.say_farewell(now, &end, CloseReason::StreamNotFound(wait))
    }

    /// Changes what the player on this message stream wants.
    pub(super) fn filter(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        change: impl FnOnce(&mut Filter),
    ) {
        match &self.role {
            Role::Player(playing) if playing.message_stream() == stream => {
                playing.filter(now, change);
            }
            _ => self.filter_side(stream, change),
        }
    }

    /// The player stopped playing; its connection may go on.
    pub(super) fn on_play_ended(&mut self, stream: MessageStreamId) {
        let is_native =
            matches!(&self.role, Role::Player(playing) if playing.message_stream() == stream);
        let reason = CloseReason::StreamClosed;
        if !is_native {
            return self.end_side(stream, bongsu_hub::Unpublish::Clean, reason);
        }
        self.end_play();
        if self.sides.is_some() {
            self.report_stream(&reason);
        }
        self.reason = None;
    }

    /// The play is over, in whatever way. Harmless when there is none.
    pub(super) fn end_play(&mut self) {
        let Role::Player(playing) = &self.role else {
            return;
        };
        let (stats, unsent) = playing.remove();
        // The connection may go on: what has begun to go out is finished, and replies are not lost.
        self.outbox.push_media(unsent);
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
