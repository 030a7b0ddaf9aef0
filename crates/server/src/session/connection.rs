//! The task of one connection: waits for bytes, deadlines and mail, and lets the session act on them.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use bongsu_rtmp::session::Output;
use bongsu_rtmp::session::ServerSession;
use bongsu_rtmp::session::server::Event;
use bongsu_rtmp::status::{Code, Status};
use bytes::Bytes;
use tokio::net::TcpStream;

use super::close::Part;
use super::ending::End;
use super::outbox::Outbox;
use super::{Facts, Moved, Request, play, publish};
use crate::limits::READS_PER_TURN;
use crate::mailbox::{Mail, Mailbox};
use crate::telemetry::{CloseReason, Deadlines};
use crate::worker::{ToWorker, Worker};

/// One connection on its worker.
pub(super) struct Connection {
    pub(super) worker: Rc<Worker>,
    pub(super) socket: Rc<TcpStream>,
    pub(super) session: Box<ServerSession>,
    pub(super) facts: Facts,
    pub(super) outbox: Outbox,
    pub(super) mailbox: Rc<Mailbox>,
    pub(super) role: Role,
    /// What the log line says that it did.
    pub(super) part: Part,
    /// What a closing session cannot know: why a request was refused, how a publish ended.
    pub(super) reason: Option<CloseReason>,
    pub(super) deadlines: Deadlines,
}

/// What a connection does.
#[derive(Debug)]
pub(super) enum Role {
    /// Nothing yet, or nothing any more.
    None,
    Publisher(publish::Publishing),
    Player(play::Playing),
}

/// What a waiting connection was woken for. More than one may be true.
#[derive(Debug, Clone, Copy, Default)]
struct Wake {
    readable: bool,
    writable: bool,
}

impl Connection {
    pub(super) fn new(
        worker: &Rc<Worker>,
        socket: TcpStream,
        session: ServerSession,
        facts: Facts,
        outbox: Outbox,
    ) -> Self {
        let limits = &worker.shared().config.limits;
        let deadlines = Deadlines {
            handshake: limits.handshake_timeout,
            request: limits.request_timeout,
            publish_idle: crate::config::limits::PUBLISH_IDLE,
        };
        let mailbox = Rc::default();
        worker.enlist(facts.id, &mailbox);
        Self {
            worker: Rc::clone(worker),
            socket: Rc::new(socket),
            session: Box::new(session),
            facts,
            outbox,
            mailbox,
            role: Role::None,
            part: Part::NONE,
            reason: None,
            deadlines,
        }
    }

    /// Runs the connection to its end. `request` is what it came to this worker for.
    pub(super) async fn run(mut self, request: Option<Request>) {
        let end = match request.map_or(Ok(()), |request| self.begin(request)) {
            Ok(()) => self.serve().await,
            Err(end) => end,
        };
        match end {
            End::Closed(reason) => self.close(reason).await,
            End::Moves(to, request) => self.move_to(to, *request).await,
        }
    }

    /// Begins a request at the worker of its stream.
    pub(super) fn begin(&mut self, request: Request) -> Result<(), End> {
        match request {
            Request::Publish(request) => self.begin_publish(request),
            Request::Play(request) => self.begin_play(request),
        }
    }

    async fn serve(&mut self) -> End {
        loop {
            if let Err(end) = self.settle(Instant::now()) {
                return end;
            }
            let wake = self.wait().await;
            if let Err(end) = self.act(wake).await {
                return end;
            }
        }
    }

    /// Acts on mail, events and what waits to be written, until nothing is left to do but wait.
    fn settle(&mut self, now: Instant) -> Result<(), End> {
        self.read_mail(now)?;
        if self.session.poll_timeout().is_some_and(|due| due <= now) {
            self.session.handle_timeout(now);
        }
        self.drain(now)?;
        self.check_play_wait(now)?;
        self.take_turns(now)?;
        if !matches!(self.role, Role::Player(_)) {
            self.write()?;
        }
        Ok(())
    }

    fn read_mail(&mut self, now: Instant) -> Result<(), End> {
        let mail = self.mailbox.take();
        if mail.is_empty() {
            return Ok(());
        }
        if mail.has(Mail::SHUTDOWN) {
            return Err(self.leave(now));
        }
        if mail.has(Mail::TAKEN_OVER) {
            return Err(self.yield_slot(now));
        }
        self.read_player_mail(now, mail)
    }

    /// Takes bytes and events from the session until it has none.
    pub(super) fn drain(&mut self, now: Instant) -> Result<(), End> {
        let mut media = false;
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(bytes) => self.transmit(now, bytes)?,
                Output::Event(event) => media |= self.handle(now, event)?,
            }
        }
        if media && let Role::Publisher(publishing) = &self.role {
            publishing.stream().wake();
        }
        Ok(())
    }

    /// Bytes of the session: through the fan-out once that owns the write side.
    fn transmit(&mut self, now: Instant, bytes: Bytes) -> Result<(), End> {
        match &self.role {
            Role::Player(playing) => playing.queue(now, bytes),
            Role::None | Role::Publisher(_) => {
                self.outbox.push(bytes);
                Ok(())
            }
        }
    }

    /// Acts on one event; true when it was media.
    fn handle(&mut self, now: Instant, event: Event) -> Result<bool, End> {
        match event {
            Event::Media {
                stream,
                kind,
                timestamp,
                payload,
            } => {
                self.on_media(now, stream, kind, timestamp, payload);
                return Ok(true);
            }
            Event::ConnectRequested { request, connect } => {
                self.facts.permit.handshake_done();
                let app = first_segment(connect.app.as_bytes());
                let known = app.is_empty() || self.worker.shared().config.app(&app).is_some();
                let decided = if known {
                    self.session.accept(now, request)
                } else {
                    self.reason =
                        Some(CloseReason::Denied(crate::config::auth::Denied::UnknownApp));
                    let words = crate::config::auth::Denied::UnknownApp.to_string();
                    self.session
                        .reject(now, request, &Status::new(Code::ConnectInvalidApp, words))
                };
                decided.map_err(CloseReason::Session)?;
            }
            Event::PublishRequested {
                request,
                stream,
                target,
                ..
            } => {
                self.on_publish_requested(now, request, stream, &target)?;
            }
            Event::PlayRequested {
                request,
                stream,
                target,
            } => {
                self.on_play_requested(now, request, stream, &target)?;
            }
            Event::PublishEnded { how, .. } => self.on_publish_ended(now, how),
            Event::MetadataCleared { .. } => self.on_metadata_cleared(),
            Event::PlayEnded { .. } => self.on_play_ended(),
            Event::PauseRequested { paused, .. } => {
                self.filter(now, |filter| filter.paused = paused)
            }
            Event::ReceiveAudio { enabled, .. } => {
                self.filter(now, |filter| filter.audio = enabled)
            }
            Event::ReceiveVideo { enabled, .. } => {
                self.filter(now, |filter| filter.video = enabled)
            }
            Event::Closing { cause } => {
                let reason = self.reason.take();
                let reason =
                    reason.unwrap_or_else(|| CloseReason::from_cause(cause, &self.deadlines));
                return Err(reason.into());
            }
            // A withdrawn request needs no decision, and decisions here are made at once.
            _ => {}
        }
        Ok(false)
    }

    /// Waits for the socket, a deadline or mail.
    async fn wait(&mut self) -> Wake {
        let deadline = [self.session.poll_timeout(), self.play_deadline()];
        let deadline = deadline.into_iter().flatten().min();
        let reads = self.session.wants_bytes() && self.outbox.is_empty();
        let writes = !self.outbox.is_empty() || self.is_blocked();
        let mut sleep = pin!(deadline.map(|at| tokio::time::sleep_until(at.into())));
        poll_fn(|context| {
            let mut wake = Wake::default();
            // An error of the reactor shows again at the next read or write.
            wake.readable = reads && self.socket.poll_read_ready(context).is_ready();
            wake.writable = writes && self.socket.poll_write_ready(context).is_ready();
            let mail = self.mailbox.poll(context).is_ready();
            let due = sleep
                .as_mut()
                .as_pin_mut()
                .is_some_and(|sleep| sleep.poll(context).is_ready());
            if wake.readable || wake.writable || mail || due {
                Poll::Ready(wake)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    async fn act(&mut self, wake: Wake) -> Result<(), End> {
        if wake.writable {
            self.on_writable();
        }
        if !wake.readable {
            return Ok(());
        }
        for _ in 0..READS_PER_TURN {
            if !self.read()? {
                return Ok(());
            }
            if !self.session.wants_bytes() || !self.outbox.is_empty() {
                return Ok(());
            }
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Reads once and lets the session act on it; false when there was nothing.
    fn read(&mut self) -> Result<bool, End> {
        let now = Instant::now();
        let handled = {
            let mut scratch = self.worker.scratch().borrow_mut();
            match self.socket.try_read(&mut scratch) {
                Ok(0) => None,
                Ok(count) => {
                    self.facts.received += count as u64;
                    self.worker.count_received(count);
                    Some(
                        self.session
                            .handle_bytes(now, scratch.get(..count).unwrap_or_default()),
                    )
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(CloseReason::Broken(error.kind()).into()),
            }
        };
        let Some(handled) = handled else {
            return Err(self.on_eof());
        };
        self.after(now, handled)?;
        self.take_turns(now)?;
        if !matches!(self.role, Role::Player(_)) {
            self.write()?;
        }
        Ok(true)
    }

    /// Drains the session after a call that may have failed: it may hold a last answer.
    pub(super) fn after(
        &mut self,
        now: Instant,
        handled: Result<(), bongsu_rtmp::session::SessionError>,
    ) -> Result<(), End> {
        self.drain(now)?;
        handled.map_err(|error| CloseReason::Session(error).into())
    }

    /// Writes what waits; for connections that no fan-out writes to.
    fn write(&mut self) -> Result<(), End> {
        match self.outbox.write_to(&self.socket) {
            Ok(count) => {
                self.facts.sent += count as u64;
                self.worker.count_sent(count);
                Ok(())
            }
            Err(error) => Err(CloseReason::Broken(error.kind()).into()),
        }
    }

    /// The peer closed its side.
    fn on_eof(&mut self) -> End {
        self.reason.take().unwrap_or(CloseReason::PeerClosed).into()
    }

    /// Hands the connection to the worker where its stream lives.
    async fn move_to(self, to: crate::registry::WorkerId, request: Request) {
        self.worker.delist(self.facts.id);
        let Self {
            worker,
            socket,
            session,
            facts,
            outbox,
            ..
        } = self;
        let socket = Rc::into_inner(socket).map(TcpStream::into_std);
        let (Some(Ok(socket)), Some(queue)) = (socket, worker.shared().worker(to)) else {
            tracing::error!(
                conn = facts.id,
                "a connection cannot move to another worker"
            );
            return;
        };
        let moved = Moved {
            socket,
            session: *session,
            facts,
            outbox,
            request,
        };
        // It fails only when the other worker has left already: the server is going down.
        let _ = queue.send(ToWorker::Moved(Box::new(moved))).await;
    }
}

/// The app's first segment, without its query.
fn first_segment(app: &[u8]) -> String {
    let path = app.split(|byte| *byte == b'?').next().unwrap_or_default();
    let mut segments = path
        .split(|byte| *byte == b'/')
        .filter(|segment| !segment.is_empty());
    String::from_utf8_lossy(segments.next().unwrap_or_default()).into_owned()
}
