//! What the shelf tells, in the governor's words.

use crate::governor::{Elapsed, Event};
use crate::inference::{ShelfEvent, Step};

/// While cameras start, memory grows for many reasons; what a load took cannot be told apart.
const STARTING_MS: f64 = 10_000.0;

/// `None` for what the governor need not hear.
pub(super) fn in_words_of_the_governor(event: ShelfEvent, at: Elapsed, on_gpu: bool) -> Option<Event> {
    let name = |model: String, variant: String| (model.as_str().into(), variant.as_str().into());
    match event {
        ShelfEvent::Ready { model, variant, grew } => {
            let (model, variant) = name(model, variant);
            let bytes = Some(grew).filter(|grew| *grew > 0 && at.ms() > STARTING_MS && !on_gpu);
            Some(Event::Ready { model, variant, bytes })
        }
        ShelfEvent::Failed { model, variant, step: Step::Load, out_of_memory, .. } => {
            let (model, variant) = name(model, variant);
            Some(Event::Failed { model, variant, out_of_memory })
        }
        ShelfEvent::Retired { model, variant } => {
            let (model, variant) = name(model, variant);
            Some(Event::Retired { model, variant })
        }
        ShelfEvent::OutOfMemory { model, batch, .. } => {
            Some(Event::OutOfMemory { model: model.as_str().into(), batch: batch as u32 })
        }
        // Logged by the shelf; the governor counts what it asked for as done, or gives up waiting.
        ShelfEvent::Failed { .. } | ShelfEvent::Switched { .. } | ShelfEvent::Fitted { .. } => None,
    }
}
