//! How a scripted destination decides whom it lets in: the dialects of servers that ask, or that send elsewhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use super::amf::Value;

/// How a scripted destination behaves, beyond taking what comes.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// Whom it lets in.
    pub door: Door,
    /// Asks each publisher for a new connection, once it has sent so many audio and video messages, unless it is where
    /// it is asked to go.
    pub reconnect_after: Option<usize>,
    /// Asks again with every message that follows.
    pub asks_again: bool,
    /// Where it asks them to go; nowhere else when it is empty.
    pub reconnect_to: Option<String>,
    /// Refuses a publisher with `NetStream.Publish.BadName` while another one is there.
    pub one_at_a_time: bool,
    /// Ends the publisher that is there when another one comes, as servers do that let themselves be taken over.
    pub takes_over: bool,
}

/// Whom a scripted destination lets in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Door {
    /// Everybody.
    #[default]
    Open,
    /// Who proves a user by `authmod=adobe`; with an `opaque` value as Wowza does, or without as FMS may.
    Adobe {
        /// The user.
        user: String,
        /// The password.
        password: String,
        /// Whether the challenge has an opaque value.
        opaque: bool,
    },
    /// Who proves a user by `authmod=llnw`.
    Limelight {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// Nobody: SRS sends publishers there with a status behind `publish`.
    ElsewhereByStatus(String),
    /// Nobody: FMS sends clients there in its answer to `connect`.
    ElsewhereByError(String),
}

/// The challenge of every dialogue here; a real server makes a new one each time.
const SALT: &str = "c2FsdA==";
const CHALLENGE: &str = "Y2hh/w==";
const OPAQUE: &str = "b3Bh+A==";
const NONCE: &str = "bm9uY2U=";

impl Door {
    /// What is wrong with this `connect`: an info object for its `_error`. `None` lets it in.
    pub(super) fn refusal(&self, app: &str) -> Option<Value> {
        let query = app.split_once('?').map_or("", |(_, query)| query);
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let description = match self {
            Self::Open | Self::ElsewhereByStatus(_) => return None,
            Self::ElsewhereByError(to) => return Some(redirect(to)),
            Self::Adobe {
                user,
                password,
                opaque,
            } => {
                let given = if *opaque { OPAQUE } else { CHALLENGE };
                let tail = if *opaque {
                    format!("&opaque={OPAQUE}")
                } else {
                    String::new()
                };
                let challenge = format!("&salt={SALT}&challenge={CHALLENGE}{tail}");
                let expected = adobe(user, password, given, value("challenge").unwrap_or(""));
                judge("adobe", value, user, &challenge, &expected)?
            }
            Self::Limelight { user, password } => {
                let app = app.split_once('?').map_or(app, |(app, _)| app);
                let client = value("cnonce").unwrap_or("");
                let expected = limelight(user, password, app, client);
                judge("llnw", value, user, &format!("&nonce={NONCE}"), &expected)?
            }
        };
        Some(rejected(&description, None))
    }

    /// What a publisher is told instead of `NetStream.Publish.Start`.
    pub(super) fn instead_of_start(&self) -> Option<Value> {
        match self {
            Self::ElsewhereByStatus(to) => Some(redirect(to)),
            _ => None,
        }
    }
}

/// The words of a refusal; `None` when the response is the expected one.
fn judge<'a>(
    scheme: &str,
    value: impl Fn(&str) -> Option<&'a str>,
    user: &str,
    challenge: &str,
    expected: &str,
) -> Option<String> {
    let reject = |words: &str| Some(format!("[ AccessManager.Reject ] : {words}"));
    match (value("authmod"), value("user"), value("response")) {
        (None, _, _) => reject(&format!("[ code=403 need auth; authmod={scheme} ] : ")),
        (Some(_), Some(named), _) if named != user => {
            reject(&format!("[ authmod={scheme} ] : ?reason=nosuchuser"))
        }
        (Some(_), Some(_), None) => reject(&format!(
            "[ authmod={scheme} ] : ?reason=needauth&user={user}{challenge}"
        )),
        (Some(_), Some(_), Some(response)) if response == expected => None,
        _ => reject(&format!("[ authmod={scheme} ] : ?reason=authfailed")),
    }
}

/// The response of `authmod=adobe`.
fn adobe(user: &str, password: &str, given: &str, client: &str) -> String {
    let secret = STANDARD.encode(Md5::digest(format!("{user}{SALT}{password}")));
    STANDARD.encode(Md5::digest(format!("{secret}{given}{client}")))
}

/// The response of `authmod=llnw`.
fn limelight(user: &str, password: &str, app: &str, client: &str) -> String {
    let hex = |text: String| {
        let digits = Md5::digest(text)
            .into_iter()
            .map(|byte| format!("{byte:02x}"));
        digits.collect::<String>()
    };
    let instance = if app.contains('/') { "" } else { "/_definst_" };
    let secret = hex(format!("{user}:live:{password}"));
    let place = hex(format!("publish:/{app}{instance}"));
    hex(format!("{secret}:{NONCE}:00000001:{client}:auth:{place}"))
}

fn redirect(to: &str) -> Value {
    let extra = Value::Object(vec![
        ("code".to_owned(), Value::Number(302.0)),
        ("redirect".to_owned(), Value::text(to)),
        ("redirect2".to_owned(), Value::text(&format!("{to}/other"))),
    ]);
    rejected("RTMP 302 Redirect", Some(extra))
}

fn rejected(description: &str, extra: Option<Value>) -> Value {
    let mut info = vec![
        ("level".to_owned(), Value::text("error")),
        (
            "code".to_owned(),
            Value::text("NetConnection.Connect.Rejected"),
        ),
        ("description".to_owned(), Value::text(description)),
    ];
    info.extend(extra.map(|extra| ("ex".to_owned(), extra)));
    Value::Object(info)
}
