//! A relay over plain `std::net`, one thread per connection: who plays a name gets what is published under it.
//! `cargo run -p bongsu-rtmp --example relay -- 127.0.0.1:1935`, then publish to and play `rtmp://127.0.0.1/live/cam`.
//!
//! Late players get the headers, then what comes. One connection is bounded; their number and that of names is not.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the crate is pure, what drives it is not"
)]
#![expect(clippy::print_stdout, reason = "the output is the point")]

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};
use std::{collections::HashMap, env, error::Error, thread};

use bongsu_flv::{Class, Kind, classify};
use bongsu_rtmp::message::MediaKind;
use bongsu_rtmp::session::ServerSession;
use bongsu_rtmp::session::server::{Event, PlayEnd};
use bongsu_rtmp::url::StreamPath;
use bytes::Bytes;

/// Messages that may wait for a player; one that falls further behind is let go.
const QUEUE: usize = 512;
/// How long a message waits for a player's thread at most.
const TICK: Duration = Duration::from_millis(10);

type Message = (MediaKind, u32, Bytes);

/// Who plays a stream, and what each player must get first.
#[derive(Default)]
struct Live {
    is_published: bool,
    headers: HashMap<(MediaKind, Class), Message>,
    players: Vec<SyncSender<Message>>,
}

impl Live {
    fn join(&mut self) -> Receiver<Message> {
        let (player, messages) = sync_channel(QUEUE);
        let mut headers = self.headers.values();
        if headers.all(|header| player.try_send(header.clone()).is_ok()) {
            self.players.push(player);
        }
        messages
    }

    fn push(&mut self, message: Message) {
        let kind = Kind::from_type_id(message.0.message_type().id());
        let class = kind.map(|kind| classify(kind, &message.2).class);
        if let Some(class @ (Class::SequenceHeader | Class::Config)) = class {
            self.headers.insert((message.0, class), message.clone());
        }
        let send = |player: &SyncSender<_>| player.try_send(message.clone()).is_ok();
        self.players.retain(send);
    }
}

type Streams = Arc<Mutex<HashMap<StreamPath, Live>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:1935"))?;
    println!("listening on {}", listener.local_addr()?);
    let streams = Streams::default();
    loop {
        let (socket, peer) = listener.accept()?;
        let streams = Arc::clone(&streams);
        thread::spawn(move || {
            let mut published = None;
            let served = serve(socket, &streams, &mut published);
            served.unwrap_or_else(|error| eprintln!("{peer}: {error}"));
            if let Some(path) = published {
                streams.lock().expect("no panic under it").remove(&path);
                println!("{path}: ended");
            }
        });
    }
}

/// Serves one connection to its end: one publisher or one player.
fn serve(
    mut socket: TcpStream,
    streams: &Streams,
    published: &mut Option<StreamPath>,
) -> Result<(), Box<dyn Error>> {
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    socket.set_read_timeout(Some(TICK))?;
    let seed = UNIX_EPOCH.elapsed()?.as_nanos().to_ne_bytes();
    let mut session = ServerSession::new(Arc::default(), seed, Instant::now());
    let (mut buffer, mut heard, mut played) = (vec![0; 64 << 10], Ok(()), None);
    loop {
        let now = Instant::now();
        while let Some(event) = session.pump(&mut socket)? {
            let mut streams = streams.lock().expect("no panic under it");
            match &event {
                Event::PublishRequested { target, .. } => {
                    let live = streams.entry(target.path.clone()).or_default();
                    if std::mem::replace(&mut live.is_published, true) {
                        return Err("the name is taken".into());
                    }
                    *published = Some(target.path.clone());
                }
                Event::PlayRequested { stream, target, .. } => {
                    let live = streams.entry(target.path.clone()).or_default();
                    played = Some((*stream, live.join()));
                }
                Event::Media {
                    kind,
                    timestamp,
                    payload,
                    ..
                } => {
                    let path = published.as_ref();
                    if let Some(live) = path.and_then(|path| streams.get_mut(path)) {
                        live.push((*kind, *timestamp, payload.clone()));
                    }
                }
                Event::PublishEnded { .. } | Event::PlayEnded { .. } => return Ok(()),
                Event::Closing { cause } => return Err(cause.to_string().into()),
                _ => {}
            }
            if let Some(request) = event.request() {
                session.accept(now, request)?;
            }
        }
        heard?;
        while let Some((stream, messages)) = &played {
            match messages.try_recv() {
                Ok((kind, time, payload)) => {
                    session.send_media(now, *stream, kind, time, &payload)?;
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    session.end_play(now, *stream, &PlayEnd::Unpublished)?;
                    played = None;
                }
            }
        }
        heard = match socket.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => session.handle_bytes(Instant::now(), &buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(())
            }
            Err(error) => return Err(error.into()),
        };
        session.handle_timeout(Instant::now());
    }
}
