//! From a name to a connected socket: the look-up, and the race between the addresses.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Instant;

use bongsu_net::connect::{self, AttemptId, Race, RaceConfig, race};
use bongsu_net::{ConnectError, StreamOptions};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::failure::Failure;
use super::limits::USER_TIMEOUT;

/// Looks a name up on the runtime for such things, because a resolver may block a thread. People see it as `shown`.
pub(super) async fn resolve(
    control: &tokio::runtime::Handle,
    (host, port): (&str, u16),
    shown: &str,
) -> Result<Vec<SocketAddr>, Failure> {
    let name = host.to_owned();
    let look_up = control.spawn(async move {
        let found = tokio::net::lookup_host((name, port)).await?;
        std::io::Result::Ok(found.collect::<Vec<SocketAddr>>())
    });
    match look_up.await {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(Failure::lost(format!("cannot resolve {shown}: {error}"))),
        Err(_) => Err(Failure::lost(format!("the look-up of {shown} was cut off"))),
    }
}

/// A socket on its way.
struct Runner {
    attempt: AttemptId,
    address: SocketAddr,
    socket: TcpStream,
}

/// Connects to whichever address answers first.
pub(super) async fn first_of(
    addresses: Vec<SocketAddr>,
    deadline: Instant,
) -> Result<TcpStream, Failure> {
    let now = Instant::now();
    let timeout = deadline.saturating_duration_since(now);
    let mut race = Race::new(
        addresses,
        RaceConfig {
            timeout,
            ..RaceConfig::default()
        },
        now,
    );
    let mut runners: Vec<Runner> = Vec::new();
    loop {
        while let Some(output) = race.poll_output() {
            match output {
                race::Output::Start { attempt, address } => match start(attempt, address) {
                    Ok(runner) => runners.push(runner),
                    Err(error) => race.handle_failed(attempt, error, Instant::now()),
                },
                race::Output::Connected { attempt, .. } => {
                    let mut runners = runners.into_iter();
                    let winner = runners.find(|runner| runner.attempt == attempt);
                    let winner = winner.ok_or_else(|| Failure::lost("the connection got lost"))?;
                    return Ok(winner.socket);
                }
                race::Output::Failed(error) => return Err(Failure::lost(error.to_string())),
                _ => {}
            }
        }
        let until = race.poll_timeout().unwrap_or(deadline);
        let any = poll_fn(|context| poll_any(&runners, context));
        match tokio::time::timeout_at(until.into(), any).await {
            Ok(index) => report(&mut race, &mut runners, index),
            Err(_) => race.handle_timeout(Instant::now()),
        }
    }
}

fn start(attempt: AttemptId, address: SocketAddr) -> Result<Runner, ConnectError> {
    let options = StreamOptions {
        user_timeout: Some(USER_TIMEOUT),
        ..StreamOptions::default()
    };
    let connecting = connect::start(address, &options)?;
    let socket = TcpStream::from_std(connecting.into_nonblocking())
        .map_err(|source| ConnectError::Other { address, source })?;
    Ok(Runner {
        attempt,
        address,
        socket,
    })
}

/// The place of a socket that has an outcome.
fn poll_any(runners: &[Runner], context: &mut Context<'_>) -> Poll<usize> {
    let is_ready = |runner: &Runner| runner.socket.poll_write_ready(context).is_ready();
    runners
        .iter()
        .position(is_ready)
        .map_or(Poll::Pending, Poll::Ready)
}

/// Tells the race what became of a socket.
fn report(race: &mut Race, runners: &mut Vec<Runner>, index: usize) {
    let runner = &runners[index];
    match connect::is_connected(&runner.socket, runner.address) {
        Ok(true) => race.handle_connected(runner.attempt),
        Ok(false) => {
            // A false alarm: forget the readiness, so that the next one counts.
            let not_yet = || Err::<(), _>(std::io::ErrorKind::WouldBlock.into());
            let _ = runner.socket.try_io(Interest::WRITABLE, not_yet);
        }
        Err(error) => {
            race.handle_failed(runner.attempt, error, Instant::now());
            runners.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    use super::super::failure::Kind;
    use super::*;
    use crate::egress::Reach;

    fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[tokio::test]
    async fn an_address_that_refuses_leaves_the_race_to_the_next() {
        let (closed, refusing) = listener();
        drop(closed);
        let (open, answering) = listener();
        let socket = first_of(vec![refusing, answering], soon()).await.unwrap();
        assert_eq!(socket.peer_addr().unwrap(), answering);
        let (_, peer) = open.accept().unwrap();
        assert_eq!(socket.local_addr().unwrap(), peer);
    }

    #[tokio::test]
    async fn every_address_that_failed_is_named() {
        let (closed, refusing) = listener();
        drop(closed);
        let failure = first_of(vec![refusing], soon()).await.unwrap_err();
        assert_eq!(failure.kind, Kind::Lost);
        assert_eq!(
            failure.reason,
            format!("cannot connect to {refusing}: connection refused")
        );
        let failure = first_of(Vec::new(), soon()).await.unwrap_err();
        assert_eq!(failure.reason, "there is no address to connect to");
    }

    /// [WIRE 217]
    #[tokio::test]
    async fn odd_spellings_of_an_address_are_judged_by_what_they_resolve_to() {
        let control = tokio::runtime::Handle::current();
        let public = Reach::of(&["203.0.113.7:1935".parse().unwrap()]);
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0",
            "::ffff:127.0.0.1",
            "localhost",
        ] {
            let resolved = resolve(&control, (host, 1935), host).await.unwrap();
            assert!(public.check(&resolved).is_err(), "{host}: {resolved:?}");
        }
    }

    #[tokio::test]
    async fn addresses_resolve_to_themselves_and_nonsense_to_a_reason() {
        let control = tokio::runtime::Handle::current();
        let resolved = resolve(&control, ("127.0.0.1", 1935), "").await.unwrap();
        assert_eq!(resolved, ["127.0.0.1:1935".parse().unwrap()]);
        let resolved = resolve(&control, ("::1", 1935), "").await.unwrap();
        assert_eq!(resolved, ["[::1]:1935".parse().unwrap()]);
        let failure = resolve(&control, ("a name with spaces.invalid", 1935), "a *** name")
            .await
            .unwrap_err();
        assert!(failure.reason.starts_with("cannot resolve a *** name: "));
    }
}
