//! How a thread of the graph ended.

use super::StageError;

/// One enum says how a thread ended; `topology::supervise` decides what follows from each.
#[derive(Debug)]
pub enum Exit {
    /// Its input ended and everything was handed on.
    Finished,
    /// It was told to stop, and did.
    Stopped,
    /// Nobody reads its output any more.
    DownstreamGone,
    /// It gave up, and says why.
    Failed(StageError),
    /// It panicked; the text is the panic's message.
    Panicked(String),
}
