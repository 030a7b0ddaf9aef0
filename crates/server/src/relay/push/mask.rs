//! What a destination says, made fit to be shown: without our key, in one short line.

use std::cmp::Reverse;

use bongsu_rtmp::text::Text;
use bongsu_rtmp::url::{Query, RtmpUrl};

use super::limits::{SECRET_ANYWHERE_BYTES_MIN, WORDS_CHARS_MAX};
use crate::config::MASK;

/// The secrets of what a destination was told. `Debug` shows none of them.
#[derive(Clone)]
pub(super) struct Mask {
    /// Longest first, so that a part never spoils the whole.
    secrets: Vec<String>,
}

impl Mask {
    /// Everything of the URL that a service may take for a key: stream name, query values, user info.
    pub(super) fn new(url: &RtmpUrl) -> Self {
        let secrets = Vec::new();
        Self { secrets }.and(url)
    }

    /// The same with the secrets of another URL. What a redirect replaces stays a secret: the server behind it may know
    /// what the one before was told.
    pub(super) fn and(self, url: &RtmpUrl) -> Self {
        let mut secrets = self.secrets;
        let name = url.stream_name();
        let (plain_name, _) = name.split_once('?').unwrap_or((name, ""));
        secrets.extend([name, plain_name].map(str::to_owned));
        // Of the path only the first segment is never a key.
        let app = url.app();
        let (app, _) = app.split_once('?').unwrap_or((app, ""));
        let behind_app = app.split('/').skip(1).chain(plain_name.split('/'));
        secrets.extend(behind_app.map(str::to_owned));
        for part in [name, url.app()] {
            let (_, query) = part.split_once('?').unwrap_or((part, ""));
            secrets.extend(
                Query::parse(query)
                    .iter()
                    .map(|(_, value)| value.to_owned()),
            );
        }
        if let Some(info) = url.user_info() {
            secrets.extend([info.user(), info.password()].map(str::to_owned));
        }
        let decoded: Vec<String> = secrets
            .iter()
            .map(|secret| percent_decoded(secret))
            .collect();
        secrets.extend(decoded);
        secrets.retain(|secret| !secret.is_empty());
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// The text without secrets and control characters, cut to a sentence.
    pub(super) fn clean(&self, text: &Text) -> String {
        self.clean_str(&text.to_str_lossy())
    }

    /// As [`Mask::clean`].
    pub(super) fn clean_str(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in &self.secrets {
            shown = replaced(&shown, secret);
        }
        let printable = |character: char| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        };
        let mut characters = shown.trim().chars().map(printable);
        let mut cut: String = characters.by_ref().take(WORDS_CHARS_MAX).collect();
        if characters.next().is_some() {
            cut.push_str("...");
        }
        cut
    }
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask({} secrets)", self.secrets.len())
    }
}

/// The text with the secret masked: everywhere, or where it stands alone when it is short.
fn replaced(text: &str, secret: &str) -> String {
    if secret.len() >= SECRET_ANYWHERE_BYTES_MIN {
        return text.replace(secret, MASK);
    }
    let mut shown = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in text.match_indices(secret) {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        let alone = ![before, after]
            .into_iter()
            .flatten()
            .any(char::is_alphanumeric);
        if alone {
            shown.push_str(&text[from..at]);
            shown.push_str(MASK);
            from = at + found.len();
        }
    }
    shown.push_str(&text[from..]);
    shown
}

/// Undoes percent encoding, as a server may before it repeats what it was told.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(url: &str, text: &str) -> String {
        Mask::new(&RtmpUrl::parse(url).unwrap()).clean(&Text::from(text))
    }

    #[test]
    fn no_part_of_the_key_is_repeated() {
        let url = "rtmp://host/live2/canary-key?sig=canary%2Bsig&x=1";
        for (said, shown) in [
            (
                "stream canary-key?sig=canary%2Bsig&x=1 is unknown",
                "stream *** is unknown",
            ),
            ("no stream 'canary-key'", "no stream '***'"),
            ("bad signature canary%2Bsig", "bad signature ***"),
            ("bad signature canary+sig", "bad signature ***"),
            ("error 1 in 11 of x1", "error *** in 11 of x1"),
            ("nothing of ours", "nothing of ours"),
            ("", ""),
        ] {
            assert_eq!(clean(url, said), shown);
        }
    }

    #[test]
    fn a_key_between_app_and_name_is_no_less_secret() {
        for (said, shown) in [
            ("canary-key is not known", "*** is not known"),
            ("no app live2/canary-key", "no app live2/***"),
            ("live2 is full", "live2 is full"),
        ] {
            assert_eq!(clean("rtmp://host/live2/canary-key/cam", said), shown);
        }
    }

    #[test]
    fn values_in_the_query_of_the_app_are_no_less_secret() {
        let url = RtmpUrl::with_name("rtmp://host/live2?token=apptoken", "name").unwrap();
        let shown = Mask::new(&url).clean(&Text::from("bad token apptoken"));
        assert_eq!(shown, "bad token ***");
    }

    #[test]
    fn user_info_is_no_matter_for_a_status_page() {
        let url = "rtmp://someuser:somepass@host/app/name";
        assert_eq!(
            clean(url, "someuser/somepass may not publish"),
            "***/*** may not publish"
        );
    }

    #[test]
    fn what_a_redirect_replaces_stays_a_secret() {
        let configured = RtmpUrl::parse("rtmp://someuser:somepass@host/app/canary-key").unwrap();
        let told = RtmpUrl::parse("rtmp://u5er:p4ss@other/app/other-name").unwrap();
        let mask = Mask::new(&configured).and(&told);
        assert_eq!(
            mask.clean_str("canary-key of somepass, other-name of p4ss"),
            "*** of ***, *** of ***"
        );
    }

    #[test]
    fn a_secret_at_the_cut_is_masked_before_the_cut() {
        let text = format!("{}canary-key", "a".repeat(WORDS_CHARS_MAX - 4));
        let shown = clean("rtmp://host/app/canary-key", &text);
        assert_eq!(shown, format!("{}***", "a".repeat(WORDS_CHARS_MAX - 4)));
    }

    #[test]
    fn texts_are_cut_past_the_limit_and_lines_are_joined() {
        let whole = "é".repeat(WORDS_CHARS_MAX);
        assert_eq!(clean("rtmp://host/app/key", &whole), whole);
        let cut = clean("rtmp://host/app/key", &format!("{whole}é"));
        assert_eq!(cut, format!("{whole}..."));
        assert_eq!(
            clean("rtmp://host/app/key", "one\r\ntwo\u{1b}[31m\n"),
            "one  two [31m"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let mask = Mask::new(&RtmpUrl::parse("rtmp://host/app/canary?k=canary").unwrap());
        assert!(!format!("{mask:?}").contains("canary"));
    }
}
