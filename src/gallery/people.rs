//! The gallery as the rest of the program sees it: a file, what it holds, and an index for each space in use.
//!
//! Readers take an [`Arc`] of an index and search without a lock; a change swaps in new ones. Shared between threads.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    Enrolment, GalleryError, Index, Person, Refusal,
    folder::{Folder, Stamp, stamp},
    store::{self, Change, Contents},
};
use crate::{
    scene::{Embedding, PersonId, Space},
    vision::SpaceInfo,
};

/// The people known, backed by one file.
#[derive(Debug)]
pub struct Gallery {
    path: PathBuf,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    contents: Contents,
    indexes: HashMap<Space, Arc<Index>>,
    stamp: Stamp,
}

impl Gallery {
    /// Reads the gallery in `path`. A file that does not exist is an empty gallery; it is created with the first enrolment.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, GalleryError> {
        let path = path.into();
        let folder = Folder::shared(&path);
        let found = stamp(&path);
        let contents = store::read_file(&path, &folder).map_err(|fault| fault.named(&path))?;
        let held = Held { contents, indexes: HashMap::new(), stamp: found };
        Ok(Self { path, held: Mutex::new(held) })
    }

    /// The file behind it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file again if somebody changed it, for instance `flyball gallery add` while `flyball run` runs. Returns
    /// whether anything changed; after an error the gallery stays as it was. Never waits: a file being changed is left for
    /// the next call. Costs one look at the file's time if nothing changed.
    pub fn refresh(&self) -> Result<bool, GalleryError> {
        let Some(folder) = Folder::shared_now(&self.path) else {
            return Ok(false);
        };
        let found = stamp(&self.path);
        if found == self.held().stamp {
            return Ok(false);
        }
        let contents = self.read(&folder)?;
        let mut held = self.held();
        held.stamp = found;
        let changed = held.contents != contents;
        if changed {
            held.replace(contents);
        }
        Ok(changed)
    }

    /// Adds an enrolment. Once this returns it is on disk; after an error nothing changed.
    pub fn add(&self, enrolment: &Enrolment) -> Result<(), GalleryError> {
        self.add_all(std::slice::from_ref(enrolment))
    }

    /// Adds many, all or none: one walk through the file instead of one each.
    pub fn add_all(&self, enrolments: &[Enrolment]) -> Result<(), GalleryError> {
        self.change(&Change::Add(enrolments))
    }

    /// Removes a person with all enrolments; returns how many those were.
    pub fn remove(&self, person: &PersonId) -> Result<usize, GalleryError> {
        let contents = self.read(&Folder::shared(&self.path))?;
        let theirs = contents.values().filter(|e| e.person == *person).count();
        if theirs == 0 {
            return Err(GalleryError::NoSuchPerson {
                file: self.path.display().to_string(),
                person: person.to_string(),
            });
        }
        self.change(&Change::Remove(person))?;
        Ok(theirs)
    }

    /// Every enrolment, oldest first.
    pub fn list(&self) -> Vec<Enrolment> {
        self.held().contents.values().cloned().collect()
    }

    /// Everybody, by id.
    pub fn people(&self) -> Vec<Person> {
        let mut all: BTreeMap<PersonId, (String, usize, BTreeSet<Space>)> = BTreeMap::new();
        for e in self.held().contents.values() {
            let entry = all.entry(e.person.clone()).or_default();
            entry.0.clone_from(&e.name);
            entry.1 += 1;
            entry.2.insert(e.embedding.space.clone());
        }
        let person = |(id, (name, enrolments, spaces)): (_, (_, _, BTreeSet<Space>))| {
            let spaces = spaces.into_iter().collect();
            Person { id, name, enrolments, spaces }
        };
        all.into_iter().map(person).collect()
    }

    /// The display name of a person.
    pub fn name(&self, person: &PersonId) -> Option<String> {
        let held = self.held();
        held.contents.values().rev().find(|e| e.person == *person).map(|e| e.name.clone())
    }

    /// The index to search in a space; the same one until the gallery changes. People enrolled only with other models are
    /// not in it: [`missing`](Self::missing) names them.
    pub fn index(&self, space: &SpaceInfo) -> Result<Arc<Index>, GalleryError> {
        let mut held = self.held();
        if let Some(index) = held.indexes.get(&space.name).filter(|i| i.space() == space) {
            return Ok(index.clone());
        }
        let index = Arc::new(Index::new(space.clone(), held.contents.values())?);
        held.indexes.insert(space.name.clone(), index.clone());
        Ok(index)
    }

    /// People with no enrolment in a space: they must be enrolled again before its model can know them.
    pub fn missing(&self, space: &Space) -> Vec<Person> {
        self.people().into_iter().filter(|p| !p.spaces.contains(space)).collect()
    }

    /// The refusal, if a face looks like somebody enrolled under another id than `person`.
    pub fn lookalike(
        &self,
        space: &SpaceInfo,
        face: &Embedding,
        person: &PersonId,
    ) -> Result<Option<Refusal>, GalleryError> {
        let found = self.index(space)?.search_except(face, Some(person))?;
        let close = found.best.filter(|(_, score)| *score >= space.threshold());
        Ok(close.map(|(person, score)| {
            let name = self.name(&person).unwrap_or_default();
            Refusal::LooksLike { person, name, score }
        }))
    }

    fn read(&self, folder: &Folder) -> Result<Contents, GalleryError> {
        store::read_file(&self.path, folder).map_err(|fault| fault.named(&self.path))
    }

    fn change(&self, change: &Change) -> Result<(), GalleryError> {
        let mut held = self.held();
        let contents = store::change_file(&self.path, change).map_err(|fault| fault.named(&self.path))?;
        held.stamp = stamp(&self.path);
        held.replace(contents);
        Ok(())
    }

    /// Contents are replaced as a whole, so a poisoned lock is as good as a clean one.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn replace(&mut self, contents: Contents) {
        self.contents = contents;
        self.indexes.clear();
    }
}
