//! The Enhanced RTMP capability keys of `connect` and its result. [E-RTMP v2: Enhancing NetConnection connect Command]

use crate::amf0::{Properties, Value};
use crate::message::MediaKind;
use crate::session::limits::{CODEC_CODE_BYTES_MAX, CODEC_ENTRIES_MAX};
use crate::text::Text;

/// What a peer says it can do; a key that is absent says nothing. [WIRE 157]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `fourCcList`: codec codes, `*` for any.
    pub four_cc_list: Option<Vec<Text>>,
    /// `videoFourCcInfoMap`.
    pub video: Option<CodecSupport>,
    /// `audioFourCcInfoMap`.
    pub audio: Option<CodecSupport>,
    /// `capsEx`: 1 reconnect, 2 multitrack, 4 ModEx, 8 nanosecond offsets.
    pub caps_ex: Option<u32>,
    /// `videoFunction`: 1 seek, 2 HDR, 4 metadata packets, 8 tiles.
    pub video_function: Option<u32>,
}

/// Codec codes with what can be done with each: 1 decode, 2 encode, 4 forward.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodecSupport(pub Vec<(Text, u32)>);

impl Capabilities {
    /// `capsEx`: can follow a reconnect request.
    pub const RECONNECT: u32 = 1;
    /// `capsEx`: knows several tracks.
    pub const MULTITRACK: u32 = 2;
    /// `capsEx`: knows the ModEx packet.
    pub const MOD_EX: u32 = 4;
    /// `capsEx`: knows times below a millisecond, which a ModEx packet holds.
    pub const NANO_OFFSET: u32 = 8;

    /// No key at all.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            four_cc_list: None,
            video: None,
            audio: None,
            caps_ex: None,
            video_function: None,
        }
    }

    /// What a relay answers: it forwards everything, tracks and ModEx packets untouched, and a publisher that
    /// reconnects is taken over. [WIRE 158]
    #[must_use]
    pub fn forwarding() -> Self {
        Self::forwarding_only(&[], &[])
    }

    /// What a relay announces that is going to send these codecs; an empty list stands for any.
    #[must_use]
    pub fn forwarding_only(video: &[Text], audio: &[Text]) -> Self {
        let star = &[Text::from_static("*")];
        let video = if video.is_empty() { star } else { video };
        let audio = if audio.is_empty() { star } else { audio };
        let forward = |code: &Text| (code.clone(), CodecSupport::FORWARD);
        let map = |codes: &[Text]| Some(CodecSupport(codes.iter().map(forward).collect()));
        let mut list: Vec<Text> = Vec::new();
        for code in video.iter().chain(audio) {
            if !list.contains(code) {
                list.push(code.clone());
            }
        }
        Self {
            four_cc_list: Some(list),
            video: map(video),
            audio: map(audio),
            caps_ex: Some(Self::RECONNECT | Self::MULTITRACK | Self::MOD_EX | Self::NANO_OFFSET),
            video_function: None,
        }
    }

    /// True when no Enhanced RTMP key is there. `videoFunction` alone is older and does not count.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.four_cc_list.is_none()
            && self.video.is_none()
            && self.audio.is_none()
            && self.caps_ex.is_none()
    }

    /// True when a bit of `capsEx` is set.
    #[must_use]
    pub fn has(&self, caps_ex_bit: u32) -> bool {
        self.caps_ex.is_some_and(|bits| bits & caps_ex_bit != 0)
    }

    /// Whether the peer can use what it is sent with this fourcc: it decodes or forwards it.
    ///
    /// `None` when it says nothing of codecs of this kind. The list and the map of the kind count together; a codec
    /// that it can only encode is nothing that it receives. [WIRE 159]
    #[must_use]
    pub fn receives(&self, kind: MediaKind, code: &[u8]) -> Option<bool> {
        let map = self.map(kind);
        if self.four_cc_list.is_none() && map.is_none() {
            return None;
        }
        let in_map = map.is_some_and(|map| map.receives(code));
        let is_meant = |entry: &Text| entry.as_bytes() == code || entry.as_bytes() == b"*";
        let in_list = self.four_cc_list.as_ref();
        let in_list = in_list.is_some_and(|list| list.iter().any(is_meant));
        Some(in_map || in_list)
    }

    /// The codes that the peer names for a kind and can use, in its own order; `None` when it says nothing of the kind.
    #[must_use]
    pub fn named(&self, kind: MediaKind) -> Option<Vec<&Text>> {
        let map = self.map(kind);
        if self.four_cc_list.is_none() && map.is_none() {
            return None;
        }
        let mut named: Vec<&Text> = self.four_cc_list.iter().flatten().collect();
        for (code, _) in map.iter().flat_map(|map| &map.0) {
            if map.is_some_and(|map| map.receives(code.as_bytes())) && !named.contains(&code) {
                named.push(code);
            }
        }
        Some(named)
    }

    const fn map(&self, kind: MediaKind) -> Option<&CodecSupport> {
        match kind {
            MediaKind::Audio => self.audio.as_ref(),
            MediaKind::Video => self.video.as_ref(),
            MediaKind::Data => None,
        }
    }

    /// Reads the keys that are there; entries of the wrong type and surplus ones are left out.
    #[must_use]
    pub fn from_properties(properties: &Properties) -> Self {
        Self {
            four_cc_list: properties
                .get("fourCcList")
                .and_then(Value::as_array)
                .map(codes),
            video: properties
                .get("videoFourCcInfoMap")
                .and_then(CodecSupport::from_value),
            audio: properties
                .get("audioFourCcInfoMap")
                .and_then(CodecSupport::from_value),
            caps_ex: properties.get("capsEx").and_then(bits),
            video_function: properties.get("videoFunction").and_then(bits),
        }
    }

    /// Appends the keys that are set, in the order of the specification.
    pub fn append_to(&self, properties: &mut Properties) {
        if let Some(list) = &self.four_cc_list {
            let list = list
                .iter()
                .map(|code| Value::String(code.clone()))
                .collect();
            properties.push("fourCcList", Value::StrictArray(list));
        }
        for (name, map) in [
            ("videoFourCcInfoMap", &self.video),
            ("audioFourCcInfoMap", &self.audio),
        ] {
            if let Some(map) = map {
                properties.push(name, map.to_value());
            }
        }
        for (name, value) in [
            ("capsEx", self.caps_ex),
            ("videoFunction", self.video_function),
        ] {
            if let Some(value) = value {
                properties.push(name, f64::from(value));
            }
        }
    }
}

impl CodecSupport {
    /// Can be decoded.
    pub const DECODE: u32 = 1;
    /// Can be encoded.
    pub const ENCODE: u32 = 2;
    /// Can be forwarded.
    pub const FORWARD: u32 = 4;

    /// The flags of a codec; `*` stands for all of them. 0 when it is not there.
    #[must_use]
    pub fn flags(&self, code: &[u8]) -> u32 {
        let of = |wanted: &[u8]| self.0.iter().find(|(name, _)| name.as_bytes() == wanted);
        of(b"*").or_else(|| of(code)).map_or(0, |(_, flags)| *flags)
    }

    /// Whether what is sent with this code is of use.
    fn receives(&self, code: &[u8]) -> bool {
        self.flags(code) & (Self::DECODE | Self::FORWARD) != 0
    }

    fn from_value(value: &Value) -> Option<Self> {
        let entries = value.as_properties()?.iter();
        let known = entries.filter_map(|(name, value)| Some((code(name)?, bits(value)?)));
        Some(Self(known.take(CODEC_ENTRIES_MAX).collect()))
    }

    fn to_value(&self) -> Value {
        let mut map = Properties::new();
        for (name, flags) in &self.0 {
            map.push(name.clone(), f64::from(*flags));
        }
        Value::Object(map)
    }
}

fn codes(list: &[Value]) -> Vec<Text> {
    list.iter()
        .filter_map(|value| code(value.as_text()?))
        .take(CODEC_ENTRIES_MAX)
        .collect()
}

/// A copy of a code, so that it does not hold on to the message that it came in.
fn code(text: &Text) -> Option<Text> {
    (text.len() <= CODEC_CODE_BYTES_MAX).then(|| Text::copy_from_bytes(text.as_bytes()))
}

/// A number as a bit field; fractions, negative and large numbers mean nothing.
fn bits(value: &Value) -> Option<u32> {
    crate::message::MessageStreamId::from_number(value.as_number()?).map(|whole| whole.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(properties: Properties) -> Capabilities {
        Capabilities::from_properties(&properties)
    }

    fn map(entries: &[(&str, f64)]) -> Value {
        let mut map = Properties::new();
        for (name, flags) in entries {
            map.push(*name, *flags);
        }
        Value::Object(map)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut properties = Properties::new();
        Capabilities::forwarding().append_to(&mut properties);
        let names: Vec<_> = properties.iter().map(|(name, _)| name.clone()).collect();
        let expected = [
            "fourCcList",
            "videoFourCcInfoMap",
            "audioFourCcInfoMap",
            "capsEx",
        ];
        assert_eq!(names, expected.map(Text::from));
        assert_eq!(read(properties), Capabilities::forwarding());
        let mut nothing = Properties::new();
        Capabilities::none().append_to(&mut nothing);
        assert!(nothing.is_empty());
    }

    /// [WIRE 157]
    #[test]
    fn an_absent_key_says_nothing() {
        let silent = read(Properties::new().with("videoFunction", 1.0));
        assert!(silent.is_none());
        for kind in [MediaKind::Video, MediaKind::Audio, MediaKind::Data] {
            assert_eq!(silent.receives(kind, b"hvc1"), None);
            assert_eq!(silent.named(kind), None);
        }
        assert!(!silent.has(Capabilities::MULTITRACK));
    }

    /// [WIRE 159]
    #[test]
    fn a_star_stands_for_every_codec() {
        let list = |code: &str| Value::StrictArray(vec![code.into()]);
        let all = read(Properties::new().with("fourCcList", list("*")));
        assert_eq!(all.receives(MediaKind::Video, b"av01"), Some(true));
        assert_eq!(all.receives(MediaKind::Audio, b"Opus"), Some(true));
        let one = read(Properties::new().with("fourCcList", list("hvc1")));
        assert_eq!(one.receives(MediaKind::Video, b"hvc1"), Some(true));
        assert_eq!(one.receives(MediaKind::Video, b"av01"), Some(false));
        let star = map(&[("hvc1", 0.0), ("*", 4.0)]);
        let star = read(Properties::new().with("videoFourCcInfoMap", star));
        assert_eq!(star.receives(MediaKind::Video, b"hvc1"), Some(true));
    }

    #[test]
    fn a_map_speaks_of_its_kind_only_and_the_list_of_both() {
        let video = map(&[("hvc1", 1.0), ("av01", 2.0), ("vp09", 6.0)]);
        let peer = read(Properties::new().with("videoFourCcInfoMap", video.clone()));
        let video_of = |peer: &Capabilities, code| peer.receives(MediaKind::Video, code);
        assert_eq!(video_of(&peer, b"hvc1"), Some(true));
        assert_eq!(video_of(&peer, b"av01"), Some(false), "it only encodes it");
        assert_eq!(video_of(&peer, b"vp09"), Some(true), "it forwards it");
        assert_eq!(peer.receives(MediaKind::Audio, b"Opus"), None);
        assert_eq!(
            peer.named(MediaKind::Video).unwrap(),
            ["hvc1", "vp09"].map(Text::from).iter().collect::<Vec<_>>()
        );

        let list = Value::StrictArray(vec!["Opus".into(), "hvc1".into()]);
        let keys = Properties::new().with("fourCcList", list);
        let both = read(keys.with("videoFourCcInfoMap", video));
        assert_eq!(both.receives(MediaKind::Audio, b"Opus"), Some(true));
        assert_eq!(both.receives(MediaKind::Audio, b"fLaC"), Some(false));
        assert_eq!(video_of(&both, b"vp09"), Some(true));
        let named = ["Opus", "hvc1", "vp09"].map(Text::from);
        assert_eq!(
            both.named(MediaKind::Video).unwrap(),
            named.iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_relay_names_what_it_sends_once_or_any_when_it_does_not_know() {
        let of = |codes: &[&str]| {
            codes
                .iter()
                .map(|code| Text::from(*code))
                .collect::<Vec<_>>()
        };
        let one = Capabilities::forwarding_only(&of(&["hvc1"]), &of(&["mp4a", "Opus"]));
        assert_eq!(one.four_cc_list, Some(of(&["hvc1", "mp4a", "Opus"])));
        assert_eq!(one.video.as_ref().unwrap().0, [("hvc1".into(), 4)]);
        assert_eq!(one.caps_ex, Some(15));
        let unknown = Capabilities::forwarding_only(&[], &[]);
        assert_eq!(unknown.four_cc_list, Some(of(&["*"])));
        assert_eq!(unknown, Capabilities::forwarding());
    }

    #[test]
    fn entries_that_make_no_sense_are_left_out() {
        let list = vec!["hvc1".into(), Value::Null, "ninechars".into()];
        let infos = map(&[("av01", 1.5), ("vp09", -1.0), ("avc1", 3.0)]);
        let read = read(
            Properties::new()
                .with("fourCcList", Value::StrictArray(list))
                .with("videoFourCcInfoMap", infos)
                .with("capsEx", "3"),
        );
        assert_eq!(read.four_cc_list, Some(vec!["hvc1".into()]));
        assert_eq!(read.video, Some(CodecSupport(vec![("avc1".into(), 3)])));
        assert_eq!(read.caps_ex, None);
    }

    #[test]
    fn no_more_entries_are_kept_than_the_limit() {
        for (sent, kept) in [
            (CODEC_ENTRIES_MAX, CODEC_ENTRIES_MAX),
            (CODEC_ENTRIES_MAX + 1, CODEC_ENTRIES_MAX),
        ] {
            let list = Value::StrictArray(vec!["hvc1".into(); sent]);
            let read = read(Properties::new().with("fourCcList", list));
            assert_eq!(read.four_cc_list.unwrap().len(), kept);
        }
    }
}
