//! WHEP (draft-ietf-wish-whep): a browser posts an offer and watches a camera as it comes, before any stage has seen it.
//! What it shares with `whip` is there. Next: `media`'s `Views`, who plays.

use axum::{
    extract::{Extension, Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use uuid::Uuid;

use super::{
    Desk,
    problem::Refusal,
    tokens::Caller,
    whip::{answered, broken, is_sdp},
};
use crate::config::Role;
use crate::media::{MediaError, SdpOffer, ViewError};
use crate::scene::CameraId;

/// `POST /whep/{camera}`.
pub(super) async fn open(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(camera): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let camera = seen_camera(&desk, &caller, &camera)?;
    is_sdp(&headers)?;
    let offer = SdpOffer::of_viewer(&body).map_err(|cause| Refusal::new(StatusCode::BAD_REQUEST, cause))?;
    // Its 74 random bits cannot be guessed, so nobody else can end the session.
    let session = Uuid::now_v7().to_string();
    let place = format!("/whep/{camera}/{session}");
    let watched = tokio::task::spawn_blocking(move || watch(&desk, &camera, &session, &offer)).await;
    let answer = watched.map_err(|_| broken())?.map_err(|cause| refusal(&cause))?;
    tracing::info!(client = caller.name, place, "a viewer was let in");
    Ok(answered(place, answer))
}

/// `DELETE /whep/{camera}/{session}`.
pub(super) async fn close(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path((camera, session)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let camera = seen_camera(&desk, &caller, &camera)?;
    if desk.cameras.views().leave(&camera, &session) {
        return Ok(StatusCode::OK);
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such session; it may have ended"))
}

#[cfg(feature = "media")]
fn watch(desk: &Desk, camera: &CameraId, session: &str, offer: &SdpOffer) -> Result<String, ViewError> {
    desk.cameras.views().watch(camera, session, offer, &desk.view)
}

#[cfg(not(feature = "media"))]
fn watch(_: &Desk, camera: &CameraId, _: &str, _: &SdpOffer) -> Result<String, ViewError> {
    Err(MediaError::NotBuilt { input: format!("whep/{camera}") }.into())
}

/// The camera, if this caller may watch it. Others are told the same whether it is there or not.
fn seen_camera(desk: &Desk, caller: &Caller, id: &str) -> Result<CameraId, Refusal> {
    let camera = CameraId::new(id).map_err(|cause| Refusal::new(StatusCode::NOT_FOUND, cause))?;
    if !caller.may_with(Role::View, &camera) {
        let who = &caller.name;
        let refusal = Refusal::new(StatusCode::FORBIDDEN, format!("client `{who}` may not watch `{camera}`"));
        return Err(refusal.try_this("add the camera to its `cameras` in `[[server.client]]`"));
    }
    if desk.cameras.ids().contains(&camera) {
        return Ok(camera);
    }
    let refusal = Refusal::new(StatusCode::NOT_FOUND, format!("there is no camera `{camera}`"));
    Err(refusal.try_this("`/api/v1/cameras` lists those there are"))
}

fn refusal(cause: &ViewError) -> Refusal {
    let status = match cause {
        ViewError::Off => StatusCode::FORBIDDEN,
        ViewError::Full(_) | ViewError::NoPicture(_) => StatusCode::SERVICE_UNAVAILABLE,
        ViewError::NoVp8 | ViewError::Media(MediaError::Disagreed { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
        ViewError::Media(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::new(status, cause)
}
