//! Why a session cannot go on, split by who is to blame.

use crate::amf0::AmfError;
use crate::chunk::ChunkError;
use crate::handshake::{Foreign, HandshakeError};
use crate::limits::{Limit, LimitExceeded};
use crate::message::MessageError;

/// Why a session ended. The connection has to close; [`SessionError::handling`] says how to report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The peer did what the protocol forbids, or speaks another one.
    #[error("peer broke the protocol: {0}")]
    PeerMisbehaved(#[from] PeerMisbehaved),
    /// The peer went past a limit.
    #[error(transparent)]
    LimitExceeded(LimitExceeded),
    /// Our own bug: a call that the session cannot take now.
    #[error("bug in the caller: {0}")]
    ApiMisuse(#[from] ApiMisuse),
}

/// What the peer did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// It speaks HTTP, TLS, RTMPE or something else.
    #[error(transparent)]
    Handshake(HandshakeError),
    /// Its chunks make no sense.
    #[error(transparent)]
    Chunk(ChunkError),
    /// A control message or a command cannot be read.
    #[error(transparent)]
    Message(MessageError),
    /// A command other than connect came first. [WIRE 099]
    #[error("a command came before connect")]
    CommandBeforeConnect,
    /// It sent connect twice. [WIRE 099]
    #[error("connect came a second time")]
    SecondConnect,
    /// The server's answer to createStream has no usable stream id. [WIRE 179]
    #[error("the answer to createStream has no stream id")]
    NoStreamId,
}

/// What the caller did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// A decision about a request that the session never raised.
    #[error("the request was never raised")]
    UnknownRequest,
    /// The stream does not play, or does not publish.
    #[error("the stream is not in the state that the call needs")]
    WrongStreamState,
    /// Bytes came in while `wants_bytes` was false.
    #[error("bytes were handed in while the session did not want any")]
    UnwantedBytes,
    /// Media was sent before the server accepted the publish, or on a session that plays.
    #[error("media was sent on a session that does not publish")]
    NotPublishing,
}

/// Who has to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The peer.
    Peer,
    /// The peer, or the operator who set the limit.
    Limit,
    /// We.
    Caller,
}

/// How loud a log line should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogLevel {
    /// A bug of our own.
    Error,
    /// An operator may want to act.
    Warn,
    /// A misbehaving peer is not our error.
    Info,
}

/// How a shell treats an error: the one place where that is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handling {
    /// Who is to blame.
    pub blame: Blame,
    /// Whether the connection has to close; no session error leaves one usable.
    pub close: bool,
    /// How loud to log it.
    pub log: LogLevel,
    /// A stable label in snake case, for metrics and close reasons.
    pub label: &'static str,
}

impl SessionError {
    /// Blame, close decision, log level and metric label in one.
    #[must_use]
    pub const fn handling(&self) -> Handling {
        let (blame, log, label) = match self {
            Self::PeerMisbehaved(fault) => (Blame::Peer, LogLevel::Info, fault.label()),
            Self::LimitExceeded(exceeded) => {
                (Blame::Limit, LogLevel::Warn, exceeded.limit.as_str())
            }
            Self::ApiMisuse(misuse) => (Blame::Caller, LogLevel::Error, misuse.label()),
        };
        Handling {
            blame,
            close: true,
            log,
            label,
        }
    }

    /// Who is to blame.
    #[must_use]
    pub const fn blame(&self) -> Blame {
        self.handling().blame
    }

    /// A stable label in snake case; for an exceeded limit the name of the limit.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        self.handling().label
    }

    /// The limit that was exceeded, if that is what happened.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        match self {
            Self::LimitExceeded(exceeded) => Some(exceeded.limit),
            _ => None,
        }
    }
}

impl PeerMisbehaved {
    const fn label(&self) -> &'static str {
        match self {
            Self::Handshake(HandshakeError::NotRtmp(foreign)) => match foreign {
                Foreign::Http => "not_rtmp_http",
                Foreign::Tls => "not_rtmp_tls",
                Foreign::Rtmpe(_) => "not_rtmp_rtmpe",
                Foreign::ProxyProtocol => "not_rtmp_proxy_protocol",
                Foreign::SrsPrefix => "not_rtmp_srs_prefix",
                Foreign::Other(_) => "not_rtmp",
            },
            Self::Chunk(_) => "bad_chunk",
            Self::Message(_) => "bad_message",
            Self::CommandBeforeConnect => "command_before_connect",
            Self::SecondConnect => "second_connect",
            Self::NoStreamId => "no_stream_id",
        }
    }
}

impl ApiMisuse {
    const fn label(self) -> &'static str {
        match self {
            Self::UnknownRequest => "unknown_request",
            Self::WrongStreamState => "wrong_stream_state",
            Self::UnwantedBytes => "unwanted_bytes",
            Self::NotPublishing => "not_publishing",
        }
    }
}

impl From<LimitExceeded> for SessionError {
    fn from(exceeded: LimitExceeded) -> Self {
        Self::LimitExceeded(exceeded)
    }
}

impl From<HandshakeError> for SessionError {
    fn from(error: HandshakeError) -> Self {
        Self::PeerMisbehaved(PeerMisbehaved::Handshake(error))
    }
}

impl From<ChunkError> for SessionError {
    fn from(error: ChunkError) -> Self {
        match error {
            ChunkError::Limit(exceeded) => Self::LimitExceeded(exceeded),
            other => Self::PeerMisbehaved(PeerMisbehaved::Chunk(other)),
        }
    }
}

impl From<MessageError> for SessionError {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Command(AmfError::Limit(exceeded)) => Self::LimitExceeded(exceeded),
            other => Self::PeerMisbehaved(PeerMisbehaved::Message(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceeded() -> LimitExceeded {
        LimitExceeded {
            limit: Limit::AmfDepth,
            got: 17,
            max: 16,
        }
    }

    #[test]
    fn a_limit_is_a_limit_from_whatever_layer_it_comes() {
        let all: [SessionError; 3] = [
            exceeded().into(),
            ChunkError::Limit(exceeded()).into(),
            MessageError::Command(AmfError::Limit(exceeded())).into(),
        ];
        for error in all {
            assert_eq!(error, SessionError::LimitExceeded(exceeded()));
            assert_eq!(error.to_string(), "amf_depth exceeded: 17 > 16");
            assert_eq!(error.limit(), Some(Limit::AmfDepth));
        }
    }

    #[test]
    fn every_error_says_who_is_to_blame_and_how_loudly() {
        let cases: [(SessionError, Blame, LogLevel, &str); 5] = [
            (exceeded().into(), Blame::Limit, LogLevel::Warn, "amf_depth"),
            (
                HandshakeError::NotRtmp(Foreign::Tls).into(),
                Blame::Peer,
                LogLevel::Info,
                "not_rtmp_tls",
            ),
            (
                ChunkError::ChunkSize(0).into(),
                Blame::Peer,
                LogLevel::Info,
                "bad_chunk",
            ),
            (
                MessageError::Command(AmfError::NotAString).into(),
                Blame::Peer,
                LogLevel::Info,
                "bad_message",
            ),
            (
                ApiMisuse::UnwantedBytes.into(),
                Blame::Caller,
                LogLevel::Error,
                "unwanted_bytes",
            ),
        ];
        for (error, blame, log, label) in cases {
            let expected = Handling {
                blame,
                close: true,
                log,
                label,
            };
            assert_eq!(error.handling(), expected);
        }
    }
}
