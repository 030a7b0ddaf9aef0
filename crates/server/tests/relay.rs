//! A whole relay in this process, on ports that the system chooses, with scripted peers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of tests fails the test by panicking"
)]

#[path = "relay/asked_who.rs"]
mod asked_who;
#[path = "relay/codecs.rs"]
mod codecs;
#[path = "relay/house.rs"]
mod house;
#[path = "relay/known_faults.rs"]
mod known_faults;
#[path = "relay/life.rs"]
mod life;
#[path = "relay/limits.rs"]
mod limits;
#[path = "relay/moving.rs"]
mod moving;
#[path = "relay/one_read.rs"]
mod one_read;
#[path = "relay/pushing.rs"]
mod pushing;
#[path = "relay/sent_elsewhere.rs"]
mod sent_elsewhere;
#[path = "relay/several.rs"]
mod several;
#[path = "relay/streams.rs"]
mod streams;
