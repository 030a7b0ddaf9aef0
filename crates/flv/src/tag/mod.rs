//! FLV file framing: the file header and the tags behind it.
//!
//! [`Reader`] takes bytes in any pieces and gives whole tags; [`write_file_header`] and [`write_tag`] make them. Tag
//! timestamps are one 32-bit number of milliseconds, low 24 bits first and the high 8 bits behind them.

mod reader;
mod writer;

pub use reader::{Reader, TagError};
pub use writer::{TooLong, write_file_header, write_tag};

use bytes::Bytes;

use crate::Kind;

/// Bytes of a tag before its body.
pub const TAG_HEADER_BYTES: usize = 11;
/// Bytes of the number behind each tag, which repeats its size.
pub const BACK_POINTER_BYTES: usize = 4;
/// Bytes of the file header of version 1, without the back pointer behind it.
pub const FILE_HEADER_BYTES: usize = 9;

/// Tag type of audio.
pub(crate) const TYPE_AUDIO: u8 = 8;
/// Tag type of video.
pub(crate) const TYPE_VIDEO: u8 = 9;
/// Tag type of script data: AMF0 values.
pub(crate) const TYPE_SCRIPT: u8 = 18;

/// What the file header says is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileHeader {
    /// Whether there are audio tags.
    pub has_audio: bool,
    /// Whether there are video tags.
    pub has_video: bool,
}

/// One tag of an FLV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Audio, video or data; `None` for a tag type that an RTMP stream has no message for.
    pub kind: Option<Kind>,
    /// Time in milliseconds.
    pub timestamp: u32,
    /// The body: what an RTMP message of this kind carries.
    pub payload: Bytes,
}
