//! Goal: a URL becomes what `connect` and `publish` say, and nothing prints its secrets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bongsu_rtmp::limits::{Limit, LimitExceeded, NAME_BYTES_MAX};
use bongsu_rtmp::url::{RtmpUrl, Scheme, UrlError};

fn parse(url: &str) -> RtmpUrl {
    RtmpUrl::parse(url).unwrap()
}

fn app_and_name(url: &RtmpUrl) -> (&str, &str) {
    (url.app(), url.stream_name())
}

#[test]
fn the_last_segment_with_the_query_is_the_name() {
    for (url, app, name) in [
        ("rtmp://h/live/k", "live", "k"),
        ("rtmp://h/live/k?token=t", "live", "k?token=t"),
        ("rtmp://h/a/b/c/k", "a/b/c", "k"),
        ("rtmp://h/live/k?sig=a/b?c&d", "live", "k?sig=a/b?c&d"),
        ("rtmp://h/live", "live", ""),
        ("rtmp://h/live/", "live", ""),
        ("rtmp://h/live?token=t", "live?token=t", ""),
        (
            "rtmp://h/live2?backup=1/k?a=b/c",
            "live2?backup=1",
            "k?a=b/c",
        ),
        ("rtmp://h/live?token=t/", "live?token=t", ""),
        ("rtmp://h//live//k/", "live", "k"),
        ("rtmp://h/live/%6b%2F+", "live", "%6b%2F+"),
        ("rtmp://h/live/k@x:1", "live", "k@x:1"),
        ("rtmp://h/방송/봉수", "방송", "봉수"),
    ] {
        assert_eq!(app_and_name(&parse(url)), (app, name), "{url}");
    }
}

#[test]
fn a_key_that_was_configured_apart_stays_byte_for_byte() {
    let key = "a/b?x=1&y=%2F?z//";
    for (server, app) in [
        ("rtmp://h/live", "live"),
        ("rtmp://h/live/", "live"),
        ("rtmp://h/a/b/c", "a/b/c"),
        ("rtmp://h/live?token=t", "live?token=t"),
    ] {
        let url = RtmpUrl::with_name(server, key).unwrap();
        assert_eq!(app_and_name(&url), (app, key), "{server}");
    }
}

#[test]
fn scheme_host_and_port() {
    for (url, scheme, host, port) in [
        ("rtmp://h/a", Scheme::Rtmp, "h", 1935),
        ("RTMP://h/a", Scheme::Rtmp, "h", 1935),
        ("rtmps://h/a", Scheme::Rtmps, "h", 443),
        ("RtmpS://h:1/a", Scheme::Rtmps, "h", 1),
        (
            "rtmp://my_box-1.example.:65535/a",
            Scheme::Rtmp,
            "my_box-1.example.",
            65535,
        ),
        ("rtmp://192.0.2.7:19350/a", Scheme::Rtmp, "192.0.2.7", 19350),
        ("rtmp://[2001:db8::1]/a", Scheme::Rtmp, "2001:db8::1", 1935),
        ("rtmp://[::1]:80/a", Scheme::Rtmp, "::1", 80),
        ("rtmp://u:p@h:80/a", Scheme::Rtmp, "h", 80),
    ] {
        let url = parse(url);
        assert_eq!((url.scheme(), url.host(), url.port()), (scheme, host, port));
    }
}

#[test]
fn user_info_ends_at_the_last_at_sign() {
    for (url, user, password) in [
        ("rtmp://u:p@h/a/k", "u", "p"),
        ("rtmp://u@h/a/k", "u", ""),
        ("rtmp://u:p:q@r@h/a/k", "u", "p:q@r"),
        ("rtmp://u:%40@h/a/k", "u", "%40"),
    ] {
        let url = parse(url);
        let info = url.user_info().unwrap();
        assert_eq!((info.user(), info.password()), (user, password));
        assert_eq!(url.host(), "h");
    }
    assert_eq!(parse("rtmp://h/a/k").user_info(), None);
}

#[test]
fn tc_url_has_a_port_of_its_own_but_neither_key_nor_user_info() {
    for (url, tc_url) in [
        ("rtmp://h/live/k?token=t", "rtmp://h/live"),
        ("rtmp://h:1935/live/k", "rtmp://h/live"),
        ("rtmp://h:1936/a/b/k", "rtmp://h:1936/a/b"),
        ("rtmp://h:443/live/k", "rtmp://h:443/live"),
        ("rtmps://h:443/live/k", "rtmps://h/live"),
        ("rtmps://h:1935/live/k", "rtmps://h:1935/live"),
        ("rtmp://u:p@h/live/k", "rtmp://h/live"),
        ("rtmp://[::1]:1936/live/k", "rtmp://[::1]:1936/live"),
        ("RTMP://h/live?a=b", "rtmp://h/live?a=b"),
    ] {
        assert_eq!(parse(url).tc_url(), tc_url, "{url}");
    }
    let apart = RtmpUrl::with_name("rtmp://u:p@h/live?a=b", "k").unwrap();
    assert_eq!(apart.tc_url(), "rtmp://h/live?a=b");
}

#[test]
fn what_is_no_url_is_refused_by_its_part() {
    for (url, error) in [
        ("", UrlError::Scheme),
        ("h/live/k", UrlError::Scheme),
        ("http://h/live/k", UrlError::Scheme),
        ("rtmpt://h/live/k", UrlError::Scheme),
        (" rtmp://h/live/k", UrlError::Scheme),
        ("rtmp://h/live/k ", UrlError::Character),
        ("rtmp://h/my app/k", UrlError::Character),
        ("rtmp://h/live/k\n", UrlError::Character),
        ("rtmp://h/live/\u{7f}", UrlError::Character),
        ("rtmp://h/live/\u{85}", UrlError::Character),
        ("rtmp:///live/k", UrlError::Host),
        ("rtmp://:1935/live/k", UrlError::Host),
        ("rtmp://u:p@/live/k", UrlError::Host),
        ("rtmp://a..b/live/k", UrlError::Host),
        ("rtmp://-a/live/k", UrlError::Host),
        ("rtmp://h{}/live/k", UrlError::Host),
        ("rtmp://[::1/live/k", UrlError::Host),
        ("rtmp://[1.2.3.4]/live/k", UrlError::Host),
        ("rtmp://[::1]80/live/k", UrlError::Host),
        ("rtmp://h:/live/k", UrlError::Port),
        ("rtmp://h:0/live/k", UrlError::Port),
        ("rtmp://h:65536/live/k", UrlError::Port),
        ("rtmp://h:+80/live/k", UrlError::Port),
        ("rtmp://::1/live/k", UrlError::Host),
        ("rtmp://[::1]:x/live/k", UrlError::Port),
        ("rtmp://h", UrlError::App),
        ("rtmp://h/", UrlError::App),
        ("rtmp://h?live/k", UrlError::App),
        ("rtmp://h//?k", UrlError::App),
    ] {
        assert_eq!(RtmpUrl::parse(url), Err(error), "{url:?}");
        assert_eq!(RtmpUrl::with_name(url, "k"), Err(error), "{url:?}");
    }
    assert_eq!(
        RtmpUrl::with_name("rtmp://h/live", "two words"),
        Err(UrlError::Character)
    );
}

#[test]
fn host_names_end_at_253_bytes() {
    let host = |len: usize| format!("rtmp://{}/a", "h".repeat(len));
    assert!(RtmpUrl::parse(&host(253)).is_ok());
    assert_eq!(RtmpUrl::parse(&host(254)), Err(UrlError::Host));
}

#[test]
fn app_and_name_are_bounded() {
    let long = "k".repeat(NAME_BYTES_MAX);
    let over = format!("{long}k");
    let limit = |got: usize| {
        Err(UrlError::Limit(LimitExceeded {
            limit: Limit::NameBytes,
            got: got as u64,
            max: NAME_BYTES_MAX as u64,
        }))
    };
    assert!(RtmpUrl::parse(&format!("rtmp://h/{long}/{long}")).is_ok());
    for url in [format!("rtmp://h/{over}/k"), format!("rtmp://h/a/{over}")] {
        assert_eq!(RtmpUrl::parse(&url), limit(over.len()));
    }
    assert!(RtmpUrl::with_name("rtmp://h/a", &long).is_ok());
    assert_eq!(RtmpUrl::with_name("rtmp://h/a", &over), limit(over.len()));
    assert_eq!(
        limit(over.len()).unwrap_err().to_string(),
        "name_bytes exceeded: 8193 > 8192"
    );
}

#[test]
fn nothing_prints_a_secret() {
    for (url, shown) in [
        ("rtmp://h/live/canary?token=canary", "rtmp://h/live/***"),
        (
            "rtmp://canary:canary@h:1936/a/b/canary",
            "rtmp://***@h:1936/a/b/***",
        ),
        ("rtmps://[::1]/live?token=canary", "rtmps://[::1]/live?***"),
        ("rtmp://h/live", "rtmp://h/live"),
    ] {
        let url = parse(url);
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), format!("RtmpUrl({shown})"));
        assert!(!format!("{:?}", url.user_info()).contains("canary"));
    }
    let apart = RtmpUrl::with_name("rtmp://h/live?token=canary", "canary").unwrap();
    assert_eq!(apart.to_string(), "rtmp://h/live?***/***");
}
