//! What a message stream of a connection is used for.
//!
//! ```text
//!   createStream, or the first publish or play on an id that nobody created
//!    |
//!    v
//!  Idle <------------------------------------------------------+
//!    |                                                         |
//!    +- publish -> PublishPending - accept -> Publishing ------+  FCUnpublish, closeStream, end_publish, silence
//!    |                                                         |
//!    +- play ----> PlayPending ---- accept -> Playing ---------+  closeStream, end_play, another play
//!
//!   deleteStream removes the stream in every state. A refusal, and an end from our side, lead to Idle when another
//!   stream of the connection is in use; otherwise they close the connection.
//! ```
//!
//! What every state does with every event is in `tests/tables/server_stream.txt`.

use std::time::{Duration, Instant};

use super::RequestId;
use crate::text::Text;

/// The states, each with what is valid in it only.
#[derive(Debug, Default)]
pub(super) enum StreamState {
    /// Free for one publish or play.
    #[default]
    Idle,
    /// The caller has to decide about a publish.
    PublishPending { request: RequestId, name: Text },
    /// A publisher sends media.
    Publishing {
        /// As `publish` said it, to find the stream that `FCUnpublish` means.
        name: Text,
        /// When the last complete audio, video or data message came, at first when it was accepted.
        last_media: Instant,
        /// How long it may be silent.
        idle: Option<Duration>,
    },
    /// The caller has to decide about a play.
    PlayPending { request: RequestId, wishes: Wishes },
    /// A player gets media.
    Playing,
}

/// What a player asked for before its play was decided; raised once it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) audio: bool,
    pub(super) video: bool,
    pub(super) paused: bool,
}

impl Wishes {
    /// All media, at once.
    pub(super) const ALL: Self = Self {
        audio: true,
        video: true,
        paused: false,
    };
}

/// The stream is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InUse;

/// What an accepted request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accepted {
    Publish,
    Play(Wishes),
}

/// What an end was the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nobody used the stream.
    Nothing,
    /// A request that was not decided yet.
    Request(RequestId),
    Publish,
    Play,
}

impl StreamState {
    /// The caller was asked about a publish.
    pub(super) fn on_publish(&mut self, request: RequestId, name: Text) -> Result<(), InUse> {
        self.leave_idle(Self::PublishPending { request, name })
    }

    /// The caller was asked about a play.
    pub(super) fn on_play(&mut self, request: RequestId) -> Result<(), InUse> {
        self.leave_idle(Self::PlayPending {
            request,
            wishes: Wishes::ALL,
        })
    }

    /// The caller accepts; `None` when another request is meant.
    pub(super) fn on_accept(
        &mut self,
        accepted: RequestId,
        now: Instant,
        idle: Option<Duration>,
    ) -> Option<Accepted> {
        match self {
            Self::PublishPending { request, name } if *request == accepted => {
                let name = std::mem::take(name);
                *self = Self::Publishing {
                    name,
                    last_media: now,
                    idle,
                };
                Some(Accepted::Publish)
            }
            Self::PlayPending { request, wishes } if *request == accepted => {
                let wishes = *wishes;
                *self = Self::Playing;
                Some(Accepted::Play(wishes))
            }
            _ => None,
        }
    }

    /// A media message came whole; false when the stream does not publish.
    pub(super) const fn on_media(&mut self, now: Instant) -> bool {
        match self {
            Self::Publishing { last_media, .. } => {
                *last_media = now;
                true
            }
            _ => false,
        }
    }

    /// Either side ends what the stream is used for.
    pub(super) fn on_end(&mut self) -> Ended {
        match std::mem::take(self) {
            Self::Idle => Ended::Nothing,
            Self::PublishPending { request, .. } | Self::PlayPending { request, .. } => {
                Ended::Request(request)
            }
            Self::Publishing { .. } => Ended::Publish,
            Self::Playing => Ended::Play,
        }
    }

    /// The request that is not decided yet.
    pub(super) const fn request(&self) -> Option<RequestId> {
        match self {
            Self::PublishPending { request, .. } | Self::PlayPending { request, .. } => {
                Some(*request)
            }
            Self::Idle | Self::Publishing { .. } | Self::Playing => None,
        }
    }

    /// The name of a publish, decided or not.
    pub(super) const fn publish_name(&self) -> Option<&Text> {
        match self {
            Self::PublishPending { name, .. } | Self::Publishing { name, .. } => Some(name),
            Self::Idle | Self::PlayPending { .. } | Self::Playing => None,
        }
    }

    pub(super) const fn is_publishing(&self) -> bool {
        matches!(self, Self::Publishing { .. })
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    /// The name of the state.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::PublishPending { .. } => "PublishPending",
            Self::Publishing { .. } => "Publishing",
            Self::PlayPending { .. } => "PlayPending",
            Self::Playing => "Playing",
        }
    }

    fn leave_idle(&mut self, next: Self) -> Result<(), InUse> {
        if !self.is_idle() {
            return Err(InUse);
        }
        *self = next;
        Ok(())
    }
}
