//! A snapshot for tests, with a figure in every field.

use crate::snapshot::{
    DestinationSnapshot, DroppedSnapshot, PublisherSnapshot, StreamSnapshot, TrackSnapshot,
};

/// A live stream of a path such as `live/cam`, with one destination.
pub(crate) fn stream(path: &str) -> StreamSnapshot {
    let (app, name) = path.split_once('/').unwrap();
    StreamSnapshot {
        path: path.to_owned(),
        app: app.to_owned(),
        name: name.to_owned(),
        state: "live",
        uptime_ms: 60_000,
        holding_ms: None,
        publisher: Some(PublisherSnapshot {
            connection: 1,
            peer: "192.0.2.1:50000".parse().unwrap(),
            uptime_ms: 59_000,
            key: Some("cam".to_owned()),
            encoder: Some("FMLE/3.0".to_owned()),
        }),
        players: 3,
        players_in_sync: 2,
        tracks: vec![TrackSnapshot {
            kind: "video",
            id: 0,
            codec: "H.264".to_owned(),
        }],
        messages: 1_000,
        bytes: 50_000,
        keyframes: 30,
        gop_ms: 2_000,
        dropped: DroppedSnapshot {
            malformed: 1,
            repeated: 2,
            before_keyframe: 3,
        },
        destinations: vec![DestinationSnapshot {
            name: "twitch".to_owned(),
            url: "rtmp://example.com/app/***".to_owned(),
            state: "live",
            since_ms: 58_000,
            reason: String::new(),
            attempt: 1,
            next_retry_ms: None,
            failures: 0,
            frames: 100,
            bytes_acknowledged: 1_000,
            frames_dropped: 4,
            lag_ms: 40,
            left_out: vec!["AV1 video (av01)".to_owned()],
        }],
    }
}
