//! A worker: one thread that carries the media of its streams, with everybody who publishes, plays or is pushed to.
//!
//! Everything on a worker is `Rc` and cells; nothing on the path of a frame takes a lock. Other threads reach it
//! through one bounded queue of [`ToWorker`].

mod handshakes;
mod tasks;
mod thread;

pub(crate) use thread::start;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bongsu_rtmp::url::StreamPath;
use tokio::sync::oneshot;

use crate::config::{ANY_APP, App};
use crate::limits::READ_BYTES;
use crate::mailbox::{Mail, Mailbox};
use crate::registry::WorkerId;
use crate::relay::push::PushHandle;
use crate::session::{Arrival, Moved, SideStart};
use crate::shared::{Phase, Shared};
use crate::snapshot::StreamSnapshot;
use crate::stream::Stream;
use handshakes::Handshakes;
use tasks::Tasks;

/// What other threads tell a worker.
#[derive(Debug)]
pub(crate) enum ToWorker {
    /// A connection that was just accepted.
    Arrived(Box<Arrival>),
    /// A connection whose stream lives here.
    Moved(Box<Moved>),
    /// A further stream of a connection elsewhere, to be published or played here.
    Side(Box<SideStart>),
    /// Say what there is to say about the streams.
    Snapshot(oneshot::Sender<Vec<StreamSnapshot>>),
    /// The server takes nothing new: holds end at once, and who can is asked to go elsewhere.
    Drain,
    /// Leave in order.
    Stop,
}

/// Names the task of a connection, or of one of its side streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TaskId {
    /// Number of the connection.
    pub(crate) connection: u64,
    /// 0 for the connection itself.
    pub(crate) part: u32,
}

impl TaskId {
    /// The task of a connection.
    pub(crate) const fn of(connection: u64) -> Self {
        Self {
            connection,
            part: 0,
        }
    }
}

/// One worker, seen from its own thread.
#[derive(Debug)]
pub(crate) struct Worker {
    id: WorkerId,
    shared: Arc<Shared>,
    streams: RefCell<HashMap<StreamPath, Rc<Stream>>>,
    /// Settings of the apps that were used, by the name of their section.
    apps: RefCell<HashMap<String, Rc<App>>>,
    /// Pushes whose task runs, those of ended streams included.
    pushes: RefCell<Vec<Rc<PushHandle>>>,
    /// Where every connection reads into. Nobody holds it over an await.
    scratch: RefCell<Box<[u8]>>,
    /// Connections before `connect`.
    handshakes: Handshakes,
    /// Mailboxes of the others, and of the side streams.
    connections: RefCell<HashMap<TaskId, Rc<Mailbox>>>,
    sent: Rc<Cell<u64>>,
    received: Cell<u64>,
    tasks: Tasks,
}

impl Worker {
    fn new(id: WorkerId, shared: Arc<Shared>) -> Rc<Self> {
        let limits = &shared.config.limits;
        let most = handshakes::share(limits.handshakes, id, shared.workers().len());
        Rc::new(Self {
            id,
            handshakes: Handshakes::new(most),
            shared,
            streams: RefCell::default(),
            apps: RefCell::default(),
            pushes: RefCell::default(),
            scratch: RefCell::new(vec![0; READ_BYTES].into_boxed_slice()),
            connections: RefCell::default(),
            sent: Rc::default(),
            received: Cell::default(),
            tasks: Tasks::default(),
        })
    }

    /// Its number.
    pub(crate) const fn id(&self) -> WorkerId {
        self.id
    }

    /// What all threads share.
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Starts a task on this thread; the worker waits for it when it leaves.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.tasks.spawn(task);
    }

    /// The buffer to read into.
    pub(crate) const fn scratch(&self) -> &RefCell<Box<[u8]>> {
        &self.scratch
    }

    /// Counts bytes that were received.
    pub(crate) fn count_received(&self, bytes: usize) {
        self.received.set(self.received.get() + bytes as u64);
    }

    /// Counts bytes that were sent by others than players.
    pub(crate) fn count_sent(&self, bytes: usize) {
        self.sent.set(self.sent.get() + bytes as u64);
    }

    /// The count that the sockets of players add to.
    pub(crate) const fn sent_counter(&self) -> &Rc<Cell<u64>> {
        &self.sent
    }

    /// The stream of this path; a new one when there is none. `None` when its app is not served.
    pub(crate) fn stream(self: &Rc<Self>, path: &StreamPath) -> Option<Rc<Stream>> {
        if let Some(stream) = self.streams.borrow().get(path)
            && stream.state() != bongsu_hub::State::Ended
        {
            return Some(Rc::clone(stream));
        }
        let app = self.app(path.app())?;
        let stream = Stream::start(self, path.clone(), app);
        self.streams
            .borrow_mut()
            .insert(path.clone(), Rc::clone(&stream));
        Some(stream)
    }

    /// The settings of an app; one copy for all its streams.
    fn app(&self, name: &str) -> Option<Rc<App>> {
        let apps = &self.shared.config.apps;
        let section = if apps.contains_key(name) {
            name
        } else {
            ANY_APP
        };
        if let Some(app) = self.apps.borrow().get(section) {
            return Some(Rc::clone(app));
        }
        let app = Rc::new(apps.get(section)?.clone());
        self.apps
            .borrow_mut()
            .insert(section.to_owned(), Rc::clone(&app));
        Some(app)
    }

    /// Counts a push for as long as its task runs.
    pub(crate) fn enlist_push(&self, push: &Rc<PushHandle>) {
        self.pushes.borrow_mut().push(Rc::clone(push));
        self.shared.count_push(1);
    }

    /// The task of a push is over.
    pub(crate) fn delist_push(&self, push: &Rc<PushHandle>) {
        self.pushes
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, push));
        self.shared.count_push(-1);
    }

    /// Whether the push of an earlier stream to the same destination is still saying goodbye.
    pub(crate) fn has_earlier_push(&self, push: &Rc<PushHandle>) -> bool {
        let pushes = self.pushes.borrow();
        let mut earlier = pushes.iter().take_while(|other| !Rc::ptr_eq(other, push));
        earlier.any(|other| other.is_same_pair(push))
    }

    /// A stream is over. Its place may have been taken by a new one already.
    pub(crate) fn forget(&self, stream: &Rc<Stream>) {
        let mut streams = self.streams.borrow_mut();
        let is_it = |found: &Rc<Stream>| Rc::ptr_eq(found, stream);
        if streams.get(stream.path()).is_some_and(is_it) {
            streams.remove(stream.path());
            self.shared.registry.release(stream.path(), self.id);
        }
    }

    /// How long a stream of this app is held: not at all once the server is leaving.
    pub(crate) fn hold_of(&self, app: &App) -> Duration {
        match *self.shared.phase.borrow() {
            Phase::Running => app.hold,
            Phase::Draining | Phase::Stopping => Duration::ZERO,
        }
    }

    /// Lets a new connection be told when it has to make room, or the server leaves.
    pub(crate) fn greet(&self, connection: u64, mailbox: &Rc<Mailbox>) {
        let Some(longest) = self.handshakes.begin(connection, mailbox) else {
            return;
        };
        longest.post(Mail::MAKE_ROOM);
        if let Some(count) = self.handshakes.say_made_room(std::time::Instant::now()) {
            tracing::warn!(
                worker = self.id.0,
                connections = count,
                limit = self.shared.config.limits.handshakes,
                "more connections are in their handshake than `handshakes` in [limits] allows; closing those that have \
                 been longest in it"
            );
        }
    }

    /// The connection said `connect`: from now on it makes no room for others.
    pub(crate) fn handshake_done(&self, connection: u64) {
        if let Some(mailbox) = self.handshakes.end(connection) {
            mailbox.forget(Mail::MAKE_ROOM);
            self.enlist(TaskId::of(connection), &mailbox);
        }
    }

    /// Lets a task be told when the server leaves.
    pub(crate) fn enlist(&self, task: TaskId, mailbox: &Rc<Mailbox>) {
        self.connections
            .borrow_mut()
            .insert(task, Rc::clone(mailbox));
    }

    /// The task is over, or goes on at another worker.
    pub(crate) fn delist(&self, task: TaskId) {
        if task.part > 0 || self.handshakes.end(task.connection).is_none() {
            self.connections.borrow_mut().remove(&task);
        }
    }

    fn snapshot(&self) -> Vec<StreamSnapshot> {
        self.flush_counters();
        let now = std::time::Instant::now();
        self.streams
            .borrow()
            .values()
            .map(|stream| stream.snapshot(now))
            .collect()
    }

    /// Adds what was counted here to the counters of the process.
    fn flush_counters(&self) {
        let telemetry = &self.shared.telemetry;
        telemetry.bytes_sent.inc_by(self.sent.replace(0));
        telemetry.bytes_received.inc_by(self.received.replace(0));
    }

    fn drain(&self) {
        self.end_holds();
        for (task, mailbox) in self.connections.borrow().iter() {
            // Its connection is told, and not each of its streams.
            if *task == TaskId::of(task.connection) {
                mailbox.post(Mail::DRAINING);
            }
        }
    }

    fn end_holds(&self) {
        let streams: Vec<_> = self.streams.borrow().values().cloned().collect();
        for stream in streams {
            stream.end_holds();
        }
    }

    /// Tells every connection and every push to leave.
    fn tell_to_leave(&self) {
        let handshakes = self.handshakes.mailboxes();
        for mailbox in self.connections.borrow().values().chain(&handshakes) {
            mailbox.post(Mail::SHUTDOWN);
        }
        for push in self.pushes.borrow().iter() {
            push.mailbox().post(Mail::SHUTDOWN);
        }
    }
}
