//! The way of a message into the ring: classify, drop what helps nobody, place on the timeline, encode once.

use std::time::Instant;

use bongsu_flv::{Class, Classified, Codec, TrackSet, classify};
use bytes::Bytes;

use super::{Dropped, LiveStream, PublisherId, Pushed, video::Admitted};
use crate::{
    Encode, Frame, Kind, SHARED_MESSAGE_STREAM, frame::wire_time, headers::Offer, ring::Entry,
};

impl Entry for Frame {
    fn clock(&self) -> u64 {
        self.clock
    }

    fn is_timed(&self) -> bool {
        Self::is_timed(self)
    }

    fn held_bytes(&self) -> usize {
        Self::held_bytes(self)
    }

    fn starts_gop(&self) -> bool {
        Self::starts_gop(self)
    }
}

/// What is known of a message once it has its place in the stream.
struct Placed {
    timestamp: u64,
    header: Option<u64>,
    needs_key: bool,
}

impl Placed {
    const fn at(timestamp: u64) -> Self {
        Self {
            timestamp,
            header: None,
            needs_key: false,
        }
    }
}

impl LiveStream {
    /// Takes a message of the publisher: classifies it, puts it on the timeline, encodes it once, keeps it.
    pub fn push<E: Encode>(
        &mut self,
        now: Instant,
        publisher: PublisherId,
        kind: Kind,
        timestamp: u32,
        payload: Bytes,
        encode: &E,
    ) -> Pushed {
        let Some(slot) = self
            .slot
            .as_mut()
            .filter(|slot| slot.publisher == publisher)
        else {
            return Pushed::Dropped(Dropped::NotPublishing);
        };
        if kind != Kind::Data {
            slot.media_at = now;
        }
        self.stats.messages += 1;
        self.stats.bytes += payload.len() as u64;
        let found = classify(kind, &payload);
        let pushed = match self.place(now, kind, timestamp, &payload, &found) {
            Ok(placed) => {
                self.store(kind, &found, placed, payload, encode);
                Pushed::Queued
            }
            Err(dropped) => Pushed::Dropped(dropped),
        };
        if self.stats.messages.is_multiple_of(64) {
            self.check_in_debug();
        }
        pushed
    }

    fn place(
        &mut self,
        now: Instant,
        kind: Kind,
        timestamp: u32,
        payload: &Bytes,
        found: &Classified,
    ) -> Result<Placed, Dropped> {
        let track = found.tracks.lowest().unwrap_or(0);
        match found.class {
            // [WIRE 148]
            Class::Malformed => {
                self.stats.malformed += 1;
                Err(Dropped::Malformed)
            }
            // [WIRE 139] silence goes on, video without a byte does not.
            Class::Empty if kind == Kind::Video && payload.is_empty() => Err(Dropped::Empty),
            Class::Empty | Class::Command => Ok(Placed::at(self.timeline.still(now, kind, track))),
            Class::EndOfSequence => Ok(self.end_of_sequence(now, kind, found.tracks)),
            Class::SequenceHeader | Class::Config => self.header(now, kind, payload, found),
            Class::Keyframe | Class::Frame => {
                self.see_codec(kind, found);
                let at = self.timeline.frame(now, kind, track, timestamp);
                let needs_key = kind == Kind::Video && self.admit(found, at)?;
                self.flows = true;
                Ok(Placed {
                    needs_key,
                    ..Placed::at(at)
                })
            }
            // [WIRE 147]
            Class::Opaque if kind == Kind::Data => Ok(Placed::at(self.timeline.data(timestamp))),
            _ => Ok(Placed::at(self.timeline.frame(now, kind, track, timestamp))),
        }
    }

    /// Whether a video frame needs earlier ones.
    fn admit(&mut self, found: &Classified, at: u64) -> Result<bool, Dropped> {
        if found.class == Class::Keyframe {
            let before = self.video.keyed;
            if let Some(gop_ms) = self.video.keyframe(found.tracks, at) {
                self.stats.gop_ms = gop_ms;
            }
            if !self.video.keyed.covers(before) {
                self.keyed_end = self.ring.head();
            }
            self.stats.keyframes += u64::from(found.tracks.has_default());
            return Ok(false);
        }
        match self.video.frame(found.tracks, at) {
            Admitted::Dependent => Ok(true),
            Admitted::Unmarked => Ok(false),
            Admitted::No => {
                self.stats.before_keyframe += 1;
                Err(Dropped::BeforeKeyframe)
            }
        }
    }

    /// A codec that follows another one without a header is a new stream: nothing kept of the track fits it.
    fn see_codec(&mut self, kind: Kind, found: &Classified) {
        if found.codec != Codec::None && self.tracks.see(kind, found.tracks, found.codec) {
            self.headers.forget(kind, found.tracks);
            self.header_end.set(kind, self.ring.head());
            self.restart(kind, found.tracks);
        }
    }

    /// [WIRE 156] an end of sequence leaves nothing to start with.
    fn end_of_sequence(&mut self, now: Instant, kind: Kind, tracks: TrackSet) -> Placed {
        self.headers.end_sequence(kind, tracks);
        if kind == Kind::Video {
            self.restart(kind, tracks);
        }
        Placed::at(self.timeline.still(now, kind, tracks.lowest().unwrap_or(0)))
    }

    fn header(
        &mut self,
        now: Instant,
        kind: Kind,
        payload: &Bytes,
        found: &Classified,
    ) -> Result<Placed, Dropped> {
        if found.class == Class::SequenceHeader {
            self.see_codec(kind, found);
        }
        let offer = self.headers.offer(kind, found.class, found.tracks, payload);
        let Offer::Taken {
            version,
            changed,
            kept,
        } = offer
        else {
            // [WIRE 168]
            self.stats.repeated += 1;
            return Err(Dropped::Repeated);
        };
        self.stats.headers_not_kept += u64::from(!kept);
        // [WIRE 152] [WIRE 167] colour information and the like does not keep a frame from being decoded.
        if changed && found.class == Class::SequenceHeader {
            self.restart(kind, found.tracks);
        }
        let timestamp = match kind {
            Kind::Data => self.timeline.metadata(now),
            _ => self
                .timeline
                .still(now, kind, found.tracks.lowest().unwrap_or(0)),
        };
        self.header_end.set(kind, self.ring.head() + 1);
        Ok(Placed {
            header: kept.then_some(version),
            ..Placed::at(timestamp)
        })
    }

    /// What comes next on these tracks needs neither the headers nor the frames there were.
    fn restart(&mut self, kind: Kind, tracks: TrackSet) {
        if kind == Kind::Video {
            self.video.restart(tracks);
            self.keyed_end = self.ring.head();
        }
        self.cut();
    }

    fn store<E: Encode>(
        &mut self,
        kind: Kind,
        found: &Classified,
        placed: Placed,
        payload: Bytes,
        encode: &E,
    ) {
        match kind {
            Kind::Audio => self.stats.audio += 1,
            Kind::Video => self.stats.video += 1,
            Kind::Data => {}
        }
        let wire = wire_time(placed.timestamp);
        let image = encode.encode(SHARED_MESSAGE_STREAM, kind, wire, &payload);
        let payload = encode.payload_in(&image, payload);
        let bytes_before = self.bytes;
        self.features = self.features | found.features;
        self.bytes += payload.len() as u64;
        self.ring.push(Frame {
            kind,
            class: found.class,
            tracks: found.tracks,
            features: found.features,
            timestamp: placed.timestamp,
            payload,
            image,
            header: placed.header,
            needs_key: placed.needs_key,
            bytes_before,
            clock: self.ring.head_clock().max(placed.timestamp),
        });
    }
}
