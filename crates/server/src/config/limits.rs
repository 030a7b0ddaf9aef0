//! Defaults and ranges of the settings, each with its reason.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Where RTMP listens: every address, IPv4 included (dual stack).
pub const RTMP_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 1935);
/// Where HTTP listens: this machine only, so that nothing is open by accident.
pub const HTTP_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1985);

/// How long SIGTERM waits for sessions. Why: service managers kill after 30 s.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);
/// Range of `drain_timeout`. Why: a drain over a day is a server that never stops.
pub const DRAIN_TIMEOUT_RANGE: RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(86_400);
/// Range of `workers`. Why: more threads than any machine has cores only cost memory.
pub const WORKERS_RANGE: RangeInclusive<u64> = 1..=1_024;
/// Range of `backlog`. Why: the kernel's own cap is 4096 by default and 16 bits wide in its table.
pub const BACKLOG_RANGE: RangeInclusive<u64> = 1..=65_535;
/// Addresses of one listener. Why: each costs a socket; a machine's addresses fit many times over.
pub const LISTEN_ADDRESSES_MAX: usize = 64;

/// How long players and destinations are kept while the publisher is away.
/// Why: an encoder that reconnects comes back within 2 to 10 s.
pub const HOLD: Duration = Duration::from_secs(15);
/// Range of `hold`. Why: half an hour of a still picture is longer than any repair that viewers wait for.
pub const HOLD_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(30 * 60);
/// How long a player waits for a stream that does not exist yet.
pub const PLAY_WAIT: Duration = Duration::from_secs(10);
/// Range of `play_wait`. Why: a parked player costs a connection.
pub const PLAY_WAIT_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10 * 60);
/// How long a publisher may send no complete message. Why: a half-open one must be found within 10 s.
pub const PUBLISH_IDLE: Duration = Duration::from_secs(8);
/// Range of `publish_idle`. Why: below 1 s a lost packet ends a publication.
pub const PUBLISH_IDLE_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(10 * 60);
/// Range of `merge`. Why: above a second it is no longer live.
pub const MERGE_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(1);

/// Shortest upper bound of the pause before a push is tried again.
pub const PUSH_RETRY_MIN: Duration = Duration::from_millis(250);
/// Longest upper bound of the pause before a push is tried again.
/// Why: a destination that recovers must have its stream back within 15 s.
pub const PUSH_RETRY_MAX: Duration = Duration::from_secs(15);
/// Range of both. Why: below 100 ms a dead destination is hammered; above an hour nobody believes it comes back.
pub const PUSH_RETRY_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(3_600);
/// Pushes of one app. Why: each costs a connection and a cursor per stream; ten times what restreamers use.
pub const PUSHES_PER_APP_MAX: usize = 256;
/// Characters of a push's name. Why: it is part of an address of the API and of log lines.
pub const PUSH_NAME_CHARACTERS_MAX: usize = 64;
/// Keys of one app. Why: each publish compares with all of them.
pub const KEYS_PER_APP_MAX: usize = 1_024;
/// Apps in the file. Why: bounds what one file may allocate; `[apps."*"]` covers the rest.
pub const APPS_MAX: usize = 1_024;

/// Connections in all, whoever they are of.
/// Why: at 4 KiB each they take 400 MB, and one machine seldom serves more; beyond it new ones are turned away, so that
/// those who are there go on.
pub const CONNECTIONS: u32 = 100_000;
/// Range of it. Why: zero would refuse everybody; the kernel's own limit of files is about a billion.
pub const CONNECTIONS_RANGE: RangeInclusive<u64> = 1..=100_000_000;
/// Connections in all that have not said `connect` yet.
/// Why: each takes about 2 KiB, so that all take 7 MB, and an audience of that size may come within the milliseconds that
/// a handshake takes. Whoever has been longest in its handshake makes room.
pub const HANDSHAKES: u32 = 3_072;
/// Range of it. Why: below 64 a burst of honest clients would push each other out.
pub const HANDSHAKES_RANGE: RangeInclusive<u64> = 64..=1_000_000;
/// Connections of one address in their handshake. Why: one office behind one address starts together.
pub const HANDSHAKES_PER_ADDRESS: u32 = 256;
/// Connections of one address in all.
pub const CONNECTIONS_PER_ADDRESS: u32 = 2_000;
/// New connections of one address per second, over time.
pub const CONNECTS_PER_SECOND: u32 = 200;
/// New connections of one address at once.
pub const CONNECTS_BURST: u32 = 1_000;
/// Wrong stream keys of one address per minute, and at once, that are refused without a wait.
/// Why: a person mistypes a few times; a program that guesses tries thousands.
pub const WRONG_KEYS_PER_MINUTE: u32 = 5;
/// Range of it. Why: zero would never let the next key be looked at; ten a second is a guess that nobody types.
pub const WRONG_KEYS_RANGE: RangeInclusive<u64> = 1..=600;
/// Longest wait of the refusal of a wrong key; past it no key of the address is looked at.
/// Why: an honest encoder waits so long for its answer, and a guesser holds few connections for it.
pub const REFUSAL_WAIT_MAX: Duration = Duration::from_secs(30);
/// Range of the figures per address and second above. Why: zero would refuse everybody.
pub const PER_ADDRESS_RANGE: RangeInclusive<u64> = 1..=1_000_000;
/// Time to finish the handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time from the handshake to a publish or play request, our own decision time not counted.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Range of both. Why: below 1 s slow links never connect; above 5 min strangers hold sockets for nothing.
pub const DEADLINE_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(300);
/// Networks in `trusted`. Why: each connection is compared with all of them.
pub const TRUSTED_NETWORKS_MAX: usize = 256;

/// Memory of this process for one plain RTMP player, in bytes, whether it keeps up, waits or never reads. What the kernel
/// buffers for its socket and the ring that all players of a stream share are not in it.
/// Why: ten thousand players must cost 40 MB and not gigabytes. A test with a thousand of them holds it.
pub const PLAYER_BYTES_MAX: usize = 4 << 10;

/// Bytes of the configuration file. Why: a thousand apps with pushes fit; a video file given by mistake does not.
pub const FILE_BYTES_MAX: u64 = 4 << 20;
/// Bytes of a file with one secret. Why: tokens reach some KiB.
pub const SECRET_FILE_BYTES_MAX: u64 = 64 << 10;
/// Characters of a key or token below which it is called short, and why: 16 random characters are 80 bits and more.
pub const SECRET_CHARACTERS_SHORT: usize = 16;
/// Characters of a stream key. Why: it may stand alone as one segment of the stream path.
pub const STREAM_KEY_CHARACTERS_MAX: usize = bongsu_rtmp::limits::PATH_SEGMENT_BYTES_MAX;
