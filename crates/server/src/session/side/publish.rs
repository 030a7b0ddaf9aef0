//! The task of a side stream that publishes: an ordinary publisher of its stream.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bongsu_hub::{Drops, PublisherId, Unpublish};
use bongsu_rtmp::session::server::ConnectInfo;
use bongsu_rtmp::status::{Code, Status};

use super::{Down, Ends, Receiver, Up};
use crate::config::auth::Denied;
use crate::limits::SIDE_ITEMS_MAX;
use crate::mailbox::{Mail, Mailbox};
use crate::session::publish::Request;
use crate::stream::{Publisher, Stream};
use crate::telemetry::CloseReason;
use crate::worker::Worker;

/// A publish that runs.
struct Task {
    stream: Rc<Stream>,
    publisher: PublisherId,
    mailbox: Rc<Mailbox>,
    down: Receiver<Down>,
}

/// How it ends.
struct End {
    how: Unpublish,
    why: CloseReason,
}

/// What became of what had come.
enum Taken {
    /// Everything was taken.
    All,
    /// There may be more.
    Some,
    End(End),
}

/// Publishes until one side ends it.
pub(super) async fn run(
    worker: Rc<Worker>,
    ends: Ends,
    request: Request,
    connect: Option<Arc<ConnectInfo>>,
) {
    let began = Instant::now();
    let Ends { who, down, up } = ends;
    let path = request.path().clone();
    let mailbox = Rc::<Mailbox>::default();
    let publisher = Publisher {
        connection: who.connection,
        peer: who.peer,
        since: began,
        identity: request.identity().clone(),
        connect,
        mailbox: Rc::clone(&mailbox),
    };
    let (stream, publisher) = match begin(&worker, request, publisher, began) {
        Ok(begun) => begun,
        Err(refused) => return up.finish([refused]),
    };
    worker.shared().telemetry.publishes.inc();
    tracing::info!(conn = who.connection, peer = %who.peer, stream = %path, "publishing");
    worker.enlist(who.task(), &mailbox);
    let publish_idle = Some(stream.app().publish_idle);
    let accepted = up.try_send(Up::Accepted { publish_idle });
    debug_assert!(accepted.is_ok(), "nothing was sent before it");
    let task = Task {
        stream,
        publisher,
        mailbox,
        down,
    };
    let End { how, why } = task.serve().await;
    worker.delist(who.task());
    task.stream.unpublish(Instant::now(), publisher, how);
    who.report("publisher", &path, &why, began.elapsed(), Drops::default());
    up.finish([Up::Ended(why, None)]);
}

/// Gets the slot of the stream.
fn begin(
    worker: &Rc<Worker>,
    request: Request,
    publisher: Publisher,
    now: Instant,
) -> Result<(Rc<Stream>, PublisherId), Up> {
    let Some(stream) = worker.stream(request.path()) else {
        let denied = Denied::UnknownApp;
        let status = denied.publish_status();
        return Err(Up::Refused(CloseReason::Denied(denied), status));
    };
    match stream.publish(worker, now, publisher, request.into_args()) {
        Ok(publisher) => Ok((stream, publisher)),
        Err(refused) => {
            let status = Status::new(Code::PublishBadName, refused.to_string());
            Err(Up::Refused(CloseReason::Busy, status))
        }
    }
}

impl Task {
    async fn serve(&self) -> End {
        loop {
            let mail = self.mailbox.take();
            if mail.has(Mail::SHUTDOWN) {
                // A publisher that is sent away does not come back: nobody waits for it.
                let (how, why) = (Unpublish::Clean, CloseReason::Shutdown);
                return End { how, why };
            }
            if mail.has(Mail::TAKEN_OVER) {
                let (how, why) = (Unpublish::Lost, CloseReason::TakenOver);
                return End { how, why };
            }
            match self.take(Instant::now()) {
                Taken::All => self.wait().await,
                Taken::Some => tokio::task::yield_now().await,
                Taken::End(end) => return end,
            }
        }
    }

    /// Hands what has come to the stream; not more than a full pipe before others get a turn.
    fn take(&self, now: Instant) -> Taken {
        let mut media = false;
        let mut taken = Taken::Some;
        for _ in 0..SIDE_ITEMS_MAX {
            match self.down.try_recv() {
                Some(Down::Media {
                    kind,
                    timestamp,
                    payload,
                }) => {
                    let Self {
                        stream, publisher, ..
                    } = self;
                    stream.push(now, *publisher, kind, timestamp, payload);
                    media = true;
                    continue;
                }
                Some(Down::MetadataCleared) => {
                    self.stream.clear_metadata(self.publisher);
                    continue;
                }
                Some(Down::Filter(_)) => continue,
                Some(Down::Ended { how, why }) => taken = Taken::End(End { how, why }),
                None if self.down.is_over() => {
                    let (how, why) = (Unpublish::Lost, CloseReason::PeerClosed);
                    taken = Taken::End(End { how, why });
                }
                None => taken = Taken::All,
            }
            break;
        }
        if media {
            self.stream.wake();
        }
        taken
    }

    async fn wait(&self) {
        poll_fn(|context| {
            let mail = self.mailbox.poll(context).is_ready();
            let down = self.down.poll_ready(context).is_ready();
            if mail || down {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}
