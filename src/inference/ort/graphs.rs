//! The graphs behind a session: one that answers any batch, or one for each batch size, of which the larger are opened by a
//! thread of their own and dropped when they are not wanted any more.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread::JoinHandle,
};

use ort::session::Session as Graph;

use crate::inference::FIXED_BATCHES;

/// A session's graphs.
pub(super) enum Graphs {
    /// One, whatever the batch.
    One(Graph),
    /// One for each batch size.
    Each(Each),
}

/// A graph for each batch size.
pub(super) struct Each {
    open: Arc<Mutex<Open>>,
    opener: Option<JoinHandle<()>>,
}

/// Those that are open.
#[derive(Default)]
struct Open {
    /// With the batch size each answers, smallest first.
    graphs: Vec<(usize, Graph)>,
    /// Larger ones are not wanted.
    wanted: usize,
    /// Whether a thread is opening more.
    opening: bool,
}

/// Where a thread finds what to open next, and puts it.
pub(super) struct Slots(Weak<Mutex<Open>>);

impl Graphs {
    /// The largest batch that can be answered now.
    pub(super) fn largest(&self) -> usize {
        match self {
            Self::One(_) => usize::MAX,
            Self::Each(each) => each.open().graphs.last().map_or(1, |(size, _)| *size),
        }
    }

    /// Does something with the graph for `batch`.
    pub(super) fn with<T>(&mut self, batch: usize, job: impl FnOnce(&mut Graph) -> T) -> Option<T> {
        match self {
            Self::One(graph) => Some(job(graph)),
            Self::Each(each) => {
                each.open().graphs.iter_mut().find(|(size, _)| *size == batch).map(|(_, graph)| job(graph))
            }
        }
    }

    /// Waits until all that are wanted are open.
    pub(super) fn wait(&mut self) {
        if let Self::Each(each) = self {
            each.opener.take().map(JoinHandle::join);
        }
    }
}

impl Each {
    /// For single items.
    pub(super) fn new(single: Graph) -> Self {
        let open = Open { graphs: vec![(1, single)], wanted: 1, opening: false };
        Self { open: Arc::new(Mutex::new(open)), opener: None }
    }

    /// From now on those up to `largest` are wanted: drops the larger ones, and has a thread started for those that are
    /// missing unless one is at work. Whether any was dropped.
    pub(super) fn fit(&mut self, largest: usize, start: impl FnOnce(Slots) -> Option<JoinHandle<()>>) -> bool {
        let too_large: Vec<_> = {
            let mut open = self.open();
            open.wanted = largest;
            open.graphs.extract_if(.., |(size, _)| *size > largest.max(1)).collect()
        };
        let dropped = !too_large.is_empty();
        drop(too_large);
        let mut open = self.open();
        if open.opening || open.missing().is_none() {
            return dropped;
        }
        open.opening = true;
        drop(open);
        self.opener = start(Slots(Arc::downgrade(&self.open)));
        if self.opener.is_none() {
            self.open().opening = false;
        }
        dropped
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        locked(&self.open)
    }
}

impl Drop for Each {
    /// No graph may outlive the program's end on a thread of its own: the opener stops at its next look, and is waited for.
    fn drop(&mut self) {
        self.open = Arc::default();
        self.opener.take().map(JoinHandle::join);
    }
}

impl Open {
    /// The smallest batch that is wanted and has no graph.
    fn missing(&self) -> Option<usize> {
        let is_open = |batch: &usize| self.graphs.iter().any(|(size, _)| size == batch);
        FIXED_BATCHES.into_iter().find(|batch| *batch <= self.wanted && !is_open(batch))
    }
}

impl Slots {
    /// What to open next; `None` when nothing is wanted any more, or the session is gone: then the thread ends.
    pub(super) fn next(&self) -> Option<usize> {
        let open = self.0.upgrade()?;
        let mut open = locked(&open);
        let missing = open.missing();
        open.opening = missing.is_some();
        missing
    }

    /// Puts a graph in its place, if it is still wanted.
    pub(super) fn put(&self, batch: usize, graph: Graph) {
        let Some(open) = self.0.upgrade() else { return };
        let mut open = locked(&open);
        if batch <= open.wanted {
            let at = open.graphs.partition_point(|(size, _)| *size < batch);
            open.graphs.insert(at, (batch, graph));
        }
    }

    /// There will be none for `batch`, nor for larger ones.
    pub(super) fn give_up(&self, batch: usize) {
        let Some(open) = self.0.upgrade() else { return };
        let mut open = locked(&open);
        open.wanted = open.wanted.min(batch - 1);
        open.opening = false;
    }
}

fn locked(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
