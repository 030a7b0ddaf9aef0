//! Why a session cannot go on, split by who is to blame.

use crate::amf0::AmfError;
use crate::chunk::ChunkError;
use crate::handshake::{Foreign, HandshakeError};
use crate::limits::{Limit, LimitExceeded};
use crate::message::MessageError;
use crate::status::Code;

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
    /// A peer that was never let in as a publisher went past a limit: nothing that an operator has to act on.
    #[error(transparent)]
    StrangerExceeded(LimitExceeded),
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
#[non_exhaustive]
pub struct Handling {
    /// Who is to blame.
    pub blame: Blame,
    /// Whether the connection has to close; no session error leaves one usable.
    pub close: bool,
    /// How loud to log it.
    pub log: LogLevel,
    /// What a server tells the peer before it closes; `None` where the peer would not read or understand it.
    pub status: Option<Code>,
    /// A stable label in snake case, for metrics and close reasons.
    pub label: &'static str,
}

impl SessionError {
    /// Blame, close decision, log level, status for the peer and metric label in one.
    #[must_use]
    pub const fn handling(&self) -> Handling {
        let (blame, log, status, label) = match self {
            Self::PeerMisbehaved(fault) => {
                (Blame::Peer, LogLevel::Info, fault.status(), fault.label())
            }
            Self::LimitExceeded(LimitExceeded { limit, .. }) => (
                Blame::Limit,
                LogLevel::Warn,
                status_of(*limit),
                limit.as_str(),
            ),
            Self::StrangerExceeded(LimitExceeded { limit, .. }) => (
                Blame::Peer,
                LogLevel::Info,
                status_of(*limit),
                limit.as_str(),
            ),
            Self::ApiMisuse(misuse) => (Blame::Caller, LogLevel::Error, None, misuse.label()),
        };
        Handling {
            blame,
            close: true,
            log,
            status,
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
            Self::LimitExceeded(exceeded) | Self::StrangerExceeded(exceeded) => {
                Some(exceeded.limit)
            }
            _ => None,
        }
    }
}

/// Limits of commands fail the command, others the stream. Who does not read its replies reads no status.
const fn status_of(limit: Limit) -> Option<Code> {
    match limit {
        Limit::UnsentBytes => None,
        Limit::Commands | Limit::AmfDepth | Limit::AmfValues | Limit::MessageStreams => {
            Some(Code::CallFailed)
        }
        _ => Some(Code::StreamFailed),
    }
}

impl PeerMisbehaved {
    /// The status of a command that failed; after a broken chunk nobody knows what the peer makes of ours.
    const fn status(&self) -> Option<Code> {
        match self {
            Self::Message(MessageError::Command(_))
            | Self::CommandBeforeConnect
            | Self::SecondConnect => Some(Code::CallFailed),
            Self::Message(_) | Self::Handshake(_) | Self::Chunk(_) | Self::NoStreamId => None,
        }
    }

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

    fn assert_handled(
        error: SessionError,
        (blame, log): (Blame, LogLevel),
        status: Option<Code>,
        label: &'static str,
    ) {
        let expected = Handling {
            blame,
            close: true,
            log,
            status,
            label,
        };
        assert_eq!(error.handling(), expected);
    }

    #[test]
    fn a_limit_is_worth_a_warning_only_where_the_peer_was_let_in() {
        let (call, stream) = (Some(Code::CallFailed), Some(Code::StreamFailed));
        for (limit, status, label) in [
            (Limit::AmfDepth, call, "amf_depth"),
            (Limit::Commands, call, "commands"),
            (Limit::MediaBytes, stream, "media_bytes"),
            (Limit::UnsentBytes, None, "unsent_bytes"),
        ] {
            let exceeded = LimitExceeded {
                limit,
                ..exceeded()
            };
            let authorised = SessionError::LimitExceeded(exceeded);
            assert_handled(authorised, (Blame::Limit, LogLevel::Warn), status, label);
            let stranger = SessionError::StrangerExceeded(exceeded);
            assert_handled(stranger, (Blame::Peer, LogLevel::Info), status, label);
            assert_eq!(stranger.limit(), Some(limit));
        }
    }

    #[test]
    fn every_fault_says_who_is_to_blame_how_loudly_and_what_the_peer_hears() {
        let peer = (Blame::Peer, LogLevel::Info);
        let tls = HandshakeError::NotRtmp(Foreign::Tls).into();
        assert_handled(tls, peer, None, "not_rtmp_tls");
        let size = ChunkError::ChunkSize(0).into();
        assert_handled(size, peer, None, "bad_chunk");
        let short = MessageError::ShortControl { id: 5, len: 3 }.into();
        assert_handled(short, peer, None, "bad_message");
        let unreadable = MessageError::Command(AmfError::NotAString).into();
        assert_handled(unreadable, peer, Some(Code::CallFailed), "bad_message");
        let second = PeerMisbehaved::SecondConnect.into();
        assert_handled(second, peer, Some(Code::CallFailed), "second_connect");
        let caller = (Blame::Caller, LogLevel::Error);
        let misuse = ApiMisuse::UnwantedBytes.into();
        assert_handled(misuse, caller, None, "unwanted_bytes");
    }
}
