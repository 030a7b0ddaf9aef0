//! What can go wrong at each stage: what failed, on which address, and what to do about it.
//!
//! Each stage has its own enum. `Display` is one line, what and where; `try_hint` is one line, what to do.
//! Each `from_io` is the whole classification of that stage, so that a caller that makes the system call
//! in its own way (an async runtime's accept, for one) still gets the same error.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::io::Errno;

use crate::limits;

const HINT_FILES: &str =
    "raise the limit of open files (`ulimit -n`, or LimitNOFILE= in the systemd unit)";
const HINT_FILES_SYSTEM: &str =
    "raise fs.file-max with sysctl, or stop programs that hold many files";
const HINT_MEMORY: &str = "free memory, or raise the memory limit of this machine or container";
const HINT_OTHER: &str =
    "look the system's message up; it is not one that an RTMP setup usually meets";

/// The first step, `socket`, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The machine has no IPv6 (or no IPv4).
    #[error("cannot open a socket for {address}: this machine has no {}", family(.address))]
    FamilyMissing {
        /// What the socket was for.
        address: SocketAddr,
    },
    /// This process has no file descriptor left (`EMFILE`).
    #[error("cannot open a socket for {address}: too many open files")]
    TooManyFiles {
        /// What the socket was for.
        address: SocketAddr,
    },
    /// The whole machine has no file descriptor left (`ENFILE`).
    #[error("cannot open a socket for {address}: too many open files on this machine")]
    TooManyFilesOnMachine {
        /// What the socket was for.
        address: SocketAddr,
    },
    /// The kernel has no memory for it.
    #[error("cannot open a socket for {address}: out of memory")]
    OutOfMemory {
        /// What the socket was for.
        address: SocketAddr,
    },
    /// The system forbids it: a sandbox or a security policy.
    #[error("cannot open a socket for {address}: not permitted")]
    NotPermitted {
        /// What the socket was for.
        address: SocketAddr,
    },
    /// Anything else; the system's own words follow.
    #[error("cannot open a socket for {address}: {source}")]
    Other {
        /// What the socket was for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    /// Classifies what `socket` returned.
    pub fn from_io(address: SocketAddr, source: io::Error) -> Self {
        match Errno::from_io_error(&source) {
            Some(Errno::AFNOSUPPORT | Errno::PROTONOSUPPORT) => Self::FamilyMissing { address },
            Some(Errno::MFILE) => Self::TooManyFiles { address },
            Some(Errno::NFILE) => Self::TooManyFilesOnMachine { address },
            Some(Errno::NOBUFS | Errno::NOMEM) => Self::OutOfMemory { address },
            Some(Errno::ACCESS | Errno::PERM) => Self::NotPermitted { address },
            _ => Self::Other { address, source },
        }
    }

    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        match self {
            Self::FamilyMissing {
                address: SocketAddr::V6(_),
            } => "use an IPv4 address (0.0.0.0 for any), or turn IPv6 on in the kernel",
            Self::FamilyMissing {
                address: SocketAddr::V4(_),
            } => "use an IPv6 address ([::] for any), or turn IPv4 on in the kernel",
            Self::TooManyFiles { .. } => HINT_FILES,
            Self::TooManyFilesOnMachine { .. } => HINT_FILES_SYSTEM,
            Self::OutOfMemory { .. } => HINT_MEMORY,
            Self::NotPermitted { .. } => {
                "allow AF_INET and AF_INET6 sockets in the sandbox (RestrictAddressFamilies= in systemd)"
            }
            Self::Other { .. } => HINT_OTHER,
        }
    }
}

fn family(address: &SocketAddr) -> &'static str {
    if address.is_ipv6() { "IPv6" } else { "IPv4" }
}

/// The second step of a server, `bind`, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another socket holds the port (`EADDRINUSE`).
    #[error("cannot listen on {address}: address already in use")]
    AddressInUse {
        /// What was asked for.
        address: SocketAddr,
    },
    /// No interface of this machine has the address (`EADDRNOTAVAIL`).
    #[error("cannot listen on {address}: not an address of this machine")]
    AddressNotLocal {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The port is below 1024 and the process may not use those (`EACCES`).
    #[error("cannot listen on {address}: permission denied")]
    PermissionDenied {
        /// What was asked for.
        address: SocketAddr,
    },
    /// An IPv4 address on an IPv6 socket or the reverse, a mistake of the calling code.
    #[error("cannot listen on {address}: the socket is of the other address family")]
    WrongFamily {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Anything else; the system's own words follow.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    /// Classifies what `bind` returned.
    pub fn from_io(address: SocketAddr, source: io::Error) -> Self {
        match Errno::from_io_error(&source) {
            Some(Errno::ADDRINUSE) => Self::AddressInUse { address },
            Some(Errno::ADDRNOTAVAIL | Errno::NODEV) => Self::AddressNotLocal { address },
            Some(Errno::ACCESS | Errno::PERM) => Self::PermissionDenied { address },
            Some(Errno::AFNOSUPPORT) => Self::WrongFamily { address },
            _ => Self::Other { address, source },
        }
    }

    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        match self {
            Self::AddressInUse { .. } => HINT_IN_USE,
            Self::AddressNotLocal { .. } => {
                "listen on [::] or 0.0.0.0 for every address, or on one that `ip address` lists"
            }
            Self::PermissionDenied { address } if address.port() < 1024 => {
                "use a port from 1024 up (RTMP's is 1935), or give the program CAP_NET_BIND_SERVICE"
            }
            Self::PermissionDenied { .. } => "allow the port in the sandbox or security policy",
            Self::WrongFamily { .. } => "open the socket for the address that it is bound to",
            Self::Other { .. } => HINT_OTHER,
        }
    }
}

const HINT_IN_USE: &str =
    "stop the program that holds the port (`ss -ltnp` names it), or listen on another port";

/// The third step of a server, `listen`, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Another socket began to listen on the same port between our `bind` and our `listen`.
    #[error("cannot listen on {address}: address already in use")]
    AddressInUse {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Anything else; the system's own words follow.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl ListenError {
    /// Classifies what `listen` returned.
    pub fn from_io(address: SocketAddr, source: io::Error) -> Self {
        match Errno::from_io_error(&source) {
            Some(Errno::ADDRINUSE) => Self::AddressInUse { address },
            _ => Self::Other { address, source },
        }
    }

    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        match self {
            Self::AddressInUse { .. } => HINT_IN_USE,
            Self::Other { .. } => HINT_OTHER,
        }
    }
}

/// The fourth step of a server, `accept`, failed. Ask [`next_step`](Self::next_step) what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// That one connection went away before it was accepted, or nothing waits on a non-blocking listener.
    #[error("a connection to {address} ended before it was accepted: {source}")]
    ConnectionLost {
        /// The listener.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// This process has no file descriptor left (`EMFILE`); the connection waits in the queue.
    #[error("cannot accept a connection to {address}: too many open files")]
    TooManyFiles {
        /// The listener.
        address: SocketAddr,
    },
    /// The whole machine has no file descriptor left (`ENFILE`); the connection waits in the queue.
    #[error("cannot accept a connection to {address}: too many open files on this machine")]
    TooManyFilesOnMachine {
        /// The listener.
        address: SocketAddr,
    },
    /// The kernel has no memory for it; the connection waits in the queue.
    #[error("cannot accept a connection to {address}: out of memory")]
    OutOfMemory {
        /// The listener.
        address: SocketAddr,
    },
    /// The listener itself is broken.
    #[error("cannot accept connections to {address} any more: {source}")]
    ListenerBroken {
        /// The listener.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// What an accept loop does after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAcceptError {
    /// Accept the next one: only a single connection was concerned.
    Continue,
    /// Wait so long, then accept again: the machine is short of something that comes back.
    Pause(Duration),
    /// End the loop: this listener will not accept again.
    Stop,
}

impl AcceptError {
    /// Classifies what `accept` returned.
    ///
    /// Linux hands pending network errors of the new connection to `accept`; its manual says to treat
    /// them as "try again".
    pub fn from_io(address: SocketAddr, source: io::Error) -> Self {
        match Errno::from_io_error(&source) {
            Some(Errno::MFILE) => Self::TooManyFiles { address },
            Some(Errno::NFILE) => Self::TooManyFilesOnMachine { address },
            Some(Errno::NOBUFS | Errno::NOMEM) => Self::OutOfMemory { address },
            Some(
                Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::AGAIN
                | Errno::INTR
                | Errno::NETDOWN
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::HOSTDOWN
                | Errno::NONET
                | Errno::HOSTUNREACH
                | Errno::OPNOTSUPP
                | Errno::NETUNREACH
                | Errno::TIMEDOUT
                | Errno::PERM,
            ) => Self::ConnectionLost { address, source },
            _ => Self::ListenerBroken { address, source },
        }
    }

    /// What an accept loop does next.
    pub fn next_step(&self) -> AfterAcceptError {
        match self {
            Self::ConnectionLost { .. } => AfterAcceptError::Continue,
            Self::TooManyFiles { .. }
            | Self::TooManyFilesOnMachine { .. }
            | Self::OutOfMemory { .. } => {
                AfterAcceptError::Pause(limits::millis(limits::ACCEPT_PAUSE_MS))
            }
            Self::ListenerBroken { .. } => AfterAcceptError::Stop,
        }
    }

    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        match self {
            Self::ConnectionLost { .. } => "nothing: the peer went away, the listener goes on",
            Self::TooManyFiles { .. } => HINT_FILES,
            Self::TooManyFilesOnMachine { .. } => HINT_FILES_SYSTEM,
            Self::OutOfMemory { .. } => HINT_MEMORY,
            Self::ListenerBroken { .. } => "restart the listener",
        }
    }
}

/// An option could not be set on a socket. The kernel is too old, or the socket is not TCP.
#[derive(Debug, thiserror::Error)]
#[error("cannot set {option} on a socket: {source}")]
pub struct OptionError {
    /// The option's name in the system's headers.
    pub option: &'static str,
    /// What the system said.
    pub source: io::Error,
}

impl OptionError {
    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        "use Linux 4.18 or newer, without a sandbox that filters setsockopt"
    }
}

/// Any stage on the way to a listener failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// `socket` failed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// `setsockopt` failed.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// `bind` failed.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// `listen` failed.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

impl ServerError {
    /// The address that the listener was for; an option that failed does not know it.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Open(
                OpenError::FamilyMissing { address }
                | OpenError::TooManyFiles { address }
                | OpenError::TooManyFilesOnMachine { address }
                | OpenError::OutOfMemory { address }
                | OpenError::NotPermitted { address }
                | OpenError::Other { address, .. },
            )
            | Self::Bind(
                BindError::AddressInUse { address }
                | BindError::AddressNotLocal { address }
                | BindError::PermissionDenied { address }
                | BindError::WrongFamily { address }
                | BindError::Other { address, .. },
            )
            | Self::Listen(
                ListenError::AddressInUse { address } | ListenError::Other { address, .. },
            ) => Some(*address),
            Self::Option(_) => None,
        }
    }

    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        match self {
            Self::Open(error) => error.try_hint(),
            Self::Option(error) => error.try_hint(),
            Self::Bind(error) => error.try_hint(),
            Self::Listen(error) => error.try_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(errno: Errno) -> io::Error {
        errno.into()
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_cause_of_a_failed_socket_has_its_words() {
        let v6 = at("[::]:1935");
        for (errno, text) in [
            (
                Errno::AFNOSUPPORT,
                "cannot open a socket for [::]:1935: this machine has no IPv6",
            ),
            (
                Errno::MFILE,
                "cannot open a socket for [::]:1935: too many open files",
            ),
            (
                Errno::NFILE,
                "cannot open a socket for [::]:1935: too many open files on this machine",
            ),
            (
                Errno::NOBUFS,
                "cannot open a socket for [::]:1935: out of memory",
            ),
            (
                Errno::PERM,
                "cannot open a socket for [::]:1935: not permitted",
            ),
            (
                Errno::INVAL,
                "cannot open a socket for [::]:1935: Invalid argument (os error 22)",
            ),
        ] {
            let error = OpenError::from_io(v6, os(errno));
            assert_eq!(error.to_string(), text);
            assert!(!error.try_hint().is_empty());
        }
    }

    #[test]
    fn a_missing_family_hints_at_the_other_one() {
        let hint = |address| OpenError::from_io(at(address), os(Errno::AFNOSUPPORT)).try_hint();
        assert!(hint("[::]:1").contains("use an IPv4 address"));
        assert!(hint("0.0.0.0:1").contains("use an IPv6 address"));
    }

    #[test]
    fn every_cause_of_a_failed_bind_has_its_words() {
        let address = at("0.0.0.0:80");
        for (errno, text) in [
            (
                Errno::ADDRINUSE,
                "cannot listen on 0.0.0.0:80: address already in use",
            ),
            (
                Errno::ADDRNOTAVAIL,
                "cannot listen on 0.0.0.0:80: not an address of this machine",
            ),
            (
                Errno::ACCESS,
                "cannot listen on 0.0.0.0:80: permission denied",
            ),
            (
                Errno::AFNOSUPPORT,
                "cannot listen on 0.0.0.0:80: the socket is of the other address family",
            ),
            (
                Errno::INVAL,
                "cannot listen on 0.0.0.0:80: Invalid argument (os error 22)",
            ),
        ] {
            let error = BindError::from_io(address, os(errno));
            assert_eq!(error.to_string(), text);
            assert!(!error.try_hint().is_empty());
        }
    }

    #[test]
    fn permission_hints_at_the_port_only_below_1024() {
        let hint = |address| BindError::from_io(at(address), os(Errno::ACCESS)).try_hint();
        assert!(hint("0.0.0.0:1023").contains("a port from 1024 up"));
        assert!(!hint("0.0.0.0:1024").contains("a port from 1024 up"));
    }

    #[test]
    fn a_failed_listen_is_classified() {
        let address = at("0.0.0.0:1935");
        let in_use = ListenError::from_io(address, os(Errno::ADDRINUSE));
        assert_eq!(
            in_use.to_string(),
            "cannot listen on 0.0.0.0:1935: address already in use"
        );
        let other = ServerError::from(ListenError::from_io(address, os(Errno::OPNOTSUPP)));
        assert!(
            other
                .to_string()
                .starts_with("cannot listen on 0.0.0.0:1935: Operation not")
        );
        assert!(!other.try_hint().is_empty());
    }

    #[test]
    fn a_server_error_knows_its_address_at_every_stage_but_the_options() {
        let address = at("[::1]:1935");
        for errno in [
            Errno::AFNOSUPPORT,
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::PERM,
            Errno::ADDRINUSE,
            Errno::ADDRNOTAVAIL,
            Errno::INVAL,
        ] {
            let errors: [ServerError; 3] = [
                OpenError::from_io(address, os(errno)).into(),
                BindError::from_io(address, os(errno)).into(),
                ListenError::from_io(address, os(errno)).into(),
            ];
            assert_eq!(errors.map(|error| error.address()), [Some(address); 3]);
        }
        let option = OptionError {
            option: "TCP_NODELAY",
            source: os(Errno::NOPROTOOPT),
        };
        assert_eq!(ServerError::from(option).address(), None);
    }

    #[test]
    fn an_accept_loop_goes_on_pauses_or_stops() {
        let step = |errno| AcceptError::from_io(at("[::]:1935"), os(errno)).next_step();
        for errno in [
            Errno::CONNABORTED,
            Errno::CONNRESET,
            Errno::AGAIN,
            Errno::INTR,
            Errno::PROTO,
            Errno::HOSTUNREACH,
            Errno::PERM,
        ] {
            assert_eq!(step(errno), AfterAcceptError::Continue, "{errno}");
        }
        let pause = AfterAcceptError::Pause(limits::millis(limits::ACCEPT_PAUSE_MS));
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(step(errno), pause, "{errno}");
        }
        for errno in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK, Errno::FAULT] {
            assert_eq!(step(errno), AfterAcceptError::Stop, "{errno}");
        }
    }

    #[test]
    fn accept_errors_say_which_listener() {
        for (errno, text) in [
            (
                Errno::MFILE,
                "cannot accept a connection to [::]:1935: too many open files",
            ),
            (
                Errno::NFILE,
                "cannot accept a connection to [::]:1935: too many open files on this machine",
            ),
            (
                Errno::NOMEM,
                "cannot accept a connection to [::]:1935: out of memory",
            ),
            (
                Errno::CONNABORTED,
                "a connection to [::]:1935 ended before it was accepted: \
                 Software caused connection abort (os error 103)",
            ),
            (
                Errno::BADF,
                "cannot accept connections to [::]:1935 any more: Bad file descriptor (os error 9)",
            ),
        ] {
            let error = AcceptError::from_io(at("[::]:1935"), os(errno));
            assert_eq!(error.to_string(), text);
            assert!(!error.try_hint().is_empty());
        }
    }
}
