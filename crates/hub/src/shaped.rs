//! What a receiver gets of a message, by its shape.

use bongsu_flv::{Reshaped, Shape, classify, reshape};
use bytes::Bytes;

use crate::{Frame, Kind, headers::Header};

/// What a receiver gets of a frame: its own payload, shared, where nothing changes. `None`: nothing.
pub(crate) fn frame(frame: &Frame, shape: Shape) -> Option<Bytes> {
    if shape.changes(frame.features) {
        payload(frame.kind, &frame.payload, shape)
    } else {
        Some(frame.payload.clone())
    }
}

/// What a receiver gets of a kept header, as [`frame`]. When it can take the default track alone and a later header has
/// replaced this one for it, that is nothing: the other one has what it needs.
pub(crate) fn header(header: &Header, shape: Shape) -> Option<Bytes> {
    let Header { kind, payload, .. } = header;
    match reshape(*kind, payload, shape) {
        Reshaped::Same => Some(payload.clone()),
        Reshaped::Changed(changed) => {
            let changed = changed.to_bytes(payload);
            let left = classify(*kind, &changed).tracks;
            left.intersects(header.tracks).then_some(changed)
        }
        Reshaped::Dropped(_) => None,
    }
}

fn payload(kind: Kind, payload: &Bytes, shape: Shape) -> Option<Bytes> {
    match reshape(kind, payload, shape) {
        Reshaped::Same => Some(payload.clone()),
        Reshaped::Changed(changed) => Some(changed.to_bytes(payload)),
        Reshaped::Dropped(_) => None,
    }
}
