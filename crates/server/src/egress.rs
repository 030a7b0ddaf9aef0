//! Where a stream may be sent that somebody else names: not to places that only this machine or its network can reach.
//!
//! What the file configures is the operator's word and goes anywhere but to ourselves. What a destination says (a
//! redirect, another place to reconnect to) goes only as near to this machine as that destination is itself: else a
//! stranger's server could make the relay call services behind the firewall. The **resolved** address is judged, right
//! before it is connected to, so that neither an odd spelling nor a name that changes its address gets around it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Anywhere in the world.
    Public,
    /// The network of an organisation, or of a provider's customers (100.64.0.0/10).
    Private,
    /// This link only.
    LinkLocal,
    /// This machine.
    Loopback,
    /// Where clouds keep the credentials of a machine.
    Metadata,
    /// Many at once.
    Multicast,
    /// Nobody: broadcast, or not given out.
    Reserved,
}

/// Addresses of the services that tell a machine of a cloud its credentials; those that lie in no range of their own.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
/// The same for IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

impl Place {
    /// The place of an address, whatever form it is written in.
    pub(crate) fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => Self::of_v6(ip),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        match ip.octets() {
            _ if METADATA_V4.contains(&ip) => Self::Metadata,
            // 0.0.0.0 reaches this machine.
            [0 | 127, ..] => Self::Loopback,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Self::Private,
            [100, 64..=127, ..] | [198, 18 | 19, ..] => Self::Private,
            [169, 254, ..] => Self::LinkLocal,
            [192, 0, 0, _] => Self::Reserved,
            [224..=239, ..] => Self::Multicast,
            [240..=255, ..] => Self::Reserved,
            _ => Self::Public,
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        if let Some(inner) = embedded_v4(ip) {
            return Self::of_v4(inner);
        }
        match ip.segments() {
            _ if ip == METADATA_V6 => Self::Metadata,
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Self::Loopback,
            // Unique local, the site-local addresses before them, and NAT64 prefixes of one's own.
            [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Self::Private,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            [0xff00..=0xffff, ..] => Self::Multicast,
            // Teredo: it hides an IPv4 address, and nobody has a server there.
            [0x2001, 0, ..] => Self::Reserved,
            // What is given out to the world.
            [0x2000..=0x3fff, ..] => Self::Public,
            _ => Self::Reserved,
        }
    }

    /// How near it is to this machine; `None` for what nobody has to be sent to.
    const fn nearness(self) -> Option<u8> {
        match self {
            Self::Public => Some(0),
            Self::Private => Some(1),
            Self::LinkLocal => Some(2),
            Self::Loopback => Some(3),
            Self::Metadata | Self::Multicast | Self::Reserved => None,
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64 and 6to4.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match ip.segments() {
        // The unspecified address and loopback are no IPv4 addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// How near to this machine a destination may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach(u8);

impl Reach {
    /// That of a configured destination with these addresses: as near as the farthest of them.
    pub(crate) fn of(addresses: &[SocketAddr]) -> Self {
        let nearness = addresses
            .iter()
            .map(|address| Place::of(address.ip()).nearness().unwrap_or(0));
        Self(nearness.min().unwrap_or(0))
    }

    /// Decides about these addresses, which a place on the way of a push resolved to. The configured server may be
    /// anywhere, however often it is called; how near it is decides for all places that it leads to.
    ///
    /// # Errors
    /// As [`Reach::check`].
    pub(crate) fn admit(
        known: Option<Self>,
        is_configured: bool,
        addresses: &[SocketAddr],
    ) -> Result<Self, TooNear> {
        let reach = known.unwrap_or_else(|| Self::of(addresses));
        if !is_configured {
            reach.check(addresses)?;
        }
        Ok(reach)
    }

    /// Whether a destination of this reach may lead to all of these addresses.
    ///
    /// # Errors
    /// [`TooNear`] names the first that it may not.
    pub(crate) fn check(self, addresses: &[SocketAddr]) -> Result<(), TooNear> {
        let is_allowed = |place: Place| place.nearness().is_some_and(|nearness| nearness <= self.0);
        for address in addresses {
            let place = Place::of(address.ip());
            if !is_allowed(place) {
                return Err(TooNear {
                    ip: address.ip(),
                    place,
                });
            }
        }
        Ok(())
    }
}

/// An address that a destination may not lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{ip} is {place}")]
pub(crate) struct TooNear {
    ip: IpAddr,
    place: Place,
}

/// What it is, to follow "is".
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Private => "an address of a private network",
            Self::LinkLocal => "a link-local address",
            Self::Loopback => "this machine",
            Self::Metadata => "where a cloud keeps credentials",
            Self::Multicast => "a multicast address",
            Self::Reserved => "a reserved address",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: &[(&str, Place)] = &[
        ("203.0.113.7", Place::Public),
        ("8.8.8.8", Place::Public),
        ("172.15.0.1", Place::Public),
        ("172.32.0.1", Place::Public),
        ("100.63.255.255", Place::Public),
        ("100.128.0.0", Place::Public),
        ("2001:db8::1", Place::Public),
        ("2606:4700::1", Place::Public),
        ("127.0.0.1", Place::Loopback),
        ("127.255.255.254", Place::Loopback),
        ("0.0.0.0", Place::Loopback),
        ("0.1.2.3", Place::Loopback),
        ("::", Place::Loopback),
        ("::1", Place::Loopback),
        ("::ffff:127.0.0.1", Place::Loopback),
        ("::127.0.0.1", Place::Loopback),
        ("::ffff:0:127.0.0.1", Place::Loopback),
        ("64:ff9b::127.0.0.1", Place::Loopback),
        ("2002:7f00:1::", Place::Loopback),
        ("10.0.0.1", Place::Private),
        ("172.16.0.1", Place::Private),
        ("172.31.255.255", Place::Private),
        ("192.168.1.1", Place::Private),
        ("100.64.0.1", Place::Private),
        ("100.127.255.255", Place::Private),
        ("198.18.0.1", Place::Private),
        ("fc00::1", Place::Private),
        ("fdff::1", Place::Private),
        ("fec0::1", Place::Private),
        ("::ffff:10.0.0.1", Place::Private),
        ("64:ff9b::10.0.0.1", Place::Private),
        ("64:ff9b:1::1", Place::Private),
        ("2002:a00:1::1", Place::Private),
        ("64:ff9b::203.0.113.7", Place::Public),
        ("2002:cb00:7107::1", Place::Public),
        ("::ffff:203.0.113.7", Place::Public),
        ("169.254.1.1", Place::LinkLocal),
        ("fe80::1", Place::LinkLocal),
        ("febf::1", Place::LinkLocal),
        ("169.254.169.254", Place::Metadata),
        ("::ffff:169.254.169.254", Place::Metadata),
        ("64:ff9b::169.254.169.254", Place::Metadata),
        ("169.254.170.2", Place::Metadata),
        ("100.100.100.200", Place::Metadata),
        ("168.63.129.16", Place::Metadata),
        ("192.0.0.192", Place::Metadata),
        ("fd00:ec2::254", Place::Metadata),
        ("224.0.0.1", Place::Multicast),
        ("239.255.255.255", Place::Multicast),
        ("ff02::1", Place::Multicast),
        ("255.255.255.255", Place::Reserved),
        ("240.0.0.1", Place::Reserved),
        ("192.0.0.1", Place::Reserved),
        ("2001::1", Place::Reserved),
        ("100::1", Place::Reserved),
    ];

    fn at(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().unwrap(), 1935)
    }

    #[test]
    fn every_address_has_its_place_in_each_of_its_forms() {
        for (ip, place) in PLACES {
            assert_eq!(Place::of(ip.parse().unwrap()), *place, "{ip}");
        }
    }

    /// [WIRE 217]
    #[test]
    fn a_destination_leads_as_near_as_it_is_itself_and_no_nearer() {
        let far = "203.0.113.7";
        for (from, allowed) in [
            (far, &[Place::Public][..]),
            ("10.0.0.1", &[Place::Public, Place::Private]),
            (
                "169.254.1.1",
                &[Place::Public, Place::Private, Place::LinkLocal],
            ),
            (
                "127.0.0.1",
                &[
                    Place::Public,
                    Place::Private,
                    Place::LinkLocal,
                    Place::Loopback,
                ],
            ),
            // What nobody is configured to push to gives no rights.
            ("169.254.169.254", &[Place::Public]),
        ] {
            let reach = Reach::of(&[at(from)]);
            for (ip, place) in PLACES {
                assert_eq!(
                    reach.check(&[at(ip)]).is_ok(),
                    allowed.contains(place),
                    "from {from} to {ip}"
                );
            }
        }
    }

    #[test]
    fn a_configured_server_with_near_and_far_addresses_may_be_called_again() {
        let mixed = [at("203.0.113.7"), at("10.0.0.7")];
        let reach = Reach::admit(None, true, &mixed).unwrap();
        assert_eq!(reach, Reach::of(&mixed));
        assert_eq!(Reach::admit(Some(reach), true, &mixed), Ok(reach));
        let refused = Reach::admit(Some(reach), false, &mixed).unwrap_err();
        assert_eq!(refused.ip, mixed[1].ip(), "whoever else leads there");
        let far = &mixed[..1];
        assert_eq!(Reach::admit(Some(reach), false, far), Ok(reach));
    }

    #[test]
    fn one_bad_address_among_good_ones_is_enough_and_the_farthest_own_one_counts() {
        let reach = Reach::of(&[at("203.0.113.7")]);
        let mixed = [at("203.0.113.8"), at("127.0.0.1")];
        let refused = reach.check(&mixed).unwrap_err();
        assert_eq!(refused.to_string(), "127.0.0.1 is this machine");
        assert_eq!(Reach::of(&mixed), reach);
        assert_eq!(Reach::of(&[]), reach);
        assert_eq!(reach.check(&[]), Ok(()), "nothing to connect to");
    }
}
