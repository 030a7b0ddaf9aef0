//! The refusal of a wrong key that has to wait: the address has tried too many.

use std::time::{Duration, Instant};

use bongsu_rtmp::session::server::RequestId;
use bongsu_rtmp::status::{Code, Status};

use super::connection::Connection;
use super::ending::End;
use crate::config::auth::Denied;
use crate::telemetry::CloseReason;

/// What a peer is told when its time has come.
#[derive(Debug)]
pub(super) struct Refusal {
    due: Instant,
    request: RequestId,
    denied: Denied,
}

impl Connection {
    /// Refuses a request, at once or later. As long as one waits the connection begins nothing else, so that nobody
    /// tries other keys in the meantime.
    pub(super) fn refuse_after(
        &mut self,
        now: Instant,
        wait: Duration,
        request: RequestId,
        denied: Denied,
    ) -> Result<(), End> {
        let status = denied.publish_status();
        if wait.is_zero() {
            return self.refuse(now, request, &status, CloseReason::Denied(denied));
        }
        self.worker.shared().telemetry.refusals_delayed.inc();
        if !self.has_streams() {
            // Who does not wait for the answer leaves for this reason, too.
            self.reason = Some(CloseReason::Denied(denied));
        }
        self.refusal = Some(Box::new(Refusal {
            due: now + wait,
            request,
            denied,
        }));
        Ok(())
    }

    /// Refuses what is asked for while a refusal waits, without a look at it. It ends the connection, unless that has
    /// another use.
    pub(super) fn refuse_meanwhile(
        &mut self,
        now: Instant,
        request: RequestId,
        code: Code,
    ) -> Result<(), End> {
        let goes_on = self.has_streams();
        let status = Status::new(code, "this connection is in use already");
        let reason = CloseReason::Refused(code);
        self.refuse(now, request, &status, reason.clone())?;
        if goes_on { Ok(()) } else { Err(reason.into()) }
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
        let Refusal {
            request, denied, ..
        } = *refusal;
        let status = denied.publish_status();
        self.refuse(now, request, &status, CloseReason::Denied(denied))
    }
}
