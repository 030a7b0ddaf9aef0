//! RTMP URLs, and what `connect` and `publish` or `play` name together.
//!
//! Nothing here prints a key: `Display` and `Debug` mask user info, stream names of URLs, and queries.

mod path;
mod percent;
mod query;
mod reference;
mod resolve;
mod rtmp_url;

pub use path::{Field, NameError, StreamPath};
pub use query::Query;
pub use resolve::{NamePrefix, RawName, Resolved, resolve};
pub use rtmp_url::{RtmpUrl, Scheme, UrlError, UserInfo};

use crate::limits::{Limit, LimitExceeded, NAME_BYTES_MAX};

/// What stands in place of a secret.
const MASK: &str = "***";

/// Splits at the first `?`, which belongs to neither side.
fn split_query(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

/// Holds an app, a tcUrl or a stream name to [`NAME_BYTES_MAX`].
fn check_name_bytes(len: usize) -> Result<(), LimitExceeded> {
    check_limit(Limit::NameBytes, len, NAME_BYTES_MAX)
}

fn check_limit(limit: Limit, got: usize, max: usize) -> Result<(), LimitExceeded> {
    if got <= max {
        return Ok(());
    }
    let as_u64 = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Err(LimitExceeded {
        limit,
        got: as_u64(got),
        max: as_u64(max),
    })
}
