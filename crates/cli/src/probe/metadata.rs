//! The figures of `onMetaData` that people ask for. Encoders write what they like, so all of it is a claim.

use bongsu_rtmp::amf0::{Value, decode_all};
use bongsu_rtmp::limits::AmfLimits;
use serde::Serialize;

/// Characters of the encoder's name that are shown.
const ENCODER_CHARACTERS_MAX: usize = 60;

/// What the publisher says of its stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Metadata {
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) frames_per_second: Option<f64>,
    pub(super) audio_sample_rate: Option<u32>,
    pub(super) encoder: Option<String>,
}

impl Metadata {
    /// Reads the body of an `onMetaData` message.
    pub(super) fn decode(body: &[u8]) -> Option<Self> {
        let values = decode_all(body, AmfLimits::default()).ok()?;
        let properties = values.get(1)?;
        let number = |name: &str| {
            properties
                .get(name)
                .and_then(Value::as_number)
                .filter(|number| number.is_finite() && *number > 0.0)
        };
        let encoder = properties.get("encoder").and_then(Value::as_text);
        Some(Self {
            width: number("width").and_then(whole),
            height: number("height").and_then(whole),
            frames_per_second: number("framerate"),
            audio_sample_rate: number("audiosamplerate").and_then(whole),
            encoder: encoder.map(|text| printable(&text.to_str_lossy())),
        })
    }
}

fn whole(number: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    (0.5..f64::from(u32::MAX))
        .contains(&number)
        .then(|| number.round() as u32)
}

/// Text of a stranger that is safe in a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(ENCODER_CHARACTERS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use bongsu_rtmp::amf0::Properties;
    use bytes::BytesMut;

    use super::*;

    fn body(properties: Properties) -> BytesMut {
        let mut body = BytesMut::new();
        Value::text("onMetaData").encode(&mut body);
        Value::Object(properties).encode(&mut body);
        body
    }

    #[test]
    fn the_figures_are_read_and_nonsense_is_left_out() {
        let properties = Properties::new()
            .with("width", 1280.0)
            .with("height", -720.0)
            .with("framerate", f64::NAN)
            .with("audiosamplerate", 44_100.0)
            .with("encoder", Value::text("obs\u{1b}[31m studio"));
        let metadata = Metadata::decode(&body(properties)).unwrap();
        assert_eq!(
            metadata,
            Metadata {
                width: Some(1280),
                height: None,
                frames_per_second: None,
                audio_sample_rate: Some(44_100),
                encoder: Some("obs[31m studio".to_owned()),
            }
        );
        assert_eq!(Metadata::decode(b"\x02\x00\x0aonMetaData"), None);
        assert_eq!(Metadata::decode(b"\xff"), None);
    }
}
