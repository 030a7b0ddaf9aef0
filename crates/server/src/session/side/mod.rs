//! Further message streams of a connection that is in use already.
//!
//! The first stream of a connection is *native*: its task and the stream are on one worker and share it. Each further
//! one is a *side stream*: a task on the home worker of its stream, which is an ordinary publisher or player there, and
//! two bounded [`pipe`]s to the task of the connection. That task owns session and socket; it asks the session, hands
//! media down, and takes encoded messages from above as fast as its socket takes them.

mod pipe;
mod play;
mod publish;
mod sides;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bongsu_hub::{Drops, Filter, Kind, Unpublish};
use bongsu_rtmp::session::server::ConnectInfo;
use bongsu_rtmp::status::Status;
use bongsu_rtmp::url::StreamPath;
use bytes::Bytes;

use pipe::{Item, Receiver};
pub(crate) use pipe::{Put, Sender};
pub(super) use sides::{Sides, end_of_publish};

use super::Request;
use crate::telemetry::CloseReason;
use crate::worker::{TaskId, ToWorker, Worker};

/// What a connection tells a side stream.
#[derive(Debug)]
pub(super) enum Down {
    /// A message of the publisher.
    Media {
        kind: Kind,
        timestamp: u32,
        payload: Bytes,
    },
    /// The publisher took its metadata back.
    MetadataCleared,
    /// What the player wants from now on.
    Filter(Filter),
    /// It is over. The last thing.
    Ended { how: Unpublish, why: CloseReason },
}

/// What a side stream tells its connection.
#[derive(Debug)]
pub(crate) enum Up {
    /// It has begun: a publish has the slot, a play is among the players.
    Accepted {
        /// How long a publisher may be silent.
        publish_idle: Option<Duration>,
    },
    /// It could not begin, for this reason and in these words. The last thing.
    Refused(CloseReason, Status),
    /// Bytes for the player, whatever their seams.
    Bytes(Bytes),
    /// It is over, for this reason and perhaps in these words. The last thing.
    Ended(CloseReason, Option<Status>),
}

impl Item for Down {
    fn bytes(&self) -> usize {
        match self {
            Self::Media { payload, .. } => payload.len(),
            Self::MetadataCleared | Self::Filter(_) | Self::Ended { .. } => 0,
        }
    }
}

impl Item for Up {
    fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Accepted { .. } | Self::Refused(..) | Self::Ended(..) => 0,
        }
    }
}

/// Whose side stream it is, for log lines and to reach it.
#[derive(Debug, Clone, Copy)]
struct Who {
    /// Number of the connection.
    connection: u64,
    /// Tells its side streams apart, from 1.
    part: u32,
    peer: SocketAddr,
}

/// What a side stream and its connection have in common.
#[derive(Debug)]
struct Ends {
    who: Who,
    down: Receiver<Down>,
    up: Sender<Up>,
}

/// A side stream on its way to the worker where its stream lives.
#[derive(Debug)]
pub(crate) struct Start {
    request: Request,
    connect: Option<Arc<ConnectInfo>>,
    ends: Ends,
}

impl Who {
    const fn task(&self) -> TaskId {
        TaskId {
            connection: self.connection,
            part: self.part,
        }
    }

    /// The one line about a side stream that has ended.
    fn report(
        &self,
        role: &'static str,
        stream: &StreamPath,
        reason: &CloseReason,
        duration: Duration,
        drops: Drops,
    ) {
        tracing::info!(
            conn = self.connection,
            peer = %self.peer,
            role,
            stream = stream.as_str(),
            reason = reason.label(),
            duration_ms = crate::stream::millis(duration),
            dropped_frames = drops.frames,
            skips = drops.skips,
            "a stream of a connection ended: {reason}"
        );
    }
}

/// Starts the task of a side stream, or sends it on when its stream has begun anew elsewhere.
///
/// One that cannot be sent on is dropped, and its connection sees the end of its pipe.
pub(crate) fn start(worker: &Rc<Worker>, start: Start) {
    let shared = worker.shared();
    let home = shared.registry.home(start.request.path(), worker.id());
    if home != worker.id() {
        if let Some(queue) = shared.worker(home) {
            let _ = queue.try_send(ToWorker::Side(Box::new(start)));
        }
        return;
    }
    let Start {
        request,
        connect,
        ends,
    } = start;
    match request {
        Request::Publish(request) => {
            worker.spawn(publish::run(Rc::clone(worker), ends, request, connect));
        }
        Request::Play(request) => {
            worker.spawn(play::run(Rc::clone(worker), ends, request, connect));
        }
    }
}
