//! Why a connection ended: one value for the log line, the metric and the API.

use std::fmt;
use std::io;
use std::time::Duration;

use bongsu_rtmp::session::server::{CloseCause, Unpublished};
use bongsu_rtmp::session::{LogLevel, SessionError};
use bongsu_rtmp::status::Code;

use crate::config::auth::Denied;

/// Why a connection ended. `Display` is a sentence for people; it holds nothing that the peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer closed its side.
    PeerClosed,
    /// The publisher ended its stream with this command and left.
    Unpublished(Unpublished),
    /// The socket failed.
    Broken(io::ErrorKind),
    /// The peer broke the protocol or a limit.
    Session(SessionError),
    /// The handshake was not finished in time.
    HandshakeTimeout(Duration),
    /// Others wanted to connect, and this was the connection that had been longest in its handshake.
    MadeRoom,
    /// Neither publish nor play was asked for in time.
    RequestTimeout(Duration),
    /// The publisher sent nothing for too long.
    PublishIdle(Duration),
    /// Publishing or playing was not allowed.
    Denied(Denied),
    /// The session refused the request by itself, with this code.
    Refused(Code),
    /// Another publisher has the stream, and the policy keeps it.
    Busy,
    /// Another publisher took the stream over.
    TakenOver,
    /// The stream that was played has ended.
    StreamEnded,
    /// The player ended its play, and its connection goes on.
    StreamClosed,
    /// The stream to play did not appear in time.
    StreamNotFound(Duration),
    /// The player can use no track of the stream.
    NothingUsable,
    /// The player took no byte for too long.
    Stalled(Duration),
    /// More replies waited for the peer than the limit allows.
    RepliesNotRead,
    /// The server is going down.
    Shutdown,
}

impl CloseReason {
    /// A stable label in snake case: metric label and API value.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::PeerClosed => "peer_closed",
            Self::Unpublished(_) => "unpublished",
            Self::Broken(_) => "connection_broken",
            Self::Session(error) => error.label(),
            Self::HandshakeTimeout(_) => "handshake_timeout",
            Self::MadeRoom => "made_room",
            Self::RequestTimeout(_) => "request_timeout",
            Self::PublishIdle(_) => "publish_idle",
            Self::Denied(denied) => denied.as_str(),
            Self::Refused(_) => "refused",
            Self::Busy => "busy",
            Self::TakenOver => "taken_over",
            Self::StreamEnded => "stream_ended",
            Self::StreamClosed => "stream_closed",
            Self::StreamNotFound(_) => "stream_not_found",
            Self::NothingUsable => "nothing_usable",
            Self::Stalled(_) => "stalled",
            Self::RepliesNotRead => "replies_not_read",
            Self::Shutdown => "shutdown",
        }
    }

    /// How loud the line about it is: a stranger's mistake is no warning, our bug is an error.
    #[must_use]
    pub const fn log_level(&self) -> LogLevel {
        match self {
            Self::Session(error) => error.handling().log,
            _ => LogLevel::Info,
        }
    }

    /// Whether the peer is told nothing and not waited for: it is gone, does not read, or somebody needs its place.
    #[must_use]
    pub(crate) const fn is_silent(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Stalled(_) | Self::MadeRoom)
    }

    /// What a session that closes in order says, with the deadlines that were in force.
    pub(crate) fn from_cause(cause: CloseCause, deadlines: &Deadlines) -> Self {
        match cause {
            CloseCause::HandshakeTimeout => Self::HandshakeTimeout(deadlines.handshake),
            CloseCause::RequestTimeout => Self::RequestTimeout(deadlines.request),
            CloseCause::PublishIdle => Self::PublishIdle(deadlines.publish_idle),
            CloseCause::Refused(code) | CloseCause::Ended(code) => Self::Refused(code),
            _ => Self::PeerClosed,
        }
    }
}

/// The deadlines of one connection, for the sentence about the one that passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    pub(crate) handshake: Duration,
    pub(crate) request: Duration,
    pub(crate) publish_idle: Duration,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: &Duration| humantime::format_duration(*time);
        match self {
            Self::PeerClosed => f.write_str("the peer closed the connection"),
            Self::Unpublished(how) => write!(f, "the publisher ended its stream ({})", word(*how)),
            Self::Broken(kind) => write!(f, "the connection broke: {kind}"),
            Self::Session(error) => error.fmt(f),
            Self::HandshakeTimeout(limit) => {
                write!(f, "the handshake was not finished within {}", time(limit))
            }
            Self::MadeRoom => f.write_str(
                "it was the one longest in its handshake when room was needed: `handshakes` in [limits]",
            ),
            Self::RequestTimeout(limit) => {
                write!(f, "no publish or play was asked for within {}", time(limit))
            }
            Self::PublishIdle(limit) => {
                write!(f, "the publisher sent no media for {}", time(limit))
            }
            Self::Denied(denied) => denied.fmt(f),
            Self::Refused(code) => write!(f, "refused with {}", code.as_str()),
            Self::Busy => f.write_str("another publisher has this stream"),
            Self::TakenOver => f.write_str("another publisher took the stream over"),
            Self::StreamEnded => f.write_str("the stream ended"),
            Self::StreamClosed => f.write_str("the player stopped playing"),
            Self::StreamNotFound(limit) => {
                write!(f, "the stream did not start within {}", time(limit))
            }
            Self::NothingUsable => f.write_str("the player can use no track of the stream"),
            Self::Stalled(limit) => write!(f, "the player took no data for {}", time(limit)),
            Self::RepliesNotRead => f.write_str("the peer does not read its replies"),
            Self::Shutdown => f.write_str("the server is going down"),
        }
    }
}

const fn word(how: Unpublished) -> &'static str {
    match how {
        Unpublished::FcUnpublish => "FCUnpublish",
        Unpublished::DeleteStream => "deleteStream",
        Unpublished::CloseStream => "closeStream",
    }
}
