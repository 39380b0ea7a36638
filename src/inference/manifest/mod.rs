//! What a model's `model.toml` says: where the weights come from and under which terms, what the network wants to see,
//! what its outputs mean, and in which variants it exists.
//!
//! [`model`] is the file as a whole, [`input`] and [`output`] its two halves that are data for the pixel pass and the
//! decoders, [`expected`] the outputs a file must therefore have, [`problem`] what a person is told, [`check`] the rules beyond mere syntax, [`catalogue`] a folder of models, [`weights`] whether a file may be used.
//! Next: `backend`, which opens the files named here.

mod catalogue;
mod check;
mod expected;
mod input;
mod model;
mod output;
mod problem;
mod weights;

#[cfg(test)]
mod tests;

pub use catalogue::{Catalogue, Model};
pub use expected::{Dim, ExpectedOutput};
pub use input::{Align, Channels, Crop, Fit, Input, Layout, PerChannel};
pub use model::{Commercial, Licence, ModelManifest, Precision, Role, Source, SourceFile, Tolerance, Unclear, Variant};
pub use output::{
    Bins, Centerface, Expectation, Metric, OneEmbedding, Output, OutputNames, PointUnit, Points, Retinaface, Scrfd,
    Softmax, Thresholds, Ultraface, Yolov8, Yunet,
};
pub use problem::ManifestProblem;
pub use weights::sha256;
