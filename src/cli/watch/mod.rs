//! `flyball watch`: prints the events of a running Flyball as they come, and says aloud when some are missing. `words` finds
//! the words, `since` reads where to begin.

mod since;
mod words;

use std::io::Write;
#[cfg(feature = "zenoh")]
use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};

use clap::{Args, ValueEnum};

pub use since::Since;
pub use words::{kinds, line};

use super::{Exit, Reach, complain};
use crate::events::BusError;
use crate::events::wire::{Data, Event};
#[cfg(feature = "zenoh")]
use crate::telemetry::{LogFormat, log_to_stderr};

const EXAMPLES: &str = "Examples:
  flyball watch                                       everything on this machine, until Ctrl-C
  flyball watch --camera gate --kind opened --json    who came to the gate, as JSON lines
  flyball watch --since 0 --count 10                  the first ten events the journal still has
  flyball watch --since 10min --output table          the last ten minutes and what comes, in columns
  flyball watch --connect tls/hq:7447 --ca ca.pem --user desk --password-file desk.pw --site hq --camera gate
  flyball watch --person ada --kind visit             one person, on every camera

Events that are missing for good are always told, whatever the filters: as a GAP line, with --json on standard error.

";

/// Print the events of a running Flyball as they come.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub struct WatchArgs {
    /// Where, and as whom
    #[command(flatten)]
    pub reach: Reach,
    /// Only this site
    #[arg(long)]
    pub site: Option<String>,
    /// Only this camera
    #[arg(long)]
    pub camera: Option<String>,
    /// Only visits of this person (the id in the gallery)
    #[arg(long)]
    pub person: Option<String>,
    /// Only events whose type contains this text: `opened`, `visit`, `camera.state`
    #[arg(long, value_name = "TEXT")]
    pub kind: Option<String>,
    /// Begin in the past, as far as the journal reaches: after this sequence number on every camera (0 for everything), this long
    /// ago (`10min`), or at this time (`2026-11-25T18:00:00Z`)
    #[arg(long, value_name = "NUMBER|TIME")]
    pub since: Option<Since>,
    /// How to print events
    #[arg(long, value_enum, default_value_t = Output::Human)]
    pub output: Output,
    /// One JSON event a line, as it came: the same as `--output json`
    #[arg(long, conflicts_with = "output")]
    pub json: bool,
    /// Stop after this many events
    #[arg(long, value_name = "EVENTS")]
    pub count: Option<u64>,
}

/// How to print events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One line for people.
    #[default]
    Human,
    /// One JSON event a line, as it came.
    Json,
    /// Columns.
    Table,
}

impl WatchArgs {
    fn output(&self) -> Output {
        if self.json { Output::Json } else { self.output }
    }

    /// Whether an event passes the filters. A gap passes all but the camera's: what is missing may have been wanted.
    pub fn wants(&self, event: &Event) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|w| found == Some(w));
        let person = event.visit().and_then(|v| v.identity.person.as_deref());
        let is_gap = matches!(event.data, Data::Gap(_)) && self.output() != Output::Json;
        is(&self.camera, Some(&event.partitionkey))
            && (is_gap || is(&self.person, person))
            && (is_gap || self.kind.as_deref().is_none_or(|text| event.kind.as_str().contains(text)))
    }
}

/// Watches until it is stopped, `--count` is reached, or nobody reads the output any more.
#[cfg(feature = "zenoh")]
pub fn run(args: &WatchArgs, out: &mut dyn Write) -> Exit {
    // What is missing or unreadable is told on standard error.
    let _usual_filter = log_to_stderr("warn,zenoh=off", LogFormat::Human);
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
    use crate::events::zenoh::{Delivery, Filter};
    use std::time::Duration;

    end_on_signal();
    let place = &args.reach.connect;
    let waiting = format!("waiting for events from {place}, as soon as a Flyball answers there; Ctrl-C ends");
    let bus = args.reach.open(&waiting)?;
    let filter = Filter { site: args.site.clone(), camera: args.camera.clone() };
    let begin = args.since.map(|since| since.begin(now())).unwrap_or_default();
    let mut subscription = bus.subscribe(&filter, begin.number)?;
    let mut printed = 0;
    if args.output() == Output::Table && writeln!(out, "{}", words::table_head()).is_err() {
        return Ok(()); // the reader of our output is gone
    }
    while args.count.is_none_or(|count| printed < count) {
        let Some(delivery) = subscription.next_within(Duration::from_hours(1)) else {
            continue;
        };
        if matches!(&delivery, Delivery::Event(event, _) if begin.is_before(event)) {
            continue;
        }
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
        Delivery::Event(event, _) if !args.wants(event) => {
            tell_of_gap(args, event);
            return Ok(false);
        }
        Delivery::Event(event, text) => match args.output() {
            Output::Json => writeln!(out, "{text}")?,
            Output::Human => writeln!(out, "{}", line(event))?,
            Output::Table => writeln!(out, "{}", words::table_row(event))?,
        },
        Delivery::Lost { source, first, last } => {
            match args.output() {
                Output::Json => {
                    complain(&format!("events {first} to {last} of {source} are missing and nobody has them any more"));
                }
                Output::Human => writeln!(out, "{}", words::lost_line(source, *first, *last))?,
                Output::Table => writeln!(out, "{}", words::table_lost(source, *first, *last))?,
            }
            out.flush()?;
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

/// Among JSON lines only those asked for; a gap is told beside them.
#[cfg(feature = "zenoh")]
fn tell_of_gap(args: &WatchArgs, event: &Event) {
    let is_ours = args.camera.as_deref().is_none_or(|camera| camera == event.partitionkey);
    if is_ours && matches!(event.data, Data::Gap(_)) {
        complain(&line(event));
    }
}

#[cfg(feature = "zenoh")]
#[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
pub(super) fn now() -> crate::events::wire::UtcMicros {
    std::time::SystemTime::now().into()
}
