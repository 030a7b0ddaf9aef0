//! Which worker a stream lives on.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use bongsu_rtmp::url::StreamPath;

/// Names one worker, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WorkerId(pub(crate) usize);

/// The home worker of every stream that somebody publishes or waits for.
///
/// A stream has one home; publishers and players move there once, before they start. The lock is held for a look-up
/// only: once per publish or play, never per frame.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    homes: Mutex<Homes>,
}

#[derive(Debug, Default)]
struct Homes {
    streams: HashMap<StreamPath, WorkerId>,
    /// Streams per worker.
    load: Vec<usize>,
}

impl Registry {
    pub(crate) fn new(workers: usize) -> Self {
        let homes = Homes {
            streams: HashMap::new(),
            load: vec![0; workers.max(1)],
        };
        Self {
            homes: Mutex::new(homes),
        }
    }

    /// The home of a stream; a new stream gets the worker with the fewest, `near` among equals.
    pub(crate) fn home(&self, path: &StreamPath, near: WorkerId) -> WorkerId {
        let mut homes = self.lock();
        if let Some(home) = homes.streams.get(path) {
            return *home;
        }
        let least = homes.load.iter().copied().min().unwrap_or(0);
        let near_is_least = homes.load.get(near.0).is_some_and(|load| *load == least);
        let home = if near_is_least {
            near
        } else {
            WorkerId(
                homes
                    .load
                    .iter()
                    .position(|load| *load == least)
                    .unwrap_or(0),
            )
        };
        homes.streams.insert(path.clone(), home);
        if let Some(load) = homes.load.get_mut(home.0) {
            *load += 1;
        }
        home
    }

    /// The stream is gone from its home.
    pub(crate) fn release(&self, path: &StreamPath, home: WorkerId) {
        let mut homes = self.lock();
        if let Entry::Occupied(entry) = homes.streams.entry(path.clone())
            && *entry.get() == home
        {
            entry.remove();
            if let Some(load) = homes.load.get_mut(home.0) {
                *load = load.saturating_sub(1);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Homes> {
        // A panic elsewhere cannot leave the map half changed: each change is one insert or remove.
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> StreamPath {
        StreamPath::new(text).unwrap()
    }

    #[test]
    fn a_stream_keeps_its_home_until_it_is_removed() {
        let registry = Registry::new(2);
        assert_eq!(registry.home(&path("live/a"), WorkerId(1)), WorkerId(1));
        assert_eq!(registry.home(&path("live/a"), WorkerId(0)), WorkerId(1));
        registry.release(&path("live/a"), WorkerId(0));
        assert_eq!(
            registry.home(&path("live/a"), WorkerId(0)),
            WorkerId(1),
            "not its home"
        );
        registry.release(&path("live/a"), WorkerId(1));
        assert_eq!(registry.home(&path("live/a"), WorkerId(0)), WorkerId(0));
    }

    #[test]
    fn new_streams_go_to_the_worker_with_the_fewest() {
        let registry = Registry::new(3);
        let near = WorkerId(0);
        let homes: Vec<usize> = ["a", "b", "c", "d"]
            .iter()
            .map(|name| registry.home(&path(name), near).0)
            .collect();
        assert_eq!(homes, [0, 1, 2, 0]);
    }
}
