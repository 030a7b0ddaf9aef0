//! A live stream on its worker: the hub's state with the tasks around it.
//!
//! All tasks of a stream run on one thread and share it by `Rc`. Nobody holds the borrow of [`Inner`] over an await.

mod driver;
mod image;
mod socket;
mod view;

pub(crate) use image::{Images, hub_kind, media_kind};
pub(crate) use socket::PlayerSocket;
pub(crate) use view::millis;

use std::cell::{Ref, RefCell, RefMut};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bongsu_hub::{
    Config, Event, Fanout, Filter, Identity, Kind, LiveStream, PlayerId, PlayerStats, PublisherId,
    Pushed, QueueError, Refused, Schedule, Shape, State, Turn, Unpublish,
};
use bongsu_rtmp::session::server::ConnectInfo;
use bongsu_rtmp::url::{Query, StreamPath};
use bytes::Bytes;

use crate::config::App;
use crate::mailbox::{Mail, Mailbox};
use crate::receiver::{Receiver, Verdict};
use crate::relay::push::PushHandle;
use crate::worker::Worker;

/// One live stream on its home worker.
#[derive(Debug)]
pub(crate) struct Stream {
    path: StreamPath,
    app: Rc<App>,
    created: Instant,
    inner: RefCell<Inner>,
    /// Wakes the driver.
    bell: Mailbox,
}

/// What the tasks of a stream share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) live: LiveStream,
    fanout: Fanout<PlayerSocket>,
    schedule: Schedule,
    players: HashMap<PlayerId, Rc<Mailbox>>,
    publisher: Option<Publisher>,
    /// The query of the last publisher without credentials, for the templates of pushes.
    args: Query,
    pushes: Vec<Rc<PushHandle>>,
}

/// Who publishes, for status pages and for the one who takes over.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    pub(crate) connection: u64,
    pub(crate) peer: SocketAddr,
    pub(crate) since: Instant,
    pub(crate) identity: Identity,
    pub(crate) connect: Option<Arc<ConnectInfo>>,
    pub(crate) mailbox: Rc<Mailbox>,
}

impl Stream {
    /// A stream that nobody has published to, with its driver started on `worker`.
    pub(crate) fn start(worker: &Rc<Worker>, path: StreamPath, app: Rc<App>) -> Rc<Self> {
        let config = Config {
            hold: worker.hold_of(&app),
            takeover: app.takeover,
        };
        let stream = Rc::new(Self {
            path,
            created: Instant::now(),
            inner: RefCell::new(Inner {
                live: LiveStream::new(config),
                fanout: Fanout::new(),
                schedule: Schedule::new(app.merge_rule()),
                players: HashMap::new(),
                publisher: None,
                args: Query::default(),
                pushes: Vec::new(),
            }),
            app,
            bell: Mailbox::default(),
        });
        worker.spawn(driver::run(Rc::clone(worker), Rc::clone(&stream)));
        stream
    }

    /// App and name.
    pub(crate) const fn path(&self) -> &StreamPath {
        &self.path
    }

    /// The settings of its app.
    pub(crate) fn app(&self) -> &Rc<App> {
        &self.app
    }

    /// What its tasks share; never hold it over an await.
    pub(crate) fn inner(&self) -> Ref<'_, Inner> {
        self.inner.borrow()
    }

    fn inner_mut(&self) -> RefMut<'_, Inner> {
        self.inner.borrow_mut()
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> State {
        self.inner().live.state()
    }

    /// The query of the last publisher without credentials.
    pub(crate) fn args(&self) -> Query {
        self.inner().args.clone()
    }

    /// Whether a receiver gets anything of it.
    pub(crate) fn judge(&self, now: Instant, receiver: &Receiver) -> Verdict {
        let inner = self.inner();
        let began = inner.publisher.as_ref().map(|publisher| publisher.since);
        receiver.judge(now, &inner.live, began)
    }

    /// Gives the slot to a publisher, tells the one it replaces, and starts the pushes of a new stream.
    pub(crate) fn publish(
        self: &Rc<Self>,
        worker: &Rc<Worker>,
        now: Instant,
        publisher: Publisher,
        args: Query,
    ) -> Result<PublisherId, Refused> {
        let published = {
            let mut inner = self.inner_mut();
            let published = inner.live.publish(now, publisher.identity.clone())?;
            if let Some(old) = inner.publisher.replace(publisher)
                && published.replaced.is_some()
            {
                old.mailbox.post(Mail::TAKEN_OVER);
            }
            inner.args = args;
            published
        };
        if self.inner().pushes.is_empty() {
            let pushes = self.app.push.iter();
            let pushes = pushes
                .map(|push| PushHandle::start(worker, self, push))
                .collect();
            self.inner_mut().pushes = pushes;
        }
        self.wake();
        Ok(published.publisher)
    }

    /// Takes a message of the publisher. Call [`Stream::wake`] after the last one of a read.
    pub(crate) fn push(
        &self,
        now: Instant,
        publisher: PublisherId,
        kind: Kind,
        timestamp: u32,
        payload: Bytes,
    ) -> Pushed {
        let inner = &mut *self.inner_mut();
        let pushed = inner
            .live
            .push(now, publisher, kind, timestamp, payload, &Images);
        if pushed == Pushed::Queued {
            inner.schedule.on_frame(now, kind);
        }
        pushed
    }

    /// The publisher took its metadata back.
    pub(crate) fn clear_metadata(&self, publisher: PublisherId) {
        self.inner_mut().live.clear_metadata(publisher);
    }

    /// The publisher left.
    pub(crate) fn unpublish(&self, now: Instant, publisher: PublisherId, how: Unpublish) {
        let mut inner = self.inner_mut();
        let had_slot = inner.live.publisher() == Some(publisher);
        inner.live.unpublish(now, publisher, how);
        if had_slot {
            inner.publisher = None;
        }
        drop(inner);
        self.wake();
    }

    /// Wakes everybody who waits for frames or for a change of state.
    pub(crate) fn wake(&self) {
        self.bell.post(Mail::WORK);
        for push in &self.inner().pushes {
            push.mailbox().post(Mail::WORK);
        }
    }

    /// Lets a hold end at once from now on: nobody can come back while the server leaves.
    pub(crate) fn end_holds(&self) {
        let takeover = self.app.takeover;
        let config = Config {
            hold: std::time::Duration::ZERO,
            takeover,
        };
        self.inner_mut().live.set_config(config);
        self.wake();
    }

    /// Adds a player that gets its media on this message stream and in this shape: queue its replies, then give it its
    /// first turn.
    pub(crate) fn add_player(
        &self,
        now: Instant,
        socket: PlayerSocket,
        (message_stream, shape): (u32, Shape),
        mailbox: Rc<Mailbox>,
    ) -> PlayerId {
        let mut inner = self.inner_mut();
        let id = inner.fanout.add(now, socket, message_stream, shape);
        inner.players.insert(id, mailbox);
        inner.dispatch();
        id
    }

    /// Takes a player out; says what it got, and what must go out before anything else on its connection.
    pub(crate) fn remove_player(&self, id: PlayerId) -> (PlayerStats, Bytes) {
        let mut inner = self.inner_mut();
        inner.players.remove(&id);
        let removed = inner.fanout.remove(id, &Images);
        inner.dispatch();
        let last = inner.players.is_empty();
        drop(inner);
        if last {
            // A stream that nobody publishes and nobody waits for goes away.
            self.bell.post(Mail::WORK);
        }
        removed.map_or_else(Default::default, |removed| (removed.stats, removed.unsent))
    }

    /// Queues whole messages for a player.
    pub(crate) fn queue(&self, now: Instant, id: PlayerId, bytes: Bytes) -> Result<(), QueueError> {
        let mut inner = self.inner_mut();
        let queued = inner.fanout.queue(now, id, bytes);
        inner.dispatch();
        queued
    }

    /// Gives a player's connection whole messages of its other streams.
    pub(crate) fn carry(&self, now: Instant, id: PlayerId, bytes: Bytes) -> Result<(), QueueError> {
        let mut inner = self.inner_mut();
        let carried = inner.fanout.carry(now, id, bytes);
        inner.dispatch();
        carried
    }

    /// Whether the next such messages would be taken.
    pub(crate) fn can_carry(&self, id: PlayerId) -> bool {
        self.inner().fanout.can_carry(id)
    }

    /// Ends a player in order with these bytes.
    pub(crate) fn finish(
        &self,
        now: Instant,
        id: PlayerId,
        bytes: Bytes,
    ) -> Result<(), QueueError> {
        let mut inner = self.inner_mut();
        let finished = inner.fanout.finish(now, id, bytes);
        inner.dispatch();
        finished
    }

    /// Serves one player that is not in sync.
    pub(crate) fn turn(&self, now: Instant, id: PlayerId) -> Turn {
        let inner = &mut *self.inner_mut();
        let due = inner.fanout.poll_timeout();
        let turn = inner.fanout.turn(now, id, &mut inner.live, &Images);
        inner.dispatch();
        if inner.fanout.poll_timeout() != due {
            // The driver sleeps by the deadlines it knows.
            self.bell.post(Mail::WORK);
        }
        turn
    }

    /// Changes what a player wants of the stream.
    pub(crate) fn filter(&self, now: Instant, id: PlayerId, change: impl FnOnce(&mut Filter)) {
        let mut inner = self.inner_mut();
        if let Some(mut filter) = inner.fanout.filter(id) {
            change(&mut filter);
            inner.fanout.set_filter(now, id, filter);
            inner.dispatch();
        }
    }
}

impl Inner {
    /// Tells players what the fan-out wants of them.
    fn dispatch(&mut self) {
        while let Some(event) = self.fanout.poll_event() {
            let (id, mail) = match event {
                Event::Blocked(id) | Event::Ready(id) => (id, Mail::WORK),
                Event::Gone(id) => (id, Mail::GONE),
                Event::Stalled(id) => (id, Mail::STALLED),
            };
            if let Some(mailbox) = self.players.get(&id) {
                mailbox.post(mail);
            }
        }
    }
}
