//! What counts as one address.

use std::net::IpAddr;

/// An address, as far as limits tell addresses apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    V4(u32),
    /// The first 64 bits: what one customer gets at least.
    V6(u64),
    /// All that found no place in a table.
    Rest,
}

impl Key {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments().map(u64::from);
                Self::V6(a << 48 | b << 32 | c << 16 | d)
            }
        }
    }
}
