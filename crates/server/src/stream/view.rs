//! A stream as the API and the metrics show it.

use std::time::{Duration, Instant};

use bongsu_hub::{Identity, Kind, State, Track};

use super::{Publisher, Stream};
use crate::snapshot::{DroppedSnapshot, PublisherSnapshot, StreamSnapshot, TrackSnapshot};

/// Whole milliseconds of a time span.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Stream {
    /// What there is to say about the stream now.
    pub(crate) fn snapshot(&self, now: Instant) -> StreamSnapshot {
        let inner = self.inner();
        let stats = inner.live.stats();
        let (state, holding) = match inner.live.state() {
            State::Idle => ("idle", None),
            State::Live => ("live", None),
            State::Holding { since } => ("holding", Some(since)),
            State::Ended => ("ended", None),
        };
        let since = |start: Instant| millis(now.saturating_duration_since(start));
        StreamSnapshot {
            path: self.path.as_str().to_owned(),
            app: self.path.app().to_owned(),
            name: self.path.name().to_owned(),
            state,
            uptime_ms: since(self.created),
            holding_ms: holding.map(since),
            publisher: inner
                .publisher
                .as_ref()
                .map(|publisher| publisher.snapshot(now)),
            players: inner.fanout.len(),
            players_in_sync: inner.fanout.in_sync(),
            tracks: inner.live.tracks().iter().map(track).collect(),
            messages: stats.messages,
            bytes: stats.bytes,
            keyframes: stats.keyframes,
            gop_ms: stats.gop_ms,
            dropped: DroppedSnapshot {
                malformed: stats.malformed,
                repeated: stats.repeated,
                before_keyframe: stats.before_keyframe,
            },
            destinations: inner
                .pushes
                .iter()
                .map(|push| push.snapshot(now, &inner.live))
                .collect(),
        }
    }
}

impl Publisher {
    fn snapshot(&self, now: Instant) -> PublisherSnapshot {
        let encoder = self
            .connect
            .as_ref()
            .and_then(|connect| connect.flash_ver.as_ref());
        PublisherSnapshot {
            connection: self.connection,
            peer: self.peer,
            uptime_ms: millis(now.saturating_duration_since(self.since)),
            key: match &self.identity {
                Identity::Open => None,
                Identity::Key(name) => Some(name.to_string()),
            },
            encoder: encoder.map(|text| text.to_str_lossy().into_owned()),
        }
    }
}

fn track(track: &Track) -> TrackSnapshot {
    TrackSnapshot {
        kind: match track.kind {
            Kind::Audio => "audio",
            Kind::Video => "video",
            Kind::Data => "data",
        },
        id: track.id,
        codec: track.codec.to_string(),
    }
}
