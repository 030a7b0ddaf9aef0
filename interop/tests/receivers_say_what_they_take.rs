//! Real players and destinations get what they can use, by their own word or by what the operator says of them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use bongsu_flv::Kind;
use bongsu_interop::audience::{Listener, Player};
use bongsu_interop::publisher::{Publisher, Publishing};
use bongsu_interop::rewrite::{codec_12, enhanced, write_flv};
use bongsu_interop::stage::{OPEN_APP, push, wait_for_players};
use bongsu_testkit::compare::{Packet, Rule, Start, compare, read_flv};
use bongsu_testkit::{Bongsu, Fixture, Process, RunDir, Tool};

/// How long a player may take to end when its stream has ended.
const END_LIMIT: Duration = Duration::from_secs(15);

/// The newest ffmpeg, which tells the relay that it takes these codecs of Enhanced RTMP.
fn announcing(codecs: &str, url: &str, file: &Path) -> Command {
    let mut command = Tool::WheelFfmpeg.command();
    command
        .args("-hide_banner -loglevel warning -y -rtmp_enhanced_codecs".split(' '))
        .args([codecs, "-i", url])
        .args("-map 0:a -c copy -f flv -flvflags no_duration_filesize".split(' '))
        .arg(file);
    command
}

fn publish_file(dir: &RunDir, file: &Path, url: &str) {
    let mut command = Command::new(Bongsu::binary());
    command.arg("publish").arg(file).arg(url);
    Process::start("publisher", dir.path(), &mut command).wait_for_success(END_LIMIT);
}

/// A fixture in other headers, in a file of the test.
fn rewritten(
    dir: &RunDir,
    fixture: Fixture,
    change: impl Fn(&Packet) -> Option<Packet>,
) -> Vec<Packet> {
    let packets = read_flv(&fixture.path());
    let changed: Vec<Packet> = packets.iter().filter_map(change).collect();
    write_flv(&dir.join("other-headers.flv"), &changed);
    packets
}

#[test]
fn an_ffmpeg_without_the_codec_of_the_picture_gets_the_sound_or_is_told_why_it_gets_nothing() {
    let dir = RunDir::new("receivers-ffmpeg");
    let relay = Bongsu::start(&dir, "relay", OPEN_APP);
    let (sound, nothing) = (dir.join("sound.flv"), dir.join("nothing.flv"));
    let mut sound_player = Process::start(
        "sound-player",
        dir.path(),
        &mut announcing("av01", &relay.url("live/cam"), &sound),
    );
    let mut nothing_player = Process::start(
        "nothing-player",
        dir.path(),
        &mut announcing("av01,hvc1", &relay.url("live/other"), &nothing),
    );
    wait_for_players(&relay, 1);
    let at = relay.rtmp().to_string();
    // Each publisher writes down what it sends, in a folder of its own.
    let mut other = Publishing::start(
        Publisher::WheelFfmpeg,
        Fixture::Vp9Flac,
        &RunDir::new("receivers-ffmpeg-other"),
        &at,
        "other",
    );
    let mut publishing = Publishing::start(Publisher::WheelFfmpeg, Fixture::Hevc, &dir, &at, "cam");
    let sent = publishing.finish();
    let _ = other.finish();

    sound_player.wait_for_success(END_LIMIT);
    let sent: Vec<Packet> = sent
        .into_iter()
        .filter(|packet| packet.kind == Kind::Audio)
        .collect();
    let got = read_flv(&sound);
    assert!(got.iter().all(|packet| packet.kind != Kind::Video));
    compare(&sent, &got, Rule::FramesAndHeaders, Start::Whole)
        .unwrap_or_else(|difference| panic!("{difference}"));

    let status = nothing_player.wait(END_LIMIT);
    assert!(!status.success(), "{status}");
    let words = "Server error: this player cannot use VP9 video (vp09) and FLAC audio (fLaC): it announced av01, hvc1";
    assert!(
        nothing_player.output().contains(words),
        "{}",
        nothing_player.last_words()
    );
}

#[test]
fn under_strict_an_old_ffmpeg_plays_what_was_sent_in_enhanced_headers() {
    let dir = RunDir::new("receivers-strict");
    let relay = Bongsu::start(&dir, "relay", &format!("{OPEN_APP}compat = \"strict\"\n"));
    let original = rewritten(&dir, Fixture::H264AacTiny, enhanced);
    let url = relay.url("live/cam");
    let listeners =
        [Player::DebianFfmpeg, Player::Vlc].map(|player| Listener::start(player, &dir, &url, None));
    wait_for_players(&relay, listeners.len());
    publish_file(&dir, &dir.join("other-headers.flv"), &url);
    for listener in listeners {
        let verdict = listener.judge(&original, Start::Whole);
        assert_eq!(verdict.outcome.clone().err(), None, "{}", verdict.receiver);
    }
}

#[test]
fn a_destination_gets_codec_12_as_hvc1_and_the_newest_ffmpeg_plays_it_there() {
    let dir = RunDir::new("receivers-codec-12");
    let there = Bongsu::start(&dir, "there", OPEN_APP);
    let push = push("there", &format!("rtmp://{}/live/{{name}}", there.rtmp()));
    let relay = Bongsu::start(&dir, "relay", &format!("{OPEN_APP}{push}hevc = \"hvc1\"\n"));
    let original = rewritten(&dir, Fixture::HevcTiny, codec_12);
    let url = there.url("live/cam");
    let listeners = [Player::WheelFfmpeg, Player::Bongsu]
        .map(|player| Listener::start(player, &dir, &url, None));
    wait_for_players(&there, listeners.len());
    publish_file(&dir, &dir.join("other-headers.flv"), &relay.url("live/cam"));
    let [ffmpeg, bongsu] = listeners;
    let verdict = ffmpeg.judge(&original, Start::Whole);
    assert_eq!(verdict.outcome.err(), None, "{}", verdict.receiver);
    // What arrived on the wire: every picture is named `hvc1`.
    let _ = bongsu.judge(&original, Start::Whole);
    let arrived = read_flv(&dir.join("bongsu-play.flv"));
    let mut pictures = arrived
        .iter()
        .filter(|packet| packet.kind == Kind::Video)
        .peekable();
    assert!(pictures.peek().is_some());
    assert!(pictures.all(|packet| packet.payload.get(1..5) == Some(b"hvc1")));
}
