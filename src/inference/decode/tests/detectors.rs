//! Detectors: one face, encoded, must come back; nonsense must not.

use proptest::prelude::*;

use super::{INPUT, STRIDES, centerface, retinaface, scrfd, second, ultraface, yolov8, yunet};
use crate::{
    inference::{
        Outputs,
        decode::{DetectorHead, Proposal},
        manifest::{Output, Retinaface},
    },
    scene::BBox,
};

/// A face wholly known: box by corners, five points.
#[derive(Clone, Debug)]
struct Truth {
    left: f32,
    top: f32,
    w: f32,
    h: f32,
    points: [(f32, f32); 5],
    score: f32,
}

prop_compose! {
    fn truth()(
        (left, top) in (0.0..60.0_f32, 0.0..30.0_f32), (w, h) in (6.0..30.0_f32, 6.0..30.0_f32),
        shares in prop::array::uniform5((0.0..1.0_f32, 0.0..1.0_f32)), score in 0.75..0.99_f32,
    ) -> Truth {
        Truth { left, top, w, h, points: shares.map(|(x, y)| (left + x * w, top + y * h)), score }
    }
}

fn read(output: &Output, outputs: &Outputs) -> Vec<Proposal> {
    let mut found = Vec::new();
    DetectorHead::new(output).unwrap().read(outputs, 1, INPUT, &mut found).unwrap();
    found
}

fn assert_found(found: &[Proposal], truth: &Truth) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), 1);
    let face = found[0];
    let near = |a: f32, b: f32| (a - b).abs() < 0.02;
    let BBox { x, y, w, h } = face.bbox;
    prop_assert!(
        near(x, truth.left) && near(y, truth.top) && near(w, truth.w) && near(h, truth.h),
        "{face:?} for {truth:?}"
    );
    for (p, t) in face.points.into_iter().flatten().zip(truth.points) {
        prop_assert!(near(p.x, t.0) && near(p.y, t.1), "{p:?} for {t:?}");
    }
    prop_assert!((face.score - truth.score).abs() < 1e-3);
    Ok(())
}

fn cells(stride: u32) -> usize {
    (INPUT.w / stride * (INPUT.h / stride)) as usize
}

/// Sets the numbers of one cell.
fn put(values: &mut [f32], at: usize, numbers: &[f32]) {
    values[at * numbers.len()..(at + 1) * numbers.len()].copy_from_slice(numbers);
}

proptest! {
    #[test]
    fn yunet_gives_back_what_was_encoded(truth in truth(), level in 0..3_usize, cell in 0..1000_usize) {
        let mut outputs = Outputs::new();
        for (at, stride) in STRIDES.into_iter().enumerate() {
            let n = cells(stride);
            let (mut cls, mut bbox, mut kps) = (vec![0.0; n], vec![0.0; 4 * n], vec![0.0; 10 * n]);
            if at == level {
                let (cell, s) = (cell % n, stride as f32);
                let (x, y) = ((cell % (INPUT.w / stride) as usize) as f32, (cell / (INPUT.w / stride) as usize) as f32);
                cls[cell] = truth.score * truth.score;
                let (cx, cy) = (truth.left + truth.w / 2.0, truth.top + truth.h / 2.0);
                put(&mut bbox, cell, &[cx / s - x, cy / s - y, (truth.w / s).ln(), (truth.h / s).ln()]);
                let marks: Vec<f32> = truth.points.iter().flat_map(|p| [p.0 / s - x, p.1 / s - y]).collect();
                put(&mut kps, cell, &marks);
            }
            outputs.push(second(format!("cls_{stride}"), &[n, 1], &cls));
            outputs.push(second(format!("obj_{stride}"), &[n, 1], &vec![1.0; n]));
            outputs.push(second(format!("bbox_{stride}"), &[n, 4], &bbox));
            outputs.push(second(format!("kps_{stride}"), &[n, 10], &kps));
        }
        assert_found(&read(&yunet(), &outputs), &truth)?;
    }

    #[test]
    fn scrfd_gives_back_what_was_encoded(truth in truth(), level in 0..3_usize, anchor in 0..1000_usize) {
        let mut outputs = Outputs::new();
        for (at, stride) in STRIDES.into_iter().enumerate() {
            let n = 2 * cells(stride);
            let (mut scores, mut bbox, mut kps) = (vec![0.0; n], vec![0.0; 4 * n], vec![0.0; 10 * n]);
            if at == level {
                let (anchor, s) = (anchor % n, stride as f32);
                let (cell, columns) = (anchor / 2, (INPUT.w / stride) as usize);
                let (x, y) = ((cell % columns) as f32 * s, (cell / columns) as f32 * s);
                scores[anchor] = truth.score;
                let (right, bottom) = (truth.left + truth.w, truth.top + truth.h);
                put(&mut bbox, anchor, &[(x - truth.left) / s, (y - truth.top) / s, (right - x) / s, (bottom - y) / s]);
                let marks: Vec<f32> = truth.points.iter().flat_map(|p| [(p.0 - x) / s, (p.1 - y) / s]).collect();
                put(&mut kps, anchor, &marks);
            }
            outputs.push(second(format!("score_{stride}"), &[n, 1], &scores));
            outputs.push(second(format!("bbox_{stride}"), &[n, 4], &bbox));
            outputs.push(second(format!("kps_{stride}"), &[n, 10], &kps));
        }
        assert_found(&read(&scrfd(), &outputs), &truth)?;
    }

    #[test]
    fn retinaface_gives_back_what_was_encoded(truth in truth(), prior in 0..1000_usize, logits: bool) {
        // the published prior boxes, one after the other
        let mut priors = Vec::new();
        for (stride, sides) in STRIDES.into_iter().zip(&retinaface().min_sizes) {
            for row in 0..INPUT.h.div_ceil(stride) {
                for column in 0..INPUT.w.div_ceil(stride) {
                    for side in sides {
                        priors.push(((column as f32 + 0.5) * stride as f32, (row as f32 + 0.5) * stride as f32, *side));
                    }
                }
            }
        }
        let (n, at) = (priors.len(), prior % priors.len());
        let (x, y, side) = priors[at];
        let (mut loc, mut marks) = (vec![0.0; 4 * n], vec![0.0; 10 * n]);
        let mut conf: Vec<f32> = if logits { [9.0, -9.0].repeat(n) } else { [1.0, 0.0].repeat(n) };
        let (cx, cy) = (truth.left + truth.w / 2.0, truth.top + truth.h / 2.0);
        let coded = [(cx - x) / side / 0.1, (cy - y) / side / 0.1, (truth.w / side).ln() / 0.2, (truth.h / side).ln() / 0.2];
        put(&mut loc, at, &coded);
        let coded: Vec<f32> = truth.points.iter().flat_map(|p| [(p.0 - x) / side / 0.1, (p.1 - y) / side / 0.1]).collect();
        put(&mut marks, at, &coded);
        let odds = (truth.score / (1.0 - truth.score)).ln();
        put(&mut conf, at, &if logits { [0.5 - odds, 0.5] } else { [1.0 - truth.score, truth.score] });
        let outputs = vec![second("loc", &[n, 4], &loc), second("conf", &[n, 2], &conf), second("landms", &[n, 10], &marks)];
        assert_found(&read(&Output::Retinaface(Retinaface { logits, ..retinaface() }), &outputs), &truth)?;
    }

    #[test]
    fn centerface_gives_back_what_was_encoded(truth in truth(), cell in 0..384_usize) {
        let n = cells(4);
        let (column, row) = ((cell % 24) as f32, (cell / 24) as f32);
        let (mut heat, mut scale, mut offset, mut marks) = (vec![0.0; n], vec![0.0; 2 * n], vec![0.0; 2 * n], vec![0.0; 10 * n]);
        heat[cell] = truth.score;
        (scale[cell], scale[n + cell]) = ((truth.h / 4.0).ln(), (truth.w / 4.0).ln());
        offset[cell] = (truth.top + truth.h / 2.0) / 4.0 - row - 0.5;
        offset[n + cell] = (truth.left + truth.w / 2.0) / 4.0 - column - 0.5;
        for (k, (x, y)) in truth.points.into_iter().enumerate() {
            marks[2 * k * n + cell] = (y - truth.top) / truth.h;
            marks[(2 * k + 1) * n + cell] = (x - truth.left) / truth.w;
        }
        let outputs = vec![
            second("heat", &[1, 16, 24], &heat), second("scale", &[2, 16, 24], &scale),
            second("offset", &[2, 16, 24], &offset), second("marks", &[10, 16, 24], &marks),
        ];
        assert_found(&read(&centerface(), &outputs), &truth)?;
    }

    #[test]
    fn ultraface_and_yolov8_give_back_what_was_encoded(truth in truth(), cell in 0..50_usize) {
        let (mut scores, mut boxes) = ([1.0, 0.0].repeat(50), vec![0.0; 200]);
        put(&mut scores, cell, &[1.0 - truth.score, truth.score]);
        let corners = [truth.left, truth.top, truth.left + truth.w, truth.top + truth.h];
        put(&mut boxes, cell, &[corners[0] / 96.0, corners[1] / 64.0, corners[2] / 96.0, corners[3] / 64.0]);
        let outputs = vec![second("scores", &[50, 2], &scores), second("boxes", &[50, 4], &boxes)];
        assert_found(&read(&ultraface(), &outputs), &truth)?;

        let mut values = vec![0.0; 21 * 50];
        let mut column = vec![truth.left + truth.w / 2.0, truth.top + truth.h / 2.0, truth.w, truth.h, 0.1, truth.score];
        column.extend(truth.points.iter().flat_map(|p| [p.0, p.1, 1.0]));
        column.iter().enumerate().for_each(|(row, value)| values[row * 50 + cell] = *value);
        let found = read(&yolov8(), &vec![second("output0", &[21, 50], &values)]);
        assert_found(&found, &truth)?;
        prop_assert_eq!(found[0].class, 1);
    }

    #[test]
    fn nonsense_from_a_network_never_comes_out(seed: u64) {
        let mut random = fastrand::Rng::with_seed(seed);
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -1e30, 0.0, 0.9, 1.0, 200.0];
        let mut fill = |name: &str, dims: &[usize]| {
            let count: usize = dims.iter().product();
            let item: Vec<f32> = (0..count).map(|_| odd[random.usize(..odd.len())]).collect();
            second(name, dims, &item)
        };
        let mut outputs = vec![
            fill("heat", &[384]), fill("scale", &[768]), fill("offset", &[768]), fill("marks", &[3840]),
            fill("scores", &[50, 2]), fill("boxes", &[50, 4]), fill("output0", &[21, 50]),
            fill("loc", &[252, 4]), fill("conf", &[252, 2]), fill("landms", &[252, 10]),
        ];
        let mut named = Vec::new();
        for stride in STRIDES {
            for (name, each) in [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)] {
                named.push(fill(&format!("{name}_{stride}"), &[cells(stride), each]));
            }
        }
        outputs.append(&mut named);
        for output in [yunet(), Output::Retinaface(retinaface()), centerface(), ultraface(), yolov8()] {
            for face in read(&output, &outputs) {
                let numbers = [face.bbox.x, face.bbox.y, face.bbox.w, face.bbox.h, face.bbox.right(), face.score];
                prop_assert!(numbers.iter().all(|v| v.is_finite()), "{output:?} gave {face:?}");
                prop_assert!(face.points.iter().flatten().all(|p| p.x.is_finite() && p.y.is_finite()));
                prop_assert!(face.bbox.w > 0.0 && face.bbox.h > 0.0);
            }
        }
    }
}
