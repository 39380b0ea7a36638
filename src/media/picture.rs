//! Whether what a camera shows is worth watching: one look a second, one verdict with its evidence, and hysteresis both ways.
//! Pure; time comes with the pictures. `vision` measures, this judges, `watched` is where frames pass by.

use std::time::{Duration, Instant};

use crate::memory::Size;
use crate::vision::PictureFigures;

/// Between two looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How fast the best sharpness seen is forgotten, a look: halves in half an hour, so that dusk is no fault of the lens.
const FORGET_SHARPNESS: f32 = 0.9996;
/// Looks before a camera's own sharpness and scene are known well enough to compare with.
const LEARN: u32 = 10;
/// Looks after which a changed scene is the scene: somebody who moved a camera knows it by then.
const NEW_SCENE: u32 = 60;
/// Looks between two renewals of the scene that is compared with: light and furniture move slowly.
const RENEW_SCENE: u32 = 30;

/// When a picture counts as bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PictureLimits {
    /// How long it must be bad before that is said.
    pub after: Duration,
    /// How long it must be good again before that is said.
    pub clear_after: Duration,
    /// Nothing changed for this long: frozen.
    pub frozen_after: Duration,
    /// Black below this mean luma.
    pub black_below: f32,
    /// Overexposed from this share of burnt-out places.
    pub overexposed_from: f32,
    /// Garbage from this share of green or noise.
    pub garbage_from: f32,
    /// Out of focus below this share of the sharpness shown before.
    pub blurred_below: f32,
    /// Another scene below this likeness.
    pub changed_below: f32,
    /// The size it should have.
    pub size: Option<Size>,
}

impl Default for PictureLimits {
    /// What serves most cameras; a deployment's defaults are these.
    fn default() -> Self {
        Self {
            after: Duration::from_secs(5),
            clear_after: Duration::from_secs(3),
            frozen_after: Duration::from_secs(15),
            black_below: 24.0,
            overexposed_from: 0.7,
            garbage_from: 0.5,
            blurred_below: 0.2,
            changed_below: 0.4,
            size: None,
        }
    }
}

/// What a camera's picture shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PictureState {
    /// Nothing wrong with it.
    #[default]
    Good,
    /// It has the wrong size.
    WrongResolution,
    /// The stream's own time stands still.
    ClockStuck,
    /// It shows what broken decoding shows.
    Garbage,
    /// Next to no light.
    Black,
    /// Burnt out.
    Overexposed,
    /// It does not change any more.
    Frozen,
    /// Not the scene it showed so far.
    SceneChanged,
    /// Less sharp than it was.
    OutOfFocus,
}

/// A measure that passed its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// What was measured.
    pub measure: &'static str,
    /// What it came to.
    pub value: f32,
    /// The limit.
    pub limit: f32,
}

/// One look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) at: Instant,
    pub(super) size: Size,
    /// The stream's own time.
    pub(super) pts: Option<Duration>,
    pub(super) figures: &'a PictureFigures,
}

/// What is known of one camera's picture.
#[derive(Debug)]
pub(super) struct PictureJudge {
    limits: PictureLimits,
    said: PictureState,
    /// A verdict that differs from what was said, and since when.
    pending: Option<(PictureState, Instant)>,
    scene: Option<PictureFigures>,
    scene_age: u32,
    differing: u32,
    last: Option<PictureFigures>,
    same_since: Option<Instant>,
    last_pts: Option<Duration>,
    sharpest: f32,
    looks: u32,
}

impl PictureJudge {
    pub(super) fn new(limits: PictureLimits) -> Self {
        Self {
            limits,
            said: PictureState::Good,
            pending: None,
            scene: None,
            scene_age: 0,
            differing: 0,
            last: None,
            same_since: None,
            last_pts: None,
            sharpest: 0.0,
            looks: 0,
        }
    }

    /// Takes one look in; what is to be said, if that changed.
    pub(super) fn look(&mut self, look: &Look<'_>) -> Option<(PictureState, Option<Evidence>)> {
        let (state, evidence) = self.verdict(look);
        self.learn(look, state);
        if state == self.said {
            self.pending = None;
            return None;
        }
        let since = match self.pending {
            Some((pending, since)) if pending == state => since,
            _ => look.at,
        };
        self.pending = Some((state, since));
        let hold = match state {
            PictureState::Good => self.limits.clear_after,
            PictureState::Frozen => Duration::ZERO,
            _ => self.limits.after,
        };
        if look.at.saturating_duration_since(since) < hold {
            return None;
        }
        (self.said, self.pending) = (state, None);
        Some((state, evidence))
    }

    /// The first thing wrong, worst first: what comes later in the list is meaningless when an earlier one holds.
    fn verdict(&mut self, look: &Look<'_>) -> (PictureState, Option<Evidence>) {
        let (limits, figures) = (self.limits, look.figures);
        let stuck =
            self.last_pts.is_some() && look.pts.is_some_and(|pts| self.last_pts.is_some_and(|last| pts <= last));
        let still = self.still_for(look).as_secs_f32();
        let likeness = self.scene.as_ref().map_or(1.0, |scene| scene.likeness(figures));
        let sharpness = if self.sharpest > 0.0 { figures.sharpness / self.sharpest } else { 1.0 };
        let knows = self.looks >= LEARN;
        let wrong_size = limits.size.filter(|size| *size != look.size);
        let evidence = |measure, value, limit| Some(Evidence { measure, value, limit });
        let height = |size: Size| size.h as f32;
        let frozen_after = limits.frozen_after.as_secs_f32();
        let table = [
            (
                wrong_size.is_some(),
                PictureState::WrongResolution,
                evidence("height", height(look.size), wrong_size.map_or(0.0, height)),
            ),
            (stuck, PictureState::ClockStuck, evidence("stream_seconds_a_look", 0.0, 0.0)),
            (
                figures.garbage >= limits.garbage_from,
                PictureState::Garbage,
                evidence("garbage_share", figures.garbage, limits.garbage_from),
            ),
            (
                figures.mean < limits.black_below,
                PictureState::Black,
                evidence("mean_luma", figures.mean, limits.black_below),
            ),
            (
                figures.burnt >= limits.overexposed_from,
                PictureState::Overexposed,
                evidence("burnt_share", figures.burnt, limits.overexposed_from),
            ),
            (still >= frozen_after, PictureState::Frozen, evidence("unchanged_seconds", still, frozen_after)),
            (
                knows && likeness < limits.changed_below,
                PictureState::SceneChanged,
                evidence("likeness", likeness, limits.changed_below),
            ),
            (
                knows && sharpness < limits.blurred_below,
                PictureState::OutOfFocus,
                evidence("sharpness_share", sharpness, limits.blurred_below),
            ),
        ];
        let found = table.into_iter().find(|(holds, _, _)| *holds);
        found.map_or((PictureState::Good, None), |(_, state, evidence)| (state, evidence))
    }

    /// For how long nothing has changed.
    fn still_for(&mut self, look: &Look<'_>) -> Duration {
        let same = self.last.as_ref().is_some_and(|last| last.is_same_as(look.figures));
        let since = self.same_since.filter(|_| same).unwrap_or(look.at);
        self.same_since = Some(since);
        look.at.saturating_duration_since(since)
    }

    /// Only good pictures teach what the camera usually shows.
    fn learn(&mut self, look: &Look<'_>, state: PictureState) {
        self.last = Some(look.figures.clone());
        self.last_pts = look.pts;
        self.differing = if state == PictureState::SceneChanged { self.differing + 1 } else { 0 };
        if self.differing >= NEW_SCENE {
            (self.scene, self.sharpest, self.looks) = (None, 0.0, 0);
        }
        if state != PictureState::Good {
            return;
        }
        self.looks = self.looks.saturating_add(1);
        self.sharpest = (self.sharpest * FORGET_SHARPNESS).max(look.figures.sharpness);
        self.scene_age += 1;
        if self.scene.is_none() || self.scene_age >= RENEW_SCENE {
            (self.scene, self.scene_age) = (Some(look.figures.clone()), 0);
        }
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
