//! What all networks that look at single faces share: cutting the faces out, running them, handing back each answer.

use super::{
    Sight,
    crop::{Cut, FaceCrop},
    network::Network,
};
use crate::{
    inference::{
        InferenceError, Outputs, Session,
        decode::DecodeError,
        manifest::{ModelManifest, Variant},
    },
    memory::Size,
};

/// A network that looks at faces.
pub(super) struct Faces {
    network: Network,
    crop: FaceCrop,
    cuts: Vec<Option<Cut>>,
}

impl Faces {
    pub(super) fn new(
        manifest: &ModelManifest,
        variant: &Variant,
        session: Box<dyn Session>,
    ) -> Result<Self, InferenceError> {
        Ok(Self {
            network: Network::new(manifest, variant, session),
            crop: FaceCrop::new(manifest, variant.size)?,
            cuts: Vec::new(),
        })
    }

    /// Width and height of the crops.
    pub(super) fn size(&self) -> Size {
        self.network.size()
    }

    /// Runs every face. `read` is called once a face, in order, with where it was cut out (`None`: it could not be, and the
    /// answer means nothing), the outputs, and its place in them.
    pub(super) fn each(
        &mut self,
        faces: &[Sight],
        mut read: impl FnMut(Option<&Cut>, &Outputs, usize) -> Result<(), DecodeError>,
    ) -> Result<(), InferenceError> {
        let Self { network, crop, cuts } = self;
        cuts.clear();
        cuts.extend(faces.iter().map(|(pixels, face)| crop.place(pixels, face)));
        let cuts = &*cuts;
        network.each(
            faces.len(),
            |index, item| crop.fill(faces[index].0, cuts[index].as_ref(), item),
            |index, outputs, at| read(cuts[index].as_ref(), outputs, at),
        )
    }
}
