//! The manifest as a whole: `models/<name>/model.toml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Input, Output};
use crate::scene::Size;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Finds faces.
    Detect,
    /// Turns a face into an embedding.
    Recognize,
    /// Tells a live face from a picture of one.
    Liveness,
    /// Whether one eye is open.
    Eye,
    /// 68 points on a face.
    Landmarks,
    /// Yaw, pitch and roll of a head.
    Pose,
    /// Age in years.
    Age,
    /// Female or male.
    Gender,
    /// Whether a picture was generated.
    Deepfake,
    /// What a picture shows, for moderation.
    Content,
}

/// One model: everything known of it, except the weights themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelManifest {
    /// Its name, the same as its folder's.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// One line for a person.
    pub summary: String,
    /// Where the weights are fetched from. Absent for files put there by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Under which terms it may be used. A model without is refused unless the deployment allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// What it wants to see.
    pub input: Input,
    /// What its outputs mean.
    pub output: Output,
    /// Its variants; the first is the reference that others are compared with.
    pub variant: Vec<Variant>,
}

/// Which package holds the weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// `pypi:name==version` or `npm:name@version`.
    pub package: String,
    /// The file in it, when there is just one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// That file's checksum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The files in it, when there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<SourceFile>,
}

/// One of several files of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// Path in the package.
    pub member: String,
    /// Its checksum.
    pub sha256: String,
}

/// Terms of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Of the package the file came in.
    pub code: String,
    /// Of the weights; `undocumented` is a statement too, and shown as such.
    pub weights: String,
    /// Whether commercial use is allowed.
    pub commercial: Commercial,
    /// What else one must know before using it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Whether commercial use is allowed: `true`, `false` or `"unclear"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Commercial {
    /// Known.
    Stated(bool),
    /// Nobody wrote it down.
    Open(Unclear),
}

/// The word `"unclear"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unclear {
    /// Ask before use.
    Unclear,
}

/// Number format of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats.
    Fp32,
    /// 16-bit floats inside, 32-bit at the edges.
    Fp16,
    /// 8-bit integers inside (QDQ), floats at the edges.
    Int8,
}

impl Precision {
    /// The word in a manifest.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
        }
    }
}

/// One precision at one input size in one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name within the model, such as `fp32-640x384`.
    pub id: String,
    /// Number format.
    pub precision: Precision,
    /// Width and height of the input in pixels.
    #[serde(with = "pair")]
    #[schemars(with = "[u32; 2]")]
    pub size: Size,
    /// File name next to the manifest.
    pub file: String,
    /// Its checksum, 64 hexadecimal digits; empty when not recorded, and then refused.
    #[serde(default)]
    pub sha256: String,
    /// Its length in bytes; 0 when not recorded.
    #[serde(default)]
    pub bytes: u64,
    /// How good it is next to the model's best, 0 to 1: what the governor trades for memory and time.
    #[serde(default = "whole")]
    pub quality: f32,
    /// Whether the batch dimension is free; otherwise it is 1.
    #[serde(default)]
    pub dynamic_batch: bool,
    /// How far its results may lie from the reference.
    #[serde(default)]
    pub tolerance: Tolerance,
    /// Other variants whose embeddings it may be compared with; `flyball models verify` measures that claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compatible_with: Vec<String>,
}

/// How far results may lie from the reference; each kind of output uses its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Embeddings: least cosine.
    pub cosine: Option<f32>,
    /// Boxes: least intersection over union.
    pub iou: Option<f32>,
    /// Probabilities: largest difference.
    pub score: Option<f32>,
    /// Age: largest difference in years.
    pub years: Option<f32>,
    /// Points: largest difference, as a part of the crop's side.
    pub points: Option<f32>,
    /// Angles: largest difference in degrees.
    pub degrees: Option<f32>,
}

impl ModelManifest {
    /// The variant of that name.
    pub fn variant(&self, id: &str) -> Option<&Variant> {
        self.variant.iter().find(|v| v.id == id)
    }

    /// The variant all others are compared with: the first.
    pub fn reference(&self) -> Option<&Variant> {
        self.variant.first()
    }

    /// The space that embeddings of this variant live in; `None` for models that make none. A variant shares the model's
    /// space when it is the reference, has the reference's very file, or is declared compatible with it.
    pub fn space(&self, variant: &Variant) -> Option<String> {
        let Output::Embedding(embedding) = &self.output else {
            return None;
        };
        let reference = self.reference()?;
        let same_weights = variant.id == reference.id || variant.file == reference.file;
        let shares = same_weights || variant.compatible_with.contains(&reference.id);
        Some(if shares { embedding.space.clone() } else { format!("{}/{}", embedding.space, variant.id) })
    }
}

impl Variant {
    /// Whether a checksum is recorded.
    pub fn has_checksum(&self) -> bool {
        !self.sha256.is_empty()
    }
}

impl Commercial {
    /// One word for a table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stated(true) => "yes",
            Self::Stated(false) => "no",
            Self::Open(Unclear::Unclear) => "unclear",
        }
    }
}

fn whole() -> f32 {
    1.0
}

/// A size written as `[width, height]`.
pub(super) mod pair {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::scene::Size;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's `with` passes a reference")]
    pub(in super::super) fn serialize<S: Serializer>(size: &Size, to: S) -> Result<S::Ok, S::Error> {
        [size.w, size.h].serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Size, D::Error> {
        <[u32; 2]>::deserialize(from).map(|[w, h]| Size::new(w, h))
    }
}
