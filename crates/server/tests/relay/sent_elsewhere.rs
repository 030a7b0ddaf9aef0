//! Goal: a redirect is followed with the same stream, as far as it may be, and never to where it must not lead.

use bongsu_testkit::raw::{Door, Manners, Sink};

use crate::pushing::{CANARY, Scene, numbers, published, url};

fn behaves(sink: &Sink, door: Door) {
    sink.behave(Manners {
        door,
        ..Manners::default()
    });
}

fn place(sink: &Sink) -> String {
    format!("rtmp://{}/other", sink.address())
}

/// [WIRE 197]
#[test]
fn both_forms_of_a_redirect_lead_on_at_once_with_the_same_stream() {
    for door in [Door::ElsewhereByStatus, Door::ElsewhereByError] {
        let (front, back) = (Sink::start(), Sink::start());
        behaves(&front, door(place(&back)));
        let mut scene = Scene::new(&format!("{}?k={CANARY}", url(&front)));
        scene.keyframe();
        scene.until("a frame behind the redirect", Scene::frame, || {
            published(&back)
                .first()
                .is_some_and(|first| !numbers(first).is_empty())
        });
        let got = &published(&back)[0];
        assert_eq!(got.tc_url(), place(&back));
        assert_eq!(got.name, format!("cam?k={CANARY}"));
        assert_eq!(numbers(got)[0], 0, "nothing of the beginning is lost");
        assert_eq!(scene.destination()["attempt"], 1);
        assert_eq!(scene.destination()["failures"], 0);
        assert_eq!(front.publications().len(), 1);
    }
}

/// [WIRE 197] [WIRE 217]
#[test]
fn a_redirect_that_must_not_be_followed_is_a_refusal_that_says_why() {
    for (to, words) in [
        (
            "rtmp://169.254.169.254/latest",
            "169.254.169.254 is where a cloud keeps credentials",
        ),
        (
            "rtmp://[::ffff:169.254.169.254]/latest",
            "is where a cloud keeps credentials",
        ),
        ("rtmp://224.0.0.1/live", "224.0.0.1 is a multicast address"),
        ("http://127.0.0.1/canary-0123456789", "what cannot be used"),
        ("rtmps://127.0.0.1/live", "rtmps://) are not supported yet"),
    ] {
        let front = Sink::start();
        behaves(&front, Door::ElsewhereByError(to.to_owned()));
        let scene = Scene::new(&url(&front));
        assert_eq!(scene.waits_for_reason(words), "rejected", "{to}");
    }
}

/// Goal: as above, for the words about a redirect and for those that follow when it leads nowhere.
#[test]
fn a_redirect_to_a_name_like_our_key_is_shown_without_it() {
    let front = Sink::start();
    let to = format!("rtmp://{CANARY}.invalid/live");
    behaves(&front, Door::ElsewhereByStatus(to));
    let scene = Scene::new(&format!("{}?k={CANARY}", url(&front)));
    scene.waits_for_reason("cannot resolve ***.invalid");
}

#[test]
fn a_redirect_to_the_relay_itself_is_no_loop() {
    let front = Sink::start();
    behaves(
        &front,
        Door::ElsewhereByError("rtmp://127.0.0.1/x".to_owned()),
    );
    let scene = Scene::new(&url(&front));
    let own = format!("rtmp://user:{CANARY}@{}/live", scene.house.rtmp);
    behaves(&front, Door::ElsewhereByError(own));
    assert_eq!(
        scene.waits_for_reason("it points to this server itself"),
        "rejected"
    );
}

/// [WIRE 197]
#[test]
fn a_circle_and_a_chain_without_end_are_found() {
    let (one, two) = (Sink::start(), Sink::start());
    behaves(&one, Door::ElsewhereByError(place(&two)));
    behaves(&two, Door::ElsewhereByError(place(&one)));
    let scene = Scene::new(&url(&one));
    assert_eq!(scene.waits_for_reason("redirects in a circle"), "rejected");
    drop(scene);
    let chain: Vec<Sink> = (0..5).map(|_| Sink::start()).collect();
    for pair in chain.windows(2) {
        behaves(&pair[0], Door::ElsewhereByStatus(place(&pair[1])));
    }
    let scene = Scene::new(&url(&chain[0]));
    let words = "redirected more than 3 times";
    assert_eq!(scene.waits_for_reason(words), "rejected");
    assert_eq!(chain[3].publications().len(), 1);
    assert_eq!(chain[4].publications().len(), 0, "one too many");
}
