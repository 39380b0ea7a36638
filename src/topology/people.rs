//! The gallery as the `recognize` stage asks it: in the space of the embedding at hand, refreshed when its file changes.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::flow::StageError;
use crate::gallery::{Gallery, Index};
use crate::scene::{Embedding, IdentityDecision, Score, ScoreKind, Space};
use crate::stages::recognize::{Match, People};
use crate::vision::{Metric, SpaceInfo};

/// How often the gallery's file is looked at for changes made by `flyball gallery add` in another process.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The people of one gallery, or nobody.
pub(super) struct FromGallery {
    gallery: Option<Arc<Gallery>>,
    spaces: HashMap<Space, SpaceInfo>,
    indices: HashMap<Space, Arc<Index>>,
    revision: u64,
    looked: Option<Instant>,
}

impl FromGallery {
    /// People of `gallery`, in the spaces that the deployment's recognisers make.
    pub(super) fn new(gallery: Option<Arc<Gallery>>, spaces: impl IntoIterator<Item = SpaceInfo>) -> Self {
        let spaces = spaces.into_iter().map(|info| (Arc::clone(&info.name), info)).collect();
        Self { gallery, spaces, indices: HashMap::new(), revision: 1, looked: None }
    }

    fn refresh(&mut self) {
        let now = now();
        if self.looked.is_some_and(|looked| now.duration_since(looked) < LOOK_EVERY) {
            return;
        }
        self.looked = Some(now);
        match self.gallery.as_ref().map(|gallery| gallery.refresh()) {
            Some(Ok(true)) => {
                self.indices.clear();
                self.revision += 1;
            }
            Some(Err(cause)) => {
                tracing::warn!(%cause, "the gallery cannot be read again; the people known stay as they were");
            }
            Some(Ok(false)) | None => {}
        }
    }

    fn index(&mut self, space: &Space) -> Result<Option<(Arc<Index>, SpaceInfo)>, StageError> {
        let (Some(gallery), Some(info)) = (&self.gallery, self.spaces.get(space)) else { return Ok(None) };
        if let Some(index) = self.indices.get(space) {
            return Ok(Some((Arc::clone(index), info.clone())));
        }
        let index = gallery.index(info).map_err(StageError::new)?;
        self.indices.insert(Arc::clone(space), Arc::clone(&index));
        Ok(Some((index, info.clone())))
    }
}

impl People for FromGallery {
    fn identify(&mut self, embedding: &Embedding) -> Result<Match, StageError> {
        self.refresh();
        let Some((index, space)) = self.index(&embedding.space)? else { return Ok(nobody(None)) };
        let found = index.search(embedding).map_err(StageError::new)?;
        let Some(identity) = found.identity(&space, 1) else { return Ok(nobody(Some(&space))) };
        Ok(Match { decision: identity.decision, score: identity.score, margin: identity.margin })
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

/// The answer when nobody is enrolled: unknown, with nothing compared; kind and threshold stay those of the space.
fn nobody(space: Option<&SpaceInfo>) -> Match {
    let (kind, threshold) = match space {
        Some(SpaceInfo { metric: Metric::L2, known, .. }) => (ScoreKind::OneMinusL2, 1.0 - known),
        Some(SpaceInfo { known, .. }) => (ScoreKind::Cosine, *known),
        None => (ScoreKind::Cosine, 1.0),
    };
    Match { decision: IdentityDecision::Unknown, score: Score { value: Score::NOBODY, kind, threshold }, margin: None }
}

#[allow(clippy::disallowed_methods, reason = "when to look at a file is no part of what a frame means")]
fn now() -> Instant {
    Instant::now()
}
