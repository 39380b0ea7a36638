//! UltraFace: the network itself turns its priors into boxes; here they are only picked and scaled.

use super::{
    DecodeError, Proposal,
    wiring::{find, numbers},
};
use crate::{
    inference::{Outputs, manifest},
    memory::Size,
    scene::BBox,
};

pub(super) fn unpack(
    said: &manifest::Ultraface,
    outputs: &Outputs,
    item: usize,
    input: Size,
    found: &mut Vec<Proposal>,
) -> Result<(), DecodeError> {
    let scores = find(outputs, &said.scores)?.item(item);
    let boxes = numbers(outputs, &said.boxes, item, scores.len() * 2)?;
    let (w, h) = (input.w as f32, input.h as f32);
    for (pair, b) in scores.chunks_exact(2).zip(boxes.chunks_exact(4)) {
        if pair[1] > said.score_threshold {
            let bbox = BBox::from_corners(b[0] * w, b[1] * h, b[2] * w, b[3] * h);
            found.extend(Proposal::face(bbox, None, pair[1]));
        }
    }
    Ok(())
}
