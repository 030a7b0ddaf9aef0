//! Simulation: publishers, players and pushes that misbehave by chance, on a virtual clock.
//!
//! Every run has a seed. A run that fails prints it; `SIM_SEED=<n> cargo test -p bongsu-hub --test sim` replays it,
//! `SIM_SEEDS=<n>` runs more of them.
#![expect(clippy::unwrap_used, reason = "the model fails by panics")]

mod link;
mod log;
mod publisher;
mod reader;
mod rng;
mod wire;
mod world;

use std::panic;

use world::World;

/// Seeds of an ordinary run.
const SEEDS: u64 = 120;

#[expect(clippy::disallowed_methods, reason = "what to run comes from outside")]
fn asked(name: &str) -> Option<u64> {
    let number = std::env::var(name).ok()?;
    Some(number.parse().expect("SIM_SEED and SIM_SEEDS are numbers"))
}

#[test]
fn everybody_gets_a_stream_that_makes_sense_whatever_happens() {
    if let Some(seed) = asked("SIM_SEED") {
        World::new(seed).run();
        return;
    }
    let mut skips = 0;
    let seeds = asked("SIM_SEEDS").unwrap_or(SEEDS);
    for seed in 0..seeds {
        match panic::catch_unwind(|| World::new(seed).run()) {
            Ok(found) => skips += found,
            Err(cause) => {
                eprintln!("replay with SIM_SEED={seed} cargo test -p bongsu-hub --test sim");
                panic::resume_unwind(cause);
            }
        }
    }
    assert!(
        skips > seeds,
        "the runs must reach what they are for: {skips} skips"
    );
}
