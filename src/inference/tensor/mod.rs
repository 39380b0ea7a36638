//! From a frame's planes to the floats a network wants, in one pass: no RGB picture of the frame is ever made.
//!
//! [`format`] says what the network wants; [`placement`] where the frame (or a crop of it) lands in the tensor; [`resize`]
//! fills an upright rectangle, [`warp`] a turned one. Below them, [`axis`] and [`color`] hold the numbers, [`rows`] the inner
//! loops, and [`avx2`](self) the same loops eight pixels at a time. [`letterbox`] and [`cuda`](self) do the same on a GPU for
//! NV12 frames. Next: `decode`, which reads what the network answers.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod axis;
mod color;
#[cfg(feature = "cuda")]
pub mod cuda;
mod format;
mod item;
mod letterbox;
mod placement;
mod resize;
mod rows;
#[cfg(test)]
mod tests;
mod vectors;
mod warp;

pub use format::{Border, TensorFormat};
pub use letterbox::{LETTERBOX_KERNEL, LETTERBOX_OPTIONS, LETTERBOX_SOURCE, Letterbox};
pub use placement::{Anchor, Placement, Rect};
pub use resize::Resizer;
pub use warp::warp;
