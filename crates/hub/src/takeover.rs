//! Who gets the publisher slot when it is taken.

use std::{fmt, sync::Arc};

/// Who a publisher proved to be. The caller checked it; here it is only compared.
#[derive(Clone, PartialEq, Eq)]
pub enum Identity {
    /// Nothing was asked of it: all publishers of an open app count as the same.
    Open,
    /// The name of the key it used, never the key itself.
    Key(Arc<str>),
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("Open"),
            Self::Key(name) => write!(f, "Key({name})"),
        }
    }
}

/// When a second publisher replaces the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Takeover {
    /// When both proved the same identity: an encoder that comes back never waits for its own dead connection.
    #[default]
    SameKey,
    /// Always.
    Always,
    /// When the first one has sent no media for [`crate::limits::TAKEOVER_SILENCE`].
    IfSilent,
    /// Never: the second one is refused.
    Reject,
}

/// Why a publisher does not get the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Another publisher has it and the policy keeps it: `NetStream.Publish.BadName`.
    Busy,
    /// The stream has ended; the caller makes a new one.
    Ended,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "another publisher has this stream",
            Self::Ended => "the stream has ended",
        })
    }
}

impl std::error::Error for Refused {}

impl Takeover {
    /// Whether `newcomer` replaces `holder`, who sent its last media before a silence that is long enough or not.
    pub(crate) fn allows(self, holder: &Identity, newcomer: &Identity, silent: bool) -> bool {
        match self {
            Self::SameKey => holder == newcomer,
            Self::Always => true,
            Self::IfSilent => silent,
            Self::Reject => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_says_what_its_name_says() {
        let cam = Identity::Key("cam".into());
        let guest = Identity::Key("guest".into());
        let table = [
            (Takeover::SameKey, [true, false, false, true]),
            (Takeover::Always, [true, true, true, true]),
            (Takeover::IfSilent, [false, false, true, false]),
            (Takeover::Reject, [false, false, false, false]),
        ];
        for (policy, expected) in table {
            let found = [
                policy.allows(&cam, &cam.clone(), false),
                policy.allows(&cam, &guest, false),
                policy.allows(&cam, &guest, true) && policy != Takeover::SameKey,
                policy.allows(&Identity::Open, &Identity::Open, false),
            ];
            assert_eq!(found, expected, "{policy:?}");
        }
    }
}
