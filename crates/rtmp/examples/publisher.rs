//! Publishes an FLV file in real time, over plain `std::net`:
//! `cargo run -p bongsu-rtmp --example publisher -- movie.flv 'rtmp://127.0.0.1/live/cam?key=SECRET'`
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure, what drives it is not"
)]
#![expect(clippy::print_stdout, reason = "the output is the point")]

use std::io::{ErrorKind, Read, copy, sink};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant, UNIX_EPOCH};
use std::{env, error::Error, fs, process::exit};

use bongsu_flv::tag;
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::ClientSession;
use bongsu_rtmp::session::client::{ClientConfig, Event, Refusal, Role, Step};
use bongsu_rtmp::url::{RtmpUrl, Scheme};

/// A server that takes nothing, or does not close, for so long is given up.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [file, url] => publish(file, url),
        _ => Err("type: publisher <file.flv> <rtmp://host/app/name>".into()),
    };
    if let Err(error) = outcome {
        eprintln!("error: {error}");
        exit(1);
    }
}

fn publish(file: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let mut reader = tag::Reader::default();
    reader.feed(&fs::read(file).map_err(|error| format!("cannot read {file}: {error}"))?);
    let url = RtmpUrl::parse(url)?;
    if url.scheme() == Scheme::Rtmps {
        return Err("rtmps needs TLS, which std::net does not have".into());
    }
    let mut socket = TcpStream::connect((url.host(), url.port()))
        .map_err(|error| format!("cannot connect to {}: {error}", url.host()))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let seed = UNIX_EPOCH.elapsed()?.as_nanos().to_ne_bytes();
    let config = ClientConfig::new(Role::Publish, url, seed);
    let mut session = ClientSession::new(config, Instant::now());
    while session.step() != Step::Started {
        listen(&mut socket, &mut session, PATIENCE)?;
    }
    let (mut clock, mut frames) = (None, 0);
    while let Some(tag) = reader.next_tag()? {
        let (start, first) = *clock.get_or_insert_with(|| (Instant::now(), tag.timestamp));
        let due = start + Duration::from_millis(tag.timestamp.saturating_sub(first).into());
        while Instant::now() < due {
            listen(&mut socket, &mut session, due - Instant::now())?;
        }
        let kind = tag.kind.map(|kind| kind.type_id());
        if let Some(kind) = kind.and_then(MediaKind::from_type_id) {
            session.send_media(Instant::now(), kind, tag.timestamp, &tag.payload)?;
            send(&mut socket, &mut session)?;
            frames += usize::from(kind != MediaKind::Data);
        }
    }
    session.stop(Instant::now());
    send(&mut socket, &mut session)?;
    // To close at once, with answers unread, could throw away what the server has not read.
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    copy(&mut socket, &mut sink())?;
    println!("published {frames} frames");
    Ok(())
}

/// Sends what is to be sent, then waits for the server: its pings are answered, a refusal is heard at once.
fn listen(
    socket: &mut TcpStream,
    session: &mut ClientSession,
    wait: Duration,
) -> Result<(), Box<dyn Error>> {
    send(socket, session)?;
    socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?; // 0 is an error
    let mut buffer = [0; 4 << 10];
    match socket.read(&mut buffer) {
        Ok(0) => return Err("the server closed the connection".into()),
        Ok(read) => session.handle_bytes(Instant::now(), &buffer[..read])?,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
        Err(error) => return Err(error.into()),
    }
    session.handle_timeout(Instant::now());
    send(socket, session)
}

fn send(socket: &mut TcpStream, session: &mut ClientSession) -> Result<(), Box<dyn Error>> {
    while let Some(event) = session.pump(socket)? {
        // Its code is enough: the server's own words may repeat the key.
        if let Event::Refused(Refusal { code, .. }) | Event::Ended { code, .. } = event {
            return Err(format!("the server said no: {}", code.to_str_lossy()).into());
        }
    }
    Ok(())
}
