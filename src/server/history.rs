//! Events of the past, from the journal: what a reader of server-sent events missed.

use axum::{
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{Desk, problem::Refusal};
use crate::events::keys::Origin;

/// Events in one answer, unless fewer are asked for.
const PAGE: usize = 1_000;
/// One JSON text a line.
const LINES: &str = "application/x-ndjson";

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Whose events: an event's `source`.
    source: String,
    /// Those with higher numbers.
    #[serde(default)]
    since: u64,
    /// Most events, 1 to 1000.
    limit: Option<usize>,
}

/// `GET /api/v1/history?source=/flyball/<site>/<camera>&since=41`: one event a line, oldest first. Ask again from the last
/// number until nothing comes. Numbers that are gone for good are not there: the next line has a later one.
pub(super) async fn history(State(desk): State<Desk>, Query(asked): Query<Asked>) -> Response {
    let Some(journal) = desk.history else {
        let refusal = Refusal::new(StatusCode::NOT_FOUND, "this deployment keeps no events");
        return refusal.try_this("add `[events.journal]` to it").into_response();
    };
    if let Err(cause) = Origin::from_source(&asked.source) {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, cause);
        return refusal.try_this("ask with an event's `source`, such as /flyball/hq/gate").into_response();
    }
    let limit = asked.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let read = tokio::task::spawn_blocking(move || journal.since(&asked.source, asked.since, limit)).await;
    match read {
        Ok(Ok(page)) => ([(header::CONTENT_TYPE, LINES)], lines(&page.events)).into_response(),
        Ok(Err(cause)) => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, cause).into_response(),
        Err(cause) => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, cause).into_response(),
    }
}

fn lines(events: &[String]) -> String {
    events.iter().flat_map(|event| [event.as_str(), "\n"]).collect()
}
