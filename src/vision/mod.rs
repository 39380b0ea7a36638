//! Pure arithmetic on boxes, points and vectors: no clocks, no threads, no I/O.
//!
//! Read [`boxes`](iou) first. Following people rests on [`kalman`](BoxFilter), [`assignment`](assign) and
//! [`pace`](Pace), looking only when it may pay on [`motion`](Glimpse); recognising them on [`align`](Affine),
//! [`quality`](Quality) and [`similarity`](SpaceInfo). [`picture`](PictureFigures) is what a whole camera shows.
//! Next room up: `stages::track`, which follows faces, and `gallery`, which knows people.

mod align;
mod assignment;
mod boxes;
mod kalman;
mod motion;
mod pace;
mod picture;
mod quality;
mod similarity;

pub use align::{ARCFACE_TEMPLATE, Affine, CropRect, Degenerate, arcface_chip, dlib_chip, scaled_crop};
pub use assignment::{Costs, assign};
pub use boxes::{grown, iou, nms, overlap};
pub use kalman::BoxFilter;
pub use motion::{Glimpse, Luma};
pub use pace::Pace;
pub use picture::PictureFigures;
pub use quality::Quality;
pub use similarity::{Metric, SpaceError, SpaceInfo, distance, dot, unit};
