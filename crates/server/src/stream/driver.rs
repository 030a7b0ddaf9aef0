//! The task that drives one stream: passes over the players when they are due, deadlines, the end.

use std::rc::Rc;
use std::time::Instant;

use bongsu_hub::{Pass, State};

use super::{Inner, Stream};
use crate::limits::FAREWELL_PAUSE;
use crate::mailbox::Mail;
use crate::worker::Worker;

/// What the driver does next.
enum Next {
    /// Let others have a turn, then go on with the pass.
    Yield,
    /// Wait for the bell, at most until then.
    Wait(Option<Instant>),
    /// The stream is over, or nobody is there.
    End,
}

/// Drives a stream until it is over or nobody is there any more.
pub(super) async fn run(worker: Rc<Worker>, stream: Rc<Stream>) {
    loop {
        let _ = stream.bell.take();
        match step(&stream, Instant::now()) {
            Next::Yield => tokio::task::yield_now().await,
            Next::Wait(Some(until)) => {
                let _ = tokio::time::timeout_at(until.into(), stream.bell.wait()).await;
            }
            Next::Wait(None) => stream.bell.wait().await,
            Next::End => break,
        }
    }
    worker.forget(&stream);
    stream.let_pushes_go();
    if stream.has_players() {
        tokio::time::sleep(FAREWELL_PAUSE).await;
    }
    stream.let_players_go();
}

fn step(stream: &Stream, now: Instant) -> Next {
    let inner = &mut *stream.inner_mut();
    if inner.live.poll_timeout().is_some_and(|due| due <= now) {
        inner.live.handle_timeout(now);
    }
    if inner.fanout.poll_timeout().is_some_and(|due| due <= now) {
        inner.fanout.handle_timeout(now);
    }
    let over = inner.live.state() == State::Ended;
    let due = inner.schedule.due();
    if !inner.fanout.in_pass() && (due.is_some_and(|due| due <= now) || (over && due.is_some())) {
        inner.schedule.pass_started(now);
        inner.pass(now);
    } else if inner.fanout.in_pass() {
        inner.pass(now);
    }
    inner.dispatch();
    if inner.fanout.in_pass() {
        return Next::Yield;
    }
    if over && inner.schedule.due().is_none() {
        return Next::End;
    }
    if inner.live.state() == State::Idle && inner.players.is_empty() && inner.publisher.is_none() {
        return Next::End;
    }
    let timeouts = [
        inner.live.poll_timeout(),
        inner.fanout.poll_timeout(),
        inner.schedule.due(),
    ];
    Next::Wait(timeouts.into_iter().flatten().min())
}

impl Inner {
    fn pass(&mut self, now: Instant) {
        if self.fanout.pass(now, &mut self.live) == Pass::Done {
            // The time the sends took decides how long the next pass waits.
            self.schedule.pass_ended(Instant::now());
        }
    }
}

impl Stream {
    fn has_players(&self) -> bool {
        !self.inner().players.is_empty()
    }

    /// Tells the players that the stream is over.
    fn let_players_go(&self) {
        for mailbox in self.inner().players.values() {
            mailbox.post(Mail::STREAM_ENDED);
        }
    }

    /// Tells the pushes that the stream is over.
    fn let_pushes_go(&self) {
        for push in &self.inner().pushes {
            push.mailbox().post(Mail::STREAM_ENDED);
        }
    }
}
