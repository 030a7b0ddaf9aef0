//! Goal: one stream path and its parameters, however a client spreads them over `app`, `tcUrl` and the name.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bongsu_rtmp::limits::{
    Limit, LimitExceeded, NAME_BYTES_MAX, PATH_SEGMENT_BYTES_MAX, PATH_SEGMENTS_MAX,
};
use bongsu_rtmp::url::{Field, NameError, NamePrefix, Query, Resolved, StreamPath, resolve};

fn resolved(app: &str, name: &str) -> Resolved {
    resolve(app.as_bytes(), None, name.as_bytes()).unwrap()
}

fn path_of(app: &str, name: &str) -> String {
    resolved(app, name).path.as_str().to_owned()
}

fn refused(app: &[u8], name: &[u8]) -> NameError {
    resolve(app, None, name).unwrap_err()
}

fn limit(limit: Limit, got: usize, max: usize) -> NameError {
    NameError::Limit(LimitExceeded {
        limit,
        got: got as u64,
        max: max as u64,
    })
}

/// [WIRE 100]
#[test]
fn the_ways_of_encoders_to_name_a_stream_are_one() {
    for (app, name) in [
        ("live", "k?token=t"),
        ("live?token=t", "k"),
        ("live/k?token=t", ""),
        ("/live/", "/k/?token=t"),
        ("", "live/k?token=t"),
    ] {
        let found = resolved(app, name);
        assert_eq!(found.path.as_str(), "live/k", "{app} {name}");
        assert_eq!(found.query.get("token"), Some("t"), "{app} {name}");
        assert_eq!(found.query.to_raw(), "token=t");
    }
    assert_eq!(path_of("a/b", "k"), "a/b/k");
    assert_eq!(path_of("a", "b/k"), "a/b/k");
}

#[test]
fn an_app_alone_has_no_name() {
    let found = resolved("live", "");
    assert_eq!((found.path.app(), found.path.name()), ("live", ""));
    assert_eq!(found.key_candidate(), "");
    assert_eq!(resolved("live", "SECRET").key_candidate(), "SECRET");
}

#[test]
fn parameters_of_the_name_win_over_the_app_and_these_over_tc_url() {
    let found = resolve(
        b"live?b=app&c=app&c=again",
        Some(b"'rtmp://h/live?c=url&d=url'"),
        b"k?a=name&b=name&a=more",
    )
    .unwrap();
    assert_eq!(
        found.query.to_raw(),
        "a=name&b=name&a=more&c=app&c=again&d=url"
    );
}

/// [WIRE 101]
#[test]
fn parameters_and_raw_names_stay_as_they_came() {
    let name = "%6B?sig=a%2Fb%3D==&flag&e=&x=/../\\";
    let found = resolved("live?t=%20", name);
    assert_eq!(found.query.get("sig"), Some("a%2Fb%3D=="));
    assert_eq!(found.query.get("flag"), Some(""));
    assert_eq!(found.query.get("e"), Some(""));
    assert_eq!(found.query.get("x"), Some("/../\\"));
    assert_eq!(found.query.get("t"), Some("%20"));
    assert_eq!(found.query.get("absent"), None);
    assert_eq!(
        (found.raw.app.as_str(), found.raw.name.as_str()),
        ("live?t=%20", name)
    );
}

#[test]
fn the_path_is_percent_decoded_once() {
    for (name, decoded) in [
        ("%6b", "live/k"),
        ("%256b", "live/%6b"),
        ("%EB%B4%89", "live/봉"),
        ("a%2Fb", "live/a/b"),
        ("100%", "live/100%"),
        ("%zz%4", "live/%zz%4"),
        ("a+b", "live/a+b"),
    ] {
        assert_eq!(path_of("live", name), decoded);
    }
    assert_eq!(path_of("%6cive", "k"), "live/k");
}

#[test]
fn a_media_type_before_the_name_is_taken_off() {
    for (name, prefix) in [
        ("flv:k", Some(NamePrefix::Flv)),
        ("mp4:k", Some(NamePrefix::Mp4)),
        ("mp3:/k", Some(NamePrefix::Mp3)),
        ("/id3:k", Some(NamePrefix::Id3)),
        ("k", None),
    ] {
        let found = resolved("live", name);
        assert_eq!((found.path.as_str(), found.prefix), ("live/k", prefix));
        assert_eq!(found.raw.name, name);
    }
    assert_eq!(path_of("live", "ogg:k"), "live/ogg:k");
    assert_eq!(path_of("live", "flv:mp4:k"), "live/mp4:k");
}

#[test]
fn the_default_instance_is_a_segment_like_others() {
    assert_eq!(path_of("live/_definst_", "k"), "live/_definst_/k");
}

/// [WIRE 102] [WIRE 212]
#[test]
fn unclean_names_are_refused_for_their_reason() {
    for (app, name, error) in [
        (&b""[..], &b""[..], NameError::Empty),
        (b"/", b"//", NameError::Empty),
        (b"", b"?token=t", NameError::Empty),
        (b"live", b"caf\xe9", NameError::NotUtf8(Field::Name)),
        (b"caf\xe9", b"k", NameError::NotUtf8(Field::App)),
        (b"live", b"%ff", NameError::NotUtf8(Field::Name)),
        (b"live", b"k\n", NameError::ControlCharacter(Field::Name)),
        (
            b"live",
            b"k?a=\r\n",
            NameError::ControlCharacter(Field::Name),
        ),
        (b"caf%e9", b"k", NameError::NotUtf8(Field::App)),
        (b"live\0", b"k", NameError::ControlCharacter(Field::App)),
        (b"live", b"k%00", NameError::ControlCharacter(Field::Name)),
        (b"live", b"%C2%85", NameError::ControlCharacter(Field::Name)),
        (b"live", b"a\\b", NameError::Backslash),
        (b"live", b"a%5Cb", NameError::Backslash),
        (b"live", b"a//b", NameError::EmptySegment),
        (b"live", b"%2Fk", NameError::EmptySegment),
        (b"live", b"..", NameError::LeadingDot),
        (b"live", b"%2e%2e/etc", NameError::LeadingDot),
        (b"..", b"k", NameError::LeadingDot),
        (b"live", b".hidden", NameError::LeadingDot),
    ] {
        assert_eq!(refused(app, name), error, "{name:?}");
    }
    let tc_url = resolve(b"live", Some(b"rtmp://h/live?a=\x01"), b"k");
    assert_eq!(tc_url, Err(NameError::ControlCharacter(Field::TcUrl)));
    assert_eq!(path_of("live", "a.b c"), "live/a.b c");
}

/// The sentence goes to the encoder and into the log, so it names what has to be corrected.
#[test]
fn a_refusal_names_the_field_at_fault() {
    for (app, tc_url, name, words) in [
        ("live", "", "k\n", "the stream name has a control character"),
        ("live\n", "", "k", "the app has a control character"),
        ("live", "\n", "k", "the tcUrl has a control character"),
        ("%ff", "", "k", "the app is not UTF-8"),
        ("live", "", "%ff", "the stream name is not UTF-8"),
    ] {
        let error = resolve(app.as_bytes(), Some(tc_url.as_bytes()), name.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn app_tc_url_and_name_are_bounded() {
    let long = format!("k?{}", "t".repeat(NAME_BYTES_MAX - 2));
    let over = format!("{long}t");
    let error = Err(limit(Limit::NameBytes, over.len(), NAME_BYTES_MAX));
    let all = |app: &str, tc_url: &str, name: &str| {
        resolve(app.as_bytes(), Some(tc_url.as_bytes()), name.as_bytes()).map(|_| ())
    };
    assert_eq!(all(&long, &long, &long), Ok(()));
    assert_eq!(all(&over, "", "k"), error);
    assert_eq!(all("a", &over, "k"), error);
    assert_eq!(all("a", "", &over), error);
}

#[test]
fn a_path_has_so_many_segments_of_such_a_length() {
    let segment = "s".repeat(PATH_SEGMENT_BYTES_MAX);
    let longest = [segment.as_str(); PATH_SEGMENTS_MAX].join("/");
    assert_eq!(StreamPath::new(&longest).unwrap().as_str(), longest);
    assert_eq!(
        StreamPath::new(&format!("{longest}/x")),
        Err(limit(
            Limit::PathSegments,
            PATH_SEGMENTS_MAX + 1,
            PATH_SEGMENTS_MAX
        ))
    );
    assert_eq!(
        StreamPath::new(&format!("{segment}s")),
        Err(limit(
            Limit::PathSegmentBytes,
            PATH_SEGMENT_BYTES_MAX + 1,
            PATH_SEGMENT_BYTES_MAX
        ))
    );
}

#[test]
fn a_path_drops_outer_slashes_and_decodes_nothing() {
    let path = StreamPath::new("//live/room/%6b/").unwrap();
    assert_eq!(path.to_string(), "live/room/%6b");
    assert_eq!((path.app(), path.name()), ("live", "room/%6b"));
}

#[test]
fn another_name_stays_in_the_app() {
    let path = StreamPath::new("live/old/one").unwrap();
    assert_eq!(path.with_name("cam").unwrap().as_str(), "live/cam");
    assert_eq!(path.with_name("/a/b/").unwrap().as_str(), "live/a/b");
    assert_eq!(path.with_name(""), Err(NameError::Empty));
    assert_eq!(path.with_name("../x"), Err(NameError::LeadingDot));
}

#[test]
fn a_query_leaves_out_what_is_named() {
    let query = Query::parse("a=1&key=x&&b&key=y&keys=z");
    assert_eq!(query.get("key"), Some("x"));
    assert_eq!(query.without(&["key", "b"]).to_raw(), "a=1&keys=z");
    let pairs: Vec<_> = query.iter().collect();
    assert_eq!(
        pairs,
        [
            ("a", "1"),
            ("key", "x"),
            ("b", ""),
            ("key", "y"),
            ("keys", "z")
        ]
    );
    assert!(Query::parse("").is_empty());
    assert!(Query::parse("&").is_empty());
    assert!(!query.is_empty());
}

#[test]
fn nothing_prints_a_secret() {
    let found = resolved("live?token=canary", "canary?key=canary");
    assert!(!format!("{found:?}").contains("canary"));
    assert!(!format!("{:?}", found.raw).contains("canary"));
    assert_eq!(format!("{:?}", found.query), "Query(2 parameters)");
}
