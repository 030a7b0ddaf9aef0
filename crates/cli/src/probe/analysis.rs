//! What a stream consists of, from its messages alone: no sockets, no clock.

use std::time::Duration;

use bongsu_flv::{Class, Classified, Codec, Kind, TrackSet, classify};

use super::metadata::Metadata;

/// Keyframes whose times are kept. Why: ten minutes of two a second fit; more change no figure that counts.
const KEYFRAMES_MAX: usize = 2_000;

/// Time after the first message in which a server sends what it kept. Why: rates are measured behind it.
const BURST: Duration = Duration::from_secs(1);

/// Wall time behind the burst below which the speed is not told. Why: frames come in batches of up to 0.3 s, and the
/// figure must be good to a tenth.
const SPEED_WALL_SECONDS_MIN: f64 = 3.0;

/// A step of a timestamp that counts as a gap, in milliseconds.
/// Why: longer than a player's smallest buffer, so that the picture stands or the sound drops out.
const GAP_MS: i64 = 1_000;

/// What has been seen so far.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    pub(super) video: Flow,
    pub(super) audio: Flow,
    pub(super) metadata: Option<Metadata>,
    pub(super) malformed: u64,
    /// When the first message came, since the start of the probe.
    pub(super) first_at: Option<Duration>,
    /// When the first keyframe came.
    pub(super) keyframe_at: Option<Duration>,
    /// Where the stream was when the burst was over: arrival and timestamp.
    after_burst: Option<(Duration, u32)>,
    last: Option<(Duration, u32)>,
}

/// All audio or all video of a stream.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pub(super) codec: Codec,
    /// More than one codec was seen on the default track.
    pub(super) codec_changed: bool,
    pub(super) tracks: TrackSet,
    pub(super) enhanced: bool,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    pub(super) headers: u64,
    /// Frames came before any sequence header.
    pub(super) headless: bool,
    pub(super) disposable: u64,
    /// Frames are shown in another order than they are sent in.
    pub(super) reordered: bool,
    pub(super) steps_back: u64,
    pub(super) gaps: u64,
    pub(super) longest_gap_ms: i64,
    pub(super) first_ms: Option<u32>,
    pub(super) last_ms: Option<u32>,
    pub(super) keyframes_ms: Vec<u32>,
}

impl Analysis {
    /// Takes one message, `at` after the start of the probe.
    pub(super) fn on_media(&mut self, at: Duration, kind: Kind, timestamp_ms: u32, payload: &[u8]) {
        let first_at = *self.first_at.get_or_insert(at);
        let classified = classify(kind, payload);
        let flow = match kind {
            Kind::Data => {
                if classified.class == Class::Config {
                    self.metadata = Metadata::decode(payload).or_else(|| self.metadata.take());
                }
                return;
            }
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        };
        match classified.class {
            Class::Malformed => self.malformed += 1,
            Class::SequenceHeader => flow.on_header(&classified),
            Class::Keyframe | Class::Frame => {
                flow.on_frame(&classified, timestamp_ms, payload.len());
                if classified.class == Class::Keyframe {
                    self.keyframe_at.get_or_insert(at);
                }
                if at >= first_at + BURST {
                    self.after_burst.get_or_insert((at, timestamp_ms));
                }
                self.last = Some((at, timestamp_ms));
            }
            _ => {}
        }
    }

    /// Stream time per wall time once the burst is over, when there was enough of both to tell.
    pub(super) fn speed(&self) -> Option<f64> {
        let ((began, from), (ended, to)) = (self.after_burst?, self.last?);
        let wall = ended.checked_sub(began)?.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let stream = step_ms(from, to) as f64 / 1_000.0;
        (wall >= SPEED_WALL_SECONDS_MIN).then(|| stream / wall)
    }

    /// How far the last sound is ahead of the last picture, in milliseconds.
    pub(super) fn skew_ms(&self) -> Option<i64> {
        Some(step_ms(self.video.last_ms?, self.audio.last_ms?))
    }
}

impl Flow {
    fn on_header(&mut self, classified: &Classified) {
        self.on_any(classified);
        self.headers += 1;
    }

    fn on_frame(&mut self, classified: &Classified, timestamp_ms: u32, bytes: usize) {
        self.on_any(classified);
        self.bytes += bytes as u64;
        if !classified.default_track() {
            return;
        }
        self.headless |= self.headers == 0 && needs_header(classified.codec);
        self.frames += 1;
        self.disposable += u64::from(classified.disposable);
        self.reordered |= classified.composition_ms != 0;
        if let Some(last) = self.last_ms {
            let step = step_ms(last, timestamp_ms);
            self.steps_back += u64::from(step < 0);
            self.gaps += u64::from(step > GAP_MS);
            self.longest_gap_ms = self.longest_gap_ms.max(step);
        }
        if classified.class == Class::Keyframe && self.keyframes_ms.len() < KEYFRAMES_MAX {
            self.keyframes_ms.push(timestamp_ms);
        }
        self.first_ms.get_or_insert(timestamp_ms);
        self.last_ms = Some(timestamp_ms);
    }

    fn on_any(&mut self, classified: &Classified) {
        self.enhanced |= classified.enhanced;
        self.tracks = self.tracks.union(classified.tracks);
        if classified.default_track() && classified.codec != Codec::None {
            self.codec_changed |=
                self.codec != Codec::None && self.codec.family() != classified.codec.family();
            self.codec = classified.codec;
        }
    }

    /// Stream time from the first frame to the last, in milliseconds.
    pub(super) fn span_ms(&self) -> i64 {
        let span = self
            .first_ms
            .zip(self.last_ms)
            .map(|(first, last)| step_ms(first, last));
        span.unwrap_or(0).max(0)
    }

    /// Frames per second, when there are enough to tell.
    pub(super) fn frames_per_second(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let (frames, span) = (self.frames.saturating_sub(1) as f64, self.span_ms() as f64);
        (span > 0.0 && frames > 0.0).then(|| frames * 1_000.0 / span)
    }

    /// Payload bits per second in thousands, when there are enough to tell.
    pub(super) fn kbits_per_second(&self) -> Option<u64> {
        let span = u64::try_from(self.span_ms())
            .ok()
            .filter(|span| *span > 0)?;
        Some(self.bytes.saturating_mul(8) / span)
    }

    /// Longest time that went by behind a keyframe without another one, in milliseconds.
    pub(super) fn longest_gop_ms(&self) -> Option<i64> {
        let tail = step_ms(*self.keyframes_ms.last()?, self.last_ms?);
        self.gops_ms().into_iter().chain([tail]).max()
    }

    /// Times between keyframes, in milliseconds.
    pub(super) fn gops_ms(&self) -> Vec<i64> {
        let pairs = self.keyframes_ms.windows(2);
        pairs.map(|pair| step_ms(pair[0], pair[1])).collect()
    }
}

/// From one timestamp to another; 32-bit timestamps wrap. [RTMP 5.3.1.3]
fn step_ms(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from).cast_signed())
}

/// Codecs whose frames mean nothing without a sequence header.
fn needs_header(codec: Codec) -> bool {
    use bongsu_flv::Family;
    matches!(
        codec.family(),
        Family::H264 | Family::H265 | Family::Av1 | Family::Aac
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const AVC_HEADER: &[u8] = &[0x17, 0, 0, 0, 0, 1, 100, 0, 31, 0xff];
    pub(in crate::probe) const AVC_KEY: &[u8] = &[0x17, 1, 0, 0, 80, 0, 0, 0, 1, 0x65];
    pub(in crate::probe) const AVC_INTER: &[u8] = &[0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41];
    const AAC_HEADER: &[u8] = &[0xaf, 0, 0x12, 0x10];
    pub(in crate::probe) const AAC_FRAME: &[u8] = &[0xaf, 1, 0x21, 0x10];

    /// Five seconds of 25 frames a second with a keyframe each second, arriving as they should.
    pub(in crate::probe) fn healthy() -> Analysis {
        let mut analysis = Analysis::default();
        let at = |ms: u32| Duration::from_millis(u64::from(ms));
        analysis.on_media(at(0), Kind::Video, 0, AVC_HEADER);
        analysis.on_media(at(0), Kind::Audio, 0, AAC_HEADER);
        for frame in 0..=125 {
            let ms = frame * 40;
            let payload = if frame % 25 == 0 { AVC_KEY } else { AVC_INTER };
            analysis.on_media(at(ms), Kind::Video, ms, payload);
            analysis.on_media(at(ms), Kind::Audio, ms, AAC_FRAME);
        }
        analysis
    }

    #[test]
    fn a_healthy_stream_has_its_figures() {
        let analysis = healthy();
        assert_eq!(analysis.video.frames, 126);
        assert_eq!(analysis.video.frames_per_second(), Some(25.0));
        assert_eq!(
            analysis.video.kbits_per_second(),
            Some(126 * 10 * 8 / 5_000)
        );
        assert_eq!(analysis.video.gops_ms(), [1_000; 5]);
        assert_eq!(analysis.video.codec.to_string(), "H.264");
        assert_eq!(analysis.audio.codec.to_string(), "AAC");
        assert!(analysis.video.reordered && !analysis.video.headless);
        assert_eq!(analysis.video.longest_gop_ms(), Some(1_000));
        assert_eq!(analysis.skew_ms(), Some(0));
        assert!((analysis.speed().unwrap() - 1.0).abs() < 0.001);
        assert_eq!(analysis.keyframe_at, Some(Duration::ZERO));
    }

    #[test]
    fn steps_back_and_gaps_are_counted_and_a_wrap_is_neither() {
        let mut flow = Flow::default();
        let frame = classify(Kind::Audio, AAC_FRAME);
        for ms in [u32::MAX - 20, 0, 20, 10, 40, 1_041] {
            flow.on_frame(&frame, ms, 4);
        }
        assert_eq!(
            (flow.steps_back, flow.gaps, flow.longest_gap_ms),
            (1, 1, 1_001)
        );
        assert!(flow.headless);
    }

    #[test]
    fn a_last_gop_that_does_not_end_counts_as_well() {
        let mut flow = Flow::default();
        flow.on_frame(&classify(Kind::Video, AVC_KEY), 0, 10);
        assert_eq!(flow.longest_gop_ms(), Some(0));
        flow.on_frame(&classify(Kind::Video, AVC_INTER), 7_000, 10);
        assert_eq!(
            (flow.longest_gop_ms(), flow.gops_ms()),
            (Some(7_000), Vec::new())
        );
    }

    #[test]
    fn keyframes_are_kept_up_to_a_limit() {
        let mut flow = Flow::default();
        let key = classify(Kind::Video, AVC_KEY);
        for ms in 0..=u32::try_from(KEYFRAMES_MAX).unwrap() {
            flow.on_frame(&key, ms, 10);
        }
        assert_eq!(flow.keyframes_ms.len(), KEYFRAMES_MAX);
        assert_eq!(flow.frames, KEYFRAMES_MAX as u64 + 1);
    }
}
