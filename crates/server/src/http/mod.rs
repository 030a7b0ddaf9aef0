//! The HTTP side: health, metrics, and the API that tells about streams.
//!
//! It runs on the control runtime, away from media, and only ever reads: it asks each worker for a snapshot.
//! `listener` takes connections and bounds them, `guard` says who may ask, `routes` answers, `error` is what a refusal
//! looks like.

mod error;
mod guard;
mod limits;
mod listener;
mod routes;
mod streams;

use std::net::TcpListener;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::shared::Shared;

/// Serves on these listeners until the relay stops, then ends within half a second, whatever is open.
pub(crate) async fn serve(shared: Arc<Shared>, listeners: Vec<TcpListener>) {
    let routes = routes::routes(Arc::clone(&shared));
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let mut served = JoinSet::new();
    for listener in listeners {
        let phase = shared.phase.subscribe();
        served.spawn(listener::serve_one(
            listener,
            routes.clone(),
            Arc::clone(&places),
            phase,
        ));
    }
    while served.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests;
