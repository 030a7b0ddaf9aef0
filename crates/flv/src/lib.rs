//! What a relay needs to know of a frame, and FLV tags.
//!
//! [`classify`] looks at the first bytes of an audio, video or data message and says what it is: a sequence header, a
//! keyframe, an ordinary frame, which codec, which tracks. Legacy FLV headers and both versions of Enhanced RTMP are
//! understood; everything after the header is opaque. [`tag`] reads and writes the FLV file framing, [`script`]
//! finds the name of a data message.
//!
//! What this crate deliberately does not do: decode a bitstream, change a payload, parse whole AMF values, touch a
//! file or a socket. No byte sequence can make it panic.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

pub mod audio;
mod class;
mod codec;
mod enhanced;
pub mod limits;
mod reader;
pub mod script;
pub mod tag;
mod tracks;
pub mod video;

pub use class::{Class, Classified, Kind, classify};
pub use codec::{Codec, Family, FourCc};
pub use tracks::TrackSet;
