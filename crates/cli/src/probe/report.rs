//! What a probe says: figures, problems, and a verdict.

use std::fmt::Write as _;
use std::time::Duration;

use bongsu_flv::TrackSet;
use serde::Serialize;

use super::analysis::{Analysis, Flow};
use super::metadata::Metadata;
use super::problem::{Problem, counted, problems};

/// All that a probe found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The URL without secrets.
    pub(super) url: String,
    pub(super) verdict: Verdict,
    pub(super) problems: Vec<Problem>,
    /// From the start of the probe to each step, in milliseconds.
    pub(super) times: Times,
    pub(super) video: Option<Video>,
    pub(super) audio: Option<Audio>,
    pub(super) metadata: Option<Metadata>,
    /// Stream time per wall time.
    pub(super) speed: Option<f64>,
    pub(super) enhanced_rtmp: EnhancedRtmp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// It plays, and nothing is wrong.
    Good,
    /// It plays, and something is wrong.
    Problems,
    /// Nothing that can be played came.
    NoMedia,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Times {
    pub(super) connected_ms: Option<u64>,
    pub(super) play_accepted_ms: Option<u64>,
    pub(super) first_message_ms: Option<u64>,
    pub(super) first_keyframe_ms: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Video {
    codec: String,
    tracks: u32,
    frames: u64,
    kbits_per_second: Option<u64>,
    frames_per_second: Option<f64>,
    gop_ms: Option<Gop>,
    reordered: bool,
    disposable_frames: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Gop {
    shortest: i64,
    longest: i64,
    count: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Audio {
    codec: String,
    tracks: u32,
    frames: u64,
    kbits_per_second: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct EnhancedRtmp {
    /// Messages have the headers of Enhanced RTMP.
    headers: bool,
    /// More than one track of a kind.
    multitrack: bool,
}

impl Report {
    pub(super) fn new(url: String, times: Times, analysis: &Analysis) -> Self {
        let (video, audio) = (&analysis.video, &analysis.audio);
        let problems = problems(analysis);
        let verdict = match (video.frames + audio.frames, problems.is_empty()) {
            (0, _) => Verdict::NoMedia,
            (_, true) => Verdict::Good,
            (_, false) => Verdict::Problems,
        };
        Self {
            url,
            verdict,
            problems,
            times: Times {
                first_message_ms: analysis.first_at.map(millis),
                first_keyframe_ms: analysis.keyframe_at.map(millis),
                ..times
            },
            video: (video.frames > 0).then(|| Video::new(video)),
            audio: (audio.frames > 0).then(|| Audio::new(audio)),
            metadata: analysis.metadata.clone(),
            speed: analysis.speed(),
            enhanced_rtmp: EnhancedRtmp {
                headers: video.enhanced || audio.enhanced,
                multitrack: [video, audio].iter().any(|flow| flow.tracks.len() > 1),
            },
        }
    }

    /// The report for a person.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n", self.url);
        let mut line = |title: &str, value: String| {
            let _ = writeln!(text, "  {title:<10}{value}");
        };
        line(
            "video",
            self.video.as_ref().map_or_else(
                || "none".to_owned(),
                |video| video.text(self.metadata.as_ref()),
            ),
        );
        if let Some(video) = &self.video {
            line("keyframes", video.gop_text());
        }
        line(
            "audio",
            self.audio.as_ref().map_or_else(
                || "none".to_owned(),
                |audio| audio.text(self.metadata.as_ref()),
            ),
        );
        if let Some(encoder) = self
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.encoder.as_ref())
        {
            line("encoder", encoder.clone());
        }
        line("times", self.times.text());
        if let Some(speed) = self.speed {
            line("speed", format!("{speed:.2} of real time"));
        }
        line("E-RTMP", self.enhanced_rtmp.text().to_owned());
        for problem in &self.problems {
            let _ = write!(
                text,
                "\nproblem: {}\n  try:  {}\n",
                problem.what, problem.hint
            );
        }
        let verdict = match self.verdict {
            Verdict::Good => "good: it plays, and nothing is wrong".to_owned(),
            Verdict::NoMedia => "bad: no audio and no video came".to_owned(),
            Verdict::Problems => format!(
                "it plays, with {}",
                counted(self.problems.len() as u64, "problem")
            ),
        };
        let _ = write!(text, "\nverdict: {verdict}\n");
        text
    }
}

impl Video {
    fn new(flow: &Flow) -> Self {
        let gops = flow.gops_ms();
        let range = gops.iter().min().zip(gops.iter().max());
        Self {
            codec: flow.codec.to_string(),
            tracks: tracks(flow.tracks),
            frames: flow.frames,
            kbits_per_second: flow.kbits_per_second(),
            frames_per_second: flow.frames_per_second().map(hundredths),
            gop_ms: range.map(|(shortest, longest)| Gop {
                shortest: *shortest,
                longest: *longest,
                count: gops.len(),
            }),
            reordered: flow.reordered,
            disposable_frames: flow.disposable,
        }
    }

    fn text(&self, metadata: Option<&Metadata>) -> String {
        let mut parts = vec![self.codec.clone()];
        if let Some((width, height)) = metadata.and_then(|m| m.width.zip(m.height)) {
            parts.push(format!("{width}x{height}"));
        }
        parts.extend(self.frames_per_second.map(|fps| format!("{fps:.2} fps")));
        parts.extend(self.kbits_per_second.map(|rate| format!("{rate} kbit/s")));
        if self.tracks > 1 {
            parts.push(counted(self.tracks, "track"));
        }
        if self.reordered {
            parts.push("B-frames".to_owned());
        }
        parts.join(", ")
    }

    fn gop_text(&self) -> String {
        match &self.gop_ms {
            Some(gop) if gop.longest - gop.shortest <= 1 => format!("every {} ms", gop.longest),
            Some(gop) => format!("every {} to {} ms", gop.shortest, gop.longest),
            None => "fewer than two".to_owned(),
        }
    }
}

impl Audio {
    fn new(flow: &Flow) -> Self {
        Self {
            codec: flow.codec.to_string(),
            tracks: tracks(flow.tracks),
            frames: flow.frames,
            kbits_per_second: flow.kbits_per_second(),
        }
    }

    fn text(&self, metadata: Option<&Metadata>) -> String {
        let mut parts = vec![self.codec.clone()];
        parts.extend(
            metadata
                .and_then(|m| m.audio_sample_rate)
                .map(|rate| format!("{rate} Hz")),
        );
        parts.extend(self.kbits_per_second.map(|rate| format!("{rate} kbit/s")));
        if self.tracks > 1 {
            parts.push(counted(self.tracks, "track"));
        }
        parts.join(", ")
    }
}

impl Times {
    fn text(&self) -> String {
        let parts = [
            ("connected", self.connected_ms),
            ("play accepted", self.play_accepted_ms),
            ("first message", self.first_message_ms),
            ("first keyframe", self.first_keyframe_ms),
        ];
        let parts = parts
            .iter()
            .filter_map(|(step, ms)| Some(format!("{step} {} ms", (*ms)?)));
        parts.collect::<Vec<_>>().join(", ")
    }
}

impl EnhancedRtmp {
    const fn text(&self) -> &'static str {
        match (self.headers, self.multitrack) {
            (false, false) => "not used",
            (true, false) => "headers",
            (_, true) => "headers, several tracks",
        }
    }
}

fn tracks(set: TrackSet) -> u32 {
    set.len()
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::analysis::tests::{AAC_FRAME, AVC_INTER, AVC_KEY, healthy};
    use super::*;
    use bongsu_flv::Kind;

    fn report(analysis: &Analysis) -> Report {
        let times = Times {
            connected_ms: Some(2),
            play_accepted_ms: Some(5),
            ..Times::default()
        };
        Report::new("rtmp://h/live/cam".to_owned(), times, analysis)
    }

    #[test]
    fn a_healthy_stream_has_a_good_verdict() {
        let mut analysis = healthy();
        analysis.metadata = Some(Metadata {
            width: Some(1280),
            height: Some(720),
            frames_per_second: Some(25.0),
            audio_sample_rate: Some(44_100),
            encoder: Some("sample".to_owned()),
        });
        let report = report(&analysis);
        assert_eq!(report.verdict, Verdict::Good);
        assert_eq!(
            report.text(),
            "rtmp://h/live/cam
  video     H.264, 1280x720, 25.00 fps, 2 kbit/s, B-frames
  keyframes every 1000 ms
  audio     AAC, 44100 Hz, 0 kbit/s
  encoder   sample
  times     connected 2 ms, play accepted 5 ms, first message 0 ms, first keyframe 0 ms
  speed     1.00 of real time
  E-RTMP    not used

verdict: good: it plays, and nothing is wrong
"
        );
    }

    #[test]
    fn the_json_has_the_same_figures_under_stable_names() {
        let json = serde_json::to_value(report(&healthy())).unwrap();
        assert_eq!(json["verdict"], "good");
        assert_eq!(json["video"]["codec"], "H.264");
        assert_eq!(json["video"]["gop_ms"]["longest"], 1_000);
        assert_eq!(json["times"]["first_keyframe_ms"], 0);
        assert_eq!(json["enhanced_rtmp"]["multitrack"], false);
        assert_eq!(json["problems"], serde_json::json!([]));
    }

    #[test]
    fn nothing_at_all_is_a_bad_verdict() {
        let report = report(&Analysis::default());
        assert_eq!(report.verdict, Verdict::NoMedia);
        assert!(
            report
                .text()
                .ends_with("verdict: bad: no audio and no video came\n")
        );
    }

    #[test]
    fn every_problem_is_named_with_what_to_do() {
        let mut analysis = Analysis::default();
        let at = Duration::ZERO;
        analysis.on_media(at, Kind::Video, 100, AVC_KEY);
        analysis.on_media(at, Kind::Video, 90, AVC_INTER);
        analysis.on_media(at, Kind::Video, 5_000, AVC_INTER);
        analysis.on_media(at, Kind::Video, 5_040, &[0x97]);
        analysis.on_media(at, Kind::Audio, 100, AAC_FRAME);
        let report = report(&analysis);
        let codes: Vec<_> = report.problems.iter().map(|problem| problem.code).collect();
        assert_eq!(
            codes,
            [
                "header_late",
                "time_back",
                "gap",
                "header_late",
                "gop_long",
                "skew",
                "malformed"
            ]
        );
        let text = report.text();
        let expected = "
problem: up to 4900 ms without a keyframe
  try:  set the keyframe interval of the encoder to 2 s

problem: audio is 4900 ms behind video
  try:  set audio offset and buffers of the encoder to their defaults
";
        assert!(text.contains(expected), "{text}");
        assert!(
            text.ends_with("verdict: it plays, with 7 problems\n"),
            "{text}"
        );
    }
}
