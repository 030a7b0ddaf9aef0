//! Every figure of this crate, with its unit and its reason.

use std::time::Duration;

/// How many finished handshakes the kernel keeps for us until we accept them.
///
/// Why: when a popular stream starts, hundreds of players connect within one round trip. The kernel drops
/// a connection that finds the queue full, without a word, and the peer tries again a second later at the
/// soonest. 1024 holds a burst for as long as one acceptor may be busy, costs memory only for entries in
/// use, and is below the kernel's own cap (4096 since Linux 5.4). `docs/sockets.md` has the measurement.
pub const LISTEN_BACKLOG: u32 = 1024;

/// A backlog below this is taken, with a [`Warning`](crate::Warning).
///
/// Why: a single page with a handful of players, or one encoder with its reconnects, fills a shorter
/// queue; the symptom is connects that take whole seconds longer.
pub const LISTEN_BACKLOG_WARN_BELOW: u32 = 15;

/// Silence on a connection before the kernel asks the peer whether it is still there, in milliseconds.
///
/// Why: a cable that is pulled says nothing. With 5 s, 2 s and 3 probes a silent peer is found after
/// 11 s; without keep-alive never.
pub const KEEPALIVE_IDLE_MS: u64 = 5_000;

/// Time between two keep-alive probes, in milliseconds. Why: see [`KEEPALIVE_IDLE_MS`].
pub const KEEPALIVE_INTERVAL_MS: u64 = 2_000;

/// Probes without an answer before the kernel gives a connection up. Why: see [`KEEPALIVE_IDLE_MS`].
///
/// While `TCP_USER_TIMEOUT` is set it decides instead of this count (Linux); the count matters where the
/// timeout is off.
pub const KEEPALIVE_PROBES: u32 = 3;

/// How long sent bytes may stay unacknowledged before the kernel gives the connection up, in milliseconds.
///
/// Why: keep-alive only works on an idle connection; with bytes under way the kernel would retransmit
/// for 15 minutes. 8 s is longer than any outage a live stream survives without a gap, and shorter than
/// the 10 s within which a lost publisher must be found.
pub const USER_TIMEOUT_MS: u64 = 8_000;

/// The same for a player, in milliseconds: longer than the time the relay lets a player stall.
///
/// Why: Linux counts a closed receive window as no progress, even while the peer answers probes. With
/// [`USER_TIMEOUT_MS`] a paused player would be cut after 8 s; the hub lets it stall for 30 s and then says
/// why it closes it.
pub const PLAYER_USER_TIMEOUT_MS: u64 = 35_000;

/// Unsent bytes in a socket above which the kernel calls it not writable.
///
/// Why: what the kernel holds cannot be dropped any more. With 128 KiB a stalled player pins 0.29 MB of
/// kernel memory instead of 4 to 5 MB, the rest waits in the ring where whole GOPs can be dropped, and the
/// send buffer still grows to what the path carries. Two GOPs of audio or a large keyframe fit in.
pub const NOTSENT_LOWAT_BYTES: u32 = 128 << 10;

/// Head start of each address over the next one in a [`Race`](crate::connect::Race), in milliseconds.
///
/// Why: RFC 8305 section 8 recommends 250 ms: longer than most round trips, so that the preferred
/// address wins when it works, and short enough that nobody notices when it does not.
pub const RACE_ATTEMPT_DELAY_MS: u64 = 250;

/// Time that an outgoing connection has in all, over all its addresses, in milliseconds.
///
/// Why: an attempt to reach a destination has 10 s from name to publish; connecting may use it up, and
/// no more.
pub const CONNECT_TIMEOUT_MS: u64 = 10_000;

/// Addresses of one name that are tried.
///
/// Why: an answer from DNS is somebody else's data. 16 addresses at 250 ms are started within 4 s and hold
/// 16 descriptors at most; large providers answer with 8 or fewer per family.
pub const RACE_ADDRESSES_MAX: usize = 16;

/// Pause of an accept loop that is out of file descriptors, in milliseconds.
///
/// Why: the waiting connection stays in the queue, so that accept would fail again at once and spin a
/// core. At 50 ms the loop costs 20 calls a second and is back within a frame or two of the release.
pub const ACCEPT_PAUSE_MS: u64 = 50;

const _: () = assert!(LISTEN_BACKLOG >= LISTEN_BACKLOG_WARN_BELOW);
const _: () = assert!(USER_TIMEOUT_MS < PLAYER_USER_TIMEOUT_MS);

pub(crate) const fn millis(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
