//! The cameras: how each fares; one more; one less.

use axum::{
    Json,
    body::Bytes,
    extract::{Extension, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Desk, figures::state, problem::Refusal, tokens::Caller};
use crate::config::camera_from_json;
use crate::scene::CameraId;
use crate::topology::{CameraError, CameraLine, REMOVAL};

/// `GET /api/v1/cameras`.
pub(super) async fn list(State(desk): State<Desk>) -> Json<Value> {
    let snapshot = desk.board.snapshot(|camera| desk.drops.of(camera));
    let takes_senders = |camera: &CameraId| desk.cameras.doors().has(camera);
    let cameras: Vec<_> = snapshot.cameras.iter().map(|(id, line)| described(id, line, takes_senders(id))).collect();
    Json(json!({ "deployment": desk.name, "cameras": cameras }))
}

fn described(id: &CameraId, line: &CameraLine, takes_senders: bool) -> Value {
    let present: Vec<_> = line.present.iter().map(|p| json!({ "who": p.who, "liveness": p.liveness })).collect();
    json!({
        "id": id.as_str(),
        "state": state(line),
        "detail": line.detail,
        "frames": line.frames,
        "frames_per_second": line.fps,
        "dropped": line.drops,
        "present": present,
        "whip": takes_senders.then(|| format!("/whip/{id}")),
    })
}

/// `POST /api/v1/cameras`.
pub(super) async fn add(State(desk): State<Desk>, Extension(caller): Extension<Caller>, body: Bytes) -> Response {
    let camera = match serde_json::from_slice(&body).map(|json| camera_from_json(&json, &desk.folder)) {
        Ok(Ok(camera)) => camera,
        Ok(Err(problems)) => {
            let words: Vec<_> = problems.iter().map(|p| format!("{} ({})", p.message, p.hint)).collect();
            return Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, words.join("; ")).into_response();
        }
        Err(cause) => {
            let refusal = Refusal::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {cause}"));
            return refusal.try_this("send `{\"id\": …, \"source\": {…}}`, as a deployment writes it").into_response();
        }
    };
    let (id, cameras) = (camera.id.clone(), desk.cameras.clone());
    match tokio::task::spawn_blocking(move || cameras.add(&camera)).await {
        Ok(Ok(())) => {
            tracing::info!(camera = %id, client = caller.name, "camera added");
            let place = format!("/api/v1/cameras/{id}");
            (StatusCode::CREATED, [(header::LOCATION, place)], Json(json!({ "id": id.as_str() }))).into_response()
        }
        Ok(Err(cause)) => refused(&cause),
        Err(_) => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the camera could not be added").into_response(),
    }
}

/// `DELETE /api/v1/cameras/{id}`.
pub(super) async fn remove(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    let camera = match CameraId::new(&id) {
        Ok(camera) => camera,
        Err(cause) => return Refusal::new(StatusCode::NOT_FOUND, cause).into_response(),
    };
    let cameras = desk.cameras.clone();
    match tokio::task::spawn_blocking(move || cameras.remove(&camera, REMOVAL)).await {
        Ok(Ok(())) => {
            tracing::info!(camera = id, client = caller.name, "camera removed");
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(Err(cause)) => refused(&cause),
        Err(_) => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the camera could not be removed").into_response(),
    }
}

fn refused(cause: &CameraError) -> Response {
    let status = match cause {
        CameraError::AlreadyThere(_) => StatusCode::CONFLICT,
        CameraError::NoSuchCamera(_) => StatusCode::NOT_FOUND,
        CameraError::Unusable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::new(status, cause).into_response()
}
