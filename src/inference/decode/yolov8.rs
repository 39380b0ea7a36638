//! YOLOv8 and its kin: one tensor, a column a cell: middle, extent, one score a class, then perhaps points. Everything is in
//! pixels already.

use super::{DecodeError, Proposal, proposal::around, wiring::find};
use crate::{
    inference::{Outputs, manifest},
    scene::{Landmarks5, Point},
};

/// Rows before the class scores: x, y, width, height.
const BOX_ROWS: usize = 4;

pub(super) fn unpack(
    said: &manifest::Yolov8,
    outputs: &Outputs,
    item: usize,
    found: &mut Vec<Proposal>,
) -> Result<(), DecodeError> {
    let values = find(outputs, &said.name)?.item(item);
    let rows = BOX_ROWS + said.classes.len() + said.points * said.point_values;
    if !values.len().is_multiple_of(rows) {
        return Err(DecodeError::Length {
            name: said.name.clone(),
            found: values.len(),
            wanted: values.len().next_multiple_of(rows),
        });
    }
    let cells = values.len() / rows;
    let row = |r: usize, at: usize| values[r * cells + at];
    for at in 0..cells {
        let (class, score) = best(said.classes.len(), |class| row(BOX_ROWS + class, at));
        if score > said.score_threshold {
            let bbox = around(row(0, at), row(1, at), row(2, at), row(3, at));
            found.extend(Proposal::of(bbox, five_points(said, |r| row(r, at)), score, class));
        }
    }
    Ok(())
}

/// The class with the highest score; one that is not a number never wins.
fn best(classes: usize, score: impl Fn(usize) -> f32) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for class in 0..classes {
        let score = score(class);
        if score > best.1 {
            best = (class, score);
        }
    }
    best
}

/// The points of a face model; other models' points mean something else and are left alone.
fn five_points(said: &manifest::Yolov8, row: impl Fn(usize) -> f32) -> Option<Landmarks5> {
    let first = BOX_ROWS + said.classes.len();
    let point = |k: usize| Point::new(row(first + k * said.point_values), row(first + k * said.point_values + 1));
    (said.points == 5 && said.point_values >= 2).then(|| [0, 1, 2, 3, 4].map(point))
}
