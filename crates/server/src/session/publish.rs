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
        let address = self.facts.peer.ip();
        let is_unseen =
            auth::needs_key(&shared.config, target) && !shared.wrong_keys.may_try(now, address);
        let granted = if is_unseen {
            Err(auth::Denied::TooManyWrongKeys)
        } else {
            auth::publish(&shared.config, target)
        };
        let granted = match granted {
            Ok(_) if self.is_in_use() => {
                let status = Status::new(Code::PublishBadName, "this connection is in use already");
                self.reason = Some(CloseReason::Refused(Code::PublishBadName));
                return self.reject(now, request, &status);
            }
            Ok(granted) => granted,
            Err(denied) => {
                self.reason = Some(CloseReason::Denied(denied));
                let wait = if denied.is_wrong_key() {
                    shared.wrong_keys.count(now, address)
                } else {
                    Duration::ZERO
                };
                return self.refuse_after(now, wait, request, denied.publish_status());
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
            self.reason = Some(CloseReason::Denied(auth::Denied::UnknownApp));
            return self.reject(now, request, &auth::Denied::UnknownApp.publish_status());
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
                self.reason = Some(CloseReason::Busy);
                let status = Status::new(Code::PublishBadName, refused.to_string());
                self.reject(now, request, &status)
            }
        }
    }

    /// Refuses a request; the session then closes.
    pub(super) fn reject(
        &mut self,
        now: Instant,
        request: RequestId,
        status: &Status,
    ) -> Result<(), End> {
        let rejected = self.session.reject(now, request, status);
        self.after(now, rejected)
    }

    /// A message of the publisher.
    pub(super) fn on_media(
        &self,
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
        }
    }

    pub(super) fn on_metadata_cleared(&self) {
        if let Role::Publisher(publishing) = &self.role {
            publishing.stream.clear_metadata(publishing.publisher);
        }
    }

    /// The encoder said that its stream is over.
    pub(super) fn on_publish_ended(&mut self, now: Instant, how: Unpublished) {
        self.end_publish(now, Unpublish::Clean);
        self.reason = Some(CloseReason::Unpublished(how));
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

    /// Another publisher has the slot: says so and leaves.
    pub(super) fn yield_slot(&mut self, now: Instant) -> End {
        let status = Status::new(
            Code::PublishBadName,
            "another publisher took this stream over",
        );
        self.tell_publisher(now, &status);
        CloseReason::TakenOver.into()
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
