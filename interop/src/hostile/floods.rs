//! More than anybody has to say, and answers that nobody reads.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bongsu_testkit::raw::Peer;

use super::{GRACE, Outcome, together, wire};

/// How long a write may wait before the flood looks at the time.
const WRITE_TURN: Duration = Duration::from_millis(100);
/// Messages that are written at once.
const BATCH: usize = 2_000;

/// Writes `bytes` over and over, and reads nothing, until the relay closes the connection.
#[must_use]
pub fn until_closed(mut stream: TcpStream, bytes: &[u8], deadline: Duration) -> Outcome {
    let mut outcome = Outcome {
        connections: 1,
        ..Outcome::default()
    };
    let due = Instant::now() + deadline;
    stream
        .set_write_timeout(Some(WRITE_TURN))
        .expect("a write timeout");
    let mut at = 0;
    loop {
        match stream.write(&bytes[at..]) {
            Ok(count) => at = (at + count) % bytes.len(),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            Err(_) => {
                outcome.late = Instant::now().saturating_duration_since(due);
                return outcome;
            }
        }
        if Instant::now() > due + GRACE {
            outcome.left_open = 1;
            return outcome;
        }
    }
}

/// Commands as fast as they can be written, before `connect` and behind it.
#[must_use]
pub fn commands(address: SocketAddr, count: u32) -> Outcome {
    let names = [
        "createStream",
        "nonsense",
        "releaseStream",
        "getStreamLength",
        "FCPublish",
        "closeStream",
    ];
    together(count, |index| {
        let name = names[usize::try_from(index).unwrap() % names.len()];
        let stream = if index % 2 == 0 {
            wire::shake(address)
        } else {
            let mut peer = Peer::open(address);
            peer.connect("live");
            peer.into_parts().0
        };
        until_closed(stream, &wire::command(name).repeat(BATCH), Duration::ZERO)
    })
}

/// Pings of strangers, publishers and players, who read no answer.
///
/// A stranger or publisher is not read from while it does not read, so that its deadline ends it. A player is closed
/// when too many answers wait for it.
#[must_use]
pub fn pings(
    address: SocketAddr,
    count: u32,
    request: Duration,
    publish_idle: Duration,
) -> Outcome {
    let pings = wire::ping().repeat(BATCH);
    together(count, |index| {
        let mut peer = Peer::open(address);
        let deadline = match index % 3 {
            0 => request,
            1 => {
                let _ = peer.publish("live", &format!("pings-{index}"));
                publish_idle
            }
            _ => {
                peer.play("live", "steady");
                Duration::ZERO
            }
        };
        until_closed(peer.into_parts().0, &pings, deadline)
    })
}
