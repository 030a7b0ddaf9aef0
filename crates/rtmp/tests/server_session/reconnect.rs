//! Goal: who can is asked for a new connection, and is served on; who cannot sees no difference.

use bongsu_rtmp::session::server::ServerConfig;

use crate::script::*;

fn connected(caps_ex: Option<f64>) -> Scene {
    let mut scene = Scene::shaken();
    let mut properties = app("live");
    if let Some(bits) = caps_ex {
        properties.push("capsEx", bits);
    }
    scene.say(&CLIENT.connect(properties));
    scene.accept();
    scene.log();
    scene
}

/// Whether the client was asked, and what it was told.
fn asked(scene: &mut Scene, tc_url: Option<&str>) -> (bool, Vec<String>) {
    let asked = scene
        .session
        .request_reconnect(scene.now, "Going down.", tc_url);
    scene.drain();
    (asked, scene.log())
}

/// [WIRE 160] [E-RTMP v2: Reconnect Request]
#[test]
fn only_those_are_asked_who_said_that_they_can() {
    for (caps_ex, can) in [
        (None, false),
        (Some(0.0), false),
        (Some(1.0), true),
        (Some(14.0), false),
        (Some(15.0), true),
    ] {
        let mut scene = connected(caps_ex);
        let (asked, told) = asked(&mut scene, None);
        assert_eq!((asked, told.len()), (can, usize::from(can)), "{caps_ex:?}");
    }
}

/// [E-RTMP v2: Reconnect Request]
#[test]
fn the_request_stands_on_the_connection_and_names_a_place_only_when_there_is_one() {
    let mut scene = connected(Some(1.0));
    let start = "5/0 onStatus(0, null, {level: \"status\", \
                 code: \"NetConnection.Connect.ReconnectRequest\", description: \"Going down.\"";
    assert_eq!(asked(&mut scene, None), (true, vec![format!("{start}}})")]));
    for tc_url in ["//other.example/live", "/live", "rtmp://other.example/live"] {
        assert_eq!(
            asked(&mut scene, Some(tc_url)),
            (true, vec![format!("{start}, tcUrl: \"{tc_url}\"}})")])
        );
    }
}

#[test]
fn nobody_is_asked_before_connect_is_accepted_or_after_the_end() {
    let mut scene = Scene::new(ServerConfig::default());
    assert!(!asked(&mut scene, None).0, "handshake");
    let mut scene = Scene::shaken();
    assert!(!asked(&mut scene, None).0, "no connect");
    scene.say(&CLIENT.connect(app("live").with("capsEx", 1.0)));
    scene.log();
    assert!(!asked(&mut scene, None).0, "undecided");
    scene.accept();
    scene.log();
    assert!(asked(&mut scene, None).0);
    scene.say(&CLIENT.call((3, 0), "close", 0.0, &[]));
    scene.log();
    assert_eq!(asked(&mut scene, None), (false, vec![]), "closed");
}

#[test]
fn a_publisher_that_was_asked_goes_on_until_it_leaves() {
    let mut scene = connected(Some(1.0));
    scene.say(&CLIENT.call((3, 0), "createStream", 4.0, &[]));
    scene.say(&publish(1));
    scene.accept();
    scene.log();
    assert!(asked(&mut scene, None).0);
    scene.say(&CLIENT.audio(1, 5, b"\xaf\x01\x00"));
    assert_eq!(
        scene.log(),
        ["! Media(stream 1, Audio, 5 ms, 3 bytes)"],
        "media is taken"
    );
    scene.say(&CLIENT.call((3, 0), "FCUnpublish", 6.0, &["cam?key=SECRET".into()]));
    assert_eq!(scene.raised(), ["! PublishEnded(stream 1, FcUnpublish)"]);
}
