//! Where a session of a push goes: what the configuration says, or what a destination said later.

use bongsu_rtmp::text::Text;
use bongsu_rtmp::url::RtmpUrl;

use crate::egress::Reach;

/// A place for the stream. `Debug` shows no key: the URL masks itself.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    /// Without what the destination wanted to know of us.
    pub(super) url: RtmpUrl,
    /// How near to this machine it may lead: as near as the configured destination is.
    pub(super) reach: Reach,
}

impl Destination {
    /// Where a reconnect request leads; without a `tcUrl` to the same place. [E-RTMP v2: Reconnect Request]
    ///
    /// # Errors
    /// Words that say why it leads nowhere; they hold no secret.
    pub(super) fn at(&self, tc_url: Option<&Text>) -> Result<Self, String> {
        let Some(tc_url) = tc_url else {
            return Ok(self.clone());
        };
        let url = tc_url
            .as_str()
            .ok_or_else(|| "it is no text".to_owned())
            .and_then(|tc_url| self.url.at(tc_url).map_err(|error| error.to_string()))?;
        if url.scheme().is_weaker_than(self.url.scheme()) {
            return Err("it is rtmp instead of rtmps, which anybody could read".to_owned());
        }
        Ok(Self {
            url,
            reach: self.reach,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(from: &str, tc_url: Option<&str>) -> Result<(String, String), String> {
        let from = Destination {
            url: RtmpUrl::parse(from).unwrap(),
            reach: Reach::of(&[]),
        };
        let tc_url = tc_url.map(Text::from);
        let to = from.at(tc_url.as_ref())?.url;
        Ok((to.tc_url(), to.stream_name().to_owned()))
    }

    /// [WIRE 196]
    #[test]
    fn a_request_leads_to_a_place_for_the_same_stream_and_never_to_a_weaker_way() {
        for (from, tc_url, expected) in [
            ("rtmp://a/app/cam?k=1", None, "rtmp://a/app"),
            ("rtmp://a/app/cam?k=1", Some("//b/app"), "rtmp://b/app"),
            ("rtmp://a/app/cam?k=1", Some("/other"), "rtmp://a/other"),
            ("rtmp://a/app/cam?k=1", Some("rtmps://b/x"), "rtmps://b/x"),
            ("rtmps://a/app/cam?k=1", Some("//b/app"), "rtmps://b/app"),
        ] {
            let found = at(from, tc_url);
            assert_eq!(found, Ok((expected.to_owned(), "cam?k=1".to_owned())));
        }
        for (from, tc_url, reason) in [
            (
                "rtmps://a/app/cam",
                "rtmp://a/app",
                "it is rtmp instead of rtmps, which anybody could read",
            ),
            (
                "rtmp://a/app/cam",
                "http://canary/app",
                "the URL must start with rtmp:// or rtmps://",
            ),
        ] {
            assert_eq!(at(from, Some(tc_url)), Err(reason.to_owned()));
        }
    }
}
