//! The stages before a connection: `Socket`, `Bound`, `Listening`.

use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, SockRef, Type};

use crate::connect::{ConnectError, Connecting};
use crate::error::{AcceptError, BindError, ListenError, OpenError, OptionError};
use crate::limits;
use crate::options::{ListenOptions, StreamOptions};

/// Step 1 of both sides: a TCP socket that is neither bound nor connected.
///
/// It goes on as a server with [`bind`](Self::bind) or as a client with [`connect`](Self::connect); each
/// step takes the stage before it, so that steps in the wrong order do not compile. It is closed on
/// `exec` and when dropped.
#[derive(Debug)]
pub struct Socket {
    inner: socket2::Socket,
}

impl Socket {
    /// Opens a socket of the family of `address`, IPv4 or IPv6.
    pub fn open(address: SocketAddr) -> Result<Self, OpenError> {
        // socket2 asks for SOCK_CLOEXEC in the same call.
        socket2::Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )
        .map(|inner| Self { inner })
        .map_err(|source| OpenError::from_io(address, source))
    }

    /// Sets what the connection starts with.
    pub fn stream_options(self, options: &StreamOptions) -> Result<Self, OptionError> {
        options.apply(&self.inner)?;
        Ok(self)
    }

    /// Step 2 of a server: takes the address. Port 0 lets the kernel choose; ask
    /// [`Bound::local_address`] for its choice.
    ///
    /// Sets `SO_REUSEADDR` and, on an IPv6 address, `IPV6_V6ONLY` as `options` say.
    pub fn bind(self, address: SocketAddr, options: &ListenOptions) -> Result<Bound, BindError> {
        self.bind_options(address, options)
            .and_then(|()| self.inner.bind(&SockAddr::from(address)))
            .map_err(|source| BindError::from_io(address, source))?;
        let local = local_address(&self.inner).unwrap_or(address);
        Ok(Bound {
            inner: self.inner,
            local,
        })
    }

    fn bind_options(&self, address: SocketAddr, options: &ListenOptions) -> std::io::Result<()> {
        self.inner.set_reuse_address(options.reuse_address)?;
        if address.is_ipv6() {
            // The system's default (net.ipv6.bindv6only) differs between machines, hence always set.
            self.inner.set_only_v6(options.only_v6)?;
        }
        Ok(())
    }

    /// Step 2 of a client: connects, and waits at most `timeout`. The stream that comes back blocks.
    pub fn connect(
        self,
        address: SocketAddr,
        timeout: Duration,
    ) -> Result<TcpStream, ConnectError> {
        self.inner
            .connect_timeout(&SockAddr::from(address), timeout)
            .map_err(|source| ConnectError::from_io(address, source))?;
        Ok(self.inner.into())
    }

    /// Step 2 of a client that does not wait: starts to connect on a non-blocking socket.
    pub fn start_connect(self, address: SocketAddr) -> Result<Connecting, ConnectError> {
        Connecting::start(self.inner, address)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// Step 2 of a server is done: the socket has its address, and does not take connections yet.
#[derive(Debug)]
pub struct Bound {
    inner: socket2::Socket,
    local: SocketAddr,
}

impl Bound {
    /// The address, with the port that the kernel chose when 0 was asked for.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// Step 3 of a server: the kernel begins to take connections, and keeps up to `backlog` of them
    /// until they are accepted.
    pub fn listen(self, backlog: u32) -> Result<Listening, ListenError> {
        let asked = i32::try_from(backlog).unwrap_or(i32::MAX);
        self.inner
            .listen(asked)
            .map_err(|source| ListenError::from_io(self.local, source))?;
        let warnings = backlog_warnings(backlog, kernel_backlog_max());
        Ok(Listening {
            inner: self.inner.into(),
            local: self.local,
            warnings,
        })
    }
}

impl AsFd for Bound {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// Step 3 of a server is done: connections can be accepted.
#[derive(Debug)]
pub struct Listening {
    inner: TcpListener,
    local: SocketAddr,
    pub(crate) warnings: Vec<Warning>,
}

impl Listening {
    /// The address, with the port that the kernel chose when 0 was asked for.
    pub fn local_address(&self) -> SocketAddr {
        self.local
    }

    /// What an operator should know about this listener although it works.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Step 4 of a server: waits for a connection; gives it with the peer's [`canonical`] address.
    ///
    /// After an error ask [`AcceptError::next_step`] whether to go on, to pause or to stop.
    pub fn accept(&self) -> Result<(TcpStream, SocketAddr), AcceptError> {
        // The standard library asks for SOCK_CLOEXEC in the same call, and repeats after EINTR.
        let (stream, peer) = self
            .inner
            .accept()
            .map_err(|source| AcceptError::from_io(self.local, source))?;
        Ok((stream, canonical(peer)))
    }

    /// The listener for an async runtime: non-blocking, with all its options.
    pub fn into_nonblocking(self) -> Result<TcpListener, OptionError> {
        self.inner
            .set_nonblocking(true)
            .map_err(|source| OptionError {
                option: "O_NONBLOCK",
                source,
            })?;
        Ok(self.inner)
    }
}

impl AsFd for Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// Something that works, but not as an operator would expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The backlog is below [`limits::LISTEN_BACKLOG_WARN_BELOW`].
    BacklogSmall {
        /// The backlog that was asked for.
        asked: u32,
    },
    /// The kernel's own cap is below the backlog that was asked for, and holds.
    BacklogCapped {
        /// The backlog that was asked for.
        asked: u32,
        /// `net.core.somaxconn`.
        kernel_max: u32,
    },
    /// The machine has no IPv6, so that any address means any IPv4 address.
    NoIpv6 {
        /// What was asked for.
        asked: SocketAddr,
        /// What listens instead.
        used: SocketAddr,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BacklogSmall { asked } => {
                write!(
                    f,
                    "a backlog of {asked} is short: a burst of connections will be delayed by seconds"
                )
            }
            Self::BacklogCapped { asked, kernel_max } => {
                write!(
                    f,
                    "the kernel keeps {kernel_max} waiting connections, not the {asked} asked for"
                )
            }
            Self::NoIpv6 { asked, used } => {
                write!(
                    f,
                    "this machine has no IPv6: listening on {used} instead of {asked}"
                )
            }
        }
    }
}

impl Warning {
    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        match self {
            Self::BacklogSmall { .. } => "leave the backlog at its default of 1024",
            Self::BacklogCapped { .. } => "raise net.core.somaxconn with sysctl, or ask for less",
            Self::NoIpv6 { .. } => "listen on 0.0.0.0 to say so, or turn IPv6 on in the kernel",
        }
    }
}

fn backlog_warnings(asked: u32, kernel_max: Option<u32>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if asked < limits::LISTEN_BACKLOG_WARN_BELOW {
        warnings.push(Warning::BacklogSmall { asked });
    }
    if let Some(kernel_max) = kernel_max.filter(|max| *max < asked) {
        warnings.push(Warning::BacklogCapped { asked, kernel_max });
    }
    warnings
}

/// The kernel's own cap on every backlog (`net.core.somaxconn`), when it can be read.
pub fn kernel_backlog_max() -> Option<u32> {
    fs::read_to_string("/proc/sys/net/core/somaxconn")
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// The address as its own family writes it: `::ffff:192.0.2.7` becomes `192.0.2.7`.
///
/// A dual-stack listener reports IPv4 peers in the mapped form; limits, logs and rules want the plain one.
pub fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip if ip == address.ip() => address, // keeps the scope of a link-local address
        ip => SocketAddr::new(ip, address.port()),
    }
}

fn local_address(socket: &socket2::Socket) -> Option<SocketAddr> {
    SockRef::from(socket).local_addr().ok()?.as_socket()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backlog_warns_below_the_floor_and_above_the_kernels_cap() {
        let floor = limits::LISTEN_BACKLOG_WARN_BELOW;
        assert_eq!(backlog_warnings(floor, Some(4096)), []);
        let small = Warning::BacklogSmall { asked: floor - 1 };
        assert_eq!(backlog_warnings(floor - 1, Some(4096)), [small]);
        assert_eq!(backlog_warnings(1024, Some(1024)), []);
        let capped = Warning::BacklogCapped {
            asked: 1025,
            kernel_max: 1024,
        };
        assert_eq!(backlog_warnings(1025, Some(1024)), [capped]);
        assert_eq!(backlog_warnings(1024, None), []);
        let both = [
            Warning::BacklogSmall { asked: 14 },
            Warning::BacklogCapped {
                asked: 14,
                kernel_max: 4,
            },
        ];
        assert_eq!(backlog_warnings(14, Some(4)), both);
    }

    #[test]
    fn warnings_say_what_and_what_to_do() {
        let capped = Warning::BacklogCapped {
            asked: 1024,
            kernel_max: 128,
        };
        assert_eq!(
            capped.to_string(),
            "the kernel keeps 128 waiting connections, not the 1024 asked for"
        );
        assert!(capped.try_hint().contains("net.core.somaxconn"));
        let small = Warning::BacklogSmall { asked: 5 };
        assert!(small.to_string().starts_with("a backlog of 5 is short"));
        assert!(
            small
                .try_hint()
                .contains(&limits::LISTEN_BACKLOG.to_string())
        );
    }

    #[test]
    fn mapped_addresses_are_shown_as_ipv4_and_scopes_are_kept() {
        let shown = |text: &str| canonical(text.parse().unwrap()).to_string();
        assert_eq!(shown("[::ffff:192.0.2.7]:40000"), "192.0.2.7:40000");
        assert_eq!(shown("[2001:db8::7]:40000"), "[2001:db8::7]:40000");
        assert_eq!(shown("[fe80::7%3]:40000"), "[fe80::7%3]:40000");
        assert_eq!(shown("192.0.2.7:40000"), "192.0.2.7:40000");
    }
}
