//! Everybody who plays, and the verdict on what each of them got.

use std::path::PathBuf;
use std::time::Duration;

use bongsu_testkit::compare::{Equal, Packet, Rule, Start, compare, read_flv};
use bongsu_testkit::vlc::Vlc;
use bongsu_testkit::{Bongsu, Process, RunDir, Tool, clients};

/// How long a player may take to end when its stream has ended.
const END_LIMIT: Duration = Duration::from_secs(15);

/// What [`Rule::EveryMessage`] compares, for the table.
const EVERY_MESSAGE: &str = "every audio and video message";

/// A program that plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Player {
    /// The ffmpeg of the distribution.
    DebianFfmpeg,
    /// The ffmpeg of the wheel.
    WheelFfmpeg,
    /// rtmpdump.
    Rtmpdump,
    /// GStreamer's `rtmp2src`.
    Rtmp2Src,
    /// VLC.
    Vlc,
    /// `bongsu play`.
    Bongsu,
}

impl Player {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::DebianFfmpeg,
        Self::WheelFfmpeg,
        Self::Rtmpdump,
        Self::Rtmp2Src,
        Self::Vlc,
        Self::Bongsu,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::DebianFfmpeg => "ffmpeg (Debian)",
            Self::WheelFfmpeg => "ffmpeg (wheel)",
            Self::Rtmpdump => "rtmpdump",
            Self::Rtmp2Src => "GStreamer rtmp2src",
            Self::Vlc => "VLC",
            Self::Bongsu => "bongsu play",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::DebianFfmpeg => "ffmpeg-debian",
            Self::WheelFfmpeg => "ffmpeg-wheel",
            Self::Rtmpdump => "rtmpdump",
            Self::Rtmp2Src => "rtmp2src",
            Self::Vlc => "vlc",
            Self::Bongsu => "bongsu-play",
        }
    }

    /// What of the stream it hands out.
    const fn rule(self) -> Rule {
        match self {
            // It writes messages as they come.
            Self::Bongsu => Rule::EveryMessage,
            // librtmp and rtmp2src keep video of 5 bytes and less for themselves: the end of a sequence.
            // ffmpeg takes the messages apart and writes new ones around the same frames.
            Self::Rtmpdump
            | Self::Rtmp2Src
            | Self::DebianFfmpeg
            | Self::WheelFfmpeg
            | Self::Vlc => Rule::FramesAndHeaders,
        }
    }
}

#[derive(Debug)]
enum Seat {
    Process(Process, PathBuf),
    Vlc(Vlc),
}

/// One player with its place in the table.
#[derive(Debug)]
pub struct Listener {
    player: Player,
    title: String,
    seat: Seat,
}

/// What one receiver got.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Who.
    pub receiver: String,
    /// What was compared.
    pub compared: String,
    /// What was equal, or the first difference.
    pub outcome: Result<String, String>,
}

impl Listener {
    /// Starts a player. `place` says where it listens when that is not the relay itself.
    #[must_use]
    pub fn start(player: Player, dir: &RunDir, url: &str, place: Option<&str>) -> Self {
        let name = match place {
            Some(place) => format!("{}-at-{}", player.name(), place.replace(' ', "-")),
            None => player.name().to_owned(),
        };
        let file = dir.join(&format!("{name}.flv"));
        let command = match player {
            Player::DebianFfmpeg => Some(clients::ffmpeg_play(Tool::DebianFfmpeg, url, &file)),
            Player::WheelFfmpeg => Some(clients::ffmpeg_play(Tool::WheelFfmpeg, url, &file)),
            Player::Rtmpdump => Some(clients::rtmpdump_play(url, &file)),
            Player::Rtmp2Src => Some(clients::gstreamer_play(url, &file)),
            Player::Bongsu => Some(clients::bongsu_play(&Bongsu::binary(), url, &file)),
            Player::Vlc => None,
        };
        let seat = match command {
            Some(mut command) => {
                Seat::Process(Process::start(&name, dir.path(), &mut command), file)
            }
            None => Seat::Vlc(Vlc::play(&unique(dir, &name), dir.path(), url)),
        };
        Self {
            player,
            title: match place {
                Some(place) => format!("{place}, {}", player.title()),
                None => player.title().to_owned(),
            },
            seat,
        }
    }

    /// Waits until the player has seen the end of the stream and ended by itself.
    fn wait_for_end(&mut self) -> Result<(), String> {
        let process = match &mut self.seat {
            Seat::Process(process, _) => process,
            Seat::Vlc(vlc) => vlc.process(),
        };
        match process.wait_at_most(END_LIMIT) {
            Some(_) => Ok(()),
            None => Err(format!(
                "did not end with the stream; {}",
                process.last_words()
            )),
        }
    }

    /// Waits for the end of the player and compares what it got with what was sent.
    #[must_use]
    pub fn judge(mut self, sent: &[Packet], start: Start) -> Verdict {
        let rule = match start {
            Start::Whole => self.player.rule(),
            // Who joins later gets its headers again, and not those of before.
            Start::AtAKeyframe => Rule::FramesAndHeaders,
        };
        let ended = self.wait_for_end();
        let got = match &self.seat {
            Seat::Process(_, file) if !file.is_file() => Err("received nothing".to_owned()),
            Seat::Process(_, file) => compare(sent, &read_flv(file), rule, start)
                .map(|equal| equal.to_string())
                .map_err(|difference| difference.to_string()),
            Seat::Vlc(vlc) => pictures(vlc.pictures(), sent, start),
        };
        Verdict {
            receiver: self.title,
            compared: match (self.player, rule) {
                (Player::Vlc, _) => "decoded pictures",
                (_, Rule::EveryMessage) => EVERY_MESSAGE,
                (_, Rule::FramesAndHeaders) => "frames and headers",
                (_, Rule::Frames) => "frames",
            }
            .to_owned(),
            outcome: ended.and(got),
        }
    }
}

/// A player that shows pictures has shown every one that was sent; who joined later, those from the first or the second
/// keyframe on.
fn pictures(shown: usize, sent: &[Packet], start: Start) -> Result<String, String> {
    let pictures: Vec<&Packet> = sent
        .iter()
        .filter(|packet| packet.is_frame() && packet.kind == bongsu_flv::Kind::Video)
        .collect();
    let keyframes =
        (0..pictures.len()).filter(|at| pictures[*at].class == bongsu_flv::Class::Keyframe);
    let missed: Vec<usize> = match start {
        Start::Whole => vec![0],
        Start::AtAKeyframe => keyframes.take(2).collect(),
    };
    let expected: Vec<usize> = missed
        .iter()
        .map(|missed| pictures.len() - missed)
        .collect();
    match expected.iter().position(|expected| *expected == shown) {
        Some(at) if missed[at] > 0 => Ok(format!(
            "{shown} pictures, {} missed at the start",
            missed[at]
        )),
        Some(_) => Ok(format!("{shown} pictures")),
        None => Err(format!("{shown} pictures, expected one of {expected:?}")),
    }
}

/// VLC's home is outside of the folder of the test, where another test may have the same name for it.
fn unique(dir: &RunDir, name: &str) -> String {
    let test = dir
        .path()
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    format!("{}-{name}", test.unwrap_or_default())
}

/// What a recording holds, as a verdict.
#[must_use]
pub fn judge_file(
    receiver: &str,
    file: &std::path::Path,
    sent: &[Packet],
    rule: Rule,
    start: Start,
) -> Verdict {
    let outcome = if file.is_file() {
        compare(sent, &read_flv(file), rule, start).map_err(|difference| difference.to_string())
    } else {
        Err("received nothing".to_owned())
    };
    Verdict {
        receiver: receiver.to_owned(),
        compared: match rule {
            Rule::EveryMessage => EVERY_MESSAGE,
            Rule::FramesAndHeaders => "frames and headers",
            Rule::Frames => "frames",
        }
        .to_owned(),
        outcome: outcome.map(|equal: Equal| equal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use bongsu_flv::Kind;

    use super::*;

    #[test]
    fn who_joins_late_may_miss_the_first_group_of_pictures_and_nothing_else() {
        let picture = |head: u8| {
            let body = [&[head], b"\x01\x00\x00\x00picture".as_slice()].concat();
            Packet::new(Kind::Video, 0, body.into())
        };
        let sent = [0x17, 0x27, 0x17, 0x27, 0x17, 0x27].map(picture);
        let judge = |shown, start| pictures(shown, &sent, start).is_ok();
        let all = [6, 5, 4, 3, 2];
        assert_eq!(
            all.map(|shown| judge(shown, Start::Whole)),
            [true, false, false, false, false]
        );
        assert_eq!(
            all.map(|shown| judge(shown, Start::AtAKeyframe)),
            [true, false, true, false, false]
        );
    }
}
