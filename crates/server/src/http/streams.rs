//! Asks every worker what streams it has.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits::SNAPSHOT_TIMEOUT;
use crate::shared::Shared;
use crate::snapshot::StreamSnapshot;
use crate::worker::ToWorker;

/// The streams of the workers that answered.
#[derive(Debug)]
pub(super) struct Streams {
    /// By path.
    pub(super) streams: Vec<StreamSnapshot>,
    /// Workers whose streams are missing.
    pub(super) workers_missing: usize,
}

/// Asks all workers at the same time.
pub(super) async fn gather(shared: &Arc<Shared>) -> Streams {
    let mut asked = JoinSet::new();
    for worker in shared.workers() {
        asked.spawn(timeout(SNAPSHOT_TIMEOUT, ask(worker.clone())));
    }
    let mut streams = Vec::new();
    let mut workers_missing = 0;
    while let Some(answer) = asked.join_next().await {
        match answer {
            Ok(Ok(Some(of_worker))) => streams.extend(of_worker),
            _ => workers_missing += 1,
        }
    }
    streams.sort_by(|a, b| a.path.cmp(&b.path));
    Streams {
        streams,
        workers_missing,
    }
}

/// `None` when the worker is gone.
async fn ask(worker: mpsc::Sender<ToWorker>) -> Option<Vec<StreamSnapshot>> {
    let (answer, answered) = oneshot::channel();
    worker.send(ToWorker::Snapshot(answer)).await.ok()?;
    answered.await.ok()
}
