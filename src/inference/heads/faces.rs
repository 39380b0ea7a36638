//! What all networks that look at single faces share: cutting the faces out, running them, handing back each answer.

use super::{
    Sight,
    crop::{Cut, FaceCrop},
    network::Network,
    supply::{Rung, Supply},
};
use crate::inference::{InferenceError, Outputs, decode::DecodeError, manifest::ModelManifest};

/// A network that looks at faces.
pub(super) struct Faces {
    network: Network,
    crop: FaceCrop,
    cuts: Vec<Option<Cut>>,
}

/// What a network said of one face.
pub(super) struct Answer<'a> {
    /// Which face.
    pub(super) index: usize,
    /// Where it was cut out; `None` if it could not be, and then the numbers mean nothing.
    pub(super) cut: Option<&'a Cut>,
    /// The numbers of its whole batch.
    pub(super) outputs: &'a Outputs,
    /// Its place in them.
    pub(super) at: usize,
    /// The variant that answered.
    pub(super) rung: &'a Rung,
}

impl Faces {
    pub(super) fn new(manifest: &ModelManifest, supply: Supply) -> Result<Self, InferenceError> {
        Ok(Self { network: Network::new(manifest, supply), crop: FaceCrop::new(manifest)?, cuts: Vec::new() })
    }

    /// Runs every face, all on one variant unless memory runs out. `read` is called once a face, in order.
    pub(super) fn each(
        &mut self,
        faces: &[Sight],
        mut read: impl FnMut(Answer) -> Result<(), DecodeError>,
    ) -> Result<(), InferenceError> {
        let mut done = 0;
        while done < faces.len() {
            done += self.some(done, &faces[done..], &mut read)?;
        }
        Ok(())
    }

    /// One turn; answers how many faces it has done. `first` is the number of the first.
    fn some(
        &mut self,
        first: usize,
        faces: &[Sight],
        read: &mut dyn FnMut(Answer) -> Result<(), DecodeError>,
    ) -> Result<usize, InferenceError> {
        let Self { network, crop, cuts } = self;
        let turn = network.turn()?;
        let rung = turn.rung.clone();
        crop.fit(rung.size);
        let crop = &*crop;
        cuts.clear();
        cuts.extend(faces.iter().map(|(pixels, face)| crop.place(pixels, face)));
        let cuts = &*cuts;
        turn.each(
            faces.len(),
            |index, hand, item| crop.fill(hand, faces[index].0, cuts[index].as_ref(), item),
            |index, outputs, at| {
                let cut = cuts[index].as_ref();
                read(Answer { index: first + index, cut, outputs, at, rung: &rung })
            },
        )
    }
}
