//! What this crate bounds, and why. Times are of the stream's timeline unless they say otherwise.

use std::time::Duration;

/// Most bytes a stream's ring holds: payloads and images.
/// Why: a publisher must not pin the machine's memory; 20 s of 12 Mb/s fit.
pub const RING_BYTES_MAX: usize = 32 << 20;

/// Most frames a stream's ring holds.
/// Why: bounds the bookkeeping of tiny frames; 20 s of 60 fps video with two audio tracks are about 3,000.
pub const RING_FRAMES_MAX: usize = 4_096;

/// Longest time a stream's ring holds, in milliseconds.
/// Why: a group of pictures longer than this is no use to a joining player, who would begin that far in the past.
pub const RING_MS_MAX: u64 = 20_000;

/// Time a ring holds whatever the keyframes are, in milliseconds: the room a reader has before it lags.
pub const RING_MS_MIN: u64 = 4_000;
const _: () = assert!(RING_MS_MIN < RING_MS_MAX);

/// How far behind the head a reader may be before it skips to the newest keyframe, in milliseconds.
/// Why: a viewer prefers a gap to an ever older picture; equal to what the ring is sure to hold.
pub const LAG_MS_MAX: u64 = 4_000;

/// Where a reader of an audio-only stream begins or resumes, in milliseconds before the head.
/// Why: enough for a player's first buffer, too little to be heard as delay.
pub const AUDIO_ONLY_START_MS: u64 = 1_000;

/// How long a track may send video without any keyframe before it goes out as it is, in milliseconds.
/// Why: frames before a publisher's first keyframe cannot be decoded, but encoders that refresh the picture bit by bit
/// never mark one; after this time something beats nothing.
pub const KEYFRAME_WAIT_MS_MAX: u64 = 10_000;

/// How long readers wait for video that the metadata announces, in milliseconds of the stream.
/// Why: a relay may send sound until its next keyframe, some seconds; the ring keeps as much in any case.
pub const ANNOUNCED_VIDEO_WAIT_MS_MAX: u64 = RING_MS_MIN;

/// Largest metadata message that is kept for joining players, in bytes. A larger one goes out once.
pub const METADATA_BYTES_MAX: usize = 64 << 10;

/// Largest sequence header or config message that is kept for joining players, in bytes. A larger one goes out once.
/// Why: real ones have some hundred bytes; every joining player gets all of them.
pub const HEADER_BYTES_MAX: usize = 64 << 10;

/// Most sequence headers and config messages a stream keeps.
/// Why: 16 tracks of each kind, each with a header and a config, are beyond every real encoder.
pub const HEADERS_MAX: usize = 64;

/// Most bytes in everything that is kept for joining players: metadata, sequence headers, configs.
/// Why: a player that stops reading in the middle of them holds the rest, and may have a shape or message stream of its
/// own. The largest single ones fit four times, real ones several hundred times.
pub const HEADERS_BYTES_MAX: usize = 256 << 10;

/// Most tracks with a clock of their own, audio and video together. Further tracks share the last clock.
pub const CLOCKS_MAX: usize = 32;

/// A first timestamp below this stays as it is, in milliseconds; a larger one is moved to this value.
/// Why: the other kind may begin a little earlier than the first frame seen, and must not fall below zero.
pub const START_MS: u32 = 1_000;

/// A step back beyond this is no jitter but a new time base, in milliseconds.
pub const STEP_BACK_MS_MAX: i64 = 1_000;

/// A step ahead beyond this is no gap but a new time base, in milliseconds. Also how near two kinds must be to count as
/// one time base.
pub const STEP_AHEAD_MS_MAX: i64 = 10_000;

/// How long a publisher must have sent nothing before `if_silent` lets another one take over.
pub const TAKEOVER_SILENCE: Duration = Duration::from_secs(5);

/// Players served in one slice of a pass, before other work of the thread gets a turn.
/// Why: some 0.5 ms at 4 microseconds a send.
pub const PASS_SLICE_PLAYERS: usize = 128;

/// Most bytes written in one turn of a player that catches up.
pub const TURN_BYTES_MAX: usize = 256 << 10;

/// Most frames written in one turn of a player that catches up.
pub const TURN_FRAMES_MAX: usize = 64;

/// Bytes of small frames that a catching-up player gets in one write.
/// Why: one copy of this size costs less than a dozen sends.
pub const GATHER_BYTES_MAX: usize = 64 << 10;

/// Most bytes of replies and statuses that wait for a player.
/// Why: a peer that asks and never reads must not grow memory; its connection is to be closed.
pub const CONTROL_BYTES_MAX: usize = 64 << 10;

/// How long a player may take no byte although some wait for it.
pub const STALL: Duration = Duration::from_secs(30);

/// Shortest time between two searches for players that take no byte.
/// Why: a search looks at every blocked player; a second more or less does not matter to them.
pub const STALL_CHECK: Duration = Duration::from_secs(1);

/// Most memory a fan-out keeps from one pass to the next, in bytes.
/// Why: an ordinary pass must not allocate, a rare big one must not stay.
pub const PASS_BUFFER_KEPT_BYTES: usize = 1 << 20;

/// Most images of frames in other shapes than the publisher's that a fan-out keeps for players yet to be served.
/// Why: what a pass brings, in two or three shapes; it is searched for every frame of such a player.
pub const SHAPED_IMAGES_MAX: usize = 64;

/// Most bytes in them.
/// Why: a few keyframes; what is not there is made again.
pub const SHAPED_IMAGES_BYTES_MAX: usize = 1 << 20;

/// Share of time that passes over the players may take before frames are merged, as its inverse.
/// Why: a pass of 1 ms makes the next one wait 50 ms, so sending costs about 2 % of a core until the cap is reached.
pub const MERGE_DUTY_INVERSE: u32 = 50;

/// Window plus pass by default: what merging may add to the latency of the last player.
pub const MERGE_DEFAULT_MAX: Duration = Duration::from_millis(90);

/// Window plus pass in throughput mode.
pub const MERGE_THROUGHPUT_MAX: Duration = Duration::from_millis(340);

/// How long audio waits for the next video frame in low-latency mode.
pub const MERGE_AUDIO_RIDE_MAX: Duration = Duration::from_millis(20);
