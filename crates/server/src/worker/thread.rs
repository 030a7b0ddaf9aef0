//! The thread of a worker.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use super::{ToWorker, Worker};
use crate::limits::LEAVE;
use crate::registry::WorkerId;
use crate::session;
use crate::shared::Shared;

/// Starts the thread of one worker. It ends after [`ToWorker::Stop`].
pub(crate) fn start(
    id: WorkerId,
    shared: Arc<Shared>,
    queue: mpsc::Receiver<ToWorker>,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let name = format!("worker-{}", id.0);
    std::thread::Builder::new().name(name).spawn(move || {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, serve(Worker::new(id, shared), queue));
    })
}

async fn serve(worker: std::rc::Rc<Worker>, mut queue: mpsc::Receiver<ToWorker>) {
    while let Some(message) = queue.recv().await {
        match message {
            ToWorker::Arrived(arrival) => session::arrive(&worker, *arrival),
            ToWorker::Moved(moved) => session::settle_in(&worker, *moved),
            ToWorker::Side(start) => session::start_side(&worker, *start),
            ToWorker::Snapshot(answer) => {
                // Who asked may have given up.
                let _ = answer.send(worker.snapshot());
            }
            ToWorker::Drain => worker.drain(),
            ToWorker::Stop => break,
        }
    }
    queue.close();
    while let Ok(message) = queue.try_recv() {
        match message {
            ToWorker::Arrived(arrival) => arrival.turn_away(worker.shared()),
            ToWorker::Moved(moved) => moved.turn_away(worker.shared()),
            // The connection of a side stream sees that it went.
            ToWorker::Side(_) | ToWorker::Snapshot(_) | ToWorker::Drain | ToWorker::Stop => {}
        }
    }
    worker.tell_to_leave();
    let left = worker.tasks.join(LEAVE).await;
    if left > 0 {
        tracing::warn!(
            worker = worker.id.0,
            tasks = left,
            "tasks did not leave in time; they are cut off"
        );
    }
    worker.flush_counters();
}
