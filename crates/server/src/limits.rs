//! Bounds of the shell, each with its reason. Those of the protocol, of streams and of sockets are in their crates.

use std::time::Duration;

/// Bytes read from a socket at once; each worker has one buffer of this size for all its connections.
/// Why: a large frame comes in few reads, and an idle connection holds nothing.
pub(crate) const READ_BYTES: usize = 64 << 10;

/// Reads of one connection before others get a turn.
/// Why: 256 KiB at memory speed take some hundred microseconds; a publisher at line rate must not starve the others.
pub(crate) const READS_PER_TURN: usize = 4;

/// Turns of one player before others get theirs.
/// Why: a turn writes up to 256 KiB; a joining player needs one or two.
pub(crate) const TURNS_MAX: usize = 4;

/// Connections and requests that wait for one worker.
/// Why: a burst of connects fits; when it is full the acceptor waits, and the kernel's backlog holds the rest.
pub(crate) const WORKER_QUEUE_MAX: usize = 1_024;

/// Items that wait between the task of a connection and that of one of its further streams.
/// Why: a read of small audio messages fits; when it is full the connection stops reading, or the stream's player falls
/// behind in the ring.
pub(crate) const SIDE_ITEMS_MAX: usize = 256;

/// Bytes that wait there; one message may exceed it.
/// Why: a fifth of a second of 10 Mbit/s bridges the way to another worker; what waits longer belongs in the ring.
pub(crate) const SIDE_BYTES_MAX: usize = 256 << 10;

/// Bytes of further streams that wait for the socket of a connection which no fan-out writes to; one message may exceed
/// it. Why: as much as one write takes; what waits longer belongs in the ring, where it can be skipped.
pub(crate) const OUTBOX_BYTES_MAX: usize = 64 << 10;

/// Bytes of replies that may wait behind such media before nothing is read from the peer any more.
/// Why: a peer that publishes and takes what it plays slowly must be read on; replies to a publisher are few.
pub(crate) const OUTBOX_REPLIES_MAX: usize = 16 << 10;

/// Times that a connection takes from its further streams before others get a turn.
pub(crate) const SIDE_ROUNDS_MAX: usize = 4;

/// How long a closing connection may take to read our last words and to close its side.
/// Why: a refused encoder shows the reason to a person; a peer that never closes costs one socket for this long.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Bytes that a closing connection reads and throws away while it waits for the peer to close.
/// Why: what is on its way when an encoder is refused is less, at 50 Mbit/s for a whole [`LINGER`]; who sends more does
/// not listen, and throwing a flood away for a second takes a core.
pub(crate) const LINGER_BYTES_MAX: usize = 8 << 20;

/// Time between the last frame of a stream and the words that it is over.
/// Why, a quirk: GStreamer's rtmp2src (1.22 to 1.28) throws away what it has not handed on when StreamEOF arrives, so
/// that the end of every recording would be missing.
pub(crate) const FAREWELL_PAUSE: Duration = Duration::from_millis(250);

/// How long a player whose stream ended may take to read what is left for it.
/// Why: a lagging player is at most 4 s behind; the end of an event is worth as much again.
pub(crate) const PLAY_LINGER: Duration = Duration::from_secs(5);

/// The same for those that are told of a shutdown.
/// Why: many encoders read nothing while they publish and do not close; nobody waits for them within [`LEAVE`].
pub(crate) const LINGER_AT_SHUTDOWN: Duration = Duration::from_millis(400);

/// How long tasks may take to leave in order at shutdown.
/// Why: SIGINT promises to be gone within a second.
pub(crate) const LEAVE: Duration = Duration::from_millis(700);

const _: () = assert!(LINGER_AT_SHUTDOWN.as_millis() < LEAVE.as_millis());

/// Time between two log lines about the same trouble of a listener or worker.
/// Why: a failed accept comes back every 50 ms, a flood of connections thousands of times a second.
pub(crate) const WARN_EVERY: Duration = Duration::from_secs(10);

/// How often a drain looks whether the last session has ended.
pub(crate) const DRAIN_CHECK: Duration = Duration::from_millis(20);

/// How long HTTP waits for the answer of a worker.
/// Why: workers answer within milliseconds; one that does not is missing from the answer, which says so.
pub(crate) const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(2);
