//! Who may publish and play what: a decision over an app's settings, without sockets or clocks.
//!
//! A stream key comes as `name?key=SECRET` (or `token=`), in the query of the name, the app or tcUrl, or alone in
//! place of the name. The name that goes on is always the public one.

use std::fmt;

use bongsu_hub::Identity;
use bongsu_rtmp::status::{Code, Status};
use bongsu_rtmp::url::{NameError, Query, Resolved, StreamPath};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable};

use super::app::{App, PublishPolicy, StreamKey};
use super::{ANY_APP, Config};

/// The parameters that may carry a stream key; the first that is there counts.
pub const KEY_PARAMETERS: [&str; 2] = ["key", "token"];

/// Parameters that never go on to a destination: those of [`KEY_PARAMETERS`] and what people put passwords into.
pub const CREDENTIAL_PARAMETERS: [&str; 6] = ["key", "token", "user", "pass", "password", "jwt"];

/// A peer may publish or play. `Debug` does not show the query.
#[derive(Clone)]
pub struct Grant<'a> {
    /// The settings that hold for it.
    pub app: &'a App,
    /// The public path: app and name, never a key.
    pub path: StreamPath,
    /// The query without credentials.
    pub args: Query,
    /// Who a publisher proved to be.
    pub identity: Identity,
}

impl fmt::Debug for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("path", &self.path)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Why a peer may not. `Display` is for the person at the other end; it never shows what the peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The app is not listed and there is no `[apps."*"]`.
    #[error("this server has no such app: check the part of the URL behind the host")]
    UnknownApp,
    /// Only an app was named.
    #[error("the stream name is missing: use the URL rtmp://host/app/name")]
    NameMissing,
    /// No key, or a lone text that is none.
    #[error("publishing needs a stream key: use NAME?key=KEY as the stream key")]
    KeyMissing,
    /// A key that nobody has.
    #[error("the stream key is wrong")]
    KeyWrong,
    /// The address has tried so many wrong keys that this one was not looked at.
    #[error("too many wrong stream keys came from this address: try again in a minute")]
    TooManyWrongKeys,
    /// The right key with another name.
    #[error("this stream key belongs to another stream name")]
    KeyOfOtherName,
    /// A key for any name stands alone.
    #[error("the stream key needs a name in front: use NAME?key=KEY as the stream key")]
    KeyWithoutName,
    /// A player names a key.
    #[error("play the stream by its name, not by its stream key")]
    PlayedByKey,
    /// The name and its app together are no path.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Denied {
    /// A stable label for logs, metrics and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownApp => "unknown_app",
            Self::NameMissing => "name_missing",
            Self::KeyMissing => "key_missing",
            Self::KeyWrong => "key_wrong",
            Self::TooManyWrongKeys => "too_many_wrong_keys",
            Self::KeyOfOtherName => "key_of_other_name",
            Self::KeyWithoutName => "key_without_name",
            Self::PlayedByKey => "played_by_key",
            Self::Name(_) => "bad_name",
        }
    }

    /// Whether it may have been a guess.
    #[must_use]
    pub const fn is_wrong_key(self) -> bool {
        matches!(self, Self::KeyMissing | Self::KeyWrong)
    }

    /// The answer to `publish`.
    #[must_use]
    pub fn publish_status(self) -> Status {
        // librtmp and OBS know Denied and say that access was refused. [RTMP 7.2.2]
        let code = match self {
            Self::Name(_) | Self::NameMissing => Code::PublishBadName,
            _ => Code::PublishDenied,
        };
        Status::new(code, self.to_string())
    }

    /// The answer to `play`.
    #[must_use]
    pub fn play_status(self) -> Status {
        let code = match self {
            Self::UnknownApp | Self::NameMissing | Self::Name(_) => Code::PlayStreamNotFound,
            _ => Code::PlayFailed,
        };
        Status::new(code, self.to_string())
    }
}

/// Whether publishing there takes a key.
#[must_use]
pub fn needs_key(config: &Config, target: &Resolved) -> bool {
    find_app(config, &target.path).is_ok_and(|app| app.publish == PublishPolicy::Key)
}

/// Whether a peer may publish, and under which name.
///
/// The time it takes depends on the number of keys and the length of what the peer sent, not on which key is near.
///
/// # Errors
/// [`Denied`].
pub fn publish<'a>(config: &'a Config, target: &Resolved) -> Result<Grant<'a>, Denied> {
    let app = find_app(config, &target.path)?;
    let args = target.query.without(&CREDENTIAL_PARAMETERS);
    if app.publish == PublishPolicy::Open {
        if target.path.name().is_empty() {
            return Err(Denied::NameMissing);
        }
        let (path, identity) = (target.path.clone(), Identity::Open);
        return Ok(Grant {
            app,
            path,
            args,
            identity,
        });
    }
    let (path, key) = match sent_key(&target.query) {
        Some(sent) => named(app, target, sent)?,
        None => alone(app, target)?,
    };
    let identity = Identity::Key(key.name.as_deref().unwrap_or(ANY_APP).into());
    Ok(Grant {
        app,
        path,
        args,
        identity,
    })
}

/// Whether a peer may play. Playing is open, but never by a stream key in place of the name.
///
/// # Errors
/// [`Denied`].
pub fn play<'a>(config: &'a Config, target: &Resolved) -> Result<Grant<'a>, Denied> {
    let app = find_app(config, &target.path)?;
    if target.path.name().is_empty() {
        return Err(Denied::NameMissing);
    }
    if find_key(app, target.key_candidate()).is_some() {
        return Err(Denied::PlayedByKey);
    }
    Ok(Grant {
        app,
        path: target.path.clone(),
        args: target.query.without(&CREDENTIAL_PARAMETERS),
        identity: Identity::Open,
    })
}

fn find_app<'a>(config: &'a Config, path: &StreamPath) -> Result<&'a App, Denied> {
    config.app(path.app()).ok_or(Denied::UnknownApp)
}

/// `name?key=SECRET`.
fn named<'a>(
    app: &'a App,
    target: &Resolved,
    sent: &str,
) -> Result<(StreamPath, &'a StreamKey), Denied> {
    let key = find_key(app, sent)
        .or_else(|| find_key(app, &percent_decoded(sent)))
        .ok_or(Denied::KeyWrong)?;
    let asked = target.path.name();
    match &key.name {
        Some(name) if asked.is_empty() => Ok((target.path.with_name(name)?, key)),
        Some(name) if name != asked => Err(Denied::KeyOfOtherName),
        None if asked.is_empty() => Err(Denied::KeyWithoutName),
        _ => Ok((target.path.clone(), key)),
    }
}

/// `SECRET` in place of the name.
fn alone<'a>(app: &'a App, target: &Resolved) -> Result<(StreamPath, &'a StreamKey), Denied> {
    let key = find_key(app, target.key_candidate()).ok_or(Denied::KeyMissing)?;
    let name = key.name.as_deref().ok_or(Denied::KeyWithoutName)?;
    Ok((target.path.with_name(name)?, key))
}

fn sent_key(query: &Query) -> Option<&str> {
    KEY_PARAMETERS
        .iter()
        .find_map(|name| query.get(name))
        .filter(|value| !value.is_empty())
}

/// Compares with every key, so that the time does not tell which one is near.
fn find_key<'a>(app: &'a App, candidate: &str) -> Option<&'a StreamKey> {
    let digest: [u8; 32] = Sha256::digest(candidate.as_bytes()).into();
    let mut found = 0_u64;
    for (index, key) in (1..).zip(&app.keys) {
        let same: Choice = key.key.matches_digest(&digest);
        found.conditional_assign(&index, same);
    }
    let index = usize::try_from(found).ok()?.checked_sub(1)?;
    app.keys.get(index)
}

/// A value whose sender escaped it. Text that is not escaped stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = match more {
            [high, low, ..] if *first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        let (byte, used) = escaped.map_or((*first, 1), |(high, low)| (high << 4 | low, 3));
        decoded.push(byte);
        rest = rest.get(used..).unwrap_or_default();
    }
    String::from_utf8(decoded).unwrap_or_default()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
