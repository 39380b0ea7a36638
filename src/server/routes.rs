//! What is asked for where, and what it takes to ask. One table.

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{delete, get, post},
};

use super::{Desk, cameras, door, feed, figures, health, history, problem::Refusal, whep, whip};
use crate::config::Role;
use crate::media::LONGEST_OFFER;

/// Longest answer; a camera may take its time to leave, so it is longer than that.
const ANSWER: Duration = Duration::from_secs(20);
/// The page at `/`.
const VIEWER: &str = include_str!("../../samples/viewer.html");
/// The page runs only what is in it, and asks only us.
const ONLY_OURS: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                         base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Everything the server answers.
pub(super) fn routes(desk: Desk) -> Router {
    let needs = |role| middleware::from_fn_with_state((desk.clone(), role), door::role);
    let read = Router::new()
        .route("/metrics", get(figures::metrics))
        .route("/api/v1/cameras", get(cameras::list))
        .route("/api/v1/events", get(feed::events))
        .route("/api/v1/history", get(history::history))
        .route_layer(needs(Role::Read));
    let control = Router::new()
        .route("/api/v1/cameras", post(cameras::add))
        .route("/api/v1/cameras/{id}", delete(cameras::remove))
        .route_layer(needs(Role::Control));
    let publish = Router::new()
        .route("/whip/{camera}", post(whip::open))
        .route("/whip/{camera}/{session}", delete(whip::close))
        .route_layer(needs(Role::Publish));
    let view = Router::new()
        .route("/whep/{camera}", post(whep::open))
        .route("/whep/{camera}/{session}", delete(whep::close))
        .route_layer(needs(Role::View));
    let anybody = Router::new()
        .route("/", get(viewer))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz));
    anybody
        .merge(read)
        .merge(control)
        .merge(publish)
        .merge(view)
        .layer(DefaultBodyLimit::max(LONGEST_OFFER))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn_with_state(desk.clone(), door::origin))
        .layer(middleware::from_fn(plainly))
        .with_state(desk)
}

async fn viewer() -> Response {
    ([(header::CONTENT_SECURITY_POLICY, ONLY_OURS)], Html(VIEWER)).into_response()
}

/// A body that trickles in does not keep us waiting. The events' stream has begun by then, and goes on.
async fn in_time(request: Request, next: Next) -> Response {
    let late = || Refusal::new(StatusCode::REQUEST_TIMEOUT, "that took too long").into_response();
    tokio::time::timeout(ANSWER, next.run(request)).await.unwrap_or_else(|_| late())
}

/// Nothing here is to be kept or to be taken for anything else.
async fn plainly(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
