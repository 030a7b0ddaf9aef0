//! The message streams of one connection.

use std::time::Instant;

use super::RequestId;
use super::stream_state::{Accepted, InUse, StreamState};
use crate::limits::{Limit, LimitExceeded, MESSAGE_STREAMS_MAX};
use crate::message::MessageStreamId;

/// The streams that were created, or used without being created.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<(MessageStreamId, StreamState)>);

impl Streams {
    /// Makes a stream with the smallest free id from 1 on. [WIRE 104] [WIRE 107]
    pub(super) fn create(&mut self) -> Result<MessageStreamId, LimitExceeded> {
        let max = MESSAGE_STREAMS_MAX as u64;
        let exceeded = LimitExceeded {
            limit: Limit::MessageStreams,
            got: max.saturating_add(1),
            max,
        };
        if self.0.len() >= MESSAGE_STREAMS_MAX {
            return Err(exceeded);
        }
        let mut ids = (MessageStreamId::FIRST.0..=u32::MAX).map(MessageStreamId);
        let id = ids.find(|id| self.get(*id).is_none()).ok_or(exceeded)?;
        self.0.push((id, StreamState::Idle));
        Ok(id)
    }

    /// The stream that a publish or play on `id` is for.
    ///
    /// An id that nobody created is the connection's only stream: it is made when no other one is in use, so that
    /// it is never mixed with one.
    pub(super) fn open(&mut self, id: MessageStreamId) -> Result<&mut StreamState, InUse> {
        if self.get(id).is_none() {
            if self.is_any_in_use() || self.0.len() >= MESSAGE_STREAMS_MAX {
                return Err(InUse);
            }
            self.0.push((id, StreamState::Idle));
        }
        self.get_mut(id).ok_or(InUse)
    }

    /// The stream that a command means: the one it names, else the one it came on, else the only one.
    pub(super) fn meant(
        &self,
        named: Option<MessageStreamId>,
        came_on: MessageStreamId,
    ) -> Option<MessageStreamId> {
        let known = |id: MessageStreamId| self.get(id).map(|_| id);
        let only = match self.0.as_slice() {
            [(id, _)] => Some(*id),
            _ => None,
        };
        named.and_then(known).or_else(|| known(came_on)).or(only)
    }

    /// The stream that `FCUnpublish` means: the only one that publishes or waits to, else the one of this name.
    pub(super) fn published_as(&self, name: &[u8]) -> Option<MessageStreamId> {
        let publishers = || {
            let publishers = self.0.iter();
            publishers.filter_map(|(id, state)| Some((*id, state.publish_name()?)))
        };
        let mut all = publishers();
        match (all.next(), all.next()) {
            (only, None) => only.map(|(id, _)| id),
            _ => publishers()
                .find(|(_, publish)| publish.as_bytes() == name)
                .map(|(id, _)| id),
        }
    }

    /// A media message came whole: gives the publisher that it is for.
    ///
    /// That is the only one, else the one that the message came on. So message stream ids matter no more than for
    /// commands: a chunk stream that a client opens with type 1 has message stream 0. [WIRE 026]
    pub(super) fn on_media(
        &mut self,
        came_on: MessageStreamId,
        now: Instant,
    ) -> Option<MessageStreamId> {
        let mut publishers = self.0.iter().filter(|(_, state)| state.is_publishing());
        let meant = match (publishers.next(), publishers.next()) {
            (Some((only, _)), None) => *only,
            _ => came_on,
        };
        self.get_mut(meant)?.on_media(now).then_some(meant)
    }

    pub(super) fn get(&self, id: MessageStreamId) -> Option<&StreamState> {
        self.0
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, state)| state)
    }

    pub(super) fn get_mut(&mut self, id: MessageStreamId) -> Option<&mut StreamState> {
        self.0
            .iter_mut()
            .find(|(known, _)| *known == id)
            .map(|(_, state)| state)
    }

    pub(super) fn remove(&mut self, id: MessageStreamId) -> Option<StreamState> {
        let index = self.0.iter().position(|(known, _)| *known == id)?;
        Some(self.0.remove(index).1)
    }

    /// Accepts the request of some stream; `None` when it was withdrawn.
    pub(super) fn on_accept(
        &mut self,
        request: RequestId,
        now: Instant,
    ) -> Option<(MessageStreamId, Accepted)> {
        let mut streams = self.0.iter_mut();
        streams.find_map(|(id, state)| Some((*id, state.on_accept(request, now)?)))
    }

    /// The stream whose request this is; `None` when it was withdrawn.
    pub(super) fn requested_by(&self, request: RequestId) -> Option<MessageStreamId> {
        let requesting = self
            .0
            .iter()
            .find(|(_, state)| state.request() == Some(request));
        requesting.map(|(id, _)| *id)
    }

    pub(super) fn is_any_in_use(&self) -> bool {
        self.0.iter().any(|(_, state)| !state.is_idle())
    }

    /// The first stream that is used for something, or will be.
    pub(super) fn first_in_use(&self) -> Option<MessageStreamId> {
        let mut used = self.0.iter().filter(|(_, state)| !state.is_idle());
        used.next().map(|(id, _)| *id)
    }

    pub(super) fn is_publish_pending(&self) -> bool {
        self.0
            .iter()
            .any(|(_, state)| matches!(state, StreamState::PublishPending { .. }))
    }

    /// The publisher that is silent for the longest time, and since when.
    pub(super) fn most_silent(&self) -> Option<(MessageStreamId, Instant)> {
        let silent = self.0.iter().filter_map(|(id, state)| match state {
            StreamState::Publishing { last_media, .. } => Some((*id, *last_media)),
            _ => None,
        });
        silent.min_by_key(|(_, since)| *since)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (MessageStreamId, &StreamState)> {
        self.0.iter().map(|(id, state)| (*id, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

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
