//! Goal: how the server's bytes are cut changes nothing: neither an event nor a byte of output.

use bongsu_rtmp::MessageType;
use bongsu_rtmp::message::{Control, UserControl};
use bongsu_rtmp::session::client::{ClientConfig, Event, Role};

use super::script::{Scene, config};

/// A life with control messages inside, long messages, pings, acknowledgements and an end.
fn life(role: Role) -> Scene {
    let mut scene = Scene::started(config(role));
    scene.says_control(Control::WindowAcknowledgementSize(40_000));
    for timestamp in 0..20 {
        scene.says_user_control(UserControl::PingRequest(timestamp));
        scene.says_message(1, MessageType::Video, timestamp, &[0x27; 5_000]);
        scene.says_message(1, MessageType::Audio, timestamp, &[0xaf; 300]);
    }
    scene.says_status(1, "error", "NetStream.Failed");
    scene
}

fn replay<'a>(
    config: ClientConfig,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Event>, Vec<u8>) {
    let mut scene = Scene::new(config);
    for piece in pieces {
        scene.says_bytes(piece).unwrap();
    }
    (scene.raises(), scene.sent)
}

#[test]
fn any_split_gives_the_same_events_and_output() {
    for role in [Role::Publish, Role::Play] {
        let life = life(role);
        let bytes = life.said;
        let (events, sent) = replay(config(role), std::iter::once(&bytes[..]));
        assert_eq!(sent, life.sent);
        assert!(matches!(events.last(), Some(Event::Ended { .. })));
        for size in [1, 2, 7, 127, 1_537, 4_096] {
            let (split_events, split_sent) = replay(config(role), bytes.chunks(size));
            assert_eq!(split_events, events, "{size} bytes at a time");
            assert_eq!(split_sent, sent, "{size} bytes at a time");
        }
        // Pieces of sizes that look random and are the same each time.
        let mut state = 0x2545_f491_u32;
        for _ in 0..20 {
            let mut rest = &bytes[..];
            let pieces = std::iter::from_fn(|| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                let size = usize::try_from(state % 3_000).unwrap().min(rest.len());
                let (piece, left) = rest.split_at(size);
                let more = !rest.is_empty();
                rest = left;
                more.then_some(piece)
            });
            let (split_events, split_sent) = replay(config(role), pieces);
            assert_eq!((split_events, split_sent), (events.clone(), sent.clone()));
        }
    }
}
