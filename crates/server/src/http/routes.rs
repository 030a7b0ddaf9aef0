//! The routes and their answers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::Serialize;

use super::error::ApiError;
use super::guard;
use super::streams::gather;
use crate::shared::{Phase, Shared};
use crate::snapshot::StreamSnapshot;
use crate::telemetry::Scrape;

/// What the encoder of the metrics makes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All routes behind the guard, which paths that do not exist are behind as well.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/v1/streams", get(streams))
        .route("/api/v1/streams/{app}/{*name}", get(stream))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .fallback(async || ApiError::RouteNotFound)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            guard::guard,
        ))
        .with_state(shared)
}

/// `GET /readyz`: whether it takes new connections.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    if is_running(&shared) {
        "ready".into_response()
    } else {
        ApiError::Draining.into_response()
    }
}

/// `GET /metrics`.
async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let found = gather(&shared).await;
    let page = shared.telemetry.encode(&Scrape {
        streams: &found.streams,
        workers_missing: found.workers_missing,
        draining: !is_running(&shared),
    });
    ([(CONTENT_TYPE, OPEN_METRICS)], page).into_response()
}

/// The answer of `GET /api/v1/streams`.
#[derive(Serialize)]
struct StreamList {
    /// By path.
    streams: Vec<StreamSnapshot>,
    /// Whether a part of the server did not answer in time, so that streams may be missing.
    incomplete: bool,
}

/// `GET /api/v1/streams`.
async fn streams(State(shared): State<Arc<Shared>>) -> Response {
    let found = gather(&shared).await;
    Json(StreamList {
        streams: found.streams,
        incomplete: found.workers_missing > 0,
    })
    .into_response()
}

/// `GET /api/v1/streams/{app}/{name}`; the name may have slashes.
async fn stream(
    State(shared): State<Arc<Shared>>,
    Path((app, name)): Path<(String, String)>,
) -> Result<Json<StreamSnapshot>, ApiError> {
    let found = gather(&shared).await;
    let is_it = |stream: &StreamSnapshot| stream.app == app && stream.name == name;
    match found.streams.into_iter().find(is_it) {
        Some(stream) => Ok(Json(stream)),
        None if found.workers_missing > 0 => Err(ApiError::WorkerBusy),
        None => Err(ApiError::StreamNotFound),
    }
}

fn is_running(shared: &Shared) -> bool {
    *shared.phase.borrow() == Phase::Running
}
