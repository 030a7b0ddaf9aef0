//! Publishing: from the request to frames in the stream.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bongsu_hub::{Identity, PublisherId, Unpublish};
use bongsu_rtmp::message::{MediaKind, MessageStreamId};
use bongsu_rtmp::session::server::{RequestId, Unpublished};
use bongsu_rtmp::status::{Code, Status};
use bongsu_rtmp::url::{Query, Resolved, StreamPath};
use bytes::Bytes;

use super::connection::{Connection, Role};
use super::ending::End;
use super::side::{Down, end_of_publish};
use crate::config::auth;
use crate::mailbox::Mail;
use crate::stream::{Publisher, Stream, hub_kind};
use crate::telemetry::CloseReason;

/// A publish that is allowed.
#[derive(Debug)]
pub(super) struct Request {
    request: RequestId,
    message_stream: MessageStreamId,
    path: StreamPath,
    args: Query,
    identity: Identity,
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

    /// The message stream that media will come on.
    pub(super) const fn message_stream(&self) -> MessageStreamId {
        self.message_stream
    }

    /// Who may take over from whom.
    pub(super) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The query without credentials.
    pub(super) fn into_args(self) -> Query {
        self.args
    }
}

/// A publish that runs.
#[derive(Debug)]
pub(super) struct Publishing {
    stream: Rc<Stream>,
    publisher: PublisherId,
    message_stream: MessageStreamId,
}

impl Publishing {
    pub(super) const fn stream(&self) -> &Rc<Stream> {
        &self.stream
    }
}

impl Connection {
    pub(super) fn on_publish_requested(
        &mut self,
        now: Instant,
        request: RequestId,
        message_stream: MessageStreamId,
        target: &Resolved,
    ) -> Result<(), End> {
        let shared = std::sync::Arc::clone(self.worker.shared());
        if self.refusal.is_some() {
            return self.refuse_meanwhile(now, request, Code::PublishBadName);
        }
        let address = self.facts.peer.ip();
        let is_unseen =
            auth::needs_key(&shared.config, target) && !shared.wrong_keys.may_try(now, address);
        let granted = if is_unseen {
            Err(auth::Denied::TooManyWrongKeys)
        } else {
            auth::publish(&shared.config, target)
        };
        let granted = match granted {
            Ok(granted) => granted,
            Err(denied) => {
                let wait = if denied.is_wrong_key() {
                    shared.wrong_keys.count(now, address)
                } else {
                    Duration::ZERO
                };
                return self.refuse_after(now, wait, request, denied);
            }
        };
        let allowed = Request {
            request,
            message_stream,
            args: granted.args,
            identity: granted.identity,
            path: granted.path,
        };
        self.begin(super::Request::Publish(allowed))
    }

    pub(super) fn begin_publish(&mut self, allowed: Request) -> Result<(), End> {
        let now = Instant::now();
        let Request {
            request,
            message_stream,
            path,
            args,
            identity,
        } = allowed;
        let Some(stream) = self.worker.stream(&path) else {
            let denied = auth::Denied::UnknownApp;
            let status = denied.publish_status();
            return self.refuse(now, request, &status, CloseReason::Denied(denied));
        };
        let publisher = Publisher {
            connection: self.facts.id,
            peer: self.facts.peer,
            since: now,
            identity,
            connect: self.session.connect_info().cloned(),
            mailbox: Rc::clone(&self.mailbox),
        };
        match stream.publish(&self.worker, now, publisher, args) {
            Ok(publisher) => {
                let idle = stream.app().publish_idle;
                self.deadlines.publish_idle = idle;
                self.session.set_publish_idle(Some(idle));
                self.worker.shared().telemetry.publishes.inc();
                tracing::info!(conn = self.facts.id, peer = %self.facts.peer, stream = %path, "publishing");
                self.reason = None;
                self.role = Role::Publisher(Publishing {
                    stream,
                    publisher,
                    message_stream,
                });
                let accepted = self.session.accept(now, request);
                self.after(now, accepted)
            }
            Err(refused) => {
                let status = Status::new(Code::PublishBadName, refused.to_string());
                self.refuse(now, request, &status, CloseReason::Busy)
            }
        }
    }

    /// Refuses a request; the session then closes, unless the connection has another use.
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        request: RequestId,
        status: &Status,
        reason: CloseReason,
    ) -> Result<(), End> {
        if !self.has_streams() {
            self.reason = Some(reason);
        } else {
            tracing::info!(
                conn = self.facts.id,
                peer = %self.facts.peer,
                reason = reason.label(),
                "a further stream of a connection was refused: {reason}"
            );
        }
        let rejected = self.session.reject(now, request, status);
        self.after(now, rejected)
    }

    /// A message of the publisher.
    pub(super) fn on_media(
        &mut self,
        now: Instant,
        message_stream: MessageStreamId,
        kind: MediaKind,
        timestamp: u32,
        payload: Bytes,
    ) {
        if let Role::Publisher(publishing) = &self.role
            && publishing.message_stream == message_stream
        {
            let Publishing {
                stream, publisher, ..
            } = publishing;
            stream.push(now, *publisher, hub_kind(kind), timestamp, payload);
        } else {
            self.media_for_side(message_stream, hub_kind(kind), timestamp, payload);
        }
    }

    pub(super) fn on_metadata_cleared(&mut self, message_stream: MessageStreamId) {
        if let Role::Publisher(publishing) = &self.role
            && publishing.message_stream == message_stream
        {
            publishing.stream.clear_metadata(publishing.publisher);
        } else {
            self.send_side(message_stream, Down::MetadataCleared);
        }
    }

    /// The encoder said that its stream is over.
    pub(super) fn on_publish_ended(
        &mut self,
        now: Instant,
        message_stream: MessageStreamId,
        how: Unpublished,
    ) {
        let reason = CloseReason::Unpublished(how);
        self.stop_publish(now, message_stream, Unpublish::Clean, &reason);
        if !self.session.is_in_use() {
            self.reason = Some(reason);
        }
    }

    /// The encoder was silent for too long on one of several streams.
    pub(super) fn on_publish_lost(&mut self, now: Instant, message_stream: MessageStreamId) {
        let reason = CloseReason::PublishIdle(self.deadlines.publish_idle);
        self.stop_publish(now, message_stream, Unpublish::Lost, &reason);
    }

    /// Ends the publish on a message stream; the connection may go on.
    fn stop_publish(
        &mut self,
        now: Instant,
        message_stream: MessageStreamId,
        how: Unpublish,
        reason: &CloseReason,
    ) {
        let is_native = matches!(
            &self.role,
            Role::Publisher(publishing) if publishing.message_stream == message_stream
        );
        if !is_native {
            return self.end_side(message_stream, how, reason.clone());
        }
        self.end_publish(now, how);
        if self.sides.is_some() {
            self.report_stream(reason);
        }
    }

    /// The publish is over, in whatever way; harmless when there is none.
    pub(super) fn end_publish(&mut self, now: Instant, how: Unpublish) {
        if let Role::Publisher(publishing) = &self.role {
            publishing.stream.unpublish(now, publishing.publisher, how);
            // Mail for this publish means nothing to the next one.
            self.mailbox.forget(Mail::OF_A_STREAM);
            self.remember_part();
            self.role = Role::None;
        }
    }

    /// Another publisher has the slot: says so and leaves, unless the connection has another use.
    pub(super) fn yield_slot(&mut self, now: Instant) -> Result<(), End> {
        let reason = CloseReason::TakenOver;
        self.tell_publisher(now, &end_of_publish(&reason));
        if !self.session.is_in_use() {
            return Err(reason.into());
        }
        self.end_publish(now, Unpublish::Lost);
        self.report_stream(&reason);
        Ok(())
    }

    /// Ends the publish at the encoder; what it is told waits in the outbox.
    pub(super) fn tell_publisher(&mut self, now: Instant, status: &Status) {
        let Role::Publisher(publishing) = &self.role else {
            return;
        };
        let ended = self
            .session
            .end_publish(now, publishing.message_stream, status);
        debug_assert!(ended.is_ok(), "a publisher's stream publishes: {ended:?}");
        self.collect();
    }

    /// Takes the last bytes of a session that closes.
    pub(super) fn collect(&mut self) {
        while let Some(output) = self.session.poll_output() {
            if let bongsu_rtmp::session::Output::Transmit(bytes) = output {
                self.outbox.push(bytes);
            }
        }
    }
}
