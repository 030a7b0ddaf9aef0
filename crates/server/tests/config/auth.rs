//! Goal: who may publish and play what, for every way in which encoders send a name and a key.

use bongsu_hub::Identity;
use bongsu_rtmp::status::Code;
use bongsu_rtmp::url::{Resolved, resolve};
use bongsu_server::config::auth::{self, Denied, Grant};
use bongsu_server::config::{Config, Secret, Sources, StreamKey};

use crate::environment;

const CAM: &str = "canary-cam-0123456789";
const GUEST: &str = "canary-guest-0123456789";
const ANY: &str = "canary-any-0123456789";

/// `live` with keys for `cam` and `room/guest`, `any` with a key for any name, `lab` open, no other app.
fn config() -> Config {
    let keys = format!(
        "[{{name = \"cam\", key = \"{CAM}\"}}, {{name = \"room/guest\", key = \"{GUEST}\"}}]"
    );
    let any = format!("[{{name = \"*\", key = \"{ANY}\"}}]");
    Config::load(&Sources {
        environment: environment(&[
            ("BONGSU_APPS__LIVE__KEYS", &keys),
            ("BONGSU_APPS__ANY__KEYS", &any),
            ("BONGSU_APPS__LAB__PUBLISH", "open"),
        ]),
        ..Sources::default()
    })
    .unwrap()
}

fn target(app: &str, name: &str) -> Resolved {
    resolve(app.as_bytes(), None, name.as_bytes()).unwrap()
}

/// Path and identity of a grant, or the label of a refusal.
fn publish(app: &str, name: &str) -> Result<(String, Identity), Denied> {
    let config = config();
    let Grant { path, identity, .. } = auth::publish(&config, &target(app, name))?;
    Ok((path.as_str().to_owned(), identity))
}

fn key(name: &str) -> Identity {
    Identity::Key(name.into())
}

#[test]
fn a_key_is_taken_wherever_encoders_put_it() {
    let cam = Ok(("live/cam".to_owned(), key("cam")));
    assert_eq!(publish("live", &format!("cam?key={CAM}")), cam);
    assert_eq!(publish("live", &format!("cam?token={CAM}")), cam);
    assert_eq!(publish("live", &format!("cam?a=1&key={CAM}&b=2")), cam);
    assert_eq!(publish(&format!("live?key={CAM}"), "cam"), cam);
    assert_eq!(publish(&format!("live/cam?key={CAM}"), ""), cam);
    assert_eq!(publish("live", &format!("/cam/?key={CAM}")), cam);
    assert_eq!(publish("live", CAM), cam);
    assert_eq!(publish(&format!("live/{CAM}"), ""), cam);
    let guest = Ok(("live/room/guest".to_owned(), key("room/guest")));
    assert_eq!(publish("live/room", &format!("guest?key={GUEST}")), guest);
    assert_eq!(publish("live", &format!("room/guest?key={GUEST}")), guest);
    assert_eq!(publish("live", GUEST), guest);
}

#[test]
fn a_key_that_its_sender_escaped_is_the_same_key() {
    let escaped: String = CAM.bytes().map(|byte| format!("%{byte:02x}")).collect();
    assert_eq!(
        publish("live", &format!("cam?key={escaped}")),
        Ok(("live/cam".to_owned(), key("cam")))
    );
}

#[test]
fn a_key_for_any_name_needs_a_name() {
    let ok = |name: &str| Ok((format!("any/{name}"), key("*")));
    assert_eq!(publish("any", &format!("one?key={ANY}")), ok("one"));
    assert_eq!(
        publish("any", &format!("two/three?key={ANY}")),
        ok("two/three")
    );
    assert_eq!(publish("any", ANY), Err(Denied::KeyWithoutName));
    assert_eq!(
        publish(&format!("any?key={ANY}"), ""),
        Err(Denied::KeyWithoutName)
    );
}

#[test]
fn an_open_app_asks_for_nothing_but_a_name() {
    let open = Ok(("lab/one".to_owned(), Identity::Open));
    assert_eq!(publish("lab", "one"), open);
    assert_eq!(publish("lab", "one?key=whatever"), open);
    assert_eq!(publish("lab", ""), Err(Denied::NameMissing));
}

#[test]
fn everything_else_is_refused_for_its_own_reason() {
    for (app, name, denied) in [
        ("live", "cam".to_owned(), Denied::KeyMissing),
        ("live", "cam?key=".to_owned(), Denied::KeyMissing),
        ("live", String::new(), Denied::KeyMissing),
        ("live", format!("{CAM}0"), Denied::KeyMissing),
        ("live", format!("cam?key={CAM}0"), Denied::KeyWrong),
        ("live", format!("cam?key={}", &CAM[1..]), Denied::KeyWrong),
        ("live", format!("cam?key={ANY}"), Denied::KeyWrong),
        ("live", format!("other?key={CAM}"), Denied::KeyOfOtherName),
        ("live", format!("cam?key={GUEST}"), Denied::KeyOfOtherName),
        ("lives", format!("cam?key={CAM}"), Denied::UnknownApp),
    ] {
        assert_eq!(publish(app, &name), Err(denied), "{app} {name}");
    }
}

#[test]
fn an_unlisted_app_has_the_settings_of_the_star() {
    let mut config = config();
    let open = config.apps["lab"].clone();
    config.apps.insert("*".to_owned(), open);
    assert!(auth::publish(&config, &target("elsewhere", "one")).is_ok());
    assert_eq!(
        auth::publish(&config, &target("live", "one")).unwrap_err(),
        Denied::KeyMissing
    );
}

#[test]
fn an_app_without_keys_lets_nobody_publish() {
    let config = Config::default();
    let target = target("live", "cam?key=");
    assert_eq!(
        auth::publish(&config, &target).unwrap_err(),
        Denied::KeyMissing
    );
    assert_eq!(
        auth::publish(&config, &self::target("live", "cam?key=x")).unwrap_err(),
        Denied::KeyWrong
    );
}

#[test]
fn of_two_keys_for_a_name_both_open_it_with_one_identity() {
    let mut config = config();
    let second = StreamKey {
        name: Some("cam".to_owned()),
        key: Secret::new("canary-second"),
    };
    config.apps.get_mut("live").unwrap().keys.push(second);
    for secret in [CAM, "canary-second"] {
        let target = target("live", &format!("cam?key={secret}"));
        assert_eq!(
            auth::publish(&config, &target).unwrap().identity,
            key("cam")
        );
    }
}

#[test]
fn credentials_do_not_go_on() {
    let config = config();
    let query =
        format!("cam?a=1&key={CAM}&token=x&b=2&password=canary&user=canary&pass=canary&jwt=canary");
    let grant = auth::publish(&config, &target("live", &query)).unwrap();
    assert_eq!(grant.args.to_raw(), "a=1&b=2");
    assert!(!format!("{grant:?}").contains("canary"));
    let open = auth::publish(&config, &target("lab", "one?token=canary&a=1")).unwrap();
    assert_eq!(open.args.to_raw(), "a=1");
}

#[test]
fn playing_is_open_but_not_by_a_key() {
    let config = config();
    let play = |app: &str, name: &str| {
        auth::play(&config, &target(app, name)).map(|grant| grant.path.as_str().to_owned())
    };
    assert_eq!(play("live", "cam"), Ok("live/cam".to_owned()));
    assert_eq!(play("live", "nobody?key=x"), Ok("live/nobody".to_owned()));
    assert_eq!(play("live", CAM), Err(Denied::PlayedByKey));
    assert_eq!(play("live", ""), Err(Denied::NameMissing));
    assert_eq!(play("lives", "cam"), Err(Denied::UnknownApp));
}

#[test]
fn every_refusal_has_a_line_for_the_person_and_a_label() {
    let denied = [
        (
            Denied::UnknownApp,
            "unknown_app",
            "this server has no such app: check the part of the URL behind the host",
        ),
        (
            Denied::NameMissing,
            "name_missing",
            "the stream name is missing: use the URL rtmp://host/app/name",
        ),
        (
            Denied::KeyMissing,
            "key_missing",
            "publishing needs a stream key: use NAME?key=KEY as the stream key",
        ),
        (Denied::KeyWrong, "key_wrong", "the stream key is wrong"),
        (
            Denied::KeyOfOtherName,
            "key_of_other_name",
            "this stream key belongs to another stream name",
        ),
        (
            Denied::KeyWithoutName,
            "key_without_name",
            "the stream key needs a name in front: use NAME?key=KEY as the stream key",
        ),
        (
            Denied::PlayedByKey,
            "played_by_key",
            "play the stream by its name, not by its stream key",
        ),
    ];
    for (denied, label, text) in denied {
        assert_eq!(
            (denied.as_str(), denied.to_string().as_str()),
            (label, text)
        );
        assert_eq!(denied.publish_status().description, text);
        assert_eq!(denied.play_status().description, text);
    }
    assert_eq!(Denied::KeyWrong.publish_status().code, Code::PublishDenied);
    assert_eq!(
        Denied::NameMissing.publish_status().code,
        Code::PublishBadName
    );
    assert_eq!(
        Denied::UnknownApp.play_status().code,
        Code::PlayStreamNotFound
    );
}
