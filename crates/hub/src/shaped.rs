//! What a receiver gets of a message, by its shape.

use bongsu_flv::{Reshaped, Shape, reshape};
use bytes::Bytes;

use crate::{Frame, Kind};

/// What a receiver gets of a frame: its own payload, shared, where nothing changes. `None`: nothing.
pub(crate) fn frame(frame: &Frame, shape: Shape) -> Option<Bytes> {
    if shape.changes(frame.features) {
        payload(frame.kind, &frame.payload, shape)
    } else {
        Some(frame.payload.clone())
    }
}

/// What a receiver gets of a payload; as [`frame`].
pub(crate) fn payload(kind: Kind, payload: &Bytes, shape: Shape) -> Option<Bytes> {
    match reshape(kind, payload, shape) {
        Reshaped::Same => Some(payload.clone()),
        Reshaped::Changed(changed) => Some(changed.to_bytes(payload)),
        Reshaped::Dropped(_) => None,
    }
}
