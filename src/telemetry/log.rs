//! Log lines: readable or JSON on standard error, or, while a full-screen view owns the terminal, into its tail.

use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
};

use crossbeam_channel::{Receiver, Sender, bounded};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

/// Log lines that can wait for the view; when it is slower than that, lines are lost rather than work.
const WAITING_LINES: usize = 256;

/// What is logged unless asked otherwise: our own news, and only trouble from the libraries underneath.
const USUAL: &str = "warn,flyball=info,zenoh=error,ort=error";

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line a message, on standard error.
    Human,
    /// One JSON object a message, on standard error.
    Json,
}

/// The filter is not understood.
#[derive(Debug, thiserror::Error)]
#[error("log filter `{filter}` is not understood: {cause}; write levels like `info` or `warn,flyball=debug`")]
pub struct FilterError {
    filter: String,
    cause: String,
}

/// What never goes into a log, whatever the filter says: at DEBUG Zenoh writes down its whole configuration, passwords too.
const TELLS_SECRETS: &str = "zenoh::api::session=warn";

/// Sends log lines to standard error. `filter` is a comma-separated list of `target=level`; empty means the usual.
pub fn log_to_stderr(filter: &str, format: LogFormat) -> Result<(), FilterError> {
    let builder = tracing_subscriber::fmt().with_env_filter(parsed(filter)?).with_writer(io::stderr);
    // At a terminal the builder's own choice stands, which heeds NO_COLOR.
    let builder = if io::stderr().is_terminal() { builder } else { builder.with_ansi(false) };
    // A second set-up in one process (tests) keeps the first: the error says just that.
    let _already = match format {
        LogFormat::Human => builder.with_target(false).finish().try_init(),
        LogFormat::Json => builder.json().finish().try_init(),
    };
    Ok(())
}

/// Sends log lines into a queue that a full-screen view reads.
pub fn log_to_view(filter: &str) -> Result<Receiver<String>, FilterError> {
    let (sender, lines) = bounded(WAITING_LINES);
    let builder = tracing_subscriber::fmt().with_env_filter(parsed(filter)?).with_ansi(false).without_time();
    let _already = builder.with_target(false).with_writer(IntoQueue(Arc::new(sender))).finish().try_init();
    Ok(lines)
}

fn parsed(filter: &str) -> Result<EnvFilter, FilterError> {
    let text = if filter.is_empty() { USUAL } else { filter };
    EnvFilter::try_new(format!("{text},{TELLS_SECRETS}"))
        .map_err(|cause| FilterError { filter: filter.to_owned(), cause: cause.to_string() })
}

#[derive(Clone)]
struct IntoQueue(Arc<Sender<String>>);

impl Write for IntoQueue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).trim_end().to_owned();
        let _lost_when_full = self.0.try_send(line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for IntoQueue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
