//! URLs, and the names that clients spread over `connect` and `publish`.

use bongsu_rtmp::limits::{NAME_BYTES_MAX, PATH_SEGMENT_BYTES_MAX, PATH_SEGMENTS_MAX};
use bongsu_rtmp::url::{Query, Resolved, RtmpUrl, StreamPath, resolve};

use crate::steer::Steer;

/// Names so short may stand in a masked text by chance.
const NAME_BYTES_TO_LOOK_FOR: usize = 12;

/// A URL, a path, and app, `tcUrl` and name of a client.
///
/// Server and key of a URL, put together again, are the same URL; what a path lets through is clean and within its
/// limits; nothing shows a name or user info.
pub fn url(input: &[u8]) {
    let mut steer = Steer::new(input);
    match steer.byte() % 3 {
        0 => {
            if let Ok(text) = std::str::from_utf8(steer.rest()) {
                check_url(text);
            }
        }
        1 => {
            if let Ok(text) = std::str::from_utf8(steer.rest()) {
                check_path(text);
                check_query(text);
            }
        }
        _ => {
            let [app, tc_url] = steer.array::<2>().map(usize::from);
            let app = steer.take(app);
            let tc_url = (tc_url > 0).then(|| steer.take(tc_url));
            let name = steer.rest();
            if let Ok(resolved) = resolve(app, tc_url, name) {
                check_resolved(&resolved, app, name);
            }
        }
    }
}

fn check_url(text: &str) {
    let Ok(url) = RtmpUrl::parse(text) else {
        return;
    };
    assert!(!url.host().is_empty() && !url.app().is_empty() && url.port() > 0);
    assert!(url.app().len() <= NAME_BYTES_MAX && url.stream_name().len() <= NAME_BYTES_MAX);
    let apart = RtmpUrl::with_name(&url.tc_url(), url.stream_name()).expect("our own tcUrl");
    let parts = |url: &RtmpUrl| {
        (
            url.scheme(),
            url.host().to_owned(),
            url.port(),
            url.app().to_owned(),
            url.stream_name().to_owned(),
        )
    };
    assert_eq!(parts(&apart), parts(&url));
    assert!(apart.user_info().is_none(), "tcUrl has user info");
    let shown = format!("{url} {url:?}");
    check_hidden(&shown, url.stream_name(), &url.tc_url());
    if let Some(user_info) = url.user_info() {
        check_hidden(&shown, user_info.user(), &url.tc_url());
        check_hidden(&shown, user_info.password(), &url.tc_url());
    }
}

/// A secret is not shown, unless it is part of what may be.
fn check_hidden(shown: &str, secret: &str, public: &str) {
    if secret.len() >= NAME_BYTES_TO_LOOK_FOR && !public.contains(secret) {
        let is_hidden = !shown.contains(secret) || MASKED_WORDS.contains(secret);
        assert!(is_hidden, "{secret} in {shown}");
    }
}

/// What is shown of every URL.
const MASKED_WORDS: &str = "RtmpUrl(rtmps://***@:***/***?***)";

fn check_path(text: &str) {
    let Ok(path) = StreamPath::new(text) else {
        return;
    };
    check_clean(&path);
    assert_eq!(path.as_str(), text.trim_matches('/'));
    assert_eq!(StreamPath::new(path.as_str()).as_ref(), Ok(&path));
    if let Ok(other) = path.with_name("other/name") {
        assert_eq!((other.app(), other.name()), (path.app(), "other/name"));
    }
}

fn check_clean(path: &StreamPath) {
    let segments: Vec<&str> = path.as_str().split('/').collect();
    assert!(segments.len() <= PATH_SEGMENTS_MAX);
    for segment in segments {
        assert!((1..=PATH_SEGMENT_BYTES_MAX).contains(&segment.len()));
        assert!(!segment.starts_with('.') && !segment.contains('\\'));
        assert!(!segment.chars().any(char::is_control));
    }
    match path.name() {
        "" => assert_eq!(path.as_str(), path.app()),
        name => assert_eq!(path.as_str(), format!("{}/{name}", path.app())),
    }
}

fn check_query(text: &str) {
    let query = Query::parse(text);
    assert_eq!(Query::parse(&query.to_raw()), query);
    for (name, _) in query.iter() {
        assert!(query.get(name).is_some());
        assert!(query.without(&[name]).get(name).is_none());
    }
}

fn check_resolved(resolved: &Resolved, app: &[u8], name: &[u8]) {
    check_clean(&resolved.path);
    assert_eq!(resolved.raw.app.as_bytes(), app);
    assert_eq!(resolved.raw.name.as_bytes(), name);
    assert!(!resolved.query.to_raw().chars().any(char::is_control));
    let shown = format!("{resolved:?}");
    check_hidden(
        &shown,
        resolved.path.name(),
        // What stands around the app is shown of every name too.
        &format!("Resolved {{ app: {:?}, query: ", resolved.path.app()),
    );
}
