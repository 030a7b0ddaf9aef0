//! Bounds of a push, each with its reason.

use std::time::Duration;

/// Time of one attempt, from the look-up of the name to an accepted publish.
/// Why: a destination that needs longer is down, and the next attempt may find another of its machines.
pub(super) const ATTEMPT: Duration = Duration::from_secs(10);

/// Acknowledged bytes unchanged for this long, while some wait: the push is `stalled`.
/// Why: TCP repairs a lost packet within a second or two; at five somebody should be able to see it.
pub(super) const STALL: Duration = Duration::from_secs(5);
/// Acknowledged bytes unchanged for this long, while some wait: the connection is given up.
/// Why: a new connection helps more than waiting, once viewers have waited for ten seconds.
pub(super) const STALL_CLOSE: Duration = Duration::from_secs(10);
const _: () = assert!(STALL.as_millis() < STALL_CLOSE.as_millis());
/// `TCP_USER_TIMEOUT` of a push.
/// Why: the kernel's must not come before [`STALL_CLOSE`], which also says what happened.
pub(super) const USER_TIMEOUT: Duration = Duration::from_secs(15);
const _: () = assert!(STALL_CLOSE.as_millis() < USER_TIMEOUT.as_millis());
/// Time between two looks at what was acknowledged.
/// Why: one system call four times a second is nothing, and a person sees `live` at once.
pub(super) const MEASURE: Duration = Duration::from_millis(250);

/// Frames encoded ahead of the socket at most.
/// Why: what is encoded can no longer be dropped; the rest waits in the ring, where the drop policy works.
pub(super) const TURN_FRAMES_MAX: usize = 64;
/// Bytes encoded ahead of the socket after which no further frame is taken. Why: as [`TURN_FRAMES_MAX`].
pub(super) const TURN_BYTES_MAX: usize = 256 << 10;
/// Reply bytes that may wait for a destination.
/// Why: one that asks and never reads must not grow memory; pings and acknowledgements are some ten bytes each.
pub(super) const REPLY_BYTES_MAX: usize = 64 << 10;

/// How often a held push repeats the last metadata.
/// Why: services take some ten seconds of silence for the end of a broadcast.
pub(super) const HELD_METADATA: Duration = Duration::from_secs(2);

/// Time to send what is left, to say goodbye and to wait for the destination's close, once a session ends in order.
/// Why: the lag that is worth sending to the end is small; nobody watches a stream that is over.
pub(super) const FAREWELL: Duration = Duration::from_secs(2);
/// The same while the server goes down. Why: within [`crate::limits::LEAVE`], with room for the last words.
pub(super) const FAREWELL_AT_SHUTDOWN: Duration = Duration::from_millis(500);
const _: () = assert!(FAREWELL_AT_SHUTDOWN.as_millis() < crate::limits::LEAVE.as_millis());

/// Upper bound of the pause after the first permanent refusal. It doubles with each further one.
/// Why: a wrong key does not heal by itself, but a service may have been slow to learn a new one.
pub(super) const REFUSED_MIN: Duration = Duration::from_secs(5);
/// Upper bound of the pause after any permanent refusal.
/// Why: services block addresses that keep asking; a minute is what a person waits after correcting a key.
pub(super) const REFUSED_MAX: Duration = Duration::from_secs(60);
/// Pause at least when the name is in use there.
/// Why: it is our own old session, which the destination has not missed yet; most find out within ten seconds.
pub(super) const NAME_TAKEN_MIN: Duration = Duration::from_secs(5);
/// Pause at most when the name is in use there. Why: as [`NAME_TAKEN_MIN`].
pub(super) const NAME_TAKEN_MAX: Duration = Duration::from_secs(10);
/// Pause when the destination is this server itself.
/// Why: it takes a change of the configuration or of DNS to heal.
pub(super) const ITSELF: Duration = Duration::from_secs(60);
/// Time between the starts of two sessions when the first one ended in order to make room for the second.
/// Why: a destination that asks for a new connection at once, each time, must not get a hundred in a second.
pub(super) const IN_ORDER_SPACING: Duration = Duration::from_secs(1);
/// A session that was live for this long begins the counts of attempts and the pauses anew.
pub(super) const LASTED: Duration = Duration::from_secs(60);

/// How long media must arrive again until a destination counts as back and its next failure as a new outage.
/// Why: services with a wrong key take media for some seconds and close, for ever; one warning is enough.
pub(super) const BACK: Duration = Duration::from_secs(10);

/// Changes of state that are remembered.
/// Why: an hour of failing attempts at the longest pause, in some ten KiB.
pub(super) const HISTORY_MAX: usize = 100;
/// Characters kept of each text of a destination.
/// Why: a sentence fits; it is shown in one line of a log or a table.
pub(super) const WORDS_CHARS_MAX: usize = 200;
/// Secrets shorter than this are masked only where they stand alone.
/// Why: a parameter `backup=1` would mask every digit of an error number.
pub(super) const SECRET_ANYWHERE_BYTES_MIN: usize = 4;

/// How often a push looks whether the one of an earlier stream to the same destination has said goodbye.
/// Why: that takes milliseconds, and at most [`FAREWELL`].
pub(super) const EARLIER_CHECK: Duration = Duration::from_millis(20);

/// Redirects followed in a row.
/// Why: a service has a front and a balancer behind it; who needs more leads nowhere. Each costs a connection.
pub(super) const REDIRECTS_MAX: usize = 3;
/// Moves because a destination asked for a new connection, in one [`MOVES_PERIOD`].
/// Why: a service goes through its machines once when it is updated; one that asks every second must not make a loop.
pub(super) const MOVES_MAX: usize = 5;
/// The time in which [`MOVES_MAX`] counts.
pub(super) const MOVES_PERIOD: Duration = Duration::from_secs(600);
/// Tries of one move. Why: the old session goes on meanwhile, and a destination that leaves waits half a minute or a
/// minute; after that the usual retry finds what there is.
pub(super) const MOVE_TRIES_MAX: u32 = 5;
/// Shortest pause between two tries of a move. It doubles with each. Why: as [`IN_ORDER_SPACING`].
pub(super) const MOVE_PAUSE_MIN: Duration = Duration::from_secs(1);
/// How long a new session that was accepted waits for a keyframe. Then it begins with the last one, which repeats some.
/// Why: destinations close publishers that are silent for eight seconds or more.
pub(super) const MOVE_KEYFRAME_WAIT: Duration = Duration::from_secs(5);
