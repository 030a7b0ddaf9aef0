//! Many connections on one thread: an epoll loop that costs as little as it can, so that the server is what is measured.

mod peer;
mod tally;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use bongsu_rtmp::session::client::ClientConfig;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

pub(crate) use peer::{Arrival, Job};
pub(crate) use tally::Tally;

use peer::Peer;

use super::media::now_ns;

/// Bytes read at once. Why: what a player of a large stream gets in 100 ms.
const SCRATCH_BYTES: usize = 256 << 10;

/// Sockets that are looked at after one wait.
const EVENTS: usize = 1024;

/// Connections with one thread behind them.
pub(crate) struct Load {
    epoll: OwnedFd,
    /// In the order of opening; `None` is over.
    peers: Vec<Option<Peer>>,
    events: Vec<epoll::Event>,
    scratch: Box<[u8]>,
    /// How often players are read; `None` is at once.
    read_every: Option<Duration>,
    next_sweep: Instant,
    /// Which publisher sends when.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    faults: BTreeMap<String, u64>,
    accepted: usize,
    over: Vec<Tally>,
    /// Frames that reading players got since they were last taken.
    pub(crate) arrivals: Vec<Arrival>,
}

impl Load {
    /// A load without connections. With `read_every`, players are read that often instead of when bytes come.
    pub(crate) fn new(read_every: Option<Duration>) -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            peers: Vec::new(),
            events: Vec::with_capacity(EVENTS),
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            read_every,
            next_sweep: Instant::now(),
            due: BinaryHeap::new(),
            faults: BTreeMap::new(),
            accepted: 0,
            over: Vec::new(),
            arrivals: Vec::new(),
        })
    }

    /// Begins one more connection. One that fails is counted.
    pub(crate) fn open(&mut self, address: SocketAddr, config: ClientConfig, job: Job) {
        let peer = match Peer::open(address, config, job) {
            Ok(peer) => peer,
            Err(fault) => return self.fail(fault),
        };
        let token = epoll::EventData::new_u64(self.peers.len() as u64);
        let flags = epoll::EventFlags::IN | epoll::EventFlags::OUT;
        match epoll::add(&self.epoll, &peer.socket, token, flags) {
            Ok(()) => self.peers.push(Some(peer)),
            Err(error) => self.fail(error.to_string()),
        }
    }

    fn fail(&mut self, fault: String) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Connections that the server accepted, over or not.
    pub(crate) const fn accepted(&self) -> usize {
        self.accepted
    }

    /// Connections that are not over.
    pub(crate) fn open_count(&self) -> usize {
        self.peers.iter().flatten().count()
    }

    /// How connections ended, with how many did so.
    pub(crate) const fn faults(&self) -> &BTreeMap<String, u64> {
        &self.faults
    }

    /// What the connections saw: those that are open, then those that are over.
    pub(crate) fn tallies(&self) -> impl Iterator<Item = &Tally> {
        let open = self.peers.iter().flatten().map(|peer| &peer.tally);
        open.chain(&self.over)
    }

    /// Begins the measurement anew for all open connections.
    pub(crate) fn restart(&mut self) {
        let now = now_ns();
        self.over.clear();
        self.arrivals.clear();
        for peer in self.peers.iter_mut().flatten() {
            peer.tally.restart(now);
        }
    }

    /// Counts the time without a byte up to now for all open connections.
    pub(crate) fn see_gaps(&mut self) {
        let now = now_ns();
        for peer in self.peers.iter_mut().flatten() {
            if peer.is_playing() {
                peer.tally.see_gap(now);
            }
        }
    }

    /// Serves the connections until then.
    pub(crate) fn run_until(&mut self, until: Instant) -> io::Result<()> {
        loop {
            let now = Instant::now();
            self.publish(now);
            self.sweep(now);
            if now >= until {
                return Ok(());
            }
            let publishes = self.due.peek().map(|Reverse((due, _))| *due);
            let sweeps = self.read_every.map(|_| self.next_sweep);
            let wake = [Some(until), publishes, sweeps].into_iter().flatten().min();
            let wait = wake.map_or(Duration::ZERO, |wake| wake.saturating_duration_since(now));
            self.wait(wait)?;
        }
    }

    /// Serves the connections once, waiting at most so long.
    pub(crate) fn wait(&mut self, longest: Duration) -> io::Result<()> {
        let timeout = Timespec::try_from(longest).ok();
        let mut events = std::mem::take(&mut self.events);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events.drain(..) {
            // The token is the index, which fits.
            let index = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            self.serve(index, event.flags);
        }
        self.events = events;
        Ok(())
    }

    fn serve(&mut self, index: usize, flags: epoll::EventFlags) {
        let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        let (wrote, playing) = (peer.wants_to_write(), peer.is_playing());
        let was_accepted = peer.is_accepted();
        let mut done = Ok(());
        if flags.intersects(epoll::EventFlags::OUT | epoll::EventFlags::ERR) && wrote {
            done = peer.on_writable();
        }
        let readable = epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
        if done.is_ok() && flags.intersects(readable) {
            let arrivals = &mut self.arrivals;
            done = peer.on_readable(&mut self.scratch, &mut |arrival| arrivals.push(arrival));
        }
        self.accepted += usize::from(!was_accepted && peer.is_accepted());
        if let Err(fault) = done {
            return self.end(index, fault);
        }
        if !was_accepted && let Some(due) = peer.next_due() {
            self.due.push(Reverse((due, index)));
        }
        let watches = peer.wants_to_write();
        let sweeps = self.read_every.is_some() && peer.is_playing();
        if (watches, sweeps) != (wrote, self.read_every.is_some() && playing) {
            self.watch(index, watches, sweeps);
        }
    }

    /// Says what to wake up for: a player that is swept is not waited for.
    fn watch(&mut self, index: usize, writes: bool, sweeps: bool) {
        let Some(peer) = self.peers.get(index).and_then(Option::as_ref) else {
            return;
        };
        let mut flags = epoll::EventFlags::empty();
        flags.set(epoll::EventFlags::IN, !sweeps);
        flags.set(epoll::EventFlags::OUT, writes);
        let token = epoll::EventData::new_u64(index as u64);
        if let Err(error) = epoll::modify(&self.epoll, &peer.socket, token, flags) {
            self.end(index, error.to_string());
        }
    }

    fn publish(&mut self, now: Instant) {
        while let Some(Reverse((due, index))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            let Some(peer) = self.peers.get_mut(index).and_then(Option::as_mut) else {
                continue;
            };
            let waited = peer.wants_to_write();
            match peer.publish_due(now) {
                Ok(()) => {
                    let (writes, next) = (peer.wants_to_write(), peer.next_due());
                    if writes != waited {
                        self.watch(index, writes, false);
                    }
                    if let Some(next) = next {
                        self.due.push(Reverse((next, index)));
                    }
                }
                Err(fault) => self.end(index, fault),
            }
        }
    }

    /// Reads all players, when they are read by the clock.
    fn sweep(&mut self, now: Instant) {
        let Some(every) = self.read_every.filter(|_| self.next_sweep <= now) else {
            return;
        };
        self.next_sweep = now + every;
        for index in 0..self.peers.len() {
            let is_playing = self.peers.get(index).and_then(Option::as_ref);
            if is_playing.is_some_and(Peer::is_playing) {
                self.serve(index, epoll::EventFlags::IN);
            }
        }
    }

    fn end(&mut self, index: usize, fault: String) {
        if let Some(peer) = self.peers.get_mut(index).and_then(Option::take) {
            self.over.push(peer.tally);
        }
        self.fail(fault);
    }

    /// Says goodbye on all connections and closes them.
    pub(crate) fn stop(&mut self) {
        for peer in &mut self.peers {
            if let Some(mut peer) = peer.take() {
                peer.stop();
                self.over.push(peer.tally);
            }
        }
    }
}
