//! `flyball record FILE`: writes the events of a running Flyball to a file, with when they came.

use std::{io, path::PathBuf, time::Duration};

use clap::Args;

use super::{Exit, Reach, complain};
use crate::events::BusError;

const EXAMPLES: &str = "Examples:
  flyball record evening.jsonl                        everything from now on, until Ctrl-C
  flyball record gate.jsonl --camera gate --for 10min
  flyball record hq.jsonl --connect tls/hq:7447 --ca ca.pem --user desk --password-file desk.pw --site hq
  flyball record all.jsonl --since 0 --count 500      what the journal still has, and on to 500 events
  flyball replay evening.jsonl --pace 2x              and play it to subscribers again

One JSON object a line; every line is on disk as soon as it came.

";

/// Record events to a file, to replay them without cameras.
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub(super) struct RecordArgs {
    /// The file to write; it must not be there yet
    file: PathBuf,
    #[command(flatten)]
    reach: Reach,
    /// Only this site
    #[arg(long)]
    site: Option<String>,
    /// Only this camera
    #[arg(long)]
    camera: Option<String>,
    /// Begin after this sequence number on every camera; 0 for everything the journal still has
    #[arg(long, value_name = "NUMBER")]
    since: Option<u64>,
    /// Stop after this many events
    #[arg(long, value_name = "EVENTS")]
    count: Option<u64>,
    /// Stop after this long, such as `20s` or `10min`
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    record_for: Option<Duration>,
}

/// Why nothing, or nothing more, was recorded.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("{0} cannot be begun: {1}; name a file that is not there yet, in a folder that may be written")]
    Begin(String, io::Error),
    #[error("{0} cannot be written any more: {1}; what is in it so far can be replayed")]
    Write(String, io::Error),
}

/// Records until it is stopped.
pub(super) fn run(args: &RecordArgs) -> Exit {
    match take_down::record(args) {
        Ok(()) => Exit::Done,
        Err(cause) => {
            complain(&cause);
            match cause {
                RecordError::Bus(cause) => Exit::from(&cause),
                RecordError::Write(..) => Exit::Failed,
                RecordError::Begin(..) => Exit::BadInput,
            }
        }
    }
}

#[cfg(feature = "zenoh")]
mod take_down {
    use std::{
        fs::OpenOptions,
        io,
        sync::atomic::Ordering,
        time::{Duration, Instant},
    };

    use super::{RecordArgs, RecordError};
    use crate::{
        cli::{complain, signals::Signals, watch},
        events::{
            recording::Recorder,
            zenoh::{Delivery, Filter},
        },
        telemetry::{LogFormat, log_to_stderr},
    };

    /// Between two looks at signals and the clock.
    const BEAT: Duration = Duration::from_millis(100);

    pub(super) fn record(args: &RecordArgs) -> Result<(), RecordError> {
        let _usual_filter = log_to_stderr("warn,zenoh=off", LogFormat::Human);
        let begin = |cause| RecordError::Begin(args.file.display().to_string(), cause);
        let write = |cause| RecordError::Write(args.file.display().to_string(), cause);
        if args.file.exists() {
            return Err(begin(io::ErrorKind::AlreadyExists.into()));
        }
        let signals = Signals::watch();
        let (place, file) = (&args.reach.connect, args.file.display());
        let bus = args.reach.open(&format!("recording events from {place} to {file}; Ctrl-C ends"))?;
        let filter = Filter { site: args.site.clone(), camera: args.camera.clone() };
        let mut subscription = bus.subscribe(&filter, args.since)?;
        // Not before somebody is there to be recorded, and never over another: a recording is made to be kept.
        let file = OpenOptions::new().write(true).create_new(true).open(&args.file).map_err(begin)?;
        let mut recorder = Recorder::begin(io::LineWriter::new(file), watch::now()).map_err(begin)?;
        let (asked, start, mut events) = (signals.begin_work(), now(), 0);
        while !asked.load(Ordering::Acquire)
            && args.count.is_none_or(|count| events < count)
            && args.record_for.is_none_or(|limit| start.elapsed() < limit)
        {
            let Some(delivery) = subscription.next_within(BEAT) else { continue };
            let at_us = start.elapsed().as_micros() as u64;
            match &delivery {
                Delivery::Event(_, text) => {
                    recorder.event(at_us, text).map_err(write)?;
                    events += 1;
                }
                Delivery::Lost { source, first, last } => {
                    complain(&format!(
                        "events {first} to {last} of {source} are missing, and nobody has them any more"
                    ));
                    recorder.lost(at_us, source, *first, *last).map_err(write)?;
                }
                Delivery::Unreadable { key, cause } => complain(&format!("left out what came on {key}: {cause}")),
            }
        }
        complain(&format!("recorded {events} events"));
        Ok(())
    }

    #[allow(clippy::disallowed_methods, reason = "the front reads the clock")]
    fn now() -> Instant {
        Instant::now()
    }
}

#[cfg(not(feature = "zenoh"))]
mod take_down {
    use super::{RecordArgs, RecordError};
    use crate::events::BusError;

    pub(super) fn record(_: &RecordArgs) -> Result<(), RecordError> {
        Err(BusError::NotBuilt.into())
    }
}
