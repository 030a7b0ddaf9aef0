//! The scripted destinations that ask who publishes are right: a program that is not ours gets in with the right password,
//! and only with that one. [WIRE 192]

use std::time::Duration;

use bongsu_testkit::clients::ffmpeg_publish;
use bongsu_testkit::raw::{Door, Manners, Sink};
use bongsu_testkit::{Fixture, Process, RunDir, Tool};

/// How much longer than its media ffmpeg may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Publishes with ffmpeg; gives the `tcUrl` of each call that it made, and the frames that arrived.
fn publish(name: &str, door: &Door, user_info: &str) -> (Vec<String>, usize) {
    let dir = RunDir::new(name);
    let sink = Sink::start();
    sink.behave(Manners {
        door: door.clone(),
        ..Manners::default()
    });
    let url = format!("rtmp://{user_info}@{}/live/cam", sink.address());
    let mut command = ffmpeg_publish(
        Tool::DebianFfmpeg,
        Fixture::H264AacTiny,
        &url,
        &dir.join("sent.flv"),
    );
    let mut ffmpeg = Process::start("ffmpeg", dir.path(), &mut command);
    let _ = ffmpeg.wait(LIMIT);
    let calls = sink.publications();
    let frames = calls.iter().flat_map(|call| &call.packets);
    let frames = frames.filter(|packet| packet.is_frame()).count();
    let calls = calls.iter().map(|call| call.tc_url().to_owned()).collect();
    (calls, frames)
}

#[test]
fn ffmpeg_gets_in_with_the_password_and_only_with_it() {
    let (user, password) = ("user".to_owned(), "p4ssword".to_owned());
    let adobe = |opaque| Door::Adobe {
        user: user.clone(),
        password: password.clone(),
        opaque,
    };
    let limelight = Door::Limelight {
        user: user.clone(),
        password: password.clone(),
    };
    for (name, door) in [
        ("door-adobe", adobe(false)),
        ("door-adobe-opaque", adobe(true)),
        ("door-limelight", limelight),
    ] {
        let (calls, frames) = publish(name, &door, "user:p4ssword");
        assert_eq!(calls.len(), 3, "{name}: {calls:?}");
        assert!(frames > 10, "{name}: {frames} frames");
        let (_, frames) = publish(name, &door, "user:other");
        assert_eq!(frames, 0, "{name}: a wrong password");
    }
}
