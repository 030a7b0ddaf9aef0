//! The life of a relay: bind, serve, drain, stop.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bongsu_net::{
    FileLimit, ListenOptions, Listening, StreamOptions, listen_all, raise_file_limit,
};
use tokio::sync::mpsc;

use crate::config::first_key::{self, FirstKey, FirstKeyError};
use crate::config::{Config, Environment, ListenAddr, Workers};
use crate::limits::{DRAIN_CHECK, WORKER_QUEUE_MAX};
use crate::listen::accept_all;
use crate::registry::WorkerId;
use crate::shared::{Phase, Shared};
use crate::start_error::StartError;
use crate::worker::{self, ToWorker};

/// What a running relay can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Take nothing new, ask who can to go elsewhere, and leave when the last session has ended or at `drain_timeout`.
    Drain,
    /// End every session in order, and leave within a second.
    Stop,
    /// Leave at once, as it is.
    Exit,
}

/// A relay whose listeners are open.
#[derive(Debug)]
pub struct Relay {
    config: Config,
    rtmp: Vec<Listener>,
    http: Vec<Listener>,
}

/// An open listener and its address.
#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    local: SocketAddr,
}

impl Relay {
    /// Raises the limit of open files and opens the listeners. Nothing is accepted yet.
    ///
    /// # Errors
    /// [`StartError`] for the first address that cannot be listened on.
    pub fn bind(config: Config) -> Result<Self, StartError> {
        match raise_file_limit() {
            Ok(FileLimit { before, now }) if before != now => {
                tracing::debug!(?before, ?now, "raised the limit of open files");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, hint = error.try_hint(), "open files stay limited")
            }
        }
        let rtmp = ListenOptions {
            backlog: config.rtmp.backlog,
            ..ListenOptions::default()
        };
        let http = ListenOptions {
            stream: StreamOptions::default(),
            ..ListenOptions::default()
        };
        Ok(Self {
            rtmp: open("rtmp", &config.rtmp.listen, &rtmp)?,
            http: open("http", &config.http.listen, &http)?,
            config,
        })
    }

    /// Gives the key of the first start to the apps that need one. It stands behind [`Relay::bind`], so that only a
    /// relay that can start makes a key, and can say it.
    ///
    /// # Errors
    /// [`FirstKeyError`].
    pub fn ensure_first_key(
        &mut self,
        environment: &Environment,
    ) -> Result<Option<FirstKey>, FirstKeyError> {
        first_key::ensure(&mut self.config, environment)
    }

    /// The settings that it runs with.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Where RTMP listens, with the ports that the system chose.
    #[must_use]
    pub fn rtmp_addresses(&self) -> Vec<SocketAddr> {
        self.rtmp.iter().map(|listener| listener.local).collect()
    }

    /// Where HTTP listens.
    #[must_use]
    pub fn http_addresses(&self) -> Vec<SocketAddr> {
        self.http.iter().map(|listener| listener.local).collect()
    }

    /// Serves until a command ends it, or until nobody can send one any more (as after [`Command::Stop`]).
    ///
    /// `commands` come from signals or from a test; a channel of a few is enough.
    ///
    /// # Errors
    /// [`StartError`] when threads cannot be started.
    pub fn run(self, commands: mpsc::Receiver<Command>) -> Result<(), StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .thread_name("look-up")
            .build()
            .map_err(|error| StartError::system("the event queue", error))?;
        let served = runtime.block_on(self.serve(commands));
        // A name look-up may hang in the system's resolver; nobody waits for it.
        runtime.shutdown_background();
        served
    }

    async fn serve(self, mut commands: mpsc::Receiver<Command>) -> Result<(), StartError> {
        let count = worker_count(self.config.server.workers);
        let (queues, receivers): (Vec<_>, Vec<_>) =
            (0..count).map(|_| mpsc::channel(WORKER_QUEUE_MAX)).unzip();
        let own = self.rtmp_addresses();
        let drain_timeout = self.config.server.drain_timeout;
        let control = tokio::runtime::Handle::current();
        let shared = Arc::new(Shared::new(self.config, own, control, queues));
        let workers = start_workers(&shared, receivers)?;
        let accepting = self.rtmp.into_iter().map(|listener| {
            let shared = Arc::clone(&shared);
            tokio::spawn(accept_all(shared, listener.socket, listener.local))
        });
        let accepting: Vec<_> = accepting.collect();
        let listeners = self
            .http
            .into_iter()
            .map(|listener| listener.socket)
            .collect();
        let http = tokio::spawn(crate::http::serve(Arc::clone(&shared), listeners));
        tracing::info!(workers = count, "started");
        let command = wait_for_end(&shared, &mut commands, accepting, drain_timeout).await;
        if command == Command::Exit {
            tracing::info!("left at once");
            return Ok(());
        }
        shared.phase.send_replace(Phase::Stopping);
        for queue in shared.workers() {
            // A worker that is gone already has nothing to leave.
            let _ = queue.send(ToWorker::Stop).await;
        }
        let joined = tokio::task::spawn_blocking(move || workers.into_iter().for_each(join));
        tokio::select! {
            _ = joined => {}
            () = exit_was_asked(&mut commands) => {}
        }
        let _ = http.await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Opens the listeners of one section.
fn open(
    section: &str,
    configured: &[ListenAddr],
    options: &ListenOptions,
) -> Result<Vec<Listener>, StartError> {
    let addresses: Vec<SocketAddr> = configured.iter().map(ListenAddr::addr).collect();
    let listening = listen_all(&addresses, options)
        .map_err(|error| StartError::listen(error, section, configured))?;
    let opened = listening
        .into_iter()
        .map(|listener| nonblocking(listener, section, configured));
    opened.collect()
}

fn nonblocking(
    listener: Listening,
    section: &str,
    configured: &[ListenAddr],
) -> Result<Listener, StartError> {
    let local = listener.local_address();
    for warning in listener.warnings() {
        tracing::warn!(%local, hint = warning.try_hint(), "{warning}");
    }
    let socket = listener
        .into_nonblocking()
        .map_err(|error| StartError::listen(error.into(), section, configured))?;
    tracing::info!(%local, protocol = section, "listening");
    Ok(Listener { socket, local })
}

fn worker_count(workers: Workers) -> usize {
    match workers {
        Workers::Count(count) => count.max(1),
        Workers::Auto => std::thread::available_parallelism().map_or(1, usize::from),
    }
}

fn start_workers(
    shared: &Arc<Shared>,
    receivers: Vec<mpsc::Receiver<ToWorker>>,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    let started = receivers.into_iter().enumerate().map(|(index, queue)| {
        worker::start(WorkerId(index), Arc::clone(shared), queue)
            .map_err(|error| StartError::system("a worker thread", error))
    });
    started.collect()
}

fn join(worker: JoinHandle<()>) {
    if worker.join().is_err() {
        tracing::error!("a worker thread has panicked");
    }
}

/// Waits for the command that ends the relay, through a drain when that comes first.
async fn wait_for_end(
    shared: &Arc<Shared>,
    commands: &mut mpsc::Receiver<Command>,
    accepting: Vec<tokio::task::JoinHandle<()>>,
    drain_timeout: Duration,
) -> Command {
    match commands.recv().await.unwrap_or(Command::Stop) {
        Command::Drain => {}
        other => return other,
    }
    shared.phase.send_replace(Phase::Draining);
    // Who is asked to come back must not meet this process again.
    for listener in accepting {
        let _ = listener.await;
    }
    for queue in shared.workers() {
        let _ = queue.send(ToWorker::Drain).await;
    }
    let sessions = shared.open_sessions();
    tracing::info!(sessions, timeout = %humantime::format_duration(drain_timeout), "draining");
    tokio::select! {
        () = drained(shared) => Command::Stop,
        () = tokio::time::sleep(drain_timeout) => {
            tracing::warn!(sessions = shared.open_sessions(), "drain_timeout is over");
            Command::Stop
        }
        command = commands.recv() => match command {
            None | Some(Command::Stop) => Command::Stop,
            Some(Command::Drain | Command::Exit) => Command::Exit,
        },
    }
}

async fn drained(shared: &Shared) {
    while shared.open_sessions() > 0 {
        tokio::time::sleep(DRAIN_CHECK).await;
    }
}

async fn exit_was_asked(commands: &mut mpsc::Receiver<Command>) {
    if commands.recv().await.is_none() {
        // Nobody can ask any more.
        std::future::pending::<()>().await;
    }
}
