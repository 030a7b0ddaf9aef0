//! Makes FLV files.

use bytes::{BufMut, BytesMut};

use super::{TAG_HEADER_BYTES, TYPE_AUDIO, TYPE_SCRIPT, TYPE_VIDEO};
use crate::{Kind, limits::TAG_BYTES_MAX};

/// The body does not fit a tag: its size field has 24 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tag body of {bytes} bytes is longer than {TAG_BYTES_MAX}")]
pub struct TooLong {
    /// Length of the body in bytes.
    pub bytes: usize,
}

/// Appends the file header and the back pointer behind it.
pub fn write_file_header(out: &mut BytesMut, has_audio: bool, has_video: bool) {
    out.put_slice(b"FLV\x01");
    out.put_u8((u8::from(has_audio) << 2) | u8::from(has_video));
    out.put_u32(9);
    out.put_u32(0);
}

/// Appends one tag with its back pointer.
///
/// # Errors
///
/// [`TooLong`] when the body exceeds [`TAG_BYTES_MAX`]; nothing is written then.
pub fn write_tag(
    out: &mut BytesMut,
    kind: Kind,
    timestamp: u32,
    payload: &[u8],
) -> Result<(), TooLong> {
    let too_long = TooLong {
        bytes: payload.len(),
    };
    let size = u32::try_from(payload.len()).map_err(|_| too_long)?;
    if size > TAG_BYTES_MAX {
        return Err(too_long);
    }
    let tag_type = match kind {
        Kind::Audio => TYPE_AUDIO,
        Kind::Video => TYPE_VIDEO,
        Kind::Data => TYPE_SCRIPT,
    };
    out.reserve(
        payload
            .len()
            .saturating_add(TAG_HEADER_BYTES)
            .saturating_add(4),
    );
    out.put_u8(tag_type);
    out.put_uint(u64::from(size), 3);
    // All 32 bits: writers that clear the top one make files wrap after 24.8 days.
    out.put_uint(u64::from(timestamp & 0x00ff_ffff), 3);
    out.put_u8(timestamp.to_be_bytes()[0]);
    out.put_uint(0, 3);
    out.put_slice(payload);
    out.put_u32(size.saturating_add(11));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: vector V38 of the wire reference.
    #[test]
    fn file_header_with_audio_and_video() {
        let mut out = BytesMut::new();
        write_file_header(&mut out, true, true);
        assert_eq!(out[..], *b"\x46\x4c\x56\x01\x05\0\0\0\x09\0\0\0\0");
        out.clear();
        write_file_header(&mut out, true, false);
        assert_eq!(out[4], 4);
    }

    // Goal: vector V39 of the wire reference.
    #[test]
    fn tag_puts_the_high_byte_of_the_time_behind_the_low_three() {
        let mut out = BytesMut::new();
        write_tag(&mut out, Kind::Video, 0x0102_0304, b"abcde").unwrap();
        assert_eq!(
            out[..],
            *b"\x09\x00\x00\x05\x02\x03\x04\x01\x00\x00\x00abcde\x00\x00\x00\x10"
        );
    }

    #[test]
    fn a_body_at_the_limit_is_written_and_one_past_it_is_refused() {
        let body = vec![0; TAG_BYTES_MAX as usize + 1];
        let mut out = BytesMut::new();
        assert_eq!(
            write_tag(&mut out, Kind::Audio, 0, &body),
            Err(TooLong { bytes: 16_777_216 })
        );
        assert!(out.is_empty());
        write_tag(&mut out, Kind::Audio, 0, &body[1..]).unwrap();
        assert_eq!(out.len(), 16_777_215 + 15);
    }
}
