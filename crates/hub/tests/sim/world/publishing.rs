//! What publishers do in a run.

use std::time::{Duration, Instant};

use bongsu_hub::{
    Dropped, Identity, Kind, PublisherId, Pushed, State, Unpublish, limits::RING_BYTES_MAX,
};
use bytes::Bytes;

use super::World;
use crate::{
    log::{Message, What},
    publisher::Profile,
    wire::Wire,
};

#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) id: PublisherId,
    pub(super) profile: Profile,
    /// Time on its own clock when it began, and whether it clears the top bit.
    base: u32,
    began: Instant,
    masked: bool,
    /// Per track: whether it had a keyframe, and a frame since the last keyframe of track 0.
    keyed: [bool; 2],
    seen: [bool; 2],
    last_video: Option<Instant>,
}

impl Publisher {
    /// Takes note of a video frame.
    fn note(&mut self, now: Instant, what: What, track: usize) {
        if !matches!(what, What::Key | What::Inter) {
            return;
        }
        self.seen[track] = true;
        if track == 0 {
            self.last_video = Some(now);
        }
        if what == What::Key {
            self.keyed[track] = true;
            if track == 0 {
                // Who was silent for a whole group of pictures begins anew.
                self.keyed[1] &= self.seen[1];
                self.seen = [true, false];
            }
        }
    }
}

impl World {
    pub(super) fn publish(&mut self) {
        let identity = Identity::Key(format!("key {}", self.rng.below(2)).into());
        let published = self.stream.publish(self.now, identity).unwrap();
        assert_eq!(
            published.replaced,
            self.publisher.as_ref().map(|publisher| publisher.id)
        );
        self.replaced = published.replaced.or(self.replaced);
        let (base, masked) = match self.rng.below(4) {
            0 => (0, false),
            1 => (u32::MAX - 2_000, false),
            2 => ((1 << 31) - 2_000, true),
            _ => (u32::try_from(self.rng.below(1 << 32)).unwrap(), false),
        };
        self.log.begin_session();
        self.last_video = None;
        self.publisher = Some(Publisher {
            id: published.publisher,
            profile: Profile::any(&mut self.rng),
            base,
            began: self.now,
            masked,
            keyed: [false; 2],
            seen: [false; 2],
            last_video: None,
        });
    }

    pub(super) fn change_publisher(&mut self) {
        match &self.publisher {
            Some(publisher) if self.rng.one_in(2) => {
                let state = self
                    .stream
                    .unpublish(self.now, publisher.id, Unpublish::Lost);
                assert!(matches!(state, State::Holding { .. }));
                self.publisher = None;
                let ms = self.rng.below(3_000);
                self.sleep(ms);
            }
            _ => self.publish(),
        }
    }

    /// Pushes a message and tells the model.
    fn push(&mut self, kind: Kind, what: What, track: u8, payload: Option<Bytes>) -> Pushed {
        let id = self.log.next_id();
        // A header too large to be kept would be a story of its own.
        let big = self.rng.one_in(60) && !matches!(what, What::Header | What::Metadata);
        let size = self.rng.size(if big { 120_000 } else { 1_500 });
        let jitter = u32::try_from(self.rng.below(20)).unwrap();
        let publisher = self.publisher.as_mut().unwrap();
        let payload =
            payload.unwrap_or_else(|| publisher.profile.payload(kind, what, track, id, size));
        let elapsed = self
            .now
            .saturating_duration_since(publisher.began)
            .as_millis();
        let elapsed = u32::try_from(elapsed).unwrap();
        let mut timestamp = publisher.base.wrapping_add(elapsed).wrapping_sub(jitter);
        if publisher.masked {
            timestamp &= (1 << 31) - 1;
        }
        publisher.note(self.now, what, usize::from(track));
        let pushed = self.stream.push(
            self.now,
            publisher.id,
            kind,
            timestamp,
            payload.clone(),
            &Wire,
        );
        if pushed == Pushed::Queued {
            // Without a keyframe for long it goes out as it is.
            let unmarked = what == What::Inter && !publisher.keyed[usize::from(track)];
            if kind == Kind::Video && what == What::Header {
                let changed = self.log.header(kind, track).is_some();
                publisher.keyed[usize::from(track)] &= !changed;
            }
            self.log.queue(Message {
                id,
                kind,
                track,
                what,
                unmarked,
                payload,
                video: publisher.profile.video(),
            });
            self.schedule.on_frame(self.now, kind);
        }
        let last = publisher.last_video;
        let quiet = last.is_none_or(|last| self.now - last >= Duration::from_secs(9));
        if quiet || !publisher.keyed[0] {
            self.log.anywhere = self.log.head();
        }
        assert!(self.stream.ring_bytes() <= RING_BYTES_MAX, "[WIRE 174]");
        pushed
    }

    /// Pushes what must get through.
    pub(super) fn must(&mut self, kind: Kind, what: What, track: u8) {
        assert_eq!(
            self.push(kind, what, track, None),
            Pushed::Queued,
            "{what:?}"
        );
    }

    pub(super) fn media(&mut self) {
        let Some(publisher) = &self.publisher else {
            if self.rng.one_in(5) {
                self.publish();
            }
            return;
        };
        let profile = publisher.profile;
        if profile.has_audio() && (profile.tracks() == 0 || self.rng.one_in(2)) {
            if self.log.header(Kind::Audio, 0).is_none() {
                self.must(Kind::Audio, What::Header, 0);
            }
            return self.must(Kind::Audio, What::Audio, 0);
        }
        let track = u8::try_from(self.rng.below(u64::from(profile.tracks()))).unwrap();
        if profile.has_video_header() && self.log.header(Kind::Video, track).is_none() {
            self.must(Kind::Video, What::Header, track);
        }
        let key = profile != Profile::Unmarked && self.rng.one_in(20);
        if key {
            self.must(Kind::Video, What::Key, track);
        } else {
            let keyed = self.publisher.as_ref().unwrap().keyed[usize::from(track)];
            let pushed = self.push(Kind::Video, What::Inter, track, None);
            let before_keyframe = pushed == Pushed::Dropped(Dropped::BeforeKeyframe);
            assert!(
                pushed == Pushed::Queued || before_keyframe && !keyed,
                "{pushed:?}"
            );
        }
    }

    /// Everything a publisher sends beside media, and what it should not send.
    pub(super) fn special(&mut self) {
        let Some(publisher) = &self.publisher else {
            return;
        };
        let (profile, old) = (publisher.profile, self.replaced);
        match self.rng.below(9) {
            0 => self.must(Kind::Data, What::Metadata, 0),
            1 => self.must(Kind::Data, What::Data, 0),
            2 if profile.has_audio() => self.must(Kind::Audio, What::Header, 0),
            3 if profile.has_video_header() => self.must(Kind::Video, What::Header, 0),
            4 if profile.tracks() > 0 => self.must(Kind::Video, What::Moment, 0),
            5 if profile.has_audio() => {
                let pushed = self.push(Kind::Audio, What::Silence, 0, Some(Bytes::new()));
                assert_eq!(pushed, Pushed::Queued);
            }
            6 => {
                let malformed = Bytes::from_static(b"\x17\x01\0");
                let pushed = self.push(Kind::Video, What::Moment, 0, Some(malformed));
                assert_eq!(pushed, Pushed::Dropped(Dropped::Malformed));
            }
            7 => {
                // A clock that jumps, far enough to be no gap.
                let jump = 20_000 + u32::try_from(self.rng.below(1 << 30)).unwrap();
                let back = self.rng.one_in(2);
                let publisher = self.publisher.as_mut().unwrap();
                let base = publisher.base;
                publisher.base = if back {
                    base.wrapping_sub(jump)
                } else {
                    base.wrapping_add(jump)
                };
            }
            _ => {
                if let Some(old) = old {
                    let audio = Bytes::from_static(b"\xaf\x01late");
                    let pushed = self
                        .stream
                        .push(self.now, old, Kind::Audio, 0, audio, &Wire);
                    assert_eq!(pushed, Pushed::Dropped(Dropped::NotPublishing));
                }
            }
        }
    }
}
