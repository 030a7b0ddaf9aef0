//! What this crate bounds, and why.

/// Highest track id that is told apart from the others; higher ids share one place.
/// Why: a set of tracks must fit one machine word, since every frame of a relay carries one. Real encoders use
/// ids below 16; the wire allows 255.
pub const TRACK_ID_MAX: u8 = 62;
const _: () = assert!(TRACK_ID_MAX < 63); // bit 63 stands for all higher ids

/// Most tracks in one message; with more it is malformed.
/// Why: an id is a byte, so that more only repeat some. A message of 16 MB has room for four million empty ones, and each
/// is looked at again for every receiver that takes one of them.
pub const TRACKS_PER_MESSAGE_MAX: usize = 256;

/// Largest FLV tag body the reader assembles and the writer accepts, in bytes.
/// Why: the size field has 24 bits, as has the length of an RTMP message, so the wire's own bound is the limit.
pub const TAG_BYTES_MAX: u32 = 16_777_215;
const _: () = assert!(TAG_BYTES_MAX < 1 << 24);

/// Longest FLV file header accepted, in bytes.
/// Why: version 1 has 9 bytes; the field allows later versions to be longer, and a reader has to skip the rest.
pub const FILE_HEADER_BYTES_MAX: u32 = 1024;

/// Longest event name of a data message that is told, in bytes.
/// Why: names are short words such as `onMetaData`; a longer one is still forwarded, only not named.
pub const EVENT_NAME_BYTES_MAX: usize = 256;
