//! `flyball watch`: prints the events of a running Flyball as they come, and says aloud when some are missing.

use std::io::Write;
#[cfg(feature = "zenoh")]
use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};

use clap::Args;

use super::{Exit, complain};
use crate::events::BusError;
use crate::events::wire::{
    CheckState, CloseReason, Data, Event, Gap, Identity, IdentityDecision, Kind, Liveness, Moderation, Visit,
    VisitState,
};
#[cfg(feature = "zenoh")]
use crate::telemetry::{LogFormat, log_to_stderr};

const EXAMPLES: &str = "Examples:
  flyball watch                                       everything on this machine, until Ctrl-C
  flyball watch --camera gate --kind opened --json    who came to the gate, as JSON lines
  flyball watch --since 0 --count 10                  the first ten events the journal still has

";

/// Print the events of a running Flyball as they come.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub struct WatchArgs {
    /// Where to connect
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp/127.0.0.1:7447")]
    pub connect: String,
    /// Only this camera
    #[arg(long)]
    pub camera: Option<String>,
    /// Only visits of this person (the id in the gallery)
    #[arg(long)]
    pub person: Option<String>,
    /// Only events whose type contains this text: `opened`, `visit`, `camera.state`
    #[arg(long, value_name = "TEXT")]
    pub kind: Option<String>,
    /// Begin after this sequence number on every camera; 0 for everything the journal still has
    #[arg(long, value_name = "NUMBER")]
    pub since: Option<u64>,
    /// One JSON event a line, as it came
    #[arg(long)]
    pub json: bool,
    /// Stop after this many events
    #[arg(long, value_name = "EVENTS")]
    pub count: Option<u64>,
}

impl WatchArgs {
    /// Whether an event passes the filters.
    pub fn wants(&self, event: &Event) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|w| found == Some(w));
        let person = event.visit().and_then(|v| v.identity.person.as_deref());
        is(&self.camera, Some(&event.partitionkey))
            && is(&self.person, person)
            && self.kind.as_deref().is_none_or(|text| event.kind.as_str().contains(text))
    }
}

/// Watches until it is stopped, `--count` is reached, or nobody reads the output any more.
#[cfg(feature = "zenoh")]
pub fn run(args: &WatchArgs, out: &mut dyn Write) -> Exit {
    // What is missing or unreadable is told on standard error.
    let _usual_filter = log_to_stderr("warn,zenoh=error", LogFormat::Human);
    match watch(args, out) {
        Ok(()) => Exit::Done,
        Err(cause @ (BusError::Zenoh(_) | BusError::Thread(..))) => failed(&cause, Exit::Failed),
        Err(cause) => failed(&cause, Exit::BadInput),
    }
}

#[cfg(feature = "zenoh")]
fn failed(cause: &BusError, exit: Exit) -> Exit {
    complain(cause);
    exit
}

/// Without Zenoh there is nothing to watch.
#[cfg(not(feature = "zenoh"))]
pub fn run(_: &WatchArgs, _: &mut dyn Write) -> Exit {
    complain(&BusError::NotBuilt);
    Exit::Missing
}

#[cfg(feature = "zenoh")]
fn watch(args: &WatchArgs, out: &mut dyn Write) -> Result<(), BusError> {
    use crate::events::{
        BusConfig,
        zenoh::{Filter, ZenohBus},
    };
    use std::time::Duration;

    end_on_signal();
    complain(&format!("waiting for events from {}, as soon as a Flyball answers there; Ctrl-C ends", args.connect));
    let bus = ZenohBus::open(&BusConfig::connecting_to(&args.connect))?;
    let filter = Filter { site: None, camera: args.camera.clone() };
    let mut subscription = bus.subscribe(&filter, args.since)?;
    let mut printed = 0;
    while args.count.is_none_or(|count| printed < count) {
        let Some(delivery) = subscription.next_within(Duration::from_hours(1)) else {
            continue;
        };
        match print(args, &delivery, out) {
            Ok(true) => printed += 1,
            Ok(false) => {}
            Err(_) => break, // the reader of our output is gone
        }
    }
    Ok(())
}

/// Being asked to end is no failure: the process ends at once, with 0. Nothing is lost by it, for every event printed is out.
#[cfg(feature = "zenoh")]
fn end_on_signal() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    for signal in [SIGINT, SIGTERM] {
        // Where it cannot be registered the signal ends the process all the same.
        let _usual_end = signal_hook::flag::register_conditional_shutdown(signal, 0, Arc::new(AtomicBool::new(true)));
    }
}

/// Prints one delivery; true if it was an event that passed the filters.
#[cfg(feature = "zenoh")]
fn print(args: &WatchArgs, delivery: &crate::events::zenoh::Delivery, out: &mut dyn Write) -> io::Result<bool> {
    use crate::events::zenoh::Delivery;
    match delivery {
        Delivery::Event(event, _) if !args.wants(event) => return Ok(false),
        Delivery::Event(_, text) if args.json => writeln!(out, "{text}")?,
        Delivery::Event(event, _) => writeln!(out, "{}", line(event))?,
        Delivery::Lost { source, first, last } => {
            tracing::warn!(source, first, last, "events are missing and nobody has them any more");
            return Ok(false);
        }
        Delivery::Unreadable { key, cause } => {
            tracing::warn!(key, cause, "this is no event of a version that can be read");
            return Ok(false);
        }
    }
    out.flush()?;
    Ok(true)
}

/// An event in one line for people.
pub fn line(event: &Event) -> String {
    let time = event.time.to_string();
    let clock = time.get(11..23).unwrap_or(&time);
    let what = match &event.data {
        Data::Visit(visit) => visit_words(visit),
        Data::Moderation(verdict) => moderation_words(verdict),
        Data::CameraState(state) => format!("camera   {}", words(&state.condition, state.detail.as_deref())),
        Data::Gap(gap) => gap_words(gap),
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
    format!("{:<8} {short}  {who:<24}  {rest}", kind_word(&v.state))
}

fn moderation_words(verdict: &Moderation) -> String {
    let seen: Vec<_> = verdict.reasons.iter().map(|reason| reason.class.as_str()).collect();
    format!("{:<8} {}: {}, {}", "verdict", verdict.rule, words(&verdict.action, None), seen.join(", "))
}

fn kind_word(state: &VisitState) -> &str {
    match state {
        VisitState::Opened => "opened",
        VisitState::Updated => "updated",
        VisitState::Closed => "closed",
        VisitState::Corrected => "corrected",
        VisitState::Merged => "merged",
        VisitState::Other(word) => word,
    }
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
    format!("GAP      {range} are missing: {}", words(&gap.reason, gap.detail.as_deref()))
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
