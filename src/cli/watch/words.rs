//! The words for an event: one line for people, or the cells of a table.

use crate::events::wire::{
    CheckState, CloseReason, Data, Event, Gap, Identity, IdentityDecision, Kind, Liveness, Moderation, Visit,
    VisitState,
};

/// An event in one line for people.
pub fn line(event: &Event) -> String {
    let time = event.time.to_string();
    let clock = time.get(11..23).unwrap_or(&time);
    let what = match &event.data {
        Data::Visit(visit) => visit_words(visit),
        Data::Moderation(verdict) => moderation_words(verdict),
        Data::CameraState(state) => format!("camera   {}", words(&state.condition, state.detail.as_deref())),
        Data::Gap(gap) => format!("GAP      {}", gap_words(gap)),
        Data::GovernorDecision(decision) => format!("governor {}", decision.reason),
        Data::NodeHealth(health) => format!("node     {}", words(&health.condition, health.detail.as_deref())),
        Data::Other(_) => event.kind.to_string(),
    };
    format!("{clock}  {:<12}  {what}", event.partitionkey)
}

fn visit_words(visit: &Visit) -> String {
    let v = &visit.visit;
    let id = v.id.simple().to_string();
    let (short, who) = (id.get(24..).unwrap_or(&id), identity_words(&visit.identity));
    let rest = match (&v.state, v.ended) {
        (VisitState::Closed, Some(ended)) => {
            let seconds = (ended.micros() - v.started.micros()) as f64 / 1e6;
            format!("after {seconds:.1} s, {}", reason_words(v.reason.as_ref()))
        }
        _ => liveness_words(&visit.liveness),
    };
    format!("{:<8} {short}  {who:<24}  {rest}", v.state.word())
}

fn moderation_words(verdict: &Moderation) -> String {
    let seen: Vec<_> = verdict.reasons.iter().map(|reason| reason.class.as_str()).collect();
    format!("{:<8} {}: {}, {}", "verdict", verdict.rule, words(&verdict.action, None), seen.join(", "))
}

fn identity_words(identity: &Identity) -> String {
    let score = identity.score.as_ref().map(|s| format!(" {:.2}", s.value)).unwrap_or_default();
    match (&identity.decision, &identity.person) {
        (IdentityDecision::Known, Some(person)) => format!("{person}{score}"),
        (IdentityDecision::NotChecked, _) => "not asked".into(),
        (decision, _) => format!("{}{score}", words(decision, None)),
    }
}

fn liveness_words(liveness: &Liveness) -> String {
    match liveness.state {
        CheckState::Pass => "alive".into(),
        CheckState::Fail => "NOT ALIVE".into(),
        CheckState::NotChecked => "liveness not asked".into(),
        CheckState::Inconclusive => "liveness unsure".into(),
        CheckState::Other(ref word) => word.clone(),
    }
}

fn reason_words(reason: Option<&CloseReason>) -> String {
    reason.map(|r| words(r, None)).unwrap_or_default()
}

fn gap_words(gap: &Gap) -> String {
    let range = match (gap.first, gap.last, gap.lost) {
        (Some(first), Some(last), _) => format!("events {first} to {last}"),
        (_, _, Some(lost)) => format!("{lost} events"),
        _ => "events".into(),
    };
    format!("{range} are missing: {}", words(&gap.reason, gap.detail.as_deref()))
}

/// A word of the contract as it is written in events, and what else is said.
fn words(word: &impl serde::Serialize, detail: Option<&str>) -> String {
    let word = serde_json::to_value(word).ok().and_then(|v| v.as_str().map(|s| s.replace('_', " ")));
    let word = word.unwrap_or_default();
    detail.map_or(word.clone(), |detail| format!("{word}: {detail}"))
}

/// Every kind, for help and completion.
pub fn kinds() -> Vec<&'static str> {
    Kind::ALL.iter().map(Kind::as_str).collect()
}

/// Says that numbers are missing for good, in one line for people.
pub(super) fn lost_line(source: &str, first: u64, last: u64) -> String {
    let camera = source.rsplit('/').next().unwrap_or(source);
    format!("{:<12}  {camera:<12}  GAP      events {first} to {last} are missing: nobody has them any more", "")
}

/// The head of the table; one row of cells follows for each event.
pub(super) fn table_head() -> String {
    row(["time", "camera", "number", "what", "who", "score", "liveness", "detail"])
}

/// One row of the table.
pub(super) fn table_row(event: &Event) -> String {
    let time = event.time.to_string();
    let (clock, number) = (time.get(11..23).unwrap_or(&time).to_owned(), event.sequence.0.to_string());
    let [what, who, score, liveness, detail] = cells(event);
    row([&clock, &event.partitionkey, &number, &what, &who, &score, &liveness, &detail])
}

/// A row that says that numbers are missing for good.
pub(super) fn table_lost(source: &str, first: u64, last: u64) -> String {
    let camera = source.rsplit('/').next().unwrap_or(source);
    row(["", camera, &format!("{first}-{last}"), "GAP", "", "", "", "lost: nobody has them any more"])
}

/// What, who, score, liveness and detail.
fn cells(event: &Event) -> [String; 5] {
    let other = |what: &str, detail: String| [what.to_owned(), String::new(), String::new(), String::new(), detail];
    match &event.data {
        Data::Visit(visit) => visit_cells(visit),
        Data::Moderation(verdict) => other("verdict", moderation_words(verdict)),
        Data::CameraState(state) => other("camera", words(&state.condition, state.detail.as_deref())),
        Data::Gap(gap) => other("GAP", gap_words(gap)),
        Data::GovernorDecision(decision) => other("governor", decision.reason.clone()),
        Data::NodeHealth(health) => other("node", words(&health.condition, health.detail.as_deref())),
        Data::Other(_) => other(event.kind.as_str(), String::new()),
    }
}

fn visit_cells(visit: &Visit) -> [String; 5] {
    let who = visit.identity.person.clone().unwrap_or_else(|| words(&visit.identity.decision, None));
    let score = visit.identity.score.as_ref().map(|score| format!("{:.2}", score.value)).unwrap_or_default();
    let state = &visit.visit.state;
    let detail = if *state == VisitState::Closed { reason_words(visit.visit.reason.as_ref()) } else { String::new() };
    [state.word().to_owned(), who, score, words(&visit.liveness.state, None), detail]
}

/// Columns of one width, as far as the texts allow: rows are printed as they come.
fn row([time, camera, number, what, who, score, liveness, detail]: [&str; 8]) -> String {
    let row =
        format!("{time:<12}  {camera:<14} {number:>8}  {what:<9}  {who:<18} {score:>5}  {liveness:<12}  {detail}");
    row.trim_end().to_owned()
}
