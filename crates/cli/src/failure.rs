//! What ends the program early: what failed, where, what to do.

use std::fmt;
use std::io::Write;
use std::process::ExitCode;

use bongsu_server::config::Problems;

/// Exit code when something failed.
pub(crate) const CODE_FAILED: u8 = 1;

/// Exit code of `probe` for a stream that plays and has problems.
pub(crate) const CODE_PROBLEMS: u8 = 3;

/// Exit code after a signal: 128 and the number of SIGINT, as shells have it.
pub(crate) const CODE_INTERRUPTED: u8 = 130;

/// A failure, ready to print. It never holds a secret.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// What failed, and what to do about it.
    pub(crate) fn new(what: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self {
            text: format!("error: {what}\n  try:  {hint}"),
            code: CODE_FAILED,
        }
    }

    /// A signal came before anything began.
    pub(crate) fn interrupted() -> Self {
        Self {
            code: CODE_INTERRUPTED,
            ..Self::new("stopped by a signal", "start it again")
        }
    }

    /// A failure whose text has all its lines already.
    pub(crate) fn whole(text: &impl fmt::Display) -> Self {
        Self {
            text: text.to_string(),
            code: CODE_FAILED,
        }
    }

    /// Prints it to standard error and gives the exit code.
    pub(crate) fn print(&self) -> ExitCode {
        // Nobody may be listening; the exit code still tells.
        let _ = writeln!(std::io::stderr(), "{self}");
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::whole(&problems)
    }
}
