//! Bounds of HTTP, each with its reason.

use std::time::Duration;

/// Connections that are served at once; others wait in the kernel's backlog.
/// Why: operators and scrapers need a handful; descriptors belong to media.
pub(super) const CONNECTIONS_MAX: usize = 256;

/// Bytes of a request's line and headers. Why: a token and what browsers send fit four times.
pub(super) const HEAD_BYTES_MAX: usize = 16 << 10;

/// Time for a request's line and headers, the pause before them on a kept connection included.
/// Why: a connection that asks nothing gives its place back.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is kept for further requests.
/// Why: bounds everything else a peer may be slow in; a scraper connects once a minute without noticing.
pub(super) const CONNECTION_AGE_MAX: Duration = Duration::from_secs(60);

/// How long the request that is under way may take once a connection is too old.
pub(super) const LAST_REQUEST: Duration = Duration::from_secs(10);

/// How long requests that are under way may take when the server stops.
/// Why: HTTP promises to be gone half a second after the stop.
pub(super) const LEAVE: Duration = Duration::from_millis(400);

/// Pause after a failed accept. Why: without descriptors the next one fails as well.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
