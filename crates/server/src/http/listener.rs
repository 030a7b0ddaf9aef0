//! One listener and its connections: accepts, bounds, leaves.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::guard::Peer;
use super::limits::{
    ACCEPT_PAUSE, CONNECTION_AGE_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT, LAST_REQUEST, LEAVE,
};
use crate::shared::Phase;

/// Serves one listener until the relay stops.
pub(super) async fn serve_one(
    listener: std::net::TcpListener,
    routes: Router,
    places: Arc<Semaphore>,
    phase: watch::Receiver<Phase>,
) {
    let (listener, local) = match open(listener) {
        Ok(opened) => opened,
        Err(error) => {
            tracing::error!(%error, "cannot serve HTTP on a listener");
            return;
        }
    };
    let mut connections = JoinSet::new();
    let mut stop = phase.clone();
    let accept = async {
        loop {
            let (socket, peer, place) = accept(&listener, &places).await;
            // Those that ended are taken out, so that the set holds the open ones.
            while connections.try_join_next().is_some() {}
            let peer = Peer::new(peer, local);
            connections.spawn(connection(
                socket,
                peer,
                routes.clone(),
                phase.clone(),
                place,
            ));
        }
    };
    tokio::select! {
        () = stopping(&mut stop) => {}
        () = accept => {}
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    // What is left is cut off with the set.
    let _ = timeout(LEAVE, all_ended).await;
}

fn open(listener: std::net::TcpListener) -> io::Result<(TcpListener, SocketAddr)> {
    listener.set_nonblocking(true)?;
    let local = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, local))
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // Nobody closes the semaphore.
    let place = Arc::clone(places).acquire_owned().await.ok();
    let mut warned = false;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => return (socket, peer, place),
            Err(error) => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(%error, "cannot accept HTTP connections now");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    socket: TcpStream,
    peer: Peer,
    routes: Router,
    mut phase: watch::Receiver<Phase>,
    _place: Option<OwnedSemaphorePermit>,
) {
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        routes.call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    let mut serving = std::pin::pin!(serving);
    // An error is a peer that broke HTTP or left: there is nobody to tell.
    tokio::select! {
        _ = &mut serving => return,
        () = sleep(CONNECTION_AGE_MAX) => {}
        () = stopping(&mut phase) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = timeout(LAST_REQUEST, serving).await;
}

/// Waits until the relay stops; one that is gone has stopped.
async fn stopping(phase: &mut watch::Receiver<Phase>) {
    let _ = phase.wait_for(|phase| *phase == Phase::Stopping).await;
}
