//! A move to another connection, because the destination asked for one: make before break.
//!
//! ```text
//! Waiting -> Opening -> Opened -> Ready -> (the sender switches)
//!    ^                     |        |
//!    +---------------------+--------+   it failed, and may be tried again
//! ```
//!
//! The old session goes on sending until the new one is accepted and a keyframe comes.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use super::conversation::Conversation;
use super::destination::Destination;
use super::failure::{Failure, Kind};
use super::limits::{ATTEMPT, MOVE_KEYFRAME_WAIT};
use super::moves::Tries;
use super::task::{Task, Way};

/// One move.
pub(super) struct Relocation<'a> {
    task: &'a Task,
    to: Destination,
    tries: Tries,
    stage: Stage<'a>,
}

enum Stage<'a> {
    /// The next try begins then.
    Waiting(Instant),
    /// A connection is made.
    Opening(Pin<Box<dyn Future<Output = Result<Box<Conversation>, Failure>> + 'a>>),
    /// It was made, or could not be.
    Opened(Result<Box<Conversation>, Failure>),
    /// It is accepted and waits for a keyframe, until then.
    Ready(Box<Conversation>, Instant),
}

/// What becomes of a move.
#[derive(Debug)]
pub(super) enum Outlook {
    /// It is under way.
    Going,
    /// It has waited for a keyframe for long enough.
    Overdue,
    /// The destination takes nobody new while the old session is there.
    EndFirst(Destination),
    /// It came to nothing.
    Failed(Failure),
}

impl<'a> Relocation<'a> {
    pub(super) fn new(task: &'a Task, to: Destination, now: Instant) -> Self {
        Self {
            task,
            to,
            tries: Tries::default(),
            stage: Stage::Waiting(now),
        }
    }

    /// Where it goes.
    pub(super) const fn to(&self) -> &Destination {
        &self.to
    }

    /// Whether the new session can take over.
    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready(..))
    }

    /// The new session, if it can take over.
    pub(super) fn into_ready(self) -> Option<Box<Conversation>> {
        match self.stage {
            Stage::Ready(conversation, _) => Some(conversation),
            _ => None,
        }
    }

    /// When [`Relocation::step`] is due.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Waiting(at) | Stage::Ready(_, at) => Some(*at),
            Stage::Opening(_) | Stage::Opened(_) => None,
        }
    }

    /// Ready when there is something to do for [`Relocation::step`].
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.stage {
            Stage::Waiting(_) => Poll::Pending,
            Stage::Opening(opening) => opening
                .as_mut()
                .poll(context)
                .map(|opened| self.stage = Stage::Opened(opened)),
            Stage::Opened(_) => Poll::Ready(()),
            Stage::Ready(conversation, _) => conversation.poll(context, None),
        }
    }

    /// Does what can be done now.
    pub(super) fn step(&mut self, now: Instant) -> Outlook {
        let stage = std::mem::replace(&mut self.stage, Stage::Waiting(now));
        let failure = match stage {
            Stage::Waiting(at) if at <= now => {
                self.stage = Stage::Opening(self.open(now));
                return Outlook::Going;
            }
            stage @ (Stage::Waiting(_) | Stage::Opening(_)) => {
                self.stage = stage;
                return Outlook::Going;
            }
            Stage::Opened(Ok(conversation)) => {
                self.stage = Stage::Ready(conversation, now + MOVE_KEYFRAME_WAIT);
                return Outlook::Going;
            }
            Stage::Ready(mut conversation, until) => {
                match conversation.keep_up(&self.task.worker, now) {
                    Ok(()) => {
                        self.stage = Stage::Ready(conversation, until);
                        let is_overdue = until <= now;
                        return if is_overdue {
                            Outlook::Overdue
                        } else {
                            Outlook::Going
                        };
                    }
                    Err(failure) => failure,
                }
            }
            Stage::Opened(Err(failure)) => failure,
        };
        self.on_failure(now, failure)
    }

    fn on_failure(&mut self, now: Instant, failure: Failure) -> Outlook {
        let pause = match failure.kind {
            Kind::NameTaken => return Outlook::EndFirst(self.to.clone()),
            Kind::Refused | Kind::Itself => None,
            Kind::Lost => self.tries.failed(self.task.random()),
        };
        let Some(pause) = pause else {
            return Outlook::Failed(failure);
        };
        let (destination, reason) = (&self.task.handle.push.name, failure.reason);
        let retry_ms = crate::stream::millis(pause);
        tracing::debug!(destination, retry_ms, "a move failed: {reason}");
        self.stage = Stage::Waiting(now + pause);
        Outlook::Going
    }

    fn open(
        &self,
        now: Instant,
    ) -> Pin<Box<dyn Future<Output = Result<Box<Conversation>, Failure>> + 'a>> {
        let (task, to) = (self.task, self.to.clone());
        let deadline = now + ATTEMPT;
        Box::pin(async move {
            let open = task.open(Some(Box::new(to)), Way::Move, deadline);
            let opened = tokio::time::timeout_at(deadline.into(), open).await;
            opened.unwrap_or_else(|_| Err(Failure::overdue(super::state::State::Publishing)))
        })
    }
}
