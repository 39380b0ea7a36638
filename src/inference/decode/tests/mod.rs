//! Decoders against straightforward references: faces are encoded by the inverse of each family's published formula, written
//! out here, and must come back; and whatever a network answers, no number that is not finite comes out.

mod detectors;
mod small;

use crate::{
    inference::{
        OutputTensor,
        manifest::{Centerface, Output, OutputNames, Retinaface, Scrfd, Ultraface, Yolov8, Yunet},
    },
    memory::Size,
};

pub(super) const INPUT: Size = Size::new(96, 64);
pub(super) const STRIDES: [u32; 3] = [8, 16, 32];

pub(super) fn template(text: &str) -> OutputNames {
    OutputNames::Template(text.to_owned())
}

pub(super) fn yunet() -> Output {
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

pub(super) fn scrfd() -> Output {
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

pub(super) fn retinaface() -> Retinaface {
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

pub(super) fn centerface() -> Output {
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

pub(super) fn ultraface() -> Output {
    Output::Ultraface(Ultraface {
        scores: "scores".to_owned(),
        boxes: "boxes".to_owned(),
        score_threshold: 0.7,
        nms_iou: 0.3,
    })
}

pub(super) fn yolov8() -> Output {
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
pub(super) fn second(name: impl Into<String>, dims: &[usize], item: &[f32]) -> OutputTensor {
    let shape: Vec<usize> = std::iter::once(2).chain(dims.iter().copied()).collect();
    let mut data = vec![0.0; item.len()];
    data.extend_from_slice(item);
    OutputTensor { name: name.into(), shape, data }
}
