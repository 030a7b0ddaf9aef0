//! `[apps.<name>]`: who may publish, what happens when a publisher leaves, where its streams go.

use std::time::Duration;

use bongsu_hub::{Merge, Takeover};

use super::{Secret, UrlTemplate, limits};

/// Settings of an app: of `rtmp://host/<app>/<name>` for all names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Who may publish.
    pub publish: PublishPolicy,
    /// The stream keys. With [`PublishPolicy::Key`] and none here, the key of the first start counts.
    pub keys: Vec<StreamKey>,
    /// When a second publisher of a name replaces the first.
    pub takeover: Takeover,
    /// How long players and destinations are kept while the publisher is away.
    pub hold: Duration,
    /// How long a player waits for a stream that does not exist yet; zero answers at once.
    pub play_wait: Duration,
    /// How long a publisher may send no complete audio, video or data message.
    pub publish_idle: Duration,
    /// Latency or throughput.
    pub mode: Mode,
    /// A fixed time between passes over the players, in place of the mode's rule.
    pub merge: Option<Duration>,
    /// What players get that say nothing of what they can read.
    pub compat: Compat,
    /// How H.265 is named towards players.
    pub hevc: Hevc,
    /// Destinations; names differ.
    pub push: Vec<Push>,
}

impl App {
    /// The rule by which frames are merged into passes.
    #[must_use]
    pub fn merge_rule(&self) -> Merge {
        match (self.merge, self.mode) {
            (Some(window), _) => Merge::Fixed(window),
            (None, Mode::LowLatency) => Merge::LowLatency,
            (None, Mode::Default) => Merge::Default,
            (None, Mode::Throughput) => Merge::Throughput,
        }
    }

    /// True when publishers need a key and none is configured: the key of the first start is theirs.
    #[must_use]
    pub fn needs_first_key(&self) -> bool {
        self.publish == PublishPolicy::Key && self.keys.is_empty()
    }
}

impl Default for App {
    fn default() -> Self {
        Self {
            publish: PublishPolicy::Key,
            keys: Vec::new(),
            takeover: Takeover::SameKey,
            hold: limits::HOLD,
            play_wait: limits::PLAY_WAIT,
            publish_idle: limits::PUBLISH_IDLE,
            mode: Mode::Default,
            merge: None,
            compat: Compat::Forward,
            hevc: Hevc::AsSent,
            push: Vec::new(),
        }
    }
}

/// Who may publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishPolicy {
    /// Who has a key.
    Key,
    /// Everybody.
    Open,
}

/// A stream key and the stream that it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamKey {
    /// The public stream name; `None` (`"*"` in the file) is any name.
    pub name: Option<String>,
    /// The key itself.
    pub key: Secret,
}

/// What the fan-out favours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Video goes out at once.
    LowLatency,
    /// Small audiences get every frame at once, large ones within 90 ms.
    Default,
    /// Fewer and larger sends, within 340 ms.
    Throughput,
}

/// A destination that gets every stream of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Its name within the app.
    pub name: String,
    /// Where to, with placeholders.
    pub url: UrlTemplate,
    /// What happens when a publisher comes back with another codec or other tracks.
    pub on_codec_change: CodecChange,
    /// Upper bound of the first pause before another attempt.
    pub retry_min: Duration,
    /// Upper bound of every pause before another attempt.
    pub retry_max: Duration,
    /// What it gets when it says nothing of what it can read.
    pub compat: Compat,
    /// How H.265 is named towards it.
    pub hevc: Hevc,
}

/// What a receiver gets that says nothing of what it can read. [WIRE 157]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compat {
    /// The stream as it is.
    Forward,
    /// What every reader of FLV from before Enhanced RTMP understands.
    Strict,
}

/// How H.265 is named, which has two forms on the wire. [WIRE 149]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hevc {
    /// As the publisher names it.
    AsSent,
    /// As in Enhanced RTMP.
    Hvc1,
    /// As codec id 12, which encoders and players had before Enhanced RTMP.
    Codec12,
}

/// What a push does when the codec or the set of tracks changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodecChange {
    /// It makes a new connection, because most services read the codec once.
    Reconnect,
    /// It goes on.
    Keep,
}
