//! Puts journal, numbering, sinks and outbox together, and says first what an earlier run left unsaid.

use std::{collections::BTreeMap, io, path::PathBuf};

use super::{
    journal::{Damage, Journal, JournalError, JournalReader, Limits, Lost, Opened, interrupted},
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

/// Says what an earlier run's journal lost: every range of numbers, and of a damaged one a word of the node.
fn gaps(beginning: &mut Beginning, opened: &Opened, now: UtcMicros) -> Vec<Draft> {
    let mut gaps: Vec<_> = opened.lost.iter().filter_map(|lost| lost_word(beginning, lost, now)).collect();
    if opened.lost.iter().any(|lost| lost.reason == GapReason::NotKept) {
        tracing::error!("an earlier run ended while its disk was full; events it published were not kept");
    }
    if let Some(damage) = &opened.damage {
        let aside = damage.aside.as_ref().map(|path| path.display().to_string());
        tracing::error!(
            aside,
            carried = damage.carried,
            lost = gaps.len(),
            "the event journal was damaged or is gone; what was whole is carried over into a fresh one"
        );
        gaps.push(damage_word(beginning, damage, now));
    }
    gaps
}

/// One range, under the name of the camera or node it belongs to.
fn lost_word(beginning: &mut Beginning, lost: &Lost, now: UtcMicros) -> Option<Draft> {
    let origin = Origin::from_source(&lost.source).ok()?;
    let why = match &lost.reason {
        GapReason::NotKept => "published while the disk was full, and not kept",
        _ => "the journal was damaged, and these events went with it",
    };
    let rough = "; how many there were is not known, and the numbering goes on after this range";
    let gap = Gap {
        first: Some(lost.first),
        last: Some(lost.last),
        lost: lost.exact.then(|| lost.last - lost.first + 1),
        reason: lost.reason.clone(),
        detail: Some(format!("{why}{}", if lost.exact { "" } else { rough })),
    };
    let (id, subject) = ((beginning.fresh_id)(), origin.partition());
    Some(Draft { id, origin, subject, time: now, data: Data::Gap(gap) })
}

fn damage_word(beginning: &mut Beginning, damage: &Damage, now: UtcMicros) -> Draft {
    let anew = "nothing of it could be read, and every sequence begins anew under a new epoch";
    let carried = format!("{} events could be carried over, and the numbering goes on", damage.carried);
    let detail = if damage.anew { anew } else { &carried };
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
