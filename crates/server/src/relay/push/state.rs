//! Where a push stands.

/// Where a push stands.
///
/// ```text
/// Idle -> Resolving -> Connecting -> Handshaking -> Publishing -> Live <-> Held
///             ^             |             |             |           \     /
///             |             v             v             v           Stalled
///             +--- WaitingRetry or Rejected <-------------------------+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There is nothing to push.
    Idle,
    /// The name is looked up.
    Resolving,
    /// TCP connects.
    Connecting,
    /// The RTMP handshake.
    Handshaking,
    /// From `connect` until media was acknowledged.
    Publishing,
    /// Media arrives, proven by acknowledged bytes.
    Live,
    /// The publisher is away; the session is kept.
    Held,
    /// Nothing was acknowledged for a while.
    Stalled,
    /// The next attempt comes after a pause.
    WaitingRetry,
    /// The destination does not want us; the next attempt comes after a longer pause.
    Rejected,
}

/// What happens to a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// An attempt begins.
    Attempt,
    /// The destination refused, and said what to do: another call follows at once.
    Followed,
    /// The name has addresses.
    Resolved,
    /// TCP is connected.
    Connected,
    /// The handshake is done.
    ShookHands,
    /// The destination acknowledged media.
    Proven,
    /// The publisher is away.
    Held,
    /// Nothing was acknowledged for too long.
    Stalled,
    /// A new session took over.
    Moved,
    /// The session or the attempt is over; another one follows.
    Lost,
    /// The destination does not want us.
    Refused,
    /// The stream is over, or the server is.
    Ended,
}

impl State {
    /// The word of the API and the log.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Resolving => "resolving",
            Self::Connecting => "connecting",
            Self::Handshaking => "handshaking",
            Self::Publishing => "publishing",
            Self::Live => "live",
            Self::Held => "held",
            Self::Stalled => "stalled",
            Self::WaitingRetry => "waiting_retry",
            Self::Rejected => "rejected",
        }
    }

    /// The state after an input; the same one when the input means nothing here.
    pub(super) const fn after(self, input: Input) -> Self {
        match (self, input) {
            (_, Input::Ended) => Self::Idle,
            (Self::Idle | Self::WaitingRetry | Self::Rejected, Input::Attempt) => Self::Resolving,
            (Self::Connecting | Self::Handshaking | Self::Publishing, Input::Followed) => {
                Self::Resolving
            }
            (Self::Resolving, Input::Resolved) => Self::Connecting,
            (Self::Connecting, Input::Connected) => Self::Handshaking,
            (Self::Handshaking, Input::ShookHands) => Self::Publishing,
            (Self::Publishing | Self::Held | Self::Stalled, Input::Proven) => Self::Live,
            (Self::Publishing | Self::Live | Self::Stalled, Input::Held) => Self::Held,
            (Self::Publishing | Self::Live | Self::Held, Input::Stalled) => Self::Stalled,
            (Self::Live | Self::Held | Self::Stalled, Input::Moved) => Self::Publishing,
            (state, Input::Lost) if state.is_trying() => Self::WaitingRetry,
            (state, Input::Refused) if state.is_trying() => Self::Rejected,
            (state, _) => state,
        }
    }

    /// Whether an attempt or a session is under way.
    const fn is_trying(self) -> bool {
        !matches!(self, Self::Idle | Self::WaitingRetry | Self::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 10] = [
        State::Idle,
        State::Resolving,
        State::Connecting,
        State::Handshaking,
        State::Publishing,
        State::Live,
        State::Held,
        State::Stalled,
        State::WaitingRetry,
        State::Rejected,
    ];
    const INPUTS: [Input; 12] = [
        Input::Attempt,
        Input::Followed,
        Input::Resolved,
        Input::Connected,
        Input::ShookHands,
        Input::Proven,
        Input::Held,
        Input::Stalled,
        Input::Moved,
        Input::Lost,
        Input::Refused,
        Input::Ended,
    ];
    /// A dot is "no change".
    const TABLE: &str = "
              Attempt   Followed  Resolved   Connected   ShookHands Proven Held Stalled Moved      Lost          Refused  Ended
idle          resolving .         .          .           .          .      .    .       .          .             .        .
resolving     .         .         connecting .           .          .      .    .       .          waiting_retry rejected idle
connecting    .         resolving .          handshaking .          .      .    .       .          waiting_retry rejected idle
handshaking   .         resolving .          .           publishing .      .    .       .          waiting_retry rejected idle
publishing    .         resolving .          .           .          live   held stalled .          waiting_retry rejected idle
live          .         .         .          .           .          .      held stalled publishing waiting_retry rejected idle
held          .         .         .          .           .          live   .    stalled publishing waiting_retry rejected idle
stalled       .         .         .          .           .          live   held .       publishing waiting_retry rejected idle
waiting_retry resolving .         .          .           .          .      .    .       .          .             .        idle
rejected      resolving .         .          .           .          .      .    .       .          .             .        idle
";

    #[test]
    fn every_state_meets_every_input_as_the_table_says() {
        let mut rows = TABLE.trim().lines().map(str::split_whitespace);
        let head: Vec<&str> = rows.next().unwrap().collect();
        let names = INPUTS.map(|input| format!("{input:?}"));
        assert_eq!(head, names);
        for state in STATES {
            let row: Vec<&str> = rows.next().unwrap().collect();
            assert_eq!(row[0], state.as_str());
            for (input, expected) in INPUTS.iter().zip(&row[1..]) {
                let after = state.after(*input);
                let shown = if after == state { "." } else { after.as_str() };
                assert_eq!(shown, *expected, "{state:?} and {input:?}");
            }
        }
    }
}
