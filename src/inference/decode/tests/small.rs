//! Suppression, refusals, and the networks that look at one face.

use super::{INPUT, second, ultraface};
use crate::{
    inference::{
        Outputs,
        decode::{
            DecodeError, DetectorHead, Proposal, angles, embedding, expectation, points, probabilities, suppress,
        },
        manifest::{Bins, Expectation, Metric, OneEmbedding, Output, PointUnit, Points, Softmax, Thresholds},
    },
    scene::{BBox, Point},
};

fn one(name: &str, item: &[f32]) -> Outputs {
    vec![second(name, &[item.len()], item)]
}

#[test]
fn the_best_of_each_heap_stays_and_classes_do_not_compete() {
    let at = |x: f32, score, class| Proposal { bbox: BBox::new(x, 0.0, 10.0, 10.0), points: None, score, class };
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
    assert!(missing.to_string().contains("no output `scores`, only `other`"), "{missing}");
    let short = vec![second("scores", &[2, 2], &[0.0; 4]), second("boxes", &[1, 4], &[0.0; 4])];
    let length = head.read(&short, 1, INPUT, &mut found).unwrap_err();
    assert_eq!(length, DecodeError::Length { name: "boxes".to_owned(), found: 4, wanted: 8 });
}

#[test]
fn a_head_is_refused_where_no_boxes_come_out() {
    let said = Output::Points(Points { name: "p".to_owned(), count: 1, unit: PointUnit::Crop });
    let refused = DetectorHead::new(&said).unwrap_err();
    assert!(refused.to_string().contains("decoder `points` does not give boxes"), "{refused}");
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
    let age =
        Expectation { name: "o".to_owned(), logits: false, unit: "years".to_owned(), values: vec![10.0, 20.0, 40.0] };
    assert_eq!(expectation(&age, &one("o", &[0.5, 0.25, 0.25]), 1, &mut scratch).unwrap(), Some(20.0));
    assert_eq!(expectation(&age, &one("o", &[0.0, 0.0, 0.0]), 1, &mut scratch).unwrap(), None);

    let names = ["yaw", "pitch", "roll"].map(str::to_owned);
    let outputs: Outputs = names
        .iter()
        .zip([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 9.0]])
        .map(|(n, v)| second(n, &[3], &v))
        .collect();
    let [yaw, pitch, roll] = names;
    let bins = Bins { logits: false, yaw, pitch, roll, bins: 3, degrees_per_bin: 3.0, offset: -3.0 };
    let head = angles(&bins, &outputs, 1, &mut scratch).unwrap().unwrap();
    assert_eq!((head.yaw, head.pitch, head.roll), (-3.0, 0.0, 3.0));

    let said = Points { name: "o".to_owned(), count: 2, unit: PointUnit::Crop };
    let mut found = Vec::new();
    assert!(points(&said, &one("o", &[0.5, 0.25, 1.0, 0.0]), 1, INPUT, &mut found).unwrap());
    assert_eq!(found, [Point::new(48.0, 16.0), Point::new(96.0, 0.0)]);

    let mut said = OneEmbedding {
        name: "o".to_owned(),
        dims: 2,
        normalise: true,
        metric: Metric::Cosine,
        space: "s".to_owned(),
        thresholds: Thresholds { known: 0.5, margin: 0.1 },
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
