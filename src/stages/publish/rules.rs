//! The rules of visits, resolved: what `Config` says, as durations.

use std::time::Duration;

/// When visits open, change and close.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules {
    /// A confirmed track opens a visit after this long even without an answer about its identity.
    pub(crate) open_after: Duration,
    /// How long a newcomer is given to turn out to be somebody who just went out of sight.
    pub(crate) rejoin_wait: Duration,
    /// Unseen for this long means gone.
    pub(crate) close_after: Duration,
    /// A camera silent for this long has lost its visits.
    pub(crate) silent_after: Duration,
    /// Least time between two events of a visit, opening and closing aside.
    pub(crate) update_every: Duration,
    /// Least score at which two embeddings are one person; without it the recogniser's own threshold.
    pub(crate) same_person: Option<f32>,
}
