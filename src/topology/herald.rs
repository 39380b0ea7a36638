//! What subscribers hear about a camera: its condition, with evidence, when that changes and not more often.
//!
//! A camera that is being tried again and again says so once: attempts are no conditions. While frames come, what they show
//! is the condition. Events leave by the postbox that visits leave by.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use uuid::Uuid;

use crate::events::{
    Postbox,
    keys::{Origin, PlaceId},
    wire::{self, CameraClock, CameraCondition, Data, Draft, UtcMicros},
};
use crate::media::{CameraState, ClockReading, Evidence, PictureState};
use crate::scene::CameraId;

/// Tells subscribers about cameras.
#[derive(Clone, Debug)]
pub(super) struct Herald {
    /// Where events are posted.
    pub(super) postbox: Postbox,
    /// The first part of every key.
    pub(super) site: PlaceId,
}

/// One camera's conditions.
pub(super) struct Conditions {
    herald: Option<Herald>,
    known: Mutex<Known>,
}

/// What is known of a camera, and what was said. Pure.
#[derive(Debug, Default)]
struct Known {
    /// Its line: connecting, live, lost.
    line: Option<(CameraCondition, String)>,
    /// What its pictures show.
    picture: Option<(CameraCondition, Evidence)>,
    clock: Option<ClockReading>,
    said: Option<(CameraCondition, bool)>,
}

/// What is to be said.
#[derive(Debug, PartialEq)]
struct News {
    condition: CameraCondition,
    detail: Option<String>,
    evidence: Option<Evidence>,
    clock: Option<ClockReading>,
}

impl Conditions {
    pub(super) fn new(herald: Option<Herald>) -> Self {
        Self { herald, known: Mutex::default() }
    }

    pub(super) fn line(&self, camera: &CameraId, state: CameraState, detail: &str) {
        self.change(camera, |known| known.line(state, detail));
    }

    pub(super) fn picture(&self, camera: &CameraId, picture: PictureState, evidence: Option<Evidence>) {
        self.change(camera, |known| known.picture = word(picture).zip(evidence));
    }

    pub(super) fn clock(&self, camera: &CameraId, reading: ClockReading) {
        self.change(camera, |known| known.clock = Some(reading));
    }

    fn change(&self, camera: &CameraId, change: impl FnOnce(&mut Known)) {
        let news = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut known);
            known.news()
        };
        if let (Some(news), Some(herald)) = (news, &self.herald) {
            herald.post(camera, news);
        }
    }
}

impl Known {
    fn line(&mut self, state: CameraState, detail: &str) {
        let (condition, retry_in) = condition(state);
        // Trying again is no news: what is wrong stays said until it is right.
        let tries_again = condition == CameraCondition::Connecting && self.line.is_some();
        if tries_again {
            return;
        }
        if condition != CameraCondition::Live {
            self.picture = None;
        }
        let detail = match retry_in {
            Some(pause) => format!("{detail}; trying again in {:.1} s", pause.as_secs_f32()),
            None => detail.to_owned(),
        };
        self.line = Some((condition, detail));
    }

    /// What is to be said now, if it differs from what was said last.
    fn news(&mut self) -> Option<News> {
        let (line, detail) = self.line.clone()?;
        let is_live = line == CameraCondition::Live;
        let picture = self.picture.clone().filter(|_| is_live);
        let (condition, evidence) = picture.map_or((line, None), |(condition, evidence)| (condition, Some(evidence)));
        let wrong_clock = self.clock.is_some_and(|clock| clock.is_wrong);
        let saying = (condition, wrong_clock);
        if self.said.as_ref() == Some(&saying) {
            return None;
        }
        let (condition, _) = self.said.insert(saying).clone();
        let detail = Some(detail).filter(|detail| !detail.is_empty());
        Some(News { condition, detail, evidence, clock: self.clock })
    }
}

impl Herald {
    fn post(&self, camera: &CameraId, news: News) {
        let now = UtcMicros::from(wall());
        let evidence = news.evidence.map(|evidence| wire::Evidence {
            measure: evidence.measure.to_owned(),
            value: tidy(evidence.value),
            limit: tidy(evidence.limit),
        });
        let data = wire::CameraState {
            camera: camera.to_string(),
            condition: news.condition,
            since: now,
            detail: news.detail,
            evidence,
            clock: news.clock.map(|clock| CameraClock { ahead_ms: clock.ahead_ms, wrong: clock.is_wrong }),
        };
        // A full outbox is counted and announced by itself.
        let _accepted = self.postbox.post(Draft {
            id: Uuid::now_v7(),
            origin: Origin::Camera(self.site.clone(), camera.clone()),
            subject: camera.to_string(),
            time: now,
            data: Data::CameraState(data),
        });
    }
}

/// A measure to a thousandth: more digits say nothing.
fn tidy(value: f32) -> f64 {
    (f64::from(value) * 1e3).round() / 1e3
}

/// The word for a state, and when it is tried again. A stop that was asked for is no condition.
fn condition(state: CameraState) -> (CameraCondition, Option<Duration>) {
    match state {
        CameraState::Connecting => (CameraCondition::Connecting, None),
        CameraState::Live => (CameraCondition::Live, None),
        CameraState::Stalled => (CameraCondition::Stalled, None),
        CameraState::Lost { retry_in } => (CameraCondition::Retrying, Some(retry_in)),
        CameraState::AuthenticationFailed { retry_in } => (CameraCondition::AuthenticationFailed, Some(retry_in)),
        CameraState::Unreachable { retry_in } => (CameraCondition::Unreachable, Some(retry_in)),
        CameraState::Unusable { retry_in } => (CameraCondition::Unusable, Some(retry_in)),
        CameraState::Ended | CameraState::Stopped | CameraState::Failed => (CameraCondition::Ended, None),
    }
}

fn word(picture: PictureState) -> Option<CameraCondition> {
    Some(match picture {
        PictureState::Good => return None,
        PictureState::WrongResolution => CameraCondition::WrongResolution,
        PictureState::ClockStuck => CameraCondition::ClockStuck,
        PictureState::Garbage => CameraCondition::Garbage,
        PictureState::Black => CameraCondition::Black,
        PictureState::Overexposed => CameraCondition::Overexposed,
        PictureState::Frozen => CameraCondition::FrozenPicture,
        PictureState::SceneChanged => CameraCondition::SceneChanged,
        PictureState::OutOfFocus => CameraCondition::OutOfFocus,
    })
}

#[allow(clippy::disallowed_methods, reason = "an event says when it happened, by the wall")]
fn wall() -> SystemTime {
    SystemTime::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAIN: Duration = Duration::from_secs(2);

    fn said(known: &mut Known, state: CameraState) -> Option<CameraCondition> {
        known.line(state, "why");
        known.news().map(|news| news.condition)
    }

    #[test]
    fn a_camera_that_stays_away_says_so_once() {
        let mut known = Known::default();
        assert_eq!(said(&mut known, CameraState::Connecting), Some(CameraCondition::Connecting));
        assert_eq!(said(&mut known, CameraState::Unreachable { retry_in: AGAIN }), Some(CameraCondition::Unreachable));
        for _ in 0..100 {
            assert_eq!(said(&mut known, CameraState::Connecting), None);
            assert_eq!(said(&mut known, CameraState::Unreachable { retry_in: AGAIN }), None);
        }
        assert_eq!(said(&mut known, CameraState::Live), Some(CameraCondition::Live));
    }

    #[test]
    fn what_pictures_show_is_the_condition_while_they_come() {
        let mut known = Known::default();
        let dark = Evidence { measure: "mean_luma", value: 17.0, limit: 24.0 };
        said(&mut known, CameraState::Live);
        known.picture = word(PictureState::Black).zip(Some(dark));
        let news = known.news().unwrap();
        assert_eq!((news.condition, news.evidence), (CameraCondition::Black, Some(dark)));
        assert_eq!(said(&mut known, CameraState::Stalled), Some(CameraCondition::Stalled));
        assert_eq!(said(&mut known, CameraState::Live), Some(CameraCondition::Live), "judged anew");
    }

    #[test]
    fn a_clock_found_wrong_is_said() {
        let mut known = Known::default();
        said(&mut known, CameraState::Live);
        known.clock = Some(ClockReading { ahead_ms: 12, is_wrong: false });
        assert_eq!(known.news(), None, "a good clock rides along with the next event");
        known.clock = Some(ClockReading { ahead_ms: 3_600_000, is_wrong: true });
        assert!(known.news().is_some_and(|news| news.clock.is_some_and(|clock| clock.is_wrong)));
    }
}
