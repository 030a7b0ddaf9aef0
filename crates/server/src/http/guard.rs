//! Who may ask: the token, and the Host header against web pages that reach for this machine.
//!
//! A page in a browser can point a name of its own at 127.0.0.1 and then read what a loopback server says to it (DNS
//! rebinding). The browser still sends the page's name as Host: on loopback only addresses and `localhost` are served.
//! A request that a proxy on this machine passed on comes from loopback as well, but its sender does not.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use crate::config::Secret;
use crate::shared::Shared;

/// Routes that say only whether the server lives: open to everybody who reaches the listener.
const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// Headers that proxies add.
const OF_PROXIES: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

/// Where a connection comes from and where it came in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    is_loopback: bool,
    listener_is_loopback: bool,
}

impl Peer {
    pub(super) fn new(peer: SocketAddr, listener: SocketAddr) -> Self {
        let is_loopback = |address: SocketAddr| address.ip().to_canonical().is_loopback();
        Self {
            is_loopback: is_loopback(peer),
            listener_is_loopback: is_loopback(listener),
        }
    }
}

/// Lets a request through to its route, or refuses it. Every answer says that nobody may keep or reinterpret it.
pub(super) async fn guard(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let token = shared.config.http.token.as_ref();
    let mut response = match may_pass(peer, token, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The rules in their order: host, open routes, reads from this machine, token.
fn may_pass<B>(
    peer: Peer,
    token: Option<&Secret>,
    request: &axum::http::Request<B>,
) -> Result<(), ApiError> {
    let headers = request.headers();
    let host = named_host(request.version(), request.uri(), headers)?;
    let host_is_local = host.is_none_or(|host| is_local(&host));
    if peer.listener_is_loopback && !host_is_local {
        return Err(ApiError::WrongHost);
    }
    if OPEN.contains(&request.uri().path()) {
        return Ok(());
    }
    let was_passed_on = OF_PROXIES.iter().any(|name| headers.contains_key(*name));
    // Every route reads. One that changes something must ask for the token here as well.
    if peer.is_loopback && host_is_local && !was_passed_on {
        return Ok(());
    }
    match (token, bearer(headers)) {
        (Some(token), Some(candidate)) if token.matches(candidate) => Ok(()),
        _ => Err(ApiError::Unauthorized),
    }
}

/// The host that a request names: that of a full URL, else the Host header. HTTP/1.0 may name none.
fn named_host(
    version: Version,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Option<Authority>, ApiError> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => None,
        (Some(host), None) => {
            Some(Authority::try_from(host.as_bytes()).map_err(|_| ApiError::BadHost)?)
        }
        _ => return Err(ApiError::BadHost),
    };
    Ok(uri.authority().cloned().or(host))
}

/// Whether only this machine or an address can be meant: nothing that a foreign page can make a name for.
fn is_local(host: &Authority) -> bool {
    let name = host.host();
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use axum::http;

    use super::*;

    const LOOPBACK: &str = "127.0.0.1:50000";
    const STRANGER: &str = "192.0.2.7:50000";
    const ON_LOOPBACK: &str = "127.0.0.1:1985";
    const ON_ALL: &str = "[::]:1985";

    fn request(path: &str, headers: &[(&str, &str)]) -> http::Request<()> {
        let mut request = http::Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap()
    }

    fn peer(peer: &str, listener: &str) -> Peer {
        Peer::new(peer.parse().unwrap(), listener.parse().unwrap())
    }

    /// A request with a host that is always good.
    fn ask(from: Peer, path: &str, headers: &[(&str, &str)]) -> Result<(), ApiError> {
        let token = Secret::new("0123456789abcdef");
        let headers = [&[("host", "127.0.0.1:1985")], headers].concat();
        may_pass(from, Some(&token), &request(path, &headers))
    }

    #[test]
    fn strangers_need_the_token_except_for_health() {
        let stranger = peer(STRANGER, ON_ALL);
        for path in ["/metrics", "/api/v1/streams", "/nothing"] {
            let refused = Err(ApiError::Unauthorized);
            assert_eq!(ask(stranger, path, &[]), refused, "{path}");
            for wrong in [
                "",
                "Bearer",
                "Bearer ",
                "Bearer 0123456789abcde",
                "Bearer 0123456789abcdef0",
                "Basic 0123456789abcdef",
                "0123456789abcdef",
            ] {
                let headers = [("authorization", wrong)];
                assert_eq!(ask(stranger, path, &headers), refused, "{path} {wrong}");
            }
            for right in ["Bearer 0123456789abcdef", "bearer  0123456789abcdef"] {
                assert_eq!(ask(stranger, path, &[("authorization", right)]), Ok(()));
            }
        }
        for path in OPEN {
            assert_eq!(ask(stranger, path, &[]), Ok(()), "{path}");
        }
        // Without a token in the configuration nothing opens.
        let bare = request("/metrics", &[("host", "x"), ("authorization", "Bearer ")]);
        assert_eq!(may_pass(stranger, None, &bare), Err(ApiError::Unauthorized));
    }

    #[test]
    fn reads_from_this_machine_are_free_unless_a_proxy_passed_them_on() {
        for listener in [ON_LOOPBACK, ON_ALL, "[::1]:1985"] {
            for from in [LOOPBACK, "[::1]:50000", "[::ffff:127.0.0.1]:50000"] {
                let from = peer(from, listener);
                assert_eq!(ask(from, "/metrics", &[]), Ok(()));
                for header in OF_PROXIES {
                    let headers = [(header, "192.0.2.7")];
                    let refused = Err(ApiError::Unauthorized);
                    assert_eq!(ask(from, "/metrics", &headers), refused, "{header}");
                }
            }
        }
    }

    #[test]
    fn on_loopback_only_addresses_and_localhost_are_served() {
        let local = peer(LOOPBACK, ON_LOOPBACK);
        let ask = |host| may_pass(local, None, &request("/healthz", &[("host", host)]));
        for host in [
            "127.0.0.1",
            "127.0.0.1:1985",
            "192.0.2.1:80",
            "[::1]:1985",
            "[::1]",
            "localhost",
            "LocalHost:1985",
        ] {
            assert_eq!(ask(host), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:1985",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
        ] {
            assert_eq!(ask(host), Err(ApiError::WrongHost), "{host}");
        }
        for host in ["", "a b", "/"] {
            assert_eq!(ask(host), Err(ApiError::BadHost), "{host}");
        }
    }

    #[test]
    fn a_name_opens_nothing_to_a_browser_on_this_machine_when_the_listener_is_wide() {
        let local = peer(LOOPBACK, ON_ALL);
        let token = Secret::new("0123456789abcdef");
        let named = request("/metrics", &[("host", "relay.example")]);
        let refused = may_pass(local, Some(&token), &named);
        assert_eq!(refused, Err(ApiError::Unauthorized));
        let headers = [
            ("host", "relay.example"),
            ("authorization", "Bearer 0123456789abcdef"),
        ];
        assert_eq!(
            may_pass(local, Some(&token), &request("/metrics", &headers)),
            Ok(())
        );
    }

    #[test]
    fn one_host_is_named_except_in_http_1_0() {
        let local = peer(LOOPBACK, ON_LOOPBACK);
        let mut old = request("/metrics", &[]);
        assert_eq!(may_pass(local, None, &old), Err(ApiError::BadHost));
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(may_pass(local, None, &old), Ok(()));
        let two = [("host", "127.0.0.1"), ("host", "127.0.0.1")];
        let two = may_pass(local, None, &request("/metrics", &two));
        assert_eq!(two, Err(ApiError::BadHost));
        // A full URL goes before the header.
        let full = request("http://evil.example/metrics", &[("host", "127.0.0.1")]);
        assert_eq!(may_pass(local, None, &full), Err(ApiError::WrongHost));
    }
}
