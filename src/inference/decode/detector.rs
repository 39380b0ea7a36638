//! One detector head, whichever family it is of: the manifest says, this picks the arithmetic.

use super::{DecodeError, Proposal, centerface, retinaface, scrfd::Scrfd, suppress, ultraface, yolov8, yunet::Yunet};
use crate::{
    inference::{
        Outputs,
        manifest::{self, Output},
    },
    memory::Size,
};

/// Reads boxes from a detector's outputs.
#[derive(Clone, Debug)]
pub struct DetectorHead {
    family: Family,
    overlap: f32,
}

#[derive(Clone, Debug)]
enum Family {
    Yunet(Yunet),
    Centerface(manifest::Centerface),
    Ultraface(manifest::Ultraface),
    Yolov8(manifest::Yolov8),
    Scrfd(Scrfd),
    Retinaface(manifest::Retinaface),
}

impl DetectorHead {
    /// The head a manifest describes; an error if its decoder gives no boxes.
    pub fn new(output: &Output) -> Result<Self, DecodeError> {
        let (family, overlap) = match output {
            Output::Yunet(said) => (Family::Yunet(Yunet::new(said)), said.nms_iou),
            Output::Centerface(said) => (Family::Centerface(said.clone()), said.nms_iou),
            Output::Ultraface(said) => (Family::Ultraface(said.clone()), said.nms_iou),
            Output::Yolov8(said) => (Family::Yolov8(said.clone()), said.nms_iou),
            Output::Scrfd(said) => (Family::Scrfd(Scrfd::new(said)), said.nms_iou),
            Output::Retinaface(said) => (Family::Retinaface(said.clone()), said.nms_iou),
            other => return Err(unfit(other, "boxes")),
        };
        Ok(Self { family, overlap })
    }

    /// The boxes of one item of the batch, in pixels of the `input`, best first; `found` is overwritten.
    pub fn read(
        &self,
        outputs: &Outputs,
        item: usize,
        input: Size,
        found: &mut Vec<Proposal>,
    ) -> Result<(), DecodeError> {
        found.clear();
        match &self.family {
            Family::Yunet(head) => head.unpack(outputs, item, input, found)?,
            Family::Centerface(said) => centerface::unpack(said, outputs, item, input, found)?,
            Family::Ultraface(said) => ultraface::unpack(said, outputs, item, input, found)?,
            Family::Yolov8(said) => yolov8::unpack(said, outputs, item, found)?,
            Family::Scrfd(head) => head.unpack(outputs, item, input, found)?,
            Family::Retinaface(said) => retinaface::unpack(said, outputs, item, input, found)?,
        }
        suppress(found, self.overlap);
        Ok(())
    }
}

/// The error for a decoder that gives something else.
pub(in crate::inference) fn unfit(output: &Output, wanted: &'static str) -> DecodeError {
    let name = format!("{output:?}");
    let decoder = name.split('(').next().unwrap_or_default().to_lowercase();
    DecodeError::Unfit { decoder, wanted }
}
