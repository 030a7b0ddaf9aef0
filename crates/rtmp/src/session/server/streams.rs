//! The message streams of one connection.

use std::time::{Duration, Instant};

use super::RequestId;
use super::stream_state::{Accepted, InUse, StreamState};
use crate::limits::{Limit, LimitExceeded, MESSAGE_STREAMS_MAX};
use crate::message::MessageStreamId;

/// The streams that were created, or used without being created.
#[derive(Debug, Default)]
pub(super) struct Streams {
    all: Vec<(MessageStreamId, StreamState)>,
    /// Whether two were ever in use at a time: then a message belongs to the stream that it came on.
    several: bool,
}

impl Streams {
    /// Makes a stream with the smallest free id from 1 on. [WIRE 104] [WIRE 107]
    pub(super) fn create(&mut self) -> Result<MessageStreamId, LimitExceeded> {
        let max = MESSAGE_STREAMS_MAX as u64;
        let exceeded = LimitExceeded {
            limit: Limit::MessageStreams,
            got: max.saturating_add(1),
            max,
        };
        if self.all.len() >= MESSAGE_STREAMS_MAX {
            return Err(exceeded);
        }
        let mut ids = (MessageStreamId::FIRST.0..=u32::MAX).map(MessageStreamId);
        let id = ids.find(|id| self.get(*id).is_none()).ok_or(exceeded)?;
        self.all.push((id, StreamState::Idle));
        Ok(id)
    }

    /// The stream that a publish or play on `id` is for, which begins to use it.
    ///
    /// An id that nobody created is the connection's only stream: it is made when no other one is in use, so that
    /// it is never mixed with one.
    pub(super) fn open(&mut self, id: MessageStreamId) -> Result<&mut StreamState, InUse> {
        if self.get(id).is_none() {
            if self.is_any_in_use() || self.all.len() >= MESSAGE_STREAMS_MAX {
                return Err(InUse);
            }
            self.all.push((id, StreamState::Idle));
        }
        self.several |= self.is_other_in_use(id);
        self.get_mut(id).ok_or(InUse)
    }

    /// The stream that a command means: the one it names, else the one it came on, else the only one. Once the
    /// connection was used for several things at a time, a name that is not known means none: the stream that it meant
    /// is gone, and no other one ends for it.
    pub(super) fn meant(
        &self,
        named: Option<MessageStreamId>,
        came_on: MessageStreamId,
    ) -> Option<MessageStreamId> {
        let known = |id: MessageStreamId| self.get(id).map(|_| id);
        if self.several {
            return known(named.unwrap_or(came_on));
        }
        let only = match self.all.as_slice() {
            [(id, _)] => Some(*id),
            _ => None,
        };
        named.and_then(known).or_else(|| known(came_on)).or(only)
    }

    /// The stream that `FCUnpublish` means: the only one that publishes or waits to, else the one of this name. That
    /// one alone once the connection was used for several things at a time.
    pub(super) fn published_as(&self, name: &[u8]) -> Option<MessageStreamId> {
        let publishers = || {
            let publishers = self.all.iter();
            publishers.filter_map(|(id, state)| Some((*id, state.publish_name()?)))
        };
        let mut all = publishers();
        match (all.next(), all.next()) {
            (only, None) if !self.several => only.map(|(id, _)| id),
            _ => publishers()
                .find(|(_, publish)| publish.as_bytes() == name)
                .map(|(id, _)| id),
        }
    }

    /// A media message came whole: gives the publisher that it is for.
    ///
    /// As long as the connection is used for one thing at a time, that is the only one: message stream ids matter no
    /// more than for commands. After that it is the one that the message came on, so that what is late for a publish
    /// that has ended gets into no other. A chunk stream that a client opens with type 1 has message stream 0, which
    /// stands for the only publisher. [WIRE 026]
    pub(super) fn on_media(
        &mut self,
        came_on: MessageStreamId,
        now: Instant,
    ) -> Option<MessageStreamId> {
        let any_id = !self.several || came_on == MessageStreamId::CONNECTION;
        let mut publishers = self.all.iter().filter(|(_, state)| state.is_publishing());
        let meant = match (publishers.next(), publishers.next()) {
            (Some((only, _)), None) if any_id => *only,
            _ => came_on,
        };
        self.get_mut(meant)?.on_media(now).then_some(meant)
    }

    pub(super) fn get(&self, id: MessageStreamId) -> Option<&StreamState> {
        self.all
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, state)| state)
    }

    pub(super) fn get_mut(&mut self, id: MessageStreamId) -> Option<&mut StreamState> {
        self.all
            .iter_mut()
            .find(|(known, _)| *known == id)
            .map(|(_, state)| state)
    }

    pub(super) fn remove(&mut self, id: MessageStreamId) -> Option<StreamState> {
        let index = self.all.iter().position(|(known, _)| *known == id)?;
        Some(self.all.remove(index).1)
    }

    /// Accepts the request of some stream; `None` when it was withdrawn.
    pub(super) fn on_accept(
        &mut self,
        request: RequestId,
        now: Instant,
        idle: Option<Duration>,
    ) -> Option<(MessageStreamId, Accepted)> {
        let mut streams = self.all.iter_mut();
        streams.find_map(|(id, state)| Some((*id, state.on_accept(request, now, idle)?)))
    }

    /// The stream whose request this is; `None` when it was withdrawn.
    pub(super) fn requested_by(&self, request: RequestId) -> Option<MessageStreamId> {
        let requesting = self
            .all
            .iter()
            .find(|(_, state)| state.request() == Some(request));
        requesting.map(|(id, _)| *id)
    }

    pub(super) fn is_any_in_use(&self) -> bool {
        self.all.iter().any(|(_, state)| !state.is_idle())
    }

    /// Whether a stream but this one is used for something, or will be.
    pub(super) fn is_other_in_use(&self, id: MessageStreamId) -> bool {
        self.all
            .iter()
            .any(|(other, state)| *other != id && !state.is_idle())
    }

    /// The first stream that is used for something, or will be.
    pub(super) fn first_in_use(&self) -> Option<MessageStreamId> {
        let mut used = self.all.iter().filter(|(_, state)| !state.is_idle());
        used.next().map(|(id, _)| *id)
    }

    pub(super) fn is_publish_pending(&self) -> bool {
        self.all
            .iter()
            .any(|(_, state)| matches!(state, StreamState::PublishPending { .. }))
    }

    /// The publisher whose silence is too long next, and when.
    pub(super) fn most_silent(&self) -> Option<(MessageStreamId, Instant)> {
        let silent = self.all.iter().filter_map(|(id, state)| match state {
            StreamState::Publishing {
                last_media, idle, ..
            } => Some((*id, last_media.checked_add((*idle)?)?)),
            _ => None,
        });
        silent.min_by_key(|(_, at)| *at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (MessageStreamId, &StreamState)> {
        self.all.iter().map(|(id, state)| (*id, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    #[allow(clippy::disallowed_methods, reason = "any instant will do")]
    fn epoch() -> Instant {
        Instant::now()
    }

    #[test]
    fn ids_start_at_1_and_freed_ones_are_given_out_again() {
        let mut streams = Streams::default();
        let ids: Vec<_> = (0..3).map(|_| streams.create().unwrap().0).collect();
        assert_eq!(ids, [1, 2, 3]);
        assert!(streams.remove(MessageStreamId(2)).is_some());
        assert_eq!(streams.create().unwrap(), MessageStreamId(2));
        assert_eq!(streams.create().unwrap(), MessageStreamId(4));
    }

    /// [WIRE 107]
    #[test]
    fn the_limit_of_streams_holds() {
        let mut streams = Streams::default();
        for _ in 0..MESSAGE_STREAMS_MAX {
            streams.create().unwrap();
        }
        let exceeded = streams.create().unwrap_err();
        assert_eq!(
            (exceeded.limit, exceeded.got, exceeded.max),
            (Limit::MessageStreams, 9, 8)
        );
        assert!(streams.open(MessageStreamId(0)).is_err());
    }

    #[test]
    fn an_id_that_nobody_created_is_never_used_beside_another() {
        let mut streams = Streams::default();
        let created = streams.create().unwrap();
        let implied = streams.open(MessageStreamId(0)).unwrap();
        implied.on_publish(RequestId(1), Text::from("k")).unwrap();
        assert_eq!(streams.open(MessageStreamId(9)).unwrap_err(), InUse);
        assert!(streams.open(created).unwrap().is_idle());
    }

    /// Goal: the last frames of a publish that has ended never get into another one of the connection.
    #[test]
    fn media_means_the_only_publisher_until_two_streams_were_in_use_then_its_own() {
        let (now, none) = (epoch(), MessageStreamId(0));
        let mut streams = Streams::default();
        let [first, second, unknown] = [1, 2, 9].map(MessageStreamId);
        let publish = |streams: &mut Streams, request| {
            let id = streams.create().unwrap();
            let request = RequestId(request);
            streams
                .open(id)
                .unwrap()
                .on_publish(request, Text::from("a"))
                .unwrap();
            streams.on_accept(request, now, None).unwrap();
        };
        publish(&mut streams, 1);
        for any in [first, second, unknown, none] {
            assert_eq!(streams.on_media(any, now), Some(first));
        }
        publish(&mut streams, 2);
        for (came_on, meant) in [
            (first, Some(first)),
            (second, Some(second)),
            (unknown, None),
            (none, None),
        ] {
            assert_eq!(streams.on_media(came_on, now), meant);
        }
        assert!(streams.remove(second).is_some());
        for (came_on, meant) in [(second, None), (first, Some(first)), (none, Some(first))] {
            assert_eq!(streams.on_media(came_on, now), meant);
        }
    }

    #[test]
    fn a_command_means_the_stream_it_names_then_its_own_then_the_only_one() {
        let mut streams = Streams::default();
        assert_eq!(streams.meant(None, MessageStreamId(1)), None);
        let first = streams.create().unwrap();
        assert_eq!(
            streams.meant(Some(MessageStreamId(7)), MessageStreamId(0)),
            Some(first)
        );
        let second = streams.create().unwrap();
        assert_eq!(streams.meant(Some(second), first), Some(second));
        assert_eq!(streams.meant(Some(MessageStreamId(7)), first), Some(first));
        assert_eq!(streams.meant(None, MessageStreamId(0)), None);
    }

    #[test]
    fn fcunpublish_finds_the_only_publisher_or_the_one_of_its_name() {
        let mut streams = Streams::default();
        assert_eq!(streams.published_as(b"a"), None);
        let first = streams.create().unwrap();
        streams
            .open(first)
            .unwrap()
            .on_publish(RequestId(1), Text::from("a"))
            .unwrap();
        assert_eq!(streams.published_as(b"whatever"), Some(first));
        let second = streams.create().unwrap();
        streams
            .open(second)
            .unwrap()
            .on_publish(RequestId(2), Text::from("b"))
            .unwrap();
        assert_eq!(streams.published_as(b"b"), Some(second));
        assert_eq!(streams.published_as(b"whatever"), None);
    }
}
