//! All sessions of one model: which variant is current, which sessions are free, which are out with a worker. Each rule is a
//! short step under one lock; nothing here loads, waits for a batch, or drops a session while the lock is held.

use std::sync::Arc;

use crate::inference::{
    Session,
    manifest::{Model, Variant},
};

/// One variant of a model as it is loaded: shared by its sessions and by the leases on them.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// The variant.
    pub variant: Variant,
    /// Space of its embeddings; `None` for models that make none.
    pub space: Option<Arc<str>>,
    /// Where it runs, in the runtime's word.
    pub device: String,
    /// By how much the process grew while it was loaded, bytes; all its sessions together. Rough: others allocate too.
    pub grew: u64,
}

/// A loaded variant and what is known of it, for whoever plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resident {
    /// The variant's name.
    pub variant: String,
    /// Whether new batches use it.
    pub current: bool,
    /// Its sessions, free or out.
    pub sessions: usize,
    /// As in [`Loaded::grew`].
    pub grew: u64,
}

/// A session and the variant it runs.
pub(super) struct Held {
    pub(super) session: Box<dyn Session>,
    pub(super) loaded: Arc<Loaded>,
    /// How many fits had been ordered when it was taken.
    fits: u64,
}

/// All sessions of one model.
#[derive(Default)]
pub(super) struct Pool {
    /// The variant that new batches use.
    current: Option<Arc<Loaded>>,
    shelves: Vec<Shelved>,
}

/// What became of a session that was given back.
pub(super) enum Returned {
    /// It is free again.
    Kept,
    /// It is free, but its variant is being retired: [`Pool::retired`] has work.
    Retiring,
    /// A fit was ordered meanwhile: fit it to this batch outside the lock, then give it back again.
    FitFirst(Held, usize),
}

/// One variant's sessions.
struct Shelved {
    loaded: Arc<Loaded>,
    free: Vec<Box<dyn Session>>,
    out: usize,
    retiring: bool,
    /// Fits ordered so far, and the batch of the last: a session taken before it is fitted when it comes back.
    fits: u64,
    batch: usize,
}

impl Pool {
    /// Puts newly loaded sessions on the shelf; new batches do not use them yet.
    pub(super) fn add(&mut self, loaded: Arc<Loaded>, sessions: Vec<Box<dyn Session>>) {
        self.shelves.push(Shelved { loaded, free: sessions, out: 0, retiring: false, fits: 0, batch: 0 });
    }

    /// Whether this variant is loaded and stays.
    pub(super) fn has(&self, variant: &str) -> bool {
        self.staying(variant).is_some()
    }

    /// From now on new batches use this variant. False when it is not loaded.
    pub(super) fn switch(&mut self, variant: &str) -> bool {
        let found = self.staying(variant).map(|at| Arc::clone(&self.shelves[at].loaded));
        let switched = found.is_some();
        self.current = found.or(self.current.take());
        switched
    }

    /// Takes a free session of the current variant. `None`: all are out, or nothing is loaded.
    pub(super) fn take(&mut self) -> Option<Held> {
        let at = self.find(self.current.as_ref()?)?;
        let shelved = &mut self.shelves[at];
        let session = shelved.free.pop()?;
        shelved.out += 1;
        let loaded = Arc::clone(&shelved.loaded);
        let fits = shelved.fits;
        Some(Held { session, loaded, fits })
    }

    /// Takes a session back, unless a fit was ordered while it was out.
    pub(super) fn give_back(&mut self, mut held: Held) -> Returned {
        let Some(at) = self.find(&held.loaded) else {
            return Returned::Kept; // cannot be: a variant with sessions out stays listed
        };
        let shelved = &mut self.shelves[at];
        if held.fits < shelved.fits && !shelved.retiring {
            held.fits = shelved.fits;
            return Returned::FitFirst(held, shelved.batch);
        }
        shelved.out -= 1;
        shelved.free.push(held.session);
        if shelved.retiring { Returned::Retiring } else { Returned::Kept }
    }

    /// Begins to retire a variant. False when it is not loaded, or is the current one: switch away first.
    pub(super) fn retire(&mut self, variant: &str) -> bool {
        let is_current = self.current.as_ref().is_some_and(|c| c.variant.id == variant);
        match self.staying(variant) {
            Some(at) if !is_current => self.shelves[at].retiring = true,
            _ => return false,
        }
        true
    }

    /// New batches no longer use this variant; if they did, they wait for another.
    pub(super) fn leave(&mut self, variant: &str) {
        self.current.take_if(|current| current.variant.id == variant);
    }

    /// Takes out everything that is being retired and free, to be dropped by the caller outside the lock, and the names of
    /// variants of which nothing is left.
    pub(super) fn retired(&mut self) -> (Vec<Box<dyn Session>>, Vec<String>) {
        let mut sessions = Vec::new();
        for shelved in self.shelves.iter_mut().filter(|s| s.retiring) {
            sessions.append(&mut shelved.free);
        }
        let gone = self.shelves.extract_if(.., |s| s.retiring && s.out == 0);
        (sessions, gone.map(|s| s.loaded.variant.id.clone()).collect())
    }

    /// Orders a variant's sessions, or the current one's where no name is given, to be fitted to a batch: hands out those that
    /// are free, to be fitted and given back by the caller; those that are out follow when their batch is done
    /// ([`Returned::FitFirst`]).
    pub(super) fn fit(&mut self, variant: &str, batch: usize) -> Vec<Held> {
        let current = || self.current.as_ref().and_then(|c| self.find(c));
        let Some(at) = (if variant.is_empty() { current() } else { self.staying(variant) }) else {
            return Vec::new();
        };
        let shelved = &mut self.shelves[at];
        (shelved.fits, shelved.batch) = (shelved.fits + 1, batch);
        let free = std::mem::take(&mut shelved.free);
        shelved.out += free.len();
        let held = |session| Held { session, loaded: Arc::clone(&shelved.loaded), fits: shelved.fits };
        free.into_iter().map(held).collect()
    }

    /// What is loaded.
    pub(super) fn residents(&self) -> Vec<Resident> {
        let resident = |s: &Shelved| Resident {
            variant: s.loaded.variant.id.clone(),
            current: self.current.as_ref().is_some_and(|c| Arc::ptr_eq(c, &s.loaded)),
            sessions: s.free.len() + s.out,
            grew: s.loaded.grew,
        };
        self.shelves.iter().map(resident).collect()
    }

    /// The current variant.
    pub(super) fn current(&self) -> Option<Arc<Loaded>> {
        self.current.clone()
    }

    /// Where these very sessions are. A variant that is retired and loaded anew is on two shelves for a while.
    fn find(&self, loaded: &Arc<Loaded>) -> Option<usize> {
        self.shelves.iter().position(|s| Arc::ptr_eq(&s.loaded, loaded))
    }

    /// Where the variant of that name is, unless it is on its way out.
    fn staying(&self, variant: &str) -> Option<usize> {
        self.shelves.iter().position(|s| s.loaded.variant.id == variant && !s.retiring)
    }
}
