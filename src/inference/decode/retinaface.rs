//! RetinaFace: offsets against prior boxes of fixed sizes at every cell's middle, coded as SSD codes them. Formula: Deng et al.,
//! "RetinaFace: Single-stage Dense Face Localisation in the Wild", 2019; Liu et al., "SSD", 2016.

use super::{
    DecodeError, Proposal,
    grid::Grid,
    proposal::{around, five},
    wiring::numbers,
};
use crate::{
    inference::{Outputs, manifest},
    memory::Size,
    scene::Point,
};

/// A prior box: a square of `side` pixels about a point.
#[derive(Clone, Copy)]
struct Prior {
    x: f32,
    y: f32,
    side: f32,
}

pub(super) fn unpack(
    said: &manifest::Retinaface,
    outputs: &Outputs,
    item: usize,
    input: Size,
    found: &mut Vec<Proposal>,
) -> Result<(), DecodeError> {
    let count = priors(said, input).count();
    let scores = numbers(outputs, &said.scores, item, count * 2)?;
    let boxes = numbers(outputs, &said.boxes, item, count * 4)?;
    let points = match &said.landmarks {
        Some(name) => Some(numbers(outputs, name, item, count * 10)?),
        None => None,
    };
    for (at, prior) in priors(said, input).enumerate() {
        let score = face_score(scores[2 * at], scores[2 * at + 1], said.logits);
        if score > said.score_threshold {
            let points = points.map(|p| &p[10 * at..]);
            found.extend(face(prior, score, said.variance, &boxes[4 * at..], points));
        }
    }
    Ok(())
}

/// All priors in the order the network lists its offsets: level, row, column, size.
fn priors(said: &manifest::Retinaface, input: Size) -> impl Iterator<Item = Prior> + '_ {
    said.strides.iter().zip(&said.min_sizes).flat_map(move |(&stride, sides)| {
        let grid = Grid::covering(input, stride);
        (0..grid.cells()).flat_map(move |cell| {
            let (column, row) = grid.cell(cell);
            let (x, y) = ((column + 0.5) * grid.stride, (row + 0.5) * grid.stride);
            sides.iter().map(move |&side| Prior { x, y, side })
        })
    })
}

fn face_score(background: f32, face: f32, logits: bool) -> f32 {
    if logits { 1.0 / (1.0 + (background - face).exp()) } else { face }
}

fn face(prior: Prior, score: f32, variance: [f32; 2], b: &[f32], points: Option<&[f32]>) -> Option<Proposal> {
    let Prior { x, y, side } = prior;
    let [shift, grow] = variance;
    let (w, h) = (side * (b[2] * grow).exp(), side * (b[3] * grow).exp());
    let bbox = around(x + b[0] * shift * side, y + b[1] * shift * side, w, h);
    let points = points.map(|p| five(p, |px, py| Point::new(x + px * shift * side, y + py * shift * side)));
    Proposal::face(bbox, points, score)
}
