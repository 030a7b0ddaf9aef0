//! From a URL to a connected socket: the look-up and the connection, neither of which outlasts the user's patience.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use bongsu_net::StreamOptions;
use bongsu_net::connect::{RaceConfig, connect_first_of};
use bongsu_rtmp::url::RtmpUrl;

use super::{SIGNAL_CHECK, error};
use crate::failure::Failure;
use crate::interrupt;

/// Connects to the server of a URL. Look-up and connection together take `timeout` at most, and end at a signal.
pub(super) fn connect(url: &RtmpUrl, timeout: Duration) -> Result<TcpStream, Failure> {
    let until = Instant::now() + timeout;
    let addresses = look_up(url, resolve, until, timeout)?;
    let race = RaceConfig {
        timeout: until.saturating_duration_since(Instant::now()),
        ..RaceConfig::default()
    };
    // The race keeps its own time, so that it can say who did not answer.
    let raced = move || connect_first_of(addresses, race, &StreamOptions::default());
    match in_background(raced, None, interrupt::happened).map_err(|error| error::system(&error))? {
        Outcome::Done(raced) => raced.map_err(|error| error::unreachable(&error)),
        Outcome::Late | Outcome::Interrupted => Err(Failure::interrupted()),
    }
}

fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.collect())
}

fn look_up(
    url: &RtmpUrl,
    resolve: impl FnOnce(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + 'static,
    until: Instant,
    timeout: Duration,
) -> Result<Vec<SocketAddr>, Failure> {
    let (host, port) = (url.host().to_owned(), url.port());
    let resolved = in_background(
        move || resolve(&host, port),
        Some(until),
        interrupt::happened,
    );
    match resolved.map_err(|error| error::system(&error))? {
        Outcome::Done(addresses) => {
            addresses.map_err(|error| error::unknown_host(url.host(), &error))
        }
        Outcome::Late => Err(error::slow_look_up(url.host(), timeout)),
        Outcome::Interrupted => Err(Failure::interrupted()),
    }
}

/// How waiting for work ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome<T> {
    Done(T),
    Late,
    Interrupted,
}

/// Does work that nothing can cut short, such as a look-up, on a thread of its own, which is left behind when the time
/// is over or a signal came.
fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    until: Option<Instant>,
    interrupted: impl Fn() -> bool,
) -> io::Result<Outcome<T>> {
    let (sender, done) = sync_channel(1);
    std::thread::Builder::new()
        .name("connect".to_owned())
        .spawn(move || {
            // Nobody waits any more when this fails.
            let _ = sender.send(work());
        })?;
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let wait = left.map_or(SIGNAL_CHECK, |left| left.min(SIGNAL_CHECK));
        match done.recv_timeout(wait) {
            Ok(value) => return Ok(Outcome::Done(value)),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("the thread that connects has panicked"));
            }
            Err(RecvTimeoutError::Timeout) if interrupted() => return Ok(Outcome::Interrupted),
            Err(RecvTimeoutError::Timeout) if left.is_some_and(|left| left.is_zero()) => {
                return Ok(Outcome::Late);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work that ends only when its sender is dropped.
    fn hung() -> (std::sync::mpsc::SyncSender<()>, impl FnOnce() + Send) {
        let (sender, receiver) = sync_channel::<()>(0);
        (sender, move || {
            let _ = receiver.recv();
        })
    }

    #[test]
    fn a_look_up_that_hangs_ends_at_the_timeout() {
        let url = RtmpUrl::parse("rtmp://live.example.com/live/cam").unwrap();
        let (_holds, hang) = hung();
        let timeout = Duration::from_millis(50);
        let resolve = move |host: &str, port| {
            assert_eq!((host, port), ("live.example.com", 1935));
            hang();
            Ok(Vec::new())
        };
        let failure = look_up(&url, resolve, Instant::now() + timeout, timeout).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "\
error: cannot find the host live.example.com: no answer from the name server within 50ms
  try:  check this machine's network and name server with `getent hosts <name>`; --timeout waits longer"
        );
    }

    #[test]
    fn a_signal_ends_the_wait_for_what_hangs() {
        let (_holds, hang) = hung();
        let outcome = in_background(hang, None, || true).unwrap();
        assert_eq!(outcome, Outcome::Interrupted);
    }

    #[test]
    fn work_in_time_gives_its_value() {
        let until = Instant::now() + Duration::from_secs(60);
        let outcome = in_background(|| 7, Some(until), || false).unwrap();
        assert_eq!(outcome, Outcome::Done(7));
    }
}
