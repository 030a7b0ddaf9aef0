//! The task of a side stream that plays: an ordinary player of its stream, whose socket is a pipe to the connection.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bongsu_rtmp::session::server::ConnectInfo;
use bongsu_rtmp::status::Status;
use bytes::Bytes;

use super::{Down, Ends, Receiver, Sender, Up, Who};
use crate::config::auth::Denied;
use crate::mailbox::{Mail, Mailbox};
use crate::receiver::Verdict;
use crate::session::play::Request;
use crate::session::playing::{Playing, not_found, nothing_usable, receiver_of, wait_for};
use crate::stream::PlayerSocket;
use crate::telemetry::CloseReason;
use crate::worker::Worker;

/// A play that runs.
struct Task {
    playing: Playing,
    mailbox: Rc<Mailbox>,
    connection: u64,
    connect: Option<Arc<ConnectInfo>>,
    down: Receiver<Down>,
    up: Rc<Sender<Up>>,
}

/// Why it is over, and what the player is told if it is more than that the stream has ended.
struct End(CloseReason, Option<Status>);

impl From<CloseReason> for End {
    fn from(why: CloseReason) -> Self {
        Self(why, None)
    }
}

/// Plays until one side ends it.
pub(super) async fn run(
    worker: Rc<Worker>,
    ends: Ends,
    request: Request,
    connect: Option<Arc<ConnectInfo>>,
) {
    let began = Instant::now();
    let Ends { who, down, up } = ends;
    let up = Rc::new(up);
    let mailbox = Rc::default();
    let playing = match begin(&worker, who, &request, connect.as_ref(), &up, &mailbox) {
        Ok(playing) => playing,
        Err(refused) => return up.finish([refused]),
    };
    let stream = request.path();
    tracing::info!(conn = who.connection, peer = %who.peer, stream = %stream, "playing");
    worker.enlist(who.task(), &mailbox);
    let mut task = Task {
        playing,
        mailbox,
        connection: who.connection,
        connect,
        down,
        up,
    };
    let End(why, words) = task.serve().await;
    worker.delist(who.task());
    let (stats, _) = task.playing.remove();
    let telemetry = &worker.shared().telemetry;
    telemetry.player_frames_dropped.inc_by(stats.drops.frames);
    who.report("player", stream, &why, began.elapsed(), stats.drops);
    task.up.finish([Up::Ended(why, words)]);
}

/// Becomes a player of the stream.
fn begin(
    worker: &Rc<Worker>,
    who: Who,
    request: &Request,
    connect: Option<&Arc<ConnectInfo>>,
    up: &Rc<Sender<Up>>,
    mailbox: &Rc<Mailbox>,
) -> Result<Playing, Up> {
    let now = Instant::now();
    let Some(stream) = worker.stream(request.path()) else {
        let denied = Denied::UnknownApp;
        let status = denied.play_status();
        return Err(Up::Refused(CloseReason::Denied(denied), status));
    };
    let wait = wait_for(&stream).map_err(|reason| Up::Refused(reason, not_found()))?;
    let receiver = receiver_of(&stream, connect);
    if let Verdict::Hopeless(words) = stream.judge(now, &receiver) {
        let status = nothing_usable(who.connection, &stream, &words);
        return Err(Up::Refused(CloseReason::NothingUsable, status));
    }
    let message_stream = request.message_stream();
    // Before its first frame: nothing is sent before its first turn.
    let accepted = up.try_send(Up::Accepted { publish_idle: None });
    debug_assert!(accepted.is_ok(), "nothing was sent before it");
    let how = (message_stream.0, receiver.shape());
    let socket = PlayerSocket::side(Rc::clone(up));
    let player = stream.add_player(now, socket, how, Rc::clone(mailbox));
    worker.shared().telemetry.plays.inc();
    Ok(Playing::new(now, stream, player, message_stream, wait))
}

impl Task {
    async fn serve(&mut self) -> End {
        loop {
            match self.step(Instant::now()) {
                Ok(()) if self.playing.is_hungry() => tokio::task::yield_now().await,
                Ok(()) => self.wait().await,
                Err(end) => return end,
            }
        }
    }

    fn step(&mut self, now: Instant) -> Result<(), End> {
        let mail = self.mailbox.take();
        if mail.has(Mail::SHUTDOWN) {
            return Err(CloseReason::Shutdown.into());
        }
        self.listen(now)?;
        if self.playing.read_mail(mail)? {
            self.playing
                .leave(now, Bytes::new(), CloseReason::StreamEnded)?;
        }
        if let Some(why) = self.playing.is_out_of_time(now) {
            return Err(why.into());
        }
        if let Err(wait) = self.playing.end_wait(now) {
            return Err(End(CloseReason::StreamNotFound(wait), Some(not_found())));
        }
        let connect = self.connect.as_ref();
        if let Err(status) = self.playing.check_media(now, self.connection, connect) {
            return Err(End(CloseReason::NothingUsable, Some(status)));
        }
        match self.playing.take_turns(now)? {
            None => Ok(()),
            Some(why) => Err(why.into()),
        }
    }

    /// What the connection says.
    fn listen(&self, now: Instant) -> Result<(), CloseReason> {
        loop {
            match self.down.try_recv() {
                Some(Down::Filter(wanted)) => self.playing.filter(now, |filter| *filter = wanted),
                Some(Down::Media { .. } | Down::MetadataCleared) => {}
                Some(Down::Ended { why, .. }) => return Err(why),
                None if self.down.is_over() => return Err(CloseReason::PeerClosed),
                None => return Ok(()),
            }
        }
    }

    async fn wait(&mut self) {
        let deadline = self.playing.deadline();
        let mut sleep = pin!(deadline.map(|at| tokio::time::sleep_until(at.into())));
        let has_room = poll_fn(|context| {
            let mail = self.mailbox.poll(context).is_ready();
            let down = self.down.poll_ready(context).is_ready();
            let room = self.playing.is_blocked() && self.up.poll_room(context).is_ready();
            let due = sleep
                .as_mut()
                .as_pin_mut()
                .is_some_and(|sleep| sleep.poll(context).is_ready());
            if mail || down || room || due {
                Poll::Ready(room)
            } else {
                Poll::Pending
            }
        })
        .await;
        if has_room {
            self.playing.feed();
        }
    }
}
