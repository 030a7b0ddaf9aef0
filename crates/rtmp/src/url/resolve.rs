//! From `app`, `tcUrl` and a name to one stream path, however a client spread them.

use std::borrow::Cow;
use std::fmt;

use super::{Field, NameError, Query, StreamPath, check_name_bytes, percent, split_query};

/// What a peer named with `connect` and `publish` or `play`.
///
/// `Debug` leaves the name out, which may be a stream key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// App and name joined, percent-decoded once, without prefix. Its name may be a stream key: see
    /// [`Resolved::key_candidate`].
    pub path: StreamPath,
    /// Parameters of the name, then those of the app and of tcUrl that the name does not have.
    pub query: Query,
    /// The prefix that stood before the name.
    pub prefix: Option<NamePrefix>,
    /// App and name as they came, for signatures and onward pushes: a secret.
    pub raw: RawName,
}

/// App and stream name exactly as the peer sent them; `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct RawName {
    /// The `app` property.
    pub app: String,
    /// The argument of `publish` or `play`.
    pub name: String,
}

/// A media type in front of a stream name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NamePrefix {
    /// `flv:`
    Flv,
    /// `mp4:`
    Mp4,
    /// `mp3:`
    Mp3,
    /// `id3:`
    Id3,
}

impl NamePrefix {
    const ALL: [(&'static str, Self); 4] = [
        ("flv:", Self::Flv),
        ("mp4:", Self::Mp4),
        ("mp3:", Self::Mp3),
        ("id3:", Self::Id3),
    ];
}

impl Resolved {
    /// What may be a bare stream key: the name part of the path.
    #[must_use]
    pub fn key_candidate(&self) -> &str {
        self.path.name()
    }
}

/// Joins what `connect` and `publish` or `play` sent into one stream path and its parameters. [WIRE 100]
///
/// Without a name the last segment of the app is the name, because some clients put all of it there. Parameters of
/// the name win over those of the app, and these over those of tcUrl.
///
/// # Errors
/// [`NameError`] for empty, unclean or overlong names. [WIRE 102]
pub fn resolve(app: &[u8], tc_url: Option<&[u8]>, name: &[u8]) -> Result<Resolved, NameError> {
    let app = clean_text(app, Field::App)?;
    let name = clean_text(name, Field::Name)?;
    // Some clients put tcUrl in single quotes.
    let tc_url = clean_text(tc_url.unwrap_or_default(), Field::TcUrl)?.trim_matches('\'');

    let (app_path, app_query) = split_query(app);
    let (name_path, name_query) = split_query(name);
    let (_, tc_url_query) = split_query(tc_url);
    let [name_query, app_query, tc_url_query] = [name_query, app_query, tc_url_query]
        .map(|query| query.map(Query::parse).unwrap_or_default());

    let (prefix, bare_name) = strip_prefix(name_path.trim_matches('/'));
    let app_path = percent_decoded(app_path.trim_matches('/'), Field::App)?;
    let bare_name = percent_decoded(bare_name, Field::Name)?;
    Ok(Resolved {
        path: StreamPath::new(&format!("{app_path}/{bare_name}"))?,
        query: name_query.merged(app_query).merged(tc_url_query),
        prefix,
        raw: RawName {
            app: app.to_owned(),
            name: name.to_owned(),
        },
    })
}

/// Queries go to hooks, logs of others and onward URLs, so they must be as clean as names.
fn clean_text(bytes: &[u8], field: Field) -> Result<&str, NameError> {
    check_name_bytes(bytes.len())?;
    let text = std::str::from_utf8(bytes).map_err(|_| NameError::NotUtf8(field))?;
    if text.chars().any(char::is_control) {
        return Err(NameError::ControlCharacter(field));
    }
    Ok(text)
}

fn strip_prefix(name: &str) -> (Option<NamePrefix>, &str) {
    let found = NamePrefix::ALL
        .iter()
        .find_map(|(text, prefix)| Some((*prefix, name.strip_prefix(text)?)));
    match found {
        Some((prefix, bare)) => (Some(prefix), bare.trim_matches('/')),
        None => (None, name),
    }
}

fn percent_decoded(text: &str, field: Field) -> Result<Cow<'_, str>, NameError> {
    percent::decoded(text).ok_or(NameError::NotUtf8(field))
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("app", &self.path.app())
            .field("query", &self.query)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RawName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawName").finish_non_exhaustive()
    }
}
