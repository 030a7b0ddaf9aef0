//! Bounds and deadlines of sessions; those of the parsers are in [`crate::limits`].

use std::time::Duration;

/// Reply bytes that may wait inside a session for `poll_output`.
/// Why: one read of pings or commands must not make output without bound; all replies of a normal start are
/// below 2 KiB. [WIRE 210]
pub const UNSENT_BYTES_MAX: usize = 64 << 10;
/// Commands that one connection may send in a second; also the burst.
/// Why: an encoder sends seven in its life, a player that seeks a lot a few a second. [WIRE 209]
pub const COMMANDS_PER_SECOND_MAX: u32 = 100;
/// Bytes kept of each text of `connect` that only informs: flashVer, pageUrl, swfUrl. Longer ones are cut.
/// Why: they live as long as the connection, and nothing is decided by them.
pub const INFORMATION_BYTES_MAX: usize = 256;
/// Entries kept of each codec list of `connect`; further ones are left out.
/// Why: twelve codes are defined.
pub const CODEC_ENTRIES_MAX: usize = 32;
/// Bytes of one codec code that are kept; longer ones are left out.
/// Why: a code has four characters, the star one.
pub const CODEC_CODE_BYTES_MAX: usize = 8;

/// Window Acknowledgement Size and peer bandwidth that we announce, in bytes. [WIRE 096]
/// Why: every server says 2,500,000, and encoders are tested against it.
pub const WINDOW_BYTES: u32 = 2_500_000;
/// Smallest window of a peer that we obey, in bytes. [WIRE 064]
/// Why: a window of a few bytes makes an acknowledgement for every read.
pub const WINDOW_BYTES_MIN: u32 = 32 << 10;
/// Largest window of a peer that we obey, in bytes, and the one that we assume when none is announced.
/// Why: some servers take a longer silence for a dead peer. [WIRE 063]
pub const WINDOW_BYTES_MAX: u32 = 2_500_000;

/// Time for the handshake. [WIRE 005]
/// Why: three packets; ten seconds are enough for people and hardware on bad lines.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time from the handshake to a request to publish or to play, without the time of our own decisions. It
/// starts anew when the last stream of a connection ends. [WIRE 214]
/// Why: a connection that does neither only costs.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Time without a complete audio, video or data message after which a publisher is closed. [WIRE 124]
/// Why: a half-open publisher must be found within 10 seconds; encoders send audio every 23 ms.
pub const PUBLISH_IDLE_TIMEOUT: Duration = Duration::from_secs(8);
/// Time that a client waits for each reply of a server: to connect, to createStream, to publish or play.
/// Why: platforms ask their own backends before they answer. [WIRE 180]
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(15);

const _: () = assert!(WINDOW_BYTES_MIN < WINDOW_BYTES_MAX);
