//! What there is to say about where a push stands, and how it came there.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use super::limits::HISTORY_MAX;
use super::state::{Input, State};

/// State with since, reason, attempt, next retry, and the last changes.
#[derive(Debug)]
pub(super) struct Status {
    state: State,
    since: Instant,
    reason: Cow<'static, str>,
    attempt: u64,
    next_retry: Option<Instant>,
    history: VecDeque<Transition>,
}

/// One change of state.
#[derive(Debug, Clone)]
struct Transition {
    at: Instant,
    to: State,
    reason: Cow<'static, str>,
}

impl Status {
    pub(super) fn new(now: Instant) -> Self {
        let history = VecDeque::new();
        let reason = Cow::Borrowed("");
        Self {
            state: State::Idle,
            since: now,
            reason,
            attempt: 0,
            next_retry: None,
            history,
        }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// When this state began.
    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    /// Why it is in this state. On the way of an attempt: why the last one failed.
    pub(super) fn reason(&self) -> &str {
        &self.reason
    }

    /// Number of the attempt, from 1.
    pub(super) const fn attempt(&self) -> u64 {
        self.attempt
    }

    /// When the next attempt begins, while one is waited for.
    pub(super) const fn next_retry(&self) -> Option<Instant> {
        self.next_retry
    }

    /// Begins an attempt.
    pub(super) fn begin(&mut self, now: Instant) {
        self.attempt = self.attempt.saturating_add(1);
        self.next_retry = None;
        self.apply(now, Input::Attempt, "");
    }

    /// Waits for another attempt until `next_retry`.
    pub(super) fn wait(
        &mut self,
        now: Instant,
        input: Input,
        reason: impl Into<Cow<'static, str>>,
        next_retry: Instant,
    ) {
        self.next_retry = Some(next_retry);
        self.apply(now, input, reason);
    }

    /// A session lasted: attempts are counted anew.
    pub(super) const fn forget_attempts(&mut self) {
        self.attempt = 0;
    }

    /// Takes an input; true when it changes the state. Without a change the reason stays.
    pub(super) fn apply(
        &mut self,
        now: Instant,
        input: Input,
        reason: impl Into<Cow<'static, str>>,
    ) -> bool {
        let state = self.state.after(input);
        if state == self.state {
            return false;
        }
        let reason = reason.into();
        self.remember(now, state, reason.clone());
        let is_step = matches!(
            input,
            Input::Attempt
                | Input::Followed
                | Input::Resolved
                | Input::Connected
                | Input::ShookHands
        );
        if !is_step {
            self.reason = reason;
        }
        self.state = state;
        self.since = now;
        true
    }

    /// Keeps something to say about the state as it is.
    pub(super) fn note(&mut self, now: Instant, reason: impl Into<Cow<'static, str>>) {
        let reason = reason.into();
        self.remember(now, self.state, reason.clone());
        self.reason = reason;
    }

    fn remember(&mut self, at: Instant, to: State, reason: Cow<'static, str>) {
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(Transition { at, to, reason });
    }

    /// The last changes, oldest first, for a log line.
    pub(super) const fn history(&self) -> History<'_> {
        History(&self.history)
    }
}

/// Writes changes as in `resolving 0 ms, connecting 3 ms, waiting_retry 9 ms (connection refused)`, with the time since
/// the first of them.
pub(super) struct History<'a>(&'a VecDeque<Transition>);

impl fmt::Display for History<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.front() else {
            return Ok(());
        };
        for (index, transition) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let after = transition
                .at
                .saturating_duration_since(first.at)
                .as_millis();
            write!(f, "{separator}{} {after} ms", transition.to.as_str())?;
            if !transition.reason.is_empty() {
                write!(f, " ({})", transition.reason)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_reason_of_a_failure_stays_until_the_push_is_live() {
        let start = Instant::now();
        let later = |ms| start + Duration::from_millis(ms);
        let mut status = Status::new(start);
        status.begin(start);
        status.wait(later(3), Input::Lost, "connection refused", later(100));
        assert_eq!(
            (status.state(), status.since()),
            (State::WaitingRetry, later(3))
        );
        assert_eq!(status.next_retry(), Some(later(100)));
        status.begin(later(100));
        assert_eq!((status.attempt(), status.next_retry()), (2, None));
        for input in [Input::Resolved, Input::Connected, Input::ShookHands] {
            assert!(status.apply(later(101), input, ""));
            assert_eq!(status.reason(), "connection refused");
        }
        assert!(status.apply(later(102), Input::Proven, ""));
        assert_eq!((status.state(), status.reason()), (State::Live, ""));
        assert!(!status.apply(later(103), Input::Proven, "no change"));
        assert_eq!((status.since(), status.reason()), (later(102), ""));
        status.forget_attempts();
        assert_eq!(status.attempt(), 0);
        assert_eq!(
            status.history().to_string(),
            "resolving 0 ms, waiting_retry 3 ms (connection refused), resolving 100 ms, \
             connecting 101 ms, handshaking 101 ms, publishing 101 ms, live 102 ms"
        );
    }

    #[test]
    fn a_note_is_shown_until_the_state_changes_and_stays_in_the_history() {
        let start = Instant::now();
        let later = |ms| start + Duration::from_millis(ms);
        let mut status = Status::new(start);
        status.begin(start);
        for input in [
            Input::Resolved,
            Input::Connected,
            Input::ShookHands,
            Input::Proven,
        ] {
            status.apply(start, input, "");
        }
        status.note(later(5), "moving to rtmp://b");
        assert_eq!((status.state(), status.since()), (State::Live, start));
        assert_eq!(status.reason(), "moving to rtmp://b");
        status.apply(later(9), Input::Moved, "moved to rtmp://b");
        status.apply(later(10), Input::Proven, "");
        assert_eq!((status.state(), status.reason()), (State::Live, ""));
        let history = status.history().to_string();
        assert!(
            history.ends_with(
                "live 0 ms, live 5 ms (moving to rtmp://b), publishing 9 ms (moved to rtmp://b), live 10 ms"
            ),
            "{history}"
        );
        for _ in 0..HISTORY_MAX {
            status.note(later(11), "again");
        }
        assert_eq!(status.history.len(), HISTORY_MAX);
    }

    #[test]
    fn the_history_keeps_the_last_changes_only() {
        let now = Instant::now();
        let mut status = Status::new(now);
        for _ in 0..HISTORY_MAX / 2 {
            status.begin(now);
            status.wait(now, Input::Lost, "down", now);
        }
        assert_eq!(status.history.len(), HISTORY_MAX);
        assert_eq!(status.history[0].to, State::Resolving);
        status.begin(now);
        assert_eq!(status.history.len(), HISTORY_MAX);
        assert_eq!(
            status.history[0].to,
            State::WaitingRetry,
            "the oldest one is gone"
        );
    }
}
