//! The task of a push: one attempt after the other until the stream is over.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Instant;

use bongsu_hub::State as StreamState;
use bongsu_rtmp::session::Capabilities;
use bongsu_rtmp::url::{RtmpUrl, Scheme};

use super::PushHandle;
use super::backoff::{Backoff, Random};
use super::conversation::Conversation;
use super::destination::Destination;
use super::failure::Failure;
use super::followup::{FollowUp, Next};
use super::limits::{ATTEMPT, EARLIER_CHECK, LASTED};
use super::mask::Mask;
use super::moves::Moves;
use super::outage::Outage;
use super::sender::{End, Sender};
use super::state::Input;
use super::{connect, own_address};
use crate::config::CodecChange;
use crate::egress::Reach;
use crate::mailbox::Mail;
use crate::receiver;
use crate::stream::{Stream, millis};
use crate::worker::Worker;

/// Why the task leaves; a shutdown leaves less time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leave {
    StreamEnded,
    Shutdown,
}

/// What the task of a push shares with its sessions.
pub(super) struct Task {
    pub(super) worker: Rc<Worker>,
    pub(super) stream: Rc<Stream>,
    pub(super) handle: Rc<PushHandle>,
    /// When it moved because its destination asked for it.
    pub(super) moves: RefCell<Moves>,
    random: RefCell<Random>,
    leaving: Cell<Option<Leave>>,
    outage: RefCell<Outage>,
}

/// What a connection is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// For the only session: its steps are the states of the push.
    Attempt,
    /// To take over from a session that goes on: that one's state is the push's.
    Move,
}

/// How an attempt ended, with what it led to.
struct Outcome {
    end: End,
    /// When the session was first live.
    live_since: Option<Instant>,
}

impl From<End> for Outcome {
    fn from(end: End) -> Self {
        Self {
            end,
            live_since: None,
        }
    }
}

/// Pushes until the stream is over or the server leaves.
pub(super) async fn run(worker: Rc<Worker>, stream: Rc<Stream>, handle: Rc<PushHandle>) {
    let mut backoff = Backoff::new(handle.push.retry_min, handle.push.retry_max);
    let task = Task {
        worker,
        stream,
        handle,
        moves: RefCell::default(),
        random: RefCell::new(Random::new(getrandom::u64().unwrap_or(1))),
        leaving: Cell::new(None),
        outage: RefCell::default(),
    };
    task.wait_for(|task| task.stream.state() == StreamState::Live || task.leaving().is_some())
        .await;
    // At most one session per pair: the goodbye of the stream before is bounded, and so is this wait.
    while task.worker.has_earlier_push(&task.handle) {
        tokio::time::sleep(EARLIER_CHECK).await;
    }
    // Where the next session goes when that is not for the configuration to say.
    let mut to = None;
    while task.leaving().is_none() {
        let started = Instant::now();
        task.handle.ledger.borrow_mut().status.begin(started);
        task.worker.shared().telemetry.push_attempts.inc();
        // Boxed: the parts of an attempt are large, and most of the time a push only waits.
        let outcome = Box::pin(task.attempt(started, to.take())).await;
        let now = Instant::now();
        if outcome
            .live_since
            .is_some_and(|since| now.saturating_duration_since(since) >= LASTED)
        {
            backoff.reset();
            task.handle.ledger.borrow_mut().status.forget_attempts();
        }
        let next = match outcome.end {
            End::Left => break,
            End::MakesRoom(reason, destination) => {
                to = destination;
                let next = Backoff::next_in_order(started, now);
                task.pause(now, Input::Lost, reason.to_owned(), next);
                next
            }
            End::Failed(failure) => {
                let next = backoff.next(failure.kind, started, now, task.random());
                task.on_failure(now, failure, next);
                next
            }
        };
        let _ = tokio::time::timeout_at(next.into(), task.told(Leave::StreamEnded)).await;
    }
    task.handle.apply(Instant::now(), Input::Ended, "");
    task.worker.delist_push(&task.handle);
    let ledger = task.handle.ledger.borrow();
    tracing::debug!(
        destination = task.handle.push.name,
        stream = %task.stream.path(),
        history = %ledger.status.history(),
        "nothing to push any more"
    );
}

impl Task {
    /// Whether it is time to leave, and how.
    pub(super) const fn leaving(&self) -> Option<Leave> {
        self.leaving.get()
    }

    /// Takes the mail. New frames and changes of the stream's state are looked for after it anyway.
    pub(super) fn read_mail(&self) {
        let mail = self.handle.mailbox.take();
        let ended = mail.has(Mail::STREAM_ENDED) || self.stream.state() == StreamState::Ended;
        let told = if mail.has(Mail::SHUTDOWN) {
            Some(Leave::Shutdown)
        } else {
            ended.then_some(Leave::StreamEnded)
        };
        self.leaving.set(self.leaving.get().max(told));
    }

    /// Waits until the task has to leave for this reason or a more urgent one.
    pub(super) async fn told(&self, least: Leave) {
        self.wait_for(|task| task.leaving() >= Some(least)).await;
    }

    /// Waits until this is true. Mail that comes is read.
    async fn wait_for(&self, is_true: impl Fn(&Self) -> bool) {
        loop {
            self.read_mail();
            if is_true(self) {
                return;
            }
            self.handle.mailbox.wait().await;
        }
    }

    /// One attempt and, when it succeeds, its session.
    async fn attempt(&self, started: Instant, to: Option<Box<Destination>>) -> Outcome {
        let deadline = started + ATTEMPT;
        let has_moved = to.is_some();
        let opened = {
            let open = pin!(tokio::time::timeout_at(
                deadline.into(),
                self.open(to, Way::Attempt, deadline)
            ));
            tokio::select! {
                opened = open => opened,
                () = self.told(Leave::StreamEnded) => return End::Left.into(),
            }
        };
        let conversation = match opened {
            Ok(Ok(conversation)) => conversation,
            Ok(Err(failure)) => return End::Failed(failure).into(),
            Err(_) => {
                let state = self.handle.ledger.borrow().status.state();
                return End::Failed(Failure::overdue(state)).into();
            }
        };
        let mut sender = Sender::new(self, conversation, has_moved, Instant::now());
        let end = sender.run().await;
        if !matches!(end, End::Failed(_)) {
            sender.stop().await;
        }
        sender.report(Instant::now(), end.reason(self.leaving()));
        Outcome {
            end,
            live_since: sender.live_since(),
        }
    }

    /// A random number, for jitter and for nonces.
    pub(super) fn random(&self) -> u64 {
        self.random.borrow_mut().next()
    }

    /// From a URL to an accepted publish, through whatever the destination wants to be told or where it leads. Without a
    /// destination it is the configured one.
    pub(super) async fn open(
        &self,
        to: Option<Box<Destination>>,
        way: Way,
        deadline: Instant,
    ) -> Result<Box<Conversation>, Failure> {
        let mut reach = to.as_ref().map(|to| to.reach);
        let mut follow = FollowUp::new(match to {
            Some(to) => to.url,
            None => self.url()?,
        });
        loop {
            let mut conversation = self.call(&follow, &mut reach, way, deadline).await?;
            let on_handshake = |now| self.step(way, now, Input::ShookHands);
            let established = conversation.establish(&self.worker, on_handshake).await;
            let Err(failure) = established else {
                return Ok(conversation);
            };
            let Some(refusal) = conversation.take_refusal() else {
                return Err(failure);
            };
            match follow.refused(&refusal, getrandom::u32().unwrap_or(1)) {
                Next::Refused => return Err(failure),
                Next::GiveUp(failure) => return Err(failure),
                Next::CallAgain => {}
                Next::CallElsewhere => {
                    let server = self.server(follow.target());
                    self.handle
                        .note(Instant::now(), format!("redirected to {server}"));
                }
            }
            self.step(way, Instant::now(), Input::Followed);
        }
    }

    /// From a name to a connection on which nothing was said yet.
    async fn call(
        &self,
        follow: &FollowUp,
        reach: &mut Option<Reach>,
        way: Way,
        deadline: Instant,
    ) -> Result<Box<Conversation>, Failure> {
        let shared = self.worker.shared();
        let url = follow.asking();
        if url.scheme() == Scheme::Rtmps {
            return Err(Failure::refused(
                "destinations over TLS (rtmps://) are not supported yet",
            ));
        }
        let configured = self.url()?;
        let mask = Mask::new(&configured).and(url);
        let is_configured = is_same_server(&configured, url);
        let shown = if is_configured {
            url.host().to_owned()
        } else {
            mask.clean_str(url.host())
        };
        let place = (url.host(), url.port());
        let addresses = connect::resolve(&shared.control, place, &shown).await?;
        let own = &shared.own_addresses;
        let is_own = |address: &SocketAddr| own_address::is_own(*address, own);
        if addresses.iter().any(is_own) {
            return Err(Failure::itself());
        }
        // These addresses are connected to and no others: the name is not looked up again.
        let admitted = Reach::admit(*reach, is_configured, &addresses)
            .map_err(|refused| Failure::too_near(&shown, refused))?;
        *reach = Some(admitted);
        self.step(way, Instant::now(), Input::Resolved);
        let socket = connect::first_of(addresses, deadline).await?;
        if let (Ok(local), Ok(peer)) = (socket.local_addr(), socket.peer_addr())
            && own_address::is_connected_to_own(local, peer, own)
        {
            return Err(Failure::itself());
        }
        self.step(way, Instant::now(), Input::Connected);
        let destination = Destination {
            url: follow.target().clone(),
            reach: admitted,
        };
        let (url, announced, now) = (url.clone(), self.announcement(), Instant::now());
        let conversation = Conversation::new(socket, destination, url, announced, mask, now);
        Ok(Box::new(conversation))
    }

    /// One step on the way to a session.
    fn step(&self, way: Way, now: Instant, input: Input) {
        if way == Way::Attempt {
            self.handle.apply(now, input, "");
        }
    }

    /// What we say that we are going to send.
    fn announcement(&self) -> Capabilities {
        match self.handle.push.on_codec_change {
            CodecChange::Reconnect => receiver::announcement(self.stream.inner().live.tracks()),
            // Anything may follow.
            CodecChange::Keep => Capabilities::forwarding(),
        }
    }

    /// Where this stream goes.
    fn url(&self) -> Result<RtmpUrl, Failure> {
        let path = self.stream.path();
        let template = &self.handle.push.url;
        template
            .expand(path.app(), path.name(), &self.stream.args())
            .map_err(|error| Failure::refused(format!("its URL cannot be made: {error}")))
    }

    /// Scheme, host and port of a place, for people. What a destination named may hold what it knows of our secrets.
    pub(super) fn server(&self, place: &RtmpUrl) -> String {
        let server = place.server();
        match self.url() {
            Ok(configured) if is_same_server(&configured, place) => server,
            Ok(configured) => Mask::new(&configured).and(place).clean_str(&server),
            Err(_) => Mask::new(place).clean_str(&server),
        }
    }

    /// Media arrives.
    pub(super) fn on_live(&self, now: Instant) {
        let (destination, stream) = (&self.handle.push.name, self.stream.path());
        match self.outage.borrow_mut().on_live(now) {
            None => tracing::info!(destination, %stream, "push is live"),
            Some(outage) => {
                let outage_ms = millis(outage);
                tracing::info!(destination, %stream, outage_ms, "push is back");
            }
        }
    }

    /// An attempt or a session failed. One warning per outage; what follows is for those who look closer.
    fn on_failure(&self, now: Instant, failure: Failure, next: Instant) {
        self.worker.shared().telemetry.push_failures.inc();
        let mut ledger = self.handle.ledger.borrow_mut();
        ledger.failures += 1;
        let attempt = ledger.status.attempt();
        drop(ledger);
        let (destination, stream) = (&self.handle.push.name, self.stream.path());
        let retry_ms = millis(next.saturating_duration_since(now));
        let reason = &failure.reason;
        if self.outage.borrow_mut().on_failure(now) && self.leaving().is_none() {
            tracing::warn!(destination, %stream, retry_ms, "push failed: {reason}");
        } else {
            tracing::debug!(destination, %stream, attempt, retry_ms, "push failed: {reason}");
        }
        self.pause(now, failure.kind.input(), failure.reason, next);
    }

    fn pause(&self, now: Instant, input: Input, reason: String, next: Instant) {
        self.handle
            .ledger
            .borrow_mut()
            .status
            .wait(now, input, reason, next);
    }
}

/// Whether two places are one server, on one port of it.
fn is_same_server(one: &RtmpUrl, other: &RtmpUrl) -> bool {
    one.host() == other.host() && one.port() == other.port()
}

impl End {
    /// The reason for the log line about the session.
    fn reason(&self, leave: Option<Leave>) -> &str {
        match self {
            Self::Left if leave == Some(Leave::Shutdown) => "the server is going down",
            Self::Left => "the stream ended",
            Self::MakesRoom(reason, _) => reason,
            Self::Failed(failure) => &failure.reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the future that a function makes.
    fn future_bytes<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_waiting_push_is_small() {
        let bytes = future_bytes(run);
        assert!(bytes <= 512, "{bytes} bytes");
    }
}
