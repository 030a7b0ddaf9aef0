//! Accepts every publish and counts its frames, over plain `std::net`, one thread per connection:
//! `cargo run -p bongsu-rtmp --example server -- 127.0.0.1:1935`. Every second it prints a line for each stream.
//!
//! It bounds what one connection costs, not their number.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure, what drives it is not"
)]
#![expect(clippy::print_stdout, reason = "the output is the point")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{collections::BTreeMap, error::Error, sync::Arc, thread};

use bongsu_rtmp::message::{MediaKind, MessageStreamId};
use bongsu_rtmp::session::server::{Event, ServerConfig};
use bongsu_rtmp::session::{Output, ServerSession, SessionError};
use bongsu_rtmp::status::{Code, Status};
use bongsu_rtmp::url::StreamPath;

const SECOND: Duration = Duration::from_secs(1);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:1935"))?;
    println!("listening on {}", listener.local_addr()?);
    let config = Arc::new(ServerConfig::default());
    loop {
        let (socket, peer) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("cannot accept: {error}");
                thread::sleep(SECOND); // out of files, perhaps
                continue;
            }
        };
        let config = Arc::clone(&config);
        thread::spawn(move || {
            let mut streams = BTreeMap::new();
            if let Err(error) = serve(socket, config, &mut streams) {
                eprintln!("{peer}: {error}");
            }
            for counted in streams.values() {
                counted.print(", lost");
            }
        });
    }
}

/// What came of one stream. Its path may hold a key where names are keys: a real server prints another name then.
struct Counted {
    path: StreamPath,
    frames: usize,
    bytes: usize,
}

impl Counted {
    fn new(path: StreamPath) -> Self {
        let (frames, bytes) = (0, 0);
        Self {
            path,
            frames,
            bytes,
        }
    }

    fn print(&self, end: &str) {
        println!(
            "{}: {} frames, {} bytes{end}",
            self.path, self.frames, self.bytes
        );
    }
}

/// Serves one connection to its end. What is left in `streams` then did not end in order.
fn serve(
    mut socket: TcpStream,
    config: Arc<ServerConfig>,
    streams: &mut BTreeMap<MessageStreamId, Counted>,
) -> Result<(), Box<dyn Error>> {
    socket.set_write_timeout(Some(10 * SECOND))?;
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)?
        .as_nanos()
        .to_ne_bytes();
    let mut session = ServerSession::new(config, seed, Instant::now());
    let mut report_at = Instant::now() + SECOND;
    let mut outcome = Ok(());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let now = Instant::now();
        if report_at <= now {
            streams.values().for_each(|counted| counted.print(""));
            report_at = now + SECOND;
        }
        while let Some(output) = session.poll_output() {
            match output {
                Output::Transmit(bytes) => socket.write_all(&bytes)?,
                Output::Event(Event::Closing { cause }) => return Err(cause.to_string().into()),
                Output::Event(event) => {
                    let handled = on_event(&mut session, streams, now, event);
                    outcome = outcome.and(handled);
                }
            }
        }
        outcome?;
        let due = session.poll_timeout().unwrap_or(report_at).min(report_at);
        let wait = due.saturating_duration_since(now);
        socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?; // 0 is an error
        outcome = match socket.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => session.handle_bytes(Instant::now(), &buffer[..read]),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
                _ => return Err(error.into()),
            },
        };
        session.handle_timeout(Instant::now());
    }
}

fn on_event(
    session: &mut ServerSession,
    streams: &mut BTreeMap<MessageStreamId, Counted>,
    now: Instant,
    event: Event,
) -> Result<(), SessionError> {
    match event {
        Event::ConnectRequested { request, .. } => session.accept(now, request)?,
        Event::PublishRequested {
            request,
            stream,
            target,
            ..
        } => {
            streams.insert(stream, Counted::new(target.path));
            session.accept(now, request)?;
        }
        Event::PlayRequested { request, .. } => {
            let status = Status::new(Code::PlayStreamNotFound, "Nothing plays here.");
            session.reject(now, request, &status)?;
        }
        Event::Media {
            stream,
            kind,
            payload,
            ..
        } if kind != MediaKind::Data => {
            if let Some(counted) = streams.get_mut(&stream) {
                counted.frames += 1;
                counted.bytes += payload.len();
            }
        }
        Event::PublishEnded { stream, .. } => {
            if let Some(counted) = streams.remove(&stream) {
                counted.print(", ended");
            }
        }
        _ => {}
    }
    Ok(())
}
