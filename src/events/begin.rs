//! Puts journal, numbering, sinks and outbox together, and says first what an earlier run left unsaid.

use std::{collections::BTreeMap, io, path::PathBuf};

use super::{
    journal::{Damage, Journal, JournalError, JournalReader, Limits, Opened, Salvaged, interrupted},
    keys::{Origin, PlaceId},
    numbering::Numbering,
    outbox::{FreshId, Outbox, OutboxParts, Postbox, WallClock},
    sink::EventSink,
    wire::{Data, Draft, Gap, GapReason, UtcMicros},
};

/// What a run's events need.
pub struct Beginning {
    /// The site in every key.
    pub site: PlaceId,
    /// This node's name.
    pub node: PlaceId,
    /// The journal's file and bounds; without it events are only handed on, and numbering begins anew with each run.
    pub journal: Option<(PathBuf, Limits)>,
    /// Where events go, in this order.
    pub sinks: Vec<Box<dyn EventSink>>,
    /// Reads the wall clock.
    pub clock: WallClock,
    /// Makes ids.
    pub fresh_id: FreshId,
}

/// Events on their way.
#[derive(Debug)]
pub struct Started {
    /// The thread; finish it last.
    pub outbox: Outbox,
    /// Where stages post.
    pub postbox: Postbox,
    /// Reads the journal, for history.
    pub history: Option<JournalReader>,
    /// Visits that an earlier run left open and that were closed now.
    pub interrupted: usize,
    /// The damaged journal that was put aside, and how much of it was carried over.
    pub damage: Option<Damage>,
}

/// Why events cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No thread.
    #[error("the thread `events` cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// Opens the journal, starts the outbox, and posts what must be said first: visits that a crash left open are closed as
/// `interrupted`, and a damaged journal is announced as a gap.
pub fn begin(mut beginning: Beginning) -> Result<Started, BeginError> {
    let now = UtcMicros::from((beginning.clock)());
    let epoch = (beginning.fresh_id)();
    let opened = match &beginning.journal {
        Some((path, limits)) => Some(Journal::open(path, *limits, epoch, now)?),
        None => None,
    };
    let gaps = opened.as_ref().map_or_else(Vec::new, |opened| gaps(&mut beginning, opened, now));
    let closings = closings(&mut beginning, opened.as_ref())?;
    let history = opened.as_ref().map(|o| o.journal.reader());
    let (journal, numbering, damage) = match opened {
        Some(Opened { journal, numbering, damage, .. }) => (Some(journal), numbering, damage),
        None => (None, Numbering::new(epoch, BTreeMap::new()), None),
    };
    let (outbox, postbox) = Outbox::start(OutboxParts {
        numbering,
        journal,
        sinks: beginning.sinks,
        clock: beginning.clock,
        fresh_id: beginning.fresh_id,
    })?;
    let interrupted = closings.len();
    for draft in gaps.into_iter().chain(closings) {
        postbox.post(draft);
    }
    Ok(Started { outbox, postbox, history, interrupted, damage })
}

/// Closes every visit that an earlier run left open.
fn closings(beginning: &mut Beginning, opened: Option<&Opened>) -> Result<Vec<Draft>, JournalError> {
    let Some(opened) = opened else {
        return Ok(Vec::new());
    };
    let open = opened.journal.reader().open_visits()?;
    Ok(open.iter().filter_map(|last| interrupted(last, (beginning.fresh_id)())).collect())
}

/// Says what an earlier run's journal lost: a range of numbers for each camera and node that is known, and a word of the
/// node in any case.
fn gaps(beginning: &mut Beginning, opened: &Opened, now: UtcMicros) -> Vec<Draft> {
    let mut gaps = Vec::new();
    if let Some(unkept) = &opened.unkept {
        tracing::error!("an earlier run ended while its disk was full; events it published may not have been kept");
        let detail = "published while the disk was full, and not kept; the numbering goes on after this range";
        gaps.extend(ranges(beginning, unkept, now, &GapReason::NotKept, detail));
    }
    if let Some(damage) = &opened.damage {
        let carried = damage.salvaged.as_ref().map_or(0, |salvaged| salvaged.events);
        tracing::error!(
            aside = %damage.aside.display(), carried,
            "the event journal was damaged and put aside; what was whole is carried over into a fresh one"
        );
        let detail =
            "the journal was damaged; what was whole is still there, and the numbering goes on after this range";
        if let Some(salvaged) = &damage.salvaged {
            gaps.extend(ranges(beginning, salvaged, now, &GapReason::JournalDamaged, detail));
        }
        gaps.push(damage_word(beginning, carried, now));
    }
    gaps
}

/// One gap for each source, from the last number still there to the last that may have been given out.
fn ranges(beginning: &mut Beginning, kept: &Salvaged, now: UtcMicros, reason: &GapReason, detail: &str) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (source, head) in &kept.heads {
        let Ok(origin) = Origin::from_source(source) else { continue };
        let (first, last) = (Some(head + 1), Some(kept.floor));
        let gap = Gap { first, last, lost: None, reason: reason.clone(), detail: Some(detail.into()) };
        let (id, subject) = ((beginning.fresh_id)(), origin.partition());
        drafts.push(Draft { id, origin, subject, time: now, data: Data::Gap(gap) });
    }
    drafts
}

fn damage_word(beginning: &mut Beginning, carried: u64, now: UtcMicros) -> Draft {
    let anew = "nothing of it could be read, and every sequence begins anew under a new epoch";
    let detail = if carried > 0 { format!("{carried} events could be carried over") } else { anew.into() };
    Draft {
        id: (beginning.fresh_id)(),
        subject: beginning.node.to_string(),
        origin: Origin::Node(beginning.site.clone(), beginning.node.clone()),
        time: now,
        data: Data::Gap(Gap {
            first: None,
            last: None,
            lost: None,
            reason: GapReason::JournalDamaged,
            detail: Some(format!("the journal was damaged: {detail}")),
        }),
    }
}
