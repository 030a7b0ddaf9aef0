//! What a joining player needs before the first frame: metadata, sequence headers, configs. The newest of each.

use std::sync::Arc;

use bongsu_flv::{Class, TrackSet};
use bytes::Bytes;

use crate::{
    Kind,
    limits::{HEADER_BYTES_MAX, HEADERS_BYTES_MAX, HEADERS_MAX, METADATA_BYTES_MAX},
};

/// One kept message.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) class: Class,
    /// The tracks that no later message of the same kind and class has replaced.
    pub(crate) tracks: TrackSet,
    pub(crate) payload: Bytes,
    /// Version of the store that it came with.
    pub(crate) version: u64,
    /// Whether a later message has replaced it for some of its tracks, or they have another codec: what it says of them
    /// still stands in it.
    outlived: bool,
    /// Whether its sequence ended, so that the same header begins a new one.
    ended: bool,
}

/// What became of an offered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is in force already.
    Repeated,
    /// It is in force from now on.
    Taken {
        /// Version of the store after it.
        version: u64,
        /// Whether it replaced other bytes: frames so far cannot be decoded with it.
        changed: bool,
        /// Whether joining players get it; not when it is too large or one too many.
        kept: bool,
    },
}

/// The store. Its version rises with every change and never falls.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    /// In the order a joining player gets them. Shared with the cursors that are sending them.
    items: Arc<[Header]>,
    version: u64,
}

impl Headers {
    /// The kept messages in the order a joining player gets them.
    pub(crate) const fn items(&self) -> &Arc<[Header]> {
        &self.items
    }

    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// The metadata in force.
    pub(crate) fn metadata(&self) -> Option<&Bytes> {
        self.items
            .iter()
            .find(|item| item.kind == Kind::Data)
            .map(|item| &item.payload)
    }

    /// Whether the metadata has the property `videocodecid`.
    pub(crate) fn announces_video(&self) -> bool {
        // An AMF0 property begins with the length of its name.
        const NAME: &[u8] = b"\x00\x0cvideocodecid";
        self.metadata()
            .is_some_and(|body| body.windows(NAME.len()).any(|part| part == NAME))
    }

    /// Takes a metadata, header or config message.
    pub(crate) fn offer(
        &mut self,
        kind: Kind,
        class: Class,
        tracks: TrackSet,
        payload: &Bytes,
    ) -> Offer {
        // Metadata has no tracks: it has the place of one.
        let tracks = if kind == Kind::Data {
            TrackSet::DEFAULT
        } else {
            tracks
        };
        let same_place = |item: &Header| {
            item.kind == kind && item.class == class && item.tracks.intersects(tracks)
        };
        let repeated = self.items.iter().any(|item| {
            same_place(item) && item.tracks == tracks && item.payload == payload && !item.ended
        });
        if repeated {
            return Offer::Repeated;
        }
        let changed = self
            .items
            .iter()
            .any(|item| same_place(item) && item.payload != payload);
        self.version += 1;
        let mut items = self.items.to_vec();
        outlive(&mut items, same_place, tracks);
        let bytes_max = if kind == Kind::Data {
            METADATA_BYTES_MAX
        } else {
            HEADER_BYTES_MAX
        };
        let bytes: usize = items.iter().map(|item| item.payload.len()).sum();
        let kept = payload.len() <= bytes_max
            && items.len() < HEADERS_MAX
            && bytes + payload.len() <= HEADERS_BYTES_MAX;
        if kept {
            items.push(Header {
                kind,
                class,
                tracks,
                payload: payload.clone(),
                version: self.version,
                outlived: false,
                ended: false,
            });
        }
        items.sort_by_key(order);
        self.items = items.into();
        Offer::Taken {
            version: self.version,
            changed,
            kept,
        }
    }

    /// The sequence of these tracks ended: the same header again begins a new one.
    pub(crate) fn end_sequence(&mut self, kind: Kind, tracks: TrackSet) {
        let mut items = self.items.to_vec();
        for item in items.iter_mut().filter(|item| item.kind == kind) {
            item.ended |= item.tracks.intersects(tracks);
        }
        self.items = items.into();
    }

    /// Forgets the metadata.
    pub(crate) fn clear_metadata(&mut self) {
        if self.metadata().is_some() {
            self.items = self
                .items
                .iter()
                .filter(|item| item.kind != Kind::Data)
                .cloned()
                .collect();
            self.version += 1;
        }
    }

    /// Forgets what belongs to these tracks: they have another codec.
    pub(crate) fn forget(&mut self, kind: Kind, tracks: TrackSet) {
        let here = |item: &Header| item.kind == kind && item.tracks.intersects(tracks);
        if self.items.iter().any(here) {
            let mut items = self.items.to_vec();
            outlive(&mut items, here, tracks);
            items.sort_by_key(order);
            self.items = items.into();
            self.version += 1;
        }
    }

    /// Forgets everything: another publisher sends its own.
    pub(crate) fn clear(&mut self) {
        if !self.items.is_empty() {
            self.items = Arc::default();
            self.version += 1;
        }
    }

    /// Panics when the store is not what it promises to be.
    pub(crate) fn check_invariants(&self) {
        assert!(
            self.items.len() <= HEADERS_MAX,
            "the store is within its limit"
        );
        for (at, item) in self.items.iter().enumerate() {
            assert!(!item.tracks.is_empty(), "an item stands for a track");
            assert!(
                item.version <= self.version,
                "no item is newer than the store"
            );
            assert!(item.payload.len() <= METADATA_BYTES_MAX.max(HEADER_BYTES_MAX));
            let newer = self.items.iter().take(at).any(|other| {
                other.kind == item.kind && other.version > item.version && item.outlived
            });
            assert!(
                !newer,
                "what is replaced in part goes before what replaced it"
            );
            let twin = self.items.iter().skip(at + 1).find(|other| {
                other.kind == item.kind
                    && other.class == item.class
                    && other.tracks.intersects(item.tracks)
            });
            assert!(twin.is_none(), "one item per kind, class and track");
        }
    }
}

/// Takes these tracks from the items that `is_outlived` tells, and the items away that have none left.
fn outlive(items: &mut Vec<Header>, is_outlived: impl Fn(&Header) -> bool, tracks: TrackSet) {
    for item in items.iter_mut().filter(|item| is_outlived(item)) {
        item.tracks = item.tracks.without(tracks);
        item.outlived = true;
    }
    items.retain(|item| !item.tracks.is_empty());
}

/// Metadata; per video track the colour information before the header; per audio track the header before the config.
/// What was replaced for some of its tracks goes first, the oldest before all: else it would replace what replaced it.
fn order(item: &Header) -> (u8, u64, Option<u8>, bool) {
    let config = item.class == Class::Config;
    let age = if item.outlived {
        item.version
    } else {
        u64::MAX
    };
    match item.kind {
        Kind::Data => (0, age, None, false),
        Kind::Video => (1, age, item.tracks.lowest(), !config),
        Kind::Audio => (2, age, item.tracks.lowest(), config),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Bytes {
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn header(headers: &mut Headers, kind: Kind, track: u8, text: &str) -> Offer {
        let offer = headers.offer(
            kind,
            Class::SequenceHeader,
            TrackSet::of(track),
            &bytes(text),
        );
        headers.check_invariants();
        offer
    }

    fn taken(version: u64, changed: bool) -> Offer {
        Offer::Taken {
            version,
            changed,
            kept: true,
        }
    }

    fn texts(headers: &Headers) -> Vec<String> {
        let text = |item: &Header| String::from_utf8(item.payload.to_vec()).unwrap();
        headers.items().iter().map(text).collect()
    }

    #[test]
    fn the_newest_of_each_track_is_kept_and_repeats_are_told() {
        let mut headers = Headers::default();
        assert_eq!(header(&mut headers, Kind::Video, 0, "v"), taken(1, false));
        assert_eq!(header(&mut headers, Kind::Video, 0, "v"), Offer::Repeated);
        assert_eq!(header(&mut headers, Kind::Video, 1, "v1"), taken(2, false));
        assert_eq!(header(&mut headers, Kind::Video, 0, "w"), taken(3, true));
        assert_eq!(header(&mut headers, Kind::Audio, 0, "w"), taken(4, false));
        assert_eq!(texts(&headers), ["w", "v1", "w"]);
    }

    #[test]
    fn a_message_of_several_tracks_lives_until_each_is_replaced() {
        let mut headers = Headers::default();
        let both = TrackSet::DEFAULT.union(TrackSet::of(1));
        headers.offer(Kind::Video, Class::SequenceHeader, both, &bytes("both"));
        header(&mut headers, Kind::Video, 0, "0");
        assert_eq!(
            texts(&headers),
            ["both", "0"],
            "what it says of track 0 is old: the new header comes behind it"
        );
        header(&mut headers, Kind::Video, 1, "1");
        assert_eq!(texts(&headers), ["0", "1"]);
        headers.offer(Kind::Video, Class::SequenceHeader, both, &bytes("both"));
        assert_eq!(texts(&headers), ["both"]);
    }

    #[test]
    fn the_order_is_metadata_then_video_then_audio_with_configs_in_their_place() {
        let mut headers = Headers::default();
        header(&mut headers, Kind::Audio, 0, "a");
        headers.offer(
            Kind::Audio,
            Class::Config,
            TrackSet::DEFAULT,
            &bytes("channels"),
        );
        header(&mut headers, Kind::Video, 1, "v1");
        header(&mut headers, Kind::Video, 0, "v0");
        headers.offer(
            Kind::Video,
            Class::Config,
            TrackSet::DEFAULT,
            &bytes("colour"),
        );
        headers.offer(Kind::Data, Class::Config, TrackSet::EMPTY, &bytes("meta"));
        assert_eq!(
            texts(&headers),
            ["meta", "colour", "v0", "v1", "a", "channels"]
        );
        assert_eq!(headers.metadata(), Some(&bytes("meta")));
        let version = headers.version();
        headers.clear_metadata();
        headers.clear_metadata();
        assert_eq!((headers.metadata(), headers.version()), (None, version + 1));
        headers.clear();
        assert!(headers.items().is_empty());
        assert_eq!(
            headers.version(),
            version + 2,
            "readers see that something changed"
        );
    }

    #[test]
    fn tracks_with_another_codec_are_forgotten_and_no_others() {
        let mut headers = Headers::default();
        let both = TrackSet::DEFAULT.union(TrackSet::of(1));
        headers.offer(Kind::Video, Class::SequenceHeader, both, &bytes("both"));
        header(&mut headers, Kind::Audio, 0, "a");
        headers.forget(Kind::Video, TrackSet::DEFAULT);
        assert_eq!(texts(&headers), ["both", "a"], "track 1 still needs it");
        headers.forget(Kind::Video, TrackSet::of(1));
        assert_eq!(
            (texts(&headers), headers.version()),
            (vec!["a".to_owned()], 4)
        );
        headers.forget(Kind::Video, TrackSet::of(1));
        assert_eq!(headers.version(), 4);
        headers.check_invariants();
    }

    #[test]
    fn after_the_end_of_a_sequence_the_same_header_begins_a_new_one() {
        let mut headers = Headers::default();
        header(&mut headers, Kind::Video, 0, "v");
        headers.end_sequence(Kind::Video, TrackSet::DEFAULT);
        assert_eq!(header(&mut headers, Kind::Video, 0, "v"), taken(2, false));
        assert_eq!(header(&mut headers, Kind::Video, 0, "v"), Offer::Repeated);
    }

    #[test]
    fn sizes_at_the_limit_are_kept_and_past_it_they_replace_without_being_kept() {
        for (kind, max) in [
            (Kind::Data, METADATA_BYTES_MAX),
            (Kind::Audio, HEADER_BYTES_MAX),
        ] {
            let mut headers = Headers::default();
            let longest = Bytes::from(vec![0; max]);
            let offer = headers.offer(kind, Class::Config, TrackSet::DEFAULT, &longest);
            assert_eq!(offer, taken(1, false));
            let longer = Bytes::from(vec![0; max + 1]);
            let offer = headers.offer(kind, Class::Config, TrackSet::DEFAULT, &longer);
            assert_eq!(
                offer,
                Offer::Taken {
                    version: 2,
                    changed: true,
                    kept: false
                }
            );
            assert!(
                headers.items().is_empty(),
                "the one before it is no longer true"
            );
        }
    }

    // Goal: every player that joins gets all of them, and one that reads slowly holds them.
    #[test]
    fn headers_are_kept_up_to_so_many_bytes_in_all() {
        let mut headers = Headers::default();
        let count = HEADERS_BYTES_MAX / HEADER_BYTES_MAX;
        let mut offer = |track: usize, len: usize| {
            let tracks = TrackSet::of(u8::try_from(track).unwrap());
            let payload = Bytes::from(vec![0; len]);
            let offer = headers.offer(Kind::Video, Class::SequenceHeader, tracks, &payload);
            headers.check_invariants();
            matches!(offer, Offer::Taken { kept: true, .. })
        };
        for track in 0..count {
            assert!(offer(track, HEADER_BYTES_MAX), "{track}");
        }
        assert!(!offer(count, 1), "one byte past the limit");
        assert!(offer(0, HEADER_BYTES_MAX - 1), "it replaces a longer one");
        assert!(offer(count, 1));
    }

    #[test]
    fn as_many_as_the_limit_are_kept_and_one_more_is_not() {
        let mut headers = Headers::default();
        let mut offers = Vec::new();
        for kind in [Kind::Audio, Kind::Video] {
            for track in 0..=32 {
                offers.push(header(&mut headers, kind, track, "h"));
            }
        }
        let kept = |offer: &Offer| matches!(offer, Offer::Taken { kept: true, .. });
        assert_eq!(
            offers.iter().filter(|offer| kept(offer)).count(),
            HEADERS_MAX
        );
        assert!(!kept(&offers[HEADERS_MAX]));
        assert_eq!(
            header(&mut headers, Kind::Audio, 0, "other").clone(),
            taken(67, true)
        );
    }
}
