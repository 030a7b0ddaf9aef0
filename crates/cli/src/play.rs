//! `bongsu play`: writes a stream to an FLV file.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bongsu_flv::Kind;
use bongsu_flv::tag::{write_file_header, write_tag};
use bongsu_server::config::FileFault;
use bytes::BytesMut;

use crate::args;
use crate::client::{Client, Happening, Role, parse_url};
use crate::failure::{CODE_INTERRUPTED, Failure};
use crate::input::STANDARD;
use crate::interrupt;
use crate::progress::Progress;

/// Longest wait in one go. Why: nothing depends on it; signals are noticed anyway.
const WAIT: Duration = Duration::from_secs(60);

pub(crate) fn run(settings: &args::Play) -> Result<ExitCode, Failure> {
    let url = parse_url(&settings.url)?;
    check_target(settings)?;
    interrupt::watch()?;
    let options = &settings.client;
    let progress = Progress::new("play", settings.duration, options.quiet, options.verbose);
    let mut client = Client::open(&url, Role::Play, options, &progress)?;
    // Made only now, so that a stream that cannot be played leaves no empty file.
    let mut recording = Recording::new(settings)?;
    let end = recording.run(&mut client, &progress);
    progress.finish();
    let end = end?;
    client.stop();
    match end {
        End::Whole => Ok(ExitCode::SUCCESS),
        End::Interrupted => Ok(ExitCode::from(CODE_INTERRUPTED)),
    }
}

enum End {
    /// The stream ended, the duration is over, or nobody reads our output any more.
    Whole,
    Interrupted,
}

fn check_target(settings: &args::Play) -> Result<(), Failure> {
    if settings.file.as_os_str() == STANDARD {
        if io::stdout().is_terminal() {
            return Err(Failure::new(
                "standard output is a terminal, and FLV is no text",
                "name a file, or pipe the output into a player: | ffplay -",
            ));
        }
    } else if settings.file.exists() && !settings.force {
        return Err(Failure::new(
            format!("{} exists", settings.file.display()),
            "name another file, or add --force",
        ));
    }
    Ok(())
}

/// The file that is being written.
struct Recording {
    out: BufWriter<Box<dyn Write>>,
    name: String,
    tag: BytesMut,
    first_ms: Option<u32>,
    duration: Option<Duration>,
    bytes: u64,
}

impl Recording {
    fn new(settings: &args::Play) -> Result<Self, Failure> {
        let (out, name): (Box<dyn Write>, String) = if settings.file.as_os_str() == STANDARD {
            (Box::new(io::stdout()), "standard output".to_owned())
        } else {
            let name = settings.file.display().to_string();
            let mut options = OpenOptions::new();
            options.write(true).truncate(true);
            if settings.force {
                options.create(true);
            } else {
                options.create_new(true);
            }
            let file = options
                .open(&settings.file)
                .map_err(|error| cannot_write(&name, &error))?;
            (Box::new(file), name)
        };
        Ok(Self {
            out: BufWriter::new(out),
            name,
            tag: BytesMut::new(),
            first_ms: None,
            duration: settings.duration,
            bytes: 0,
        })
    }

    fn run(&mut self, client: &mut Client, progress: &Progress) -> Result<End, Failure> {
        let written = self.write_stream(client, progress);
        let flushed = self.out.flush();
        match written {
            Ok(end) => match flushed {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(cannot_write(&self.name, &error))
                }
                _ => Ok(end),
            },
            Err(Stop::Failed(failure)) => Err(failure),
            Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(End::Whole),
            Err(Stop::Output(error)) => Err(cannot_write(&self.name, &error)),
        }
    }

    fn write_stream(&mut self, client: &mut Client, progress: &Progress) -> Result<End, Stop> {
        // Nobody knows yet what is in the stream; readers of FLV do not rely on these two bits.
        write_file_header(&mut self.tag, true, true);
        self.write_tag_buffer()?;
        loop {
            match client.next(Instant::now() + WAIT)? {
                Happening::Due => {}
                Happening::Interrupted => return Ok(End::Interrupted),
                Happening::Ended {
                    is_error: false, ..
                } => return Ok(End::Whole),
                Happening::Ended { why, .. } => return Err(Stop::Failed(broken_off(&why))),
                Happening::Media {
                    kind,
                    timestamp_ms,
                    payload,
                } => {
                    let elapsed = self.elapsed(kind, timestamp_ms);
                    if self.duration.is_some_and(|duration| elapsed > duration) {
                        return Ok(End::Whole);
                    }
                    // A longer one cannot have come: message and tag have the same 24-bit length.
                    if write_tag(&mut self.tag, kind, timestamp_ms, &payload).is_ok() {
                        self.write_tag_buffer()?;
                    }
                    self.bytes += payload.len() as u64;
                    progress.at(elapsed, self.bytes);
                }
            }
            if client.is_idle() {
                self.out.flush()?;
            }
        }
    }

    /// Stream time since the first frame. Metadata may be stamped 0 in a stream that runs for hours.
    fn elapsed(&mut self, kind: Kind, timestamp_ms: u32) -> Duration {
        let from = match (self.first_ms, kind) {
            (Some(first), _) => first,
            (None, Kind::Data) => timestamp_ms,
            (None, _) => *self.first_ms.insert(timestamp_ms),
        };
        let ms = timestamp_ms.wrapping_sub(from).cast_signed();
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }

    fn write_tag_buffer(&mut self) -> io::Result<()> {
        self.out.write_all(&self.tag)?;
        self.tag.clear();
        Ok(())
    }
}

/// Why writing stops before the stream does.
enum Stop {
    Failed(Failure),
    Output(io::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn broken_off(why: &str) -> Failure {
    Failure::new(
        format!("the server broke the stream off: {why}"),
        "look into the log of the server; what came before is in the file",
    )
}

fn cannot_write(name: &str, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "let this user write there, or name another place",
        io::ErrorKind::NotFound => "make the directory first",
        io::ErrorKind::StorageFull => "free space on the disk",
        _ => "check the disk and the mount",
    };
    Failure::new(
        format!("cannot write {name}: {}", FileFault::from_io(error)),
        hint,
    )
}
