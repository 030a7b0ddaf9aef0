//! Records the golden transcripts of the RTMP crate: everything that real clients say to the relay, byte for byte.
//!
//! `cargo run -p bongsu-interop --example record_transcripts` writes `crates/rtmp/tests/vectors/<peer>-<version>-<what>.bin`
//! and a `.txt` beside each that says how it was made. They are recorded once per version of a peer and kept.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a tool of developers"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use bongsu_interop::audience::{Listener, Player};
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::stage::OPEN_APP;
use bongsu_testkit::compare::Start;
use bongsu_testkit::{Bongsu, Fixture, Nginx, Proxy, RunDir, Tool, wait};

/// A transcript that is larger does not belong in the repository.
const TRANSCRIPT_BYTES_MAX: usize = 300 * 1024;
/// How long a step may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What a client did, and in whose words.
struct Transcript {
    peer: &'static str,
    tool: Tool,
    what: &'static str,
    how: String,
    bytes: Vec<u8>,
}

fn main() {
    let tiny = Fixture::H264AacTiny;
    let transcripts = [
        publish(
            "ffmpeg",
            Tool::DebianFfmpeg,
            Publisher::DebianFfmpeg,
            tiny,
            "publish",
        ),
        publish(
            "ffmpeg",
            Tool::WheelFfmpeg,
            Publisher::WheelFfmpeg,
            tiny,
            "publish",
        ),
        publish(
            "ffmpeg",
            Tool::WheelFfmpeg,
            Publisher::WheelFfmpeg,
            Fixture::HevcTiny,
            "publish-hevc",
        ),
        publish(
            "librtmp",
            Tool::Rtmpdump,
            Publisher::Librtmp,
            tiny,
            "publish",
        ),
        publish(
            "gstreamer",
            Tool::GstLaunch,
            Publisher::Rtmp2Sink,
            tiny,
            "publish",
        ),
        push_by_nginx(tiny),
        play("ffmpeg", Tool::DebianFfmpeg, Player::DebianFfmpeg),
        play("ffmpeg", Tool::WheelFfmpeg, Player::WheelFfmpeg),
        play("rtmpdump", Tool::Rtmpdump, Player::Rtmpdump),
        play("gstreamer", Tool::GstLaunch, Player::Rtmp2Src),
        play("vlc", Tool::Vlc, Player::Vlc),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = root.join("crates/rtmp/tests/vectors");
    std::fs::create_dir_all(&folder).unwrap();
    for transcript in transcripts {
        write(&folder, &transcript);
    }
}

fn scene(what: &str) -> (RunDir, Bongsu, Proxy) {
    let dir = RunDir::new(&format!("record-{what}"));
    let relay = Bongsu::start(&dir, "relay", OPEN_APP);
    let proxy = Proxy::to(relay.rtmp());
    (dir, relay, proxy)
}

/// What the only client of the proxy said, when it has left.
fn only_recording(proxy: &Proxy) -> Vec<u8> {
    let mut recordings = proxy.recordings();
    assert_eq!(recordings.len(), 1, "one connection is one transcript");
    recordings.pop().unwrap()
}

fn publish(
    peer: &'static str,
    tool: Tool,
    publisher: Publisher,
    fixture: Fixture,
    what: &'static str,
) -> Transcript {
    let (dir, _relay, proxy) = scene(&format!("{peer}-{what}"));
    let address = proxy.address().to_string();
    let _ = Publishing::start(publisher, fixture, &dir, &address, "cam").finish();
    Transcript {
        peer,
        tool,
        what,
        how: format!(
            "{} publishes {} to live/cam and ends in order",
            publisher.title(),
            fixture.title()
        ),
        bytes: only_recording(&proxy),
    }
}

fn push_by_nginx(fixture: Fixture) -> Transcript {
    let (dir, relay, proxy) = scene("nginx-push");
    let nginx = Nginx::pushing(&dir, "nginx", &format!("{}/live", proxy.address()));
    let _ = Publishing::start(
        Publisher::DebianFfmpeg,
        fixture,
        &dir,
        &nginx.address().to_string(),
        "cam",
    )
    .finish();
    // It leaves when its own publisher has left, by closing its connection.
    wait::until_true("the end of the push", LIMIT, || {
        relay
            .stream("live/cam")
            .is_none_or(|stream| stream["publisher"].is_null())
    });
    Transcript {
        peer: "nginx-rtmp",
        tool: Tool::Nginx,
        what: "push",
        how: format!(
            "nginx-rtmp pushes {} to live/cam while an ffmpeg publishes to it",
            fixture.title()
        ),
        bytes: only_recording(&proxy),
    }
}

fn play(peer: &'static str, tool: Tool, player: Player) -> Transcript {
    let (dir, relay, proxy) = scene(&format!("{peer}-play"));
    let url = format!("rtmp://{}/live/cam", proxy.address());
    let listener = Listener::start(player, &dir, &url, None);
    wait::until_true("the player", LIMIT, || relay.player_count("live/cam") == 1);
    let address = relay.rtmp().to_string();
    let sent = Publishing::start(
        Publisher::DebianFfmpeg,
        Fixture::H264AacTiny,
        &dir,
        &address,
        "cam",
    )
    .finish();
    // It waits for the player. What that makes of the stream is for the tests; here it is what it says that counts.
    let _ = listener.judge(&sent, Start::Whole);
    Transcript {
        peer,
        tool,
        what: "play",
        how: format!(
            "{} plays live/cam, H.264 + AAC of 2 s, from before the publisher until the end",
            player.title()
        ),
        bytes: only_recording(&proxy),
    }
}

fn write(folder: &Path, transcript: &Transcript) {
    let version = transcript.tool.version();
    let name = format!(
        "{}-{}-{}",
        transcript.peer,
        number(transcript.peer, &version),
        transcript.what
    );
    let path = |extension: &str| -> PathBuf { folder.join(format!("{name}.{extension}")) };
    assert!(
        transcript.bytes.len() <= TRANSCRIPT_BYTES_MAX,
        "{name}: {} bytes",
        transcript.bytes.len()
    );
    std::fs::write(path("bin"), &transcript.bytes).unwrap();
    let text = format!(
        "peer: {version}\n\
         what: {}\n\
         bytes: {}, all that the client sent on one connection, handshake included\n\
         made by: cargo run -p bongsu-interop --example record_transcripts\n",
        transcript.how,
        transcript.bytes.len()
    );
    std::fs::write(path("txt"), text).unwrap();
    println!("{name}: {} bytes", transcript.bytes.len());
}

/// The version's figures alone: `5.1.9` of `ffmpeg version 5.1.9-0+deb12u1`; of a module, its own.
fn number(peer: &str, version: &str) -> String {
    let from = match peer {
        "nginx-rtmp" => version.rsplit("rtmp module 1:").next(),
        _ => Some(version),
    };
    let text = from.unwrap_or(version);
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    let figures: String = text[start..]
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    figures.trim_end_matches('.').to_owned()
}
