//! The client session against whatever a server says, from any point of its life on.

use std::time::Instant;

use bongsu_rtmp::Limits;
use bongsu_rtmp::chunk::{CLIENT_CHUNK_SIZE, Decoder};
use bongsu_rtmp::message::{self, Command, MediaKind, TransactionId};
use bongsu_rtmp::session::client::{ClientConfig, Event, Role, Step};
use bongsu_rtmp::session::{Capabilities, ClientSession, Output, SessionError};
use bongsu_rtmp::url::RtmpUrl;
use bytes::Bytes;

use crate::speech;
use crate::steer::{Cuts, Steer};
use crate::wire::{HANDSHAKE_BYTES, Voice, handshake, info};

/// Longest input.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// The key of the stream; `Debug` shows it nowhere.
const KEY: &str = "SECRET-canary";

/// A server's bytes behind a scripted beginning, to a client that publishes or plays.
///
/// Every split gives the same. Whole messages are sent, and after the last event nothing; media comes only to a player
/// whose play has started; the steps only go forward.
pub fn client_session(input: &[u8]) {
    if input.len() > INPUT_BYTES_MAX {
        return;
    }
    let mut steer = Steer::new(input);
    let mode = steer.byte();
    let role = if mode & 1 == 0 {
        Role::Publish
    } else {
        Role::Play
    };
    let cuts = Cuts::of(&mut steer);
    let script = script(role, mode >> 1 & 7);
    let made;
    let bytes = if mode & 16 == 0 {
        steer.rest()
    } else {
        made = speech::client_hears(&mut steer, Voice::new());
        &made
    };
    let now = Instant::now();
    let whole = Driver::run(now, role, &script, [bytes]);
    let split = Driver::run(now, role, &script, cuts.pieces(bytes));
    assert_eq!(whole.events, split.events, "the split changed the events");
    assert!(whole == split, "the split changed what was sent");
}

/// What the server has said before the input begins.
fn script(role: Role, start: u8) -> Vec<u8> {
    let mut voice = Voice::new();
    if start > 0 {
        voice.raw(&handshake());
    }
    if start > 1 {
        let success = info("status", "NetConnection.Connect.Success").with("capsEx", 15.0);
        voice.call((3, 0), "_result", 1.0, &[success.into()]);
    }
    if start > 2 {
        let transaction = match role {
            Role::Publish => 4.0,
            Role::Play => 2.0,
        };
        let created = Command::result(TransactionId::new(transaction)).with_argument(1.0);
        voice.command((3, 0), &created);
    }
    if start > 3 {
        let code = match role {
            Role::Publish => "NetStream.Publish.Start",
            Role::Play => "NetStream.Play.Start",
        };
        voice.call((5, 1), "onStatus", 0.0, &[info("status", code).into()]);
    }
    voice.into_bytes()
}

/// All that a session gave.
#[derive(PartialEq)]
struct Outcome {
    sent: Vec<u8>,
    events: Vec<Event>,
    result: Result<(), SessionError>,
    step: Step,
}

struct Driver {
    session: ClientSession,
    role: Role,
    decoder: Decoder,
    sent: Vec<u8>,
    /// How much of `sent` was looked at.
    read: usize,
    events: Vec<Event>,
    step: Step,
    has_started: bool,
    is_over: bool,
}

impl Driver {
    fn new(now: Instant, role: Role) -> Self {
        let url = format!("rtmp://media.example/live/cam?key={KEY}");
        let config = ClientConfig {
            role,
            url: RtmpUrl::parse(&url).expect("a URL"),
            seed: [7; 16],
            limits: Limits::authorised(),
            chunk_size: CLIENT_CHUNK_SIZE,
            capabilities: Capabilities::forwarding(),
        };
        Self {
            session: ClientSession::new(config, now),
            role,
            decoder: Decoder::new(Limits::authorised()),
            sent: Vec::new(),
            read: 0,
            events: Vec::new(),
            step: Step::Handshaking,
            has_started: false,
            is_over: false,
        }
    }

    fn run<'a>(
        now: Instant,
        role: Role,
        script: &[u8],
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Outcome {
        let mut driver = Self::new(now, role);
        driver.drain(now);
        driver
            .session
            .handle_bytes(now, script)
            .expect("the script is legal");
        driver.drain(now);
        let mut result = Ok(());
        for piece in pieces {
            result = driver.session.handle_bytes(now, piece);
            driver.drain(now);
            if result.is_err() {
                driver.is_over = true;
                break;
            }
        }
        let step = driver.session.step();
        let (sent, events) = (driver.sent.clone(), driver.events.clone());
        driver.finish(now);
        Outcome {
            sent,
            events,
            result,
            step,
        }
    }

    fn drain(&mut self, now: Instant) {
        let mut has_raised = false;
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(bytes) => {
                    assert!(!has_raised, "bytes behind an event");
                    self.sent.extend_from_slice(&bytes);
                }
                Output::Event(event) => {
                    has_raised = true;
                    self.follow(&event);
                    self.events.push(event);
                }
            }
        }
        let step = self.session.step();
        assert!(step >= self.step, "a step back");
        self.step = step;
        assert!(!format!("{:?}", self.session).contains(KEY));
        self.check_sent(now);
    }

    fn follow(&mut self, event: &Event) {
        assert!(!self.is_over, "{event:?} behind the last event");
        assert!(!format!("{event:?}").contains(KEY));
        match event {
            Event::Started { .. } => {
                assert!(!self.has_started, "started twice");
                self.has_started = true;
            }
            Event::Media { .. } => {
                assert!(self.has_started && self.role == Role::Play, "{event:?}");
            }
            Event::Refused(_) => {
                assert!(!self.has_started);
                self.is_over = true;
            }
            Event::Ended { .. } => {
                assert!(self.has_started);
                self.is_over = true;
            }
            _ => {}
        }
    }

    /// Everything sent is whole messages that can be read.
    fn check_sent(&mut self, now: Instant) {
        if self.step == Step::Handshaking {
            let answers = [1537, HANDSHAKE_BYTES];
            assert!(
                answers.contains(&self.sent.len()),
                "sent {}",
                self.sent.len()
            );
            return;
        }
        let from = self.read.max(HANDSHAKE_BYTES);
        let mut rest = self.sent.get(from..).unwrap_or_default();
        self.decoder.set_now(now);
        while let Some(message) = self.decoder.decode(&mut rest).expect("we speak RTMP") {
            message::decode(&message, Limits::authorised().amf).expect("we say what we mean");
        }
        assert_eq!(self.decoder.partial_bytes(), 0, "half a message");
        self.read = self.sent.len();
    }

    /// Media, the deadline, goodbye: then there is nothing more.
    fn finish(&mut self, now: Instant) {
        let payload = Bytes::from_static(b"\x02\x00\x0aonMetaData\x05");
        for kind in [MediaKind::Data, MediaKind::Audio, MediaKind::Video] {
            let sent = self.session.send_media(now, kind, 40, &payload);
            let publishes = self.step == Step::Started && self.role == Role::Publish;
            assert_eq!(sent.is_ok(), publishes);
        }
        self.drain(now);
        if let Some(deadline) = self.session.poll_timeout() {
            self.session.handle_timeout(deadline);
            self.drain(now);
            assert!(self.is_over, "a deadline has no end");
        }
        self.session.stop(now);
        self.drain(now);
        self.is_over = true;
        assert_eq!(self.session.step(), Step::Stopped);
        assert_eq!(self.session.poll_timeout(), None);
        let said = self.session.handle_bytes(now, &handshake());
        assert_eq!(said, Ok(()), "it listens after its end");
        assert_eq!(self.session.poll_output(), None, "it speaks after its end");
    }
}
