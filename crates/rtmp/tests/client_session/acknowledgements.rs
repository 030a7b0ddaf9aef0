//! Goal: a client answers pings and acknowledges while it publishes and while it plays. [WIRE 184]

use bongsu_rtmp::MessageType;
use bongsu_rtmp::message::{BandwidthLimit, Control, UserControl};
use bongsu_rtmp::session::client::Role;

use super::script::{Scene, config, message};

/// [WIRE 067] [WIRE 069]
#[test]
fn every_ping_is_answered_once_and_other_events_are_not() {
    for role in [Role::Publish, Role::Play] {
        let mut scene = Scene::started(config(role));
        scene.says_user_control(UserControl::PingRequest(0xdead_beef));
        scene.says_user_control(UserControl::PingRequest(1));
        scene.says_user_control(UserControl::Other(26));
        scene.says_message(0, MessageType::UserControl, 0, b"\0\x06\0");
        assert_eq!(
            scene.takes(),
            ["2/0 PingResponse(3735928559)", "2/0 PingResponse(1)"]
        );
        scene.client.stop(scene.now);
        scene.drain();
        scene.takes();
        scene.says_user_control(UserControl::PingRequest(2));
        assert_eq!(scene.takes(), Vec::<String>::new());
    }
}

/// [WIRE 060] [WIRE 061] The counts say what had come, at each half of the window.
#[test]
fn what_comes_is_acknowledged_at_half_the_window() {
    for role in [Role::Publish, Role::Play] {
        let mut scene = Scene::started(config(role));
        scene.says_control(Control::WindowAcknowledgementSize(100_000));
        assert_eq!(scene.takes(), Vec::<String>::new());
        let mut received = 0;
        let mut acknowledged = Vec::new();
        let frame = message(1, MessageType::Video, 0, &[0x27; 10_000]);
        while received < 250_000 {
            scene.says_bytes(&frame).unwrap();
            received += frame.len();
            for told in scene.takes() {
                let count = told
                    .strip_prefix("2/0 Acknowledgement(")
                    .and_then(|rest| rest.strip_suffix(')'));
                acknowledged.push(count.unwrap().parse::<usize>().unwrap());
            }
        }
        assert_eq!(acknowledged.len(), 5, "{acknowledged:?}");
        let mut last = 0;
        for count in acknowledged {
            assert!(count - last <= 100_000, "{count} after {last}");
            assert!(count <= scene.said.len(), "{count} of {}", scene.said.len());
            last = count;
        }
    }
}

/// [WIRE 062]
#[test]
fn acknowledgements_of_the_server_change_nothing() {
    let mut scene = Scene::started(config(Role::Publish));
    for count in [0, u32::MAX, 5] {
        scene.says_control(Control::Acknowledgement(count));
    }
    assert_eq!((scene.takes(), scene.raises()), (vec![], vec![]));
}

/// [WIRE 065]
#[test]
fn a_new_bandwidth_is_answered_with_the_window() {
    let mut scene = Scene::started(config(Role::Play));
    let limit = BandwidthLimit::Hard;
    for window in [2_500_000, 5_000_000, 5_000_000] {
        scene.says_control(Control::SetPeerBandwidth { window, limit });
    }
    assert_eq!(scene.takes(), ["2/0 WindowAcknowledgementSize(5000000)"]);
}
