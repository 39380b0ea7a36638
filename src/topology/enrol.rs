//! Enrolling people from photos, with the very models that the deployment's pipeline will recognise them by.

use std::{path::Path, time::SystemTime};

use super::{AssembleError, Graph, models::ModelRoom, store::open_gallery};
use crate::config::Deployment;
use crate::gallery::{Enrolment, Gallery, GalleryError, Gate, Refusal};
use crate::inference::{FaceDetector, FaceEmbedder, InferenceError, Look, RunLog};
use crate::memory::{PhotoError, Pixels, read_photo};
use crate::scene::{Embedding, PersonId};
use crate::stages::StageConfig;
use crate::vision::SpaceInfo;

/// Opens photos, finds the face, turns it into an enrolment.
pub struct Enroller {
    gallery: Gallery,
    gate: Gate,
    detector: Box<dyn FaceDetector>,
    embedder: Box<dyn FaceEmbedder>,
    spaces: Vec<SpaceInfo>,
    /// SHA-256 of the embedder's weights.
    model: String,
    _room: ModelRoom,
}

/// What became of one photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Enrolled {
    /// Added, with this quality (0 to 1).
    Added(f32),
    /// This very photo of this person was there already.
    AlreadyThere,
}

/// Why a photo was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Not a picture, or not to be read.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// The face will not do.
    #[error("photo {0}: {1}")]
    Refused(String, Refusal),
    /// The gallery cannot take it.
    #[error(transparent)]
    Gallery(#[from] GalleryError),
    /// The models failed.
    #[error(transparent)]
    Inference(#[from] InferenceError),
}

impl Enroller {
    /// Opens the deployment's gallery and the models of its first `detect` and `recognize` stages.
    pub fn open(deployment: &Deployment, graph: &Graph) -> Result<Self, AssembleError> {
        let gallery = open_gallery(deployment)?;
        let mut room = ModelRoom::open(deployment, RunLog::default());
        let configs = || graph.nodes().iter().map(|node| &node.config);
        let detect = configs().find_map(|c| if let StageConfig::Detect(c) = c { Some(c) } else { None });
        let recognize = configs().find_map(|c| if let StageConfig::Recognize(c) = c { Some(c) } else { None });
        let (Some(detect), Some(recognize)) = (detect, recognize) else {
            return Err(AssembleError::bad("the pipeline has no `detect` and `recognize` stages to enrol with"));
        };
        let detector = room.detector("detect", &detect.model, detect.variant.as_deref(), detect.score_threshold)?;
        let embedder = room.embedder("recognize", &recognize.model, recognize.variant.as_deref())?;
        let spaces = room.spaces(&recognize.model);
        let model = room.sha256(&recognize.model);
        Ok(Self { gallery, gate: Gate::default(), detector, embedder, spaces, model, _room: room })
    }

    /// Enrols the one face on a photo. `even_if_alike` lets a face in that looks like somebody else (twins).
    pub fn enrol(
        &mut self,
        person: &PersonId,
        name: &str,
        photo: &Path,
        even_if_alike: bool,
        added: SystemTime,
    ) -> Result<Enrolled, EnrolError> {
        let shown = photo.display().to_string();
        let refused = |refusal| EnrolError::Refused(shown.clone(), refusal);
        let pixels = read_photo(photo)?;
        let (embedding, quality) = self.look(&pixels, &shown)?;
        if let Some(space) = self.spaces.iter().find(|s| s.name == embedding.space).filter(|_| !even_if_alike) {
            self.gallery.lookalike(space, &embedding, person)?.map_or(Ok(()), |alike| Err(refused(alike)))?;
        }
        let photo = photo.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let same =
            |e: &Enrolment| e.person == *person && e.name == name && e.photo == photo && e.embedding == embedding;
        if self.gallery.list().iter().any(same) {
            return Ok(Enrolled::AlreadyThere);
        }
        let (person, name, model) = (person.clone(), name.to_owned(), self.model.clone());
        self.gallery.add(&Enrolment { person, name, embedding, model, quality, photo, added })?;
        Ok(Enrolled::Added(quality))
    }

    fn look(&mut self, pixels: &Pixels, photo: &str) -> Result<(Embedding, f32), EnrolError> {
        let refused = |refusal| EnrolError::Refused(photo.to_owned(), refusal);
        let mut found = Vec::new();
        self.detector.detect(&[pixels], &mut found)?;
        let faces = found.pop().unwrap_or_default();
        let (index, quality) = self.gate.choose(&faces, pixels).map_err(refused)?;
        let made = self.embedder.embed(&[Look { pixels, face: &faces[index] }])?;
        let embedding = made.into_iter().flatten().next().ok_or_else(|| refused(Refusal::NoFace))?;
        Ok((embedding, quality.overall))
    }
}
