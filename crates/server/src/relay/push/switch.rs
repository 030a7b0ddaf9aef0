//! How a session gives way to the next one, because its destination asked for a new connection.

use std::time::Instant;

use bongsu_hub::Cursor;

use super::conversation::ReconnectRequest;
use super::failure::{Failure, Kind};
use super::limits::{FAREWELL, MOVES_MAX};
use super::relocation::{Outlook, Relocation};
use super::sender::{End, Sender, Turn};
use super::state::Input;

impl Sender<'_> {
    /// Takes the destination's requests and leads the move that is under way.
    pub(super) fn relocate(&mut self, now: Instant) -> Result<(), End> {
        if self.task.leaving().is_some() {
            // At the end of a stream the rest is not worth a session.
            self.relocation = None;
            return Ok(());
        }
        if let Some(request) = self.conversation.take_reconnect()
            && self.relocation.is_none()
        {
            self.begin_move(now, &request);
        }
        let Some(relocation) = &mut self.relocation else {
            return Ok(());
        };
        match relocation.step(now) {
            Outlook::Going => {}
            Outlook::Overdue => self.switch(now, false),
            Outlook::EndFirst(to) => {
                return Err(End::MakesRoom(
                    "the destination asked for a new connection and takes none beside the old one",
                    Some(Box::new(to)),
                ));
            }
            Outlook::Failed(failure) => {
                let server = self.task.server(&relocation.to().url);
                self.relocation = None;
                let note = format!("cannot move to {server}: {}", failure.reason);
                self.task.handle.note(now, note);
            }
        }
        Ok(())
    }

    fn begin_move(&mut self, now: Instant, request: &ReconnectRequest) {
        let handle = &self.task.handle;
        // Those that cannot be obeyed count as well: each of them is a line in the log.
        if !self.task.moves.borrow_mut().begin(now) {
            tracing::debug!(
                destination = handle.push.name,
                "the destination asked for more than {MOVES_MAX} new connections"
            );
            return;
        }
        let to = match self.conversation.destination().at(request.0.as_ref()) {
            Ok(to) => to,
            Err(reason) => {
                let note =
                    format!("the destination asked to move to what cannot be used: {reason}");
                return handle.note(now, note);
            }
        };
        let server = self.task.server(&to.url);
        handle.note(now, format!("moving to {server}, as the destination asked"));
        self.relocation = Some(Relocation::new(self.task, to, now));
    }

    /// The session failed. One that is ready takes over at once.
    pub(super) fn on_failure(&mut self, now: Instant, failure: Failure) -> Result<Turn, End> {
        let Some(relocation) = &self.relocation else {
            return Err(failure.into());
        };
        if relocation.is_ready() {
            self.switch(now, false);
            return Ok(Turn::More);
        }
        if failure.kind == Kind::NameTaken {
            // The new session is about to be accepted, and has taken the place of this one.
            let to = relocation.to().clone();
            let reason = "the destination ended the old session for the new one";
            return Err(End::MakesRoom(reason, Some(Box::new(to))));
        }
        Err(failure.into())
    }

    /// The session that is ready takes over: where this one stops, or else at the newest keyframe. This one then ends in
    /// order, beside it.
    pub(super) fn switch(&mut self, now: Instant, at_seam: bool) {
        let relocation = self.relocation.take();
        let Some(conversation) = relocation.and_then(Relocation::into_ready) else {
            return;
        };
        let task = self.task;
        let server = task.server(&conversation.destination().url);
        let cursor = {
            let (inner, ledger) = (task.stream.inner(), task.handle.ledger.borrow());
            let old = ledger.cursor.as_ref().filter(|_| at_seam);
            old.map_or_else(Cursor::rebased, |old| inner.live.take_over(old))
        };
        self.report(now, "it moved, as the destination asked");
        task.handle.ledger.borrow_mut().cursor = Some(cursor);
        let new = Self::new(task, conversation, true, now);
        let mut old = std::mem::replace(self, new).conversation;
        self.goodbye = Some(Box::pin(async move {
            old.stop(&task.worker, now + FAREWELL).await;
        }));
        task.handle
            .apply(now, Input::Moved, format!("moved to {server}"));
    }
}
