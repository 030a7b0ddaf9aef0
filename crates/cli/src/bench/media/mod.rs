//! Synthetic H.264 and AAC at a frame rate and a bitrate: valid for any decoder, stamped, and made without an encoder.

mod aac;
mod bits;
mod h264;
mod stamp;

use std::time::Duration;

use bongsu_flv::Kind;

pub(crate) use stamp::{Stamp, now_ns};

/// How much larger a keyframe is than a frame between two. Why: as encoders have it at 2 s between keyframes.
const KEYFRAME_WEIGHT: u64 = 8;

/// What a stream looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Video frames a second, 1 to 240.
    pub(crate) frame_rate: u32,
    /// Frames from one keyframe to the next, at least 1.
    pub(crate) gop: u32,
    /// Bits of video a second.
    pub(crate) video_bitrate: u64,
    /// Bits of audio a second; 0 for none.
    pub(crate) audio_bitrate: u64,
}

/// One message to send.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    /// Milliseconds from the start of the stream.
    pub(crate) timestamp_ms: u32,
    pub(crate) payload: Vec<u8>,
}

/// A stream that never ends.
#[derive(Debug)]
pub(crate) struct Source {
    shape: Shape,
    video: u32,
    audio: u32,
}

impl Source {
    pub(crate) const fn new(shape: Shape) -> Self {
        Self {
            shape,
            video: 0,
            audio: 0,
        }
    }

    /// Metadata and sequence headers, which go first.
    pub(crate) fn headers(&self) -> Vec<Frame> {
        let at_zero = |kind, payload| Frame {
            kind,
            timestamp_ms: 0,
            payload,
        };
        let mut headers = vec![
            at_zero(Kind::Data, self.metadata()),
            at_zero(Kind::Video, h264::sequence_header()),
        ];
        if self.shape.audio_bitrate > 0 {
            headers.push(at_zero(Kind::Audio, aac::sequence_header()));
        }
        headers
    }

    fn metadata(&self) -> Vec<u8> {
        use bongsu_rtmp::amf0::{Properties, Value};
        let kilobits = |bits: u64| u32::try_from(bits / 1000).unwrap_or(u32::MAX);
        let properties = Properties::new()
            .with("width", f64::from(h264::WIDTH))
            .with("height", f64::from(h264::HEIGHT))
            .with("framerate", f64::from(self.shape.frame_rate))
            .with("videocodecid", 7.0)
            .with(
                "videodatarate",
                f64::from(kilobits(self.shape.video_bitrate)),
            )
            .with("audiocodecid", 10.0)
            .with(
                "audiodatarate",
                f64::from(kilobits(self.shape.audio_bitrate)),
            )
            .with("audiosamplerate", f64::from(aac::SAMPLE_RATE));
        let mut body = bytes::BytesMut::new();
        Value::from("onMetaData").encode(&mut body);
        Value::EcmaArray(properties).encode(&mut body);
        body.to_vec()
    }

    /// When the next frame is due, counted from the start of the stream.
    pub(crate) fn next_due(&self) -> Duration {
        let video = self.video_due();
        if self.shape.audio_bitrate == 0 {
            video
        } else {
            video.min(self.audio_due())
        }
    }

    fn video_due(&self) -> Duration {
        Duration::from_secs(u64::from(self.video)) / self.shape.frame_rate
    }

    fn audio_due(&self) -> Duration {
        Duration::from_secs(u64::from(self.audio) * u64::from(aac::SAMPLES_PER_FRAME))
            / aac::SAMPLE_RATE
    }

    /// The next frame, stamped with the time of this call.
    pub(crate) fn next_frame(&mut self) -> Frame {
        let due = self.next_due();
        let timestamp_ms = u32::try_from(due.as_millis() & u128::from(u32::MAX)).unwrap_or(0);
        if self.video_due() == due {
            let (gop, in_gop) = (self.video / self.shape.gop, self.video % self.shape.gop);
            let stamp = Stamp::now(self.video);
            self.video += 1;
            let payload = h264::frame(gop, in_gop, self.video_bytes(in_gop == 0), stamp);
            return Frame {
                kind: Kind::Video,
                timestamp_ms,
                payload,
            };
        }
        let stamp = Stamp::now(self.audio);
        self.audio += 1;
        Frame {
            kind: Kind::Audio,
            timestamp_ms,
            payload: aac::frame(self.audio_bytes(), stamp),
        }
    }

    fn video_bytes(&self, is_key: bool) -> usize {
        let gop = u64::from(self.shape.gop);
        let frames = gop - 1 + KEYFRAME_WEIGHT;
        let per_gop = self.shape.video_bitrate * gop / u64::from(self.shape.frame_rate) / 8;
        let share = per_gop / frames;
        let bytes = if is_key {
            share * KEYFRAME_WEIGHT
        } else {
            share
        };
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    fn audio_bytes(&self) -> usize {
        let bits = self.shape.audio_bitrate * u64::from(aac::SAMPLES_PER_FRAME);
        usize::try_from(bits / u64::from(aac::SAMPLE_RATE) / 8).unwrap_or(usize::MAX)
    }
}

/// The stamp of a message that a [`Source`] made.
pub(crate) fn stamp_of(kind: Kind, payload: &[u8]) -> Option<Stamp> {
    match kind {
        Kind::Video => Stamp::find(payload, h264::STAMP_AT),
        Kind::Audio => Stamp::find(payload, aac::STAMP_AT),
        Kind::Data => None,
    }
}

#[cfg(test)]
mod tests {
    use bongsu_flv::{Class, classify};

    use super::*;

    const SHAPE: Shape = Shape {
        frame_rate: 25,
        gop: 50,
        video_bitrate: 536_000,
        audio_bitrate: 64_000,
    };

    #[test]
    fn a_stream_has_its_rate_and_its_kinds() {
        let mut source = Source::new(SHAPE);
        let classes: Vec<_> = source
            .headers()
            .iter()
            .map(|frame| classify(frame.kind, &frame.payload).class)
            .collect();
        assert_eq!(
            classes,
            [Class::Config, Class::SequenceHeader, Class::SequenceHeader]
        );
        let (mut bytes, mut video, mut audio, mut keyframes) = (0, 0, 0, 0);
        while source.next_due() < Duration::from_secs(20) {
            let frame = source.next_frame();
            bytes += frame.payload.len() as u64;
            match frame.kind {
                Kind::Video => video += 1,
                _ => audio += 1,
            }
            let class = classify(frame.kind, &frame.payload).class;
            keyframes += usize::from(class == Class::Keyframe);
        }
        // 20 s at 43.07 sounds a second, the first at 0.
        assert_eq!((video, audio, keyframes), (500, 862, 10));
        let bitrate = bytes * 8 / 20;
        assert!((590_000..=610_000).contains(&bitrate), "{bitrate}");
    }

    #[test]
    fn times_never_go_back_and_frames_carry_their_stamp() {
        let mut source = Source::new(SHAPE);
        let (mut last_ms, mut next) = (0, [0, 0]);
        for _ in 0..300 {
            let before = now_ns();
            let frame = source.next_frame();
            assert!(frame.timestamp_ms >= last_ms);
            last_ms = frame.timestamp_ms;
            let stamp = stamp_of(frame.kind, &frame.payload).unwrap();
            let expected = &mut next[usize::from(frame.kind == Kind::Audio)];
            assert_eq!(stamp.sequence, *expected);
            *expected += 1;
            assert!((before..=now_ns()).contains(&stamp.sent_ns));
        }
    }

    #[test]
    fn small_and_large_sizes_stay_valid() {
        for (video_bitrate, audio_bitrate) in [(0, 1), (1_000, 8_000), (20_000_000, 512_000)] {
            let mut source = Source::new(Shape {
                video_bitrate,
                audio_bitrate,
                ..SHAPE
            });
            for _ in 0..200 {
                let frame = source.next_frame();
                assert!(stamp_of(frame.kind, &frame.payload).is_some());
                if frame.kind == Kind::Video {
                    assert_eq!(units_len(&frame.payload[5..]), frame.payload.len() - 5);
                }
            }
        }
    }

    /// Bytes that NAL units with their lengths take, from the first on.
    fn units_len(mut rest: &[u8]) -> usize {
        let whole = rest.len();
        while let Some((len, after)) = rest.split_first_chunk::<4>() {
            rest = &after[u32::from_be_bytes(*len) as usize..];
        }
        whole - rest.len()
    }
}
