//! URLs of servers and streams, as people write them for pushes, pulls and on the command line.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use super::{MASK, check_name_bytes, percent, reference, split_query};
use crate::limits::LimitExceeded;

/// Bytes of a host name. [RFC 1035 2.3.4]
const HOST_BYTES_MAX: usize = 253;

/// An `rtmp://` or `rtmps://` URL of a server and a stream.
///
/// Percent-encoding is left alone in all parts. `Debug` and `Display` mask user info, stream name and queries.
#[derive(Clone, PartialEq, Eq)]
pub struct RtmpUrl {
    scheme: Scheme,
    user_info: Option<UserInfo>,
    host: String,
    port: u16,
    app: String,
    name: String,
}

/// The scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain TCP, port 1935.
    Rtmp,
    /// TLS, port 443.
    Rtmps,
}

/// User name and password of a URL; `Debug` masks both.
#[derive(Clone, PartialEq, Eq)]
pub struct UserInfo {
    user: String,
    password: String,
}

/// Why a URL cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Neither `rtmp://` nor `rtmps://`.
    #[error("the URL must start with rtmp:// or rtmps://")]
    Scheme,
    /// No host, or characters that no host has.
    #[error("the host is missing or not valid")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("the port must be a number from 1 to 65535")]
    Port,
    /// No app.
    #[error("the path must name an app: rtmp://host/app/name")]
    App,
    /// Control characters or spaces.
    #[error("the URL has control characters or spaces")]
    Character,
    /// Longer than a peer can be told.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}

impl RtmpUrl {
    /// Parses one URL: the last path segment with the query is the stream name, what is before it the app.
    ///
    /// A path of one segment is an app, and the query up to the next slash is the app's then, as in
    /// `rtmp://host/live2?backup=1/KEY`; without that slash there is no name. Slashes at the ends of app and name are
    /// dropped.
    ///
    /// # Errors
    /// [`UrlError`] says which part is wrong; it never shows the URL.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let (server, path) = Server::parse(url)?;
        let (path, query) = split_query(path);
        let path = path.trim_matches('/');
        let (app, name) = if let Some((app, name)) = path.rsplit_once('/') {
            (app.trim_end_matches('/').to_owned(), joined(name, query))
        } else {
            let (query, name) = match query.and_then(|query| query.split_once('/')) {
                Some((query, name)) => (Some(query), name.trim_start_matches('/')),
                None => (query, ""),
            };
            (joined_app(path, query)?, name.to_owned())
        };
        server.with(app, name)
    }

    /// Parses a server URL and a stream key that were configured apart: the whole path is the app, its query
    /// stays with the app, and the key is passed on byte for byte. [WIRE 183]
    ///
    /// # Errors
    /// As [`RtmpUrl::parse`].
    pub fn with_name(server: &str, name: &str) -> Result<Self, UrlError> {
        let (server, path) = Server::parse(server)?;
        if has_forbidden_character(name) {
            return Err(UrlError::Character);
        }
        let (path, query) = split_query(path);
        let app = joined_app(path.trim_matches('/'), query)?;
        server.with(app, name.to_owned())
    }

    /// Plain or TLS.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// User name and password.
    #[must_use]
    pub const fn user_info(&self) -> Option<&UserInfo> {
        self.user_info.as_ref()
    }

    /// Host name or address; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to, the scheme's own when none is given.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The app as `connect` sends it, with its query if it has one.
    #[must_use]
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The stream name as `publish` and `play` send it, with its query: a secret. Empty when the URL has none.
    #[must_use]
    pub fn stream_name(&self) -> &str {
        &self.name
    }

    /// `tcUrl`: scheme, host, a port that is not the scheme's own, and app with its query; no key, no user info.
    /// [WIRE 183] [WIRE 199]
    #[must_use]
    pub fn tc_url(&self) -> String {
        format!("{}://{}/{}", self.scheme, self.authority(), self.app)
    }

    /// Scheme, host and a port that is not the scheme's own: what of a URL is never a secret.
    #[must_use]
    pub fn server(&self) -> String {
        format!("{}://{}", self.scheme, self.authority())
    }

    /// The same URL with `query` behind what the app's query holds already.
    ///
    /// # Errors
    /// [`UrlError::Character`] and [`UrlError::Limit`].
    pub fn with_app_query(&self, query: &str) -> Result<Self, UrlError> {
        if has_forbidden_character(query) {
            return Err(UrlError::Character);
        }
        let separator = if self.app.contains('?') { '&' } else { '?' };
        let app = format!("{}{separator}{query}", self.app);
        check_name_bytes(app.len())?;
        Ok(Self {
            app,
            ..self.clone()
        })
    }

    /// The same stream at another server, as a server says it in a redirect or a reconnect request: an absolute `tcUrl`,
    /// or one relative to ours, as `//host/app`, `/app` or `app`. [RFC 3986 5.2] [E-RTMP v2: Reconnect Request]
    ///
    /// The stream name stays, and so does the user info unless the reference has its own.
    ///
    /// # Errors
    /// As [`RtmpUrl::parse`].
    pub fn at(&self, reference: &str) -> Result<Self, UrlError> {
        let absolute = reference::resolve(self, reference);
        Ok(Self::with_name(&absolute, &self.name)?.with_user_info_of(self))
    }

    /// This URL with the user info of another one, unless it has its own.
    #[must_use]
    pub fn with_user_info_of(mut self, other: &Self) -> Self {
        self.user_info = self.user_info.or_else(|| other.user_info.clone());
        self
    }

    fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == self.scheme.default_port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

impl Scheme {
    /// Whether what goes this way can be read by others, where it could not be on the way of `other`.
    #[must_use]
    pub const fn is_weaker_than(self, other: Self) -> bool {
        matches!((self, other), (Self::Rtmp, Self::Rtmps))
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Rtmp => 1935,
            Self::Rtmps => 443,
        }
    }
}

impl UserInfo {
    /// The user name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The user name with its percent-encoding undone.
    #[must_use]
    pub fn decoded_user(&self) -> Cow<'_, str> {
        percent_decoded(&self.user)
    }

    /// The password with its percent-encoding undone, so that it may hold slashes.
    #[must_use]
    pub fn decoded_password(&self) -> Cow<'_, str> {
        percent_decoded(&self.password)
    }
}

/// A URL up to its path.
struct Server {
    scheme: Scheme,
    user_info: Option<UserInfo>,
    host: String,
    port: u16,
}

impl Server {
    /// Gives what follows the authority as well.
    fn parse(url: &str) -> Result<(Self, &str), UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = match scheme {
            word if word.eq_ignore_ascii_case("rtmp") => Scheme::Rtmp,
            word if word.eq_ignore_ascii_case("rtmps") => Scheme::Rtmps,
            _ => return Err(UrlError::Scheme),
        };
        if has_forbidden_character(rest) {
            return Err(UrlError::Character);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user_info, place) = match authority.rsplit_once('@') {
            Some((user_info, place)) => (Some(UserInfo::parse(user_info)), place),
            None => (None, authority),
        };
        let (host, port) = split_port(place)?;
        let server = Self {
            scheme,
            user_info,
            host: host.to_owned(),
            port: port.unwrap_or_else(|| scheme.default_port()),
        };
        Ok((server, path))
    }

    fn with(self, app: String, name: String) -> Result<RtmpUrl, UrlError> {
        check_name_bytes(app.len())?;
        check_name_bytes(name.len())?;
        let Self {
            scheme,
            user_info,
            host,
            port,
        } = self;
        Ok(RtmpUrl {
            scheme,
            user_info,
            host,
            port,
            app,
            name,
        })
    }
}

impl UserInfo {
    fn parse(text: &str) -> Self {
        let (user, password) = text.split_once(':').unwrap_or((text, ""));
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
        }
    }
}

/// What is no UTF-8 afterwards stays as it is written.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    percent::decoded(text).unwrap_or(Cow::Borrowed(text))
}

fn has_forbidden_character(text: &str) -> bool {
    text.chars()
        .any(|character| character.is_control() || character.is_whitespace())
}

/// Host and port of `host`, `host:1`, `[::1]` and `[::1]:1`, the host without brackets.
fn split_port(place: &str) -> Result<(&str, Option<u16>), UrlError> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(UrlError::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| UrlError::Host)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(parse_port(port)?))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(UrlError::Host),
        };
    }
    let (host, port) = match place.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    };
    if !is_host(host) {
        return Err(UrlError::Host);
    }
    Ok((host, port.map(parse_port).transpose()?))
}

/// Underscores are no host name characters, but networks of containers use them.
fn is_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    host.len() <= HOST_BYTES_MAX
        && name.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

fn parse_port(text: &str) -> Result<u16, UrlError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port) if digits && port != 0 => Ok(port),
        _ => Err(UrlError::Port),
    }
}

fn joined(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

fn joined_app(path: &str, query: Option<&str>) -> Result<String, UrlError> {
    if path.is_empty() {
        return Err(UrlError::App);
    }
    Ok(joined(path, query))
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
        })
    }
}

impl fmt::Display for RtmpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if self.user_info.is_some() {
            write!(f, "{MASK}@")?;
        }
        let (app, query) = split_query(&self.app);
        write!(f, "{}/{app}", self.authority())?;
        if query.is_some() {
            write!(f, "?{MASK}")?;
        }
        if !self.name.is_empty() {
            write!(f, "/{MASK}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RtmpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RtmpUrl({self})")
    }
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserInfo({MASK})")
    }
}
