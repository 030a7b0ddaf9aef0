//! Measures what a burst of connections feels when the accept loop is busy, for several backlogs.
//!
//! `cargo run --release --example backlog [-- <connections> <busy ms>]`: that many clients connect on loopback,
//! spread over 100 ms, while the server does something else for so long; then it accepts all, and greets each
//! with one byte. A client's time runs from its connect to that byte, and a client that waits for longer than
//! 10 s gives up. Five rounds per backlog; the table shows the median of the rounds.
#![allow(clippy::print_stdout)] // the table is the point

use std::error::Error;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use bongsu_net::{
    ListenOptions, StreamOptions, connect, kernel_backlog_max, listen, raise_file_limit,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const BACKLOGS: [u32; 4] = [1, 15, 128, 1024];
const ROUNDS: usize = 5;
const CONNECTIONS: usize = 500;
const BUSY: Duration = Duration::from_millis(200);
/// The clients connect within this time.
const SPREAD: Duration = Duration::from_millis(100);
/// A client that was not greeted by then has given up.
const PATIENCE: Duration = Duration::from_secs(10);
/// A client that was greeted so soon after the server was back did not have to send its SYN again.
const AT_ONCE: Duration = Duration::from_millis(500);

/// What the clients of one round saw.
struct Round {
    at_once: usize,
    median: Duration,
    slowest: Duration,
    gave_up: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let connections = arguments
        .next()
        .map_or(Ok(CONNECTIONS), |text| text.parse())?;
    let busy = arguments
        .next()
        .map_or(Ok(BUSY), |text| text.parse().map(Duration::from_millis))?;
    raise_file_limit()?;
    let cap = kernel_backlog_max().map_or_else(|| "unknown".to_owned(), |cap| cap.to_string());
    println!(
        "{connections} connections within {} ms, accept loop busy for {} ms, net.core.somaxconn {cap}, \
         median of {ROUNDS} rounds",
        SPREAD.as_millis(),
        busy.as_millis()
    );
    println!("| backlog | served at once | median | slowest | gave up |");
    println!("|---:|---:|---:|---:|---:|");
    for backlog in BACKLOGS {
        let rounds: Result<Vec<_>, _> = (0..ROUNDS)
            .map(|_| run_round(backlog, connections, busy))
            .collect();
        print_row(backlog, &rounds?);
    }
    Ok(())
}

fn print_row(backlog: u32, rounds: &[Round]) {
    let at_once = middle(rounds.iter().map(|round| round.at_once));
    let median = middle(rounds.iter().map(|round| round.median));
    let slowest = middle(rounds.iter().map(|round| round.slowest));
    let gave_up = middle(rounds.iter().map(|round| round.gave_up));
    println!(
        "| {backlog} | {at_once} | {:.2} s | {:.2} s | {gave_up} |",
        median.as_secs_f64(),
        slowest.as_secs_f64()
    );
}

fn middle<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn run_round(backlog: u32, connections: usize, busy: Duration) -> Result<Round, Box<dyn Error>> {
    let options = ListenOptions {
        backlog,
        ..ListenOptions::default()
    };
    let listening = listen(SocketAddr::from(([127, 0, 0, 1], 0)), &options)?;
    let address = listening.local_address();
    let listener = listening.into_nonblocking()?;
    thread::scope(|scope| {
        let until = Instant::now() + SPREAD + PATIENCE;
        scope.spawn(move || {
            thread::sleep(busy);
            greet(&listener, connections, until);
        });
        run_clients(address, connections)
    })
}

/// Accepts until every client was greeted, and keeps the connections until then.
fn greet(listener: &std::net::TcpListener, connections: usize, until: Instant) {
    let mut greeted = Vec::new();
    while greeted.len() < connections && Instant::now() < until {
        match listener.accept() {
            Ok((stream, _)) => {
                let _ = bongsu_net::send(&stream, b"!");
                greeted.push(stream);
            }
            Err(_) => wait(&[listener], PollFlags::IN, Duration::from_millis(100)),
        }
    }
}

fn run_clients(address: SocketAddr, connections: usize) -> Result<Round, Box<dyn Error>> {
    // A client of the wild has the kernel's own patience, not ours.
    let options = StreamOptions {
        user_timeout: None,
        ..StreamOptions::default()
    };
    let mut waiting: Vec<(Instant, TcpStream)> = Vec::new();
    let (begin, step) = (Instant::now(), SPREAD / u32::try_from(connections)?.max(1));
    for due in (0..).map(|number| begin + step * number).take(connections) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        waiting.push((
            Instant::now(),
            connect::start(address, &options)?.into_nonblocking(),
        ));
    }
    let mut times = Vec::new();
    while !waiting.is_empty() {
        let sockets: Vec<&TcpStream> = waiting.iter().map(|(_, stream)| stream).collect();
        wait(&sockets, PollFlags::IN, Duration::from_millis(100));
        waiting.retain(|(since, stream)| match stream.peek(&mut [0]) {
            Ok(1..) => {
                times.push(since.elapsed());
                false
            }
            Err(error) if is_early(&error) && since.elapsed() < PATIENCE => true,
            _ => {
                times.push(PATIENCE);
                false
            }
        });
    }
    Ok(Round {
        at_once: times.iter().filter(|time| **time < AT_ONCE).count(),
        median: middle(times.iter().copied()),
        slowest: times.iter().copied().max().unwrap_or_default(),
        gave_up: times.iter().filter(|time| **time >= PATIENCE).count(),
    })
}

fn is_early(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::NotConnected
    )
}

fn wait(sockets: &[impl AsFd], events: PollFlags, at_most: Duration) {
    let mut fds: Vec<PollFd<'_>> = sockets
        .iter()
        .map(|socket| PollFd::new(socket, events))
        .collect();
    let _ = poll(&mut fds, Timespec::try_from(at_most).ok().as_ref());
}
