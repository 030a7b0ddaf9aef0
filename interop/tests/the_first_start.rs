//! The way in: a relay that is started without a file prints what to paste. Pasted as it is, it works; and the key in it
//! shows nowhere else.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use bongsu_interop::stage::wait_for_players;
use bongsu_testkit::compare::{Packet, Rule, Start, compare, read_flv};
use bongsu_testkit::{Bongsu, Fixture, Process, RunDir, Tool, clients, http, wait};

/// How long a step may take that has no limit of its own.
const LIMIT: Duration = Duration::from_secs(30);

/// The texts that a start prints.
struct Printed {
    server: String,
    stream_key: String,
    ffmpeg: String,
    player: String,
    status: String,
    key: String,
}

impl Printed {
    fn of(relay: &Bongsu, dir: &RunDir) -> Self {
        let text = relay.printed(dir);
        let field = |title: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(title));
            line.unwrap_or_else(|| panic!("no \"{title}\" in:\n{text}"))
                .trim()
                .to_owned()
        };
        Self {
            server: field("    Server"),
            stream_key: field("    Stream key"),
            ffmpeg: field("  ffmpeg  "),
            player: field("  player"),
            status: field("  status"),
            key: field("  key"),
        }
    }

    /// The URL in the player line.
    fn player_url(&self) -> &str {
        self.player
            .strip_prefix("ffplay ")
            .expect("a line for ffplay")
    }
}

/// A folder with the file `in.mp4` of the ffmpeg line, and what ffmpeg makes of it: the reference.
fn media(dir: &RunDir, fixture: Fixture) -> (PathBuf, Vec<Packet>) {
    let folder = dir.folder(fixture.name());
    let (input, reference) = (folder.join("in.mp4"), folder.join("sent.flv"));
    let convert = |words: &str, from: PathBuf, to: &PathBuf| {
        let mut command = Tool::DebianFfmpeg.command();
        command.args(["-loglevel", "error", "-y", "-i"]).arg(from);
        command.args(words.split(' ')).arg(to);
        Process::start("convert", &folder, &mut command).wait_for_success(LIMIT);
    };
    convert("-c copy", fixture.path(), &input);
    let words = "-c copy -flvflags no_duration_filesize -f flv";
    convert(words, input, &reference);
    (folder, read_flv(&reference))
}

/// Pastes a line into a shell.
fn paste(line: &str, folder: &std::path::Path) -> Process {
    let ffmpeg = Tool::DebianFfmpeg.path();
    let programs = ffmpeg.parent().expect("the folder of ffmpeg");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(folder)
        .env("PATH", path);
    Process::start("pasted", folder, &mut shell)
}

/// Plays with two programs what a pasted ffmpeg line publishes, and compares.
fn publish_and_play(relay: &Bongsu, printed: &Printed, dir: &RunDir, fixture: Fixture) {
    let (folder, sent) = media(dir, fixture);
    let files = ["bongsu", "ffmpeg"].map(|name| folder.join(format!("{name}.flv")));
    let url = printed.player_url();
    let start = |name, mut command| Process::start(name, &folder, &mut command);
    let mut players = [
        start(
            "bongsu-play",
            clients::bongsu_play(&Bongsu::binary(), url, &files[0]),
        ),
        start(
            "ffmpeg-play",
            clients::ffmpeg_play(Tool::DebianFfmpeg, url, &files[1]),
        ),
    ];
    wait_for_players(relay, players.len());
    let mut publisher = paste(&printed.ffmpeg, &folder);
    wait::until_true("the stream to be live", LIMIT, || {
        relay
            .stream("live/cam")
            .is_some_and(|stream| stream["state"] == "live")
    });
    publisher.wait_for_success(LIMIT);
    for player in &mut players {
        player.wait_for_success(LIMIT);
    }
    let rules = [Rule::EveryMessage, Rule::FramesAndHeaders];
    for (file, rule) in files.iter().zip(rules) {
        compare(&sent, &read_flv(file), rule, Start::Whole)
            .unwrap_or_else(|difference| panic!("{}: {difference}", file.display()));
    }
}

/// Nothing that others can read shows the key.
fn shows_nowhere(relay: &mut Bongsu, key: &str) {
    for path in ["/metrics", "/api/v1/streams", "/readyz"] {
        let answer = http::get(relay.http(), path).expect("an answer").body;
        assert!(!answer.contains(key), "the key is in {path}:\n{answer}");
    }
    let log = relay.process().output();
    assert!(log.contains("publish"), "the log tells something:\n{log}");
    assert!(!log.contains(key), "the key is in the log:\n{log}");
}

#[test]
fn what_it_prints_works_as_it_is_and_its_key_shows_nowhere_else() {
    let dir = RunDir::new("the-first-start");
    let mut relay = Bongsu::start_without_file(&dir, "relay");
    let first = Printed::of(&relay, &dir);
    let address = relay.rtmp();
    assert_eq!(first.server, format!("rtmp://{address}/live"));
    assert_eq!(
        first.status,
        format!("http://{}/api/v1/streams", relay.http())
    );
    let key = first
        .stream_key
        .strip_prefix("cam?key=")
        .expect("a stream key with a name");
    let file = dir.join("relay state/bongsu/stream.key");
    let kept = std::fs::read_to_string(&file).expect("the file of the key");
    assert_eq!(kept.trim_end(), key);
    let mode = file.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let place = file.display();
    assert_eq!(
        first.key,
        format!("made now and kept in {place}; it fits every stream name")
    );
    // What goes into OBS is what goes into ffmpeg.
    let url = format!("{}/{}", first.server, first.stream_key);
    assert_eq!(
        first.ffmpeg,
        format!("ffmpeg -re -i in.mp4 -c copy -f flv \"{url}\"")
    );
    publish_and_play(&relay, &first, &dir, Fixture::H264Aac);
    shows_nowhere(&mut relay, key);

    // Started again, it shows the key to nobody but a person at a terminal, and the key is the same.
    relay.restart(&dir);
    let second = Printed::of(&relay, &dir);
    let text = relay.printed(&dir);
    assert!(!text.contains(key), "the key is printed again:\n{text}");
    assert_eq!(second.stream_key, format!("cam?key=<key in {place}>"));
    assert_eq!(
        second.key,
        format!("kept in {place}; it fits every stream name")
    );
    publish_and_play(&relay, &second, &dir, Fixture::H264AacTiny);
    shows_nowhere(&mut relay, key);
}
