//! Every bound of this crate, with its unit and its reason, and the [`Limits`] value that carries them.
//!
//! A server session starts with [`Limits::before_authorisation`] and moves to [`Limits::authorised`] once a publish
//! is accepted: that is what "authorised" means here. Players, who send commands only, keep the small limits. Tests
//! shrink single fields.

use std::fmt;

/// Largest message of any kind in bytes before the peer is authorised.
/// Why: `connect`, `createStream` and `publish` with a long token fit many times over, and a stranger can pin little.
pub const MESSAGE_BYTES_BEFORE_AUTHORISATION_MAX: u32 = 64 << 10;
/// Largest audio, video, aggregate or unknown message in bytes after authorisation.
/// Why: the length field has 24 bits; an intra frame of 8K video may come near it, and a relay refuses no codec.
pub const MEDIA_BYTES_MAX: u32 = 0xff_ffff;
/// Largest command, data or shared object body in bytes after authorisation.
/// Why: metadata with cue points stays below 100 KiB; decoding costs more per byte than forwarding does.
pub const AMF_BODY_BYTES_MAX: u32 = 1 << 20;
/// Largest protocol or user control message in bytes.
/// Why: the longest defined one is the SWF verification answer, 44 bytes.
pub const CONTROL_BYTES_MAX: u32 = 64;
/// Distinct chunk streams of one connection before authorisation.
/// Why: no encoder uses more than five before it publishes.
pub const CHUNK_STREAMS_BEFORE_AUTHORISATION_MAX: u16 = 8;
/// Distinct chunk streams of one connection after authorisation.
/// Why: each costs table space and one partial message; the wire allows 65,598, encoders use six.
pub const CHUNK_STREAMS_MAX: u16 = 64;
/// Bytes of incomplete messages of one connection before authorisation.
/// Why: two of the largest messages, interleaved.
pub const PARTIAL_BYTES_BEFORE_AUTHORISATION_MAX: u32 = 128 << 10;
/// Bytes of incomplete messages of one connection after authorisation.
/// Why: one largest video message with audio and data between its chunks fits; 64 of them must not.
pub const PARTIAL_BYTES_MAX: u32 = 20 << 20;
/// Chunk headers that one connection may send in a second; also the burst.
/// Why: a header costs as much as 100 payload bytes, so a flood of one-byte chunks must end. 128-byte chunks
/// reach 256 Mbit/s below it.
pub const CHUNK_HEADERS_PER_SECOND_MAX: u32 = 250_000;
/// Levels of nested AMF containers before authorisation.
/// Why: commands nest three deep.
pub const AMF_DEPTH_BEFORE_AUTHORISATION_MAX: u16 = 16;
/// Levels of nested AMF containers after authorisation.
/// Why: metadata nests five deep; peers that recurse without a bound have lost their stack.
pub const AMF_DEPTH_MAX: u16 = 32;
/// AMF values, property names included, decoded from one message.
/// Why: a one-byte value costs some forty bytes of memory.
pub const AMF_VALUES_MAX: u32 = 10_000;
/// Bytes of an app, a tcUrl or a stream name, each with its query.
/// Why: signed tokens and JWTs ride in names and reach several KiB.
pub const NAME_BYTES_MAX: usize = 8 << 10;
/// Segments of a stream path.
/// Why: app, instance and a name of two parts; more is nobody's layout and makes file names long.
pub const PATH_SEGMENTS_MAX: usize = 4;
/// Bytes of one segment of a stream path.
/// Why: escaped to file names it must stay below 255 bytes with an extension and a date.
pub const PATH_SEGMENT_BYTES_MAX: usize = 128;
/// Message streams that one connection may have open.
/// Why: encoders and players use one; old tools two. [WIRE 107]
pub const MESSAGE_STREAMS_MAX: usize = 8;

const _: () = assert!(MEDIA_BYTES_MAX < 1 << 24); // the length field has 24 bits
const _: () = assert!(PARTIAL_BYTES_MAX > MEDIA_BYTES_MAX); // else the largest message could not arrive
const _: () =
    assert!(PARTIAL_BYTES_BEFORE_AUTHORISATION_MAX > MESSAGE_BYTES_BEFORE_AUTHORISATION_MAX);

/// Bounds of one connection's parsers, as a value that a caller can shrink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest audio, video, aggregate or unknown message, in bytes.
    pub media_bytes: u32,
    /// Largest command, data or shared object message, in bytes.
    pub amf_body_bytes: u32,
    /// Largest control message (types 1 to 6), in bytes.
    pub control_bytes: u32,
    /// Distinct chunk streams.
    pub chunk_streams: u16,
    /// Received bytes of incomplete messages, summed over the chunk streams.
    pub partial_bytes: u32,
    /// Chunk headers per second, and the burst.
    pub chunk_headers_per_second: u32,
    /// Bounds of AMF decoding.
    pub amf: AmfLimits,
}

impl Limits {
    /// What a stranger may use, and a player.
    #[must_use]
    pub const fn before_authorisation() -> Self {
        Self {
            media_bytes: MESSAGE_BYTES_BEFORE_AUTHORISATION_MAX,
            amf_body_bytes: MESSAGE_BYTES_BEFORE_AUTHORISATION_MAX,
            control_bytes: CONTROL_BYTES_MAX,
            chunk_streams: CHUNK_STREAMS_BEFORE_AUTHORISATION_MAX,
            partial_bytes: PARTIAL_BYTES_BEFORE_AUTHORISATION_MAX,
            chunk_headers_per_second: CHUNK_HEADERS_PER_SECOND_MAX,
            amf: AmfLimits {
                depth: AMF_DEPTH_BEFORE_AUTHORISATION_MAX,
                values: AMF_VALUES_MAX,
            },
        }
    }

    /// What a peer may use once it publishes, and what we accept from a server that we chose to call.
    #[must_use]
    pub const fn authorised() -> Self {
        Self {
            media_bytes: MEDIA_BYTES_MAX,
            amf_body_bytes: AMF_BODY_BYTES_MAX,
            control_bytes: CONTROL_BYTES_MAX,
            chunk_streams: CHUNK_STREAMS_MAX,
            partial_bytes: PARTIAL_BYTES_MAX,
            chunk_headers_per_second: CHUNK_HEADERS_PER_SECOND_MAX,
            amf: AmfLimits {
                depth: AMF_DEPTH_MAX,
                values: AMF_VALUES_MAX,
            },
        }
    }
}

/// Bounds of decoding one AMF message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmfLimits {
    /// Levels of containers inside each other; a container at the top is level one.
    pub depth: u16,
    /// Values in the message, property names included.
    pub values: u32,
}

impl Default for AmfLimits {
    fn default() -> Self {
        Limits::authorised().amf
    }
}

/// Names a limit, for error text and metric labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::media_bytes`].
    MediaBytes,
    /// [`Limits::amf_body_bytes`].
    AmfBodyBytes,
    /// [`Limits::control_bytes`].
    ControlBytes,
    /// [`Limits::chunk_streams`].
    ChunkStreams,
    /// [`Limits::partial_bytes`].
    PartialBytes,
    /// [`Limits::chunk_headers_per_second`].
    ChunkHeadersPerSecond,
    /// [`AmfLimits::depth`].
    AmfDepth,
    /// [`AmfLimits::values`].
    AmfValues,
    /// [`NAME_BYTES_MAX`].
    NameBytes,
    /// [`PATH_SEGMENTS_MAX`].
    PathSegments,
    /// [`PATH_SEGMENT_BYTES_MAX`].
    PathSegmentBytes,
    /// [`MESSAGE_STREAMS_MAX`].
    MessageStreams,
    /// Commands per second of a session.
    Commands,
    /// Bytes that wait inside a session to be sent.
    UnsentBytes,
}

impl Limit {
    /// A stable label in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MediaBytes => "media_bytes",
            Self::AmfBodyBytes => "amf_body_bytes",
            Self::ControlBytes => "control_bytes",
            Self::ChunkStreams => "chunk_streams",
            Self::PartialBytes => "partial_bytes",
            Self::ChunkHeadersPerSecond => "chunk_headers_per_second",
            Self::AmfDepth => "amf_depth",
            Self::AmfValues => "amf_values",
            Self::NameBytes => "name_bytes",
            Self::PathSegments => "path_segments",
            Self::PathSegmentBytes => "path_segment_bytes",
            Self::MessageStreams => "message_streams",
            Self::Commands => "commands",
            Self::UnsentBytes => "unsent_bytes",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A peer went past a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit} exceeded: {got} > {max}")]
pub struct LimitExceeded {
    /// Which limit.
    pub limit: Limit,
    /// What the peer sent or declared.
    pub got: u64,
    /// What is allowed.
    pub max: u64,
}
