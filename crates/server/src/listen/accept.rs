//! The acceptor: takes connections from a listener and hands them to the workers in turn.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bongsu_net::{AcceptError, AfterAcceptError, canonical};
use tokio::io::unix::AsyncFd;

use super::permits::{Permit, TurnedAway};
use crate::limits::WARN_EVERY;
use crate::registry::WorkerId;
use crate::session::Arrival;
use crate::shared::{Phase, Shared};
use crate::telemetry::Seldom;
use crate::worker::ToWorker;

/// Accepts from one listener until the server takes nothing new. The listener is closed at the end.
pub(crate) async fn accept_all(shared: Arc<Shared>, listener: TcpListener, local: SocketAddr) {
    let mut phase = shared.phase.subscribe();
    let listener = match watch(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%local, %error, "cannot watch the listener");
            return;
        }
    };
    let turn = AtomicUsize::new(0);
    let (mut warned, mut full) = (None, Seldom::default());
    loop {
        let accepted = tokio::select! {
            _ = phase.wait_for(|phase| *phase != Phase::Running) => return,
            accepted = accept(&listener, local) => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                if !hand_over(&shared, socket, peer, &turn, &mut full).await {
                    return;
                }
            }
            Err(error) => {
                if !go_on(&shared, &error, &mut warned).await {
                    return;
                }
            }
        }
    }
}

/// Lets the runtime tell when somebody waits.
///
/// The runtime's own listener would register every accepted socket with this thread's queue, only to hand it to that of
/// a worker.
#[expect(
    deprecated,
    reason = "its successor is unsafe for types that may lie about their descriptor; the standard library's do not"
)]
fn watch(listener: TcpListener) -> std::io::Result<AsyncFd<TcpListener>> {
    AsyncFd::new(listener)
}

async fn accept(
    listener: &AsyncFd<TcpListener>,
    local: SocketAddr,
) -> Result<(TcpStream, SocketAddr), AcceptError> {
    let failed = |error| AcceptError::from_io(local, error);
    loop {
        let mut ready = listener.readable().await.map_err(failed)?;
        if let Ok(accepted) = ready.try_io(|listener| listener.get_ref().accept()) {
            let (socket, peer) = accepted.map_err(failed)?;
            socket.set_nonblocking(true).map_err(failed)?;
            return Ok((socket, canonical(peer)));
        }
    }
}

/// Gives a connection to the next worker. False when there is none any more.
async fn hand_over(
    shared: &Arc<Shared>,
    socket: TcpStream,
    peer: SocketAddr,
    turn: &AtomicUsize,
    full: &mut Seldom,
) -> bool {
    let permit = match admit(shared, peer) {
        Ok(permit) => permit,
        Err(turned_away) => {
            shared.telemetry.turned_away(&turned_away);
            tracing::debug!(%peer, reason = %turned_away, "turned away");
            if turned_away == TurnedAway::Connections
                && let Some(count) = full.count(Instant::now())
            {
                tracing::warn!(
                    connections = count,
                    limit = shared.config.limits.connections,
                    "there are as many connections as `connections` in [limits] allows; turning new ones away"
                );
            }
            return true;
        }
    };
    shared.telemetry.accepted.inc();
    let count = shared.workers().len().max(1);
    let worker = WorkerId(turn.fetch_add(1, Ordering::Relaxed) % count);
    let arrival = Arrival {
        socket,
        peer,
        permit,
        id: shared.connection_id(),
        open: shared.count_connection(),
    };
    match shared.worker(worker) {
        Some(queue) => queue
            .send(ToWorker::Arrived(Box::new(arrival)))
            .await
            .is_ok(),
        None => false,
    }
}

fn admit(shared: &Shared, peer: SocketAddr) -> Result<Permit, TurnedAway> {
    let open = shared.open_connections();
    if usize::try_from(shared.config.limits.connections).is_ok_and(|most| open >= most) {
        return Err(TurnedAway::Connections);
    }
    shared.permits.admit(Instant::now(), peer.ip())
}

/// What follows a failed accept. False when the listener is of no more use.
async fn go_on(shared: &Shared, error: &AcceptError, warned: &mut Option<Instant>) -> bool {
    shared.telemetry.accept_failed();
    match error.next_step() {
        AfterAcceptError::Continue => true,
        AfterAcceptError::Pause(pause) => {
            if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
                *warned = Some(Instant::now());
                tracing::warn!(%error, hint = error.try_hint(), "cannot accept connections now");
            }
            tokio::time::sleep(pause).await;
            true
        }
        AfterAcceptError::Stop => {
            tracing::error!(%error, hint = error.try_hint(), "a listener is broken");
            false
        }
    }
}
