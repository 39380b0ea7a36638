//! Faces to vectors.

use super::{Sight, faces::Faces, network::unfit};
use crate::{
    inference::{
        InferenceError, Session, decode,
        manifest::{ModelManifest, OneEmbedding, Output, Variant},
    },
    scene::{Embedding, Space},
};

/// Turns faces into embeddings of one space.
pub struct Embedder {
    faces: Faces,
    said: OneEmbedding,
    space: Space,
    vector: Vec<f32>,
}

impl Embedder {
    /// An embedder from its manifest, the variant in use and a session of that variant.
    pub fn new(manifest: &ModelManifest, variant: &Variant, session: Box<dyn Session>) -> Result<Self, InferenceError> {
        let (Output::Embedding(said), Some(space)) = (&manifest.output, manifest.space(variant)) else {
            return Err(unfit(manifest, decode::unfit(&manifest.output, "an embedding")));
        };
        Ok(Self {
            faces: Faces::new(manifest, variant, session)?,
            said: said.clone(),
            space: space.into(),
            vector: Vec::new(),
        })
    }

    /// The space its embeddings live in.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// One embedding a face, in order. `None` for a face that cannot be aligned (no points, or nonsense) or for which the
    /// network answers nonsense. Overwrites `made`.
    pub fn embed(&mut self, faces: &[Sight], made: &mut Vec<Option<Embedding>>) -> Result<(), InferenceError> {
        let Self {
            faces: network,
            said,
            space,
            vector,
        } = self;
        made.clear();
        network.each(faces, |cut, outputs, at| {
            let sound = decode::embedding(said, outputs, at, vector)? && cut.is_some();
            made.push(sound.then(|| Embedding {
                space: space.clone(),
                values: vector.as_slice().into(),
            }));
            Ok(())
        })
    }
}
