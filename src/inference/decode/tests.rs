//! Decoders against straightforward references: faces are encoded by the inverse of each family's published formula, written
//! out here, and must come back; and whatever a network answers, no number that is not finite comes out.

use proptest::prelude::*;

use super::{DecodeError, DetectorHead, Proposal, angles, embedding, expectation, points, probabilities, suppress};
use crate::{
    inference::{
        OutputTensor, Outputs,
        manifest::{
            Bins, Centerface, Expectation, Metric, OneEmbedding, Output, OutputNames, PointUnit, Points, Retinaface,
            Scrfd, Softmax, Thresholds, Ultraface, Yolov8, Yunet,
        },
    },
    memory::Size,
    scene::{BBox, Point},
};

const INPUT: Size = Size::new(96, 64);
const STRIDES: [u32; 3] = [8, 16, 32];

fn template(text: &str) -> OutputNames {
    OutputNames::Template(text.to_owned())
}

fn yunet() -> Output {
    Output::Yunet(Yunet {
        strides: STRIDES.to_vec(),
        cls: template("cls_{stride}"),
        obj: template("obj_{stride}"),
        bbox: template("bbox_{stride}"),
        kps: template("kps_{stride}"),
        points: Vec::new(),
        score_threshold: 0.6,
        nms_iou: 0.3,
    })
}

fn scrfd() -> Output {
    Output::Scrfd(Scrfd {
        strides: STRIDES.to_vec(),
        anchors: 2,
        scores: template("score_{stride}"),
        bbox: template("bbox_{stride}"),
        kps: Some(template("kps_{stride}")),
        score_threshold: 0.5,
        nms_iou: 0.4,
    })
}

fn retinaface() -> Retinaface {
    Retinaface {
        strides: STRIDES.to_vec(),
        min_sizes: vec![vec![16.0, 32.0], vec![64.0, 128.0], vec![256.0, 512.0]],
        variance: [0.1, 0.2],
        boxes: "loc".to_owned(),
        scores: "conf".to_owned(),
        logits: false,
        landmarks: Some("landms".to_owned()),
        score_threshold: 0.5,
        nms_iou: 0.4,
    }
}

fn centerface() -> Output {
    Output::Centerface(Centerface {
        stride: 4,
        heatmap: "heat".to_owned(),
        scale: "scale".to_owned(),
        offset: "offset".to_owned(),
        landmarks: "marks".to_owned(),
        score_threshold: 0.5,
        nms_iou: 0.3,
    })
}

fn ultraface() -> Output {
    Output::Ultraface(Ultraface {
        scores: "scores".to_owned(),
        boxes: "boxes".to_owned(),
        score_threshold: 0.7,
        nms_iou: 0.3,
    })
}

fn yolov8() -> Output {
    Output::Yolov8(Yolov8 {
        name: "output0".to_owned(),
        score_threshold: 0.3,
        nms_iou: 0.45,
        classes: vec!["face".to_owned(), "hand".to_owned()],
        points: 5,
        point_values: 3,
    })
}

/// An output of two items, the first of which is all zero: decoders must look at the second.
fn second(name: impl Into<String>, dims: &[usize], item: &[f32]) -> OutputTensor {
    let shape: Vec<usize> = std::iter::once(2).chain(dims.iter().copied()).collect();
    let mut data = vec![0.0; item.len()];
    data.extend_from_slice(item);
    OutputTensor {
        name: name.into(),
        shape,
        data,
    }
}

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
    DetectorHead::new(output)
        .unwrap()
        .read(outputs, 1, INPUT, &mut found)
        .unwrap();
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

fn one(name: &str, item: &[f32]) -> Outputs {
    vec![second(name, &[item.len()], item)]
}

#[test]
fn the_best_of_each_heap_stays_and_classes_do_not_compete() {
    let at = |x: f32, score, class| Proposal {
        bbox: BBox::new(x, 0.0, 10.0, 10.0),
        points: None,
        score,
        class,
    };
    let mut found = vec![at(1.0, 0.7, 0), at(0.0, 0.9, 0), at(2.0, 0.8, 1), at(40.0, 0.6, 0)];
    suppress(&mut found, 0.3);
    let kept: Vec<f32> = found.iter().map(|p| p.score).collect();
    assert_eq!(kept, [0.9, 0.8, 0.6]);
}

#[test]
fn a_missing_output_and_a_wrong_length_are_told_by_name() {
    let mut found = Vec::new();
    let head = DetectorHead::new(&ultraface()).unwrap();
    let missing = head.read(&one("other", &[0.0; 4]), 1, INPUT, &mut found).unwrap_err();
    assert!(
        missing.to_string().contains("no output `scores`, only `other`"),
        "{missing}"
    );
    let short = vec![
        second("scores", &[2, 2], &[0.0; 4]),
        second("boxes", &[1, 4], &[0.0; 4]),
    ];
    let length = head.read(&short, 1, INPUT, &mut found).unwrap_err();
    assert_eq!(
        length,
        DecodeError::Length {
            name: "boxes".to_owned(),
            found: 4,
            wanted: 8
        }
    );
}

#[test]
fn a_head_is_refused_where_no_boxes_come_out() {
    let said = Output::Points(Points {
        name: "p".to_owned(),
        count: 1,
        unit: PointUnit::Crop,
    });
    let refused = DetectorHead::new(&said).unwrap_err();
    assert!(
        refused.to_string().contains("decoder `points` does not give boxes"),
        "{refused}"
    );
}

#[test]
fn probabilities_come_from_logits_or_as_they_are() {
    let mut chances = Vec::new();
    let mut said = Softmax {
        name: "o".to_owned(),
        logits: true,
        classes: vec!["live".to_owned(), "spoof".to_owned()],
        live_index: Some(0),
        inconclusive: None,
    };
    assert!(probabilities(&said, &one("o", &[1000.0, 1000.0 - 3.0_f32.ln()]), 1, &mut chances).unwrap());
    assert!((chances[0] - 0.75).abs() < 1e-4, "{chances:?}");
    assert!(!probabilities(&said, &one("o", &[f32::NAN, 0.0]), 1, &mut chances).unwrap());
    (said.logits, said.classes) = (false, vec!["synthetic".to_owned()]);
    assert!(probabilities(&said, &one("o", &[0.4]), 1, &mut chances).unwrap());
    assert_eq!(chances, [0.4]);
}

#[test]
fn ages_angles_points_and_vectors_follow_their_formulas() {
    let mut scratch = Vec::new();
    let age = Expectation {
        name: "o".to_owned(),
        logits: false,
        unit: "years".to_owned(),
        values: vec![10.0, 20.0, 40.0],
    };
    assert_eq!(
        expectation(&age, &one("o", &[0.5, 0.25, 0.25]), 1, &mut scratch).unwrap(),
        Some(20.0)
    );
    assert_eq!(
        expectation(&age, &one("o", &[0.0, 0.0, 0.0]), 1, &mut scratch).unwrap(),
        None
    );

    let names = ["yaw", "pitch", "roll"].map(str::to_owned);
    let outputs: Outputs = names
        .iter()
        .zip([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]])
        .map(|(n, v)| second(n, &[3], &v))
        .collect();
    let [yaw, pitch, roll] = names;
    let bins = Bins {
        logits: false,
        yaw,
        pitch,
        roll,
        bins: 3,
        degrees_per_bin: 3.0,
        offset: -3.0,
    };
    let head = angles(&bins, &outputs, 1, &mut scratch).unwrap().unwrap();
    assert_eq!((head.yaw, head.pitch, head.roll), (-3.0, 0.0, 3.0));

    let said = Points {
        name: "o".to_owned(),
        count: 2,
        unit: PointUnit::Crop,
    };
    let mut found = Vec::new();
    assert!(points(&said, &one("o", &[0.5, 0.25, 1.0, 0.0]), 1, INPUT, &mut found).unwrap());
    assert_eq!(found, [Point::new(48.0, 16.0), Point::new(96.0, 0.0)]);

    let mut said = OneEmbedding {
        name: "o".to_owned(),
        dims: 2,
        normalise: true,
        metric: Metric::Cosine,
        space: "s".to_owned(),
        thresholds: Thresholds {
            known: 0.5,
            margin: 0.1,
        },
    };
    assert!(embedding(&said, &one("o", &[3.0, 4.0]), 1, &mut scratch).unwrap());
    assert_eq!(scratch, [0.6, 0.8]);
    said.normalise = false;
    assert!(embedding(&said, &one("o", &[3.0, 4.0]), 1, &mut scratch).unwrap());
    assert_eq!(scratch, [3.0, 4.0]);
    for broken in [[f32::NAN, 1.0], [0.0, 0.0], [f32::INFINITY, 1.0]] {
        assert!(!embedding(&said, &one("o", &broken), 1, &mut scratch).unwrap());
    }
}
