//! Goal: what a receiver of a shape gets of a message: exact bytes row by row, and what holds for any message.

mod features;
mod properties;
mod rows;

use bongsu_flv::{
    CodecSet, Kind, Reshaped, Shape, reshape,
    shape::{Hevc, Why},
};

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex"))
        .collect()
}

/// What comes out: the bytes, or why nothing does.
pub(crate) fn shaped(kind: Kind, payload: &[u8], shape: Shape) -> Result<Vec<u8>, Why> {
    match reshape(kind, payload, shape) {
        Reshaped::Same => Ok(payload.to_vec()),
        Reshaped::Changed(changed) => {
            let whole = changed.to_bytes(payload);
            assert_eq!(whole.len(), changed.len());
            assert!(!changed.is_empty() && whole.starts_with(changed.header()));
            assert!(whole.ends_with(&payload[changed.body().clone()]));
            assert_ne!(whole, payload, "that is the same");
            Ok(whole.to_vec())
        }
        Reshaped::Dropped(why) => Err(why),
    }
}

/// Legacy headers, and H.265 as codec id 12.
pub(crate) const LEGACY_WITH_HEVC: Shape = Shape {
    hevc: Hevc::Legacy,
    ..Shape::LEGACY
};

/// Everything, but H.265 as `hvc1`.
pub(crate) const ENHANCED_HEVC: Shape = Shape {
    hevc: Hevc::Enhanced,
    ..Shape::FULL
};

/// Everything, but H.265 as codec id 12.
pub(crate) const LEGACY_HEVC: Shape = Shape {
    hevc: Hevc::Legacy,
    ..Shape::FULL
};

/// Everything of these codecs.
pub(crate) const fn only(codecs: CodecSet) -> Shape {
    Shape {
        codecs,
        ..Shape::FULL
    }
}
