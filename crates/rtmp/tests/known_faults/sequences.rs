//! Messages in any order.

use std::collections::BTreeSet;

use bongsu_rtmp::amf0::Value;
use bongsu_rtmp::message::{Control, MessageType};
use bongsu_rtmp::session::SessionError;
use bongsu_rtmp::session::server::{CloseCause, Event, ServerConfig};

use crate::script::{CLIENT, Random, Scene, amf0, app, handshake, play, publish};

/// Sequences, and what each says at most.
const SEQUENCES: u64 = 5_000;
const LENGTH_MAX: u64 = 30;

/// What the client may still hear of: message streams that publish and that play.
#[derive(Debug, Default)]
struct Model {
    connects: u32,
    publishing: BTreeSet<u32>,
    playing: BTreeSet<u32>,
    media: u32,
    over: bool,
}

impl Model {
    /// Every event must follow from those before it; every request was accepted at once.
    fn raise(&mut self, event: &Event) {
        assert!(!self.over, "{event:?} behind the end");
        match event {
            Event::ConnectRequested { .. } => {
                self.connects += 1;
                assert_eq!(self.connects, 1, "connect counts once");
            }
            Event::PublishRequested { stream, .. } => {
                assert_eq!(self.connects, 1, "nobody publishes before connect");
                assert!(!self.playing.contains(&stream.0), "one use of a stream");
                assert!(self.publishing.insert(stream.0), "one publish of a stream");
            }
            Event::PlayRequested { stream, .. } => {
                assert_eq!(self.connects, 1, "nobody plays before connect");
                assert!(!self.publishing.contains(&stream.0), "one use of a stream");
                assert!(self.playing.insert(stream.0), "one play of a stream");
            }
            Event::Media { stream, .. } | Event::MetadataCleared { stream } => {
                self.media += 1;
                assert!(self.publishing.contains(&stream.0), "media of a publisher");
            }
            Event::PublishEnded { stream, .. } => {
                assert!(self.publishing.remove(&stream.0), "a publish ends once");
            }
            Event::PlayEnded { stream } => {
                assert!(self.playing.remove(&stream.0), "a play ends once");
            }
            Event::PauseRequested { stream, .. }
            | Event::ReceiveAudio { stream, .. }
            | Event::ReceiveVideo { stream, .. } => {
                assert!(self.playing.contains(&stream.0), "wishes of a player");
            }
            Event::Closing { cause } => {
                self.over = true;
                assert!(!matches!(cause, CloseCause::HandshakeTimeout));
            }
            other => panic!("{other:?}: requests are decided at once"),
        }
    }
}

/// One thing that a client may say, legal or not.
fn word(random: &mut Random) -> Vec<u8> {
    let stream = u32::try_from(random.below(4)).unwrap();
    let id = Value::Number(f64::from(stream));
    let call = |name, arguments: &[Value]| CLIENT.call((3, stream), name, 7.0, arguments);
    match random.below(21) {
        0 => CLIENT.connect(app("live")),
        1 | 2 => CLIENT.call((3, 0), "createStream", 4.0, &[]),
        3 | 4 => publish(stream),
        5 => play(stream),
        6 => call("deleteStream", &[id]),
        7 => call("closeStream", &[]),
        8 => call("FCPublish", &["cam".into()]),
        9 => call("FCUnpublish", &["cam".into()]),
        10 => call("releaseStream", &["cam".into()]),
        11 => call("pause", &[true.into(), Value::Number(0.0)]),
        12 => call("receiveVideo", &[false.into()]),
        13 => call("play2", &[]),
        14 | 15 => CLIENT.video(stream, 0, &[0x17; 200]),
        16 => CLIENT.audio(stream, 0, &[0xaf, 1, 2]),
        17 => CLIENT.data(stream, 0, &["@clearDataFrame".into(), "onMetaData".into()]),
        // The start of a message, and its end by an abort.
        18 => {
            let begun = CLIENT.message((9, stream), MessageType::Video, 0, &[0x17; 300]);
            let abort = CLIENT.control(Control::Abort(9));
            [&begun[..12 + 128], &abort].concat()
        }
        19 => call("onStatus", &["?".into()]),
        _ => CLIENT.message(
            (3, stream),
            MessageType::CommandAmf0,
            0,
            &amf0(&["?".into()]),
        ),
    }
}

/// Publish twice, delete another stream, play while publishing, data before `connect`, `connect` twice, and all that in
/// any order: what is raised always follows from what was raised, and nothing follows the end.
#[test]
fn messages_in_any_order_ireader_235_zlmediakit_1839_adobe_cve_2005_3900() {
    let (mut media, mut broken, mut ended) = (0, 0, 0);
    for seed in 1..=SEQUENCES {
        let mut random = Random::new(seed);
        let mut scene = Scene::new(ServerConfig::default());
        let mut model = Model::default();
        scene.say(&handshake());
        // Most begin as they should, so that the rest gets far.
        let opening = match random.below(4) {
            0 => Vec::new(),
            _ => CLIENT.connect(app("live")),
        };
        let words = (0..random.below(LENGTH_MAX)).map(|_| word(&mut random));
        for word in std::iter::once(opening).chain(words.collect::<Vec<_>>()) {
            let said = scene.try_say(&word).and_then(|()| decide(&mut scene));
            for event in scene.events.drain(..) {
                ended += u32::from(matches!(event, Event::PublishEnded { .. }));
                model.raise(&event);
            }
            match said {
                Ok(()) => {}
                Err(error @ SessionError::ApiMisuse(_)) => panic!("{seed}: {error}"),
                Err(_) => {
                    broken += 1;
                    model.over = true;
                }
            }
        }
        media += model.media;
    }
    let reached = [media, broken, ended];
    assert!(reached.iter().all(|count| *count > 500), "{reached:?}");
}

/// Accepts all that is asked for.
fn decide(scene: &mut Scene) -> Result<(), SessionError> {
    for request in std::mem::take(&mut scene.requests) {
        scene.session.accept(scene.now, request)?;
        scene.drain();
    }
    Ok(())
}
