//! Live streams without sockets: publisher slot, output timeline, ring, cursors, hold, takeover, drop policy and the
//! fan-out to players.
//!
//! A [`LiveStream`] takes what a publisher sends, puts it on the stream's own timeline, encodes it once and keeps it
//! in a ring from the last keyframe on. A [`Fanout`] writes the same bytes to every player in sync and serves those
//! behind by position; a [`Cursor`] reads frame by frame, for pushes and everything that writes its own headers. A
//! [`Schedule`] says when the next pass over the players is due.
//!
//! What this crate deliberately does not do: touch a socket, a clock, a thread or randomness; know the wire format
//! (the caller's [`Encode`] does); decide who may publish or play. Bytes and time come in, writes and events go out.

mod cursor;
mod encode;
mod fanout;
mod frame;
mod headers;
mod lag;
pub mod limits;
mod position;
mod ring;
mod schedule;
mod shaped;
mod stream;
mod takeover;
#[cfg(test)]
mod testing;
mod timeline;

pub use bongsu_flv::{Kind, Shape};
pub use cursor::{Cursor, Drops, Next};
pub use encode::{Encode, SHARED_MESSAGE_STREAM};
pub use fanout::{
    Event, Fanout, Filter, Pass, PlayerId, PlayerStats, QueueError, Removed, Turn, Write, Written,
};
pub use frame::Frame;
pub use schedule::{Merge, Schedule};
use stream::Settled;
pub use stream::{
    Config, Dropped, LiveStream, Outlook, Prospect, Published, PublisherId, Pushed, State,
    StreamStats, Track, Unpublish,
};
pub use takeover::{Identity, Refused, Takeover};
