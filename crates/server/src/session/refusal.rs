//! The refusal of a wrong key that has to wait: the address has tried too many.

use std::time::{Duration, Instant};

use bongsu_rtmp::session::server::RequestId;
use bongsu_rtmp::status::Status;

use super::connection::{Connection, Role};
use super::ending::End;

/// What a peer is told when its time has come.
#[derive(Debug)]
pub(super) struct Refusal {
    due: Instant,
    request: RequestId,
    status: Status,
}

impl Connection {
    /// Refuses a request, at once or later. One that waits is the last of its connection: whatever is asked for
    /// meanwhile ends it.
    pub(super) fn refuse_after(
        &mut self,
        now: Instant,
        wait: Duration,
        request: RequestId,
        status: Status,
    ) -> Result<(), End> {
        if wait.is_zero() || self.refusal.is_some() {
            return self.reject(now, request, &status);
        }
        self.worker.shared().telemetry.refusals_delayed.inc();
        self.refusal = Some(Box::new(Refusal {
            due: now + wait,
            request,
            status,
        }));
        Ok(())
    }

    /// Whether the connection cannot do anything else: it publishes, plays, or is about to be refused.
    pub(super) const fn is_in_use(&self) -> bool {
        !matches!(self.role, Role::None) || self.refusal.is_some()
    }

    /// When the refusal is said.
    pub(super) fn refusal_deadline(&self) -> Option<Instant> {
        self.refusal.as_ref().map(|refusal| refusal.due)
    }

    /// Says the refusal when its time has come.
    pub(super) fn check_refusal(&mut self, now: Instant) -> Result<(), End> {
        let Some(refusal) = self.refusal.take_if(|refusal| refusal.due <= now) else {
            return Ok(());
        };
        self.reject(now, refusal.request, &refusal.status)
    }
}
