//! Why an attempt or a session failed, in words for people, and what that means for the next one.

use std::io;

use bongsu_rtmp::session::client::{Refusal, Step};
use bongsu_rtmp::session::{Blame, SessionError};
use bongsu_rtmp::status::Code;
use bongsu_rtmp::text::Text;

use super::limits::{ATTEMPT, STALL_CLOSE};
use super::mask::Mask;
use super::state::{Input, State};
use crate::egress::TooNear;

/// What a failure means for the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It may heal by itself.
    Lost,
    /// It needs somebody to change something.
    Refused,
    /// The name is in use there, most likely by our last session.
    NameTaken,
    /// The destination is this server itself.
    Itself,
}

impl Kind {
    /// What a status code says.
    fn of(code: &Text) -> Self {
        match Code::from_bytes(code.as_bytes()) {
            Some(
                Code::ConnectRejected
                | Code::ConnectInvalidApp
                | Code::PublishDenied
                | Code::PublishRejected
                | Code::PublishUnauthorized,
            ) => Self::Refused,
            Some(Code::PublishBadName) => Self::NameTaken,
            _ => Self::Lost,
        }
    }

    /// What it does to the state of the push.
    pub(super) const fn input(self) -> Input {
        match self {
            Self::Lost | Self::NameTaken => Input::Lost,
            Self::Refused | Self::Itself => Input::Refused,
        }
    }
}

/// Why an attempt or a session failed. The reason holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    pub(super) reason: String,
}

impl Failure {
    /// Something that may heal by itself.
    pub(super) fn lost(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Lost,
            reason: reason.into(),
        }
    }

    /// Something that needs a person.
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self {
            kind: Kind::Refused,
            reason: reason.into(),
        }
    }

    /// The destination is this server.
    pub(super) fn itself() -> Self {
        Self {
            kind: Kind::Itself,
            reason: "it points to this server itself".to_owned(),
        }
    }

    /// The destination leads to where it must not.
    pub(super) fn too_near(host: &str, refused: TooNear) -> Self {
        Self::refused(format!(
            "the destination leads to {host}, but {refused}, where only a destination may lead that is there itself"
        ))
    }

    /// The destination closed its side.
    pub(super) fn closed(step: Step) -> Self {
        let during = word(step);
        Self::lost(match step {
            // Many services say nothing else. [WIRE 200]
            Step::Requesting => format!(
                "the destination closed the connection during {during}; many do when the stream key is wrong"
            ),
            _ => format!("the destination closed the connection during {during}"),
        })
    }

    /// The socket failed.
    pub(super) fn broken(step: Step, error: &io::Error) -> Self {
        Self::lost(format!(
            "the connection broke during {}: {}",
            word(step),
            error.kind()
        ))
    }

    /// The destination broke the protocol or a limit.
    pub(super) fn session(step: Step, error: SessionError) -> Self {
        if error.blame() == Blame::Caller {
            tracing::error!(%error, "a push did what its session does not take");
            return Self::lost(error.to_string());
        }
        Self::lost(format!(
            "the destination made no sense during {}: {error}",
            word(step)
        ))
    }

    /// The destination said no, or nothing in time.
    pub(super) fn refusal(refusal: &Refusal, mask: &Mask) -> Self {
        let asked = word(refusal.step);
        let words = words(&refusal.code, &refusal.description, mask);
        let reason = if words.is_empty() {
            format!("the destination gave no answer to {asked}, or refused it without a word")
        } else {
            format!("the destination refused {asked}: {words}")
        };
        Self {
            kind: Kind::of(&refusal.code),
            reason,
        }
    }

    /// The destination ended the stream after it had started.
    pub(super) fn ended(code: &Text, description: &Text, mask: &Mask) -> Self {
        let reason = format!(
            "the destination ended the stream: {}",
            words(code, description, mask)
        );
        Self {
            kind: Kind::of(code),
            reason,
        }
    }

    /// An attempt got as far as this in the time it has.
    pub(super) fn overdue(state: State) -> Self {
        let seconds = ATTEMPT.as_secs();
        Self::lost(match state {
            State::Resolving => format!("its name was not resolved within {seconds} s"),
            State::Connecting => format!("no address of it answered within {seconds} s"),
            State::Handshaking => format!("the handshake was not finished within {seconds} s"),
            _ => format!("it did not accept the stream within {seconds} s"),
        })
    }

    /// Nothing arrived for too long.
    pub(super) fn stalled() -> Self {
        Self::lost(format!(
            "it acknowledged no byte for {} s",
            STALL_CLOSE.as_secs()
        ))
    }

    /// More replies wait than the limit allows.
    pub(super) fn replies_not_read() -> Self {
        Self::lost("it asks for answers and does not read them")
    }
}

/// What was going on, to follow "during".
const fn word(step: Step) -> &'static str {
    match step {
        Step::Handshaking => "the handshake",
        Step::Connecting => "connect",
        Step::CreatingStream => "createStream",
        Step::Requesting => "publish",
        _ => "the stream",
    }
}

/// Code and description, whichever there are.
fn words(code: &Text, description: &Text, mask: &Mask) -> String {
    let (code, description) = (mask.clean(code), mask.clean(description));
    match (code.is_empty(), description.is_empty()) {
        (_, true) => code,
        (true, false) => description,
        (false, false) => format!("{code} ({description})"),
    }
}

#[cfg(test)]
mod tests {
    use bongsu_rtmp::url::RtmpUrl;

    use super::*;

    fn mask() -> Mask {
        Mask::new(&RtmpUrl::parse("rtmp://host/app/canary-key").unwrap())
    }

    fn refusal(step: Step, code: &str, description: &str) -> Failure {
        let refusal = Refusal {
            step,
            code: code.into(),
            description: description.into(),
            redirect: None,
        };
        Failure::refusal(&refusal, &mask())
    }

    #[test]
    fn codes_decide_how_the_push_goes_on() {
        for (code, kind) in [
            ("NetConnection.Connect.Rejected", Kind::Refused),
            ("NetConnection.Connect.InvalidApp", Kind::Refused),
            ("NetStream.Publish.Denied", Kind::Refused),
            ("NetStream.Publish.Rejected", Kind::Refused),
            ("NetStream.Publish.Unauthorized", Kind::Refused),
            ("NetStream.Publish.BadName", Kind::NameTaken),
            ("NetConnection.Connect.Failed", Kind::Lost),
            ("NetConnection.Connect.AppShutdown", Kind::Lost),
            ("Something.Else", Kind::Lost),
            ("", Kind::Lost),
        ] {
            assert_eq!(refusal(Step::Requesting, code, "").kind, kind, "{code}");
            let ended = Failure::ended(&code.into(), &Text::default(), &mask());
            assert_eq!(ended.kind, kind, "{code}");
        }
    }

    #[test]
    fn what_the_destination_said_is_quoted_without_the_key() {
        let refused = refusal(
            Step::Requesting,
            "NetStream.Publish.BadName",
            "Stream already publishing: canary-key",
        );
        assert_eq!(
            refused.reason,
            "the destination refused publish: NetStream.Publish.BadName (Stream already publishing: ***)"
        );
        assert_eq!(
            refusal(Step::Connecting, "", "").reason,
            "the destination gave no answer to connect, or refused it without a word"
        );
        let ended = Failure::ended(&"canary-key".into(), &"gone".into(), &mask());
        assert_eq!(ended.reason, "the destination ended the stream: *** (gone)");
    }

    #[test]
    fn a_close_right_after_publish_hints_at_the_key() {
        assert_eq!(
            Failure::closed(Step::Requesting).reason,
            "the destination closed the connection during publish; many do when the stream key is wrong"
        );
        assert_eq!(
            Failure::closed(Step::Started).reason,
            "the destination closed the connection during the stream"
        );
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(
            Failure::broken(Step::Handshaking, &reset).reason,
            "the connection broke during the handshake: connection reset"
        );
    }

    #[test]
    fn an_overdue_attempt_says_how_far_it_got() {
        for (state, reason) in [
            (State::Resolving, "its name was not resolved within 10 s"),
            (State::Connecting, "no address of it answered within 10 s"),
            (
                State::Handshaking,
                "the handshake was not finished within 10 s",
            ),
            (
                State::Publishing,
                "it did not accept the stream within 10 s",
            ),
        ] {
            assert_eq!(Failure::overdue(state), Failure::lost(reason));
        }
    }
}
