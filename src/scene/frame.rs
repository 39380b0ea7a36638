//! One decoded picture with its camera, its number and its time.

use std::sync::Arc;

use super::{CameraId, Capture, Size};
use crate::memory::Pixels;

/// A decoded picture. Cloning shares the pixels; a stage that changes them (redaction) swaps in a new buffer.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Who took it.
    pub camera: CameraId,
    /// Counts from 0 per camera and run; a gap means frames were dropped, which is always legal.
    pub sequence: u64,
    /// When it was taken.
    pub captured: Capture,
    /// The picture.
    pub pixels: Arc<Pixels>,
}

impl Frame {
    /// Size of the displayed picture.
    pub fn size(&self) -> Size {
        self.pixels.size()
    }
}
