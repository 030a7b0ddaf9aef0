//! An FLV file or standard input as a source of tags, round after round.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use bongsu_flv::tag::{BACK_POINTER_BYTES, Reader, TAG_HEADER_BYTES, Tag};

use bongsu_server::config::FileFault;

use crate::failure::Failure;

/// Bytes read at once.
const READ_BYTES: usize = 64 << 10;

/// The name that means standard input or output.
pub(crate) const STANDARD: &str = "-";

/// Tags of a file, one by one.
pub(crate) struct Input {
    source: Source,
    reader: Reader,
    buffer: Vec<u8>,
    /// What the file is called in errors.
    name: String,
    /// The first tag, read to see that it is an FLV file.
    first: Option<Tag>,
}

enum Source {
    File(File),
    Standard,
}

impl Input {
    /// Opens a file and reads its first tag.
    ///
    /// # Errors
    /// When it cannot be read or is no FLV file with at least one tag.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let (source, name) = if path.as_os_str() == STANDARD {
            (Source::Standard, "standard input".to_owned())
        } else {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| cannot_read(&name, &error))?;
            (Source::File(file), name)
        };
        let mut input = Self {
            source,
            reader: Reader::default(),
            buffer: vec![0; READ_BYTES],
            name,
            first: None,
        };
        input.first = input.next_tag()?;
        if input.first.is_none() {
            return Err(Failure::new(
                format!("{} has no frames", input.name),
                "check that the file is complete",
            ));
        }
        Ok(input)
    }

    /// Whether the file can begin again.
    pub(crate) const fn can_rewind(&self) -> bool {
        matches!(self.source, Source::File(_))
    }

    /// Begins again.
    pub(crate) fn rewind(&mut self) -> Result<(), Failure> {
        if let Source::File(file) = &mut self.source {
            file.rewind()
                .map_err(|error| cannot_read(&self.name, &error))?;
        }
        self.reader = Reader::default();
        self.first = None;
        Ok(())
    }

    /// Time from the first tag to the last, where the end of the file can be read.
    pub(crate) fn length(&mut self) -> Option<Duration> {
        let first_ms = self.first.as_ref()?.timestamp;
        let Source::File(file) = &mut self.source else {
            return None;
        };
        let here = file.stream_position().ok()?;
        let last_ms = last_timestamp(file);
        file.seek(SeekFrom::Start(here)).ok()?;
        let ms = last_ms?.checked_sub(first_ms)?;
        Some(Duration::from_millis(u64::from(ms)))
    }

    /// The next tag; `None` at the end of the file. A tag that is cut short there is left out.
    pub(crate) fn next_tag(&mut self) -> Result<Option<Tag>, Failure> {
        if let Some(tag) = self.first.take() {
            return Ok(Some(tag));
        }
        loop {
            let tag = self.reader.next_tag().map_err(|error| {
                let hint = "make one with: ffmpeg -i FILE -c copy -f flv OUT.flv";
                Failure::new(format!("cannot publish {}: {error}", self.name), hint)
            })?;
            if tag.is_some() {
                return Ok(tag);
            }
            let read = match &mut self.source {
                Source::File(file) => file.read(&mut self.buffer),
                Source::Standard => std::io::stdin().lock().read(&mut self.buffer),
            };
            let read = read.map_err(|error| cannot_read(&self.name, &error))?;
            let Some(piece) = self.buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                return Ok(None);
            };
            self.reader.feed(piece);
        }
    }
}

/// The timestamp of the last tag: the number behind it says where it begins.
fn last_timestamp(file: &mut File) -> Option<u32> {
    let mut pointer = [0; BACK_POINTER_BYTES];
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let at_pointer = end.checked_sub(BACK_POINTER_BYTES as u64)?;
    file.seek(SeekFrom::Start(at_pointer)).ok()?;
    file.read_exact(&mut pointer).ok()?;
    let tag = at_pointer.checked_sub(u64::from(u32::from_be_bytes(pointer)))?;
    let mut header = [0; TAG_HEADER_BYTES];
    file.seek(SeekFrom::Start(tag)).ok()?;
    file.read_exact(&mut header).ok()?;
    let [_, _, _, _, high, middle, low, extended, ..] = header;
    Some(u32::from_be_bytes([extended, high, middle, low]))
}

fn cannot_read(name: &str, error: &std::io::Error) -> Failure {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "check the path",
        std::io::ErrorKind::PermissionDenied => "let this user read it",
        std::io::ErrorKind::IsADirectory => "name a file in it",
        _ => "check the disk and the mount",
    };
    Failure::new(
        format!("cannot read {name}: {}", FileFault::from_io(error)),
        hint,
    )
}
