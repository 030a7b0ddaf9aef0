//! Everything that was pushed, as the model knows it.

use std::{collections::HashMap, fmt};

use bongsu_flv::{Codec, Reshaped, reshape};
use bongsu_hub::{Kind, Shape};
use bytes::Bytes;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Header,
    Metadata,
    Key,
    Inter,
    Audio,
    Data,
    /// A command: for those who are there.
    Moment,
    /// A message without a byte, likewise.
    Silence,
}

/// What a publisher sent; its length says enough where a model fails.
#[derive(Clone)]
pub(crate) struct Payload(Bytes);

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) kind: Kind,
    pub(crate) track: u8,
    pub(crate) what: What,
    /// Its place among the queued ones.
    pub(crate) order: u64,
    /// The header of its track that was in force.
    pub(crate) header: Option<u64>,
    /// The frame of its track before it, for one that needs it.
    pub(crate) needs: Option<u64>,
    /// Whether it goes out without a keyframe.
    pub(crate) unmarked: bool,
    /// What the publisher sent, and the codec of its picture, if it has one.
    pub(crate) payload: Payload,
    pub(crate) video: Option<Codec>,
}

impl Sent {
    /// What a reader of this shape gets of it.
    pub(crate) fn shaped(&self, shape: Shape) -> Option<Bytes> {
        let Payload(payload) = &self.payload;
        match reshape(self.kind, payload, shape) {
            Reshaped::Same => Some(payload.clone()),
            Reshaped::Changed(changed) => Some(changed.to_bytes(payload)),
            Reshaped::Dropped(_) => None,
        }
    }

    /// Whether a reader of this shape gets nothing of it.
    pub(crate) fn is_dropped(&self, shape: Shape) -> bool {
        matches!(
            reshape(self.kind, &self.payload.0, shape),
            Reshaped::Dropped(_)
        )
    }

    /// Whether a reader of this shape can use the sound of its publisher alone.
    pub(crate) fn is_sound_alone(&self, shape: Shape) -> bool {
        self.video
            .is_some_and(|codec| !shape.takes(Kind::Video, codec, 0))
    }
}

/// A message to be noted.
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) kind: Kind,
    pub(crate) track: u8,
    pub(crate) what: What,
    pub(crate) unmarked: bool,
    pub(crate) payload: Bytes,
    pub(crate) video: Option<Codec>,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    sent: HashMap<u64, Sent>,
    /// Ids by order.
    pub(crate) queued: Vec<u64>,
    headers: HashMap<(Kind, u8), u64>,
    frames: HashMap<u8, u64>,
    /// Up to here readers may have started at any frame: there was no video to wait for.
    pub(crate) anywhere: u64,
    ids: u64,
}

impl Log {
    pub(crate) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(crate) fn get(&self, id: u64) -> &Sent {
        self.sent
            .get(&id)
            .unwrap_or_else(|| panic!("message {id} was never queued"))
    }

    pub(crate) fn at(&self, order: u64) -> (u64, &Sent) {
        let id = self.queued[usize::try_from(order).unwrap()];
        (id, self.get(id))
    }

    pub(crate) fn head(&self) -> u64 {
        self.queued.len() as u64
    }

    /// The metadata or header in force.
    pub(crate) fn header(&self, kind: Kind, track: u8) -> Option<u64> {
        self.headers.get(&(kind, track)).copied()
    }

    /// Another publisher.
    pub(crate) fn begin_session(&mut self) {
        self.headers.clear();
        self.frames.clear();
    }

    /// A message went into the ring.
    pub(crate) fn queue(&mut self, message: Message) {
        let Message {
            id,
            kind,
            track,
            what,
            unmarked,
            payload,
            video,
        } = message;
        let order = self.head();
        let header = self.header(kind, track);
        let needs = match what {
            What::Inter if !unmarked => self.frames.get(&track).copied(),
            _ => None,
        };
        match what {
            What::Header | What::Metadata => {
                self.headers.insert((kind, track), id);
            }
            What::Key | What::Inter => {
                self.frames.insert(track, id);
            }
            What::Audio | What::Data | What::Moment | What::Silence => {}
        }
        self.sent.insert(
            id,
            Sent {
                kind,
                track,
                what,
                order,
                header,
                needs,
                unmarked,
                payload: Payload(payload),
                video,
            },
        );
        self.queued.push(id);
    }
}
