//! Why an outgoing connection did not come to be.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;

use crate::error::{OpenError, OptionError};

/// The second step of a client, `connect`, failed, or one of the steps before it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// `socket` failed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// `setsockopt` failed.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The machine is there, and nothing listens on that port (`ECONNREFUSED`).
    #[error("cannot connect to {address}: connection refused")]
    Refused {
        /// The peer.
        address: SocketAddr,
    },
    /// There is no way to that network or machine (`ENETUNREACH`, `EHOSTUNREACH`).
    #[error("cannot connect to {address}: network or host unreachable")]
    Unreachable {
        /// The peer.
        address: SocketAddr,
    },
    /// No answer in time: the machine is off, a firewall drops the packets, or its accept queue is full.
    #[error("cannot connect to {address}: no answer in time")]
    TimedOut {
        /// The peer.
        address: SocketAddr,
    },
    /// The peer took the connection and reset it at once (`ECONNRESET`).
    #[error("cannot connect to {address}: connection reset by the peer")]
    Reset {
        /// The peer.
        address: SocketAddr,
    },
    /// Every local port towards that peer is taken (`EADDRNOTAVAIL`).
    #[error("cannot connect to {address}: no local port is free")]
    NoLocalPort {
        /// The peer.
        address: SocketAddr,
    },
    /// A local firewall or policy forbids it (`EACCES`, `EPERM`).
    #[error("cannot connect to {address}: not permitted")]
    NotPermitted {
        /// The peer.
        address: SocketAddr,
    },
    /// Anything else; the system's own words follow.
    #[error("cannot connect to {address}: {source}")]
    Other {
        /// The peer.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl ConnectError {
    /// Classifies what `connect`, or `SO_ERROR` after it, returned.
    pub fn from_io(address: SocketAddr, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::TimedOut {
            return Self::TimedOut { address };
        }
        match Errno::from_io_error(&source) {
            Some(Errno::CONNREFUSED) => Self::Refused { address },
            Some(Errno::NETUNREACH | Errno::HOSTUNREACH | Errno::NETDOWN | Errno::HOSTDOWN) => {
                Self::Unreachable { address }
            }
            Some(Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE) => Self::Reset { address },
            Some(Errno::ADDRNOTAVAIL) => Self::NoLocalPort { address },
            Some(Errno::ACCESS | Errno::PERM) => Self::NotPermitted { address },
            _ => Self::Other { address, source },
        }
    }

    /// What a user can do about it, in one line.
    pub fn try_hint(&self) -> &'static str {
        match self {
            Self::Open(error) => error.try_hint(),
            Self::Option(error) => error.try_hint(),
            Self::Refused { .. } => "start the server there, or correct the port (RTMP's is 1935)",
            Self::Unreachable { .. } => {
                "check the address, and the route to it with `ip route get <address>`"
            }
            Self::TimedOut { .. } => {
                "check that the machine is up and that no firewall on the way drops the port"
            }
            Self::Reset { .. } => "look into the log of the server there; it closed the connection",
            Self::NoLocalPort { .. } => {
                "wait a minute for closed connections to expire, or widen net.ipv4.ip_local_port_range"
            }
            Self::NotPermitted { .. } => {
                "allow the connection in this machine's firewall or sandbox"
            }
            Self::Other { .. } => "look the system's message up; it is not a usual one",
        }
    }
}

/// No address of a name could be reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RaceError {
    /// There was nothing to try.
    #[error("there is no address to connect to")]
    NoAddress,
    /// Every address was tried and failed; the errors are in the order in which they came.
    #[error("{}", listed(.attempts))]
    AllFailed {
        /// One error per address, never empty.
        attempts: Vec<ConnectError>,
    },
    /// The time was over. Attempts still under way are listed as timed out; `untried` were never started.
    #[error("{}", listed(.attempts))]
    DeadlinePassed {
        /// One error per started attempt, never empty.
        attempts: Vec<ConnectError>,
        /// Addresses that were not reached in time.
        untried: usize,
    },
}

impl RaceError {
    /// The error of each attempt.
    pub fn attempts(&self) -> &[ConnectError] {
        match self {
            Self::NoAddress => &[],
            Self::AllFailed { attempts } | Self::DeadlinePassed { attempts, .. } => attempts,
        }
    }

    /// What a user can do about it, in one line: about the first address that failed.
    pub fn try_hint(&self) -> &'static str {
        self.attempts().first().map_or(
            "check the name: it has no address of a family that this machine uses",
            ConnectError::try_hint,
        )
    }
}

fn listed(attempts: &[ConnectError]) -> String {
    let texts: Vec<String> = attempts.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_of_a_failed_connect_has_its_words() {
        let address: SocketAddr = "192.0.2.7:1935".parse().unwrap();
        for (errno, text) in [
            (Errno::CONNREFUSED, "connection refused"),
            (Errno::NETUNREACH, "network or host unreachable"),
            (Errno::HOSTUNREACH, "network or host unreachable"),
            (Errno::TIMEDOUT, "no answer in time"),
            (Errno::CONNRESET, "connection reset by the peer"),
            (Errno::ADDRNOTAVAIL, "no local port is free"),
            (Errno::PERM, "not permitted"),
            (Errno::INVAL, "Invalid argument (os error 22)"),
        ] {
            let error = ConnectError::from_io(address, errno.into());
            assert_eq!(
                error.to_string(),
                format!("cannot connect to 192.0.2.7:1935: {text}")
            );
            assert!(!error.try_hint().is_empty());
        }
    }

    #[test]
    fn a_deadline_of_the_library_is_a_timeout_too() {
        let address: SocketAddr = "192.0.2.7:1935".parse().unwrap();
        let error = ConnectError::from_io(address, io::ErrorKind::TimedOut.into());
        assert!(matches!(error, ConnectError::TimedOut { .. }));
    }
}
