//! How a publisher proves who it is to a server that answers `connect` with a question.
//!
//! Pure: words of a server in, the query of the next `connect` out. A dialogue takes three connections, because the
//! server closes each one that it refuses:
//!
//! ```text
//! connect app                                -> code=403 need auth; authmod=adobe        Demand::User
//! connect app?authmod=adobe&user=U           -> ?reason=needauth&salt=..&challenge=..    Demand::Proof
//! connect app?authmod=adobe&user=U&response=R -> accepted, or ?reason=authfailed          Demand::Denied
//! ```
//!
//! What goes into the query is the caller's to append, with [`RtmpUrl::with_app_query`](crate::url::RtmpUrl::with_app_query).

mod adobe;
mod limelight;
mod secure_token;

pub use secure_token::answer as secure_token_answer;

use std::fmt;
use std::fmt::Write;

use md5::{Digest, Md5};

use crate::text::Text;
use crate::url::UserInfo;

/// What a server wants before it lets a publisher in; read from the description of its refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Demand {
    /// To know the user: connect again with [`Scheme::user_query`].
    User(Scheme),
    /// A proof that we know the password: connect again with [`Challenge::answer`].
    Proof(Challenge),
    /// Nothing: user or password are wrong, and asking again changes nothing.
    Denied(Denial),
}

/// How it is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `authmod=adobe`: FMS, AMS, Wowza, Akamai.
    Adobe,
    /// `authmod=llnw`: Limelight.
    Limelight,
}

/// Why a server lets nobody in who says this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denial {
    /// `authfailed`: the password is not that of the user.
    WrongPassword,
    /// `nosuchuser`.
    UnknownUser,
}

/// What the proof has to hold. `Debug` shows the scheme only.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: Scheme,
    salt: String,
    challenge: String,
    opaque: Option<String>,
    nonce: String,
}

impl Demand {
    /// Reads the description of a refused `connect`; `None` when it asks for no authentication that we know.
    ///
    /// Servers put brackets, colons and their own names around what counts, so it is looked for wherever it stands.
    #[must_use]
    pub fn parse(description: &Text) -> Option<Self> {
        let words = description.as_str()?;
        let scheme = Scheme::named_in(words)?;
        let Some(parameters) = behind(words, "?reason=") else {
            return words
                .contains("code=403 need auth")
                .then_some(Self::User(scheme));
        };
        let parameters = parameters
            .split(|character: char| character.is_whitespace() || character.is_control())
            .next()
            .unwrap_or_default();
        let (reason, parameters) = parameters.split_once('&').unwrap_or((parameters, ""));
        match reason {
            "needauth" => Challenge::parse(scheme, parameters).map(Self::Proof),
            "authfailed" => Some(Self::Denied(Denial::WrongPassword)),
            "nosuchuser" => Some(Self::Denied(Denial::UnknownUser)),
            _ => None,
        }
    }
}

impl Scheme {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adobe => "adobe",
            Self::Limelight => "llnw",
        }
    }

    /// The query that says who wants to publish.
    #[must_use]
    pub fn user_query(self, user: &UserInfo) -> String {
        format!("authmod={}&user={}", self.as_str(), user.user())
    }

    fn named_in(words: &str) -> Option<Self> {
        let named = behind(words, "authmod=")?;
        [Self::Adobe, Self::Limelight]
            .into_iter()
            .find(|scheme| named.starts_with(scheme.as_str()))
    }
}

impl Challenge {
    /// The query that proves who wants to publish to `app`. `client_nonce` must be new each time.
    #[must_use]
    pub fn answer(&self, user: &UserInfo, app: &str, client_nonce: u32) -> String {
        let client_nonce = format!("{client_nonce:08x}");
        let (name, password) = (user.decoded_user(), user.decoded_password());
        let mut query = self.scheme.user_query(user);
        let added = match self.scheme {
            Scheme::Adobe => {
                let opaque = self.opaque.as_deref();
                let given = opaque.unwrap_or(&self.challenge);
                let response = adobe::response(&name, &password, &self.salt, given, &client_nonce);
                let tail = opaque.map(|opaque| format!("&opaque={opaque}"));
                format!(
                    "&challenge={client_nonce}&response={response}{}",
                    tail.unwrap_or_default()
                )
            }
            Scheme::Limelight => {
                let nonce = &self.nonce;
                let response = limelight::response(&name, &password, app, nonce, &client_nonce);
                let count = limelight::NONCE_COUNT;
                format!("&nonce={nonce}&cnonce={client_nonce}&nc={count}&response={response}")
            }
        };
        query.push_str(&added);
        query
    }

    /// `None` when there is nothing to compute a proof from.
    fn parse(scheme: Scheme, parameters: &str) -> Option<Self> {
        // Values are base64 and not escaped, so that only the first `=` parts a name from its value.
        let value = |wanted: &str| {
            let mut pairs = parameters
                .split('&')
                .filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(name, _)| *name == wanted);
            found
                .map(|(_, value)| value.to_owned())
                .filter(|value| !value.is_empty())
        };
        let parsed = Self {
            scheme,
            salt: value("salt").unwrap_or_default(),
            challenge: value("challenge").unwrap_or_default(),
            opaque: value("opaque"),
            nonce: value("nonce").unwrap_or_default(),
        };
        let is_usable = match scheme {
            Scheme::Adobe => parsed.opaque.is_some() || !parsed.challenge.is_empty(),
            Scheme::Limelight => !parsed.nonce.is_empty(),
        };
        is_usable.then_some(parsed)
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

fn behind<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, behind)| behind)
}

/// The MD5 of all parts, one behind the other.
fn md5(parts: &[&str]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // A String takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::RtmpUrl;

    fn user(info: &str) -> UserInfo {
        let url = RtmpUrl::parse(&format!("rtmp://{info}@host/live/cam")).unwrap();
        url.user_info().unwrap().clone()
    }

    fn parse(description: &str) -> Option<Demand> {
        Demand::parse(&description.into())
    }

    fn answer(description: &str) -> String {
        match parse(description) {
            Some(Demand::Proof(challenge)) => {
                challenge.answer(&user("user:pass"), "live", 0x0102_0304)
            }
            other => panic!("{description}: {other:?}"),
        }
    }

    #[test]
    fn every_dialect_of_the_first_refusal_asks_for_the_user() {
        for description in [
            "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ",
            "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] :",
            "code=403 need auth; authmod=adobe",
            "authmod=adobe : code=403 need auth",
        ] {
            assert_eq!(parse(description), Some(Demand::User(Scheme::Adobe)));
        }
        assert_eq!(
            parse("[ code=403 need auth; authmod=llnw ]"),
            Some(Demand::User(Scheme::Limelight))
        );
        let query = Scheme::Adobe.user_query(&user("user:pass"));
        assert_eq!(query, "authmod=adobe&user=user");
        assert_eq!(
            Scheme::Limelight.user_query(&user("u")),
            "authmod=llnw&user=u"
        );
    }

    /// [WIRE 192], vector V35.
    #[test]
    fn an_adobe_challenge_is_answered_with_and_without_opaque() {
        let start = "[ AccessManager.Reject ] : [ authmod=adobe ] : \
                     ?reason=needauth&user=user&salt=abcd1234&challenge=ef567890";
        let response = "authmod=adobe&user=user&challenge=01020304&response=";
        for (end, answered) in [
            ("", "mqgFm/+IJtvsrEEdIQwQ0Q=="),
            ("&opaque=", "mqgFm/+IJtvsrEEdIQwQ0Q=="),
            ("&opaque=opq=", "m5UeJYA0WFgf9RSocrh2FA==&opaque=opq="),
            // What some servers put behind it.
            (
                "&opaque=opq= ]\u{0}",
                "m5UeJYA0WFgf9RSocrh2FA==&opaque=opq=",
            ),
        ] {
            assert_eq!(
                answer(&format!("{start}{end}")),
                format!("{response}{answered}")
            );
        }
    }

    /// [WIRE 192], vector V36 with another client nonce: that one is in `limelight`.
    #[test]
    fn a_limelight_challenge_is_answered() {
        let query = answer("[ authmod=llnw ] : ?reason=needauth&user=user&nonce=n0nce");
        assert!(
            query.starts_with(
                "authmod=llnw&user=user&nonce=n0nce&cnonce=01020304&nc=00000001&response="
            ),
            "{query}"
        );
    }

    #[test]
    fn a_denial_is_told_from_a_question() {
        for (reason, denial) in [
            ("authfailed", Denial::WrongPassword),
            ("authfailed&opaque=vgoAAA==", Denial::WrongPassword),
            ("nosuchuser", Denial::UnknownUser),
        ] {
            let description =
                format!("[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason={reason}");
            assert_eq!(parse(&description), Some(Demand::Denied(denial)));
        }
    }

    #[test]
    fn other_refusals_ask_for_nothing() {
        for description in [
            "",
            "no such app",
            "code=403 need auth",
            "code=403 need auth; authmod=kerberos",
            "authmod=adobe",
            "authmod=adobe ?reason=busy",
            "authmod=adobe ?reason=needauth",
            "authmod=adobe ?reason=needauth&salt=x",
            "authmod=llnw ?reason=needauth&salt=x&challenge=y",
        ] {
            assert_eq!(parse(description), None, "{description}");
        }
        let no_text = Text::copy_from_bytes(b"authmod=adobe code=403 need auth \xff");
        assert_eq!(Demand::parse(&no_text), None);
    }

    #[test]
    fn user_and_password_may_be_escaped_and_are_never_shown() {
        let plain = "authmod=adobe ?reason=needauth&salt=abcd1234&challenge=ef567890";
        let Some(Demand::Proof(challenge)) = parse(plain) else {
            panic!("no challenge");
        };
        let response = |info| {
            let query = challenge.answer(&user(info), "live", 0x0102_0304);
            query.split_once("response=").unwrap().1.to_owned()
        };
        assert_eq!(response("user:pass"), "mqgFm/+IJtvsrEEdIQwQ0Q==");
        assert_eq!(response("user:p%61ss"), response("user:pass"));
        assert_eq!(response("us%65r:pass"), response("user:pass"));
        assert_ne!(response("user:wrong"), response("user:pass"));
        assert_eq!(format!("{challenge:?}"), "Challenge { scheme: Adobe, .. }");
    }
}
