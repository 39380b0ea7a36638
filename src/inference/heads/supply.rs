//! Where a head's sessions come from: one of its own, or the shelf, which may have switched variants since the last batch.

use std::{sync::Arc, time::Duration};

use crate::{
    inference::{
        Batch, InferenceError, Lease, Outputs, Seat, Session,
        manifest::{ModelManifest, Variant},
    },
    memory::Size,
    scene::Space,
};

/// How long a worker waits while all sessions of its model are out. Longer than any batch takes; when it passes, sessions
/// have been lost, and the worker should say so rather than hang.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a worker whose variant has no room waits for a lower one before it tries the same once more: two steps of the
/// governor, which hears of every failure and leaves the rung after a few.
const LOWER_WITHIN: Duration = Duration::from_millis(200);

/// The sessions a head works with.
pub struct Supply(Source);

enum Source {
    Own(Box<dyn Session>, Rung),
    Shelf(Seat),
}

/// What a head must know of the variant in use.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rung {
    /// The variant's name.
    pub(super) variant: String,
    /// Width and height of its input.
    pub(super) size: Size,
    /// The space of its embeddings.
    pub(super) space: Option<Space>,
}

/// A session for the length of one call.
pub(super) enum Running<'a> {
    Own(&'a mut dyn Session),
    Leased(Lease),
}

impl Supply {
    /// One session, always the same: for tests and single questions.
    pub fn own(manifest: &ModelManifest, variant: &Variant, session: Box<dyn Session>) -> Self {
        let space = manifest.space(variant).map(Arc::from);
        let rung = Rung { variant: variant.id.clone(), size: variant.size, space };
        Self(Source::Own(session, rung))
    }

    /// Whatever variant the shelf holds current when a batch begins.
    pub fn shelf(seat: Seat) -> Self {
        Self(Source::Shelf(seat))
    }

    /// A session, and the variant it runs: both stay the same until it is dropped. Not of the variant `too_large` if another
    /// comes in time.
    pub(super) fn take(&mut self, too_large: Option<&str>) -> Result<(Running<'_>, Rung), InferenceError> {
        match &mut self.0 {
            Source::Own(session, rung) => Ok((Running::Own(session.as_mut()), rung.clone())),
            Source::Shelf(seat) => {
                if let Some(variant) = too_large {
                    seat.wait_for_other(variant, LOWER_WITHIN);
                }
                let lease = seat.lease(PATIENCE)?;
                let loaded = lease.loaded();
                let (variant, space) = (loaded.variant.id.clone(), loaded.space.clone());
                let rung = Rung { variant, size: loaded.variant.size, space };
                Ok((Running::Leased(lease), rung))
            }
        }
    }
}

impl Running<'_> {
    pub(super) fn run(&mut self, batch: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError> {
        match self {
            Self::Own(session) => session.run(batch, outputs),
            Self::Leased(lease) => lease.run(batch, outputs),
        }
    }
}
