//! One person, two tracks: somebody stepped behind a pillar, the tracker lost them and started anew. Their embeddings match,
//! so the new track takes the old one's number again.
//!
//! The tracker itself cannot do this: it runs before anybody has looked at the face. So `recognize` keeps one [`Reunion`] a
//! camera and calls [`Reunion::rename`] on arriving faces and [`Reunion::settle`] once embeddings are filled in; everything
//! after it sees a single track, and its votes go on where they stopped. Nothing is shared between threads.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use super::{Costs, SpaceError, SpaceInfo, assign};
use crate::scene::{Embedding, FaceObservation, TrackId, TrackPhase};

/// A face missing for longer than this may have made room for another in the same place, which overlap alone cannot tell.
/// Two frames of a slow camera (8 fps).
const GAP: Duration = Duration::from_millis(250);

/// The tracks of one camera, by their embeddings.
#[derive(Debug)]
pub struct Reunion {
    window: Duration,
    /// Numbers that stand for an older track.
    aliases: HashMap<TrackId, Alias>,
    tracks: HashMap<TrackId, Remembered>,
}

#[derive(Clone, Copy, Debug)]
struct Alias {
    id: TrackId,
    /// Hits the older track already had.
    hits: u32,
}

#[derive(Debug)]
struct Remembered {
    first: Duration,
    last: Duration,
    hits: u32,
    embedding: Option<Embedding>,
}

impl Reunion {
    /// Tracks reunite up to `window` after they were lost (3 s by the main pipeline). It must exceed the time for which the
    /// tracker itself remembers a lost track.
    pub fn new(window: Duration) -> Self {
        Self { window, aliases: HashMap::new(), tracks: HashMap::new() }
    }

    /// Gives faces of tracks already reunited their old number, and adds up their hits. `now` is the camera's stream time
    /// ([`Pace`](super::Pace)). Call it on every frame, before looking anything up by track. Returns the tracks that are
    /// back after a gap: look at them again before believing that they are who they were.
    pub fn rename(&mut self, faces: &mut [FaceObservation], now: Duration) -> Vec<TrackId> {
        let mut back = Vec::new();
        for face in faces.iter_mut() {
            let Some(track) = &mut face.track else { continue };
            if let Some(alias) = self.aliases.get(&track.id) {
                track.id = alias.id;
                track.hits = track.hits.saturating_add(alias.hits);
            }
            let seen = self.tracks.entry(track.id).or_insert_with(|| Remembered::at(now));
            if now.saturating_sub(seen.last) > GAP {
                back.push(track.id);
            }
            seen.last = now;
            seen.hits = track.hits;
        }
        self.forget(now);
        back
    }

    /// Takes in the embeddings found on this frame, after [`rename`](Self::rename). A confirmed track looked at for the
    /// first time is compared with the tracks lost within the window before it began; a clear match gets the old number.
    /// Returns `(new, old)` numbers; whoever keeps something under `new` moves it to `old`.
    pub fn settle(
        &mut self,
        faces: &mut [FaceObservation],
        space: &SpaceInfo,
    ) -> Result<Vec<(TrackId, TrackId)>, SpaceError> {
        let newcomers = self.newcomers(faces, space)?;
        let pairs = self.matches(faces, &newcomers, space);
        for &(new, old) in &pairs {
            self.join(faces, new, old);
        }
        self.remember(faces);
        Ok(pairs)
    }

    /// Indices of faces whose track has an embedding for the first time.
    fn newcomers(&self, faces: &[FaceObservation], space: &SpaceInfo) -> Result<Vec<usize>, SpaceError> {
        let mut found = Vec::new();
        for (index, face) in faces.iter().enumerate() {
            let (Some(track), Some(embedding)) = (face.track, &face.embedding) else {
                continue;
            };
            space.check(embedding)?;
            let first_look = self.tracks.get(&track.id).is_some_and(|t| t.embedding.is_none());
            if first_look && track.phase == TrackPhase::Confirmed {
                found.push(index);
            }
        }
        Ok(found)
    }

    /// The pairing of newcomers with lost tracks whose embeddings agree best in sum, less those that are not clear.
    fn matches(&self, faces: &[FaceObservation], newcomers: &[usize], space: &SpaceInfo) -> Vec<(TrackId, TrackId)> {
        let visible: HashSet<TrackId> = faces.iter().filter_map(|f| f.track).map(|t| t.id).collect();
        let mut lost: Vec<(&TrackId, &Remembered)> =
            self.tracks.iter().filter(|(id, _)| !visible.contains(id)).collect();
        lost.sort_unstable_by_key(|(id, _)| **id);
        let alike = |face: usize, old: &Remembered| {
            let new = self.tracks.get(&faces[face].track?.id)?;
            let (a, b) = (faces[face].embedding.as_ref()?, old.embedding.as_ref()?);
            let score = space.similarity(a, b).ok()?;
            (new.first > old.last && score >= space.threshold()).then_some(score)
        };
        // No pair allowed costs more than 1 - threshold, so staying alone always costs more than pairing.
        let alone = 2.0 - space.threshold();
        let costs = Costs::from_fn(newcomers.len(), lost.len(), |row, col| {
            alike(newcomers[row], lost[col].1).map_or(f32::NAN, |score| 1.0 - score)
        });
        let clear = |row: usize, col: usize| {
            let best = alike(newcomers[row], lost[col].1).unwrap_or(f32::MIN);
            let rivals = lost.iter().enumerate().filter(|(other, _)| *other != col);
            rivals.filter_map(|(_, old)| alike(newcomers[row], old.1)).all(|score| best - score >= space.margin)
        };
        let pairs = assign(&costs, alone).into_iter().filter(|&(row, col)| clear(row, col));
        pairs.filter_map(|(row, col)| Some((faces[newcomers[row]].track?.id, *lost[col].0))).collect()
    }

    /// Lets the number `new` stand for `old` from now on, on this frame too.
    fn join(&mut self, faces: &mut [FaceObservation], new: TrackId, old: TrackId) {
        let (Some(newer), Some(older)) = (self.tracks.remove(&new), self.tracks.get_mut(&old)) else {
            return;
        };
        let hits = older.hits;
        older.last = newer.last;
        older.hits = hits.saturating_add(newer.hits);
        self.aliases.insert(new, Alias { id: old, hits });
        for track in faces.iter_mut().filter_map(|f| f.track.as_mut()).filter(|t| t.id == new) {
            track.id = old;
            track.hits = track.hits.saturating_add(hits);
        }
    }

    fn remember(&mut self, faces: &[FaceObservation]) {
        for face in faces {
            let known = face.track.and_then(|track| self.tracks.get_mut(&track.id));
            if let (Some(known), Some(embedding)) = (known, &face.embedding) {
                known.embedding = Some(embedding.clone());
            }
        }
    }

    /// Drops what nobody was seen under for longer than the window.
    fn forget(&mut self, now: Duration) {
        let window = self.window;
        self.tracks.retain(|_, t| now.saturating_sub(t.last) <= window);
        self.aliases.retain(|_, alias| self.tracks.contains_key(&alias.id));
    }
}

impl Remembered {
    fn at(now: Duration) -> Self {
        Self { first: now, last: now, hits: 0, embedding: None }
    }
}

#[cfg(test)]
mod tests;
