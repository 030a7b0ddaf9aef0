//! Status codes of replies and `onStatus`, with their levels and the info object that carries them.

use std::borrow::Cow;

use crate::amf0::{Properties, Value};
use crate::message::Command;
use crate::text::Text;

/// How serious a status is. [RTMP 7.2.2]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// All is well.
    Status,
    /// Worth knowing.
    Warning,
    /// It failed; clients stop.
    Error,
}

impl Level {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $level:ident;)+) => {
        /// A status code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[doc = ""] #[doc = concat!("`", $text, "`")] $name,)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The level that belongs to it.
            #[must_use]
            pub const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)+ }
            }

            /// The code with this text, matched exactly.
            #[must_use]
            pub fn from_bytes(text: &[u8]) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str().as_bytes() == text)
            }
        }
    };
}

codes! {
    /// The connection is accepted; in the `_result` of `connect`.
    ConnectSuccess = "NetConnection.Connect.Success", Status;
    /// Something behind us cannot be reached.
    ConnectFailed = "NetConnection.Connect.Failed", Error;
    /// No permission, wrong credentials, or a redirect.
    ConnectRejected = "NetConnection.Connect.Rejected", Error;
    /// The app does not exist.
    ConnectInvalidApp = "NetConnection.Connect.InvalidApp", Error;
    /// The server or the app is going down.
    ConnectAppShutdown = "NetConnection.Connect.AppShutdown", Error;
    /// The connection ended in order.
    ConnectClosed = "NetConnection.Connect.Closed", Status;
    /// The connection was idle too long.
    ConnectIdleTimeOut = "NetConnection.Connect.IdleTimeOut", Status;
    /// The client's network changed.
    ConnectNetworkChange = "NetConnection.Connect.NetworkChange", Status;
    /// The client should open a new connection. [E-RTMP v2: Reconnect Request]
    ConnectReconnectRequest = "NetConnection.Connect.ReconnectRequest", Status;
    /// The method is not known or failed.
    CallFailed = "NetConnection.Call.Failed", Error;
    /// The AMF version is not supported.
    CallBadVersion = "NetConnection.Call.BadVersion", Error;
    /// The call is refused.
    CallProhibited = "NetConnection.Call.Prohibited", Error;
    /// A proxy does not answer.
    ProxyNotResponding = "NetConnection.Proxy.NotResponding", Error;
    /// The publish is accepted.
    PublishStart = "NetStream.Publish.Start", Status;
    /// The name is in use or not allowed.
    PublishBadName = "NetStream.Publish.BadName", Error;
    /// Publishing is not allowed.
    PublishDenied = "NetStream.Publish.Denied", Error;
    /// Publishing is refused.
    PublishRejected = "NetStream.Publish.Rejected", Error;
    /// Publishing needs other credentials.
    PublishUnauthorized = "NetStream.Publish.Unauthorized", Error;
    /// The publisher is silent.
    PublishIdle = "NetStream.Publish.Idle", Status;
    /// The publisher stopped.
    UnpublishSuccess = "NetStream.Unpublish.Success", Status;
    /// A recording began.
    RecordStart = "NetStream.Record.Start", Status;
    /// A recording ended.
    RecordStop = "NetStream.Record.Stop", Status;
    /// A recording may not be written.
    RecordNoAccess = "NetStream.Record.NoAccess", Error;
    /// A recording failed.
    RecordFailed = "NetStream.Record.Failed", Error;
    /// The play list was reset.
    PlayReset = "NetStream.Play.Reset", Status;
    /// Playback begins.
    PlayStart = "NetStream.Play.Start", Status;
    /// Playback ends.
    PlayStop = "NetStream.Play.Stop", Status;
    /// A recording was played to its end.
    PlayComplete = "NetStream.Play.Complete", Status;
    /// There is no such stream.
    PlayStreamNotFound = "NetStream.Play.StreamNotFound", Error;
    /// Playing failed.
    PlayFailed = "NetStream.Play.Failed", Error;
    /// A publisher appeared.
    PlayPublishNotify = "NetStream.Play.PublishNotify", Status;
    /// The publisher left.
    PlayUnpublishNotify = "NetStream.Play.UnpublishNotify", Status;
    /// The player is too slow.
    PlayInsufficientBw = "NetStream.Play.InsufficientBW", Warning;
    /// The recording is broken.
    PlayFileStructureInvalid = "NetStream.Play.FileStructureInvalid", Error;
    /// The recording has no track that can be played.
    PlayNoSupportedTrackFound = "NetStream.Play.NoSupportedTrackFound", Error;
    /// A switch of streams was accepted.
    PlayTransition = "NetStream.Play.Transition", Status;
    /// A switch of streams is done.
    PlayTransitionComplete = "NetStream.Play.TransitionComplete", Status;
    /// A switch of streams happens.
    PlaySwitch = "NetStream.Play.Switch", Status;
    /// Playback is paused.
    PauseNotify = "NetStream.Pause.Notify", Status;
    /// Playback goes on.
    UnpauseNotify = "NetStream.Unpause.Notify", Status;
    /// A seek happened.
    SeekNotify = "NetStream.Seek.Notify", Status;
    /// A seek failed.
    SeekFailed = "NetStream.Seek.Failed", Error;
    /// A seek went to a time that does not exist.
    SeekInvalidTime = "NetStream.Seek.InvalidTime", Error;
    /// Something else failed.
    StreamFailed = "NetStream.Failed", Error;
    /// Data begins; as a data message only. [WIRE 126]
    DataStart = "NetStream.Data.Start", Status;
    /// The client's buffer is empty; never on the wire.
    BufferEmpty = "NetStream.Buffer.Empty", Status;
    /// The client's buffer is full; never on the wire.
    BufferFull = "NetStream.Buffer.Full", Status;
    /// The client's buffer drains; never on the wire.
    BufferFlush = "NetStream.Buffer.Flush", Status;
}

/// A status to send: a code and a sentence for the person at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The code; it decides the level.
    pub code: Code,
    /// What encoders show. Never put a key or a path into it.
    pub description: Cow<'static, str>,
}

impl Status {
    /// A status.
    #[must_use]
    pub fn new(code: Code, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            description: description.into(),
        }
    }

    /// Level, code and description, in this order, ready for more. [WIRE 081]
    #[must_use]
    pub fn properties(&self) -> Properties {
        Properties::new()
            .with("level", self.code.level().as_str())
            .with("code", self.code.as_str())
            .with("description", self.description.as_ref())
    }

    /// The `onStatus` command of this status: transaction 0, null, info object. [WIRE 112]
    #[must_use]
    pub fn to_command(&self) -> Command {
        Command::new("onStatus", crate::message::TransactionId::NONE)
            .with_argument(self.properties())
    }
}

/// A status as a peer sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The code as text, for codes that we do not know.
    pub code_text: Text,
    /// The code, when we know it.
    pub code: Option<Code>,
    /// The level; a missing or unknown one is taken from the code, else it is [`Level::Status`].
    pub level: Level,
    /// The description; empty when it is missing.
    pub description: Text,
}

impl Received {
    /// Reads an info object; `None` when it has no code.
    #[must_use]
    pub fn from_info(info: &Value) -> Option<Self> {
        let code_text = info.get("code")?.as_text()?.clone();
        let code = Code::from_bytes(code_text.as_bytes());
        let level = match info
            .get("level")
            .and_then(Value::as_text)
            .map(Text::as_bytes)
        {
            Some(b"status") => Level::Status,
            Some(b"warning") => Level::Warning,
            Some(b"error") => Level::Error,
            _ => code.map_or(Level::Status, Code::level),
        };
        let description = info
            .get("description")
            .and_then(Value::as_text)
            .cloned()
            .unwrap_or_default();
        Some(Self {
            code_text,
            code,
            level,
            description,
        })
    }

    /// Reads the first argument of a command that is an info object with a code.
    #[must_use]
    pub fn from_command(command: &Command) -> Option<Self> {
        command.arguments.iter().find_map(Self::from_info)
    }
}
