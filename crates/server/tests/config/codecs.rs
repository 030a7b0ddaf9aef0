//! Goal: what receivers get is set for the players of an app and for each push apart, and each word means what it says.

use bongsu_server::config::{App, Compat, Config, Hevc, Sources};

use crate::environment;

fn app(settings: &str) -> App {
    let sources = Sources {
        environment: environment(&[("BONGSU_APPS__LIVE", settings)]),
        ..Sources::default()
    };
    let config = Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    config.apps["live"].clone()
}

#[test]
fn every_word_is_read_and_nothing_is_changed_without_one() {
    let preset = app("{}");
    assert_eq!(
        (preset.compat, preset.hevc),
        (Compat::Forward, Hevc::AsSent)
    );
    for (word, compat) in [("forward", Compat::Forward), ("strict", Compat::Strict)] {
        assert_eq!(app(&format!("{{compat = \"{word}\"}}")).compat, compat);
    }
    for (word, hevc) in [
        ("as_sent", Hevc::AsSent),
        ("hvc1", Hevc::Hvc1),
        ("codec12", Hevc::Codec12),
    ] {
        assert_eq!(app(&format!("{{hevc = \"{word}\"}}")).hevc, hevc);
    }
}

#[test]
fn a_push_does_not_inherit_what_is_for_players() {
    let app = app("{compat = \"strict\", hevc = \"hvc1\", push = [\
         {name = \"a\", url = \"rtmp://h/a/b\"}, \
         {name = \"b\", url = \"rtmp://h/a/c\", compat = \"strict\", hevc = \"codec12\"}]}");
    assert_eq!((app.compat, app.hevc), (Compat::Strict, Hevc::Hvc1));
    let pushes: Vec<_> = app
        .push
        .iter()
        .map(|push| (push.compat, push.hevc))
        .collect();
    assert_eq!(
        pushes,
        [
            (Compat::Forward, Hevc::AsSent),
            (Compat::Strict, Hevc::Codec12)
        ]
    );
}
