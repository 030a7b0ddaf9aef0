//! What to do with a refusal: call again, elsewhere or with more words, or give up. Pure.
//!
//! ```text
//! call --> refused --> redirect            --> call there, as a stranger
//!                  \-> who are you?        --> call again with the user
//!                  \-> prove it            --> call again with the response
//!                  \-> anything else, or one answer too many --> give up
//! ```

use bongsu_rtmp::session::client::auth::{Demand, Denial};
use bongsu_rtmp::session::client::{Redirect, Refusal, Step};
use bongsu_rtmp::url::RtmpUrl;

use super::failure::Failure;
use super::limits::REDIRECTS_MAX;

/// The calls of one attempt.
pub(super) struct FollowUp {
    /// Where the stream goes, as the configuration or a destination says it.
    target: RtmpUrl,
    /// The same with what the destination wanted to know.
    asking: RtmpUrl,
    introduced: Introduced,
    /// Where it went before, this target included.
    seen: Vec<RtmpUrl>,
}

/// How much the destination knows of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Introduced {
    Not,
    ByName,
    ByProof,
}

/// What follows a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Call [`FollowUp::asking`], which is another place now.
    CallElsewhere,
    /// Call the same place with more to say.
    CallAgain,
    /// It is a refusal and nothing else.
    Refused,
    /// It is one for this reason.
    GiveUp(Failure),
}

impl FollowUp {
    pub(super) fn new(target: RtmpUrl) -> Self {
        Self {
            asking: target.clone(),
            introduced: Introduced::Not,
            seen: vec![target.clone()],
            target,
        }
    }

    /// Where the stream goes, to resolve what the destination says later.
    pub(super) const fn target(&self) -> &RtmpUrl {
        &self.target
    }

    /// What to call.
    pub(super) const fn asking(&self) -> &RtmpUrl {
        &self.asking
    }

    /// The destination refused. `nonce` must be new for each call.
    pub(super) fn refused(&mut self, refusal: &Refusal, nonce: u32) -> Next {
        let next = if let Some(redirect) = &refusal.redirect {
            self.redirected(redirect).map(|()| Next::CallElsewhere)
        } else if refusal.step == Step::Connecting
            && let Some(demand) = Demand::parse(&refusal.description)
        {
            self.asked(&demand, nonce).map(|()| Next::CallAgain)
        } else {
            Ok(Next::Refused)
        };
        next.unwrap_or_else(|reason| Next::GiveUp(Failure::refused(reason)))
    }

    fn redirected(&mut self, redirect: &Redirect) -> Result<(), String> {
        // The first one is where it began.
        if self.seen.len() > REDIRECTS_MAX {
            return Err(format!("it was redirected more than {REDIRECTS_MAX} times"));
        }
        let target = redirect.resolve(&self.target).map_err(|error| {
            format!("the destination redirects to what cannot be used: {error}")
        })?;
        if target.scheme().is_weaker_than(self.target.scheme()) {
            return Err(
                "the destination redirects from rtmps to rtmp, which anybody could read".to_owned(),
            );
        }
        if self.seen.contains(&target) {
            return Err("the destination redirects in a circle".to_owned());
        }
        let seen = std::mem::take(&mut self.seen);
        *self = Self::new(target.clone());
        self.seen = seen;
        self.seen.push(target);
        Ok(())
    }

    fn asked(&mut self, demand: &Demand, nonce: u32) -> Result<(), String> {
        let Some(user) = self.target.user_info() else {
            return Err(
                "the destination wants a user and a password: write them into its URL, as in \
                 rtmp://user:password@host/app/name"
                    .to_owned(),
            );
        };
        let (introduced, query) = match demand {
            Demand::User(scheme) => (Introduced::ByName, scheme.user_query(user)),
            Demand::Proof(challenge) => (
                Introduced::ByProof,
                challenge.answer(user, self.target.app(), nonce),
            ),
            Demand::Denied(Denial::UnknownUser) => {
                return Err("the destination does not know the user in its URL".to_owned());
            }
            Demand::Denied(_) => {
                return Err(
                    "the destination does not take the user and the password in its URL".to_owned(),
                );
            }
            _ => return Err("the destination wants a proof that is not known here".to_owned()),
        };
        if introduced <= self.introduced {
            return Err(
                "the destination asks for the user and the password again and again".to_owned(),
            );
        }
        self.introduced = introduced;
        self.asking = self
            .target
            .with_app_query(&query)
            .map_err(|error| format!("what the destination asks for cannot be said: {error}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: u32 = 0x0102_0304;
    const NEED_AUTH: &str = "[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ";
    const CHALLENGE: &str = "[ AccessManager.Reject ] : [ authmod=adobe ] : \
                             ?reason=needauth&user=user&salt=abcd1234&challenge=ef567890";

    fn follow(url: &str) -> FollowUp {
        FollowUp::new(RtmpUrl::parse(url).unwrap())
    }

    fn refusal(step: Step, description: &str, redirect: Option<&str>) -> Refusal {
        Refusal {
            step,
            code: "NetConnection.Connect.Rejected".into(),
            description: description.into(),
            redirect: redirect.map(|url| Redirect {
                tc_url: Some(url.into()),
                url: None,
            }),
        }
    }

    fn redirected(follow: &mut FollowUp, to: &str) -> Next {
        follow.refused(&refusal(Step::Requesting, "", Some(to)), NONCE)
    }

    fn asked(follow: &mut FollowUp, words: &str) -> Next {
        follow.refused(&refusal(Step::Connecting, words, None), NONCE)
    }

    fn gives_up(next: Next) -> String {
        match next {
            Next::GiveUp(failure) => failure.reason,
            other => panic!("{other:?}"),
        }
    }

    /// [WIRE 197]
    #[test]
    fn redirects_are_followed_up_to_the_limit_with_our_stream() {
        let mut follow = follow("rtmp://host/app/cam?key=K");
        for number in 1..=REDIRECTS_MAX {
            let to = format!("rtmp://host{number}:1936/app");
            assert_eq!(redirected(&mut follow, &to), Next::CallElsewhere);
            assert_eq!(follow.asking().tc_url(), to);
            assert_eq!(follow.asking().stream_name(), "cam?key=K");
            assert_eq!(follow.target(), follow.asking());
        }
        assert_eq!(
            gives_up(redirected(&mut follow, "rtmp://one-more/app")),
            "it was redirected more than 3 times"
        );
    }

    /// [WIRE 197]
    #[test]
    fn a_redirect_that_must_not_be_followed_ends_the_attempt() {
        for (from, to, reason) in [
            (
                "rtmps://host/app/cam",
                "rtmp://other/app",
                "the destination redirects from rtmps to rtmp, which anybody could read",
            ),
            (
                "rtmp://host/app/cam",
                "rtmp://host:1935/app",
                "the destination redirects in a circle",
            ),
            (
                "rtmp://host/app/cam",
                "http://other/canary",
                "the destination redirects to what cannot be used: the URL must start with rtmp:// or rtmps://",
            ),
        ] {
            assert_eq!(gives_up(redirected(&mut follow(from), to)), reason);
        }
        let mut circle = follow("rtmp://a/app/cam");
        assert_eq!(redirected(&mut circle, "//b/app"), Next::CallElsewhere);
        assert_eq!(
            gives_up(redirected(&mut circle, "//a/app")),
            "the destination redirects in a circle"
        );
        let upwards = &mut follow("rtmp://a/app/cam");
        assert_eq!(redirected(upwards, "rtmps://a/app"), Next::CallElsewhere);
    }

    /// [WIRE 194]
    #[test]
    fn the_three_steps_of_adobe() {
        let mut follow = follow("rtmp://user:pass@host/app/cam");
        assert_eq!(asked(&mut follow, NEED_AUTH), Next::CallAgain);
        assert_eq!(
            follow.asking().tc_url(),
            "rtmp://host/app?authmod=adobe&user=user"
        );
        assert_eq!(asked(&mut follow, CHALLENGE), Next::CallAgain);
        assert_eq!(
            follow.asking().app(),
            "app?authmod=adobe&user=user&challenge=01020304&response=mqgFm/+IJtvsrEEdIQwQ0Q=="
        );
        assert_eq!(follow.target().app(), "app", "said once only");
        for again in [NEED_AUTH, CHALLENGE] {
            assert_eq!(
                gives_up(asked(&mut follow, again)),
                "the destination asks for the user and the password again and again"
            );
        }
    }

    #[test]
    fn a_challenge_may_come_at_once_and_the_user_is_asked_for_once() {
        let mut follow = follow("rtmp://user:pass@host/app/cam");
        assert_eq!(asked(&mut follow, CHALLENGE), Next::CallAgain);
        let mut follow = self::follow("rtmp://user:pass@host/app/cam");
        assert_eq!(asked(&mut follow, NEED_AUTH), Next::CallAgain);
        assert!(matches!(asked(&mut follow, NEED_AUTH), Next::GiveUp(_)));
    }

    /// [WIRE 194]
    #[test]
    fn a_wrong_user_or_password_is_a_permanent_refusal_in_clear_words() {
        for (words, reason) in [
            (
                "authmod=adobe ?reason=authfailed",
                "the destination does not take the user and the password in its URL",
            ),
            (
                "authmod=llnw ?reason=nosuchuser",
                "the destination does not know the user in its URL",
            ),
        ] {
            let mut follow = follow("rtmp://user:canary@host/app/cam");
            let Next::GiveUp(failure) = asked(&mut follow, words) else {
                panic!("it goes on");
            };
            assert_eq!(failure, Failure::refused(reason));
        }
        let reason = gives_up(asked(&mut follow("rtmp://host/app/cam"), NEED_AUTH));
        assert!(
            reason.starts_with("the destination wants a user and a password: write them"),
            "{reason}"
        );
    }

    #[test]
    fn other_refusals_are_what_they_are() {
        let mut follow = follow("rtmp://user:pass@host/app/cam");
        assert_eq!(asked(&mut follow, "no such app"), Next::Refused);
        let late = refusal(Step::Requesting, NEED_AUTH, None);
        assert_eq!(follow.refused(&late, NONCE), Next::Refused);
    }

    #[test]
    fn another_place_knows_nothing_of_us() {
        let mut follow = follow("rtmp://user:pass@host/app/cam");
        asked(&mut follow, NEED_AUTH);
        asked(&mut follow, CHALLENGE);
        assert_eq!(redirected(&mut follow, "//other/app"), Next::CallElsewhere);
        assert_eq!(follow.asking().tc_url(), "rtmp://other/app");
        assert_eq!(asked(&mut follow, NEED_AUTH), Next::CallAgain);
        assert_eq!(asked(&mut follow, CHALLENGE), Next::CallAgain);
    }
}
