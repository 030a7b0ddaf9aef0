//! One connection of a load: connecting, asking, then counting, reading or publishing.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use bongsu_flv::{Class, Kind, classify};
use bongsu_net::StreamOptions;
use bongsu_rtmp::ChunkStreamId;
use bongsu_rtmp::chunk;
use bongsu_rtmp::message::{Control, MediaKind, MessageStreamId, UserControl};
use bongsu_rtmp::session::client::{ClientConfig, Event};
use bongsu_rtmp::session::{ClientSession, Output};
use bytes::{Bytes, BytesMut};
use rustix::net::{RecvFlags, recv};

use super::tally::Tally;
use crate::bench::media::{Frame, Shape, Source, Stamp, now_ns, stamp_of};

/// Reads of one peer in a row. Why: the others have their turn after at most a few megabytes.
const READS_IN_A_ROW: usize = 16;

/// Bytes that a publisher may have unsent. Why: 4 s of a stream of 16 Mbit/s; a server that lets more pile up has
/// stopped reading.
const UNSENT_BYTES_MAX: usize = 8 << 20;

/// Bytes after which a counting player acknowledges. Why: half of the smallest window that servers are known to ask for.
const ACKNOWLEDGE_EVERY_BYTES: u64 = 1_250_000;

/// Time after which a counting player says that it is there. Why: it does not see the pings of the server, and
/// nginx-rtmp closes players that leave one without an answer for 30 s.
const PONG_EVERY_NS: u64 = 20_000_000_000;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Plays and counts bytes: as cheap as it gets.
    Count,
    /// Plays and reads each message.
    Read,
    /// Publishes a synthetic stream.
    Publish(Shape),
}

/// A frame that a reading player got.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) is_audio: bool,
    pub(crate) latency_ns: u64,
}

#[derive(Debug)]
enum Phase {
    Connecting(SocketAddr),
    Session(Box<ClientSession>),
    /// It plays, and its bytes are counted without being looked at.
    Counting {
        acknowledged: u64,
        pong_ns: u64,
    },
    Publishing {
        session: Box<ClientSession>,
        source: Box<Source>,
        began: Instant,
    },
}

/// One connection.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) socket: TcpStream,
    pub(super) tally: Tally,
    job: Job,
    phase: Phase,
    /// What to ask for once it is connected.
    config: Option<Box<ClientConfig>>,
    unsent: BytesMut,
}

impl Peer {
    /// Begins to connect.
    pub(super) fn open(
        address: SocketAddr,
        config: ClientConfig,
        job: Job,
    ) -> Result<Self, String> {
        let connecting = bongsu_net::connect::start(address, &StreamOptions::default())
            .map_err(|error| error.to_string())?;
        Ok(Self {
            socket: connecting.into_nonblocking(),
            tally: Tally {
                opened_ns: now_ns(),
                ..Tally::default()
            },
            job,
            phase: Phase::Connecting(address),
            config: Some(Box::new(config)),
            unsent: BytesMut::new(),
        })
    }

    /// Whether the server has accepted it.
    pub(super) const fn is_accepted(&self) -> bool {
        self.tally.accepted_ns.is_some()
    }

    /// Whether it plays: it only has to be read.
    pub(super) fn is_playing(&self) -> bool {
        self.is_accepted() && !matches!(self.job, Job::Publish(_))
    }

    /// Whether it waits for the socket to take bytes, or to connect.
    pub(super) fn wants_to_write(&self) -> bool {
        !self.unsent.is_empty() || matches!(self.phase, Phase::Connecting(_))
    }

    /// The socket can be written to.
    pub(super) fn on_writable(&mut self) -> Result<(), String> {
        if let Phase::Connecting(address) = self.phase {
            let connected = bongsu_net::connect::is_connected(&self.socket, address)
                .map_err(|error| error.to_string())?;
            let Some(config) = self.config.take_if(|_| connected) else {
                return Ok(());
            };
            let session = ClientSession::new(*config, Instant::now());
            self.phase = Phase::Session(Box::new(session));
            self.drain(&mut |_| {})?;
        }
        self.flush()
    }

    /// Reads what there is.
    pub(super) fn on_readable(
        &mut self,
        scratch: &mut [u8],
        arrived: &mut dyn FnMut(Arrival),
    ) -> Result<(), String> {
        for _ in 0..READS_IN_A_ROW {
            let is_counting = matches!(self.phase, Phase::Counting { .. });
            let read = if is_counting {
                // The kernel throws the bytes away: nobody looks at them.
                recv(&self.socket, &mut *scratch, RecvFlags::TRUNC)
                    .map(|(_, count)| count)
                    .map_err(io::Error::from)
            } else {
                self.socket.read(scratch)
            };
            let count = match read {
                Ok(0) => return Err("the server closed the connection".to_owned()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(format!("the connection broke: {error}")),
            };
            self.tally.came(now_ns(), count);
            if is_counting {
                self.acknowledge()?;
            } else {
                self.take(scratch.get(..count).unwrap_or_default(), arrived)?;
            }
            if count < scratch.len() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8], arrived: &mut dyn FnMut(Arrival)) -> Result<(), String> {
        let now = Instant::now();
        let (Phase::Session(session) | Phase::Publishing { session, .. }) = &mut self.phase else {
            return Ok(());
        };
        let taken = session.handle_bytes(now, bytes);
        self.drain(arrived)?;
        taken.map_err(|error| error.to_string())?;
        self.flush()
    }

    fn drain(&mut self, arrived: &mut dyn FnMut(Arrival)) -> Result<(), String> {
        let mut has_started = false;
        loop {
            let (Phase::Session(session) | Phase::Publishing { session, .. }) = &mut self.phase
            else {
                return Ok(());
            };
            match session.poll_output() {
                None => break,
                Some(Output::Transmit(bytes)) => self.unsent.extend_from_slice(&bytes),
                Some(Output::Event(event)) => match event {
                    Event::Started { .. } => has_started = true,
                    Event::Refused(refusal) => {
                        return Err(format!("refused: {}", refusal.code.to_str_lossy()));
                    }
                    Event::Ended { code, .. } => {
                        return Err(format!("ended: {}", code.to_str_lossy()));
                    }
                    Event::Media { kind, payload, .. } => self.see(kind, &payload, arrived),
                    _ => {}
                },
            }
        }
        if has_started {
            self.start()?;
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), String> {
        let now = now_ns();
        self.tally.accepted_ns = Some(now);
        self.tally.last_ns = now;
        match self.job {
            Job::Read => Ok(()),
            Job::Count => {
                self.phase = Phase::Counting {
                    acknowledged: 0,
                    pong_ns: now,
                };
                Ok(())
            }
            Job::Publish(shape) => self.start_publishing(shape),
        }
    }

    fn start_publishing(&mut self, shape: Shape) -> Result<(), String> {
        let source = Box::new(Source::new(shape));
        let headers = source.headers();
        let began = Instant::now();
        let nothing = Phase::Counting {
            acknowledged: 0,
            pong_ns: 0,
        };
        if let Phase::Session(session) = std::mem::replace(&mut self.phase, nothing) {
            self.phase = Phase::Publishing {
                session,
                source,
                began,
            };
        }
        headers.into_iter().try_for_each(|header| self.send(header))
    }

    /// When a publisher's next frame is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Publishing { source, began, .. } => Some(*began + source.next_due()),
            _ => None,
        }
    }

    /// Sends all frames that are due.
    pub(super) fn publish_due(&mut self, now: Instant) -> Result<(), String> {
        while self.next_due().is_some_and(|due| due <= now) {
            let Phase::Publishing { source, .. } = &mut self.phase else {
                return Ok(());
            };
            let frame = source.next_frame();
            self.tally.frames += 1;
            self.send(frame)?;
        }
        self.flush()
    }

    fn send(&mut self, frame: Frame) -> Result<(), String> {
        let Phase::Publishing { session, .. } = &mut self.phase else {
            return Ok(());
        };
        let kind = match frame.kind {
            Kind::Audio => MediaKind::Audio,
            Kind::Video => MediaKind::Video,
            Kind::Data => MediaKind::Data,
        };
        let payload = Bytes::from(frame.payload);
        session
            .send_media(Instant::now(), kind, frame.timestamp_ms, &payload)
            .map_err(|error| error.to_string())?;
        self.drain(&mut |_| {})?;
        if self.unsent.len() > UNSENT_BYTES_MAX {
            return Err("the server does not read what is published".to_owned());
        }
        Ok(())
    }

    /// Looks at a message of a player that reads.
    fn see(&mut self, kind: MediaKind, payload: &Bytes, arrived: &mut dyn FnMut(Arrival)) {
        let kind = match kind {
            MediaKind::Audio => Kind::Audio,
            MediaKind::Video => Kind::Video,
            MediaKind::Data => return,
        };
        // A counting player sees a keyframe only when it comes with the server's yes: that would flatter.
        if self.job == Job::Read
            && self.tally.keyframe_ns.is_none()
            && classify(kind, payload).class == Class::Keyframe
        {
            self.tally.keyframe_ns = Some(now_ns());
        }
        let Some(Stamp { sequence, sent_ns }) = stamp_of(kind, payload) else {
            return;
        };
        let is_audio = kind == Kind::Audio;
        self.tally.frame(is_audio, sequence);
        // What is older than the player comes from the server's memory, and says nothing of its latency.
        let since = self.tally.accepted_ns.unwrap_or(u64::MAX);
        if sent_ns > since {
            arrived(Arrival {
                is_audio,
                latency_ns: now_ns().saturating_sub(sent_ns),
            });
        }
    }

    /// Tells the server what came, as servers that count windows expect.
    fn acknowledge(&mut self) -> Result<(), String> {
        let (now, received) = (self.tally.last_ns, self.tally.received);
        let Phase::Counting {
            acknowledged,
            pong_ns,
        } = &mut self.phase
        else {
            return Ok(());
        };
        let mut control = Vec::new();
        if received.saturating_sub(*acknowledged) >= ACKNOWLEDGE_EVERY_BYTES {
            *acknowledged = received;
            let count = u32::try_from(received & u64::from(u32::MAX)).unwrap_or(0);
            let message = Control::Acknowledgement(count);
            control.push((message.message_type(), message.encode()));
        }
        if now.saturating_sub(*pong_ns) >= PONG_EVERY_NS {
            *pong_ns = now;
            let pong = UserControl::PingResponse(0);
            control.push((
                bongsu_rtmp::message::MessageType::UserControl,
                pong.encode(),
            ));
        }
        for (message_type, body) in control {
            let header = chunk::Header {
                chunk_stream: ChunkStreamId::CONTROL,
                message_type,
                stream: MessageStreamId::CONNECTION,
                timestamp: 0,
            };
            chunk::encode(&mut self.unsent, &header, &body, chunk::CLIENT_CHUNK_SIZE);
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), String> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(0) => return Err("the connection takes no bytes".to_owned()),
                Ok(count) => {
                    self.tally.sent += count as u64;
                    let _ = self.unsent.split_to(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("the connection broke: {error}")),
            }
        }
        // What a burst needed is given back.
        self.unsent = BytesMut::new();
        Ok(())
    }

    /// Says goodbye, as far as the socket takes it now.
    pub(super) fn stop(&mut self) {
        if let Phase::Session(session) | Phase::Publishing { session, .. } = &mut self.phase {
            session.stop(Instant::now());
            // The connection ends whether the words go out or not.
            let _ = self.drain(&mut |_| {}).and_then(|()| self.flush());
        }
    }
}
