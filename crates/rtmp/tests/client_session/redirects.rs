//! Goal: where a server sends a client instead, and what it wants to know first, reaches the caller, and shows no key.

use bongsu_rtmp::amf0::{Properties, Value};
use bongsu_rtmp::message::{Command, TransactionId};
use bongsu_rtmp::session::client::{Event, Redirect, Role, Step};
use bongsu_rtmp::url::{RtmpUrl, UrlError};

use super::script::{Scene, config, connect_result, info};

const TC_URL: &str = "rtmp://edge.example:1936/live";
const URL: &str = "rtmp://edge.example:1936/live/other?token=CANARY";

fn extra(code: Option<f64>, redirect: Option<&str>, redirect2: Option<&str>) -> Value {
    let mut extra = Properties::new();
    if let Some(code) = code {
        extra.push("code", code);
    }
    for (name, text) in [("redirect", redirect), ("redirect2", redirect2)] {
        if let Some(text) = text {
            extra.push(name, text);
        }
    }
    extra.into()
}

fn rejected(extra: Value) -> Value {
    let info = info("error", "NetConnection.Connect.Rejected");
    info.with("ex", extra).into()
}

fn redirect_of(scene: &mut Scene) -> (Step, Option<Redirect>) {
    match scene.raises().pop() {
        Some(Event::Refused(refusal)) => (refusal.step, refusal.redirect),
        other => panic!("{other:?}"),
    }
}

/// SRS says it in a status, behind publish or play.
#[test]
fn a_redirect_in_a_status_is_told_with_the_refusal() {
    let mut scene = Scene::requesting(config(Role::Publish));
    let info = rejected(extra(Some(302.0), Some(TC_URL), Some(URL)));
    scene.says(
        0,
        &Command::new("onStatus", TransactionId::NONE).with_argument(info),
    );
    let expected = Redirect {
        tc_url: Some(TC_URL.into()),
        url: Some(URL.into()),
    };
    assert_eq!(
        redirect_of(&mut scene),
        (Step::Requesting, Some(expected.clone()))
    );
    assert!(!format!("{expected:?}").contains("CANARY"));
}

/// FMS says it in the answer to connect.
#[test]
fn a_redirect_in_the_error_of_connect_is_told_with_the_refusal() {
    for answer in ["_error", "_result"] {
        let mut scene = Scene::connecting(config(Role::Publish));
        let info = rejected(extra(Some(302.0), Some(TC_URL), None));
        scene.says(
            0,
            &Command::new(answer, TransactionId::new(1.0)).with_argument(info),
        );
        let (step, redirect) = redirect_of(&mut scene);
        assert_eq!(step, Step::Connecting);
        assert_eq!(redirect.unwrap().tc_url.unwrap(), TC_URL);
    }
}

#[test]
fn a_redirect_behind_the_start_is_told_with_the_end() {
    let mut scene = Scene::started(config(Role::Play));
    let info = rejected(extra(Some(302.0), Some(TC_URL), None));
    scene.says(
        1,
        &Command::new("onStatus", TransactionId::NONE).with_argument(info),
    );
    let Some(Event::Ended { redirect, .. }) = scene.raises().pop() else {
        panic!("no end");
    };
    assert_eq!(redirect.unwrap().tc_url.unwrap(), TC_URL);
}

#[test]
fn what_is_no_redirect_stays_a_plain_refusal() {
    for extra in [
        Value::Null,
        extra(None, None, None),
        extra(Some(302.0), None, None),
        extra(Some(302.0), Some(""), Some("")),
        extra(Some(404.0), Some(TC_URL), None),
        Properties::new().with("redirect", 1.0).into(),
    ] {
        assert_eq!(Redirect::from_info(&rejected(extra)), None);
    }
    assert!(Redirect::from_info(&rejected(extra(None, Some(TC_URL), None))).is_some());
    assert_eq!(Redirect::from_info(&Value::Null), None);
}

#[test]
fn the_stream_of_a_redirect_is_ours_unless_the_server_names_only_its_own() {
    let from = RtmpUrl::parse("rtmp://u:CANARY@host/app/cam?key=K").unwrap();
    let resolve = |tc_url: Option<&str>, url: Option<&str>| {
        let redirect = Redirect {
            tc_url: tc_url.map(Into::into),
            url: url.map(Into::into),
        };
        redirect.resolve(&from)
    };
    for (tc_url, url, expected_tc_url, name) in [
        (Some(TC_URL), Some(URL), TC_URL, "cam?key=K"),
        (Some(TC_URL), None, TC_URL, "cam?key=K"),
        (Some("/other"), None, "rtmp://host/other", "cam?key=K"),
        (None, Some(URL), TC_URL, "other?token=CANARY"),
    ] {
        let url = resolve(tc_url, url).unwrap();
        assert_eq!(url.tc_url(), expected_tc_url);
        assert_eq!(url.stream_name(), name);
        assert_eq!(url.user_info().unwrap().password(), "CANARY");
        assert!(!url.to_string().contains("CANARY"), "{url}");
    }
    assert_eq!(resolve(Some("http://h/live"), None), Err(UrlError::Scheme));
    assert_eq!(resolve(Some("rtmp://"), None), Err(UrlError::Host));
    assert_eq!(resolve(None, None), Err(UrlError::Host));
}

/// What the client says next after a `_result` of connect with a secureToken.
fn answers_secure_token(url: &str, token: &str) -> Vec<String> {
    let mut config = config(Role::Play);
    config.url = RtmpUrl::parse(url).unwrap();
    let mut scene = Scene::connecting(config);
    scene.takes();
    let info = info("status", "NetConnection.Connect.Success").with("secureToken", token);
    let mut result = connect_result();
    result.arguments = vec![info.into()];
    scene.says(0, &result);
    scene.takes()
}

/// [WIRE 192] The answer of vector V37, in front of createStream.
#[test]
fn a_secure_token_is_answered_with_the_password_of_the_url() {
    const CHALLENGE: &str = "7a7448ae7f3e922043445251";
    let plain = [
        "2/0 WindowAcknowledgementSize(2500000)",
        "3/0 createStream(2, null)",
    ];
    let answered = [
        plain[0],
        "3/0 secureTokenResponse(0, null, \"hello-token\")",
        plain[1],
    ];
    let with_token = "rtmp://:%23ed%25h0%23w%401234567@host/live/cam";
    assert_eq!(answers_secure_token(with_token, CHALLENGE), answered);
    for (url, challenge) in [
        ("rtmp://host/live/cam", CHALLENGE),
        ("rtmp://user@host/live/cam", CHALLENGE),
        (with_token, ""),
        (with_token, "no hex"),
    ] {
        assert_eq!(answers_secure_token(url, challenge), plain);
    }
}
