//! What a refusal looks like: a stable code, what is wrong, and what to do.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApiError {
    /// No such route.
    RouteNotFound,
    /// The route is there, but not for this method.
    MethodNotAllowed,
    /// No such stream.
    StreamNotFound,
    /// Not found, but a worker did not say what it has.
    WorkerBusy,
    /// The token is missing or wrong.
    Unauthorized,
    /// The request names a host that this server does not go by.
    WrongHost,
    /// HTTP/1.1 without a host, or with two of them.
    BadHost,
    /// The relay takes no new connections.
    Draining,
}

/// The body of a refusal.
#[derive(Debug, Serialize)]
struct Body {
    code: &'static str,
    message: &'static str,
    r#try: &'static str,
}

impl ApiError {
    const fn status(self) -> StatusCode {
        match self {
            Self::RouteNotFound | Self::StreamNotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::WorkerBusy | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::BadHost => StatusCode::BAD_REQUEST,
        }
    }

    const fn body(self) -> Body {
        let (code, message, r#try) = match self {
            Self::RouteNotFound => (
                "route_not_found",
                "there is nothing at this path",
                "GET /api/v1/streams, /metrics, /healthz or /readyz",
            ),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                "this path cannot be asked with this method",
                "use GET",
            ),
            Self::StreamNotFound => (
                "stream_not_found",
                "no stream has this app and name now",
                "list the streams with GET /api/v1/streams",
            ),
            Self::WorkerBusy => (
                "worker_busy",
                "the stream was not found, but a part of the server did not answer in time",
                "ask again in a few seconds",
            ),
            Self::Unauthorized => (
                "unauthorized",
                "the token is missing or wrong",
                "send `Authorization: Bearer TOKEN` with the token of [http] in the configuration",
            ),
            Self::WrongHost => (
                "wrong_host",
                "the Host header names another host; a web page may be behind this request",
                "use an IP address or localhost in the URL",
            ),
            Self::BadHost => (
                "bad_host",
                "the request must have one Host header",
                "send the host and port of the URL as Host",
            ),
            Self::Draining => (
                "draining",
                "the server takes no new connections",
                "use another server, or wait for the restart",
            ),
        };
        Body {
            code,
            message,
            r#try,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(self.body())).into_response();
        if self == Self::Unauthorized {
            let scheme = HeaderValue::from_static("Bearer realm=\"bongsu\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
