//! The faces of one camera: which of this frame's detections belongs to which of them.

use std::time::Duration;

use super::{Config, trail::Trail};
use crate::{
    scene::{BBox, FaceObservation, Packet, TrackId},
    vision::{Costs, Pace, assign, grown, iou},
};

/// What overlap a track out of sight must have more than one in sight to get the same detection. While two people cross,
/// both boxes are foreseen on the one face visible; without this, jitter decides whose it is.
const OUT_OF_SIGHT: f32 = 0.15;

/// Everything known of one camera.
#[derive(Debug, Default)]
pub(super) struct Camera {
    pace: Pace,
    trails: Vec<Trail>,
    /// How many numbers were given out.
    numbered: u64,
}

impl Camera {
    /// A camera whose numbers start above `used`.
    pub(super) fn after(used: u64) -> Self {
        Self { numbered: used, ..Self::default() }
    }

    /// Puts tracks on the packet's faces, or fills in faces where the detector skipped the frame.
    pub(super) fn follow(&mut self, packet: &mut Packet, config: &Config) {
        let at = self.pace.advance(&packet.frame.captured);
        let remembered = Duration::from_millis(config.lost_ms.into());
        for trail in &mut self.trails {
            trail.foresee(at);
        }
        self.trails.retain(|t| t.unseen() <= remembered);
        if packet.detected {
            self.match_all(&mut packet.faces, config);
            self.begin(&mut packet.faces, config, at);
            packet.faces.retain(|f| f.track.is_some());
        } else {
            packet.faces = self.fill_in();
        }
    }

    /// The highest number given out so far.
    pub(super) fn numbered(&self) -> u64 {
        self.numbered
    }

    /// Three rounds: sure detections with believed tracks, doubtful ones with those that were in sight so far, and the sure
    /// ones left over with tracks not believed yet. Newcomers that were missed are dropped at once.
    fn match_all(&mut self, faces: &mut [FaceObservation], config: &Config) {
        self.trails.iter_mut().for_each(Trail::look);
        let sure = which(faces, |f| f.score >= config.sure);
        let doubtful = which(faces, |f| f.score >= config.doubtful && f.score < config.sure);
        let believed = which(&self.trails, Trail::confirmed);
        let in_sight = which(&self.trails, |t| t.confirmed() && t.in_sight());
        let newcomers = which(&self.trails, |t| !t.confirmed());
        self.match_some(&believed, faces, &sure, config);
        self.match_some(&in_sight, faces, &doubtful, config);
        self.match_some(&newcomers, faces, &sure, config);
        self.trails.retain(|t| t.found() || t.confirmed());
        self.trails.iter_mut().filter(|t| !t.found()).for_each(Trail::miss);
    }

    /// Pairs those of `rows` and `cols` that have no partner yet: as much overlap as possible in all.
    fn match_some(&mut self, rows: &[usize], faces: &mut [FaceObservation], cols: &[usize], config: &Config) {
        let rows: Vec<usize> = rows.iter().copied().filter(|&r| !self.trails[r].found()).collect();
        let cols: Vec<usize> = cols.iter().copied().filter(|&c| faces[c].track.is_none()).collect();
        let foreseen: Vec<BBox> = rows.iter().map(|&r| grown(self.trails[r].foreseen(), config.reach)).collect();
        let detected: Vec<BBox> = cols.iter().map(|&c| grown(faces[c].bbox, config.reach)).collect();
        let handicap = |r: usize| {
            if self.trails[rows[r]].in_sight() { 0.0 } else { OUT_OF_SIGHT }
        };
        let costs = Costs::from_fn(rows.len(), cols.len(), |r, c| 1.0 - iou(foreseen[r], detected[c]) + handicap(r));
        for (row, col) in assign(&costs, 1.0 - config.min_iou) {
            let (trail, face) = (&mut self.trails[rows[row]], &mut faces[cols[col]]);
            trail.hit(face, config.confirm_hits);
            face.track = Some(trail.state());
        }
    }

    /// Sure detections without a partner begin tracks.
    fn begin(&mut self, faces: &mut [FaceObservation], config: &Config, at: Duration) {
        for face in faces.iter_mut().filter(|f| f.track.is_none() && f.score >= config.sure) {
            self.numbered += 1;
            let trail = Trail::begin(TrackId(self.numbered), face, at, config.confirm_hits);
            face.track = Some(trail.state());
            self.trails.push(trail);
        }
    }

    /// Believed faces that the last look found, where they should be by now.
    fn fill_in(&self) -> Vec<FaceObservation> {
        let there = self.trails.iter().filter(|t| t.confirmed() && t.found());
        there.map(Trail::imagined).collect()
    }
}

/// Indices of the items that fit.
fn which<T>(items: &[T], fits: impl Fn(&T) -> bool) -> Vec<usize> {
    let numbered = items.iter().enumerate();
    numbered.filter(|(_, item)| fits(item)).map(|(index, _)| index).collect()
}
