//! All steps up to a listener in one call, and several listeners at once.

use std::net::{Ipv4Addr, SocketAddr};

use crate::error::{BindError, OpenError, ServerError};
use crate::options::ListenOptions;
use crate::socket::{Listening, Socket, Warning};

/// Makes one listener: socket, options, bind, listen.
///
/// What is accepted later has `options.stream` set from the start: Linux copies them from the listener.
pub fn listen(address: SocketAddr, options: &ListenOptions) -> Result<Listening, ServerError> {
    let socket = Socket::open(address)?.stream_options(&options.stream)?;
    Ok(socket.bind(address, options)?.listen(options.backlog)?)
}

/// Makes a listener for each address, or none: on the first error those already made are closed.
///
/// Two cases are helped, because they are what people write:
///
/// - `[::]` on a machine without IPv6 becomes `0.0.0.0`, with [`Warning::NoIpv6`]. An IPv6 address that
///   was named, `[::1]` for one, stays an error.
/// - `[::]` beside an IPv4 address of the same port takes IPv6 only, so that the two do not collide.
pub fn listen_all(
    addresses: &[SocketAddr],
    options: &ListenOptions,
) -> Result<Vec<Listening>, ServerError> {
    listen_all_with(addresses, options, listen)
}

fn listen_all_with(
    addresses: &[SocketAddr],
    options: &ListenOptions,
    mut listen: impl FnMut(SocketAddr, &ListenOptions) -> Result<Listening, ServerError>,
) -> Result<Vec<Listening>, ServerError> {
    let mut listeners: Vec<Listening> = Vec::with_capacity(addresses.len());
    let mut covered_by_v4 = Vec::new();
    for &address in addresses {
        let any_v6 = address.is_ipv6() && address.ip().is_unspecified();
        let beside_v4 = any_v6
            && address.port() != 0
            && addresses
                .iter()
                .any(|other| other.is_ipv4() && other.port() == address.port());
        let only_v6 = options.only_v6 || beside_v4;
        match listen(
            address,
            &ListenOptions {
                only_v6,
                ..*options
            },
        ) {
            Ok(listener) => listeners.push(listener),
            Err(error) if options.only_v6 || !any_v6 || !is_missing_ipv6(&error) => {
                return Err(error);
            }
            Err(_) if beside_v4 => covered_by_v4.push(address),
            Err(_) => {
                let any_v4 = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port());
                let mut listener = listen(any_v4, options)?;
                let used = listener.local_address();
                listener.warnings.push(Warning::NoIpv6 {
                    asked: address,
                    used,
                });
                listeners.push(listener);
            }
        }
    }
    for asked in covered_by_v4 {
        let beside = |listener: &&mut Listening| listener.local_address().port() == asked.port();
        if let Some(listener) = listeners.iter_mut().find(beside) {
            let used = listener.local_address();
            listener.warnings.push(Warning::NoIpv6 { asked, used });
        }
    }
    Ok(listeners)
}

/// No socket of the family, or no address of it, not even "any".
fn is_missing_ipv6(error: &ServerError) -> bool {
    matches!(
        error,
        ServerError::Open(OpenError::FamilyMissing { .. })
            | ServerError::Bind(BindError::AddressNotLocal { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Listens as on a machine without IPv6, on ports that the kernel chooses.
    fn without_ipv6(
        address: SocketAddr,
        options: &ListenOptions,
    ) -> Result<Listening, ServerError> {
        if address.is_ipv6() {
            return Err(OpenError::FamilyMissing { address }.into());
        }
        listen(address, options)
    }

    #[test]
    fn without_ipv6_any_address_is_any_ipv4_address_with_a_warning() {
        let made = listen_all_with(&[at("[::]:0")], &ListenOptions::default(), without_ipv6);
        let listeners = made.unwrap();
        let used = listeners[0].local_address();
        assert!(used.is_ipv4() && used.ip().is_unspecified() && used.port() != 0);
        let warning = Warning::NoIpv6 {
            asked: at("[::]:0"),
            used,
        };
        assert_eq!(listeners[0].warnings(), [warning]);
        assert_eq!(
            warning.to_string(),
            format!("this machine has no IPv6: listening on {used} instead of [::]:0")
        );
        assert!(warning.try_hint().contains("0.0.0.0"));
    }

    #[test]
    fn without_ipv6_a_named_ipv6_address_is_an_error() {
        for (address, only_v6) in [("[::1]:0", false), ("[::]:0", true)] {
            let options = ListenOptions {
                only_v6,
                ..ListenOptions::default()
            };
            let error = listen_all_with(&[at(address)], &options, without_ipv6).unwrap_err();
            assert!(matches!(
                error,
                ServerError::Open(OpenError::FamilyMissing { .. })
            ));
        }
    }

    #[test]
    fn without_ipv6_any_address_beside_an_ipv4_one_needs_no_second_listener() {
        let free = listen(at("127.0.0.1:0"), &ListenOptions::default())
            .unwrap()
            .local_address();
        let any_v6 = SocketAddr::new(at("[::]:0").ip(), free.port());
        let made = listen_all_with(&[any_v6, free], &ListenOptions::default(), without_ipv6);
        let listeners = made.unwrap();
        assert_eq!(listeners.len(), 1);
        assert_eq!(
            listeners[0].warnings(),
            [Warning::NoIpv6 {
                asked: any_v6,
                used: free
            }]
        );
    }

    #[test]
    fn another_error_of_the_any_address_is_not_covered_up() {
        let busy = |address, _: &ListenOptions| {
            Err::<Listening, ServerError>(BindError::AddressInUse { address }.into())
        };
        let made = listen_all_with(&[at("[::]:1935")], &ListenOptions::default(), busy);
        let error = made.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot listen on [::]:1935: address already in use"
        );
    }
}
