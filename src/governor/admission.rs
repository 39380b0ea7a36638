//! Who comes in: cameras asking to be served, answered with what they would need and what is free.
//!
//! A camera brings work to the models and, beside them, frames to decode and to track; both are counted.
//!
//! A camera that fits as things are comes in at once. One that would fit if cheaper levers were pulled waits while room is made,
//! so that the cameras already there never pay with late events. It waits as well until those let in before it have sent what
//! they announced, or less. One that fits nowhere is refused, and asks again by itself if the deployment says so. Next:
//! [`room`](super::room), whether one fits.

use super::door::Arrival;
use super::levels::Levels;
use super::plan::{Admission, Reason, Room, Verdict};
use super::policy::Lever;
use super::reading::Asking;
use super::sight::Sight;
use super::step::{Change, Draft, Governor};

/// Room that could not be made within this will not be made.
const MAKING_ROOM_MS: f64 = 5_000.0;
/// A refused camera is looked at again this often.
const REFUSED_MS: f64 = 5_000.0;

impl Governor {
    /// Answers every camera that asks.
    pub(super) fn answer_cameras(&mut self, sight: &Sight<'_>, draft: &mut Draft) -> Vec<Admission> {
        let asking = &sight.reading.asking;
        asking.iter().map(|asking| self.answer(sight, draft, asking)).collect()
    }

    fn answer(&mut self, sight: &Sight<'_>, draft: &mut Draft, asking: &Asking) -> Admission {
        let verdict = self.verdict(sight, draft, asking);
        let known = self.door.refused.contains_key(&asking.camera);
        match verdict {
            Verdict::Admit => {
                self.door.refused.remove(&asking.camera);
                self.door.waiting = self.door.waiting.take().filter(|(waiting, _)| waiting.camera != asking.camera);
                self.door.arrivals.push(Arrival { asking: asking.clone(), at: sight.now, measured_fps: 0.0 });
                self.decided(sight, draft, camera_change(asking, "admitted"), Reason::Fits);
            }
            Verdict::Refuse { .. } if !known => {
                self.door.refused.insert(asking.camera.clone(), (sight.now, verdict));
                self.decided(sight, draft, camera_change(asking, "refused"), Reason::NoRoom);
            }
            _ => {}
        }
        Admission { camera: asking.camera.clone(), verdict }
    }

    fn verdict(&mut self, sight: &Sight<'_>, draft: &mut Draft, asking: &Asking) -> Verdict {
        if let Some(&(at, verdict)) = self.door.refused.get(&asking.camera) {
            let early = sight.now.ms_since(at) < REFUSED_MS;
            if early || !self.policy.admit_later {
                return verdict;
            }
        }
        let sight = &self.with_its_frames(sight, asking);
        let waits_here = self.door.waiting.as_ref().filter(|(waiting, _)| waiting.camera == asking.camera);
        let since = waits_here.map(|(_, since)| *since);
        if self.fits_now(sight, asking, since.is_some()) {
            return Verdict::Admit;
        }
        if self.door.expects() || self.door.waiting.is_some() && since.is_none() {
            return Verdict::Wait;
        }
        if !self.has_memory(sight, asking) && self.drop_spares(sight, draft, Reason::MemoryHigh) > 0.0 {
            return Verdict::Wait;
        }
        let busy = !self.loading.is_empty() || self.ledger.awaits_memory();
        let given_up = !busy && since.is_some_and(|since| sight.now.ms_since(since) > MAKING_ROOM_MS);
        if given_up
            || !self.could_fit(sight, asking, since.is_some())
            || !self.is_worth_it(sight, asking, since.is_some())
        {
            return self.refuse(sight, asking);
        }
        self.door.waiting = Some((asking.clone(), since.unwrap_or(sight.now)));
        Verdict::Wait
    }

    /// What is left once the frames of all cameras at the door are decoded, and this one's.
    fn with_its_frames<'a>(&self, sight: &Sight<'a>, asking: &Asking) -> Sight<'a> {
        let counted = self.door.waiting.as_ref().is_some_and(|(waiting, _)| waiting.camera == asking.camera);
        let further = if counted { 0.0 } else { asking.fps };
        Sight { lanes: self.lanes(sight.reading, further), ..*sight }
    }

    fn refuse(&mut self, sight: &Sight<'_>, asking: &Asking) -> Verdict {
        self.door.waiting = self.door.waiting.take().filter(|(waiting, _)| waiting.camera != asking.camera);
        let verdict = self.refusal(sight, asking);
        if let Some(refused) = self.door.refused.get_mut(&asking.camera) {
            *refused = (sight.now, verdict);
        }
        verdict
    }

    /// What it would need at the cheapest setting, and what that setting leaves.
    fn refusal(&self, sight: &Sight<'_>, asking: &Asking) -> Verdict {
        let usable = self.usable(sight, |_, _| true);
        let most = Levels::furthest(&self.policy, true);
        let water = &sight.water;
        let limits = self.limits(sight, water.memory_target, water.time_target);
        let without = self.demand.with(self.door.frames());
        let with = self.demand.with(self.door.frames() + asking.fps);
        let least = |asked: &[f64]| self.problem(asked, limits, Levels::default(), most, &usable).least_room().time;
        let memory = self.problem(&without, limits, Levels::default(), most, &usable).least_memory();
        let for_frames = self.profile.lanes_beside_models(asking.fps);
        let needs = Room { memory: asking.bytes, lanes: (least(&with) - least(&without)).max(0.0) + for_frames };
        let free = Room {
            memory: (limits.memory - memory).max(0.0) as u64,
            lanes: (limits.time + for_frames - least(&without)).max(0.0),
        };
        Verdict::Refuse { needs, free }
    }
}

fn camera_change(asking: &Asking, to: &str) -> Change {
    Change { lever: Lever::Admission, subject: asking.camera.to_string(), from: "asking".to_owned(), to: to.to_owned() }
}
