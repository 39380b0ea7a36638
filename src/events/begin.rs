//! Puts journal, numbering, sinks and outbox together, and says first what an earlier run left unsaid.

use std::{collections::BTreeMap, io, path::PathBuf};

use super::{
    journal::{Journal, JournalError, JournalReader, Limits, Opened, interrupted},
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
    /// The damaged journal that was put aside.
    pub damaged: Option<PathBuf>,
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
    let first = first_words(&mut beginning, opened.as_ref(), now)?;
    let history = opened.as_ref().map(|o| o.journal.reader());
    let (journal, numbering, damaged) = match opened {
        Some(Opened { journal, numbering, damaged }) => (Some(journal), numbering, damaged),
        None => (None, Numbering::new(epoch, BTreeMap::new()), None),
    };
    let (outbox, postbox) = Outbox::start(OutboxParts {
        numbering,
        journal,
        sinks: beginning.sinks,
        clock: beginning.clock,
        fresh_id: beginning.fresh_id,
    })?;
    let interrupted = first.len() - usize::from(damaged.is_some());
    for draft in first {
        postbox.post(draft);
    }
    Ok(Started { outbox, postbox, history, interrupted, damaged })
}

fn first_words(beginning: &mut Beginning, opened: Option<&Opened>, now: UtcMicros) -> Result<Vec<Draft>, JournalError> {
    let Some(opened) = opened else {
        return Ok(Vec::new());
    };
    let mut drafts = Vec::new();
    if let Some(aside) = &opened.damaged {
        tracing::error!(aside = %aside.display(), "the event journal was damaged and put aside; a fresh one begins now");
        drafts.push(damage(beginning, now));
    }
    for last in opened.journal.reader().open_visits()? {
        drafts.extend(interrupted(&last, (beginning.fresh_id)()));
    }
    Ok(drafts)
}

fn damage(beginning: &mut Beginning, now: UtcMicros) -> Draft {
    let origin = Origin::Node(beginning.site.clone(), beginning.node.clone());
    Draft {
        id: (beginning.fresh_id)(),
        subject: beginning.node.to_string(),
        origin,
        time: now,
        data: Data::Gap(Gap {
            first: None,
            last: None,
            lost: None,
            reason: GapReason::JournalDamaged,
            detail: Some(
                "earlier events cannot be asked for any more, and every sequence begins anew under a new epoch".into(),
            ),
        }),
    }
}
