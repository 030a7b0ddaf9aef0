//! What a receiver can take, and messages made so that it can.
//!
//! A [`Shape`] says what a receiver can take; [`reshape`] makes of a message what it can take of it, without touching
//! what the codec made: only headers are rewritten, frame types and composition times stay. What cannot be expressed is
//! dropped, never sent as something else.
//!
//! ```
//! use bongsu_flv::{Kind, Reshaped, Shape, reshape};
//!
//! // A keyframe of H.264 in the form of Enhanced RTMP, for a receiver that knows plain FLV only.
//! let frame = b"\x91avc1\x00\x00\x28 opaque";
//! let Reshaped::Changed(changed) = reshape(Kind::Video, frame, Shape::LEGACY) else {
//!     panic!("it has a legacy form");
//! };
//! assert_eq!(changed.to_bytes(&frame[..]), &b"\x17\x01\x00\x00\x28 opaque"[..]);
//!
//! // H.265 has none that plain FLV knows.
//! assert!(matches!(reshape(Kind::Video, b"\x91hvc1\x00\x00\x28 opaque", Shape::LEGACY), Reshaped::Dropped(_)));
//! // Nothing changes what everybody understands.
//! assert_eq!(reshape(Kind::Audio, b"\xaf\x01 opaque", Shape::LEGACY), Reshaped::Same);
//! ```

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::{Codec, FourCc, Kind, TrackSet};

mod codecs;
mod convert;
mod features;

pub use codecs::CodecSet;
pub use convert::reshape;
pub use features::Features;

/// Which tracks a receiver can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tracks {
    /// Any, with headers that name them.
    All,
    /// The default track, without a track id.
    Default,
}

/// Whether a receiver knows ModEx prefixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModEx {
    /// It does: they stay, but where a header has to be written anew.
    Keep,
    /// It does not: what they say (times below a millisecond) is lost.
    Remove,
}

/// Which headers a receiver can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Headers {
    /// Those of Enhanced RTMP and the legacy ones: what the publisher sent.
    AsSent,
    /// Legacy headers only.
    Legacy,
}

/// How a receiver wants H.265, for which there are two headers in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hevc {
    /// As the publisher sent it.
    AsSent,
    /// As `hvc1` of Enhanced RTMP.
    Enhanced,
    /// As codec id 12, the extension that came before it: `hvc1` of the default track has this form, of others none.
    Legacy,
}

/// What a receiver can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Its tracks.
    pub tracks: Tracks,
    /// Its ModEx prefixes.
    pub mod_ex: ModEx,
    /// Its headers.
    pub headers: Headers,
    /// Its form of H.265. [`Hevc::Legacy`] takes codec id 12, whatever `codecs` say.
    pub hevc: Hevc,
    /// Its codecs. The default track of `avc1`, `mp4a` and `.mp3` has a legacy form when these are not among them.
    pub codecs: CodecSet,
}

impl Shape {
    /// Everything there is: no message is changed.
    pub const FULL: Self = Self {
        tracks: Tracks::All,
        mod_ex: ModEx::Keep,
        headers: Headers::AsSent,
        hevc: Hevc::AsSent,
        codecs: CodecSet::ALL,
    };

    /// The default track of every codec, without ModEx: for receivers that know Enhanced RTMP but not its second version.
    pub const DEFAULT_TRACK: Self = Self {
        tracks: Tracks::Default,
        mod_ex: ModEx::Remove,
        ..Self::FULL
    };

    /// What a reader of plain FLV knows, and nothing else.
    pub const LEGACY: Self = Self {
        headers: Headers::Legacy,
        codecs: CodecSet::LEGACY,
        ..Self::DEFAULT_TRACK
    };

    /// Whether a message with these features may come out of [`reshape`] as anything but [`Reshaped::Same`].
    ///
    /// It costs a few instructions: a message, or a whole stream, whose features a shape does not change needs no
    /// further look. Malformed messages are dropped in any case.
    #[must_use]
    pub fn changes(self, features: Features) -> bool {
        let mut minds = CodecSet::ALL.0 & !self.codecs.0;
        match self.hevc {
            Hevc::AsSent => {}
            Hevc::Enhanced => minds |= Features::codec(Kind::Video, Codec::Video(12)).0,
            Hevc::Legacy => {
                minds |= Features::codec(Kind::Video, Codec::FourCc(FourCc::HVC1)).0;
                minds &= !Features::codec(Kind::Video, Codec::Video(12)).0;
            }
        }
        if self.tracks == Tracks::Default {
            minds |= Features::MULTITRACK.0;
        }
        if self.mod_ex == ModEx::Remove {
            minds |= Features::MOD_EX.0;
        }
        if self.headers == Headers::Legacy {
            minds |= (Features::ENHANCED_VIDEO | Features::ENHANCED_AUDIO).0;
        }
        features.has_any(Features(minds))
    }

    /// Whether the receiver gets frames of a track with this codec, as they are or in another form.
    #[must_use]
    pub fn takes(self, kind: Kind, codec: Codec, track: u8) -> bool {
        let form = convert::form(kind, codec, self);
        let is_default = TrackSet::of(track).has_default();
        match form {
            None => false,
            Some(convert::Form::AsSent) => self.tracks == Tracks::All || is_default,
            Some(_) => is_default,
        }
    }

    /// The tracks of a message that the receiver gets anything of, when it gets anything at all.
    #[must_use]
    pub const fn tracks_of(self, tracks: TrackSet) -> TrackSet {
        match self.tracks {
            Tracks::Default if tracks.has_default() => TrackSet::DEFAULT,
            _ => tracks,
        }
    }
}

/// Why a receiver gets nothing of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// It is cut short or impossible: nobody gets it.
    Malformed,
    /// The default track is not in it.
    Track,
    /// The receiver cannot take its codec.
    Codec,
    /// The headers that the receiver reads cannot say what it says.
    Header,
    /// The default track in it has a configuration without a body.
    Empty,
}

/// What [`reshape`] makes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reshaped {
    /// The receiver can take it as it is.
    Same,
    /// The receiver gets this.
    Changed(Changed),
    /// The receiver gets nothing.
    Dropped(Why),
}

/// Longest header of a changed message, in bytes: a first byte and a fourcc, or a legacy header with its composition time.
const HEADER_BYTES_MAX: usize = 5;

/// A message with another header: new bytes, then a part of the old payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    header: [u8; HEADER_BYTES_MAX],
    header_len: u8,
    body: Range<usize>,
}

impl Changed {
    fn new(header: &[u8], body: Range<usize>) -> Self {
        debug_assert!(header.len() <= HEADER_BYTES_MAX, "headers are short");
        let mut bytes = [0; HEADER_BYTES_MAX];
        let mut header_len = 0;
        for (to, from) in bytes.iter_mut().zip(header) {
            *to = *from;
            header_len = u8::saturating_add(header_len, 1);
        }
        Self {
            header: bytes,
            header_len,
            body,
        }
    }

    /// The bytes it begins with.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.header
            .get(..usize::from(self.header_len))
            .unwrap_or(&[])
    }

    /// Which bytes of the old payload follow.
    #[must_use]
    pub const fn body(&self) -> &Range<usize> {
        &self.body
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.header().len().saturating_add(self.body.len())
    }

    /// Whether it has no byte: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole message, from the payload that was given to [`reshape`].
    #[must_use]
    pub fn to_bytes(&self, payload: &[u8]) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.len());
        bytes.extend_from_slice(self.header());
        bytes.extend_from_slice(payload.get(self.body.clone()).unwrap_or(&[]));
        bytes.freeze()
    }
}
