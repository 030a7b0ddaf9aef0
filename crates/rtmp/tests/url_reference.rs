//! Goal: where a server sends us is found from what it says and where we are, with our stream and our user.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bongsu_rtmp::limits::NAME_BYTES_MAX;
use bongsu_rtmp::url::{RtmpUrl, Scheme, UrlError};

const KEY: &str = "cam?key=a/b&x=%2F";

/// [WIRE 196] [E-RTMP v2: Reconnect Request]
#[test]
fn references_are_resolved_against_the_current_tc_url() {
    for (base, reference, expected) in [
        ("rtmp://h/live", "rtmp://other/app", "rtmp://other/app"),
        (
            "rtmp://h/live",
            "rtmp://other:1936/a/b/",
            "rtmp://other:1936/a/b",
        ),
        ("rtmp://h/live", "rtmp://other:1935/a", "rtmp://other/a"),
        ("rtmp://h/live", "RTMPS://other/a", "rtmps://other/a"),
        ("rtmp://h/live", "//other/app", "rtmp://other/app"),
        ("rtmps://h/live", "//other/app", "rtmps://other/app"),
        ("rtmp://h:1936/live", "//other/app", "rtmp://other/app"),
        ("rtmp://h:1936/live", "/app", "rtmp://h:1936/app"),
        (
            "rtmp://h:1936/live",
            "/app/inst?x=1",
            "rtmp://h:1936/app/inst?x=1",
        ),
        ("rtmp://h/live?x=1", "/app", "rtmp://h/app"),
        ("rtmp://h/live/one", "two", "rtmp://h/live/two"),
        ("rtmp://h/live", "two", "rtmp://h/two"),
        ("rtmp://h/live/one/a", "../b", "rtmp://h/live/b"),
        ("rtmp://h/live/one", "/a/./b/../c", "rtmp://h/a/c"),
        ("rtmp://h/live", "/../../app", "rtmp://h/app"),
        ("rtmp://h/live?x=1", "?y=2", "rtmp://h/live?y=2"),
        ("rtmp://h/live?x=1", "", "rtmp://h/live?x=1"),
        ("rtmp://[::1]:1936/live", "/app", "rtmp://[::1]:1936/app"),
        (
            "rtmp://h/live",
            "//[2001:db8::1]/app",
            "rtmp://[2001:db8::1]/app",
        ),
        (
            "rtmp://h/live",
            "/app?u=http://x/y",
            "rtmp://h/app?u=http://x/y",
        ),
    ] {
        let moved = RtmpUrl::with_name(base, KEY)
            .unwrap()
            .at(reference)
            .unwrap();
        assert_eq!(moved.tc_url(), expected, "{reference} at {base}");
        assert_eq!(moved.stream_name(), KEY, "{reference} at {base}");
    }
}

#[test]
fn what_is_no_place_for_rtmp_is_an_error() {
    let base = RtmpUrl::with_name("rtmp://h/live", KEY).unwrap();
    let long = format!("/{}", "a".repeat(NAME_BYTES_MAX + 1));
    for (reference, error) in [
        ("http://h/live", UrlError::Scheme),
        ("rtmp:live", UrlError::Scheme),
        ("javascript:alert", UrlError::Scheme),
        ("rtmpt://h/live", UrlError::Scheme),
        ("rtmp:///live", UrlError::Host),
        ("//", UrlError::Host),
        ("//h", UrlError::App),
        ("/", UrlError::App),
        ("/..", UrlError::App),
        ("//h:0/live", UrlError::Port),
        ("/li ve", UrlError::Character),
        ("/live\r\nx", UrlError::Character),
    ] {
        assert_eq!(base.at(reference), Err(error), "{reference}");
    }
    assert!(matches!(base.at(&long), Err(UrlError::Limit(_))));
    let longest = format!("/{}", "a".repeat(NAME_BYTES_MAX));
    assert!(base.at(&longest).is_ok());
}

#[test]
fn the_user_goes_along_unless_the_server_names_another_and_is_never_shown() {
    let base = RtmpUrl::parse("rtmp://us%2Fer:CANARY@h/live/cam").unwrap();
    let moved = base.at("//other/live").unwrap();
    assert_eq!(moved.user_info().unwrap().password(), "CANARY");
    assert_eq!(moved.user_info().unwrap().decoded_user(), "us/er");
    let given = base.at("rtmp://x:SECOND@other/live").unwrap();
    assert_eq!(given.user_info().unwrap().password(), "SECOND");
    for url in [moved, given] {
        assert_eq!(url.tc_url(), "rtmp://other/live");
        assert_eq!(url.to_string(), "rtmp://***@other/live/***");
        assert_eq!(url.server(), "rtmp://other");
    }
}

#[test]
fn a_query_of_the_app_is_added_to() {
    let url = |app: &str| RtmpUrl::with_name(&format!("rtmp://h/{app}"), "cam").unwrap();
    for (app, expected) in [
        ("live", "live?a=1&b==+/"),
        ("live?x=1", "live?x=1&a=1&b==+/"),
    ] {
        let asked = url(app).with_app_query("a=1&b==+/").unwrap();
        assert_eq!(asked.app(), expected);
        assert_eq!(asked.tc_url(), format!("rtmp://h/{expected}"));
    }
    let refused = url("live").with_app_query("a=1 2");
    assert_eq!(refused, Err(UrlError::Character));
    let room = NAME_BYTES_MAX - "live?".len();
    assert!(url("live").with_app_query(&"q".repeat(room)).is_ok());
    let refused = url("live").with_app_query(&"q".repeat(room + 1));
    assert!(matches!(refused, Err(UrlError::Limit(_))));
}

#[test]
fn only_the_way_from_tls_to_plain_is_weaker() {
    assert!(Scheme::Rtmp.is_weaker_than(Scheme::Rtmps));
    for (to, from) in [
        (Scheme::Rtmp, Scheme::Rtmp),
        (Scheme::Rtmps, Scheme::Rtmp),
        (Scheme::Rtmps, Scheme::Rtmps),
    ] {
        assert!(!to.is_weaker_than(from));
    }
}
