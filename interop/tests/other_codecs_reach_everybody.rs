//! Codecs of Enhanced RTMP, several tracks and colour information go through untouched. What a player does not know it leaves out or
//! refuses; that is in the table as it is.

use bongsu_interop::audience::{Player, Verdict};
use bongsu_interop::publisher::Publisher;
use bongsu_interop::stage::{Stage, conclude, differences};
use bongsu_testkit::Fixture;
use bongsu_testkit::results::Table;

/// Those that hand out what they get, whatever it is. The others read FLV as it was before Enhanced RTMP.
fn hands_out_everything(verdict: &Verdict) -> bool {
    ![Player::DebianFfmpeg.title(), Player::Vlc.title()].contains(&verdict.receiver.as_str())
}

fn reaches_everybody(order: u32, fixture: Fixture) {
    let stage = Stage::set(&format!("codecs-{}", fixture.name()), &Player::ALL);
    let verdicts = stage.play(Publisher::WheelFfmpeg, fixture);
    conclude(
        Table::Codecs,
        &format!("{order}-{}", fixture.name()),
        fixture.title(),
        &verdicts,
    );
    let differences = differences(&verdicts, hands_out_everything);
    assert!(differences.is_empty(), "{}:{differences}", fixture.title());
}

#[test]
fn hevc() {
    reaches_everybody(1, Fixture::Hevc);
}

#[test]
fn av1_and_opus() {
    reaches_everybody(2, Fixture::Av1Opus);
}

#[test]
fn vp9_and_flac() {
    reaches_everybody(3, Fixture::Vp9Flac);
}

#[test]
fn ac3() {
    reaches_everybody(4, Fixture::H264Ac3);
}

#[test]
fn two_audio_tracks() {
    reaches_everybody(5, Fixture::TwoAudioTracks);
}

#[test]
fn two_pictures_with_aac_and_mp3() {
    reaches_everybody(6, Fixture::TwoOfEach);
}

/// It has colour information in packets of its own, and says how the channels of its sound lie.
#[test]
fn hevc_in_hdr_and_eac3() {
    reaches_everybody(7, Fixture::HdrEac3);
}

#[test]
fn vvc() {
    reaches_everybody(8, Fixture::Vvc);
}
