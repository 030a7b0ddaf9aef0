//! A real H.264 and AAC file, from every publisher, reaches every player and every destination packet for packet.

use bongsu_interop::audience::Player;
use bongsu_interop::publisher::Publisher;
use bongsu_interop::stage::{Stage, conclude, differences};
use bongsu_testkit::Fixture;
use bongsu_testkit::results::Table;

fn reaches_everybody(order: u32, publisher: Publisher) {
    let stage = Stage::set(&format!("h264-aac-by-{}", publisher.name()), &Player::ALL);
    let verdicts = stage.play(publisher, Fixture::H264Aac);
    conclude(
        Table::Matrix,
        &format!("{order}-{}", publisher.name()),
        publisher.title(),
        &verdicts,
    );
    let differences = differences(&verdicts, |_| true);
    assert!(
        differences.is_empty(),
        "published by {}:{differences}",
        publisher.title()
    );
}

#[test]
fn published_by_the_ffmpeg_of_debian() {
    reaches_everybody(1, Publisher::DebianFfmpeg);
}

#[test]
fn published_by_the_ffmpeg_of_the_wheel() {
    reaches_everybody(2, Publisher::WheelFfmpeg);
}

#[test]
fn published_by_librtmp() {
    reaches_everybody(3, Publisher::Librtmp);
}

#[test]
fn published_by_gstreamer() {
    reaches_everybody(4, Publisher::Rtmp2Sink);
}

#[test]
fn pushed_by_nginx() {
    reaches_everybody(5, Publisher::NginxPush);
}

#[test]
fn published_by_bongsu() {
    reaches_everybody(6, Publisher::Bongsu);
}
