//! Media made by ffmpeg's own test sources: the same bytes on every run with the same ffmpeg.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use crate::place::target_dir;
use crate::tool::Tool;

/// A short recording in an FLV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixture {
    /// H.264 with B-frames and AAC: 10 s, 320x180, a keyframe every 2 s, about 600 kbit/s.
    H264Aac,
    /// The same codecs with other settings: 8 s, 426x240, 30 frames a second, a keyframe every second, no B-frames.
    H264AacOther,
    /// H.264 and AAC for transcripts: 2 s, 160x90, few bytes.
    H264AacTiny,
    /// H.264 and AAC for long runs: 40 s, 320x180, a keyframe every second.
    H264AacLong,
    /// The same for attacks that follow each other: two minutes.
    H264AacTwoMinutes,
    /// H.264 and AAC of 600 kbit/s: 20 s, 640x360, a keyframe every 2 s.
    H264AacBusy,
    /// HEVC and AAC.
    Hevc,
    /// HEVC and AAC for transcripts: 2 s, 160x90.
    HevcTiny,
    /// AV1 and Opus.
    Av1Opus,
    /// VP9 and FLAC.
    Vp9Flac,
    /// H.264 and AC-3.
    H264Ac3,
    /// H.264 and two audio tracks, both AAC.
    TwoAudioTracks,
    /// Two pictures, both H.264, and two audio tracks, AAC and MP3: 3 s.
    TwoOfEach,
    /// HEVC with the colours of HDR, and E-AC-3: 3 s.
    HdrEac3,
    /// VVC and AAC: 3 s.
    Vvc,
}

/// The screen that a picture in HDR was made for: primaries, white point, luminance.
const HDR_DISPLAY: &str = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";

/// Input of the test picture and the test tone.
fn sources(size: &str, rate: u32, audio_rate: u32, tones: &[u32]) -> String {
    let mut words = format!("-f lavfi -i testsrc2=size={size}:rate={rate}");
    for tone in tones {
        words.push_str(&format!(
            " -f lavfi -i sine=frequency={tone}:sample_rate={audio_rate}"
        ));
    }
    for input in 0..=tones.len() {
        words.push_str(&format!(" -map {input}"));
    }
    words
}

/// x264 with keyframes exactly every `gop` frames. One thread, so that the bytes are the same everywhere.
fn x264(gop: u32, b_frames: u32, rate: &str) -> String {
    format!(
        "-c:v libx264 -preset veryfast -threads 1 -pix_fmt yuv420p -bf {b_frames} -g {gop} -keyint_min {gop} \
         -sc_threshold 0 -b:v {rate}"
    )
}

/// x265 in the same manner.
fn x265(gop: u32, b_frames: u32) -> String {
    format!(
        "-c:v libx265 -x265-params \
         log-level=error:pools=1:frame-threads=1:bframes={b_frames}:keyint={gop}:min-keyint={gop}"
    )
}

impl Fixture {
    /// Its file, made when it is not there yet.
    ///
    /// # Panics
    ///
    /// When ffmpeg is missing or fails.
    #[must_use]
    pub fn path(self) -> PathBuf {
        let arguments = self.arguments();
        let folder = target_dir().join("interop-media");
        let path = folder.join(format!(
            "{}-{:016x}.flv",
            self.name(),
            fingerprint(&arguments)
        ));
        if path.is_file() {
            return path;
        }
        fs::create_dir_all(&folder).expect("a folder for the media");
        // Several tests may make the same file at once: each its own, and the last one stays.
        let own = folder.join(format!(
            "{}-{}-{:?}.part",
            self.name(),
            std::process::id(),
            std::thread::current().id()
        ));
        let output = self
            .tool()
            .command()
            .args("-hide_banner -loglevel error -y".split(' '))
            .args(arguments.split_whitespace())
            .args(["-f", "flv"])
            .arg(&own)
            .stdin(Stdio::null())
            .output()
            .expect("ffmpeg starts");
        assert!(
            output.status.success(),
            "ffmpeg cannot make {}: {}",
            self.name(),
            String::from_utf8_lossy(&output.stderr)
        );
        fs::rename(&own, &path).expect("the media in its place");
        path
    }

    /// How long it plays, in seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        match self {
            Self::H264Aac => 10,
            Self::H264AacOther => 8,
            Self::H264AacTiny | Self::HevcTiny => 2,
            Self::H264AacLong => 40,
            Self::H264AacTwoMinutes => 120,
            Self::H264AacBusy => 20,
            Self::TwoOfEach | Self::HdrEac3 | Self::Vvc => 3,
            _ => 5,
        }
    }

    /// The ffmpeg that can write it, and publish it.
    #[must_use]
    pub const fn tool(self) -> Tool {
        match self {
            Self::H264Aac
            | Self::H264AacOther
            | Self::H264AacTiny
            | Self::H264AacLong
            | Self::H264AacTwoMinutes
            | Self::H264AacBusy => Tool::DebianFfmpeg,
            _ => Tool::WheelFfmpeg,
        }
    }

    /// What is in it, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::H264Aac
            | Self::H264AacOther
            | Self::H264AacTiny
            | Self::H264AacLong
            | Self::H264AacTwoMinutes
            | Self::H264AacBusy => "H.264 + AAC",
            Self::Hevc | Self::HevcTiny => "HEVC + AAC",
            Self::Av1Opus => "AV1 + Opus",
            Self::Vp9Flac => "VP9 + FLAC",
            Self::H264Ac3 => "H.264 + AC-3",
            Self::TwoAudioTracks => "H.264 + two AAC tracks",
            Self::TwoOfEach => "two H.264 tracks + AAC + MP3",
            Self::HdrEac3 => "HEVC in HDR + E-AC-3",
            Self::Vvc => "VVC + AAC",
        }
    }

    /// A short name for files and stream names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264Aac => "h264-aac",
            Self::H264AacOther => "h264-aac-other",
            Self::H264AacTiny => "h264-aac-tiny",
            Self::H264AacLong => "h264-aac-long",
            Self::H264AacTwoMinutes => "h264-aac-two-minutes",
            Self::H264AacBusy => "h264-aac-busy",
            Self::Hevc => "hevc-aac",
            Self::HevcTiny => "hevc-aac-tiny",
            Self::Av1Opus => "av1-opus",
            Self::Vp9Flac => "vp9-flac",
            Self::H264Ac3 => "h264-ac3",
            Self::TwoAudioTracks => "two-audio-tracks",
            Self::TwoOfEach => "two-of-each",
            Self::HdrEac3 => "hdr-eac3",
            Self::Vvc => "vvc-aac",
        }
    }

    fn arguments(self) -> String {
        let (input, codecs) = match self {
            Self::H264Aac => (
                sources("320x180", 25, 44_100, &[440]),
                format!("{} -c:a aac -b:a 96k", x264(50, 2, "500k")),
            ),
            Self::H264AacOther => (
                sources("426x240", 30, 48_000, &[660]),
                format!("{} -c:a aac -b:a 64k", x264(30, 0, "700k")),
            ),
            Self::H264AacTiny => (
                sources("160x90", 10, 44_100, &[440]),
                format!("{} -c:a aac -b:a 32k", x264(10, 0, "60k")),
            ),
            Self::H264AacLong | Self::H264AacTwoMinutes => (
                sources("320x180", 25, 44_100, &[440]),
                format!("{} -c:a aac -b:a 96k", x264(25, 0, "500k")),
            ),
            Self::H264AacBusy => (
                sources("640x360", 25, 44_100, &[440]),
                format!(
                    "{} -maxrate 510k -bufsize 1000k -c:a aac -b:a 96k",
                    x264(50, 0, "500k")
                ),
            ),
            Self::HevcTiny => (
                sources("160x90", 10, 44_100, &[440]),
                format!("{} -c:a aac -b:a 32k", x265(10, 0)),
            ),
            other => other.enhanced(),
        };
        let seconds = self.seconds();
        format!("{input} -t {seconds} {codecs} -flags +bitexact -fflags +bitexact")
    }

    /// Sources and codecs of those that need Enhanced RTMP: HEVC and AAC, where nothing else is said.
    fn enhanced(self) -> (String, String) {
        let modern = |tones: &[u32]| sources("320x180", 25, 48_000, tones);
        match self {
            Self::Av1Opus => (
                modern(&[440]),
                "-c:v libsvtav1 -preset 10 -g 50 -svtav1-params lp=1 -c:a libopus".to_owned(),
            ),
            Self::Vp9Flac => (
                modern(&[440]),
                "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 50 -threads 1 -c:a flac"
                    .to_owned(),
            ),
            Self::H264Ac3 => (
                modern(&[440]),
                format!("{} -c:a ac3 -b:a 128k", x264(50, 2, "500k")),
            ),
            Self::TwoAudioTracks => (
                modern(&[440, 880]),
                format!("{} -c:a aac -b:a 96k", x264(50, 2, "500k")),
            ),
            Self::TwoOfEach => (
                format!(
                    "-f lavfi -i testsrc=size=160x90:rate=25 {} -map 3",
                    modern(&[440, 880])
                ),
                format!(
                    "{} -c:a:0 aac -c:a:1 libmp3lame -b:a 96k",
                    x264(25, 2, "300k")
                ),
            ),
            Self::HdrEac3 => (
                modern(&[440]),
                format!(
                    "{}:hdr10=1:max-cll=1000,400:master-display={HDR_DISPLAY} -pix_fmt yuv420p10le \
                     -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -c:a eac3 -b:a 128k",
                    x265(25, 2)
                ),
            ),
            Self::Vvc => (
                modern(&[440]),
                "-c:v libvvenc -preset faster -threads 1 -g 32 -c:a aac".to_owned(),
            ),
            _ => (modern(&[440]), format!("{} -c:a aac", x265(50, 2))),
        }
    }
}

/// FNV-1a: a name that changes when the recipe does.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
