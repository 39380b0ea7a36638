//! What a network's outputs mean: the decoder's name and its data. The arithmetic is in the decoders; here is only what a
//! person writes, and which outputs a file must have to fit that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::vision::Metric;

/// The `[output]` table, by decoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "decoder", rename_all = "snake_case")]
pub enum Output {
    /// YuNet: class, objectness, box and points for each stride.
    Yunet(Yunet),
    /// CenterFace: a heat map with scale, offset and points.
    Centerface(Centerface),
    /// UltraFace: scores and boxes, already decoded.
    Ultraface(Ultraface),
    /// YOLOv8: one tensor of boxes, class scores and perhaps points.
    Yolov8(Yolov8),
    /// SCRFD: scores and distances to the sides for each stride.
    Scrfd(Scrfd),
    /// RetinaFace: offsets against prior boxes.
    Retinaface(Retinaface),
    /// A face as a vector.
    Embedding(OneEmbedding),
    /// One probability a class.
    Softmax(Softmax),
    /// The mean over probabilities of values.
    Expectation(Expectation),
    /// Points on a face.
    Points(Points),
    /// Three angles, each as probabilities over bins.
    Bins(Bins),
}

impl Output {
    /// A detector's score threshold (0 to 1); `None` for other decoders.
    pub const fn score_threshold(&self) -> Option<f32> {
        match self {
            Self::Yunet(said) => Some(said.score_threshold),
            Self::Centerface(said) => Some(said.score_threshold),
            Self::Ultraface(said) => Some(said.score_threshold),
            Self::Yolov8(said) => Some(said.score_threshold),
            Self::Scrfd(said) => Some(said.score_threshold),
            Self::Retinaface(said) => Some(said.score_threshold),
            Self::Embedding(_) | Self::Softmax(_) | Self::Expectation(_) | Self::Points(_) | Self::Bins(_) => None,
        }
    }

    /// Replaces a detector's score threshold (0 to 1); nothing happens for other decoders.
    pub fn set_score_threshold(&mut self, threshold: f32) {
        match self {
            Self::Yunet(said) => said.score_threshold = threshold,
            Self::Centerface(said) => said.score_threshold = threshold,
            Self::Ultraface(said) => said.score_threshold = threshold,
            Self::Yolov8(said) => said.score_threshold = threshold,
            Self::Scrfd(said) => said.score_threshold = threshold,
            Self::Retinaface(said) => said.score_threshold = threshold,
            Self::Embedding(_) | Self::Softmax(_) | Self::Expectation(_) | Self::Points(_) | Self::Bins(_) => {}
        }
    }
}

/// Names of one output a stride: a template with `{stride}` in it, or a list in the order of the strides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OutputNames {
    /// Such as `cls_{stride}`.
    Template(String),
    /// Such as `["443", "468", "493"]`.
    List(Vec<String>),
}

/// YuNet's head. Per stride s and cell (x, y): score = sqrt(cls * obj), centre = (cell + b01) * s, size = exp(b23) * s,
/// point = (cell + k) * s. Source: OpenCV's FaceDetectorYN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Yunet {
    /// Pixels a cell, finest first.
    pub strides: Vec<u32>,
    /// Class scores, `[n, cells, 1]`.
    pub cls: OutputNames,
    /// Objectness, `[n, cells, 1]`.
    pub obj: OutputNames,
    /// Boxes, `[n, cells, 4]`.
    pub bbox: OutputNames,
    /// Five points, `[n, cells, 10]`.
    pub kps: OutputNames,
    /// Names of the points, for people; the order is fixed.
    #[serde(default)]
    pub points: Vec<String>,
    /// Least score kept, 0 to 1.
    pub score_threshold: f32,
    /// Overlap above which the lower score goes.
    pub nms_iou: f32,
}

/// CenterFace's head: size = exp(scale) * stride (height first), centre = (cell + offset + 0.5) * stride (y first), points
/// relative to the box corner in units of the box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Centerface {
    /// Pixels a cell.
    pub stride: u32,
    /// Scores, `[n, 1, rows, columns]`.
    pub heatmap: String,
    /// Log sizes, `[n, 2, rows, columns]`.
    pub scale: String,
    /// Offsets within the cell, `[n, 2, rows, columns]`.
    pub offset: String,
    /// Five points, y before x, `[n, 10, rows, columns]`.
    pub landmarks: String,
    /// Least score kept, 0 to 1.
    pub score_threshold: f32,
    /// Overlap above which the lower score goes.
    pub nms_iou: f32,
}

/// UltraFace's head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ultraface {
    /// Background and face, `[n, boxes, 2]`.
    pub scores: String,
    /// Left, top, right, bottom as parts of the input, `[n, boxes, 4]`.
    pub boxes: String,
    /// Least score kept, 0 to 1.
    pub score_threshold: f32,
    /// Overlap above which the lower score goes.
    pub nms_iou: f32,
}

/// A YOLOv8 head: `[n, 4 + classes + points * point_values, cells]`; centre x, centre y, width, height in input pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Yolov8 {
    /// The one output.
    pub name: String,
    /// Least score kept, 0 to 1.
    pub score_threshold: f32,
    /// Overlap above which the lower score goes.
    pub nms_iou: f32,
    /// Class names, in order.
    pub classes: Vec<String>,
    /// How many points follow the classes (YOLO-face: 5).
    #[serde(default)]
    pub points: usize,
    /// Numbers a point: 2 (x, y) or 3 (x, y, visibility).
    #[serde(default = "three")]
    pub point_values: usize,
}

/// An SCRFD head. Per anchor at the cell's corner: left, top, right, bottom = distances in strides; points = offsets in
/// strides. Source: InsightFace SCRFD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scrfd {
    /// Pixels a cell, finest first.
    pub strides: Vec<u32>,
    /// Anchors a cell.
    #[serde(default = "two")]
    pub anchors: usize,
    /// Scores, `[n, cells * anchors, 1]`, already probabilities.
    pub scores: OutputNames,
    /// Distances, `[n, cells * anchors, 4]`.
    pub bbox: OutputNames,
    /// Five points, `[n, cells * anchors, 10]`; absent for files without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kps: Option<OutputNames>,
    /// Least score kept, 0 to 1.
    pub score_threshold: f32,
    /// Overlap above which the lower score goes.
    pub nms_iou: f32,
}

/// A RetinaFace head. Against prior boxes: centre = prior + loc * variance₀ * size, size = size * exp(loc * variance₁).
/// Source: Deng et al., "RetinaFace", 2019, and SSD's box coding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retinaface {
    /// Pixels a cell, finest first.
    pub strides: Vec<u32>,
    /// Sides of the prior boxes of each stride, in pixels.
    pub min_sizes: Vec<Vec<f32>>,
    /// Factors of centre and size.
    #[serde(default = "retinaface_variance")]
    pub variance: [f32; 2],
    /// Box offsets, `[n, priors, 4]`.
    pub boxes: String,
    /// Background and face, `[n, priors, 2]`.
    pub scores: String,
    /// Whether the scores still need a softmax.
    #[serde(default)]
    pub logits: bool,
    /// Five points, `[n, priors, 10]`; absent for files without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landmarks: Option<String>,
    /// Least score kept, 0 to 1.
    pub score_threshold: f32,
    /// Overlap above which the lower score goes.
    pub nms_iou: f32,
}

/// An embedding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OneEmbedding {
    /// The output, `[n, dims]`.
    pub name: String,
    /// Length of the vector.
    pub dims: usize,
    /// Whether vectors are brought to unit length before they are compared.
    #[serde(default)]
    pub normalise: bool,
    /// How two are compared.
    pub metric: Metric,
    /// Name of the space they live in: the model family.
    pub space: String,
    /// When two are one person.
    pub thresholds: Thresholds,
}

/// When two embeddings are one person, in units of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Cosine from which, or distance up to which, they are.
    pub known: f32,
    /// By how much the best person must beat the second.
    pub margin: f32,
}

/// One probability a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    /// The output, `[n, classes]`.
    pub name: String,
    /// Whether a softmax is still to be taken.
    pub logits: bool,
    /// Class names, in order.
    pub classes: Vec<String>,
    /// Which of them means "live".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_index: Option<usize>,
    /// Probabilities between these two say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inconclusive: Option<[f32; 2]>,
}

/// The mean over probabilities of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The output, `[n, values]`.
    pub name: String,
    /// Whether a softmax is still to be taken.
    pub logits: bool,
    /// Unit of the values, for people.
    pub unit: String,
    /// What each probability stands for.
    pub values: Vec<f32>,
}

/// Points on a face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// The output: x, y, x, y …, `[n, 2 * count]`.
    pub name: String,
    /// How many.
    pub count: usize,
    /// In what the coordinates are given.
    pub unit: PointUnit,
}

/// In what coordinates are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointUnit {
    /// Parts of the crop, 0 to 1.
    Crop,
    /// Pixels of the crop.
    Pixels,
}

/// Three angles: degrees = sum(probability * bin index) * `degrees_per_bin` + offset. Source: Ruiz et al., "HopeNet", 2018.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bins {
    /// Whether a softmax is still to be taken.
    pub logits: bool,
    /// Output for yaw, `[n, bins]`.
    pub yaw: String,
    /// Output for pitch.
    pub pitch: String,
    /// Output for roll.
    pub roll: String,
    /// Bins an angle.
    pub bins: usize,
    /// Degrees from one bin to the next.
    pub degrees_per_bin: f32,
    /// Degrees of bin 0.
    pub offset: f32,
}

impl OutputNames {
    /// The name for the stride at `index`; empty when the list is too short.
    pub fn name(&self, index: usize, stride: u32) -> String {
        match self {
            Self::Template(text) => text.replace("{stride}", &stride.to_string()),
            Self::List(names) => names.get(index).cloned().unwrap_or_default(),
        }
    }
}

fn two() -> usize {
    2
}

fn three() -> usize {
    3
}

fn retinaface_variance() -> [f32; 2] {
    [0.1, 0.2]
}
