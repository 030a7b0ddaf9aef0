//! One session: frames from the ring go to the destination as fast as it takes them, and no faster.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use bongsu_flv::Features;
use bongsu_hub::{Cursor, Kind, Next, State as StreamState};

use super::conversation::Conversation;
use super::destination::Destination;
use super::failure::Failure;
use super::limits::{
    FAREWELL, FAREWELL_AT_SHUTDOWN, HELD_METADATA, MEASURE, STALL, TURN_BYTES_MAX, TURN_FRAMES_MAX,
};
use super::progress::Pace;
use super::relocation::Relocation;
use super::state::Input;
use super::task::{Leave, Task};
use crate::config::CodecChange;
use crate::receiver::{self, Receiver, Verdict};
use crate::stream::media_kind;

/// How a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// The stream is over, or the server leaves. Everything was sent, or the time for it is over.
    Left,
    /// It makes room for another one, because of this; at that place when it is not the configured one.
    MakesRoom(&'static str, Option<Box<Destination>>),
    /// It failed.
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// How far a turn came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The socket takes nothing now.
    Blocked,
    /// There is more in the ring.
    More,
    /// Everything is written.
    Done,
}

/// Where a fill of the conversation stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// There may be more.
    Full,
    /// There is nothing more now.
    Empty,
    /// A new session is ready to take over from here.
    Seam,
}

/// One session that was accepted, and the one that takes over from it.
pub(super) struct Sender<'a> {
    pub(super) task: &'a Task,
    pub(super) conversation: Box<Conversation>,
    since: Instant,
    receiver: Receiver,
    /// What the stream had when it was last looked at whether the destination can use any of it.
    judged: Features,
    /// When it is certain that it can use nothing, unless more comes.
    decide_at: Option<Instant>,
    /// Value of the stream's counter at the start.
    codec_changes: u64,
    /// Bytes queued before the first media since the start or the last hold: when more is acknowledged, media arrived.
    media_from: Option<u64>,
    /// When media first arrived.
    live_since: Option<Instant>,
    pace: Pace,
    measured: Instant,
    last_timestamp: u32,
    /// When the metadata is repeated next; set while the stream is held.
    next_metadata: Option<Instant>,
    farewell_until: Option<Instant>,
    /// Counts of the push at the start, to tell what this session did.
    frames_before: u64,
    dropped_before: u64,
    /// Whether a destination asked for this place: then it is not the configured one.
    has_moved: bool,
    /// The session that takes over from this one.
    pub(super) relocation: Option<Relocation<'a>>,
    /// The end in order of the session that this one took over from.
    pub(super) goodbye: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
}

impl<'a> Sender<'a> {
    /// `has_moved` says that its destination asked for this place.
    pub(super) fn new(
        task: &'a Task,
        conversation: Box<Conversation>,
        has_moved: bool,
        now: Instant,
    ) -> Self {
        let mut ledger = task.handle.ledger.borrow_mut();
        let push = &task.handle.push;
        let receiver = Receiver::new(conversation.answered(), push.compat, push.hevc);
        ledger.open_cursor(receiver.shape());
        Self {
            task,
            conversation,
            since: now,
            receiver,
            judged: Features::NONE,
            decide_at: None,
            codec_changes: task.stream.inner().live.codec_changes(),
            media_from: None,
            live_since: None,
            pace: Pace::Flowing,
            measured: now,
            last_timestamp: 0,
            next_metadata: None,
            farewell_until: None,
            frames_before: ledger.frames,
            dropped_before: ledger.frames_dropped(),
            has_moved,
            relocation: None,
            goodbye: None,
        }
    }

    /// When the destination first acknowledged media.
    pub(super) const fn live_since(&self) -> Option<Instant> {
        self.live_since
    }

    /// Sends until the session ends.
    pub(super) async fn run(&mut self) -> End {
        loop {
            self.task.read_mail();
            match self.step(Instant::now()) {
                Ok(Turn::More) => tokio::task::yield_now().await,
                Ok(Turn::Blocked | Turn::Done) => self.wait().await,
                Err(end) => return end,
            }
        }
    }

    /// Waits for something to do.
    async fn wait(&mut self) {
        let due = self.due();
        let woken = poll_fn(|context| {
            let mailbox = Some(&self.task.handle.mailbox);
            let mut is_ready = self.conversation.poll(context, mailbox).is_ready();
            if let Some(relocation) = &mut self.relocation {
                is_ready |= relocation.poll(context).is_ready();
            }
            if let Some(goodbye) = &mut self.goodbye
                && goodbye.as_mut().poll(context).is_ready()
            {
                self.goodbye = None;
            }
            if is_ready {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        match due {
            Some(due) => {
                let _ = tokio::time::timeout_at(due.into(), woken).await;
            }
            None => woken.await,
        }
    }

    /// Ends the session in order.
    pub(super) async fn stop(&mut self) {
        let until = self
            .farewell_until
            .unwrap_or_else(|| Instant::now() + FAREWELL);
        let leaving_from = self.task.leaving();
        let goodbye = self.goodbye.take();
        let stop = async {
            self.conversation.stop(&self.task.worker, until).await;
            if let Some(goodbye) = goodbye {
                let _ = tokio::time::timeout_at(until.into(), goodbye).await;
            }
        };
        tokio::select! {
            () = stop => {}
            // There is no time for another pause of this length.
            () = self.task.told(Leave::Shutdown), if leaving_from != Some(Leave::Shutdown) => {}
        }
        self.look(Instant::now());
    }

    /// Writes the one line about the session, if it ever was one.
    pub(super) fn report(&mut self, now: Instant, reason: &str) {
        self.count(now);
        let mut ledger = self.task.handle.ledger.borrow_mut();
        ledger.close_cursor();
        let Some(live_since) = self.live_since else {
            return;
        };
        tracing::info!(
            destination = self.task.handle.push.name,
            stream = %self.task.stream.path(),
            reason,
            duration_ms = crate::stream::millis(now.saturating_duration_since(self.since)),
            live_ms = crate::stream::millis(now.saturating_duration_since(live_since)),
            acknowledged_bytes = self.conversation.acknowledged(),
            frames = ledger.frames - self.frames_before,
            dropped_frames = ledger.frames_dropped() - self.dropped_before,
            "push ended"
        );
    }

    fn step(&mut self, now: Instant) -> Result<Turn, End> {
        match self.serve(now) {
            Err(End::Failed(failure)) => self.on_failure(now, failure),
            served => served,
        }
    }

    fn serve(&mut self, now: Instant) -> Result<Turn, End> {
        self.conversation.receive(&self.task.worker, now)?;
        self.conversation.handle_timeout(now)?;
        self.relocate(now)?;
        if self.codecs_need_a_session() {
            let to = self
                .has_moved
                .then(|| Box::new(self.conversation.destination().clone()));
            return Err(End::MakesRoom("the codec or the tracks changed", to));
        }
        self.judge(now)?;
        let turn = self.turn(now)?;
        self.hold(now, turn)?;
        self.measure(now)?;
        if let Some(leave) = self.task.leaving() {
            let until = self.farewell_until(now, leave);
            if turn == Turn::Done || now >= until {
                return Err(End::Left);
            }
        }
        Ok(turn)
    }

    /// When something is due that nobody wakes us for.
    fn due(&self) -> Option<Instant> {
        let measure = self
            .conversation
            .is_waiting()
            .then(|| self.measured + MEASURE);
        let session = self.conversation.poll_timeout();
        let relocation = self.relocation.as_ref().and_then(Relocation::due);
        [
            measure,
            session,
            relocation,
            self.next_metadata,
            self.farewell_until,
            self.decide_at,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn codecs_need_a_session(&self) -> bool {
        // At the end of a stream the rest is not worth a session.
        self.task.handle.push.on_codec_change == CodecChange::Reconnect
            && self.task.leaving().is_none()
            && self.task.stream.inner().live.codec_changes() != self.codec_changes
    }

    /// Looks again at a stream that has something new: fails when the destination can use nothing of it.
    fn judge(&mut self, now: Instant) -> Result<(), Failure> {
        let stream = &self.task.stream;
        let features = stream.inner().live.features();
        let is_due = self.decide_at.is_some_and(|at| at <= now);
        if self.judged == features && !is_due {
            return Ok(());
        }
        self.judged = features;
        self.decide_at = None;
        match stream.judge(now, &self.receiver) {
            Verdict::Served => {
                let left_out = receiver::left_out(&stream.inner().live, self.receiver.shape());
                if !left_out.is_empty() {
                    let (destination, left_out) =
                        (&self.task.handle.push.name, left_out.join(", "));
                    tracing::info!(destination, stream = %stream.path(), left_out, "push leaves out what the destination cannot use");
                }
            }
            Verdict::Unclear(at) => self.decide_at = Some(at),
            Verdict::Hopeless(words) => {
                return Err(Failure::refused(format!("the destination {words}")));
            }
        }
        Ok(())
    }

    /// Writes what waits, and only then takes more from the ring.
    fn turn(&mut self, now: Instant) -> Result<Turn, Failure> {
        let worker = &self.task.worker;
        if !self.conversation.flush(worker, now)? {
            return Ok(Turn::Blocked);
        }
        let filled = self.fill(now)?;
        if filled == Filled::Seam {
            self.switch(now, true);
            return Ok(Turn::More);
        }
        let is_flushed = self.conversation.flush(&self.task.worker, now)?;
        Ok(match (is_flushed, filled) {
            (false, _) => Turn::Blocked,
            (true, Filled::Full) => Turn::More,
            (true, _) => Turn::Done,
        })
    }

    /// Encodes one turn of frames.
    fn fill(&mut self, now: Instant) -> Result<Filled, Failure> {
        let can_move = self.relocation.as_ref().is_some_and(Relocation::is_ready);
        let inner = self.task.stream.inner();
        let ledger = &mut *self.task.handle.ledger.borrow_mut();
        let cursor = ledger.cursor.get_or_insert_with(Cursor::rebased);
        for _ in 0..TURN_FRAMES_MAX {
            if self.conversation.unsent_bytes() >= TURN_BYTES_MAX {
                break;
            }
            if can_move && inner.live.is_at_seam(cursor) {
                return Ok(Filled::Seam);
            }
            let queued = self.conversation.queued();
            let (kind, timestamp, payload) = match inner.live.next(cursor) {
                Next::Header {
                    kind,
                    timestamp,
                    payload,
                } => (kind, timestamp, payload),
                Next::Frame {
                    frame,
                    timestamp,
                    payload,
                } => {
                    ledger.frames += 1;
                    (frame.kind, timestamp, payload)
                }
                Next::Wait => return Ok(Filled::Empty),
            };
            let step = self.conversation.step();
            self.conversation
                .send(now, media_kind(kind), timestamp, &payload)
                .map_err(|error| Failure::session(step, error))?;
            self.last_timestamp = timestamp;
            if kind != Kind::Data {
                self.media_from.get_or_insert(queued);
            }
        }
        Ok(Filled::Full)
    }

    /// While the publisher is away: repeats the metadata, so that the destination does not take silence for the end.
    fn hold(&mut self, now: Instant, turn: Turn) -> Result<(), Failure> {
        let is_held = matches!(self.task.stream.state(), StreamState::Holding { .. });
        if !is_held || turn != Turn::Done {
            self.next_metadata = None;
            return Ok(());
        }
        match self.next_metadata {
            None => {
                self.next_metadata = Some(now + HELD_METADATA);
                // What is sent from here on proves nothing until frames flow again.
                self.look(now);
                self.media_from = None;
            }
            Some(due) if due <= now => {
                self.next_metadata = Some(now + HELD_METADATA);
                let metadata = self.task.stream.inner().live.metadata().cloned();
                if let Some(metadata) = metadata {
                    let step = self.conversation.step();
                    self.conversation
                        .send(now, media_kind(Kind::Data), self.last_timestamp, &metadata)
                        .map_err(|error| Failure::session(step, error))?;
                    self.conversation.flush(&self.task.worker, now)?;
                }
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Looks at what arrived when it is time to, and draws the consequences.
    fn measure(&mut self, now: Instant) -> Result<(), Failure> {
        if self.conversation.is_waiting() && self.measured + MEASURE <= now {
            self.look(now);
        }
        if self.pace == Pace::Dead {
            return Err(Failure::stalled());
        }
        if self.pace == Pace::Flowing && self.next_metadata.is_some() {
            self.task
                .handle
                .apply(now, Input::Held, "the publisher is away");
        }
        Ok(())
    }

    /// Adds what arrived to the count of the push.
    fn count(&mut self, now: Instant) -> Pace {
        let measured = self.conversation.measure(now);
        self.task.handle.ledger.borrow_mut().bytes_acknowledged += measured.grown;
        measured.pace
    }

    fn look(&mut self, now: Instant) {
        self.pace = self.count(now);
        self.measured = now;
        let handle = &self.task.handle;
        if self.pace != Pace::Flowing {
            let reason = format!("no byte was acknowledged for {} s", STALL.as_secs());
            handle.apply(now, Input::Stalled, reason);
            return;
        }
        let has_arrived = self
            .media_from
            .is_some_and(|from| self.conversation.acknowledged() > from);
        if has_arrived && handle.apply(now, Input::Proven, "") && self.live_since.is_none() {
            self.live_since = Some(now);
            self.task.on_live(now);
        }
    }

    /// Until when the end may take.
    fn farewell_until(&mut self, now: Instant, leave: Leave) -> Instant {
        let time: Duration = match leave {
            Leave::StreamEnded => FAREWELL,
            Leave::Shutdown => FAREWELL_AT_SHUTDOWN,
        };
        let until = self
            .farewell_until
            .map_or(now + time, |until| until.min(now + time));
        self.farewell_until = Some(until);
        until
    }
}
