//! The end of a connection: last words, the one line in the log, the counters.

use std::io;
use std::rc::Rc;
use std::time::Instant;

use bongsu_hub::Unpublish;
use bongsu_rtmp::session::LogLevel;
use bongsu_rtmp::session::server::PlayEnd;
use bongsu_rtmp::url::StreamPath;
use rustix::net::{Shutdown, shutdown};

use super::Facts;
use super::connection::{Connection, Role};
use super::ending::End;
use super::side::end_of_publish;
use crate::limits::{LINGER, LINGER_AT_SHUTDOWN, LINGER_BYTES_MAX};
use crate::shared::Shared;
use crate::telemetry::CloseReason;
use crate::worker::TaskId;

/// What a connection does or did, for its log line.
#[derive(Debug, Clone)]
pub(super) struct Part {
    role: &'static str,
    stream: Option<StreamPath>,
}

impl Part {
    /// A connection that neither publishes nor plays.
    pub(super) const NONE: Self = Self {
        role: "none",
        stream: None,
    };
}

impl Connection {
    /// Closes the connection: everybody else first, then the peer's last words, then the socket.
    pub(super) async fn close(mut self: Box<Self>, reason: CloseReason) {
        self.remember_part();
        let lost = match reason {
            // A publisher that is sent away does not come back: nobody waits for it.
            CloseReason::Shutdown => Unpublish::Clean,
            _ => Unpublish::Lost,
        };
        self.end_sides(lost, &reason);
        self.end_publish(Instant::now(), lost);
        self.end_play();
        // What goes out at once is in the line; who reads slowly gets the rest after it.
        if let Ok(count) = self.outbox.write_to(&self.socket) {
            self.facts.sent += count as u64;
            self.worker.count_sent(count);
        }
        self.facts.report(self.worker.shared(), &self.part, &reason);
        if !reason.is_silent() {
            self.say_goodbye(&reason).await;
        }
        self.worker.delist(TaskId::of(self.facts.id));
    }

    /// Says goodbye for as long as there is time: less once the server leaves.
    async fn say_goodbye(&mut self, reason: &CloseReason) {
        let linger = match reason {
            CloseReason::Shutdown => LINGER_AT_SHUTDOWN,
            _ => LINGER,
        };
        let mailbox = Rc::clone(&self.mailbox);
        tokio::select! {
            _ = tokio::time::timeout(linger, self.send_and_close()) => {}
            // Who writes to somebody who is leaving wants it gone: the server is going down, or needs the room.
            () = mailbox.wait_to_leave(), if linger == LINGER => {}
        }
    }

    /// Sends what waits, closes our side, and reads until the peer has closed its own, or has sent too much for somebody
    /// who listens.
    ///
    /// Without the reading the kernel would answer bytes still on their way with a reset, and the peer would lose what
    /// it was told.
    async fn send_and_close(&mut self) {
        while !self.outbox.is_empty() {
            if self.outbox.write_to(&self.socket).is_err() {
                return;
            }
            if !self.outbox.is_empty() && self.socket.writable().await.is_err() {
                return;
            }
        }
        if shutdown(&*self.socket, Shutdown::Write).is_err() {
            return;
        }
        let mut ignored = 0;
        while ignored < LINGER_BYTES_MAX {
            if self.socket.readable().await.is_err() {
                return;
            }
            let mut scratch = self.worker.scratch().borrow_mut();
            match self.socket.try_read(&mut scratch) {
                Ok(0) => return,
                Ok(count) => ignored += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// The server takes nothing new: asks a peer that can to go elsewhere, once, and serves it until it does. [WIRE 160]
    pub(super) fn ask_to_reconnect(&mut self, now: Instant) {
        if !self.facts.asked_to_reconnect {
            let words = "the server is going down";
            self.facts.asked_to_reconnect = self.session.request_reconnect(now, words, None);
        }
    }

    /// The server is going down: tells the peer.
    pub(super) fn leave(&mut self, now: Instant) -> End {
        self.say_farewell_to_sides(now);
        match self.role {
            Role::None => self.collect(),
            Role::Publisher(_) => self.tell_publisher(now, &end_of_publish(&CloseReason::Shutdown)),
            Role::Player(_) => {
                if !self.is_leaving() {
                    let _ = self.say_farewell(now, &PlayEnd::Unpublished, CloseReason::Shutdown);
                }
                let _ = self.take_turns(now);
            }
        }
        CloseReason::Shutdown.into()
    }

    /// The one line about the first stream of a connection that goes on.
    pub(super) fn report_stream(&self, reason: &CloseReason) {
        tracing::info!(
            conn = self.facts.id,
            peer = %self.facts.peer,
            role = self.part.role,
            stream = self.part.stream.as_ref().map_or("", StreamPath::as_str),
            reason = reason.label(),
            "a stream of a connection ended: {reason}"
        );
    }

    /// Keeps what the connection does now for its log line; what it did before stays when it does nothing.
    pub(super) fn remember_part(&mut self) {
        let (role, stream) = match &self.role {
            Role::None => return,
            Role::Publisher(publishing) => ("publisher", publishing.stream()),
            Role::Player(playing) => ("player", playing.stream()),
        };
        self.part = Part {
            role,
            stream: Some(stream.path().clone()),
        };
    }
}

impl Facts {
    /// The one line about a connection, and its metric.
    pub(super) fn report(&self, shared: &Shared, part: &Part, reason: &CloseReason) {
        shared.telemetry.connection_ended(reason);
        let stream = part.stream.as_ref().map_or("", StreamPath::as_str);
        let duration_ms = crate::stream::millis(self.accepted.elapsed());
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    $level,
                    conn = self.id,
                    peer = %self.peer,
                    role = part.role,
                    stream,
                    reason = reason.label(),
                    duration_ms,
                    received_bytes = self.received,
                    sent_bytes = self.sent,
                    dropped_frames = self.drops.frames,
                    skips = self.drops.skips,
                    "connection ended: {reason}"
                )
            };
        }
        // A flood of them has one line, which the worker writes.
        if matches!(reason, CloseReason::MadeRoom) {
            return line!(tracing::Level::DEBUG);
        }
        match reason.log_level() {
            LogLevel::Error => line!(tracing::Level::ERROR),
            LogLevel::Warn => line!(tracing::Level::WARN),
            LogLevel::Info => line!(tracing::Level::INFO),
        }
    }
}
