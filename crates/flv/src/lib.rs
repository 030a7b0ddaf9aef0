//! What a relay needs to know of a frame, and FLV tags.
//!
//! [`classify`] looks at the first bytes of an audio, video or data message and says what it is: a sequence header, a
//! keyframe, an ordinary frame, which codec, which tracks. Legacy FLV headers and both versions of Enhanced RTMP are
//! understood; everything after the header is opaque. [`shape`] makes of a message what a receiver that knows less can
//! take of it. [`tag`] reads and writes the FLV file framing, [`script`]
//! finds the name of a data message.
//!
//! What this crate deliberately does not do: decode or change a bitstream, parse whole AMF values, touch a file or
//! a socket. No byte sequence can make it panic.
//!
//! # What a message is
//!
//! ```
//! use bongsu_flv::{Class, Codec, Family, FourCc, Kind, classify};
//!
//! // Legacy H.264: a keyframe that is shown 80 ms after it is decoded.
//! let frame = classify(Kind::Video, b"\x17\x01\x00\x00\x50 opaque");
//! assert_eq!(frame.class, Class::Keyframe);
//! assert_eq!(frame.codec.family(), Family::H264);
//! assert_eq!(frame.composition_ms, 80);
//!
//! // Enhanced RTMP: the configuration of an HEVC decoder.
//! let header = classify(Kind::Video, b"\x90hvc1 opaque");
//! assert_eq!(header.class, Class::SequenceHeader);
//! assert_eq!(header.codec, Codec::FourCc(FourCc::HVC1));
//! assert!(header.enhanced && header.default_track());
//!
//! // Bytes that make no sense are no error: they are a class too.
//! assert_eq!(classify(Kind::Video, b"\x90hv").class, Class::Malformed);
//! ```
//!
//! # FLV files
//!
//! [`tag::Reader`] takes bytes as they come and bounds what it keeps.
//!
//! ```
//! use bongsu_flv::{Class, Kind, classify, tag};
//! use bytes::BytesMut;
//!
//! let mut file = BytesMut::new();
//! tag::write_file_header(&mut file, true, true);
//! tag::write_tag(&mut file, Kind::Audio, 0, b"\xaf\x00\x12\x10")?;
//! tag::write_tag(&mut file, Kind::Video, 40, b"\x27\x01\x00\x00\x00 opaque")?;
//!
//! let mut reader = tag::Reader::default();
//! let mut found = Vec::new();
//! for piece in file.chunks(7) {
//!     reader.feed(piece);
//!     while let Some(tag) = reader.next_tag()? {
//!         // A tag of a type that RTMP has no message for has no kind.
//!         if let Some(kind) = tag.kind {
//!             found.push((tag.timestamp, classify(kind, &tag.payload).class));
//!         }
//!     }
//! }
//! assert_eq!(found, [(0, Class::SequenceHeader), (40, Class::Frame)]);
//! assert!(reader.at_boundary(), "the last tag is whole");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
#![deny(missing_docs, clippy::allow_attributes_without_reason)]

pub mod audio;
mod class;
mod codec;
mod enhanced;
pub mod limits;
mod reader;
pub mod script;
pub mod shape;
pub mod tag;
mod tracks;
pub mod video;

pub use class::{Class, Classified, Kind, classify};
pub use codec::{Codec, Family, FourCc};
pub use shape::{CodecSet, Features, Reshaped, Shape, reshape};
pub use tracks::TrackSet;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
