//! The second thread of the [`outbox`](super::outbox): journals a batch, then hands it to the sinks. Next: `keeper`, the journal
//! as it is used here.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::Receiver},
    time::SystemTime,
};

use super::{
    journal::Journal,
    keeper::Keeper,
    keys::Origin,
    numbering::Numbering,
    outbox::{Shared, WallClock},
    scribe::{Batch, HEARTBEAT},
    sink::{EventSink, Head, Recorded},
    wire::{Gap, GapReason},
};
use crate::memory::prompt;

/// Who journals and hands on.
pub(super) struct Clerk {
    keeper: Keeper,
    sinks: Vec<Box<dyn EventSink>>,
    /// How far each source has been handed on, which is what subscribers may be told: numbers beyond are on their way.
    heads: BTreeMap<String, Head>,
    last_heartbeat: SystemTime,
    clock: WallClock,
    shared: Arc<Shared>,
}

impl Clerk {
    pub(super) fn new(
        numbering: &Numbering,
        journal: Option<Journal>,
        sinks: Vec<Box<dyn EventSink>>,
        clock: WallClock,
        shared: Arc<Shared>,
    ) -> Self {
        let keeper = Keeper::new(journal);
        let heads = numbering.heads(keeper.keeps()).into_iter().map(|head| (head.source.clone(), head)).collect();
        Self { keeper, sinks, heads, last_heartbeat: clock(), clock, shared }
    }

    /// Runs until the scribe is gone.
    pub(super) fn run(mut self, batches: &Receiver<Batch>) {
        prompt();
        for batch in batches {
            self.hand_on(&batch);
            self.announce_unkept();
            self.heartbeat();
        }
        self.sinks.iter_mut().for_each(|sink| sink.finish());
    }

    /// Journals what is new and what could not be journaled before; then everybody may have it.
    fn hand_on(&mut self, batch: &Batch) {
        let unkept = self.keeper.keep(&batch.recorded, batch.publish);
        batch.recorded.iter().for_each(|recorded| self.raise_head(recorded));
        self.sinks.iter_mut().for_each(|sink| sink.publish_all(&batch.recorded));
        self.shared.count(batch.recorded.len() as u64, unkept);
    }

    fn raise_head(&mut self, Recorded { event, .. }: &Recorded) {
        if let Some(head) = self.heads.get_mut(&event.source) {
            head.sequence = event.sequence.0;
            return;
        }
        let (source, kept) = (event.source.clone(), self.keeper.keeps());
        let head = Head { source: source.clone(), sequence: event.sequence.0, epoch: event.epoch, kept };
        self.heads.insert(source, head);
    }

    /// Says which published events the journal had to let go of while it could not be written.
    fn announce_unkept(&mut self) {
        let gap = |(source, (first, last)): (String, _)| {
            let range = Gap {
                first: Some(first),
                last: Some(last),
                lost: None,
                reason: GapReason::NotKept,
                detail: Some("published, but the journal could not be written then".into()),
            };
            Origin::from_source(&source).ok().map(|origin| (origin, range))
        };
        self.shared.lose(self.keeper.take_dropped().into_iter().filter_map(gap));
    }

    fn heartbeat(&mut self) {
        let now = (self.clock)();
        let too_soon = now.duration_since(self.last_heartbeat).is_ok_and(|passed| passed < HEARTBEAT);
        if too_soon {
            return;
        }
        self.last_heartbeat = now;
        let heads: Vec<Head> = self.heads.values().cloned().collect();
        self.sinks.iter_mut().for_each(|sink| sink.heartbeat(&heads));
    }
}
