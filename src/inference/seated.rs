//! A head on a seat of the shelf: every batch runs on whatever variant is current when it begins, from start to end.
//!
//! When the shelf switches between batches, the head is built anew for the new variant (its input size, its thresholds);
//! within a batch the lease keeps the old one alive.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{
    Batch, FaceDetector, FaceEmbedder, InferenceError, Lease, LivenessJudge, Loaded, Look, Outputs, Seat, Session,
    heads::{Detector, Embedder, LivenessModel, Sight},
    manifest::{ModelManifest, Variant},
};
use crate::memory::Pixels;
use crate::scene::{Embedding, FaceObservation};

/// A worker waits this long for its session: it has one of its own, so only a switch in progress can hold it up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Builds a head for a variant.
type Make<H> = Box<dyn Fn(&ModelManifest, &Variant, Box<dyn Session>) -> Result<H, InferenceError> + Send>;

/// A head and the seat it takes its sessions from.
pub struct Seated<H> {
    seat: Seat,
    make: Make<H>,
    /// Where the head's session finds the lease of the batch in hand.
    hand: Hand,
    head: Option<(Arc<Loaded>, H)>,
}

#[derive(Clone, Default)]
struct Hand(Arc<Mutex<Option<Lease>>>);

impl Hand {
    fn put(&self, lease: Option<Lease>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = lease;
    }
}

impl Session for Hand {
    fn run(&mut self, input: &Batch, outputs: &mut Outputs) -> Result<(), InferenceError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = || InferenceError::Runtime("a model was run outside a batch".to_owned());
        held.as_mut().ok_or_else(nothing)?.run(input, outputs)
    }

    fn device(&self) -> String {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map_or_else(String::new, |lease| lease.loaded().device.clone())
    }
}

impl<H> Seated<H> {
    /// A head that `make` builds for each variant in turn.
    pub fn new(
        seat: Seat,
        make: impl Fn(&ModelManifest, &Variant, Box<dyn Session>) -> Result<H, InferenceError> + Send + 'static,
    ) -> Self {
        Self { seat, make: Box::new(make), hand: Hand::default(), head: None }
    }

    /// Runs one batch on the variant that is current now.
    fn batch<T>(&mut self, work: impl FnOnce(&mut H) -> Result<T, InferenceError>) -> Result<T, InferenceError> {
        let lease = self.seat.lease(PATIENCE)?;
        let loaded = Arc::clone(lease.loaded());
        let head = match self.head.take() {
            Some((of, head)) if Arc::ptr_eq(&of, &loaded) => head,
            _ => (self.make)(&loaded.model.manifest, &loaded.variant, Box::new(self.hand.clone()))?,
        };
        let (_, head) = self.head.insert((loaded, head));
        self.hand.put(Some(lease));
        let done = work(head);
        self.hand.put(None);
        done
    }
}

fn sights<'a>(looks: &[Look<'a>]) -> Vec<Sight<'a>> {
    looks.iter().map(|look| (look.pixels, look.face)).collect()
}

impl FaceDetector for Seated<Detector> {
    fn detect(&mut self, frames: &[&Pixels], found: &mut Vec<Vec<FaceObservation>>) -> Result<(), InferenceError> {
        self.batch(|head| head.detect(frames, found))
    }
}

impl FaceEmbedder for Seated<Embedder> {
    fn embed(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<Embedding>>, InferenceError> {
        let mut made = Vec::with_capacity(looks.len());
        self.batch(|head| head.embed(&sights(looks), &mut made))?;
        Ok(made)
    }
}

impl LivenessJudge for Seated<LivenessModel> {
    fn judge(&mut self, looks: &[Look<'_>]) -> Result<Vec<Option<f32>>, InferenceError> {
        let mut scores = Vec::with_capacity(looks.len());
        self.batch(|head| head.score(&sights(looks), &mut scores))?;
        Ok(scores)
    }
}
