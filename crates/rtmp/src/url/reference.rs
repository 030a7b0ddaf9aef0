//! References to other servers, resolved against the `tcUrl` of a connection. [RFC 3986 5.2]

use super::{RtmpUrl, split_query};

/// The absolute URL that a reference means. It may be no valid RTMP URL.
pub(super) fn resolve(base: &RtmpUrl, reference: &str) -> String {
    let server = base.server();
    if let Some(behind) = reference.strip_prefix("//") {
        return format!("{}://{behind}", base.scheme());
    }
    if has_scheme(reference) {
        return reference.to_owned();
    }
    let (base_path, base_query) = split_query(base.app());
    let (path, query) = split_query(reference);
    if path.is_empty() {
        let query = query.or(base_query).map(|query| format!("?{query}"));
        return format!("{server}/{base_path}{}", query.unwrap_or_default());
    }
    let merged = match (path.strip_prefix('/'), base_path.rsplit_once('/')) {
        (Some(path), _) => path.to_owned(),
        (None, Some((folder, _))) => format!("{folder}/{path}"),
        (None, None) => path.to_owned(),
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{server}/{}{query}", without_dots(&merged))
}

/// Whether a scheme comes before everything else.
fn has_scheme(reference: &str) -> bool {
    let end = reference.find(['/', '?']).unwrap_or(reference.len());
    reference
        .get(..end)
        .is_some_and(|start| start.contains(':'))
}

/// The path without `.` and with each `..` resolved; it never leads above the root.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    kept.join("/")
}
