//! One connection to a destination: socket, protocol, and the bytes between them.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use bongsu_rtmp::chunk::CLIENT_CHUNK_SIZE;
use bongsu_rtmp::limits::Limits;
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::client::{ClientConfig, Event, Refusal, Role, Step};
use bongsu_rtmp::session::{Capabilities, ClientSession, Output, SessionError};
use bongsu_rtmp::text::Text;
use bongsu_rtmp::url::RtmpUrl;
use bytes::Bytes;
use rustix::net::{Shutdown, shutdown};
use tokio::net::TcpStream;

use super::destination::Destination;
use super::failure::Failure;
use super::mask::Mask;
use super::progress::{Measured, Progress};
use super::unsent::Unsent;
use crate::limits::READS_PER_TURN;
use crate::mailbox::Mailbox;
use crate::worker::Worker;

/// One connection to a destination.
pub(super) struct Conversation {
    socket: TcpStream,
    session: ClientSession,
    mask: Mask,
    unsent: Unsent,
    progress: Progress,
    /// The session is over by the destination's word.
    over: Option<Failure>,
    /// What the destination said of itself.
    answered: Capabilities,
    /// What the destination said when it refused.
    refusal: Option<Refusal>,
    /// Where to the destination wants a new connection.
    reconnect: Option<ReconnectRequest>,
    destination: Destination,
}

/// A destination wants a new connection: with `tcUrl`, or to the same place.
#[derive(Debug, Clone)]
pub(super) struct ReconnectRequest(pub(super) Option<Text>);

impl Conversation {
    /// A connection to `destination`. `url` is what it is told: the same, with what it wanted to know of us; `announced` is
    /// what we say of ourselves, and `mask` hides our secrets in what it says.
    pub(super) fn new(
        socket: TcpStream,
        destination: Destination,
        url: RtmpUrl,
        announced: Capabilities,
        mask: Mask,
        now: Instant,
    ) -> Self {
        let config = ClientConfig {
            role: Role::Publish,
            url,
            seed: crate::shared::seed(),
            limits: Limits::authorised(),
            chunk_size: CLIENT_CHUNK_SIZE,
            capabilities: announced,
        };
        let mut conversation = Self {
            socket,
            session: ClientSession::new(config, now),
            mask,
            unsent: Unsent::default(),
            progress: Progress::new(now),
            over: None,
            answered: Capabilities::none(),
            refusal: None,
            reconnect: None,
            destination,
        };
        conversation.drain(Unsent::push);
        conversation
    }

    /// How far it is.
    pub(super) fn step(&self) -> Step {
        self.session.step()
    }

    /// Where it goes.
    pub(super) const fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Takes the newest request of the destination for a new connection.
    pub(super) const fn take_reconnect(&mut self) -> Option<ReconnectRequest> {
        self.reconnect.take()
    }

    /// Takes what the destination said when it refused.
    pub(super) const fn take_refusal(&mut self) -> Option<Refusal> {
        self.refusal.take()
    }

    /// Reads, answers and writes, for a connection that has nothing else to do yet.
    pub(super) fn keep_up(&mut self, worker: &Worker, now: Instant) -> Result<(), Failure> {
        self.receive(worker, now)?;
        self.handle_timeout(now)?;
        self.flush(worker, now).map(|_| ())
    }

    /// What the destination said that it can take; known once it accepted the publish.
    pub(super) const fn answered(&self) -> &Capabilities {
        &self.answered
    }

    /// When [`Conversation::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.session.poll_timeout()
    }

    /// Acts on deadlines of the session.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Failure> {
        if self.session.poll_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
            self.drain(Unsent::push);
        }
        self.check()
    }

    /// Takes what the destination sent, a bounded part of it.
    pub(super) fn receive(&mut self, worker: &Worker, now: Instant) -> Result<(), Failure> {
        let mut scratch = worker.scratch().borrow_mut();
        for _ in 0..READS_PER_TURN {
            let step = self.step();
            match self.socket.try_read(&mut scratch) {
                Ok(0) => return Err(Failure::closed(step)),
                Ok(count) => {
                    worker.count_received(count);
                    let bytes = scratch.get(..count).unwrap_or_default();
                    let taken = self.session.handle_bytes(now, bytes);
                    self.drain(Unsent::push_reply);
                    self.check()?;
                    taken.map_err(|error| Failure::session(step, error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::broken(step, &error)),
            }
        }
        if self.unsent.has_too_many_replies() {
            return Err(Failure::replies_not_read());
        }
        Ok(())
    }

    /// Queues one message of the stream.
    pub(super) fn send(
        &mut self,
        now: Instant,
        kind: MediaKind,
        timestamp: u32,
        payload: &Bytes,
    ) -> Result<(), SessionError> {
        let sent = self.session.send_media(now, kind, timestamp, payload);
        self.drain(Unsent::push);
        sent
    }

    /// Writes as much as goes now; true when nothing is left.
    pub(super) fn flush(&mut self, worker: &Worker, now: Instant) -> Result<bool, Failure> {
        while !self.unsent.is_empty() {
            match self.socket.try_write_vectored(&self.unsent.slices()) {
                Ok(count) => {
                    worker.count_sent(count);
                    self.progress.wrote(now, count as u64);
                    self.unsent.advance(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::broken(self.step(), &error)),
            }
        }
        Ok(true)
    }

    /// Bytes queued and not written yet.
    pub(super) const fn unsent_bytes(&self) -> usize {
        self.unsent.bytes()
    }

    /// Bytes queued since the connection was made, written or not.
    pub(super) const fn queued(&self) -> u64 {
        self.progress
            .written()
            .saturating_add(self.unsent.bytes() as u64)
    }

    /// Bytes that the destination's TCP acknowledged, as of the last measurement.
    pub(super) const fn acknowledged(&self) -> u64 {
        self.progress.acknowledged()
    }

    /// Whether there is something that may be acknowledged, or be not.
    pub(super) fn is_waiting(&self) -> bool {
        self.progress.is_waiting() || !self.unsent.is_empty()
    }

    /// Looks at what was acknowledged.
    pub(super) fn measure(&mut self, now: Instant) -> Measured {
        // A socket that does not answer is closed; the next read or write says so.
        let unacknowledged = bongsu_net::unsent_bytes(&self.socket).unwrap_or(0) as u64;
        self.progress
            .measure(now, unacknowledged, !self.unsent.is_empty())
    }

    /// Ready when there are bytes from the destination, room when bytes wait, or mail.
    pub(super) fn poll(&self, context: &mut Context<'_>, mailbox: Option<&Mailbox>) -> Poll<()> {
        let mut is_ready = mailbox.is_some_and(|mailbox| mailbox.poll(context).is_ready());
        is_ready |= self.socket.poll_read_ready(context).is_ready();
        if !self.unsent.is_empty() {
            is_ready |= self.socket.poll_write_ready(context).is_ready();
        }
        if is_ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Waits for bytes from the destination, for room when bytes wait, or until then.
    async fn wait(&self, until: Option<Instant>) {
        let woken = poll_fn(|context| self.poll(context, None));
        match until {
            Some(until) => {
                let _ = tokio::time::timeout_at(until.into(), woken).await;
            }
            None => woken.await,
        }
    }

    /// Leads the connection to an accepted publish. `on_handshake` is called when the handshake is done.
    pub(super) async fn establish(
        &mut self,
        worker: &Worker,
        on_handshake: impl Fn(Instant),
    ) -> Result<(), Failure> {
        loop {
            let now = Instant::now();
            self.receive(worker, now)?;
            self.handle_timeout(now)?;
            self.flush(worker, now)?;
            if self.step() > Step::Handshaking {
                on_handshake(now);
            }
            if self.step() == Step::Started {
                return Ok(());
            }
            self.wait(self.poll_timeout()).await;
        }
    }

    /// Says goodbye, closes our side, and reads until the destination has closed its own, or until then.
    ///
    /// Without the reading the kernel would answer bytes still on their way with a reset, and the destination would
    /// lose the end of the stream.
    pub(super) async fn stop(&mut self, worker: &Worker, until: Instant) {
        self.session.stop(Instant::now());
        self.drain(Unsent::push);
        let mut has_shut_down = false;
        loop {
            let now = Instant::now();
            let Ok(is_flushed) = self.flush(worker, now) else {
                return;
            };
            if is_flushed && !has_shut_down {
                has_shut_down = true;
                if shutdown(&self.socket, Shutdown::Write).is_err() {
                    return;
                }
            }
            if self.has_closed(worker) || now >= until {
                return;
            }
            self.wait(Some(until)).await;
        }
    }

    /// Reads what comes after the goodbye, which changes nothing any more; true when the destination has closed.
    fn has_closed(&self, worker: &Worker) -> bool {
        let mut scratch = worker.scratch().borrow_mut();
        for _ in 0..READS_PER_TURN {
            match self.socket.try_read(&mut scratch) {
                Ok(0) => return true,
                Ok(count) => worker.count_received(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return true,
            }
        }
        false
    }

    /// Takes everything the session gives.
    fn drain(&mut self, queue: impl Fn(&mut Unsent, Bytes)) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(bytes) => queue(&mut self.unsent, bytes),
                Output::Event(event) => self.on_event(event),
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Refused(refusal) => {
                self.over = Some(Failure::refusal(&refusal, &self.mask));
                self.refusal = Some(refusal);
            }
            Event::Ended {
                code, description, ..
            } => {
                self.over = Some(Failure::ended(&code, &description, &self.mask));
            }
            Event::ReconnectRequested { tc_url } => {
                self.reconnect = Some(ReconnectRequest(tc_url));
            }
            Event::Started { capabilities, .. } => self.answered = capabilities,
            // Media does not come to a publisher.
            _ => {}
        }
    }

    /// Fails when the destination has ended the session.
    fn check(&mut self) -> Result<(), Failure> {
        self.over.take().map_or(Ok(()), Err)
    }
}
