//! Connections that we make: pushes to destinations.

pub(crate) mod push;
