//! `publish`: the end of the trunk. Watches tracks come, change and go, and posts one event when a visit opens, one for
//! each material change, one when it closes; never one a frame.
//!
//! Read `publish/visits` for what a visit is (pure), `publish/describe` for the event it becomes. From here an event goes
//! to `events::Outbox`, which numbers it, journals it and hands it to the sinks.

mod candidate;
mod describe;
mod estimates;
mod rules;
mod stream_clock;
#[cfg(test)]
mod tests;
mod visit;
mod visits;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::{
    describe::Ids,
    rules::Rules,
    visit::VisitNumber,
    visits::{Change, Look, Step, Visits},
};
use crate::events::{
    Postbox,
    keys::PlaceId,
    wire::{Governor, ModelRef, PipelineRef},
};
use crate::flow::{Contract, Fact, Facts, Sink, StageError};
use crate::scene::Packet;

/// What `publish` needs on every packet. Identity and liveness are told when they are there.
pub const CONTRACT: Contract = Contract { needs: Facts::of(&[Fact::Tracks]), adds: Facts::NONE };

/// When visits open, change and close.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A confirmed face is announced after this many milliseconds even when nobody could say yet who it is.
    pub open_after_ms: u64,
    /// While somebody is out of sight, a new face waits this many milliseconds to be recognised as that person.
    pub rejoin_wait_ms: u64,
    /// A face unseen for this many milliseconds has left; shorter absences stay one visit.
    pub close_after_ms: u64,
    /// A camera that delivers nothing for this many milliseconds has lost its visits.
    pub silent_after_ms: u64,
    /// Least time in milliseconds between two events of one visit, opening and closing aside.
    pub update_every_ms: u64,
    /// Score from which two embeddings count as one person, for a face that comes back under a new track, in the
    /// recogniser's own measure (cosine, or one minus the distance). Left out, the recogniser's own threshold.
    pub same_person: Option<f32>,
}

/// What lies behind the answers in an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The graph that runs.
    pub pipeline: PipelineRef,
    /// The models loaded now.
    pub models: Vec<ModelRef>,
    /// The governor decision in force, when a governor runs.
    pub governor: Option<Governor>,
}

/// Hears what `publish` does, for metrics. Called on the stage's thread; must not wait.
pub trait PublishObserver: Send {
    /// An event was posted `latency` after its newest frame arrived. `accepted` is false when the outbox was full.
    fn posted(&mut self, latency: Duration, accepted: bool);
    /// Visits open now.
    fn open_visits(&mut self, _count: usize) {}
}

/// Everything `publish` is given from outside.
pub struct Surroundings {
    /// The site in every key.
    pub site: PlaceId,
    /// Where events are posted.
    pub postbox: Postbox,
    /// Makes ids; UUID v7 in a real run.
    pub fresh_id: Box<dyn FnMut() -> Uuid + Send>,
    /// Says what runs right now; asked once an event.
    pub provenance: Arc<dyn Fn() -> Provenance + Send + Sync>,
    /// Hears what is posted.
    pub observer: Option<Box<dyn PublishObserver>>,
}

/// The sink.
pub struct Publish {
    visits: Visits,
    /// The public id of each open visit.
    ids: HashMap<VisitNumber, Uuid>,
    around: Surroundings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            open_after_ms: 250,
            rejoin_wait_ms: 1_000,
            // Somebody who passes behind a pillar takes two seconds and is still there.
            close_after_ms: 3_000,
            silent_after_ms: 10_000,
            update_every_ms: 1_000,
            same_person: None,
        }
    }
}

impl Config {
    fn rules(&self) -> Rules {
        Rules {
            open_after: Duration::from_millis(self.open_after_ms),
            rejoin_wait: Duration::from_millis(self.rejoin_wait_ms),
            close_after: Duration::from_millis(self.close_after_ms),
            silent_after: Duration::from_millis(self.silent_after_ms),
            update_every: Duration::from_millis(self.update_every_ms),
            same_person: self.same_person,
        }
    }
}

impl Publish {
    /// A sink that posts to `around.postbox`.
    pub fn new(config: &Config, around: Surroundings) -> Self {
        Self { visits: Visits::new(config.rules()), ids: HashMap::new(), around }
    }

    fn post_all(&mut self, changes: &[Change], now: Instant) {
        for change in changes {
            self.post(change, now);
        }
        if let (false, Some(observer)) = (changes.is_empty(), &mut self.around.observer) {
            observer.open_visits(self.visits.open());
        }
    }

    fn post(&mut self, change: &Change, now: Instant) {
        let ids = self.ids_for(change);
        let draft = describe::draft(change, ids, &self.around.site, &(self.around.provenance)());
        let accepted = self.around.postbox.post(draft);
        if let Some(observer) = &mut self.around.observer {
            observer.posted(now.saturating_duration_since(change.visit.look.captured.arrived), accepted);
        }
    }

    fn ids_for(&mut self, change: &Change) -> Ids {
        let number = change.visit.number;
        let visit = match change.step {
            Step::Closed(_) => self.ids.remove(&number),
            Step::Opened | Step::Updated => self.ids.get(&number).copied(),
        };
        let fresh = &mut self.around.fresh_id;
        let visit = visit.unwrap_or_else(&mut *fresh);
        if !matches!(change.step, Step::Closed(_)) {
            self.ids.insert(number, visit);
        }
        Ids { event: fresh(), visit }
    }
}

impl Sink for Publish {
    fn needs(&self) -> Facts {
        CONTRACT.needs
    }

    fn consume(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError> {
        for packet in batch.drain(..) {
            let Packet { frame, faces, .. } = packet;
            let look = |face| Look { frame: frame.sequence, captured: frame.captured, size: frame.size(), face };
            let looks = faces.into_iter().map(look).collect();
            let changes = self.visits.observe(&frame.camera, looks, &frame.captured);
            self.post_all(&changes, now);
        }
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<(), StageError> {
        let changes = self.visits.tick(now);
        self.post_all(&changes, now);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), StageError> {
        for change in self.visits.finish() {
            let arrived = change.visit.look.captured.arrived;
            self.post(&change, arrived);
        }
        Ok(())
    }
}
