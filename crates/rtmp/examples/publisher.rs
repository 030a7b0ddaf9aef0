//! Publishes an FLV file in real time, over plain `std::net`:
//! `cargo run -p bongsu-rtmp --example publisher -- movie.flv 'rtmp://127.0.0.1/live/cam?key=SECRET'`
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure, what drives it is not"
)]
#![expect(clippy::print_stdout, reason = "the output is the point")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{error::Error, fs::File, process::ExitCode};

use bongsu_flv::{Kind, tag};
use bongsu_rtmp::session::client::{ClientConfig, Event, Refusal, Role, Step};
use bongsu_rtmp::session::{Capabilities, ClientSession, Output};
use bongsu_rtmp::url::{RtmpUrl, Scheme};
use bongsu_rtmp::{Limits, chunk::CLIENT_CHUNK_SIZE, message::MediaKind};

/// A server that takes nothing, or does not close, for so long is given up.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [file, url] => publish(file, url),
        _ => Err("type: publisher <file.flv> <rtmp://host/app/name>".into()),
    };
    match outcome {
        Ok((frames, bytes)) => println!("published {frames} frames, {bytes} bytes"),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn publish(file: &str, url: &str) -> Result<(usize, usize), Box<dyn Error>> {
    let mut file = File::open(file).map_err(|error| format!("cannot open {file}: {error}"))?;
    let (mut socket, mut session) = connect(RtmpUrl::parse(url)?)?;
    let (mut reader, mut piece) = (tag::Reader::default(), [0; 16 << 10]);
    let (mut frames, mut bytes, mut clock) = (0, 0, None);
    loop {
        let Some(tag) = reader.next_tag()? else {
            match file.read(&mut piece)? {
                0 => break,
                read => reader.feed(&piece[..read]),
            }
            continue;
        };
        let kind = match tag.kind {
            Some(Kind::Audio) => MediaKind::Audio,
            Some(Kind::Video) => MediaKind::Video,
            Some(Kind::Data) => MediaKind::Data,
            None => continue,
        };
        let (start, first) = *clock.get_or_insert_with(|| (Instant::now(), tag.timestamp));
        let due = start + Duration::from_millis(tag.timestamp.saturating_sub(first).into());
        while Instant::now() < due {
            listen(&mut socket, &mut session, due)?;
        }
        session.send_media(Instant::now(), kind, tag.timestamp, &tag.payload)?;
        drain(&mut socket, &mut session)?;
        if kind != MediaKind::Data {
            (frames, bytes) = (frames + 1, bytes + tag.payload.len());
        }
    }
    session.stop(Instant::now());
    drain(&mut socket, &mut session)?;
    // To close at once, with answers unread, could throw away what the server has not read.
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    while socket.read(&mut piece)? > 0 {}
    Ok((frames, bytes))
}

/// Connects, and asks until the server lets us publish.
fn connect(url: RtmpUrl) -> Result<(TcpStream, ClientSession), Box<dyn Error>> {
    if url.scheme() == Scheme::Rtmps {
        return Err("rtmps needs TLS, which std::net does not have".into());
    }
    let mut socket = TcpStream::connect((url.host(), url.port()))
        .map_err(|error| format!("cannot connect to {}: {error}", url.host()))?;
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let config = ClientConfig {
        role: Role::Publish,
        url,
        seed: SystemTime::now()
            .duration_since(UNIX_EPOCH)?
            .as_nanos()
            .to_ne_bytes(),
        limits: Limits::authorised(),
        chunk_size: CLIENT_CHUNK_SIZE,
        capabilities: Capabilities::forwarding(),
    };
    let mut session = ClientSession::new(config, Instant::now());
    drain(&mut socket, &mut session)?;
    while session.step() != Step::Started {
        let until = session.poll_timeout().unwrap_or_else(Instant::now);
        listen(&mut socket, &mut session, until)?;
    }
    Ok((socket, session))
}

/// Waits for bytes of the server, until `until` at most: pings are answered, a refusal is heard at once.
fn listen(
    socket: &mut TcpStream,
    session: &mut ClientSession,
    until: Instant,
) -> Result<(), Box<dyn Error>> {
    let wait = until.saturating_duration_since(Instant::now());
    socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?; // 0 is an error
    let mut buffer = [0; 4 << 10];
    let outcome = match socket.read(&mut buffer) {
        Ok(0) => return Err("the server closed the connection".into()),
        Ok(read) => session.handle_bytes(Instant::now(), &buffer[..read]),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
            _ => return Err(error.into()),
        },
    };
    session.handle_timeout(Instant::now());
    drain(socket, session)?;
    Ok(outcome?)
}

fn drain(socket: &mut TcpStream, session: &mut ClientSession) -> Result<(), Box<dyn Error>> {
    while let Some(output) = session.poll_output() {
        match output {
            Output::Transmit(bytes) => socket.write_all(&bytes)?,
            // Its code is enough: the server's own words may repeat the key.
            Output::Event(Event::Refused(Refusal { code, .. }) | Event::Ended { code, .. }) => {
                return Err(format!("the server said no: {}", code.to_str_lossy()).into());
            }
            Output::Event(_) => {}
        }
    }
    Ok(())
}
