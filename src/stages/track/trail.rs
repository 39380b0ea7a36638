//! One face followed through time: its motion, its number, and how far it is believed.

use std::time::Duration;

use crate::{
    scene::{BBox, FaceObservation, Landmarks5, Point, TrackId, TrackPhase, TrackState},
    vision::BoxFilter,
};

/// What is known of one followed face.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    id: TrackId,
    phase: TrackPhase,
    hits: u32,
    filter: BoxFilter,
    /// Stream time the filter stands at.
    at: Duration,
    /// Stream time of the last detection, and what it looked like.
    seen: Duration,
    bbox: BBox,
    landmarks: Option<Landmarks5>,
    score: f32,
    /// Whether the last look at the camera's picture found it, and whether the one before did.
    found: bool,
    in_sight: bool,
}

impl Trail {
    /// Begins with a first detection at stream time `at`.
    pub(super) fn begin(id: TrackId, face: &FaceObservation, at: Duration, confirm_hits: u32) -> Self {
        Self {
            id,
            phase: phase(1, confirm_hits),
            hits: 1,
            filter: BoxFilter::new(face.bbox),
            at,
            seen: at,
            bbox: face.bbox,
            landmarks: face.landmarks,
            score: face.score,
            found: true,
            in_sight: true,
        }
    }

    /// Moves the filter to stream time `at`.
    pub(super) fn foresee(&mut self, at: Duration) {
        self.filter.predict(at.saturating_sub(self.at).as_secs_f32());
        self.at = at;
    }

    /// Takes in a detection of this face on the frame the filter stands at.
    pub(super) fn hit(&mut self, face: &FaceObservation, confirm_hits: u32) {
        self.filter.update(face.bbox);
        self.hits = self.hits.saturating_add(1);
        if !self.confirmed() {
            self.phase = phase(self.hits, confirm_hits);
        }
        self.seen = self.at;
        self.bbox = face.bbox;
        self.landmarks = face.landmarks;
        self.score = face.score;
        self.found = true;
    }

    /// The detector looked at a new picture; [`hit`](Self::hit) says if it found this face.
    pub(super) fn look(&mut self) {
        self.in_sight = self.found;
        self.found = false;
    }

    /// It was not found: from here on its size is not guessed any further.
    pub(super) fn miss(&mut self) {
        self.filter.stop_growing();
    }

    /// The face as foreseen on a frame nobody looked at: landmarks move and scale along with the box.
    pub(super) fn imagined(&self) -> FaceObservation {
        let bbox = self.foreseen();
        let moved = |p: Point| {
            let (u, v) = ((p.x - self.bbox.x) / self.bbox.w.max(1.0), (p.y - self.bbox.y) / self.bbox.h.max(1.0));
            Point::new(bbox.x + u * bbox.w, bbox.y + v * bbox.h)
        };
        let landmarks = self.landmarks.map(|points| points.map(moved));
        let mut face = FaceObservation::detected(bbox, landmarks, self.score);
        face.track = Some(self.state());
        face
    }

    pub(super) fn foreseen(&self) -> BBox {
        self.filter.bbox()
    }

    pub(super) fn confirmed(&self) -> bool {
        self.phase == TrackPhase::Confirmed
    }

    /// Found by the last look at the picture.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// Found by the look before that.
    pub(super) fn in_sight(&self) -> bool {
        self.in_sight
    }

    /// Time since it was last found.
    pub(super) fn unseen(&self) -> Duration {
        self.at.saturating_sub(self.seen)
    }

    pub(super) fn state(&self) -> TrackState {
        TrackState { id: self.id, phase: self.phase, hits: self.hits }
    }
}

fn phase(hits: u32, confirm_hits: u32) -> TrackPhase {
    if hits >= confirm_hits { TrackPhase::Confirmed } else { TrackPhase::Tentative }
}
