//! Handshakes that nobody finishes, from a process of their own: 10,000 connections need as many descriptors again.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use bongsu_testkit::{Process, RunDir};

use super::wire::{HANDSHAKE_BYTES, connect, hello};
use super::{Held, Outcome, wait_for_closes};

/// What the process answers before its figures.
const ANSWER: &str = "half-open:";
/// How long the process may take.
const LIMIT: Duration = Duration::from_secs(40);
/// Descriptors that a process needs for other things than its attackers.
const OTHER_FILES: u64 = 100;

/// How much of a handshake each of them sends, in turn: nothing, C0, half of C1, all of C1, half of C2.
const STEPS: [usize; 5] = [
    0,
    1,
    1 + HANDSHAKE_BYTES / 2,
    1 + HANDSHAKE_BYTES,
    1 + HANDSHAKE_BYTES + HANDSHAKE_BYTES / 2,
];

/// How many of `wanted` connections this process, and the relay, may have open.
///
/// # Panics
///
/// When the limit cannot be raised.
#[must_use]
pub fn possible(wanted: u32) -> u32 {
    let limit = bongsu_net::raise_file_limit().expect("a file limit that can be raised");
    let files = limit
        .now
        .map_or_else(|| u64::from(wanted), |files| files - OTHER_FILES);
    wanted.min(u32::try_from(files).unwrap_or(wanted))
}

/// Starts the process and gives what it saw.
///
/// # Panics
///
/// When the process fails.
pub fn run(
    dir: &RunDir,
    program: &str,
    address: SocketAddr,
    count: u32,
    deadline: Duration,
) -> Outcome {
    let mut command = std::process::Command::new(program);
    command.args([
        address.to_string(),
        count.to_string(),
        deadline.as_millis().to_string(),
    ]);
    let mut process = Process::start("half-open", dir.path(), &mut command);
    process.wait_for_success(LIMIT);
    let output = process.output();
    let figures: Vec<u32> = output
        .lines()
        .find_map(|line| line.strip_prefix(ANSWER))
        .into_iter()
        .flat_map(str::split_whitespace)
        .filter_map(|figure| figure.parse().ok())
        .collect();
    let [connections, left_open, late] = figures[..] else {
        panic!("no figures in: {output}");
    };
    Outcome {
        connections,
        left_open,
        late: Duration::from_millis(late.into()),
    }
}

/// The process: its arguments are those that [`run`] gives it.
///
/// # Panics
///
/// When they are not, or when it cannot connect.
pub fn main(mut arguments: impl Iterator<Item = String>) {
    let mut next = || {
        arguments
            .next()
            .expect("<address> <count> <deadline in ms>")
    };
    let address = next().parse().expect("an address");
    let count = next().parse().expect("a count");
    let deadline = Duration::from_millis(next().parse().expect("milliseconds"));
    let outcome = half_open(address, count, deadline);
    println!(
        "{ANSWER} {} {} {}",
        outcome.connections,
        outcome.left_open,
        outcome.late.as_millis()
    );
}

fn half_open(address: SocketAddr, count: u32, deadline: Duration) -> Outcome {
    let count = possible(count);
    let all = [hello(), vec![7; HANDSHAKE_BYTES]].concat();
    let held: Vec<Held> = (0..count)
        .zip(STEPS.iter().cycle())
        .map(|(_, step)| {
            let mut stream = connect(address);
            // Who is turned away may be closed already.
            let _ = stream.write_all(&all[..*step]);
            Held::new(stream, deadline)
        })
        .collect();
    wait_for_closes(held)
}
