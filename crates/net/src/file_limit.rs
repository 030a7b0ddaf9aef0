//! How many files, and so connections, this process may have open.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The soft limit of open files before and after [`raise_file_limit`]; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimit {
    /// What the process started with.
    pub before: Option<u64>,
    /// What holds now: the hard limit.
    pub now: Option<u64>,
}

/// The soft limit could not be raised; the process goes on with what it had.
#[derive(Debug, thiserror::Error)]
#[error("cannot raise the limit of open files from {before} to {wanted}: {source}")]
pub struct FileLimitError {
    /// The soft limit, which stays.
    pub before: u64,
    /// The hard limit.
    pub wanted: u64,
    /// What the system said.
    pub source: io::Error,
}

impl FileLimitError {
    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        "set LimitNOFILE= in the systemd unit, or `ulimit -n` in the shell that starts the program"
    }
}

/// Raises the soft limit of open files to the hard one.
///
/// Why: the usual soft limit is 1024 for the sake of programs that use `select`; a relay needs a descriptor
/// per player. The hard limit is what the administrator allows.
pub fn raise_file_limit() -> Result<FileLimit, FileLimitError> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum {
        setrlimit(Resource::Nofile, raised).map_err(|source| FileLimitError {
            before: limit.current.unwrap_or(u64::MAX),
            wanted: limit.maximum.unwrap_or(u64::MAX),
            source: source.into(),
        })?;
    }
    Ok(FileLimit {
        before: limit.current,
        now: limit.maximum,
    })
}
