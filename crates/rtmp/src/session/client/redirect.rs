//! Where a server sends a client that it refuses.

use crate::amf0::Value;
use crate::text::Text;
use crate::url::{RtmpUrl, UrlError};

/// The number in `ex.code` that says that the rest is a redirect, as in HTTP.
const CODE_REDIRECT: f64 = 302.0;

/// Another place for the same stream, from the `ex` of an info object: SRS says it in an `onStatus`, FMS in the `_error`
/// of `connect`. `Debug` shows lengths only, because both texts may hold keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// `redirect`: the new `tcUrl`.
    pub tc_url: Option<Text>,
    /// `redirect2`: the new URL with the stream name.
    pub url: Option<Text>,
}

impl Redirect {
    /// Reads an info object; `None` when it has no place to go to.
    #[must_use]
    pub fn from_info(info: &Value) -> Option<Self> {
        let extra = info.get("ex")?;
        let code = extra.get("code").and_then(Value::as_number);
        if code.is_some_and(|code| code != CODE_REDIRECT) {
            return None;
        }
        let text = |name| {
            let text = extra.get(name).and_then(Value::as_text);
            text.filter(|text| !text.is_empty()).cloned()
        };
        let redirect = Self {
            tc_url: text("redirect"),
            url: text("redirect2"),
        };
        (redirect.tc_url.is_some() || redirect.url.is_some()).then_some(redirect)
    }

    /// Where the stream of `from` goes. The `tcUrl` counts first: the stream name that goes with it is ours, key and query
    /// included. User info of ours stays unless the server gives another one.
    ///
    /// # Errors
    /// [`UrlError`] when the text is no RTMP URL; it never shows it.
    pub fn resolve(&self, from: &RtmpUrl) -> Result<RtmpUrl, UrlError> {
        match (&self.tc_url, &self.url) {
            (Some(tc_url), _) => from.at(tc_url.as_str().ok_or(UrlError::Character)?),
            (None, Some(url)) => {
                let url = RtmpUrl::parse(url.as_str().ok_or(UrlError::Character)?)?;
                Ok(url.with_user_info_of(from))
            }
            (None, None) => Err(UrlError::Host),
        }
    }

    /// The first one among the arguments of a command.
    pub(super) fn from_arguments(arguments: &[Value]) -> Option<Self> {
        arguments.iter().find_map(Self::from_info)
    }
}
