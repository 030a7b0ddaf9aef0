//! What a client session raises.

use std::fmt;

use bytes::Bytes;

use super::Redirect;
use crate::message::{MediaKind, MessageStreamId};
use crate::session::Capabilities;
use crate::text::Text;

/// What happened on a connection to a server. `Debug` shows sizes instead of payloads.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The next step of the way to the stream has begun.
    Stepped(Step),
    /// The server accepted: send media, or wait for it.
    Started {
        /// The message stream that carries it.
        stream: MessageStreamId,
        /// What the server said of Enhanced RTMP.
        capabilities: Capabilities,
    },
    /// The server said no, or nothing in time. The last event of this session.
    Refused(Refusal),
    /// A message of the stream that is played; aggregates are split. [WIRE 191]
    Media {
        /// Audio, video or data (from the event name on).
        kind: MediaKind,
        /// Milliseconds on the server's clock, modulo 2^32.
        timestamp: u32,
        /// The body.
        payload: Bytes,
    },
    /// The stream ended after it had started. The last event of this session.
    Ended {
        /// The status code, `StreamEOF`, or `close`.
        code: Text,
        /// The server's words; empty when it has none.
        description: Text,
        /// True when it is an error and no orderly end. [WIRE 186]
        is_error: bool,
        /// Where the server sends us instead, when it does.
        redirect: Option<Redirect>,
    },
    /// The server asks for a new connection; `None` means the same URL. [E-RTMP v2: Reconnect Request]
    ReconnectRequested {
        /// Where to, absolute or relative.
        tc_url: Option<Text>,
    },
}

/// The steps from a connection to a stream, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// C0 and C1 are sent.
    Handshaking,
    /// `connect` is sent.
    Connecting,
    /// `createStream` is sent.
    CreatingStream,
    /// `publish` or `play` is sent.
    Requesting,
    /// Media flows.
    Started,
    /// Over.
    Stopped,
}

/// Why there is no stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// At which step.
    pub step: Step,
    /// The status code; empty when the server said nothing in time or gave none.
    pub code: Text,
    /// The server's words; empty when it has none. They may hold what we sent: do not log them unmasked.
    pub description: Text,
    /// Where the server sends us instead, when it does.
    pub redirect: Option<Redirect>,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stepped(step) => write!(f, "Stepped({step:?})"),
            Self::Started { stream, .. } => write!(f, "Started(stream {})", stream.0),
            Self::Refused(refusal) => write!(f, "Refused({refusal:?})"),
            Self::Media {
                kind,
                timestamp,
                payload,
            } => {
                write!(
                    f,
                    "Media({kind:?}, {timestamp} ms, {} bytes)",
                    payload.len()
                )
            }
            Self::Ended { code, is_error, .. } => {
                write!(f, "Ended({}, error: {is_error})", code.to_str_lossy())
            }
            Self::ReconnectRequested { .. } => f.write_str("ReconnectRequested"),
        }
    }
}
