//! The graphs behind a session: one that answers any batch, or one for each batch size, of which the larger come later.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread::JoinHandle,
};

use ort::session::Session as Graph;

/// Graphs with the batch size each of them answers.
type Kept = Mutex<Vec<(usize, Graph)>>;

/// A session's graphs.
pub(super) enum Graphs {
    /// One, whatever the batch.
    One(Graph),
    /// One for each batch size, smallest first, and the thread that opens the larger ones.
    Each(Arc<Kept>, Option<JoinHandle<()>>),
}

/// Where larger graphs are put, as long as somebody wants them.
pub(super) struct Slots(Weak<Kept>);

impl Graphs {
    /// For single items; [`widen`](Self::widen) opens the larger ones.
    pub(super) fn each(single: Graph) -> Self {
        Self::Each(Arc::new(Mutex::new(vec![(1, single)])), None)
    }

    /// Has the larger ones opened, where each batch size has its own.
    pub(super) fn widen(&mut self, open: impl FnOnce(Slots) -> Option<JoinHandle<()>>) {
        if let Self::Each(all, opener) = self {
            *opener = open(Slots(Arc::downgrade(all)));
        }
    }

    /// The largest batch that can be answered now.
    pub(super) fn largest(&self) -> usize {
        match self {
            Self::One(_) => usize::MAX,
            Self::Each(all, _) => locked(all).last().map_or(1, |(size, _)| *size),
        }
    }

    /// Does something with the graph for `batch`.
    pub(super) fn with<T>(&mut self, batch: usize, job: impl FnOnce(&mut Graph) -> T) -> Option<T> {
        match self {
            Self::One(graph) => Some(job(graph)),
            Self::Each(all, _) => {
                let mut all = locked(all);
                all.iter_mut().find(|(size, _)| *size == batch).map(|(_, graph)| job(graph))
            }
        }
    }

    /// The batch sizes that have a graph of their own; one item where any will do.
    pub(super) fn sizes(&self) -> Vec<usize> {
        match self {
            Self::One(_) => vec![1],
            Self::Each(all, _) => locked(all).iter().map(|(size, _)| *size).collect(),
        }
    }

    /// Waits until all of them are open.
    pub(super) fn wait(&mut self) {
        if let Self::Each(_, opener) = self {
            opener.take().map(JoinHandle::join);
        }
    }
}

impl Drop for Graphs {
    /// No graph may outlive the program's end on a thread of its own: the opener stops at its next look, and is waited for.
    fn drop(&mut self) {
        if let Self::Each(all, opener) = self {
            *all = Arc::default();
            opener.take().map(JoinHandle::join);
        }
    }
}

impl Slots {
    /// Whether the session is still there.
    pub(super) fn is_wanted(&self) -> bool {
        self.0.strong_count() > 0
    }

    /// Puts a graph there; larger ones come later.
    pub(super) fn put(&self, batch: usize, graph: Graph) {
        if let Some(all) = self.0.upgrade() {
            locked(&all).push((batch, graph));
        }
    }
}

fn locked(all: &Kept) -> MutexGuard<'_, Vec<(usize, Graph)>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}
