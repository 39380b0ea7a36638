//! Is it well? Two answers for whoever supervises: the process answers at all, and it does its work.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Desk, figures::state};

/// Cameras in these states will not send again by themselves.
const OVER: [&str; 3] = ["ended", "stopped", "failed"];

/// `GET /healthz`: the process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the end was not asked for, and some camera sends or is being tried. Says how many of them send; names
/// nobody, since anybody may ask.
pub(super) async fn readyz(State(desk): State<Desk>) -> Response {
    let snapshot = desk.board.snapshot(|_| 0);
    let words: Vec<_> = snapshot.cameras.values().map(state).collect();
    let live = words.iter().filter(|word| **word == "live").count();
    let ready = !desk.is_ending() && words.iter().any(|word| !OVER.contains(word));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "ready": ready, "ending": desk.is_ending(), "cameras": words.len(), "live": live });
    (status, Json(body)).into_response()
}
