//! The first thread of the [`outbox`](super::outbox): numbers events and writes them as JSON. Next: [`clerk`](super::clerk),
//! who has them from here.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use super::{
    keys::Origin,
    numbering::Numbering,
    outbox::{FreshId, OnTheWay, Shared, WallClock},
    sink::Recorded,
    wire::{Data, Draft, Gap, GapReason, UtcMicros},
};
use crate::memory::prompt;

/// Events journaled in one commit, when so many wait: a commit costs about as much as a disk flush, and pages that many
/// events share are written once.
const BATCH: usize = 2_048;
/// With so many waiting the next batch is written while the one before is on its way to the disk. With fewer that would gain
/// nothing: they would only be stamped earlier than they are published.
const WORTH_WRITING_AHEAD: usize = 256;
/// Between two looks at how many wait.
const LOOK: Duration = Duration::from_millis(1);
/// How often the clerk hears from here when nothing happens.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(1);

/// Who numbers and writes.
pub(super) struct Scribe {
    pub(super) numbering: Numbering,
    pub(super) clock: WallClock,
    pub(super) fresh_id: FreshId,
    pub(super) out: SyncSender<Batch>,
    pub(super) shared: Arc<Shared>,
}

/// Events to be journaled together and handed on; none when it is only time to look around.
pub(super) struct Batch {
    pub(super) recorded: Vec<Recorded>,
    /// Their publish time.
    pub(super) publish: UtcMicros,
    _on_the_way: OnTheWay,
}

/// The clerk has ended before its time.
struct ClerkGone;

impl Scribe {
    /// Runs until nobody can post any more, or until the clerk is gone: then whoever posts is told that there is no room.
    pub(super) fn run(mut self, inbox: &Receiver<Draft>) {
        prompt();
        let _why_it_ended = self.work(inbox);
    }

    fn work(&mut self, inbox: &Receiver<Draft>) -> Result<(), ClerkGone> {
        loop {
            match inbox.recv_timeout(HEARTBEAT) {
                Ok(first) => {
                    let drafts = self.gather(first, inbox);
                    self.hand_on(drafts.into_iter())?;
                }
                Err(RecvTimeoutError::Timeout) => self.hand_on(std::iter::empty())?,
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.announce()?;
        }
        self.end()
    }

    /// The clerk's last try at what could not be journaled may still find something lost: that is said before the end.
    fn end(&mut self) -> Result<(), ClerkGone> {
        self.hand_on(std::iter::empty())?;
        while !self.shared.is_idle_within(LOOK) {}
        self.announce()
    }

    /// What waits, once the clerk is free or there is enough of it.
    fn gather(&self, first: Draft, inbox: &Receiver<Draft>) -> Vec<Draft> {
        let mut drafts = vec![first];
        loop {
            drafts.extend(inbox.try_iter().take(BATCH - drafts.len()));
            if drafts.len() >= WORTH_WRITING_AHEAD || self.shared.is_idle_within(LOOK) {
                return drafts;
            }
        }
    }

    fn hand_on(&mut self, drafts: impl Iterator<Item = Draft>) -> Result<(), ClerkGone> {
        let publish = UtcMicros::from((self.clock)());
        let mut recorded = Vec::new();
        for draft in drafts {
            match self.numbering.number(draft, publish) {
                Ok(event) => recorded.push(event),
                Err(cause) => tracing::error!(%cause, "an event could not be written as JSON and was left out"),
            }
        }
        let batch = Batch { recorded, publish, _on_the_way: self.shared.send_off() };
        self.out.send(batch).map_err(|_| ClerkGone)
    }

    /// Says in gap events what got lost.
    fn announce(&mut self) -> Result<(), ClerkGone> {
        let overflow = self.shared.take_overflow().into_iter().map(|(origin, lost)| (origin, overflow(lost)));
        let gaps: Vec<_> = overflow.chain(self.shared.take_losses()).collect();
        if gaps.is_empty() {
            return Ok(());
        }
        let now = UtcMicros::from((self.clock)());
        let drafts: Vec<_> = gaps.into_iter().map(|(origin, gap)| self.draft(origin, gap, now)).collect();
        self.hand_on(drafts.into_iter())
    }

    fn draft(&mut self, origin: Origin, gap: Gap, time: UtcMicros) -> Draft {
        Draft { id: (self.fresh_id)(), subject: origin.partition(), origin, time, data: Data::Gap(gap) }
    }
}

fn overflow(lost: u64) -> Gap {
    Gap {
        first: None,
        last: None,
        lost: Some(lost),
        reason: GapReason::Overflow,
        detail: Some("more events at once than could be written down".into()),
    }
}
