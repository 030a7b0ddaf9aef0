//! Recorded sessions of real clients, cut off at every byte and damaged in every way, on a virtual clock: the session
//! ends in order, within its deadlines, and never holds or says more than it was given. [WIRE 206] [WIRE 210]
//!
//! `MUTATIONS=100000 cargo test --release -p bongsu-rtmp --test spec_hostile` damages so many of them, and cuts at every
//! byte of the media too.
#![allow(clippy::unwrap_used, reason = "the helpers are part of the tests")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bongsu_rtmp::session::limits::{
    HANDSHAKE_TIMEOUT, PUBLISH_IDLE_TIMEOUT, REQUEST_TIMEOUT, UNSENT_BYTES_MAX,
};
use bongsu_rtmp::session::server::{Event, ServerConfig};
use bongsu_rtmp::session::{Output, ServerSession, SessionError};

#[path = "server_session/script.rs"]
mod script;
#[path = "client_session/told.rs"]
mod told;

use script::{Random, epoch, request_of};

/// Damaged sessions without `MUTATIONS`: what a debug build does in some seconds.
const MUTATIONS: u64 = 20_000;
/// Without `MUTATIONS`, cuts in the middle of the media are so many bytes apart: a debug build would take minutes.
const MEDIA_STEP_BYTES: usize = 23;
/// Every byte before this one and of the last so many counts: handshake, commands and metadata, first frames; the end.
const OPENING_BYTES: usize = 5_000;
const ENDING_BYTES: usize = 300;
/// The longest piece of a session's bytes: the shell reads so much at once.
const PIECE_BYTES_MAX: u64 = 64 << 10;
/// The longest piece of a session that is cut out, doubled or moved.
const DAMAGE_BYTES_MAX: u64 = 600;
/// The last words of a session that breaks a rule come on top of what may wait.
const LAST_WORDS_BYTES_MAX: usize = 1 << 10;

/// How a session that broke no rule ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// By itself: a deadline passed.
    Closed,
    /// It plays, and a player may be silent.
    Plays,
}

/// A session whose caller accepts every request as soon as it sees it.
struct Driver {
    session: ServerSession,
    now: Instant,
    events: Vec<Event>,
    given: usize,
    media: usize,
    plays: bool,
    closing: bool,
}

impl Driver {
    fn new(now: Instant) -> Self {
        Self {
            session: ServerSession::new(Arc::new(ServerConfig::default()), [9; 16], now),
            now,
            events: Vec::new(),
            given: 0,
            media: 0,
            plays: false,
            closing: false,
        }
    }

    fn give(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.given += bytes.len();
        let taken = self.session.handle_bytes(self.now, bytes);
        self.drain().and(taken)
    }

    fn drain(&mut self) -> Result<(), SessionError> {
        let mut said = 0;
        let mut result = Ok(());
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Transmit(bytes) => said += bytes.len(),
                Output::Event(event) => {
                    match &event {
                        Event::Media { payload, .. } => self.media += payload.len(),
                        Event::PlayRequested { .. } => self.plays = true,
                        Event::PlayEnded { .. } => self.plays = false,
                        Event::Closing { .. } => self.closing = true,
                        _ => {}
                    }
                    let request = request_of(&event);
                    self.events.push(event);
                    if let Some(request) = request {
                        let accepted = self.session.accept(self.now, request);
                        result = result.and(accepted);
                    }
                }
            }
        }
        assert!(
            said <= UNSENT_BYTES_MAX + LAST_WORDS_BYTES_MAX,
            "{said} bytes of replies at once"
        );
        assert!(
            self.media <= self.given,
            "{} bytes of media out of {}",
            self.media,
            self.given
        );
        result
    }

    /// Says nothing any more, until the session has ended.
    fn fall_silent(&mut self) -> Result<End, SessionError> {
        let patience = HANDSHAKE_TIMEOUT + REQUEST_TIMEOUT + PUBLISH_IDLE_TIMEOUT;
        let silent_since = self.now;
        while !self.closing {
            let Some(due) = self.session.poll_timeout() else {
                assert!(self.plays, "{:?} waits for ever", self.session);
                return Ok(End::Plays);
            };
            assert!(
                due <= silent_since + patience,
                "{:?} waits for {:?}",
                self.session,
                due - silent_since
            );
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            self.drain()?;
        }
        Ok(End::Closed)
    }
}

/// Every transcript in `tests/vectors`, in the order of its name.
fn transcripts() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "bin"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() >= 11, "{} transcripts", files.len());
    files
}

/// Goal: whoever falls silent, in the middle of whatever, raises what it has said and is closed at its deadline.
#[test]
fn a_session_that_is_cut_off_at_any_byte_ends_at_its_deadline() {
    let now = epoch();
    let everything = std::env::var_os("MUTATIONS").is_some();
    for (name, transcript) in transcripts() {
        let mut whole = Driver::new(now);
        whole.give(&transcript).unwrap();
        let mut ends = [0_u32; 2];
        let dense =
            |length: usize| length < OPENING_BYTES || length + ENDING_BYTES > transcript.len();
        let cuts = (0..transcript.len())
            .filter(|length| everything || dense(*length) || length % MEDIA_STEP_BYTES == 0);
        for length in cuts {
            let mut cut = Driver::new(now);
            cut.give(&transcript[..length])
                .unwrap_or_else(|error| panic!("{name}, {length} bytes: {error}"));
            assert!(
                whole.events.starts_with(&cut.events),
                "{name}, {length} bytes: {:?}",
                cut.events.last()
            );
            match cut.fall_silent() {
                Ok(End::Closed) => ends[0] += 1,
                Ok(End::Plays) => ends[1] += 1,
                other => panic!("{name}, {length} bytes: {other:?}"),
            }
        }
        let plays = name.contains("-play");
        assert!(ends[0] > 3_000, "{name}: {ends:?}");
        assert_eq!(ends[1] > 0, plays, "{name}: {ends:?}");
    }
}

/// Goal: no damage to what a real client says makes a session panic, wait for ever, or give more than it got.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long to run comes from outside"
)]
fn a_session_that_is_damaged_anywhere_ends_in_order() {
    let count = std::env::var("MUTATIONS").map_or(MUTATIONS, |count| count.parse().unwrap());
    let transcripts: Vec<Vec<u8>> = transcripts().into_iter().map(|(_, bytes)| bytes).collect();
    let now = epoch();
    let (mut errors, mut closed, mut plays) = (0_u64, 0_u64, 0_u64);
    for seed in 1..=count {
        let mut random = Random::new(seed);
        let bytes = damaged(&mut random, &transcripts);
        match live(now, &mut random, &bytes) {
            Ok(End::Closed) => closed += 1,
            Ok(End::Plays) => plays += 1,
            Err(error @ SessionError::ApiMisuse(_)) => panic!("seed {seed}: {error}"),
            Err(_) => errors += 1,
        }
    }
    println!(
        "{count} damaged sessions: {errors} broke a rule, {closed} closed at a deadline, {plays} played on"
    );
    assert!(
        [errors, closed, plays]
            .iter()
            .all(|ends| *ends > count / 50),
        "{errors} {closed} {plays}"
    );
}

fn live(now: Instant, random: &mut Random, bytes: &[u8]) -> Result<End, SessionError> {
    let mut driver = Driver::new(now);
    let mut rest = bytes;
    while !rest.is_empty() && !driver.closing {
        let magnitude = random.below(PIECE_BYTES_MAX.ilog2().into());
        let (piece, behind) = rest.split_at(below(random, 2 << magnitude).min(rest.len()));
        rest = behind;
        driver.now += Duration::from_millis(random.below(50));
        driver.give(piece)?;
    }
    driver.fall_silent()
}

/// One of the transcripts with one to four wounds. Most of them are where the structure is: behind the handshake, in
/// the first two kilobytes.
fn damaged(random: &mut Random, transcripts: &[Vec<u8>]) -> Vec<u8> {
    let pick = |random: &mut Random| &transcripts[below(random, transcripts.len() as u64)];
    let mut bytes = pick(random).clone();
    for _ in 0..=random.below(4) {
        let end = bytes.len() as u64;
        let at = match random.below(4) {
            0 => random.below(end),
            _ => 3_073_u64.min(end - 1) + random.below(end.saturating_sub(3_073).clamp(1, 2_048)),
        };
        let at = usize::try_from(at).unwrap().min(bytes.len() - 1);
        let piece = at..bytes.len().min(at + 1 + below(random, DAMAGE_BYTES_MAX));
        match random.below(8) {
            0 => bytes[at] = below(random, 256).to_be_bytes()[7],
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = [0, 0x7f, 0x80, 0xff][below(random, 4)],
            3 => {
                let width = piece.len().min(1 + below(random, 4));
                bytes[at..at + width].fill(0xff);
            }
            4 => drop(bytes.drain(piece)),
            5 => {
                let again = bytes[piece].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                let noise: Vec<u8> = piece.map(|_| below(random, 256).to_be_bytes()[7]).collect();
                bytes.splice(at..at, noise);
            }
            _ => {
                let other = pick(random);
                let from = below(random, other.len() as u64);
                let to = other.len().min(from + piece.len());
                bytes.splice(piece, other[from..to].iter().copied());
            }
        }
        if bytes.is_empty() {
            bytes.push(3);
        }
    }
    bytes
}

fn below(random: &mut Random, bound: u64) -> usize {
    usize::try_from(random.below(bound)).unwrap()
}
