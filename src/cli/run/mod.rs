//! `flyball run FILE`: runs a deployment and shows it.
//!
//! `session` watches the run, `web` answers over HTTP, `signals` hears what it is told, `renewal` reads the deployment anew, `gauge`
//! reads its instruments, `startup` says what the way to the first frame took, `view` draws, `terminal` owns the screen, `narrate`
//! finds the words for an event, `failures` tells who wants to know why it failed.

mod failures;
mod gauge;
mod narrate;
mod renewal;
mod session;
mod signals;
mod startup;
pub(super) mod terminal;
mod view;
mod web;

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use crossbeam_channel::{Receiver, Sender, bounded};

use self::{
    failures::Failures,
    renewal::Renewal,
    session::{Bounds, Display, Session, now},
    startup::Startup,
    terminal::Screen,
    view::Dashboard,
    web::WebError,
};
use super::{Exit, complain};
use crate::{
    config::{Deployment, Environment, any_error},
    events::{CallSink, EventSink, LineSink, Recorded},
    telemetry::{LogFormat, log_to_stderr, log_to_view},
    topology::{AssembleError, Ended, Graph, Opened, Steering, assemble_recorded, open},
};

/// Events that can wait to be shown; more are published all the same, but not shown.
const SHOWN: usize = 1024;

const EXAMPLES: &str = "Examples:
  flyball run config/demo.toml                     live view, q ends it
  flyball run config/demo.toml --plain --for 20s   plain lines, ends after 20 seconds
  flyball run config/demo.toml --events - | jq .   one JSON event a line on standard output
  flyball run config/governed.toml --decisions decisions.jsonl

FILE is watched while it runs: cameras added to it, taken out of it or written differently come, go or are replaced at once,
and [governor] memory_budget and latency_p95 are renewed. `kill -HUP PID` asks for that too; other keys need a new start.

";

/// Run a deployment: cameras in, events out
#[derive(Args, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch on the command line")]
#[command(after_help = format!("{EXAMPLES}{}", super::exit::HELP))]
pub(super) struct RunArgs {
    /// The deployment file, such as config/demo.toml
    file: PathBuf,
    /// Plain lines instead of the live view (the default when standard output is no terminal)
    #[arg(long)]
    plain: bool,
    /// Write one JSON event a line to this file, or to standard output with `-`
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Run at full quality whatever comes, as if the deployment said `[governor] enabled = false`
    #[arg(long, conflicts_with = "decisions")]
    no_governor: bool,
    /// Write what the governor saw and decided to this file; `flyball simulate --replay FILE` decides it again
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// End after this long, such as `20s` or `2min`
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    run_for: Option<Duration>,
    /// End when every camera has ended (files that do not repeat). This is what happens anyway; said for clarity in scripts
    #[arg(long)]
    until_end: bool,
    /// What to log: levels by target, such as `info` or `warn,flyball=debug`
    #[arg(long, default_value = "", value_name = "FILTER")]
    log: String,
    /// Log as JSON objects
    #[arg(long)]
    log_json: bool,
    /// Start even where `flyball doctor` says that it cannot run
    #[arg(long)]
    no_doctor: bool,
}

/// Runs until the end; says how it ended.
pub(super) fn run(args: &RunArgs) -> Exit {
    match try_run(args) {
        Ok(exit) => exit,
        Err(cause) => {
            complain(&cause);
            match cause {
                RunError::Assemble(cause) => cause.into(),
                RunError::Filter(_) | RunError::OutputFile(..) => Exit::BadInput,
                RunError::Web(cause) => cause.exit(),
                RunError::Io(_) => Exit::Failed,
            }
        }
    }
}

/// Why a run could not begin or be shown.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error(transparent)]
    Filter(#[from] crate::telemetry::FilterError),
    #[error(transparent)]
    Web(#[from] WebError),
    #[error("cannot write to {0}: {1}; choose a file in a folder that exists and may be written")]
    OutputFile(String, io::Error),
    #[error("standard output or the terminal cannot be used: {0}; try --plain")]
    Io(#[from] io::Error),
}

fn try_run(args: &RunArgs) -> Result<Exit, RunError> {
    let mut startup = Startup::begin(now());
    let opened = open(&args.file, &Environment::of_process());
    let Opened { deployment: Some(deployment), graph: Some(graph), title, problems } = opened else {
        return Ok(tell_problems(args));
    };
    let log = set_up_log(args)?;
    for problem in &problems {
        tracing::warn!("{problem}");
    }
    startup.step("files", now());
    let failures = Failures::watch(&deployment);
    let title = format!("{} · {title}", deployment.name);
    let ran = run_opened(args, (deployment, &graph), title, (log, startup), &failures);
    if let Err(cause) = &ran {
        failures.tell(&cause.to_string());
    }
    ran
}

fn run_opened(
    args: &RunArgs,
    (mut deployment, graph): (Deployment, &Graph),
    title: String,
    (log, mut startup): (Option<Receiver<String>>, Startup),
    failures: &Failures,
) -> Result<Exit, RunError> {
    let refused = if args.no_doctor { None } else { super::doctor::refuse(&deployment, graph) };
    if let Some(exit) = refused {
        return Ok(exit);
    }
    startup.step("doctor", now());
    deployment.governor.enabled &= !args.no_governor;
    let (to_show, shown) = bounded(SHOWN);
    let mut taps = taps(args, to_show)?;
    let opening = web::open(&deployment, &mut taps)?;
    let assembly = assemble_recorded(&deployment, graph, taps, record(args)?)?;
    startup.step("models and graph", now());
    let helm = assembly.steering.as_ref().map(Steering::helm);
    let renewal = Renewal::new(&args.file, helm, assembly.running.cameras(), &deployment.cameras);
    let session = Session {
        title,
        display: display(args, log)?,
        bounds: Bounds { run_for: args.run_for },
        drain: deployment.flow.drain,
        signals: signals::listen(renewal.start()?)?,
        shown,
        startup,
        web: opening.map(|opening| opening.begin(&deployment, &assembly)).transpose()?,
        assembly,
    };
    let (ended, last) = session.run()?;
    if let Some(why) = &ended.outcome.failure {
        failures.tell(why);
    }
    Ok(report(args, &ended, &last))
}

/// Everything wrong with the file, as `flyball check` prints it.
fn tell_problems(args: &RunArgs) -> Exit {
    let opened = open(&args.file, &Environment::of_process());
    debug_assert!(any_error(&opened.problems), "a file that cannot run has a problem");
    opened.problems.iter().for_each(|problem| complain(&format!("{problem}\n")));
    Exit::BadInput
}

/// With a full screen, log lines go into the view.
fn set_up_log(args: &RunArgs) -> Result<Option<Receiver<String>>, RunError> {
    if wants_screen(args) {
        return Ok(Some(log_to_view(&args.log)?));
    }
    log_to_stderr(&args.log, if args.log_json { LogFormat::Json } else { LogFormat::Human })?;
    Ok(None)
}

fn wants_screen(args: &RunArgs) -> bool {
    let busy = args.events.as_ref().is_some_and(|file| file.as_os_str() == "-");
    !args.plain && !busy && io::stdout().is_terminal() && io::stdin().is_terminal()
}

fn display(args: &RunArgs, log: Option<Receiver<String>>) -> io::Result<Display> {
    Ok(match log {
        Some(log) => Display::Screen(Screen::take()?, log),
        None if args.events.as_ref().is_some_and(|file| file.as_os_str() == "-") => Display::Quiet,
        None => Display::Plain,
    })
}

/// Where this process itself wants every event: its own view, and the file or pipe asked for.
fn taps(args: &RunArgs, to_show: Sender<Recorded>) -> Result<Vec<Box<dyn EventSink>>, RunError> {
    let mut taps: Vec<Box<dyn EventSink>> = vec![Box::new(CallSink(move |recorded: &Recorded| {
        let _not_shown_when_full = to_show.try_send(recorded.clone());
    }))];
    match &args.events {
        Some(file) if file.as_os_str() == "-" => taps.push(Box::new(LineSink::new(io::stdout()))),
        Some(file) => taps.push(Box::new(LineSink::new(create(file)?))),
        None => {}
    }
    Ok(taps)
}

/// Where the governor's readings and plans go, if they are asked for.
fn record(args: &RunArgs) -> Result<Option<File>, RunError> {
    args.decisions.as_deref().map(create).transpose()
}

fn create(file: &Path) -> Result<File, RunError> {
    File::create(file).map_err(|cause| RunError::OutputFile(file.display().to_string(), cause))
}

fn report(args: &RunArgs, ended: &Ended, last: &Dashboard) -> Exit {
    let out: &mut dyn Write = if args.events.is_some() { &mut io::stderr() } else { &mut io::stdout() };
    // When nobody reads the summary, the exit code still says how it went.
    let _unread = writeln!(out, "{}", view::summary(last, ended));
    match &ended.outcome.failure {
        Some(why) => {
            complain(why);
            if ended.outcome.no_picture { Exit::BadInput } else { Exit::Failed }
        }
        None => Exit::Done,
    }
}
