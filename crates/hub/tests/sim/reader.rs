//! What a player or a push got, and whether it makes sense.

use std::collections::{HashMap, HashSet};

use bongsu_flv::Features;
use bongsu_hub::{Kind, Shape};

use crate::{
    log::{Log, What},
    wire::{self, Parsed},
};

/// The shadow of one player or push.
#[derive(Debug)]
pub(crate) struct Reader {
    name: String,
    message_stream: u32,
    pub(crate) shape: Shape,
    buffer: Vec<u8>,
    /// Whether it always wanted everything, so that each gap must be a skip.
    pub(crate) always_open: bool,
    times: HashMap<(Kind, u8), u32>,
    headers: HashMap<(Kind, u8), u64>,
    last: Option<u64>,
    frames: HashMap<u8, u64>,
    keyed: HashSet<u8>,
    /// Messages below were there when it started or skipped last.
    came_at: u64,
    pub(crate) gaps: u64,
    pub(crate) last_gap: String,
    /// Messages that are no headers, and all of them.
    pub(crate) in_place: u64,
    pub(crate) messages: u64,
    pub(crate) controls: u32,
    pub(crate) by_kind: HashMap<Kind, u64>,
}

impl Reader {
    pub(crate) fn new(name: String, message_stream: u32, shape: Shape) -> Self {
        Self {
            name,
            message_stream,
            shape,
            buffer: Vec::new(),
            always_open: true,
            times: HashMap::new(),
            headers: HashMap::new(),
            last: None,
            frames: HashMap::new(),
            keyed: HashSet::new(),
            came_at: 0,
            gaps: 0,
            last_gap: String::new(),
            in_place: 0,
            messages: 0,
            controls: 0,
            by_kind: HashMap::new(),
        }
    }

    pub(crate) fn feed(&mut self, log: &Log, bytes: &mut Vec<u8>) {
        self.buffer.append(bytes);
        while let Some(parsed) = wire::parse(&mut self.buffer) {
            match parsed {
                Parsed::Control(number) => {
                    assert_eq!(number, self.controls, "{}: replies in order", self.name);
                    self.controls += 1;
                }
                Parsed::Media {
                    message_stream,
                    kind,
                    timestamp,
                    payload,
                } => {
                    assert_eq!(message_stream, self.message_stream, "{}", self.name);
                    self.message(log, kind, timestamp, &payload);
                }
            }
        }
    }

    /// Whether shared images are what it gets of messages with these features.
    pub(crate) fn is_shared(&self, features: Features) -> bool {
        self.message_stream == 1 && !self.shape.changes(features)
    }

    /// Whether it holds whole messages only.
    pub(crate) fn is_whole(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Whether it has got the newest of everything.
    pub(crate) fn is_current(&self, log: &Log) -> bool {
        let newest = (0..log.head()).rev().map(|order| log.at(order).1);
        let frame = newest
            .clone()
            .find(|sent| matches!(sent.what, What::Key | What::Audio));
        frame.is_none_or(|frame| self.last >= Some(frame.order))
            && self.headers.get(&(Kind::Data, 0)).copied() >= log.header(Kind::Data, 0)
    }

    /// One message, with its time on the wire.
    pub(crate) fn message(&mut self, log: &Log, kind: Kind, timestamp: u32, payload: &[u8]) {
        self.messages += 1;
        *self.by_kind.entry(kind).or_default() += 1;
        if payload.is_empty() {
            self.time(kind, 0, timestamp, "silence");
            return;
        }
        let id = u64::from_be_bytes(payload[payload.len() - 8..].try_into().unwrap());
        let sent = log.get(id);
        assert_eq!(sent.kind, kind);
        assert!(
            sent.shaped(self.shape)
                .is_some_and(|shaped| shaped == payload),
            "{}: {id} {sent:?} in another shape than {:?}",
            self.name,
            self.shape
        );
        self.time(kind, sent.track, timestamp, &format!("{id} {sent:?}"));
        if matches!(sent.what, What::Header | What::Metadata) {
            let before = self.headers.insert((kind, sent.track), id);
            assert!(
                before <= Some(id),
                "{}: an old header after a new one",
                self.name
            );
            return;
        }
        self.in_place += 1;
        let name = &self.name;
        assert!(
            self.last < Some(sent.order),
            "{name}: {id} {sent:?} after {:?}",
            self.last
        );
        self.gap(log, sent.order);
        self.last = Some(sent.order);
        let sent = log.get(id);
        let decodes_by_header = matches!(sent.what, What::Key | What::Inter | What::Audio);
        if let Some(needed) = sent.header.filter(|_| decodes_by_header) {
            let had = self.headers.get(&(kind, sent.track)).copied();
            assert_eq!(
                had,
                Some(needed),
                "{}: {id} {sent:?} after its header",
                self.name
            );
        }
        match sent.what {
            What::Key => {
                self.keyed.insert(sent.track);
                self.frames.insert(sent.track, id);
            }
            What::Inter => {
                let before = self.frames.insert(sent.track, id);
                let decodes = sent.unmarked || before == sent.needs;
                assert!(decodes, "{}: {id} {sent:?} after {before:?}", self.name);
            }
            _ => {}
        }
    }

    /// Times of a track never go back. [WIRE 134]
    fn time(&mut self, kind: Kind, track: u8, timestamp: u32, what: &str) {
        if let Some(before) = self.times.insert((kind, track), timestamp) {
            let step = timestamp.wrapping_sub(before).cast_signed();
            assert!(
                step >= 0,
                "{}: {what} at {timestamp} after {before}",
                self.name
            );
        }
    }

    /// What lies between the last message and this one must not have been for it, or this one is a place to start.
    /// [WIRE 172]
    fn gap(&mut self, log: &Log, order: u64) {
        let from = self.last.map_or(0, |last| last + 1);
        let missed = (from..order).any(|between| {
            let (id, sent) = log.at(between);
            if self.shape != Shape::FULL && sent.is_dropped(self.shape) {
                return false;
            }
            match sent.what {
                What::Header | What::Metadata => {
                    self.headers.get(&(sent.kind, sent.track)).copied() < Some(id)
                }
                // It has no bytes to know it by.
                What::Silence => false,
                What::Moment => between >= self.came_at,
                What::Inter => sent.unmarked || self.keyed.contains(&sent.track),
                _ => true,
            }
        });
        if self.last.is_some() && (!missed || !self.always_open) {
            return;
        }
        let (id, sent) = log.at(order);
        let starts = sent.what == What::Key && sent.track == 0;
        let first = self.last.is_none();
        assert!(
            starts || order < log.anywhere || !self.always_open || sent.is_sound_alone(self.shape),
            "{}: starts with {id} {sent:?} after {:?}",
            self.name,
            self.last
        );
        if !first {
            self.gaps += 1;
            let lost: Vec<_> = (from..=order).map(|order| log.at(order)).collect();
            self.last_gap = format!("after {:?}: {lost:?}", self.last);
        }
        self.keyed.clear();
        self.came_at = log.head();
    }
}
