//! What every thread of a relay shares: settings, the map of streams, counters, and how to reach the workers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bongsu_rtmp::handshake::Seed;
use bongsu_rtmp::session::server::ServerConfig;
use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::listen::{Permits, WrongKeys};
use crate::registry::{Registry, WorkerId};
use crate::telemetry::Telemetry;
use crate::worker::ToWorker;

/// How far the life of the relay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It takes connections.
    Running,
    /// It takes no new ones and waits for those it has.
    Draining,
    /// Everything ends now.
    Stopping,
}

/// Shared by all threads of one relay.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) session_config: Arc<ServerConfig>,
    pub(crate) registry: Registry,
    pub(crate) telemetry: Telemetry,
    pub(crate) permits: Permits,
    pub(crate) wrong_keys: WrongKeys,
    /// Where RTMP listens, so that a push does not call ourselves.
    pub(crate) own_addresses: Vec<SocketAddr>,
    /// Name look-ups and HTTP run there, away from media.
    pub(crate) control: tokio::runtime::Handle,
    pub(crate) phase: watch::Sender<Phase>,
    workers: Vec<mpsc::Sender<ToWorker>>,
    next_connection: AtomicU64,
    open_connections: AtomicUsize,
    open_pushes: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(
        config: Config,
        own_addresses: Vec<SocketAddr>,
        control: tokio::runtime::Handle,
        workers: Vec<mpsc::Sender<ToWorker>>,
    ) -> Self {
        Self {
            session_config: Arc::new(session_config(&config)),
            registry: Registry::new(workers.len()),
            telemetry: Telemetry::new(),
            permits: Permits::new(&config.limits),
            wrong_keys: WrongKeys::new(&config.limits),
            own_addresses,
            control,
            phase: watch::Sender::new(Phase::Running),
            workers,
            next_connection: AtomicU64::new(1),
            open_connections: AtomicUsize::new(0),
            open_pushes: AtomicUsize::new(0),
            config,
        }
    }

    /// Whether it takes nothing new and waits for those who are there.
    pub(crate) fn is_draining(&self) -> bool {
        *self.phase.borrow() == Phase::Draining
    }

    /// The queues of the workers, in their order.
    pub(crate) fn workers(&self) -> &[mpsc::Sender<ToWorker>] {
        &self.workers
    }

    /// The queue of one worker.
    pub(crate) fn worker(&self, id: WorkerId) -> Option<&mpsc::Sender<ToWorker>> {
        self.workers.get(id.0)
    }

    /// A number for the next connection; it is in its log lines and in the API.
    pub(crate) fn connection_id(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a connection for as long as the guard lives.
    pub(crate) fn count_connection(self: &Arc<Self>) -> OpenConnection {
        self.open_connections.fetch_add(1, Ordering::Relaxed);
        self.telemetry.connections.inc();
        OpenConnection(Arc::clone(self))
    }

    /// Connections that are open now, outgoing ones not counted.
    pub(crate) fn open_connections(&self) -> usize {
        self.open_connections.load(Ordering::Relaxed)
    }

    /// Counts a push whose task has begun (1) or ended (-1).
    pub(crate) fn count_push(&self, change: isize) {
        // Two's complement: adding -1 wraps to one less.
        self.open_pushes
            .fetch_add(change.cast_unsigned(), Ordering::Relaxed);
    }

    /// Connections and pushes that a drain waits for.
    pub(crate) fn open_sessions(&self) -> usize {
        self.open_connections() + self.open_pushes.load(Ordering::Relaxed)
    }
}

/// One open connection in the count.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<Shared>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.open_connections.fetch_sub(1, Ordering::Relaxed);
        self.0.telemetry.connections.dec();
    }
}

/// Random bytes for the filler of a handshake; they protect nothing, so that zeros do when the system has none.
pub(crate) fn seed() -> Seed {
    let mut seed = Seed::default();
    let _ = getrandom::fill(&mut seed);
    seed
}

fn session_config(config: &Config) -> ServerConfig {
    ServerConfig {
        limits_publishing: config.limits.authorised(),
        handshake_timeout: config.limits.handshake_timeout,
        request_timeout: config.limits.request_timeout,
        ..ServerConfig::default()
    }
}
