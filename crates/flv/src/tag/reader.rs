//! Reads FLV files in pieces of any size.

use bytes::{Buf, Bytes, BytesMut};

use super::{
    BACK_POINTER_BYTES, FILE_HEADER_BYTES, FileHeader, TAG_HEADER_BYTES, TYPE_AUDIO, TYPE_SCRIPT,
    TYPE_VIDEO, Tag,
};
use crate::{
    Kind,
    limits::{FILE_HEADER_BYTES_MAX, TAG_BYTES_MAX},
    reader::Reader as Walk,
};

/// Why a file cannot be read on. The file is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagError {
    /// The first bytes are not those of an FLV file.
    #[error("not an FLV file: it does not begin with \"FLV\"")]
    NotFlv,
    /// The header claims an impossible length.
    #[error(
        "the FLV header claims {bytes} bytes, {FILE_HEADER_BYTES} to {FILE_HEADER_BYTES_MAX} are possible"
    )]
    HeaderLength {
        /// What it claims.
        bytes: u32,
    },
    /// A tag is longer than the reader was allowed to keep.
    #[error("a tag of {bytes} bytes is longer than the limit of {max}")]
    TagTooLong {
        /// Length of the body in bytes.
        bytes: u32,
        /// The limit in bytes.
        max: u32,
    },
    /// A tag is encrypted.
    #[error("the file is encrypted")]
    Encrypted,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    FileHeader,
    /// Bytes of a longer file header and of the first back pointer still to skip.
    Skip(usize),
    Tag,
    /// The file is broken: the same error again and again.
    Failed(TagError),
}

/// Reads an FLV file piece by piece.
///
/// Feed it with [`Reader::feed`], then call [`Reader::next_tag`] until it says `Ok(None)`: more bytes are needed. What
/// it keeps is at most one unfinished tag beside the pieces not yet read. A cut-off last tag is never given.
#[derive(Debug)]
pub struct Reader {
    buffer: BytesMut,
    stage: Stage,
    header: Option<FileHeader>,
    tag_bytes_max: u32,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new(TAG_BYTES_MAX)
    }
}

impl Reader {
    /// A reader that refuses tag bodies above `tag_bytes_max`.
    #[must_use]
    pub fn new(tag_bytes_max: u32) -> Self {
        Self {
            buffer: BytesMut::new(),
            stage: Stage::FileHeader,
            header: None,
            tag_bytes_max,
        }
    }

    /// Adds the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !matches!(self.stage, Stage::Failed(_)) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// What the file header said, once it is read.
    #[must_use]
    pub const fn file_header(&self) -> Option<FileHeader> {
        self.header
    }

    /// Whether the bytes so far end between two tags: a file that ends here is whole.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.buffer.is_empty() && matches!(self.stage, Stage::Tag)
    }

    /// The next whole tag; `Ok(None)` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`TagError`] when the bytes are no FLV file or a limit is exceeded. The reader stays in that state.
    pub fn next_tag(&mut self) -> Result<Option<Tag>, TagError> {
        loop {
            let stage = self.stage;
            let outcome = match stage {
                Stage::FileHeader => self.read_file_header(),
                Stage::Skip(left) => Ok(self.skip(left)),
                Stage::Tag => return self.read_tag().inspect_err(|error| self.fail(*error)),
                Stage::Failed(error) => Err(error),
            };
            match outcome {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    self.fail(error);
                    return Err(error);
                }
            }
        }
    }

    fn fail(&mut self, error: TagError) {
        self.stage = Stage::Failed(error);
        self.buffer = BytesMut::new();
    }

    /// Whether the header was read; `false` when more bytes are needed.
    fn read_file_header(&mut self) -> Result<bool, TagError> {
        let mut walk = Walk::new(&self.buffer);
        let magic_len = self.buffer.len().min(3);
        if walk.take(magic_len) != b"FLV".get(..magic_len) {
            return Err(TagError::NotFlv);
        }
        let (Some(_version), Some(flags), Some(bytes)) = (walk.u8(), walk.u8(), walk.u32()) else {
            return Ok(false);
        };
        let longer = usize::try_from(bytes)
            .ok()
            .and_then(|len| len.checked_sub(FILE_HEADER_BYTES));
        let Some(longer) = longer.filter(|_| bytes <= FILE_HEADER_BYTES_MAX) else {
            return Err(TagError::HeaderLength { bytes });
        };
        self.header = Some(FileHeader {
            has_audio: flags & 4 != 0,
            has_video: flags & 1 != 0,
        });
        self.buffer.advance(FILE_HEADER_BYTES);
        self.stage = Stage::Skip(longer.saturating_add(BACK_POINTER_BYTES));
        Ok(true)
    }

    fn skip(&mut self, left: usize) -> bool {
        let here = left.min(self.buffer.len());
        self.buffer.advance(here);
        let left = left.saturating_sub(here);
        self.stage = if left == 0 {
            Stage::Tag
        } else {
            Stage::Skip(left)
        };
        left == 0
    }

    fn read_tag(&mut self) -> Result<Option<Tag>, TagError> {
        let mut walk = Walk::new(&self.buffer);
        let (Some(tag_type), Some(bytes), Some(low), Some(high), Some(_stream)) =
            (walk.u8(), walk.u24(), walk.u24(), walk.u8(), walk.u24())
        else {
            return Ok(None);
        };
        if bytes > self.tag_bytes_max {
            return Err(TagError::TagTooLong {
                bytes,
                max: self.tag_bytes_max,
            });
        }
        if tag_type & 0x20 != 0 {
            return Err(TagError::Encrypted);
        }
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        // The back pointer is not compared: writers that fill it wrongly exist and nothing depends on it.
        let whole = size
            .saturating_add(TAG_HEADER_BYTES)
            .saturating_add(BACK_POINTER_BYTES);
        if self.buffer.len() < whole {
            return Ok(None);
        }
        self.buffer.advance(TAG_HEADER_BYTES);
        let payload: Bytes = self.buffer.split_to(size).freeze();
        self.buffer.advance(BACK_POINTER_BYTES);
        let kind = match tag_type & 0x1f {
            TYPE_AUDIO => Some(Kind::Audio),
            TYPE_VIDEO => Some(Kind::Video),
            TYPE_SCRIPT => Some(Kind::Data),
            _ => None,
        };
        Ok(Some(Tag {
            kind,
            timestamp: low | (u32::from(high) << 24),
            payload,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag::{write_file_header, write_tag};

    fn file() -> Vec<u8> {
        let mut out = BytesMut::new();
        write_file_header(&mut out, true, true);
        write_tag(&mut out, Kind::Data, 0, b"\x02\x00\x01a").unwrap();
        write_tag(&mut out, Kind::Video, 0x0102_0304, b"abcde").unwrap();
        write_tag(&mut out, Kind::Audio, u32::MAX, b"").unwrap();
        out.to_vec()
    }

    fn read(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Result<Vec<Tag>, TagError> {
        let mut reader = Reader::default();
        let mut tags = Vec::new();
        for piece in pieces {
            reader.feed(piece.as_ref());
            while let Some(tag) = reader.next_tag()? {
                tags.push(tag);
            }
        }
        Ok(tags)
    }

    #[test]
    fn any_split_gives_the_same_tags() {
        let file = file();
        let whole = read([&file]).unwrap();
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[1].timestamp, 0x0102_0304);
        assert_eq!(whole[1].payload[..], *b"abcde");
        assert_eq!(
            (whole[2].kind, whole[2].timestamp),
            (Some(Kind::Audio), u32::MAX)
        );
        assert_eq!(read(file.chunks(1)).unwrap(), whole);
        for cut in 0..file.len() {
            assert_eq!(
                read([&file[..cut], &file[cut..]]).unwrap(),
                whole,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_file_cut_at_any_byte_gives_its_whole_tags_and_no_error() {
        let file = file();
        let whole = read([&file]).unwrap();
        for cut in 0..file.len() {
            let tags = read([&file[..cut]]).unwrap();
            assert_eq!(tags[..], whole[..tags.len()], "cut at {cut}");
            assert!(tags.len() < whole.len());
        }
    }

    #[test]
    fn the_end_of_a_whole_file_is_a_boundary() {
        let mut reader = Reader::default();
        assert!(!reader.at_boundary());
        reader.feed(&file());
        while reader.next_tag().unwrap().is_some() {}
        assert!(reader.at_boundary());
        assert_eq!(
            reader.file_header(),
            Some(FileHeader {
                has_audio: true,
                has_video: true
            })
        );
        reader.feed(&[9]);
        assert_eq!(reader.next_tag(), Ok(None));
        assert!(!reader.at_boundary());
    }

    #[test]
    fn other_files_are_refused_at_the_first_wrong_byte_and_stay_refused() {
        let mut reader = Reader::default();
        reader.feed(b"RIFF");
        assert_eq!(reader.next_tag(), Err(TagError::NotFlv));
        reader.feed(&file());
        assert_eq!(reader.next_tag(), Err(TagError::NotFlv));
        assert_eq!(read([b"FX"]), Err(TagError::NotFlv));
    }

    #[test]
    fn header_lengths_at_the_limits_are_read_and_past_them_refused() {
        let with_header = |bytes: u32| {
            let mut out = b"FLV\x01\x05".to_vec();
            out.extend_from_slice(&bytes.to_be_bytes());
            out.resize(bytes.max(9) as usize + 4, 0);
            out.extend_from_slice(&file()[13..]);
            out
        };
        assert_eq!(
            read(with_header(FILE_HEADER_BYTES_MAX).chunks(7))
                .unwrap()
                .len(),
            3
        );
        for bytes in [0, 8, FILE_HEADER_BYTES_MAX + 1, u32::MAX] {
            let file = if bytes == u32::MAX {
                b"FLV\x01\x05\xff\xff\xff\xff".to_vec()
            } else {
                with_header(bytes)
            };
            assert_eq!(read([file]), Err(TagError::HeaderLength { bytes }));
        }
    }

    #[test]
    fn a_tag_at_the_limit_is_read_and_one_past_it_is_refused_before_its_body_comes() {
        let mut reader = Reader::new(5);
        reader.feed(&file());
        for _ in 0..3 {
            assert!(reader.next_tag().unwrap().is_some());
        }
        let mut reader = Reader::new(4);
        reader.feed(&file()[..13 + 15 + 4 + 11]);
        assert!(reader.next_tag().unwrap().is_some());
        assert_eq!(
            reader.next_tag(),
            Err(TagError::TagTooLong { bytes: 5, max: 4 })
        );
    }

    #[test]
    fn tags_of_other_types_are_told_apart_and_encrypted_ones_refused() {
        let mut other = file();
        other[13] = 15;
        assert_eq!(read([&other]).unwrap()[0].kind, None);
        other[13] = 18 | 0x20;
        assert_eq!(read([&other]), Err(TagError::Encrypted));
    }
}
