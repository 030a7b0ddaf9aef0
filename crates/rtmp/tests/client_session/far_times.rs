//! Goal: times of a stream that runs for weeks, or starts anywhere, go through both sessions as they are.

use bongsu_rtmp::chunk::{self, ChunkStreamId, SERVER_CHUNK_SIZE};
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::client::{self, Role};
use bongsu_rtmp::session::server;
use bytes::{Bytes, BytesMut};

use super::together::Pair;

/// Times around every boundary, then steps back and ahead.
fn times() -> Vec<u32> {
    let boundaries = [1_u64 << 24, 1 << 30, 1 << 31, 1 << 32];
    let around = boundaries.into_iter().flat_map(|boundary| {
        (0..6_u64).map(move |count| boundary.wrapping_add(count * 40).wrapping_sub(120))
    });
    let steps = [5_000, 4_800, 9_000_000, 0, 3_000_000_000, 77];
    let low_bits = |time: u64| u32::try_from(time & 0xffff_ffff).unwrap();
    around.chain(steps).map(low_bits).collect()
}

fn payload(kind: MediaKind) -> Bytes {
    match kind {
        // More than one chunk for both sides.
        MediaKind::Video => Bytes::from(vec![0x27; 70_000]),
        _ => Bytes::from_static(b"\xaf\x01\x02"),
    }
}

/// Our client publishes, our server tells. [WIRE 166]
#[test]
fn what_is_published_at_any_time_arrives_with_it() {
    let mut pair = Pair::new(Role::Publish);
    pair.accept_publish();
    let stream = pair.client.stream().unwrap();
    for timestamp in times() {
        for kind in [MediaKind::Video, MediaKind::Audio] {
            let payload = payload(kind);
            pair.client
                .send_media(pair.now, kind, timestamp, &payload)
                .unwrap();
            pair.settle();
            let media = server::Event::Media {
                stream,
                kind,
                timestamp,
                payload,
            };
            assert_eq!(pair.server_events.pop(), Some(media), "{timestamp}");
        }
    }
    assert_eq!(pair.server_events, []);
}

/// Our server's image of a message, as all players get it; our client tells. [WIRE 166]
#[test]
fn what_is_played_at_any_time_arrives_with_it() {
    let mut pair = Pair::new(Role::Play);
    let stream = pair.accept_play();
    pair.client_events.clear();
    for timestamp in times() {
        for (kind, chunk_stream) in [
            (MediaKind::Video, ChunkStreamId::VIDEO),
            (MediaKind::Audio, ChunkStreamId::AUDIO),
        ] {
            let header = chunk::Header {
                chunk_stream,
                message_type: kind.message_type(),
                stream,
                timestamp,
            };
            let payload = payload(kind);
            let mut image = BytesMut::new();
            chunk::encode(&mut image, &header, &payload, SERVER_CHUNK_SIZE);
            pair.client.handle_bytes(pair.now, &image).unwrap();
            pair.settle();
            let media = client::Event::Media {
                kind,
                timestamp,
                payload,
            };
            assert_eq!(pair.client_events.pop(), Some(media), "{timestamp}");
        }
    }
    assert_eq!(pair.client_events, []);
}
