//! A whole relay in this process, on ports that the system chooses, with scripted peers.

#[path = "relay/house.rs"]
mod house;
#[path = "relay/life.rs"]
mod life;
#[path = "relay/streams.rs"]
mod streams;
