//! Goal: times on every output, wherever the publisher's clock starts, steps or wraps, and for weeks.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod jumps;
mod scene;
mod starts;
mod tracks;
mod weeks;
