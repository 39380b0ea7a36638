//! What travels on an edge: a frame, the faces found on it, and the permit that bounds how many are in flight.

use super::{Content, FaceObservation, Finding, Frame};
use crate::memory::InFlight;

/// One frame on its walk through the graph. Dropping it gives its permit back: that is the "finished" signal.
#[derive(Debug)]
pub struct Packet {
    /// The picture.
    pub frame: Frame,
    /// What was found on it so far.
    pub faces: Vec<FaceObservation>,
    /// What moderation found on it.
    pub content: Content,
    /// Whether a detector looked at this frame; `false` means the tracker filled in.
    pub detected: bool,
    /// Held until the packet is dropped. Memory and latency are bounded by how many of these exist.
    pub permit: Option<InFlight>,
}

impl Packet {
    /// A packet fresh from the lanes.
    pub fn new(frame: Frame, permit: InFlight) -> Self {
        Self { frame, faces: Vec::new(), content: Finding::NotAsked, detected: false, permit: Some(permit) }
    }

    /// A packet outside any graph, for tests and tools.
    pub fn unbounded(frame: Frame) -> Self {
        Self { frame, faces: Vec::new(), content: Finding::NotAsked, detected: false, permit: None }
    }

    /// A copy for a side branch: shares the pixels, holds no permit, so that a slow viewer cannot hold up analysis.
    pub fn branched(&self) -> Self {
        Self {
            frame: self.frame.clone(),
            faces: self.faces.clone(),
            content: self.content.clone(),
            detected: self.detected,
            permit: None,
        }
    }
}
