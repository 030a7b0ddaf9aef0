//! The Enhanced RTMP capability keys of `connect` and its result. [E-RTMP v2: Enhancing NetConnection connect Command]

use crate::amf0::{Properties, Value};
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

    /// What a relay answers: it forwards everything. [WIRE 158]
    #[must_use]
    pub fn forwarding() -> Self {
        let star = || Text::from_static("*");
        let any = || Some(CodecSupport(vec![(star(), CodecSupport::FORWARD)]));
        Self {
            four_cc_list: Some(vec![star()]),
            video: any(),
            audio: any(),
            caps_ex: Some(Self::RECONNECT | Self::MULTITRACK | Self::MOD_EX),
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

    /// What the peer says about a codec: `None` when it says nothing at all. [WIRE 159]
    #[must_use]
    pub fn supports(&self, code: &[u8]) -> Option<bool> {
        let maps = [&self.video, &self.audio];
        let in_maps = maps
            .iter()
            .any(|map| map.as_ref().is_some_and(|map| map.flags(code) != 0));
        let in_list = self.four_cc_list.as_ref().is_some_and(|list| {
            list.iter()
                .any(|entry| entry.as_bytes() == code || entry.as_bytes() == b"*")
        });
        let says_something = self.four_cc_list.is_some() || maps.iter().any(|map| map.is_some());
        says_something.then_some(in_maps || in_list)
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
        assert_eq!(silent.supports(b"hvc1"), None);
        assert!(!silent.has(Capabilities::MULTITRACK));
    }

    /// [WIRE 159]
    #[test]
    fn a_star_stands_for_every_codec() {
        let list = |code: &str| Value::StrictArray(vec![code.into()]);
        let all = read(Properties::new().with("fourCcList", list("*")));
        assert_eq!(all.supports(b"av01"), Some(true));
        let one = read(Properties::new().with("fourCcList", list("hvc1")));
        assert_eq!(one.supports(b"hvc1"), Some(true));
        assert_eq!(one.supports(b"av01"), Some(false));
        let star = map(&[("hvc1", 0.0), ("*", 4.0)]);
        let star = read(Properties::new().with("videoFourCcInfoMap", star));
        assert_eq!(star.supports(b"hvc1"), Some(true));
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
