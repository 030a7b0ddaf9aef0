//! Goal: a push says who it is where a destination asks, and stops with clear words when that is wrong.

use bongsu_testkit::raw::{Door, Manners, Sink};

use crate::pushing::{CANARY, Scene, numbers, published};

fn sink(door: Door) -> Sink {
    let sink = Sink::start();
    sink.behave(Manners {
        door,
        ..Manners::default()
    });
    sink
}

fn adobe(password: &str, opaque: bool) -> Door {
    Door::Adobe {
        user: "user".to_owned(),
        password: password.to_owned(),
        opaque,
    }
}

fn limelight(password: &str) -> Door {
    Door::Limelight {
        user: "user".to_owned(),
        password: password.to_owned(),
    }
}

fn url(sink: &Sink, user_info: &str) -> String {
    format!("rtmp://{user_info}@{}/live/{{name}}", sink.address())
}

/// [WIRE 192] [WIRE 193] [WIRE 194]
#[test]
fn every_dialect_lets_us_in_at_the_third_call() {
    for door in [adobe(CANARY, false), adobe(CANARY, true), limelight(CANARY)] {
        let sink = sink(door.clone());
        let mut scene = Scene::new(&url(&sink, &format!("user:{CANARY}")));
        scene.keyframe();
        scene.until("a frame", Scene::frame, || {
            published(&sink)
                .first()
                .is_some_and(|first| !numbers(first).is_empty())
        });
        let calls = sink.publications();
        assert_eq!(calls.len(), 3, "{door:?}");
        let tc_url = format!("rtmp://{}/live", sink.address());
        assert_eq!(calls[0].tc_url(), tc_url);
        assert!(calls[1].tc_url().starts_with(&format!("{tc_url}?authmod=")));
        assert!(calls[2].tc_url().contains("&response="));
        for call in &calls {
            assert!(!call.tc_url().contains(CANARY), "{}", call.tc_url());
        }
        assert_eq!(calls[2].name, "cam");
        assert_eq!(
            scene.destination()["attempt"],
            1,
            "no pause between the calls"
        );
    }
}

/// [WIRE 194]
#[test]
fn a_wrong_user_or_password_is_a_refusal_that_says_so() {
    let takes_not = "does not take the user and the password in its URL";
    let knows_not = "does not know the user in its URL";
    let wants = "wants a user and a password";
    for (door, user_info, words) in [
        (adobe("right", true), format!("user:{CANARY}@"), takes_not),
        (adobe("right", false), format!("other:{CANARY}@"), knows_not),
        (limelight("right"), format!("user:{CANARY}@"), takes_not),
        (limelight("right"), format!("other:{CANARY}@"), knows_not),
        (adobe("right", false), String::new(), wants),
    ] {
        let sink = sink(door);
        let scene = Scene::new(&format!(
            "rtmp://{user_info}{}/live/{{name}}",
            sink.address()
        ));
        assert_eq!(scene.waits_for_reason(words), "rejected");
        assert_eq!(published(&sink).len(), 0);
    }
}
