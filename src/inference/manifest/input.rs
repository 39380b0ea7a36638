//! What a network wants to see: size, channel order, normalisation, and how a picture or a face is fitted to that size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scene::Size;

/// Where right eye, left eye, nose, right and left mouth corner lie in a 112x112 ArcFace crop, in pixels.
/// Source: the alignment template published with InsightFace's ArcFace.
const ARCFACE5: [[f32; 2]; 5] =
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]];

/// Side of the crop [`ARCFACE5`] is given in, pixels.
const ARCFACE_SIDE: f32 = 112.0;

/// Right and left eye centre in dlib's unit face chip. Source: dlib's `get_face_chip_details`, its 5-point model.
const DLIB_EYES: [[f32; 2]; 2] = [[0.2273, 0.2214], [0.7528, 0.2212]];

/// dlib's own default padding round a face chip, as a part of its side.
const DLIB_PADDING: f32 = 0.25;

/// The `[input]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The network's own name for its one input.
    pub name: String,
    /// Order of the dimensions.
    pub layout: Layout,
    /// Order of the colour channels.
    pub channels: Channels,
    /// Width and height of the preferred variant, in pixels; each variant states its own.
    #[serde(with = "super::model::pair")]
    #[schemars(with = "[u32; 2]")]
    pub size: Size,
    /// Subtracted from each pixel value (0 to 255): one number, or one a channel in the order of `channels`.
    pub mean: PerChannel,
    /// Multiplied afterwards: tensor = (pixel - mean) * scale.
    pub scale: PerChannel,
    /// How pictures come to size.
    pub fit: Fit,
    /// Required by `fit = "align"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub align: Option<Align>,
    /// Required by `fit = "crop"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
}

/// Order of dimensions: batch, channel, row, column is the only one supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channels, height, width.
    Nchw,
}

/// Order of the colour channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// Blue, green, red.
    Bgr,
    /// Red, green, blue.
    Rgb,
    /// Luma alone.
    Gray,
}

/// One number for all channels, or one for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PerChannel {
    /// The same for all.
    All(f32),
    /// One a channel, in the order of `channels`; a gray input uses the first.
    Each(Vec<f32>),
}

/// How a picture or a face comes to the network's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Scaled evenly, put top left, the rest black.
    LetterboxTopLeft,
    /// Scaled evenly, centred, the rest black.
    LetterboxCenter,
    /// Scaled unevenly to fill.
    Stretch,
    /// A face turned and scaled so that its landmarks meet a template.
    Align,
    /// The face box grown by a factor, moved inside the picture, stretched to size.
    Crop,
}

/// The template a face is aligned to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "template", rename_all = "snake_case", deny_unknown_fields)]
pub enum Align {
    /// Five points onto five places, least squares (ArcFace family).
    Arcface5 {
        /// Side in pixels of the crop that `points` are given in.
        #[serde(default = "arcface_side")]
        reference_size: f32,
        /// Right eye, left eye, nose, right and left mouth corner (right as the person has it: left in the picture).
        #[serde(default = "arcface5")]
        points: [[f32; 2]; 5],
    },
    /// The two eye centres onto two places: position = (eye + padding) / (2 * padding + 1) * size.
    DlibEyes {
        /// Right and left eye centre in the unit chip.
        #[serde(default = "dlib_eyes")]
        eyes: [[f32; 2]; 2],
        /// Added on every side, as a part of the chip's side.
        #[serde(default = "dlib_padding")]
        padding: f32,
    },
}

/// How much of the surroundings a cropped face keeps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Factor by which the box is grown about its centre.
    pub scale: f32,
}

impl Channels {
    /// How many there are.
    pub const fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Bgr | Self::Rgb => 3,
        }
    }
}

impl PerChannel {
    /// The number for one channel; a missing one repeats the last.
    pub fn of(&self, channel: usize) -> f32 {
        match self {
            Self::All(one) => *one,
            Self::Each(each) => each.get(channel).or(each.last()).copied().unwrap_or(0.0),
        }
    }

    /// Every number given.
    pub fn given(&self) -> &[f32] {
        match self {
            Self::All(one) => std::slice::from_ref(one),
            Self::Each(each) => each,
        }
    }
}

impl Input {
    /// Shape of a batch of `items` at `size`: `[n, c, h, w]`.
    pub fn shape(&self, items: usize, size: Size) -> [usize; 4] {
        [items, self.channels.count(), size.h as usize, size.w as usize]
    }
}

impl Align {
    /// Where the landmarks go in a square crop of `side` pixels: five points, or the two eyes.
    pub fn targets(&self, side: f32) -> Vec<[f32; 2]> {
        match self {
            Self::Arcface5 { reference_size, points } => {
                points.iter().map(|p| p.map(|v| v * side / reference_size)).collect()
            }
            Self::DlibEyes { eyes, padding } => {
                let place = |v: f32| (v + padding) / (2.0 * padding + 1.0) * side;
                eyes.iter().map(|p| p.map(place)).collect()
            }
        }
    }
}

fn arcface_side() -> f32 {
    ARCFACE_SIDE
}

fn arcface5() -> [[f32; 2]; 5] {
    ARCFACE5
}

fn dlib_eyes() -> [[f32; 2]; 2] {
    DLIB_EYES
}

fn dlib_padding() -> f32 {
    DLIB_PADDING
}
