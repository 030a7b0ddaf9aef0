//! What the API and the metrics say of live streams: plain values that a worker fills in and HTTP writes out.
//!
//! Times are milliseconds as integers; names are those of `docs/http-api.md`. Nothing here is a secret: streams go by
//! their public names, URLs of destinations are masked.

use std::net::SocketAddr;

use serde::Serialize;

/// One live stream.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StreamSnapshot {
    /// App and name: `live/cam`.
    pub(crate) path: String,
    /// The app.
    pub(crate) app: String,
    /// The public stream name.
    pub(crate) name: String,
    /// `idle`, `live`, `holding` or `ended`.
    pub(crate) state: &'static str,
    /// Time since the stream began to exist.
    pub(crate) uptime_ms: u64,
    /// Time since the publisher was lost, while the stream is held.
    pub(crate) holding_ms: Option<u64>,
    /// Who publishes.
    pub(crate) publisher: Option<PublisherSnapshot>,
    /// Number of players, those that wait for the stream included.
    pub(crate) players: usize,
    /// Players that get each frame as it comes; the others catch up or wait.
    pub(crate) players_in_sync: usize,
    /// Audio and video tracks with their codecs.
    pub(crate) tracks: Vec<TrackSnapshot>,
    /// Messages the publishers sent.
    pub(crate) messages: u64,
    /// Bytes of payload the publishers sent.
    pub(crate) bytes: u64,
    /// Keyframes so far.
    pub(crate) keyframes: u64,
    /// Length of the last group of pictures.
    pub(crate) gop_ms: u64,
    /// Messages that were not passed on, by reason.
    pub(crate) dropped: DroppedSnapshot,
    /// Where the stream is pushed to.
    pub(crate) destinations: Vec<DestinationSnapshot>,
}

/// The publisher of a stream.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PublisherSnapshot {
    /// Number of the connection, as in the log.
    pub(crate) connection: u64,
    /// Its address.
    pub(crate) peer: SocketAddr,
    /// Time since it began to publish.
    pub(crate) uptime_ms: u64,
    /// Name of the key it used; `None` in an open app.
    pub(crate) key: Option<String>,
    /// What it calls itself, cut to 256 bytes.
    pub(crate) encoder: Option<String>,
}

/// A track of a stream.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TrackSnapshot {
    /// `audio` or `video`.
    pub(crate) kind: &'static str,
    /// Track id, 0 without one.
    pub(crate) id: u8,
    /// The codec, such as `H.264`.
    pub(crate) codec: String,
}

/// Messages that were not passed on.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct DroppedSnapshot {
    /// Cut short or impossible.
    pub(crate) malformed: u64,
    /// Headers already in force.
    pub(crate) repeated: u64,
    /// Video before the first keyframe.
    pub(crate) before_keyframe: u64,
}

/// One destination of a stream.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DestinationSnapshot {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// Its URL without secrets.
    pub(crate) url: String,
    /// `idle`, `resolving`, `connecting`, `handshaking`, `publishing`, `live`, `held`, `stalled`, `waiting_retry` or
    /// `rejected`.
    pub(crate) state: &'static str,
    /// Time in this state.
    pub(crate) since_ms: u64,
    /// Why it is in this state, in words; empty when there is nothing to say.
    pub(crate) reason: String,
    /// Number of the attempt, from 1; starts anew after a session that lasted.
    pub(crate) attempt: u64,
    /// Time until the next attempt.
    pub(crate) next_retry_ms: Option<u64>,
    /// Attempts so far that failed.
    pub(crate) failures: u64,
    /// Frames sent over all sessions.
    pub(crate) frames: u64,
    /// Bytes that the destination's TCP acknowledged, over all sessions.
    pub(crate) bytes_acknowledged: u64,
    /// Frames it missed.
    pub(crate) frames_dropped: u64,
    /// How far it is behind the newest frame.
    pub(crate) lag_ms: u64,
    /// Tracks that it cannot use and does not get, in words; empty between two sessions.
    pub(crate) left_out: Vec<String>,
}
