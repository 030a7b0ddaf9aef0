//! What holds for any message and any shape.

use bongsu_flv::{
    Class, Codec, CodecSet, FourCc, Kind, Reshaped, Shape, classify, reshape,
    shape::{Headers, Hevc, ModEx, Tracks, Why},
};
use proptest::prelude::*;

use crate::{ENHANCED_HEVC, LEGACY_WITH_HEVC, shaped};

const FOURCCS: [&[u8; 4]; 14] = [
    b"avc1", b"hvc1", b"vvc1", b"av01", b"vp08", b"vp09", b"mp4a", b"Opus", b"fLaC", b"ac-3",
    b"ec-3", b".mp3", b"zzzz", b"avc1",
];

fn codec() -> impl Strategy<Value = Codec> {
    let fourcc =
        proptest::sample::select(&FOURCCS[..]).prop_map(|name| Codec::FourCc(FourCc(*name)));
    prop_oneof![
        4 => fourcc,
        1 => proptest::sample::select(vec![
            Codec::Video(7),
            Codec::Video(12),
            Codec::Video(13),
            Codec::Audio(10),
            Codec::Audio(13),
        ]),
    ]
}

fn codecs() -> impl Strategy<Value = CodecSet> {
    let some = proptest::collection::vec(codec(), 0..6);
    (any::<bool>(), some, 0..4_u8).prop_map(|(full, some, every)| {
        if full {
            return some.into_iter().fold(CodecSet::ALL, CodecSet::without);
        }
        let set = match every {
            0 => CodecSet::LEGACY,
            1 => CodecSet::LEGACY.with_every(Kind::Video),
            2 => CodecSet::LEGACY.with_every(Kind::Audio),
            _ => CodecSet::EMPTY,
        };
        some.into_iter().fold(set, CodecSet::with)
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let hevc = prop_oneof![Just(Hevc::AsSent), Just(Hevc::Enhanced), Just(Hevc::Legacy)];
    (any::<[bool; 3]>(), hevc, codecs()).prop_map(|([tracks, mod_ex, headers], hevc, codecs)| {
        Shape {
            tracks: if tracks { Tracks::All } else { Tracks::Default },
            mod_ex: if mod_ex { ModEx::Keep } else { ModEx::Remove },
            headers: if headers {
                Headers::AsSent
            } else {
                Headers::Legacy
            },
            hevc,
            codecs,
        }
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let some = proptest::collection::vec(any::<u8>(), 0..12);
    // Nothing at all is a case of its own for configurations.
    prop_oneof![1 => Just(Vec::new()), 2 => some]
}

fn fourcc() -> impl Strategy<Value = Vec<u8>> {
    proptest::sample::select(&FOURCCS[..]).prop_map(|name| name.to_vec())
}

/// What follows the packet type in the first byte, with that type: tracks of some layout, or one without a name.
fn packet(multitrack: u8) -> impl Strategy<Value = (u8, Vec<u8>)> {
    let track = || (fourcc(), 0..3_u8, body());
    let plain = (0..9_u8, fourcc(), body())
        .prop_map(|(packet, fourcc, body)| (packet, [fourcc, body].concat()));
    let one = (0..9_u8, track()).prop_map(move |(packet, (fourcc, id, body))| {
        (multitrack, [vec![packet], fourcc, vec![id], body].concat())
    });
    let tracks = proptest::collection::vec(track(), 1..4);
    let many = (0..9_u8, any::<bool>(), fourcc(), tracks).prop_map(
        move |(packet, codecs, shared, tracks)| {
            let layout = if codecs { 0x20 } else { 0x10 };
            let mut bytes = vec![layout | packet];
            if !codecs {
                bytes.extend(&shared);
            }
            for (fourcc, id, body) in tracks {
                if codecs {
                    bytes.extend(fourcc);
                }
                let size = u8::try_from(body.len()).expect("bodies are short");
                bytes.extend([id, 0, 0, size]);
                bytes.extend(body);
            }
            (multitrack, bytes)
        },
    );
    prop_oneof![plain, one, many]
}

fn enhanced() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    let prefixes = proptest::collection::vec(body(), 0..3);
    let message = any::<bool>().prop_flat_map(|video| {
        let packet = packet(if video { 6 } else { 5 });
        (Just(video), 0..7_u8, packet)
    });
    (message, prefixes).prop_map(|((video, frame_type, (packet, rest)), prefixes)| {
        let top = if video {
            0x80 | (frame_type << 4)
        } else {
            0x90
        };
        let kind = if video { Kind::Video } else { Kind::Audio };
        let prefixes: Vec<_> = prefixes
            .into_iter()
            .filter(|prefix| !prefix.is_empty())
            .collect();
        // A prefix is followed by the type of what comes next.
        let last = prefixes.len();
        let next = |at| if at < last { 7 } else { packet };
        let mut payload = vec![top | next(0)];
        for (prefix, at) in prefixes.into_iter().zip(1..) {
            payload.push(u8::try_from(prefix.len() - 1).expect("prefixes are short"));
            payload.extend(prefix);
            payload.push(next(at));
        }
        payload.extend(rest);
        (kind, payload)
    })
}

fn legacy() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    let id = proptest::sample::select(vec![2_u8, 4, 7, 12, 13]);
    let video = (0..6_u8, id, 0..4_u8, body()).prop_map(|(frame_type, id, packet, body)| {
        (
            Kind::Video,
            [vec![(frame_type << 4) | id, packet], body].concat(),
        )
    });
    let format = proptest::sample::select(vec![2_u8, 10, 11, 13, 14]);
    let audio = (format, 0..3_u8, body()).prop_map(|(format, packet, body)| {
        (
            Kind::Audio,
            [vec![(format << 4) | 0x0f, packet], body].concat(),
        )
    });
    prop_oneof![video, audio]
}

fn anything() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    let kind = prop_oneof![Just(Kind::Audio), Just(Kind::Video), Just(Kind::Data)];
    (kind, proptest::collection::vec(any::<u8>(), 0..40))
}

fn message() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    prop_oneof![6 => enhanced(), 2 => legacy(), 1 => anything()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_comes_out_is_what_the_receiver_can_take((kind, payload) in message(), shape in shape()) {
        let found = classify(kind, &payload);
        let reshaped = reshape(kind, &payload, shape);
        if found.class == Class::Malformed {
            prop_assert_eq!(reshaped, Reshaped::Dropped(Why::Malformed));
            return Ok(());
        }
        prop_assert_eq!(
            reshaped == Reshaped::Same,
            !shape.changes(found.features),
            "{:?} of {:?}", reshaped, found
        );
        let Ok(out) = shaped(kind, &payload, shape) else {
            return Ok(());
        };
        let left = classify(kind, &out);
        prop_assert_eq!(left.class, found.class);
        prop_assert_eq!(left.composition_ms, found.composition_ms);
        prop_assert_eq!(left.disposable, found.disposable);
        prop_assert!(!shape.changes(left.features), "{:?} is left", left);
        prop_assert!(found.tracks.covers(left.tracks));
        if found.default_track() {
            prop_assert_eq!(left.codec.family(), found.codec.family());
        }
        prop_assert_eq!(reshape(kind, &out, shape), Reshaped::Same, "once is enough");
        if left.codec != Codec::None && left.class != Class::Command {
            let track = left.tracks.lowest().unwrap_or(0);
            prop_assert!(shape.takes(kind, left.codec, track));
        }
    }

    #[test]
    fn the_full_shape_changes_nothing((kind, payload) in message()) {
        let malformed = classify(kind, &payload).class == Class::Malformed;
        prop_assert_eq!(reshape(kind, &payload, Shape::FULL) == Reshaped::Same, !malformed);
    }

    #[test]
    fn legacy_hevc_there_and_back_is_what_it_was(
        frame_type in 1..5_u8,
        packet in 0..3_u8,
        composition in any::<[u8; 3]>(),
        body in body(),
    ) {
        let mut payload = vec![(frame_type << 4) | 12, packet];
        payload.extend(if packet == 1 { composition } else { [0; 3] });
        if packet != 2 {
            payload.extend(body);
        }
        let enhanced = shaped(Kind::Video, &payload, ENHANCED_HEVC).unwrap();
        prop_assert!(classify(Kind::Video, &enhanced).enhanced);
        let back = shaped(Kind::Video, &enhanced, LEGACY_WITH_HEVC);
        prop_assert_eq!(back, Ok(payload));
    }
}
