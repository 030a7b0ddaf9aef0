//! What a receiver gets of a message, by its shape.

use bongsu_flv::{Reshaped, Shape, classify, reshape, shape::Changed};
use bytes::Bytes;

use crate::{Frame, Kind, headers::Header};

/// What is left of a message for a receiver, without a copy of it.
#[derive(Debug, Clone)]
pub(crate) struct Shaped {
    payload: Bytes,
    changed: Option<Changed>,
}

impl Shaped {
    /// What a receiver gets of a frame. `None`: nothing.
    pub(crate) fn of(frame: &Frame, shape: Shape) -> Option<Self> {
        let payload = frame.payload.clone();
        if shape.changes(frame.features) {
            Self::new(frame.kind, payload, shape)
        } else {
            let changed = None;
            Some(Self { payload, changed })
        }
    }

    fn new(kind: Kind, payload: Bytes, shape: Shape) -> Option<Self> {
        let changed = match reshape(kind, &payload, shape) {
            Reshaped::Same => None,
            Reshaped::Changed(changed) => Some(changed),
            Reshaped::Dropped(_) => return None,
        };
        Some(Self { payload, changed })
    }

    /// Its bytes.
    pub(crate) fn pieces(&self) -> [&[u8]; 2] {
        match &self.changed {
            Some(changed) => [changed.header(), &self.payload[changed.body().clone()]],
            None => [&[], &self.payload],
        }
    }

    /// Its bytes in one piece: those of the message, shared, where nothing changes.
    pub(crate) fn to_bytes(&self) -> Bytes {
        match &self.changed {
            Some(changed) => changed.to_bytes(&self.payload),
            None => self.payload.clone(),
        }
    }
}

/// What a receiver gets of a kept header. When it can take the default track alone and a later header has replaced this
/// one for it, that is nothing: the other one has what it needs.
pub(crate) fn header(header: &Header, shape: Shape) -> Option<Bytes> {
    let shaped = Shaped::new(header.kind, header.payload.clone(), shape)?;
    let bytes = shaped.to_bytes();
    let in_force = shaped.changed.is_none()
        || classify(header.kind, &bytes)
            .tracks
            .intersects(header.tracks);
    in_force.then_some(bytes)
}
