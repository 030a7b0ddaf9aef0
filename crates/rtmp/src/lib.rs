//! RTMP 1.0 as plain values and state machines: bytes and time go in, messages and bytes come out.
//!
//! It holds the handshake, the chunk stream, AMF0 and AMF3, typed messages, URLs and the two sessions
//! ([`session`]). It deliberately has no sockets, no clock, no threads, no async and no randomness of its own:
//! the caller passes bytes, `now` and seeds. It does not look into audio or video payloads, keeps no policy
//! (who may publish is the caller's answer to a request) and speaks neither RTMPE nor RTMPT.
//!
//! Every parser gives the same result for every split of its input, holds memory only for bytes that came, and
//! is bounded by a [`limits::Limits`] value. Rules cite their source as `[RTMP 5.3.1.3]` (the Adobe document),
//! `[E-RTMP v2: ...]`, or `[WIRE 053]` (a numbered statement of `docs/spec-coverage.md`).
//!
//! # A server
//!
//! All of it: `serve` takes every publish and counts its frames, on anything that reads and writes. It decides at
//! once; a caller that takes its time to decide reads nothing while
//! [`wants_bytes`](session::ServerSession::wants_bytes) is false. [`session`] has the contract in words.
//!
//! ```
//! use std::error::Error;
//! use std::io::{self, ErrorKind, Read, Write};
//! use std::net::{TcpListener, TcpStream};
//! use std::sync::Arc;
//! use std::time::{Duration, Instant};
//!
//! use bongsu_rtmp::handshake::Seed;
//! use bongsu_rtmp::message::MediaKind;
//! use bongsu_rtmp::session::server::{Event, ServerConfig};
//! use bongsu_rtmp::session::{Output, ServerSession};
//! use bongsu_rtmp::status::{Code, Status};
//!
//! fn serve<S: Read + Write>(
//!     mut socket: S,
//!     set_read_timeout: impl Fn(&S, Option<Duration>) -> io::Result<()>,
//!     config: Arc<ServerConfig>,
//!     seed: Seed,
//! ) -> Result<usize, Box<dyn Error>> {
//!     let mut session = ServerSession::new(config, seed, Instant::now());
//!     let mut buffer = vec![0; 64 << 10];
//!     let mut outcome = Ok(());
//!     let mut frames = 0;
//!     loop {
//!         // 1. Take what the session gives until it is empty. After an error too: it may hold a last answer.
//!         while let Some(output) = session.poll_output() {
//!             let event = match output {
//!                 Output::Transmit(bytes) => {
//!                     socket.write_all(&bytes)?;
//!                     continue;
//!                 }
//!                 Output::Event(event) => event,
//!             };
//!             match event {
//!                 // Who may publish is your decision. Keep the first error: events may stand behind it.
//!                 Event::ConnectRequested { request, .. } | Event::PublishRequested { request, .. } => {
//!                     let accepted = session.accept(Instant::now(), request);
//!                     outcome = outcome.and(accepted);
//!                 }
//!                 Event::PlayRequested { request, .. } => {
//!                     let status = Status::new(Code::PlayStreamNotFound, "There is nothing to play.");
//!                     session.reject(Instant::now(), request, &status)?;
//!                 }
//!                 Event::Media { kind: MediaKind::Audio | MediaKind::Video, .. } => frames += 1,
//!                 Event::PublishEnded { .. } => println!("ended in order after {frames} frames"),
//!                 Event::Closing { .. } => return Ok(frames),
//!                 _ => {}
//!             }
//!         }
//!         outcome?;
//!
//!         // 2. Wait for bytes, but no longer than the session says. A timeout of 0 is an error to std.
//!         let now = Instant::now();
//!         let due = session.poll_timeout();
//!         let wait = due.map(|due| due.saturating_duration_since(now).max(Duration::from_millis(1)));
//!         set_read_timeout(&socket, wait)?;
//!         outcome = match socket.read(&mut buffer) {
//!             Ok(0) => return Ok(frames),
//!             Ok(read) => session.handle_bytes(Instant::now(), &buffer[..read]),
//!             Err(error) => match error.kind() {
//!                 ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(()),
//!                 _ => return Err(error.into()),
//!             },
//!         };
//!
//!         // 3. Let it act on its deadlines; an early call does nothing.
//!         session.handle_timeout(Instant::now());
//!     }
//! }
//!
//! # use bongsu_rtmp::session::client::{self, ClientConfig, Role, Step};
//! # use bongsu_rtmp::session::{Capabilities, ClientSession};
//! # fn publish_two_frames(mut socket: TcpStream) {
//! #     let config = ClientConfig {
//! #         role: Role::Publish,
//! #         url: bongsu_rtmp::url::RtmpUrl::parse("rtmp://localhost/live/cam").unwrap(),
//! #         seed: [2; 16],
//! #         limits: bongsu_rtmp::Limits::authorised(),
//! #         chunk_size: bongsu_rtmp::chunk::CLIENT_CHUNK_SIZE,
//! #         capabilities: Capabilities::forwarding(),
//! #     };
//! #     let bodies: [(MediaKind, &'static [u8]); 3] = [
//! #         (MediaKind::Data, b"\x02\0\x01x"),
//! #         (MediaKind::Audio, b"\xaf\x01\x02"),
//! #         (MediaKind::Video, b"\x27\x01\0\0\0"),
//! #     ];
//! #     let mut session = ClientSession::new(config, Instant::now());
//! #     let mut buffer = [0; 4096];
//! #     loop {
//! #         while let Some(output) = session.poll_output() {
//! #             match output {
//! #                 Output::Transmit(bytes) => socket.write_all(&bytes).unwrap(),
//! #                 Output::Event(client::Event::Started { .. }) => {
//! #                     for (kind, body) in bodies {
//! #                         let body = bytes::Bytes::from_static(body);
//! #                         session.send_media(Instant::now(), kind, 0, &body).unwrap();
//! #                     }
//! #                     session.stop(Instant::now());
//! #                 }
//! #                 Output::Event(client::Event::Stepped(_)) => {}
//! #                 Output::Event(event) => panic!("{event:?}"),
//! #             }
//! #         }
//! #         if session.step() == Step::Stopped {
//! #             break;
//! #         }
//! #         let read = socket.read(&mut buffer).unwrap();
//! #         assert!(read > 0);
//! #         session.handle_bytes(Instant::now(), &buffer[..read]).unwrap();
//! #     }
//! #     socket.shutdown(std::net::Shutdown::Write).unwrap();
//! #     while socket.read(&mut buffer).unwrap() > 0 {}
//! # }
//! # fn main() -> Result<(), Box<dyn Error>> {
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! # let client = TcpStream::connect(listener.local_addr()?)?;
//! # let client = std::thread::spawn(|| publish_two_frames(client));
//! let (socket, _peer) = listener.accept()?;
//! let seed = *b"any random bytes";
//! let frames = serve(socket, TcpStream::set_read_timeout, Arc::default(), seed)?;
//! # client.join().unwrap();
//! assert_eq!(frames, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # A client
//!
//! It runs by itself up to [`Event::Started`](session::client::Event::Started). This one publishes one frame; its
//! deadlines are left out, they are those of the server above.
//!
//! ```
//! use std::error::Error;
//! use std::io::{Read, Write};
//! use std::time::Instant;
//!
//! use bongsu_rtmp::Limits;
//! use bongsu_rtmp::chunk::CLIENT_CHUNK_SIZE;
//! use bongsu_rtmp::message::MediaKind;
//! use bongsu_rtmp::session::client::{ClientConfig, Event, Refusal, Role, Step};
//! use bongsu_rtmp::session::{Capabilities, ClientSession, Output};
//! use bongsu_rtmp::url::RtmpUrl;
//! use bytes::Bytes;
//!
//! fn publish(mut socket: impl Read + Write, url: &str, frame: &Bytes) -> Result<(), Box<dyn Error>> {
//!     let config = ClientConfig {
//!         role: Role::Publish,
//!         url: RtmpUrl::parse(url)?,
//!         seed: *b"any random bytes",
//!         limits: Limits::authorised(),
//!         chunk_size: CLIENT_CHUNK_SIZE,
//!         capabilities: Capabilities::forwarding(),
//!     };
//!     let mut session = ClientSession::new(config, Instant::now());
//!     let mut buffer = [0; 4096];
//!     loop {
//!         while let Some(output) = session.poll_output() {
//!             match output {
//!                 Output::Transmit(bytes) => socket.write_all(&bytes)?,
//!                 Output::Event(Event::Started { .. }) => {
//!                     session.send_media(Instant::now(), MediaKind::Audio, 0, frame)?;
//!                     session.stop(Instant::now());
//!                 }
//!                 Output::Event(Event::Refused(Refusal { code, .. }) | Event::Ended { code, .. }) => {
//!                     return Err(code.to_str_lossy().into());
//!                 }
//!                 Output::Event(_) => {}
//!             }
//!         }
//!         if session.step() == Step::Stopped {
//!             return Ok(());
//!         }
//!         match socket.read(&mut buffer)? {
//!             0 => return Err("the server closed the connection".into()),
//!             read => session.handle_bytes(Instant::now(), &buffer[..read])?,
//!         }
//!     }
//! }
//! # use bongsu_rtmp::session::{ServerSession, server};
//! # fn media_of_one_publish(mut socket: std::net::TcpStream) -> Bytes {
//! #     let mut session = ServerSession::new(std::sync::Arc::default(), [2; 16], Instant::now());
//! #     let mut buffer = [0; 4096];
//! #     let mut media = Bytes::new();
//! #     loop {
//! #         while let Some(output) = session.poll_output() {
//! #             match output {
//! #                 // The client does not wait for the answer to its goodbye.
//! #                 Output::Transmit(bytes) => drop(socket.write_all(&bytes)),
//! #                 Output::Event(server::Event::Media { payload, .. }) => media = payload,
//! #                 Output::Event(server::Event::PublishEnded { .. }) => return media,
//! #                 Output::Event(
//! #                     server::Event::ConnectRequested { request, .. }
//! #                     | server::Event::PublishRequested { request, .. },
//! #                 ) => session.accept(Instant::now(), request).unwrap(),
//! #                 Output::Event(event) => panic!("{event:?}"),
//! #             }
//! #         }
//! #         let read = socket.read(&mut buffer).unwrap();
//! #         assert!(read > 0);
//! #         session.handle_bytes(Instant::now(), &buffer[..read]).unwrap();
//! #     }
//! # }
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let socket = std::net::TcpStream::connect(listener.local_addr()?)?;
//! # let server = std::thread::spawn(move || media_of_one_publish(listener.accept().unwrap().0));
//! # let frame = Bytes::from_static(b"\xaf\x01\x02");
//! # publish(socket, "rtmp://localhost/live/cam", &frame)?;
//! # assert_eq!(server.join().unwrap(), frame);
//! # Ok::<(), Box<dyn Error>>(())
//! ```
//!
//! The examples `server` and `publisher` are these two grown up, over `std::net`: frames counted by connection, and FLV
//! files in real time; `relay` hands on to players what it gets. Those whose writes block save some lines with
//! [`pump`](session::ServerSession::pump). What the payloads are, `bongsu-flv` tells.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
#![deny(missing_docs, clippy::allow_attributes_without_reason)]

pub mod amf0;
pub mod amf3;
pub mod chunk;
pub mod handshake;
pub mod limits;
pub mod message;
mod reader;
pub mod session;
pub mod status;
pub mod text;
pub mod timestamp;
pub mod url;

pub use chunk::ChunkStreamId;
pub use limits::{Limit, LimitExceeded, Limits};
pub use message::{MessageStreamId, MessageType};
pub use text::Text;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
