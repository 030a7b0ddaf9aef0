//! The URL of a push, with placeholders for app, name and query.

use std::fmt;

use bongsu_rtmp::url::{Query, RtmpUrl, Scheme, UrlError};

use super::read::shown;
use super::reference::{Piece, Unbalanced, split};
use super::secret::MASK;
use super::suggest::nearest;

/// An `rtmp://` URL with the placeholders `{app}`, `{name}` and `{args}`.
///
/// `Debug` and `Display` hide user info, the query, and every part of the path behind the app that is more than
/// placeholders.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Hidden(String),
    Placeholder(Placeholder),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    App,
    Name,
    Args,
}

/// Why a text is no template. `Display` never shows the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// Something else than a placeholder between braces. It may be a key, so that only a misspelt placeholder is shown.
    #[error("unknown placeholder `{{{}}}`", shown_word(name))]
    Placeholder {
        /// What stands between the braces.
        name: String,
    },
    /// A brace without its other one.
    #[error("a brace has no counterpart")]
    Unbalanced,
    /// `{args}` is the publisher's query and can only follow a question mark.
    #[error("`{{args}}` stands outside the query")]
    ArgsOutsideQuery,
    /// Neither `rtmp://` nor `rtmps://`.
    #[error("not an rtmp:// or rtmps:// URL")]
    Scheme,
    /// TLS.
    #[error("destinations over TLS (rtmps://) are not supported yet")]
    Tls,
    /// The path ends with the app.
    #[error("the URL names an app but no stream")]
    NoName,
    /// Not a URL whatever the placeholders become.
    #[error("{0}")]
    Url(UrlError),
}

impl TemplateError {
    /// What to do, in one line.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Placeholder { name } => nearest(name, Placeholder::WORDS).map_or_else(
                || "use {app}, {name} or {args}; secrets as {env:NAME} or {file:path}".to_owned(),
                |word| format!("write {{{word}}}"),
            ),
            Self::Unbalanced => "close each { with }".to_owned(),
            Self::ArgsOutsideQuery => "put a question mark before it: /{name}?{args}".to_owned(),
            Self::Tls => "use rtmp:// where the service offers it, or a TLS tunnel on this machine"
                .to_owned(),
            Self::NoName => {
                "end the URL with /{name} or with the stream key of the service".to_owned()
            }
            Self::Scheme | Self::Url(_) => {
                "write it as in \"rtmp://host:1935/app/{name}\"".to_owned()
            }
        }
    }
}

impl UrlTemplate {
    /// Checks a template by filling it in.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let pieces = split(text).map_err(|Unbalanced| TemplateError::Unbalanced)?;
        Self::from_pieces(pieces)
    }

    pub(super) fn from_pieces(pieces: Vec<Piece>) -> Result<Self, TemplateError> {
        let parts = pieces.into_iter().map(|piece| match piece {
            Piece::Literal(text) => Ok(Part::Literal(text)),
            Piece::Hidden(text) => Ok(Part::Hidden(text)),
            Piece::Braced(name) => Placeholder::from_word(&name)
                .map(Part::Placeholder)
                .ok_or(TemplateError::Placeholder { name }),
        });
        let template = Self {
            parts: parts.collect::<Result<_, _>>()?,
        };
        template.check()?;
        Ok(template)
    }

    fn check(&self) -> Result<(), TemplateError> {
        let mut query = false;
        for part in &self.parts {
            match part {
                Part::Literal(text) | Part::Hidden(text) => query |= text.contains('?'),
                Part::Placeholder(Placeholder::Args) if !query => {
                    return Err(TemplateError::ArgsOutsideQuery);
                }
                Part::Placeholder(_) => {}
            }
        }
        let url = self
            .expand("app", "name", &Query::parse("key=value"))
            .map_err(|error| match error {
                UrlError::Scheme => TemplateError::Scheme,
                other => TemplateError::Url(other),
            })?;
        if url.scheme() == Scheme::Rtmps {
            return Err(TemplateError::Tls);
        }
        if url.stream_name().is_empty() {
            return Err(TemplateError::NoName);
        }
        Ok(())
    }

    /// The URL for one stream. `args` must be without credentials.
    ///
    /// # Errors
    /// [`UrlError`] when app, name and query make the URL too long.
    pub fn expand(&self, app: &str, name: &str, args: &Query) -> Result<RtmpUrl, UrlError> {
        let mut url = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) | Part::Hidden(text) => url.push_str(text),
                Part::Placeholder(Placeholder::App) => push_escaped(&mut url, app),
                Part::Placeholder(Placeholder::Name) => push_escaped(&mut url, name),
                Part::Placeholder(Placeholder::Args) if args.is_empty() => {
                    // `?key=1&{args}` and `?{args}` leave no separator behind.
                    let kept = url.trim_end_matches(['?', '&']).len();
                    url.truncate(kept);
                }
                Part::Placeholder(Placeholder::Args) => url.push_str(&args.to_raw()),
            }
        }
        RtmpUrl::parse(&url)
    }

    /// True when each stream of the app gets a URL of its own.
    #[must_use]
    pub fn has_name(&self) -> bool {
        self.parts.contains(&Part::Placeholder(Placeholder::Name))
    }

    /// The template without its secrets.
    fn masked(&self) -> String {
        let mut shown = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => shown.push_str(text),
                Part::Hidden(_) => shown.push_str(MASK),
                Part::Placeholder(placeholder) => {
                    shown.push('{');
                    shown.push_str(placeholder.word());
                    shown.push('}');
                }
            }
        }
        mask_url(&shown)
    }
}

/// What stands between braces, when it can only be a misspelt placeholder.
fn shown_word(word: &str) -> String {
    match nearest(word, Placeholder::WORDS) {
        Some(_) => shown(word),
        None => "...".to_owned(),
    }
}

/// Hides user info, the query, and what of the path may be a key.
fn mask_url(url: &str) -> String {
    let (path, query) = url
        .split_once('?')
        .map_or((url, None), |(path, query)| (path, Some(query)));
    let (scheme, rest) = path.split_once("://").unwrap_or(("", path));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let user = if host.len() < authority.len() {
        "***@"
    } else {
        ""
    };
    // Services put keys anywhere behind the app.
    let (app, segments) = path.split_once('/').unwrap_or((path, ""));
    let segments: Vec<&str> = segments.split('/').map(mask_segment).collect();
    let name = segments.join("/");
    let query = match query {
        None => "",
        Some("{args}") => "?{args}",
        Some(_) => "?***",
    };
    format!("{scheme}://{user}{host}/{app}/{name}{query}")
}

/// A segment as it is when it is made of placeholders alone.
fn mask_segment(segment: &str) -> &str {
    let literal = segment.replace("{name}", "").replace("{app}", "");
    if literal.is_empty() { segment } else { MASK }
}

/// Escapes what would end the path or break the URL. Other characters go as they are: many servers decode nothing.
fn push_escaped(url: &mut String, text: &str) {
    for character in text.chars() {
        if character.is_control() || " ?#%".contains(character) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                url.push_str(&format!("%{byte:02X}"));
            }
        } else {
            url.push(character);
        }
    }
}

impl Placeholder {
    const WORDS: [&'static str; 3] = ["app", "name", "args"];

    fn from_word(word: &str) -> Option<Self> {
        [Self::App, Self::Name, Self::Args]
            .into_iter()
            .find(|placeholder| placeholder.word() == word)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Name => "name",
            Self::Args => "args",
        }
    }
}

impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.masked(), f)
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(template: &str, name: &str, args: &str) -> (String, String) {
        let url = UrlTemplate::parse(template)
            .unwrap()
            .expand("live", name, &Query::parse(args))
            .unwrap();
        (url.app().to_owned(), url.stream_name().to_owned())
    }

    #[test]
    fn placeholders_become_app_name_and_query() {
        for (template, app, name) in [
            ("rtmp://h/a/{name}", "a", "cam"),
            ("rtmp://h/{app}/{name}?{args}", "live", "cam?b=2&a=1"),
            (
                "rtmp://h/a/{app}-{name}?k=v&{args}",
                "a",
                "live-cam?k=v&b=2&a=1",
            ),
            ("rtmp://h/a/fixed", "a", "fixed"),
        ] {
            assert_eq!(
                expand(template, "cam", "b=2&a=1"),
                (app.into(), name.into())
            );
        }
    }

    #[test]
    fn no_query_leaves_no_separator() {
        assert_eq!(expand("rtmp://h/a/{name}?{args}", "cam", "").1, "cam");
        assert_eq!(
            expand("rtmp://h/a/{name}?k=v&{args}", "cam", "").1,
            "cam?k=v"
        );
    }

    #[test]
    fn a_name_cannot_break_out_of_its_place() {
        assert_eq!(expand("rtmp://h/a/{name}", "c m?x=1", "").1, "c%20m%3Fx=1");
        assert_eq!(expand("rtmp://h/a/{name}", "봉수", "").1, "봉수");
    }

    #[test]
    fn what_makes_no_url_is_refused_with_what_to_do() {
        for (template, error, hint) in [
            (
                "rtmp://h/a/{nmae}",
                "unknown placeholder `{nmae}`",
                "write {name}",
            ),
            (
                "rtmp://h/a/{canary-0123456789}",
                "unknown placeholder `{...}`",
                "use {app}, {name} or {args}; secrets as {env:NAME} or {file:path}",
            ),
            (
                "rtmp://h/a/{name",
                "a brace has no counterpart",
                "close each { with }",
            ),
            (
                "rtmp://h/a/{args}",
                "`{args}` stands outside the query",
                "put a question mark before it: /{name}?{args}",
            ),
            (
                "rtmps://h/a/{name}",
                "destinations over TLS (rtmps://) are not supported yet",
                "use rtmp:// where the service offers it, or a TLS tunnel on this machine",
            ),
            (
                "rtmp://h/a",
                "the URL names an app but no stream",
                "end the URL with /{name} or with the stream key of the service",
            ),
            (
                "http://h/a/{name}",
                "not an rtmp:// or rtmps:// URL",
                "write it as in \"rtmp://host:1935/app/{name}\"",
            ),
        ] {
            let refused = UrlTemplate::parse(template).unwrap_err();
            assert_eq!(
                (refused.to_string().as_str(), refused.hint().as_str()),
                (error, hint)
            );
        }
    }

    #[test]
    fn nothing_prints_the_secrets_of_a_template() {
        for (template, shown) in [
            ("rtmp://h:1936/live/{name}", "rtmp://h:1936/live/{name}"),
            ("rtmp://u:canary@h/a/i/canary", "rtmp://***@h/a/***/***"),
            ("rtmp://h/a/canary/{name}", "rtmp://h/a/***/{name}"),
            ("rtmp://h/a/{app}/{name}", "rtmp://h/a/{app}/{name}"),
            (
                "rtmp://h/a/{name}/canary/{app}{name}?{args}",
                "rtmp://h/a/{name}/***/{app}{name}?{args}",
            ),
            ("rtmp://h/a/{name}?k=canary", "rtmp://h/a/{name}?***"),
            ("rtmp://h/a/{name}?{args}", "rtmp://h/a/{name}?{args}"),
            ("rtmp://h/a/{name}-canary", "rtmp://h/a/***"),
        ] {
            let template = UrlTemplate::parse(template).unwrap();
            assert_eq!(template.to_string(), shown);
            assert_eq!(format!("{template:?}"), format!("{shown:?}"));
        }
    }
}
