//! Frames and packets out of thin air, for tests of whatever moves or enriches them.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use crate::memory::{Pixels, Size};
use crate::scene::{CameraId, Capture, Frame, Packet};

/// The present, for tests that need some instant to count from.
#[allow(clippy::disallowed_methods, reason = "tests start their clocks here")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A tiny black frame.
pub(crate) fn frame(camera: &str, sequence: u64) -> Frame {
    let size = Size::new(2, 2);
    let pixels = Pixels::rgb(size, vec![0; 12]).expect("12 bytes are a 2x2 picture");
    let captured = Capture::on_arrival(now(), SystemTime::UNIX_EPOCH, None);
    Frame { camera: CameraId::new(camera).expect("a valid id"), sequence, captured, pixels: Arc::new(pixels) }
}

/// A packet around a tiny black frame, without a permit.
pub(crate) fn packet(camera: &str, sequence: u64) -> Packet {
    Packet::unbounded(frame(camera, sequence))
}
