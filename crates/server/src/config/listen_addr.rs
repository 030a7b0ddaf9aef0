//! An address to listen on, with the place where it was configured.

use std::fmt;
use std::net::SocketAddr;

use super::Origin;

/// An IP address and port to listen on. Compares by address alone.
#[derive(Debug, Clone)]
pub struct ListenAddr {
    addr: SocketAddr,
    origin: Origin,
}

impl ListenAddr {
    /// An address from a place.
    #[must_use]
    pub const fn new(addr: SocketAddr, origin: Origin) -> Self {
        Self { addr, origin }
    }

    /// A built-in default.
    #[must_use]
    pub const fn preset(addr: SocketAddr) -> Self {
        Self::new(addr, Origin::Default)
    }

    /// Address and port; port 0 lets the system choose.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it was configured, for errors of the listener.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// True when nobody configured it: then a listener may fall back to another address.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        matches!(self.origin, Origin::Default)
    }
}

impl PartialEq for ListenAddr {
    fn eq(&self, other: &Self) -> bool {
        self.addr == other.addr
    }
}

impl Eq for ListenAddr {}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(f)
    }
}
