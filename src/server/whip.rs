//! WHIP (RFC 9725): a browser or an encoder posts an offer and sends pictures to the camera it named.

use axum::{
    extract::{Extension, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{Desk, problem::Refusal, tokens::Caller};
use crate::config::Role;
use crate::media::{MediaError, Refused, SdpOffer};
use crate::scene::CameraId;

const SDP: &str = "application/sdp";

/// `POST /whip/{camera}`.
pub(super) async fn open(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path(camera): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    let camera = own_camera(&caller, &camera)?;
    is_sdp(&headers)?;
    let offer = SdpOffer::parse(&body).map_err(|cause| Refusal::new(StatusCode::BAD_REQUEST, cause))?;
    // Its 74 random bits cannot be guessed, so nobody else can end the session.
    let session = Uuid::now_v7().to_string();
    let place = format!("/whip/{camera}/{session}");
    let doors = desk.cameras.doors().clone();
    let called = tokio::task::spawn_blocking(move || doors.call(&camera, &session, offer)).await;
    let answer = called.map_err(|_| broken())?.map_err(|cause| refusal(&cause))?;
    tracing::info!(client = caller.name, place, "a sender was let in");
    Ok(answered(place, answer))
}

/// Whether the body says that it is a session description.
pub(super) fn is_sdp(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().map(str::trim) == Some(SDP) {
        return Ok(());
    }
    let refusal = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is no SDP");
    Err(refusal.try_this("send the offer with `Content-Type: application/sdp`"))
}

/// The answer, and where its session ends.
pub(super) fn answered(place: String, answer: String) -> Response {
    let headers = [(header::CONTENT_TYPE, SDP.to_owned()), (header::LOCATION, place)];
    (StatusCode::CREATED, headers, answer).into_response()
}

/// `DELETE /whip/{camera}/{session}`.
pub(super) async fn close(
    State(desk): State<Desk>,
    Extension(caller): Extension<Caller>,
    Path((camera, session)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    let camera = own_camera(&caller, &camera)?;
    let doors = desk.cameras.doors().clone();
    let closed = tokio::task::spawn_blocking(move || doors.goodbye(&camera, &session)).await;
    if closed.map_err(|_| broken())?.map_err(|cause| refusal(&cause))? {
        return Ok(StatusCode::OK);
    }
    Err(Refusal::new(StatusCode::NOT_FOUND, "there is no such session; it may have ended"))
}

/// The camera, if this caller may send for it. Others are told the same whether it is there or not.
fn own_camera(caller: &Caller, id: &str) -> Result<CameraId, Refusal> {
    let camera = CameraId::new(id).map_err(|cause| Refusal::new(StatusCode::NOT_FOUND, cause))?;
    if caller.may_with(Role::Publish, &camera) {
        return Ok(camera);
    }
    let refusal = Refusal::new(StatusCode::FORBIDDEN, format!("client `{}` may not send for `{camera}`", caller.name));
    Err(refusal.try_this("add the camera to its `cameras` in `[[server.client]]`"))
}

fn refusal(cause: &Refused) -> Refusal {
    let status = match cause {
        Refused::NoDoor(_) => StatusCode::NOT_FOUND,
        Refused::Busy(_) => StatusCode::CONFLICT,
        Refused::Media(MediaError::Disagreed { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
        Refused::Media(_) | Refused::Silent(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refusal::new(status, cause)
}

pub(super) fn broken() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be served")
}
