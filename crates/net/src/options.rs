//! What can be set on a socket, with defaults for live streams.

use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::error::OptionError;
use crate::limits;

/// How a connection behaves: delays, detection of dead peers, kernel memory.
///
/// The default is right for a publisher; players get [`for_players`](Self::for_players), and whoever watches
/// a destination's progress may give it more time. Every field has its reason beside the default in [`limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamOptions {
    /// `TCP_NODELAY`: send what is written at once. On by default: frames are written whole, and waiting
    /// for more bytes to fill a packet (Nagle) only adds delay.
    pub no_delay: bool,
    /// Keep-alive probes; `None` turns them off.
    pub keep_alive: Option<KeepAlive>,
    /// `TCP_USER_TIMEOUT`: how long sent bytes may stay unacknowledged, or the peer's window closed.
    /// `None` leaves it to the kernel (about 15 minutes).
    pub user_timeout: Option<Duration>,
    /// `TCP_NOTSENT_LOWAT`: unsent bytes above which the socket is not writable; `None` is the kernel's
    /// default (no limit but the send buffer).
    pub notsent_lowat_bytes: Option<u32>,
}

/// When the kernel asks an idle peer whether it is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepAlive {
    /// Silence before the first probe. The kernel counts whole seconds.
    pub idle: Duration,
    /// Time between probes. The kernel counts whole seconds.
    pub interval: Duration,
    /// Probes without an answer before the connection is given up.
    pub probes: u32,
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self {
            idle: limits::millis(limits::KEEPALIVE_IDLE_MS),
            interval: limits::millis(limits::KEEPALIVE_INTERVAL_MS),
            probes: limits::KEEPALIVE_PROBES,
        }
    }
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            no_delay: true,
            keep_alive: Some(KeepAlive::default()),
            user_timeout: Some(limits::millis(limits::USER_TIMEOUT_MS)),
            notsent_lowat_bytes: Some(limits::NOTSENT_LOWAT_BYTES),
        }
    }
}

impl StreamOptions {
    /// The default with [`limits::PLAYER_USER_TIMEOUT_MS`]: a player may pause for longer than a
    /// publisher or a destination may be silent.
    pub fn for_players() -> Self {
        Self {
            user_timeout: Some(limits::millis(limits::PLAYER_USER_TIMEOUT_MS)),
            ..Self::default()
        }
    }

    /// Sets the options on any TCP socket: before connect, on a listener, or on a live connection.
    ///
    /// On Linux a connection inherits all of them from the listener that accepts it, so that setting them
    /// there once saves six system calls per connection.
    pub fn apply(&self, socket: impl AsFd) -> Result<(), OptionError> {
        let socket = SockRef::from(&socket);
        let named = |option: &'static str| move |source| OptionError { option, source };
        socket
            .set_tcp_nodelay(self.no_delay)
            .map_err(named("TCP_NODELAY"))?;
        match self.keep_alive {
            Some(keep_alive) => {
                let probes = TcpKeepalive::new()
                    .with_time(keep_alive.idle)
                    .with_interval(keep_alive.interval)
                    .with_retries(keep_alive.probes);
                socket
                    .set_tcp_keepalive(&probes)
                    .map_err(named("SO_KEEPALIVE"))?;
            }
            None => socket.set_keepalive(false).map_err(named("SO_KEEPALIVE"))?,
        }
        socket
            .set_tcp_user_timeout(self.user_timeout)
            .map_err(named("TCP_USER_TIMEOUT"))?;
        socket
            .set_tcp_notsent_lowat(self.notsent_lowat_bytes.unwrap_or(0))
            .map_err(named("TCP_NOTSENT_LOWAT"))
    }
}

/// Changes `TCP_USER_TIMEOUT` of a live connection, for the moment when it turns out to be a player.
///
/// Why it matters: see [`limits::PLAYER_USER_TIMEOUT_MS`].
pub fn set_user_timeout(socket: impl AsFd, timeout: Option<Duration>) -> Result<(), OptionError> {
    SockRef::from(&socket)
        .set_tcp_user_timeout(timeout)
        .map_err(|source| OptionError {
            option: "TCP_USER_TIMEOUT",
            source,
        })
}

/// How a listener is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenOptions {
    /// Finished handshakes that the kernel keeps until they are accepted.
    pub backlog: u32,
    /// `SO_REUSEADDR`: listen again at once after a restart, while old connections are still in
    /// `TIME_WAIT`. On by default. It does not let two listeners share a port.
    pub reuse_address: bool,
    /// `IPV6_V6ONLY`: an IPv6 listener takes no IPv4 connections. Off by default, so that `[::]` is dual
    /// stack; no meaning on an IPv4 address.
    pub only_v6: bool,
    /// What each accepted connection starts with.
    pub stream: StreamOptions,
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            backlog: limits::LISTEN_BACKLOG,
            reuse_address: true,
            only_v6: false,
            stream: StreamOptions::default(),
        }
    }
}
