//! The task of one connection: waits for bytes, deadlines and mail, and lets the session act on them.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use bongsu_rtmp::session::Output;
use bongsu_rtmp::session::ServerSession;
use bongsu_rtmp::session::server::{CloseCause, ConnectInfo, Event, RequestId};
use bongsu_rtmp::status::{Code, Status};
use bytes::Bytes;
use tokio::net::TcpStream;

use super::close::Part;
use super::ending::End;
use super::outbox::Outbox;
use super::playing::Playing;
use super::refusal::Refusal;
use super::side::Sides;
use super::{Facts, Moved, Request, publish};
use crate::config::auth::Denied;
use crate::limits::READS_PER_TURN;
use crate::mailbox::{Mail, Mailbox};
use crate::registry::WorkerId;
use crate::telemetry::{CloseReason, Deadlines};
use crate::worker::{TaskId, ToWorker, Worker};

/// One connection on its worker.
pub(super) struct Connection {
    pub(super) worker: Rc<Worker>,
    pub(super) socket: Rc<TcpStream>,
    pub(super) session: Box<ServerSession>,
    pub(super) facts: Facts,
    pub(super) outbox: Outbox,
    pub(super) mailbox: Rc<Mailbox>,
    /// The first stream, or none any more.
    pub(super) role: Role,
    /// Further streams, as long as there are any.
    pub(super) sides: Option<Box<Sides>>,
    /// What the log line says that it did.
    pub(super) part: Part,
    /// What a closing session cannot know: why a request was refused, how a publish ended.
    pub(super) reason: Option<CloseReason>,
    pub(super) deadlines: Deadlines,
    /// Waits to be said.
    pub(super) refusal: Option<Box<Refusal>>,
}

/// What a connection does on its own worker.
#[derive(Debug)]
pub(super) enum Role {
    /// Nothing yet, or nothing any more.
    None,
    Publisher(publish::Publishing),
    Player(Playing),
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
        Self {
            worker: Rc::clone(worker),
            socket: Rc::new(socket),
            session: Box::new(session),
            facts,
            outbox,
            mailbox: Rc::default(),
            role: Role::None,
            sides: None,
            part: Part::NONE,
            reason: None,
            deadlines,
            refusal: None,
        }
    }

    /// Lets the worker reach the connection; one that comes from another worker has said `connect`.
    pub(super) fn enlist(&self, is_connected: bool) {
        if is_connected {
            self.worker.enlist(TaskId::of(self.facts.id), &self.mailbox);
            if self.worker.shared().is_draining() {
                // It was on its way while the others were told.
                self.mailbox.post(Mail::DRAINING);
            }
        } else {
            self.worker.greet(self.facts.id, &self.mailbox);
        }
    }

    /// Runs the connection to its end. `request` is what it came to this worker for.
    pub(super) async fn run(mut self: Box<Self>, request: Option<Box<Request>>) {
        let end = match request.map_or(Ok(()), |request| self.begin(*request)) {
            Ok(()) => self.serve().await,
            Err(end) => end,
        };
        match end {
            // Boxed: a connection lives long and ends once.
            End::Closed(reason) => Box::pin(self.close(reason)).await,
            End::Moves(to, request) => Box::pin(self.move_to(to, request)).await,
        }
    }

    /// Begins a request here, or sends the connection on when its stream lives elsewhere. Beside another stream it
    /// begins as a side stream.
    ///
    /// A connection that has moved asks again: the stream it came for may have ended on its way, and begun anew somewhere
    /// else.
    pub(super) fn begin(&mut self, request: Request) -> Result<(), End> {
        let home = self
            .worker
            .shared()
            .registry
            .home(request.path(), self.worker.id());
        if !self.is_free() {
            self.begin_side(home, request);
            return Ok(());
        }
        if home != self.worker.id() {
            return Err(End::Moves(home, Box::new(request)));
        }
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
            if self.is_hungry() || self.sides.as_ref().is_some_and(|sides| sides.is_hungry()) {
                tokio::task::yield_now().await;
                continue;
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
        self.check_refusal(now)?;
        self.check_media(now)?;
        self.take_turns(now)?;
        self.write_unless_player()?;
        if self.sides.is_some() {
            self.serve_sides(now)?;
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
        if mail.has(Mail::MAKE_ROOM) {
            return Err(CloseReason::MadeRoom.into());
        }
        if mail.has(Mail::TAKEN_OVER) {
            self.yield_slot(now)?;
        }
        if mail.has(Mail::DRAINING) {
            self.ask_to_reconnect(now);
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
        let media = matches!(event, Event::Media { .. });
        match event {
            Event::Media {
                stream,
                kind,
                timestamp,
                payload,
            } => {
                self.on_media(now, stream, kind, timestamp, payload);
            }
            Event::ConnectRequested { request, connect } => {
                self.on_connect_requested(now, request, &connect)?;
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
            Event::RequestWithdrawn { request } => self.withdraw_side(request),
            Event::PublishEnded { stream, how } => self.on_publish_ended(now, stream, how),
            Event::PublishLost { stream } => self.on_publish_lost(now, stream),
            Event::MetadataCleared { stream } => self.on_metadata_cleared(stream),
            Event::PlayEnded { stream } => self.on_play_ended(stream),
            Event::PauseRequested { stream, paused } => {
                self.filter(now, stream, |filter| filter.paused = paused);
            }
            Event::ReceiveAudio { stream, enabled } => {
                self.filter(now, stream, |filter| filter.audio = enabled);
            }
            Event::ReceiveVideo { stream, enabled } => {
                self.filter(now, stream, |filter| filter.video = enabled);
            }
            // A player of which the last words are on their way gets them, and what is before them.
            Event::Closing {
                cause: CloseCause::Ended(_),
            } if self.is_leaving() => {}
            Event::Closing { cause } => {
                let reason = self.reason.take();
                let reason =
                    reason.unwrap_or_else(|| CloseReason::from_cause(cause, &self.deadlines));
                return Err(reason.into());
            }
            // A withdrawn request needs no decision. Its refusal, if one waits, still ends the connection's chances.
            _ => {}
        }
        Ok(media)
    }

    fn on_connect_requested(
        &mut self,
        now: Instant,
        request: RequestId,
        connect: &ConnectInfo,
    ) -> Result<(), End> {
        self.facts.permit.handshake_done();
        self.worker.handshake_done(self.facts.id);
        let app = first_segment(connect.app.as_bytes());
        let known = app.is_empty() || self.worker.shared().config.app(&app).is_some();
        let decided = if known {
            self.session.accept(now, request)
        } else {
            let denied = Denied::UnknownApp;
            self.reason = Some(CloseReason::Denied(denied));
            let status = Status::new(Code::ConnectInvalidApp, denied.to_string());
            self.session.reject(now, request, &status)
        };
        decided.map_err(CloseReason::Session)?;
        if self.worker.shared().is_draining() {
            self.ask_to_reconnect(now);
        }
        Ok(())
    }

    /// Waits for the socket, a deadline, mail or a side stream.
    async fn wait(&mut self) -> Wake {
        let deadline = [
            self.session.poll_timeout(),
            self.play_deadline(),
            self.refusal_deadline(),
        ];
        let deadline = deadline.into_iter().flatten().min();
        let reads = self.may_read();
        let room = self.sides.is_some() && self.has_room_for_sides();
        let writes = !self.outbox.is_empty() || self.is_blocked();
        let mut sleep = pin!(deadline.map(|at| tokio::time::sleep_until(at.into())));
        poll_fn(|context| {
            // An error of the reactor shows again at the next read or write.
            let wake = Wake {
                readable: reads && self.socket.poll_read_ready(context).is_ready(),
                writable: writes && self.socket.poll_write_ready(context).is_ready(),
            };
            let mail = self.mailbox.poll(context).is_ready();
            let due = sleep
                .as_mut()
                .as_pin_mut()
                .is_some_and(|sleep| sleep.poll(context).is_ready());
            let sides = self.sides.as_ref();
            let sides = sides.is_some_and(|sides| sides.poll(context, room));
            if wake.readable || wake.writable || mail || due || sides {
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
            if !self.may_read() {
                return Ok(());
            }
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Reads once and lets the session act on it; false when there was nothing.
    fn read(&mut self) -> Result<bool, End> {
        let now = Instant::now();
        let read = self
            .socket
            .try_read(&mut self.worker.scratch().borrow_mut());
        let count = match read {
            Ok(0) => return Err(self.on_eof()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(self.on_broken(&error)),
        };
        self.facts.received += count as u64;
        self.worker.count_received(count);
        let handled = {
            let scratch = self.worker.scratch().borrow();
            let bytes = scratch.get(..count).unwrap_or_default();
            self.session.handle_bytes(now, bytes)
        };
        self.after(now, handled)?;
        self.take_turns(now)?;
        self.write_unless_player()?;
        Ok(true)
    }

    /// Whether what the peer sends can be used now.
    fn may_read(&self) -> bool {
        let sides = self.sides.as_ref();
        self.session.wants_bytes()
            && self.outbox.allows_reading()
            && sides.is_none_or(|sides| sides.allow_reading())
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

    /// Writes what waits, unless a fan-out writes to the connection.
    pub(super) fn write_unless_player(&mut self) -> Result<(), End> {
        if matches!(self.role, Role::Player(_)) {
            return Ok(());
        }
        match self.outbox.write_to(&self.socket) {
            Ok(count) => {
                self.facts.sent += count as u64;
                self.worker.count_sent(count);
                Ok(())
            }
            Err(error) => Err(self.on_broken(&error)),
        }
    }

    /// The socket failed. A peer that has said why it leaves may do so with our replies unread.
    fn on_broken(&mut self, error: &io::Error) -> End {
        let broken = CloseReason::Broken(error.kind());
        self.reason.take().unwrap_or(broken).into()
    }

    /// The peer closed its side.
    fn on_eof(&mut self) -> End {
        self.reason.take().unwrap_or(CloseReason::PeerClosed).into()
    }

    /// Hands the connection to the worker where its stream lives.
    async fn move_to(self: Box<Self>, to: WorkerId, request: Box<Request>) {
        self.worker.delist(TaskId::of(self.facts.id));
        let Self {
            worker,
            socket,
            session,
            facts,
            outbox,
            ..
        } = *self;
        let socket = Rc::into_inner(socket).map(TcpStream::into_std);
        let (Some(Ok(socket)), Some(queue)) = (socket, worker.shared().worker(to)) else {
            tracing::error!(
                conn = facts.id,
                "a connection cannot move to another worker"
            );
            return facts.report(worker.shared(), &Part::NONE, &CloseReason::Shutdown);
        };
        let moved = Moved {
            socket,
            session: *session,
            facts,
            outbox,
            request,
        };
        if let Err(unsent) = queue.send(ToWorker::Moved(Box::new(moved))).await
            && let ToWorker::Moved(moved) = unsent.0
        {
            // The other worker has left already: the server is going down.
            moved.turn_away(worker.shared());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the future that a method makes.
    fn future_bytes<A, B, F>(_: impl Fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_session_with_its_future_takes_at_most_2_kib() {
        let future = future_bytes(Connection::run);
        let connection = size_of::<Connection>();
        let session = size_of::<ServerSession>();
        let bytes = future + connection + session;
        assert!(bytes <= 2_048, "{future} + {connection} + {session} bytes");
    }

    #[test]
    fn the_app_is_the_first_segment_without_its_query() {
        for (app, first) in [
            (&b"live"[..], "live"),
            (b"/live/instance?key=a/b", "live"),
            (b"live?key=x", "live"),
            (b"", ""),
            (b"?key=x", ""),
        ] {
            assert_eq!(first_segment(app), first);
        }
    }
}
