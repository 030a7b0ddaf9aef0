//! Takes what is published and counts its frames, over plain `std::net`, one thread per connection:
//! `cargo run -p bongsu-rtmp --example server -- 127.0.0.1:1935`. The example `relay` also hands it on to players.
//!
//! It bounds what one connection costs, not their number.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure, what drives it is not"
)]
#![expect(clippy::print_stdout, reason = "the output is the point")]

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant, UNIX_EPOCH};
use std::{env, error::Error, sync::Arc, thread};

use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::{ServerSession, server::Event};
use bongsu_rtmp::status::{Code, Status};

/// A peer that takes nothing for so long is given up; without a deadline of the session its silence is looked at as often.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:1935"))?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (socket, peer) = listener.accept()?;
        thread::spawn(move || {
            let mut frames = 0;
            serve(socket, &mut frames).unwrap_or_else(|error| eprintln!("{peer}: {error}"));
            println!("{peer}: {frames} frames");
        });
    }
}

/// Serves one connection to its end.
fn serve(mut socket: TcpStream, frames: &mut usize) -> Result<(), Box<dyn Error>> {
    socket.set_write_timeout(Some(PATIENCE))?;
    let seed = UNIX_EPOCH.elapsed()?.as_nanos().to_ne_bytes();
    let mut session = ServerSession::new(Arc::default(), seed, Instant::now());
    let (mut buffer, mut heard) = (vec![0; 64 << 10], Ok(()));
    loop {
        let now = Instant::now();
        while let Some(event) = session.pump(&mut socket)? {
            match &event {
                Event::Media { kind, .. } => *frames += usize::from(*kind != MediaKind::Data),
                Event::PublishEnded { .. } => return Ok(()),
                Event::Closing { cause } => return Err(cause.to_string().into()),
                _ => {}
            }
            if let Event::PlayRequested { request, .. } = event {
                let status = Status::new(Code::PlayStreamNotFound, "Nothing plays here.");
                session.reject(now, request, &status)?;
            } else if let Some(request) = event.request() {
                session.accept(now, request)?;
            }
        }
        heard?;
        let due = session.poll_timeout().unwrap_or(now + PATIENCE);
        let wait = due.saturating_duration_since(now);
        socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?; // 0 is an error
        heard = match socket.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => session.handle_bytes(Instant::now(), &buffer[..read]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => Ok(()),
                _ => return Err(error.into()),
            },
        };
        session.handle_timeout(Instant::now());
    }
}
