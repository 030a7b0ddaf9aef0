//! What is wrong with a stream, and what to do.

use serde::Serialize;

use super::analysis::{Analysis, Flow};

/// Longest time between keyframes that is no problem, in milliseconds.
/// Why: a player waits for a keyframe, and the large services ask for 2 to 4 s.
const GOP_MS_MAX: i64 = 4_000;

/// Largest distance of sound and picture that is no problem, in milliseconds. Why: encoders interleave within half a
/// second; a player must buffer more than this to keep them together.
const SKEW_MS_MAX: i64 = 1_000;

/// Stream time per wall time that counts as real time.
const SPEED: std::ops::RangeInclusive<f64> = 0.9..=1.1;

/// Something wrong with a stream that plays.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    /// Stable, for programs.
    pub(super) code: &'static str,
    pub(super) what: String,
    #[serde(rename = "try")]
    pub(super) hint: &'static str,
}

impl Problem {
    const fn new(code: &'static str, what: String, hint: &'static str) -> Self {
        Self { code, what, hint }
    }
}

/// All problems, those of one kind of media first.
pub(super) fn problems(analysis: &Analysis) -> Vec<Problem> {
    let mut problems = Vec::new();
    in_order("video", &analysis.video, &mut problems);
    in_order("audio", &analysis.audio, &mut problems);
    problems.extend(keyframes(&analysis.video));
    problems.extend(skew(analysis));
    problems.extend(speed(analysis));
    problems.extend(malformed(analysis));
    problems
}

/// Frames of one kind whose order, times or codec no player expects.
fn in_order(name: &str, flow: &Flow, problems: &mut Vec<Problem>) {
    if flow.headless {
        problems.push(Problem::new(
            "header_late",
            format!("{name} frames came before their sequence header"),
            "look at the server: it must replay headers to each new player",
        ));
    }
    if flow.codec_changed {
        problems.push(Problem::new(
            "codec_changed",
            format!("the {name} codec changed"),
            "keep one codec; many players read it once",
        ));
    }
    if flow.steps_back > 0 {
        let times = counted(flow.steps_back, "time");
        problems.push(Problem::new(
            "time_back",
            format!("{name} timestamps went back {times}"),
            "look at the encoder's clock, or at a joint of two files",
        ));
    }
    if flow.gaps > 0 {
        let gaps = counted(flow.gaps, "gap");
        let longest = flow.longest_gap_ms;
        problems.push(Problem::new(
            "gap",
            format!("{name} has {gaps}, the longest of {longest} ms"),
            "look for dropped frames at the encoder and for losses on its network",
        ));
    }
}

/// Keyframes that are missing or too far apart.
fn keyframes(video: &Flow) -> impl Iterator<Item = Problem> {
    const HINT: &str = "set the keyframe interval of the encoder to 2 s";
    let none = (video.frames > 0 && video.keyframes_ms.is_empty()).then(|| {
        let what = "no keyframe came: no player can show a picture".to_owned();
        Problem::new("no_keyframe", what, HINT)
    });
    let longest = video.longest_gop_ms().filter(|ms| *ms > GOP_MS_MAX);
    let long = longest.map(|longest| {
        let what = format!("up to {longest} ms without a keyframe");
        Problem::new("gop_long", what, HINT)
    });
    none.into_iter().chain(long)
}

fn skew(analysis: &Analysis) -> Option<Problem> {
    let skew = analysis.skew_ms().filter(|skew| skew.abs() > SKEW_MS_MAX)?;
    let side = if skew > 0 { "ahead of" } else { "behind" };
    Some(Problem::new(
        "skew",
        format!("audio is {} ms {side} video", skew.abs()),
        "set audio offset and buffers of the encoder to their defaults",
    ))
}

fn speed(analysis: &Analysis) -> Option<Problem> {
    let speed = analysis.speed().filter(|speed| !SPEED.contains(speed))?;
    Some(Problem::new(
        "speed",
        format!("the stream runs at {speed:.2} of real time"),
        "look at the encoder's load; with a file, publish in real time (ffmpeg -re)",
    ))
}

fn malformed(analysis: &Analysis) -> Option<Problem> {
    (analysis.malformed > 0).then(|| {
        let messages = counted(analysis.malformed, "message");
        Problem::new(
            "malformed",
            format!("{messages} cut short or impossible"),
            "look at the encoder, or at what stands between it and here",
        )
    })
}

pub(super) fn counted(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bongsu_flv::Kind;

    use super::super::analysis::tests::{AAC_FRAME, AVC_INTER};
    use super::*;

    fn codes(analysis: &Analysis) -> Vec<&'static str> {
        let problems = problems(analysis);
        problems.iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn a_stream_without_a_keyframe_and_one_too_slow_are_problems() {
        let mut analysis = Analysis::default();
        for second in 0..=9 {
            let at = Duration::from_secs(second);
            analysis.on_media(
                at,
                Kind::Audio,
                u32::try_from(second).unwrap() * 500,
                AAC_FRAME,
            );
        }
        assert_eq!(codes(&analysis), ["header_late", "speed"]);
        analysis.on_media(Duration::ZERO, Kind::Video, 4_500, AVC_INTER);
        assert!(codes(&analysis).contains(&"no_keyframe"));
    }
}
