//! What a server session raises.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::ConnectInfo;
use crate::message::{MediaKind, MessageStreamId};
use crate::status::Code;
use crate::url::Resolved;

/// Names one request of one session; counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub(super) u32);

/// What happened on a connection.
///
/// `Debug` shows sizes instead of payloads, and no names or keys.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A client asks for an app. The session takes no more bytes until it is decided.
    ConnectRequested {
        /// Answer with this.
        request: RequestId,
        /// What it said of itself.
        connect: Arc<ConnectInfo>,
    },
    /// A client asks to publish.
    PublishRequested {
        /// Answer with this.
        request: RequestId,
        /// The message stream that it will publish on.
        stream: MessageStreamId,
        /// Which stream, with its parameters.
        target: Box<Resolved>,
        /// What it wants done; a relay treats all as live.
        mode: PublishMode,
    },
    /// A client asks to play.
    PlayRequested {
        /// Answer with this.
        request: RequestId,
        /// The message stream that it wants media on.
        stream: MessageStreamId,
        /// Which stream, with its parameters.
        target: Box<Resolved>,
    },
    /// The client gave up a request that is not decided yet; a decision is no longer needed.
    RequestWithdrawn {
        /// The request.
        request: RequestId,
    },
    /// A message of a publisher.
    Media {
        /// The stream that publishes.
        stream: MessageStreamId,
        /// Audio, video or data.
        kind: MediaKind,
        /// Milliseconds on the publisher's clock, modulo 2^32.
        timestamp: u32,
        /// The body; data is AMF0 from the event name on, without `@setDataFrame`.
        payload: Bytes,
    },
    /// `@clearDataFrame`: forget the stored metadata.
    MetadataCleared {
        /// The stream that publishes.
        stream: MessageStreamId,
    },
    /// A publish ended in order; raised exactly once for it. A connection that just ends raises nothing.
    PublishEnded {
        /// The stream that published.
        stream: MessageStreamId,
        /// How the encoder said so.
        how: Unpublished,
    },
    /// A publisher was silent for too long and has been told so; other streams of its connection go on. Without
    /// others the connection closes, see [`CloseCause::PublishIdle`]. [WIRE 124]
    PublishLost {
        /// The stream that published.
        stream: MessageStreamId,
    },
    /// A play ended by the player's wish, or makes room for another one on its stream.
    PlayEnded {
        /// The stream that played.
        stream: MessageStreamId,
    },
    /// A player pauses or goes on; video resumes at a keyframe. [WIRE 130]
    PauseRequested {
        /// The stream that plays.
        stream: MessageStreamId,
        /// True to pause.
        paused: bool,
    },
    /// A player turns audio off or on. [WIRE 130]
    ReceiveAudio {
        /// The stream that plays.
        stream: MessageStreamId,
        /// False to send none.
        enabled: bool,
    },
    /// A player turns video off or on; it resumes at a keyframe. [WIRE 130]
    ReceiveVideo {
        /// The stream that plays.
        stream: MessageStreamId,
        /// False to send none.
        enabled: bool,
    },
    /// The last event: send what is left, then close. Streams that were in use are lost without further events.
    Closing {
        /// Why.
        cause: CloseCause,
    },
}

impl Event {
    /// The request that the caller has to decide; `None` for an event that only tells.
    #[must_use]
    pub const fn request(&self) -> Option<RequestId> {
        match self {
            Self::ConnectRequested { request, .. }
            | Self::PublishRequested { request, .. }
            | Self::PlayRequested { request, .. } => Some(*request),
            _ => None,
        }
    }
}

/// The type argument of `publish`; anything unknown is live. [WIRE 115]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PublishMode {
    /// Not to be recorded.
    #[default]
    Live,
    /// To be recorded anew.
    Record,
    /// To be added to a recording.
    Append,
}

/// The command that ended a publish. [WIRE 121]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unpublished {
    /// `FCUnpublish`.
    FcUnpublish,
    /// `deleteStream`.
    DeleteStream,
    /// `closeStream`.
    CloseStream,
}

/// How a play ends from our side.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlayEnd {
    /// The stream ended: `NetStream.Play.UnpublishNotify` and StreamEOF. [WIRE 129]
    Unpublished,
    /// Another end, for instance `NetStream.Play.StreamNotFound` or `NetStream.Play.Failed`.
    Status(crate::status::Status),
}

/// Why a session closes in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseCause {
    /// The handshake took too long. [WIRE 005]
    HandshakeTimeout,
    /// No publish or play was asked for in time. [WIRE 214]
    RequestTimeout,
    /// The publisher sent no media for too long. [WIRE 124]
    PublishIdle,
    /// A request was refused with this code, and no other stream was in use.
    Refused(Code),
    /// The caller ended the last publish or play with this code.
    Ended(Code),
    /// The peer sent the command `close`.
    PeerClosed,
}

impl CloseCause {
    /// A stable label in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandshakeTimeout => "handshake_timeout",
            Self::RequestTimeout => "request_timeout",
            Self::PublishIdle => "publish_idle",
            Self::Refused(_) => "refused",
            Self::Ended(_) => "ended",
            Self::PeerClosed => "peer_closed",
        }
    }
}

impl fmt::Display for CloseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HandshakeTimeout => f.write_str("the handshake was not finished in time"),
            Self::RequestTimeout => f.write_str("no publish or play was asked for in time"),
            Self::PublishIdle => f.write_str("the publisher sent no media for too long"),
            Self::Refused(code) => write!(f, "refused with {}", code.as_str()),
            Self::Ended(code) => write!(f, "ended with {}", code.as_str()),
            Self::PeerClosed => f.write_str("the peer said close"),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectRequested { request, .. } => write!(f, "ConnectRequested({})", request.0),
            Self::PublishRequested {
                request,
                stream,
                mode,
                ..
            } => {
                write!(
                    f,
                    "PublishRequested({}, stream {}, {mode:?})",
                    request.0, stream.0
                )
            }
            Self::PlayRequested {
                request, stream, ..
            } => {
                write!(f, "PlayRequested({}, stream {})", request.0, stream.0)
            }
            Self::RequestWithdrawn { request } => write!(f, "RequestWithdrawn({})", request.0),
            Self::Media {
                stream,
                kind,
                timestamp,
                payload,
            } => {
                let len = payload.len();
                write!(
                    f,
                    "Media(stream {}, {kind:?}, {timestamp} ms, {len} bytes)",
                    stream.0
                )
            }
            Self::MetadataCleared { stream } => write!(f, "MetadataCleared(stream {})", stream.0),
            Self::PublishEnded { stream, how } => {
                write!(f, "PublishEnded(stream {}, {how:?})", stream.0)
            }
            Self::PublishLost { stream } => write!(f, "PublishLost(stream {})", stream.0),
            Self::PlayEnded { stream } => write!(f, "PlayEnded(stream {})", stream.0),
            Self::PauseRequested { stream, paused } => {
                write!(f, "PauseRequested(stream {}, {paused})", stream.0)
            }
            Self::ReceiveAudio { stream, enabled } => {
                write!(f, "ReceiveAudio(stream {}, {enabled})", stream.0)
            }
            Self::ReceiveVideo { stream, enabled } => {
                write!(f, "ReceiveVideo(stream {}, {enabled})", stream.0)
            }
            Self::Closing { cause } => write!(f, "Closing({cause:?})"),
        }
    }
}
