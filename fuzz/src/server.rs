//! The server session against whatever a client says, from any point of its life on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::chunk::Decoder;
use bongsu_rtmp::message::{self, Command, TransactionId};
use bongsu_rtmp::session::limits::UNSENT_BYTES_MAX;
use bongsu_rtmp::session::server::{Event, RequestId, ServerConfig};
use bongsu_rtmp::session::{Output, ServerSession, SessionError};
use bongsu_rtmp::status::{Code, Status};
use bongsu_rtmp::{Limits, MessageStreamId};

use crate::speech;
use crate::steer::{Cuts, Steer};
use crate::wire::{HANDSHAKE_BYTES, Voice, handshake};

/// Longest input.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// Replies that one message may add once the limit of unsent bytes is nearly reached.
const LAST_REPLY_BYTES_MAX: usize = 16 << 10;
/// Deadlines of a session that is left alone: each of its publishers may fall silent at a time of its own.
const DEADLINES_MAX: usize = bongsu_rtmp::limits::MESSAGE_STREAMS_MAX + 3;
/// The key in every name that the script says; `Debug` of no event may show it.
const KEY: &str = "SECRET-canary";

/// A client's bytes behind a scripted beginning, to a driver that decides at once or later.
///
/// Who decides at once sees the same for every split. Whole messages are sent, nothing before the handshake allows it,
/// and not without bound; events fit the states that they tell of; nothing follows the last event or an error; a
/// session that is left alone ends.
pub fn server_session(input: &[u8]) {
    if input.len() > INPUT_BYTES_MAX {
        return;
    }
    let mut steer = Steer::new(input);
    let mode = steer.byte();
    let policy = steer.byte();
    let cuts = Cuts::of(&mut steer);
    let script = script(mode & 7);
    let made;
    let bytes = if mode & 8 == 0 {
        steer.rest()
    } else {
        made = speech::server_hears(&mut steer, Voice::new());
        &made
    };
    let now = Instant::now();
    let whole = Driver::run(now, policy, &script, [bytes]);
    let split = Driver::run(now, policy, &script, cuts.pieces(bytes));
    whole.check_same(&split);
    if mode & 16 != 0 {
        Driver::run_slowly(now, policy, &script, &cuts.pieces(bytes));
    }
}

/// What the client has said before the input begins.
fn script(start: u8) -> Vec<u8> {
    let mut voice = Voice::new();
    if start > 0 {
        voice.raw(&handshake());
    }
    if start > 1 {
        let properties = Properties::new()
            .with("app", "live")
            .with("tcUrl", "rtmp://media.example/live")
            .with("capsEx", 2.0);
        let connect = Command::new("connect", TransactionId::new(1.0));
        voice.command((3, 0), &connect.with_object(properties.into()));
    }
    if start > 2 {
        voice.call((3, 0), "createStream", 2.0, &[]);
    }
    let name = Value::from(format!("cam?key={KEY}"));
    match start {
        4 => voice.call((4, 1), "play", 3.0, &[name]),
        5.. => voice.call((4, 1), "publish", 3.0, &[name, "live".into()]),
        _ => {}
    }
    if start > 6 {
        voice.call((3, 0), "createStream", 4.0, &[]);
        voice.call((4, 2), "play", 5.0, &["other".into()]);
    }
    voice.into_bytes()
}

/// All that a session gave.
struct Outcome {
    said: Vec<u8>,
    events: Vec<Event>,
    result: Result<(), SessionError>,
    ignored: u64,
}

impl Outcome {
    fn check_same(&self, split: &Self) {
        let is_same = |(one, other): (&Event, &Event)| match (one, other) {
            // `objectEncoding` may be NaN, which equals nothing.
            (
                Event::ConnectRequested { connect: one, .. },
                Event::ConnectRequested { connect: other, .. },
            ) => format!("{one:?}") == format!("{other:?}"),
            _ => one == other,
        };
        let is_as_long = self.events.len() == split.events.len();
        let events = || self.events.iter().zip(&split.events);
        assert!(
            is_as_long && events().all(is_same),
            "the split changed {:?} to {:?}",
            self.events,
            split.events
        );
        assert_eq!(self.result, split.result, "the split changed the end");
        assert_eq!(self.ignored, split.ignored);
        assert!(self.said == split.said, "the split changed what was said");
    }
}

/// What a stream is used for, as the events tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Publish,
    Play,
}

struct Driver {
    session: ServerSession,
    now: Instant,
    policy: u8,
    decoder: Decoder,
    handshake_left: usize,
    said: Vec<u8>,
    events: Vec<Event>,
    /// Requests that are not decided.
    open: Vec<(RequestId, Option<(MessageStreamId, Use)>)>,
    withdrawn: BTreeSet<RequestId>,
    uses: BTreeMap<MessageStreamId, Use>,
    decides_later: bool,
    is_closed: bool,
}

impl Driver {
    fn new(now: Instant, policy: u8, decides_later: bool) -> Self {
        let config = Arc::new(ServerConfig::default());
        Self {
            session: ServerSession::new(config, [9; 16], now),
            now,
            policy,
            decoder: Decoder::new(Limits::authorised()),
            handshake_left: HANDSHAKE_BYTES,
            said: Vec::new(),
            events: Vec::new(),
            open: Vec::new(),
            withdrawn: BTreeSet::new(),
            uses: BTreeMap::new(),
            decides_later,
            is_closed: false,
        }
    }

    /// Decides each request at once. The script is always whole and accepted.
    fn run<'a>(
        now: Instant,
        policy: u8,
        script: &[u8],
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Outcome {
        let mut driver = Self::new(now, 0, false);
        driver.say(script).expect("the script is legal");
        driver.policy = policy;
        let mut taken = 0;
        let mut result = Ok(());
        for piece in pieces {
            result = driver.say(piece);
            taken += piece.len();
            let received = script.len() + taken;
            if received < HANDSHAKE_BYTES && result.is_ok() {
                let packets = if received > 1536 { HANDSHAKE_BYTES } else { 0 };
                assert_eq!(driver.said.len(), packets, "said before the handshake ends");
            }
            if result.is_err() {
                driver.check_dead();
                break;
            }
        }
        let ignored = driver.session.ignored_messages();
        if result.is_ok() {
            driver.leave_alone();
        }
        Outcome {
            said: std::mem::take(&mut driver.said),
            events: std::mem::take(&mut driver.events),
            result,
            ignored,
        }
    }

    /// Decides one piece later, with time going by between the pieces.
    fn run_slowly(now: Instant, policy: u8, script: &[u8], pieces: &[&[u8]]) {
        let mut driver = Self::new(now, 0, false);
        driver.say(script).expect("the script is legal");
        driver.policy = policy;
        driver.decides_later = true;
        for (index, piece) in pieces.iter().enumerate() {
            driver.now += Duration::from_millis(u64::from(policy) * 8);
            let now = driver.now;
            driver.session.handle_timeout(now);
            if index % 7 == 0 {
                driver.session.ping(now);
            }
            if driver.drain().is_err() || driver.decide_one(index).is_err() {
                return driver.check_dead();
            }
            while !driver.session.wants_bytes() {
                assert!(!driver.open.is_empty(), "waits for no decision");
                if driver.decide_one(0).is_err() {
                    return driver.check_dead();
                }
            }
            if driver.say(piece).is_err() {
                return driver.check_dead();
            }
        }
        driver.leave_alone();
    }

    fn say(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let handled = self.session.handle_bytes(self.now, bytes);
        self.drain().and(handled)
    }

    fn decide_one(&mut self, index: usize) -> Result<(), SessionError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let (request, wish) = self.open.remove(index % self.open.len());
        self.decide(request, wish)?;
        self.drain()
    }

    fn decide(
        &mut self,
        request: RequestId,
        wish: Option<(MessageStreamId, Use)>,
    ) -> Result<(), SessionError> {
        let number = u32::try_from(self.events.len()).unwrap_or(0) % 8;
        if self.policy >> number & 1 == 1 {
            let status = Status::new(Code::PublishDenied, "No.");
            return self.session.reject(self.now, request, &status);
        }
        if let Some((stream, used)) = wish
            && !self.withdrawn.contains(&request)
            && !self.is_closed
        {
            let before = self.uses.insert(stream, used);
            assert_eq!(before, None, "a stream is used twice");
        }
        self.session.accept(self.now, request)
    }

    fn drain(&mut self) -> Result<(), SessionError> {
        let mut result = Ok(());
        while let Some(output) = self.session.poll_output() {
            assert!(!self.is_closed, "{output:?} behind the last event");
            match output {
                Output::Transmit(bytes) => self.read(&bytes),
                Output::Event(event) => {
                    assert!(!format!("{event:?}").contains(KEY));
                    let request = self.follow(&event);
                    self.events.push(event);
                    let Some((request, wish)) = request else {
                        continue;
                    };
                    if self.decides_later {
                        self.open.push((request, wish));
                    } else {
                        result = result.and(self.decide(request, wish));
                    }
                }
            }
        }
        result
    }

    /// Holds an event against what is known of the streams; gives the request that it raises.
    fn follow(&mut self, event: &Event) -> Option<(RequestId, Option<(MessageStreamId, Use)>)> {
        match event {
            Event::ConnectRequested { request, .. } => return Some((*request, None)),
            Event::PublishRequested {
                request, stream, ..
            } => return Some((*request, Some((*stream, Use::Publish)))),
            Event::PlayRequested {
                request, stream, ..
            } => return Some((*request, Some((*stream, Use::Play)))),
            Event::RequestWithdrawn { request } => {
                let withdrawn = self.withdrawn.insert(*request);
                assert!(withdrawn, "withdrawn twice");
            }
            Event::Media { stream, .. } | Event::MetadataCleared { stream } => {
                assert_eq!(self.uses.get(stream), Some(&Use::Publish), "{event:?}");
            }
            Event::PublishEnded { stream, .. } => {
                assert_eq!(self.uses.remove(stream), Some(Use::Publish), "{event:?}");
            }
            Event::PublishLost { stream } => {
                assert_eq!(self.uses.remove(stream), Some(Use::Publish), "{event:?}");
            }
            Event::PlayEnded { stream } => {
                assert_eq!(self.uses.remove(stream), Some(Use::Play), "{event:?}");
            }
            Event::PauseRequested { stream, .. }
            | Event::ReceiveAudio { stream, .. }
            | Event::ReceiveVideo { stream, .. } => {
                assert_eq!(self.uses.get(stream), Some(&Use::Play), "{event:?}");
            }
            Event::Closing { .. } => self.is_closed = true,
            _ => {}
        }
        None
    }

    /// Everything said is whole messages that can be read.
    fn read(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= UNSENT_BYTES_MAX + LAST_REPLY_BYTES_MAX);
        self.said.extend_from_slice(bytes);
        if bytes.starts_with(b"HTTP/1.1 400 ") {
            return;
        }
        let (packets, mut rest) = bytes.split_at(self.handshake_left.min(bytes.len()));
        self.handshake_left -= packets.len();
        self.decoder.set_now(self.now);
        while let Some(message) = self.decoder.decode(&mut rest).expect("we speak RTMP") {
            message::decode(&message, Limits::authorised().amf).expect("we say what we mean");
        }
        assert_eq!(self.decoder.partial_bytes(), 0, "half a message");
    }

    /// After an error nothing more comes.
    fn check_dead(&mut self) {
        self.decides_later = true;
        while self.session.poll_output().is_some() {}
        let now = self.now;
        assert!(self.session.wants_bytes());
        assert_eq!(self.session.handle_bytes(now, &handshake()), Ok(()));
        assert_eq!(self.session.poll_output(), None, "it speaks after its end");
        assert_eq!(self.session.poll_timeout(), None, "it waits after its end");
    }

    /// A session that hears nothing more ends, unless its players or our decisions keep it.
    fn leave_alone(&mut self) {
        for _ in 0..DEADLINES_MAX {
            let Some(deadline) = self.session.poll_timeout() else {
                let is_kept = !self.open.is_empty() || !self.uses.is_empty();
                assert!(self.is_closed || is_kept, "{:?} never ends", self.session);
                return;
            };
            self.session.handle_timeout(deadline);
            self.now = self.now.max(deadline);
            self.drain().expect("time is no error");
        }
        panic!("{:?} has deadlines without end", self.session);
    }
}
