//! Whether a destination is this server itself, which would feed a stream to itself for ever.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bongsu_net::canonical;

/// Whether connecting to `target` leads to one of our listeners, as far as addresses tell.
pub(super) fn is_own(target: SocketAddr, own: &[SocketAddr]) -> bool {
    let target = canonical(target);
    let ip = reached(target.ip());
    own.iter()
        .map(|listener| canonical(*listener))
        .any(|listener| {
            listener.port() == target.port()
                && match listener.ip() {
                    IpAddr::V4(any) if any.is_unspecified() => ip.is_ipv4() && ip.is_loopback(),
                    // Such a listener takes IPv4 as well, or a second one does.
                    IpAddr::V6(any) if any.is_unspecified() => ip.is_loopback(),
                    listener => listener == ip,
                }
        })
}

/// Whether a connection that was made leads to one of our listeners on all addresses: the kernel took the peer's address
/// for our side as well, so that the peer is this machine.
pub(super) fn is_connected_to_own(local: SocketAddr, peer: SocketAddr, own: &[SocketAddr]) -> bool {
    let (local, peer) = (canonical(local), canonical(peer));
    let listens_everywhere = |listener: &SocketAddr| {
        listener.port() == peer.port()
            && match listener.ip() {
                IpAddr::V4(ip) => ip.is_unspecified() && peer.is_ipv4(),
                IpAddr::V6(ip) => ip.is_unspecified(),
            }
    };
    local.ip() == peer.ip() && own.iter().any(listens_everywhere)
}

/// Connecting to the unspecified address is connecting to loopback.
fn reached(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_own_address_is_found_under_each_of_its_names() {
        for (target, own, expected) in [
            ("127.0.0.1:1935", "127.0.0.1:1935", true),
            ("[::ffff:127.0.0.1]:1935", "127.0.0.1:1935", true),
            ("0.0.0.0:1935", "127.0.0.1:1935", true),
            ("[::]:1935", "[::1]:1935", true),
            ("127.0.0.1:1935", "0.0.0.0:1935", true),
            ("127.8.8.8:1935", "0.0.0.0:1935", true),
            ("127.0.0.1:1935", "[::]:1935", true),
            ("[::1]:1935", "[::]:1935", true),
            ("192.0.2.7:1935", "192.0.2.7:1935", true),
            ("127.0.0.1:1936", "127.0.0.1:1935", false),
            ("127.0.0.1:1936", "[::]:1935", false),
            ("127.0.0.2:1935", "127.0.0.1:1935", false),
            ("[::1]:1935", "0.0.0.0:1935", false),
            ("[::1]:1935", "127.0.0.1:1935", false),
            ("192.0.2.7:1935", "0.0.0.0:1935", false),
        ] {
            let found = is_own(address(target), &[address(own)]);
            assert_eq!(found, expected, "{target} while listening on {own}");
        }
        assert!(!is_own(address("127.0.0.1:1935"), &[]));
    }

    #[test]
    fn a_connection_to_this_machine_is_found_by_its_two_ends() {
        for (local, peer, own, expected) in [
            ("192.0.2.7:40000", "192.0.2.7:1935", "0.0.0.0:1935", true),
            ("192.0.2.7:40000", "192.0.2.7:1935", "[::]:1935", true),
            (
                "[2001:db8::7]:40000",
                "[2001:db8::7]:1935",
                "[::]:1935",
                true,
            ),
            (
                "[2001:db8::7]:40000",
                "[2001:db8::7]:1935",
                "0.0.0.0:1935",
                false,
            ),
            ("192.0.2.7:40000", "192.0.2.7:1936", "0.0.0.0:1935", false),
            ("192.0.2.7:40000", "192.0.2.8:1935", "0.0.0.0:1935", false),
            ("127.0.0.1:40000", "127.0.0.1:1935", "192.0.2.7:1935", false),
        ] {
            let found = is_connected_to_own(address(local), address(peer), &[address(own)]);
            assert_eq!(
                found, expected,
                "{local} to {peer} while listening on {own}"
            );
        }
    }
}
