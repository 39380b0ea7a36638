//! Faces to vectors.

use super::{Sight, faces::Faces, network::unfit, supply::Supply};
use crate::{
    inference::{
        InferenceError, decode,
        manifest::{ModelManifest, OneEmbedding, Output},
    },
    scene::Embedding,
};

/// Turns faces into embeddings. Their space is that of the variant that made them.
pub struct Embedder {
    faces: Faces,
    said: OneEmbedding,
    vector: Vec<f32>,
}

impl Embedder {
    /// An embedder from its manifest and its sessions.
    pub fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        let Output::Embedding(said) = &manifest.output else {
            return Err(unfit(manifest, &decode::unfit(&manifest.output, "an embedding")));
        };
        Ok(Self { faces: Faces::new(manifest, supply)?, said: said.clone(), vector: Vec::new() })
    }

    /// One embedding a face, in order. `None` for a face that cannot be aligned (no points, or nonsense) or for which the
    /// network answers nonsense. Overwrites `made`.
    pub fn embed(&mut self, faces: &[Sight], made: &mut Vec<Option<Embedding>>) -> Result<(), InferenceError> {
        let Self { faces: network, said, vector } = self;
        made.clear();
        network.each(faces, |answer| {
            let sound = decode::embedding(said, answer.outputs, answer.at, vector)? && answer.cut.is_some();
            let space = answer.rung.space.clone().filter(|_| sound);
            made.push(space.map(|space| Embedding { space, values: vector.as_slice().into() }));
            Ok(())
        })
    }
}
