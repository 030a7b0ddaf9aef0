//! What receivers that can take less get of any message.

use bongsu_flv::shape::Hevc;
use bongsu_flv::{Class, Codec, CodecSet, FourCc, Kind, Reshaped, Shape, classify, reshape};

/// What holds for any message in shapes of every sort: what comes out is what its receiver can take, and means the same.
pub(crate) fn check_shapes(kind: Kind, payload: &[u8]) {
    let hevc = |hevc, shape| Shape { hevc, ..shape };
    let without_av1 = Shape {
        codecs: CodecSet::ALL.without(Codec::FourCc(FourCc::AV01)),
        ..Shape::FULL
    };
    let shapes = [
        Shape::FULL,
        Shape::DEFAULT_TRACK,
        Shape::LEGACY,
        without_av1,
        hevc(Hevc::Legacy, Shape::LEGACY),
        hevc(Hevc::Legacy, Shape::FULL),
        hevc(Hevc::Enhanced, Shape::FULL),
    ];
    for shape in shapes {
        check_shape(kind, payload, shape);
    }
}

fn check_shape(kind: Kind, payload: &[u8], shape: Shape) {
    let found = classify(kind, payload);
    let is_malformed = found.class == Class::Malformed;
    let changed = match reshape(kind, payload, shape) {
        Reshaped::Same => {
            assert!(!is_malformed && !shape.changes(found.features));
            return;
        }
        Reshaped::Dropped(_) => {
            assert!(is_malformed || shape.changes(found.features));
            assert!(is_malformed || shape != Shape::FULL);
            return;
        }
        Reshaped::Changed(changed) => changed,
    };
    let out = changed.to_bytes(payload);
    assert_eq!(out.len(), changed.len());
    let left = classify(kind, &out);
    assert_eq!(left.class, found.class);
    assert_eq!(left.composition_ms, found.composition_ms);
    assert_eq!(left.disposable, found.disposable);
    assert!(found.tracks.covers(left.tracks));
    assert!(!shape.changes(left.features), "{left:?} in {shape:?}");
    assert_eq!(reshape(kind, &out, shape), Reshaped::Same);
}
