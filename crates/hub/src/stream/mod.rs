//! A live stream: publisher slot, state, and the way of a message into the ring.

use std::time::{Duration, Instant};

use bongsu_flv::{Codec, Features};
use bytes::Bytes;

use self::{tracks::Tracks, video::Video};
use crate::{
    Frame, Identity, Kind, Refused, Takeover,
    headers::Headers,
    limits::TAKEOVER_SILENCE,
    position::PerKind,
    ring::{self, Ring},
    timeline::Timeline,
};

mod ingest;
mod outlook;
mod read;
mod seam;
mod tracks;
mod video;

pub use outlook::{Outlook, Prospect};
pub(crate) use read::Settled;

/// What an app settles for its streams.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long players and pushes are kept after a publisher was lost; zero ends the stream at once.
    pub hold: Duration,
    /// When a second publisher replaces the first.
    pub takeover: Takeover,
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has published yet; players may be parked.
    Idle,
    /// A publisher has the slot.
    Live,
    /// The publisher was lost; players and pushes stay until it returns or the hold time is over.
    Holding {
        /// When it was lost.
        since: Instant,
    },
    /// Over for good. A new publication is a new `LiveStream`.
    Ended,
}

/// One publisher session on a stream. Never used twice by a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublisherId(u64);

/// A publisher got the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its id, for [`LiveStream::push`] and [`LiveStream::unpublish`].
    pub publisher: PublisherId,
    /// Who had the slot until now: tell it `NetStream.Publish.BadName` and close it. Its pushes no longer count.
    pub replaced: Option<PublisherId>,
    /// Whether the stream was held, or taken over, so that its timeline goes on.
    pub resumed: bool,
}

/// How a publisher left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpublish {
    /// With `FCUnpublish`, `deleteStream` or `closeStream`: the stream ends at once.
    Clean,
    /// By close, error or silence: the stream is held.
    Lost,
}

/// What became of a pushed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It is in the ring: tell the [`crate::Schedule`] and wake the cursors.
    Queued,
    /// It goes nowhere. Counted.
    Dropped(Dropped),
}

/// Why a message goes nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Its publisher does not have the slot.
    NotPublishing,
    /// Cut short or impossible.
    Malformed,
    /// A video message without a byte.
    Empty,
    /// A header that is already in force.
    Repeated,
    /// Video before the first keyframe of its track.
    BeforeKeyframe,
}

/// A track that was seen from the current publisher, or the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Track {
    /// Audio or video.
    pub kind: Kind,
    /// Track id, 0 without one; 63 stands for all above 62.
    pub id: u8,
    /// Its codec.
    pub codec: Codec,
}

/// Counters of a stream over its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamStats {
    /// Messages that a publisher pushed, dropped ones as well.
    pub messages: u64,
    /// Bytes of payload it pushed.
    pub bytes: u64,
    /// Audio messages in the ring so far.
    pub audio: u64,
    /// Video messages in the ring so far.
    pub video: u64,
    /// Keyframes of the default track among them.
    pub keyframes: u64,
    /// Length of the last whole group of pictures in milliseconds.
    pub gop_ms: u64,
    /// Malformed messages, not passed on.
    pub malformed: u64,
    /// Repeated headers, not passed on.
    pub repeated: u64,
    /// Video messages before the first keyframe, not passed on.
    pub before_keyframe: u64,
    /// Headers too large, or too many, to be kept for joining players.
    pub headers_not_kept: u64,
    /// Frames whose time was behind the last one of their track and was held.
    pub times_held: u64,
    /// Changes of the time base within a session.
    pub discontinuities: u64,
    /// Times the ring gave up a group of pictures because it exceeded its limits.
    pub ring_overflows: u64,
}

/// Who has the publisher slot.
#[derive(Debug)]
struct Slot {
    publisher: PublisherId,
    identity: Identity,
    /// When it sent audio or video last, or got the slot.
    media_at: Instant,
}

/// The beginning of a publisher's session in the ring.
#[derive(Debug, Clone, Copy, Default)]
struct SessionStart {
    at: u64,
    version: u64,
}

/// A live stream: one publisher at a time, a timeline of its own, and what its readers need.
///
/// Contract: call [`LiveStream::handle_timeout`] when [`LiveStream::poll_timeout`] is due; after a push that was
/// queued wake the cursors and tell the [`crate::Schedule`] of the [`crate::Fanout`], of which a stream has one.
/// The states are drawn in `LIFECYCLE.md` beside this crate's sources.
#[derive(Debug)]
pub struct LiveStream {
    config: Config,
    state: State,
    slot: Option<Slot>,
    publishers: u64,
    timeline: Timeline,
    ring: Ring<Frame>,
    headers: Headers,
    /// First entry for which the header store holds what it needs, as far as is known: behind the last header, or
    /// behind what a publisher before sent.
    header_end: PerKind<u64>,
    /// Number of the entry before which a video track last lost its claim to have had a keyframe.
    keyed_end: u64,
    /// First entry that the headers in force belong to.
    floor: u64,
    /// Where the session of the current publisher begins: its first entry, and the version of the header store before
    /// its first header.
    session: SessionStart,
    /// Whether frames came since then.
    flows: bool,
    /// Bytes of payload in the ring so far.
    bytes: u64,
    video: Video,
    tracks: Tracks,
    /// What the messages of this session had, and those of the sessions before.
    features: Features,
    features_before: Features,
    stats: StreamStats,
}

impl LiveStream {
    /// A stream nobody has published to.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            state: State::Idle,
            slot: None,
            publishers: 0,
            timeline: Timeline::default(),
            ring: Ring::new(ring::Limits::default()),
            headers: Headers::default(),
            header_end: PerKind::default(),
            keyed_end: 0,
            floor: 0,
            session: SessionStart::default(),
            flows: false,
            bytes: 0,
            video: Video::default(),
            tracks: Tracks::default(),
            features: Features::NONE,
            features_before: Features::NONE,
            stats: StreamStats::default(),
        }
    }

    /// Changes what the app settles; a hold under way gets the new time.
    pub fn set_config(&mut self, config: Config) {
        self.config = config;
    }

    /// Gives the slot to a publisher, by the takeover policy when it is taken.
    ///
    /// # Errors
    ///
    /// [`Refused::Busy`] when the policy keeps the publisher there is, [`Refused::Ended`] after the end.
    pub fn publish(&mut self, now: Instant, identity: Identity) -> Result<Published, Refused> {
        if self.state == State::Ended {
            return Err(Refused::Ended);
        }
        if let Some(slot) = &self.slot {
            let silence = now.saturating_duration_since(slot.media_at);
            let silent = silence >= TAKEOVER_SILENCE;
            if !self
                .config
                .takeover
                .allows(&slot.identity, &identity, silent)
            {
                return Err(Refused::Busy);
            }
        }
        let publisher = PublisherId(self.publishers);
        self.publishers += 1;
        let resumed = self.state != State::Idle;
        let replaced = self.slot.replace(Slot {
            publisher,
            identity,
            media_at: now,
        });
        self.state = State::Live;
        self.begin_session();
        self.check_in_debug();
        Ok(Published {
            publisher,
            replaced: replaced.map(|slot| slot.publisher),
            resumed,
        })
    }

    /// What was sent by another publisher is no place to start any more. Readers on their way get the rest of it, then
    /// the new publisher's headers, then its keyframe. [WIRE 169]
    fn begin_session(&mut self) {
        self.timeline.begin_session();
        self.headers.clear();
        self.header_end = PerKind::all(self.ring.head());
        self.video = Video::default();
        self.tracks.begin_session();
        self.features_before = self.features_before | self.features;
        self.features = Features::NONE;
        self.keyed_end = self.ring.head();
        self.session = SessionStart {
            at: self.ring.head(),
            version: self.headers.version(),
        };
        self.cut();
    }

    /// Nobody can start with what the ring holds: what follows needs other headers.
    fn cut(&mut self) {
        self.ring.clear_gops();
        self.floor = self.ring.head();
        self.flows = false;
    }

    /// The publisher took its metadata back: joining players get none.
    pub fn clear_metadata(&mut self, publisher: PublisherId) {
        if self.publisher() == Some(publisher) {
            self.headers.clear_metadata();
            self.header_end.set(Kind::Data, self.ring.head());
        }
    }

    /// The publisher left. Ignored when it does not have the slot, as after a takeover. Gives the state after it.
    pub fn unpublish(&mut self, now: Instant, publisher: PublisherId, how: Unpublish) -> State {
        if self.publisher() == Some(publisher) {
            self.slot = None;
            self.state = if how == Unpublish::Clean || self.config.hold.is_zero() {
                State::Ended
            } else {
                State::Holding { since: now }
            };
            self.check_in_debug();
        }
        self.state
    }

    /// Ends a hold that is over. Call it when [`LiveStream::poll_timeout`] is due; then look at the state.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.state = State::Ended;
        }
        self.check_in_debug();
    }

    /// When [`LiveStream::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Holding { since } => Some(since + self.config.hold),
            _ => None,
        }
    }

    /// Where the stream stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Who has the slot.
    #[must_use]
    pub fn publisher(&self) -> Option<PublisherId> {
        self.slot.as_ref().map(|slot| slot.publisher)
    }

    /// Whether a player may start: somebody publishes, or the stream is held. Otherwise park it or refuse it.
    #[must_use]
    pub const fn is_playable(&self) -> bool {
        matches!(self.state, State::Live | State::Holding { .. })
    }

    /// The last metadata (the body of `onMetaData`), for a held push that repeats it.
    #[must_use]
    pub fn metadata(&self) -> Option<&Bytes> {
        self.headers.metadata()
    }

    /// The tracks seen from the current publisher, or the last one.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        self.tracks.list()
    }

    /// Rises when a track changes its codec, or when a publisher that followed another brings a new track. A push
    /// compares it with the value at its start and may reconnect.
    #[must_use]
    pub const fn codec_changes(&self) -> u64 {
        self.tracks.changes()
    }

    /// Counters.
    #[must_use]
    pub const fn stats(&self) -> StreamStats {
        StreamStats {
            times_held: self.timeline.held(),
            discontinuities: self.timeline.discontinuities(),
            ring_overflows: self.ring.overflows(),
            ..self.stats
        }
    }

    /// Memory the ring pins, in bytes: payloads and images, at most [`crate::limits::RING_BYTES_MAX`] unless a single
    /// frame exceeds it.
    #[must_use]
    pub const fn ring_bytes(&self) -> usize {
        self.ring.bytes()
    }

    /// Panics when the stream is not what it promises to be. It looks at every frame in the ring; debug builds do so
    /// on every 64th message and at each change of the state.
    pub fn check_invariants(&self) {
        assert_eq!(
            self.slot.is_some(),
            self.state == State::Live,
            "a publisher makes it live"
        );
        assert!(
            self.floor <= self.ring.head(),
            "headers belong to entries there are"
        );
        assert!(
            self.ring.newest_gop().is_none_or(|gop| gop >= self.floor),
            "a place to start needs the headers in force"
        );
        self.timeline.check_invariants();
        self.headers.check_invariants();
        self.ring.check_invariants();
        self.tracks.check_invariants();
        self.video.check_invariants();
    }

    fn check_in_debug(&self) {
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
    }
}

#[cfg(test)]
mod tests;
