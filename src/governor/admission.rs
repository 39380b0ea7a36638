//! Who comes in: cameras asking to be served, answered with what they would need and what is free.
//!
//! A camera brings work to the models and, beside them, frames to decode and to track; both are counted.
//!
//! A camera that fits as things are comes in at once. One that would fit if cheaper levers were pulled waits while room is made,
//! so that the cameras already there never pay with late events. It waits as well until those let in before it have sent what
//! they announced, or less. One that fits nowhere is refused, and asks again by itself if the deployment says so. Next:
//! [`compose`](super::compose).

use std::collections::BTreeMap;

use super::knapsack::Limits;
use super::levels::Levels;
use super::names::{CameraName, Elapsed};
use super::plan::{Admission, Reason, Room, Verdict};
use super::policy::{Lever, Water};
use super::reading::{Asking, Reading};
use super::sight::Sight;
use super::step::{Change, Draft, Governor};

/// An admitted camera counts by what it announced until it is measured, at most this long.
const ANNOUNCED_MS: f64 = 3_000.0;
/// Room that could not be made within this will not be made.
const MAKING_ROOM_MS: f64 = 5_000.0;
/// A refused camera is looked at again this often.
const REFUSED_MS: f64 = 5_000.0;

/// Cameras between asking and being measured.
#[derive(Clone, Debug, Default)]
pub(super) struct Door {
    arrivals: Vec<Arrival>,
    waiting: Option<(Asking, Elapsed)>,
    refused: BTreeMap<CameraName, (Elapsed, Verdict)>,
}

#[derive(Clone, Debug)]
struct Arrival {
    asking: Asking,
    at: Elapsed,
    measured_fps: f64,
}

impl Door {
    pub(super) fn learn(&mut self, now: Elapsed, reading: &Reading) {
        self.arrivals.retain(|arrival| now.ms_since(arrival.at) < ANNOUNCED_MS);
        for arrival in &mut self.arrivals {
            let measured = reading.cameras.iter().find(|camera| camera.camera == arrival.asking.camera);
            arrival.measured_fps = measured.map_or(0.0, |camera| camera.offered_fps);
        }
        let asks = |name: &CameraName| reading.asking.iter().any(|asking| &asking.camera == name);
        self.refused.retain(|name, _| asks(name));
        self.waiting = self.waiting.take().filter(|(asking, _)| asks(&asking.camera));
    }

    /// Frames a second of cameras let in but not yet measured, and of the one room is made for.
    pub(super) fn frames(&self) -> f64 {
        self.arriving() + self.waiting.as_ref().map_or(0.0, |(asking, _)| asking.fps)
    }

    fn arriving(&self) -> f64 {
        self.arrivals.iter().map(|arrival| (arrival.asking.fps - arrival.measured_fps).max(0.0)).sum()
    }

    /// Whether cameras let in have not sent what they announced, and may yet: it often is less.
    fn expects(&self) -> bool {
        self.arriving() >= 1.0
    }

    /// Bytes of the same.
    pub(super) fn bytes(&self) -> f64 {
        let waiting = self.waiting.as_ref().map_or(0, |(asking, _)| asking.bytes);
        (self.arriving_bytes() + waiting) as f64
    }

    /// Share of memory to be left free beside the camera room is made for: cameras are let in up to what a step down aims at,
    /// so room is made from there on and not only from the high water.
    pub(super) fn reserve(&self, water: &Water) -> f64 {
        if self.waiting.is_some() { water.memory_high - water.memory_target } else { 0.0 }
    }

    /// Bytes of cameras let in but not yet measured.
    pub(super) fn arriving_bytes(&self) -> u64 {
        let unmeasured = self.arrivals.iter().filter(|arrival| arrival.measured_fps <= 0.0);
        unmeasured.map(|arrival| arrival.asking.bytes).sum()
    }
}

impl Governor {
    /// Answers every camera that asks.
    pub(super) fn answer_cameras(&mut self, sight: &Sight<'_>, draft: &mut Draft) -> Vec<Admission> {
        let asking = &sight.reading.asking;
        asking.iter().map(|asking| self.answer(sight, draft, asking)).collect()
    }

    fn answer(&mut self, sight: &Sight<'_>, draft: &mut Draft, asking: &Asking) -> Admission {
        let verdict = self.verdict(sight, asking);
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

    fn verdict(&mut self, sight: &Sight<'_>, asking: &Asking) -> Verdict {
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
        let busy = !self.loading.is_empty() || self.ledger.awaits_memory();
        let given_up = !busy && since.is_some_and(|since| sight.now.ms_since(since) > MAKING_ROOM_MS);
        if given_up || !self.could_fit(sight, asking, since.is_some()) {
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

    /// Whether the setting in force has room for it; `counted` if the door already counts it.
    fn fits_now(&self, sight: &Sight<'_>, asking: &Asking, counted: bool) -> bool {
        let (water, bytes) = (&self.policy.water, asking.bytes as f64);
        let runs = self.seats.iter().any(|seat| seat.using.is_some());
        let time = self.time_share(&self.asked_with(asking, counted), self.levels, sight.lanes);
        let reserve = sight.ceiling * (water.memory_high - water.memory_target);
        let fits = bytes + self.wanted_memory() + reserve <= self.room(sight);
        runs && time <= water.time_high && fits
    }

    /// Bytes of the variants still to be loaded.
    fn wanted_memory(&self) -> f64 {
        let models = self.profile.models.iter().zip(&self.seats).filter(|(_, seat)| seat.is_vacant());
        let wanted = models.filter_map(|(model, seat)| seat.want.map(|pick| (model, pick)));
        wanted.map(|(model, pick)| model.variants[pick.variant].memory(pick.batch)).sum()
    }

    /// Whether any setting the order puts before refusing has room for it.
    fn could_fit(&self, sight: &Sight<'_>, asking: &Asking, counted: bool) -> bool {
        let (asked, usable) = (self.asked_with(asking, counted), self.usable(sight, |_, _| true));
        let most = Levels::furthest(&self.policy, true);
        self.problem(&asked, self.room_at_most(sight, asking, counted), Levels::default(), most, &usable).possible()
    }

    fn room_at_most(&self, sight: &Sight<'_>, asking: &Asking, counted: bool) -> Limits {
        let water = &self.policy.water;
        let mut limits = self.limits(sight, water.memory_target, water.time_target);
        limits.memory -= if counted { 0.0 } else { asking.bytes as f64 };
        limits
    }

    fn asked_with(&self, asking: &Asking, counted: bool) -> Vec<f64> {
        self.demand.with(self.door.frames() + if counted { 0.0 } else { asking.fps })
    }

    /// What it would need at the cheapest setting, and what that setting leaves.
    fn refusal(&self, sight: &Sight<'_>, asking: &Asking) -> Verdict {
        let usable = self.usable(sight, |_, _| true);
        let most = Levels::furthest(&self.policy, true);
        let water = &self.policy.water;
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
