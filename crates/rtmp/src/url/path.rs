//! The public name of a live stream, clean enough for logs, metric labels and file names.

use std::fmt;

use super::check_limit;
use crate::limits::{Limit, LimitExceeded, PATH_SEGMENT_BYTES_MAX, PATH_SEGMENTS_MAX};

/// The path of a live stream: app and name in one to four clean segments. `live/cam`.
///
/// The first segment is the app for configuration, the rest the name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamPath(String);

/// What a peer, or a configuration, names a stream with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The app of `connect`.
    App,
    /// The `tcUrl` of `connect`.
    TcUrl,
    /// The name of `publish` or `play`, or a path of app and name.
    Name,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::App => "the app",
            Self::TcUrl => "the tcUrl",
            Self::Name => "the stream name",
        })
    }
}

/// Why a stream name cannot be used. It never shows the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing is left after slashes and query.
    #[error("the stream name is empty")]
    Empty,
    /// Not UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(Field),
    /// A control character.
    #[error("{0} has a control character")]
    ControlCharacter(Field),
    /// A backslash.
    #[error("the stream name has a backslash")]
    Backslash,
    /// Two slashes in a row.
    #[error("the stream name has an empty segment")]
    EmptySegment,
    /// A segment that starts with a dot.
    #[error("a segment of the stream name starts with a dot")]
    LeadingDot,
    /// Too long, or too many segments.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

impl StreamPath {
    /// Checks a path; leading and trailing slashes are removed, nothing is decoded. [WIRE 102] [WIRE 212]
    ///
    /// # Errors
    /// [`NameError`].
    pub fn new(path: &str) -> Result<Self, NameError> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Err(NameError::Empty);
        }
        let segments = path.split('/').count();
        check_limit(Limit::PathSegments, segments, PATH_SEGMENTS_MAX)?;
        path.split('/').try_for_each(check_segment)?;
        Ok(Self(path.to_owned()))
    }

    /// The whole path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first segment.
    #[must_use]
    pub fn app(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(app, _)| app)
    }

    /// What follows the first segment; empty when there is nothing.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// The same app with another name, which must not be empty.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn with_name(&self, name: &str) -> Result<Self, NameError> {
        let name = name.trim_matches('/');
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        Self::new(&format!("{}/{name}", self.app()))
    }
}

fn check_segment(segment: &str) -> Result<(), NameError> {
    if segment.is_empty() {
        return Err(NameError::EmptySegment);
    }
    if segment.starts_with('.') {
        return Err(NameError::LeadingDot);
    }
    if segment.contains('\\') {
        return Err(NameError::Backslash);
    }
    if segment.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter(Field::Name));
    }
    check_limit(
        Limit::PathSegmentBytes,
        segment.len(),
        PATH_SEGMENT_BYTES_MAX,
    )?;
    Ok(())
}

impl fmt::Debug for StreamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for StreamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
