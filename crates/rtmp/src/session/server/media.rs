//! What a publisher streams, as events.

use std::time::Instant;

use bytes::Bytes;

use super::{Event, ServerSession};
use crate::limits::LimitExceeded;
use crate::message::media::Aggregate;
use crate::message::{Data, MediaKind, MessageStreamId};

impl ServerSession {
    pub(super) fn on_audio(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        timestamp: u32,
        payload: Bytes,
    ) {
        self.on_media(now, stream, |stream| {
            Some(Event::Media {
                stream,
                kind: MediaKind::Audio,
                timestamp,
                payload,
            })
        });
    }

    pub(super) fn on_video(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        timestamp: u32,
        payload: Bytes,
    ) {
        self.on_media(now, stream, |stream| {
            Some(Event::Media {
                stream,
                kind: MediaKind::Video,
                timestamp,
                payload,
            })
        });
    }

    pub(super) fn on_data(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        timestamp: u32,
        data: Data,
    ) {
        self.on_media(now, stream, |stream| match data {
            Data::Set { body: payload, .. } | Data::Event { body: payload, .. } => {
                Some(Event::Media {
                    stream,
                    kind: MediaKind::Data,
                    timestamp,
                    payload,
                })
            }
            Data::Clear { name } if name.is_empty() || name == "onMetaData" => {
                Some(Event::MetadataCleared { stream })
            }
            Data::Clear { .. } => None,
        });
    }

    /// [WIRE 089]
    pub(super) fn on_aggregate(
        &mut self,
        now: Instant,
        stream: MessageStreamId,
        timestamp: u32,
        body: Bytes,
    ) -> Result<(), LimitExceeded> {
        for part in Aggregate::new(body, timestamp) {
            self.link.charge_tag()?;
            let Some(part) = part else {
                self.ignore();
                continue;
            };
            match part.kind {
                MediaKind::Audio => self.on_audio(now, stream, part.timestamp, part.payload),
                MediaKind::Video => self.on_video(now, stream, part.timestamp, part.payload),
                MediaKind::Data => match Data::decode(&part.payload) {
                    Some(data) => self.on_data(now, stream, part.timestamp, data),
                    None => self.ignore(),
                },
            }
        }
        Ok(())
    }

    /// Raises what `event` makes of a message for a stream that publishes, and counts any other.
    fn on_media(
        &mut self,
        now: Instant,
        came_on: MessageStreamId,
        event: impl FnOnce(MessageStreamId) -> Option<Event>,
    ) {
        let streams = self.state.streams_mut();
        let publisher = streams.and_then(|streams| streams.on_media(came_on, now));
        match publisher.and_then(event) {
            Some(event) => self.events.push_back(event),
            None => self.ignore(),
        }
    }
}
