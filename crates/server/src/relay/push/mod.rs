//! The push of one live stream to one destination.
//!
//! One task per pair, on the stream's worker: it looks the name up, connects, publishes, sends by a cursor of its own,
//! and after every failure tries again, for as long as the stream exists.
//!
//! Pure, and tested by tables and instants: `state`, `status`, `backoff`, `progress`, `failure`, `followup`, `moves`,
//! `destination`, `mask`, `outage`, `own_address`, `unsent`. With sockets: `connect` (name to socket), `conversation` (socket
//! and protocol), `sender` (ring to conversation), `relocation` (the next conversation while one goes on), `switch` (from one to the next), `task` (one session
//! after the other).

mod backoff;
mod connect;
mod conversation;
mod destination;
mod failure;
mod followup;
mod limits;
mod mask;
mod moves;
mod outage;
mod own_address;
mod progress;
mod relocation;
mod sender;
mod state;
mod status;
mod switch;
mod task;
mod unsent;

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use bongsu_hub::{Cursor, LiveStream, Shape};
use bongsu_rtmp::url::StreamPath;

use self::state::Input;
use self::status::Status;
use crate::config::Push;
use crate::mailbox::Mailbox;
use crate::receiver;
use crate::snapshot::DestinationSnapshot;
use crate::stream::{Stream, millis};
use crate::worker::Worker;

/// A push, as its stream sees it.
#[derive(Debug)]
pub(crate) struct PushHandle {
    push: Push,
    path: StreamPath,
    mailbox: Mailbox,
    ledger: RefCell<Ledger>,
}

/// What there is to say about a push. Its task writes it, snapshots read it; nobody holds it over an await.
#[derive(Debug)]
struct Ledger {
    status: Status,
    /// Where the session reads the stream. The first one is there before the publisher's first message, so that the
    /// time it takes to connect costs nothing of the beginning; after it there is one per session.
    cursor: Option<Cursor>,
    /// What the destination of the session can take.
    shape: Shape,
    failures: u64,
    frames: u64,
    bytes_acknowledged: u64,
    /// Frames that earlier sessions missed.
    frames_dropped: u64,
}

impl PushHandle {
    /// Starts the task of a push. It ends when it is told that the stream is over or that the server leaves.
    pub(crate) fn start(worker: &Rc<Worker>, stream: &Rc<Stream>, push: &Push) -> Rc<Self> {
        let mut cursor = Cursor::rebased();
        // It takes its place in the row now; there is nothing to read yet.
        let _ = stream.inner().live.next(&mut cursor);
        let handle = Rc::new(Self {
            push: push.clone(),
            path: stream.path().clone(),
            mailbox: Mailbox::default(),
            ledger: RefCell::new(Ledger {
                status: Status::new(Instant::now()),
                cursor: Some(cursor),
                shape: Shape::FULL,
                failures: 0,
                frames: 0,
                bytes_acknowledged: 0,
                frames_dropped: 0,
            }),
        });
        worker.enlist_push(&handle);
        worker.spawn(task::run(
            Rc::clone(worker),
            Rc::clone(stream),
            Rc::clone(&handle),
        ));
        handle
    }

    /// Where it takes its mail: `WORK` for new frames and changes of the stream's state, `STREAM_ENDED`, `SHUTDOWN`.
    pub(crate) const fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Whether both push the same stream to the same destination.
    pub(crate) fn is_same_pair(&self, other: &Self) -> bool {
        self.push.name == other.push.name && self.path == other.path
    }

    /// What there is to say about it now.
    pub(crate) fn snapshot(&self, now: Instant, live: &LiveStream) -> DestinationSnapshot {
        let ledger = self.ledger.borrow();
        let status = &ledger.status;
        DestinationSnapshot {
            name: self.push.name.clone(),
            url: self.push.url.to_string(),
            state: status.state().as_str(),
            since_ms: millis(now.saturating_duration_since(status.since())),
            reason: status.reason().to_owned(),
            attempt: status.attempt(),
            next_retry_ms: status
                .next_retry()
                .map(|next| millis(next.saturating_duration_since(now))),
            failures: ledger.failures,
            frames: ledger.frames,
            bytes_acknowledged: ledger.bytes_acknowledged,
            frames_dropped: ledger.frames_dropped(),
            lag_ms: ledger
                .cursor
                .as_ref()
                .map_or(0, |cursor| live.lag_ms(cursor)),
            left_out: receiver::left_out(live, ledger.shape),
        }
    }

    /// Takes an input and logs the change it makes; true when it makes one.
    fn apply(&self, now: Instant, input: Input, reason: impl Into<Cow<'static, str>>) -> bool {
        let status = &mut self.ledger.borrow_mut().status;
        let changed = status.apply(now, input, reason);
        if changed {
            let (state, reason) = (status.state().as_str(), status.reason());
            tracing::debug!(destination = self.push.name, state, reason, "push");
        }
        changed
    }
}

impl PushHandle {
    /// Says something about the push that changes no state.
    fn note(&self, now: Instant, reason: String) {
        let (destination, state) = (
            &self.push.name,
            self.ledger.borrow().status.state().as_str(),
        );
        tracing::info!(destination, stream = %self.path, state, "push: {reason}");
        self.ledger.borrow_mut().status.note(now, reason);
    }
}

impl Ledger {
    /// Frames that were not sent, over all sessions.
    fn frames_dropped(&self) -> u64 {
        let now = self
            .cursor
            .as_ref()
            .map_or(0, |cursor| cursor.drops().frames);
        self.frames_dropped.saturating_add(now)
    }

    /// A session begins, with a destination that can take this.
    fn open_cursor(&mut self, shape: Shape) {
        let cursor = self.cursor.take().unwrap_or_else(Cursor::rebased);
        self.cursor = Some(cursor.with_shape(shape));
        self.shape = shape;
    }

    /// The session is over: what its cursor missed is kept.
    fn close_cursor(&mut self) {
        self.frames_dropped = self.frames_dropped();
        self.cursor = None;
        self.shape = Shape::FULL;
    }
}
