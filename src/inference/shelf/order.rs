//! What the shelf is told, and what it answers.

use crossbeam_channel::Sender;
use serde::Serialize;

use crate::inference::InferenceError;

/// What can be asked of the shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Load a variant beside what is there.
    Load,
    /// Let new batches use it.
    Switch,
    /// Drop a variant that is not current, and return its memory.
    Retire,
    /// The same even if it is current: batches wait until another is switched to.
    Withdraw,
    /// Give back what the current sessions need for larger batches, or make them ready for larger ones.
    Fit,
}

/// What became of an order. Names are the model's and its variant's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ShelfEvent {
    /// Loaded, checked and run once; can be switched to.
    Ready {
        /// Model.
        model: String,
        /// Variant.
        variant: String,
        /// By how much the process grew, bytes: what this rung costs, roughly.
        grew: u64,
    },
    /// New batches use it.
    Switched {
        /// Model.
        model: String,
        /// Variant.
        variant: String,
    },
    /// Its last session is gone.
    Retired {
        /// Model.
        model: String,
        /// Variant.
        variant: String,
    },
    /// An allocation failed while a batch of this many ran; whoever ran it splits it and runs it again.
    OutOfMemory {
        /// Model.
        model: String,
        /// Variant.
        variant: String,
        /// Items.
        batch: usize,
    },
    /// Its free sessions are fitted to the batch that was asked for; those that are out follow as their batches end.
    Fitted {
        /// Model.
        model: String,
    },
    /// The order could not be carried out; nothing has changed.
    Failed {
        /// Model.
        model: String,
        /// Variant.
        variant: String,
        /// Which order.
        step: Step,
        /// Why, and what to try.
        error: String,
        /// Whether memory ran out: a smaller rung may fit.
        out_of_memory: bool,
    },
}

/// Why the shelf did not take an order, or could not carry it out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ShelfError {
    /// The model could not be loaded.
    #[error(transparent)]
    Model(#[from] InferenceError),
    /// The order makes no sense now.
    #[error("model {model} variant {variant}: {problem}")]
    Order {
        /// Model.
        model: String,
        /// Variant.
        variant: String,
        /// What to do first.
        problem: &'static str,
    },
    /// The loader is busy with a long load; try again later.
    #[error("the model loader has too many orders waiting; wait for its events")]
    Busy,
    /// The loader thread has ended.
    #[error("the model loader has ended")]
    Gone,
}

/// One order as it travels to the loader.
pub(super) struct Order {
    pub(super) step: Step,
    pub(super) model: String,
    pub(super) variant: String,
    /// Sessions to open, for a load.
    pub(super) sessions: usize,
    /// The largest batch, for a load or a fit.
    pub(super) batch: usize,
    /// Who waits for the answer, if anybody.
    pub(super) answer: Option<Sender<Result<(), ShelfError>>>,
}

/// What the loader receives.
pub(super) enum Command {
    /// Carry this out.
    Order(Order),
    /// A session of a retiring variant came back: drop it.
    Sweep,
    /// End.
    Stop,
}

impl ShelfEvent {
    /// The event for a failed order.
    pub(super) fn failed(order: &Order, error: &ShelfError) -> Self {
        Self::Failed {
            model: order.model.clone(),
            variant: order.variant.clone(),
            step: order.step,
            error: error.to_string(),
            out_of_memory: matches!(error, ShelfError::Model(InferenceError::OutOfMemory { .. })),
        }
    }
}

impl Order {
    pub(super) fn new(
        step: Step,
        model: &str,
        variant: &str,
        (sessions, batch): (usize, usize),
        answer: Option<Sender<Result<(), ShelfError>>>,
    ) -> Self {
        let (model, variant) = (model.to_owned(), variant.to_owned());
        Self { step, model, variant, sessions, batch, answer }
    }

    /// Model and variant.
    pub(super) fn names(&self) -> (String, String) {
        (self.model.clone(), self.variant.clone())
    }

    /// This order makes no sense now.
    pub(super) fn refused(&self, problem: &'static str) -> ShelfError {
        let (model, variant) = self.names();
        ShelfError::Order { model, variant, problem }
    }
}
