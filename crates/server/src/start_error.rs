//! Why a relay cannot start: what failed, where it was configured, what to do.

use std::fmt;
use std::io;

use bongsu_net::ServerError;

use crate::config::ListenAddr;

/// A relay cannot start. `Display` has the three lines that a user sees.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    Listen {
        /// Why.
        error: ServerError,
        /// Where the address was configured, for people; empty when the error does not name one.
        place: String,
    },
    /// The system gives no thread, no event queue or no descriptor.
    System {
        /// What was to be made.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

impl StartError {
    /// The listeners of a section cannot be opened.
    pub(crate) fn listen(error: ServerError, section: &str, configured: &[ListenAddr]) -> Self {
        let address = error.address();
        let place = configured
            .iter()
            .find(|listen| Some(listen.addr()) == address)
            .map(|listen| format!("{}, [{section}] listen", listen.origin()))
            .unwrap_or_default();
        Self::Listen { error, place }
    }

    pub(crate) const fn system(what: &'static str, error: io::Error) -> Self {
        Self::System { what, error }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { error, place } => {
                writeln!(f, "error: {error}")?;
                if !place.is_empty() {
                    writeln!(f, "  from: {place}")?;
                }
                write!(f, "  try:  {}", error.try_hint())
            }
            Self::System { what, error } => {
                writeln!(f, "error: cannot make {what}: {error}")?;
                f.write_str("  try:  raise the limits of this process (`ulimit -n`, `ulimit -u`)")
            }
        }
    }
}

impl std::error::Error for StartError {}
