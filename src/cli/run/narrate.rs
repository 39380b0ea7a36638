//! Tells people what an event says: a line for the tail, and who stands in front of which camera on the board.

use crate::events::wire::{Data, Event, IdentityDecision, Visit, VisitState};
use crate::gallery::Gallery;
use crate::scene::{CameraId, PersonId};
use crate::topology::{Board, Presence, TailLine};

/// Puts an event on the board; the line that says it, if it is worth one.
pub(super) fn narrate(event: &Event, gallery: Option<&Gallery>, board: &Board) -> Option<TailLine> {
    let Data::Visit(visit) = &event.data else { return None };
    let camera = CameraId::new(&visit.stream.id).ok()?;
    let who = who(visit, gallery);
    let id = visit.visit.id.to_string();
    if visit.visit.state == VisitState::Closed {
        board.gone(&camera, &id);
    } else {
        let presence = Presence { visit: id, who: who.clone(), liveness: word(&visit.liveness.state) };
        board.present(&camera, presence, visit.visit.state == VisitState::Opened);
    }
    Some(TailLine { at: clock(event), text: line(visit, &who) })
}

/// The display name of a known person, or the decision's word.
fn who(visit: &Visit, gallery: Option<&Gallery>) -> String {
    let identity = &visit.identity;
    match (&identity.decision, &identity.person) {
        (IdentityDecision::Known, Some(id)) => {
            let person = PersonId::new(id).ok();
            person.and_then(|person| gallery?.name(&person)).unwrap_or_else(|| id.clone())
        }
        (decision, _) => word(decision),
    }
}

/// `gate  opened   Ada   similarity 0.71 (needs 0.50)   liveness pass 0.98`.
fn line(visit: &Visit, who: &str) -> String {
    let score = visit.identity.score.as_ref();
    let score = score.map_or_else(String::new, |s| format!("similarity {:.2} (needs {:.2})", s.value, s.threshold));
    let liveness = visit.liveness.score.as_ref().map_or_else(String::new, |s| format!(" {:.2}", s.value));
    format!(
        "{:<12} {:<8} {who:<14} {score:<30} liveness {}{liveness}",
        visit.stream.id,
        word(&visit.visit.state),
        word(&visit.liveness.state),
    )
}

/// The word an event uses.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The time of day of an event, to the millisecond.
fn clock(event: &Event) -> String {
    let text = event.time.to_string();
    text.get(11..23).unwrap_or(&text).to_owned()
}
