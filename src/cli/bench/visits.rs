//! What subscribers heard in one run, and how another run's story differs. Next: `report`.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use crate::events::wire::{Event, VisitState};

/// Openings further apart than this are not of the same visit.
const SAME_VISIT_MS: f64 = 2_000.0;

/// One visit.
#[derive(Clone, Debug, PartialEq)]
struct Visit {
    camera: String,
    /// Where its camera stood when it was opened, milliseconds of the stream.
    opened_ms: f64,
    /// Who it was in the end.
    person: Option<String>,
}

/// The visits of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told(Vec<Visit>);

/// What differs between two runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Differences {
    pub(super) missing: usize,
    pub(super) extra: usize,
    pub(super) other_names: usize,
    /// The longest that a visit was opened later.
    pub(super) latest_ms: f64,
}

impl Told {
    pub(super) fn of(events: &[Arc<Event>]) -> Self {
        let (mut order, mut visits) = (Vec::new(), BTreeMap::new());
        for visit in events.iter().filter_map(|event| event.visit()) {
            let id = visit.visit.id.to_string();
            if visit.visit.state == VisitState::Opened {
                order.push(id.clone());
                let opened_ms = visit.time.pts_ns.unwrap_or(0) as f64 / 1e6;
                visits.insert(id.clone(), Visit { camera: visit.stream.id.clone(), opened_ms, person: None });
            }
            if let (Some(known), Some(person)) = (visits.get_mut(&id), &visit.identity.person) {
                known.person = Some(person.clone());
            }
        }
        Self(order.iter().filter_map(|id| visits.remove(id)).collect())
    }

    pub(super) fn visits(&self) -> usize {
        self.0.len()
    }

    /// How `other` differs from this: each of its visits stands for the nearest on the same camera, the same person's first.
    pub(super) fn differences(&self, other: &Self) -> Differences {
        let (mut left, mut found) = (other.0.clone(), Differences::default());
        for visit in &self.0 {
            let apart = |it: &Visit| (it.opened_ms - visit.opened_ms).abs();
            let near = |it: &&(usize, &Visit)| it.1.camera == visit.camera && apart(it.1) <= SAME_VISIT_MS;
            let rank = |it: &(usize, &Visit)| (it.1.person != visit.person, apart(it.1) as u64);
            let Some((at, _)) = left.iter().enumerate().filter(|it| near(&it)).min_by_key(rank) else {
                found.missing += 1;
                continue;
            };
            let same = left.remove(at);
            found.other_names += usize::from(same.person != visit.person);
            found.latest_ms = found.latest_ms.max(same.opened_ms - visit.opened_ms);
        }
        found.extra = left.len();
        found
    }
}

impl Differences {
    pub(super) fn json(&self) -> Value {
        json!({
            "missing": self.missing,
            "extra": self.extra,
            "other_names": self.other_names,
            "opened_later_ms": self.latest_ms.round(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(visits: &[(&str, f64, Option<&str>)]) -> Told {
        let visit = |&(camera, opened_ms, person): &(&str, f64, Option<&str>)| Visit {
            camera: camera.to_owned(),
            opened_ms,
            person: person.map(str::to_owned),
        };
        Told(visits.iter().map(visit).collect())
    }

    #[test]
    fn the_same_story_a_little_later() {
        let full = told(&[("a", 100.0, Some("ann")), ("a", 110.0, None), ("b", 100.0, None)]);
        let thrifty = told(&[("b", 150.0, None), ("a", 140.0, None), ("a", 300.0, Some("ann"))]);
        let expected = Differences { latest_ms: 200.0, ..Differences::default() };
        assert_eq!(full.differences(&thrifty), expected);
    }

    #[test]
    fn who_was_missed_invented_or_mistaken() {
        let full = told(&[("a", 100.0, Some("ann")), ("a", 9_000.0, None)]);
        let thrifty = told(&[("a", 100.0, Some("bob")), ("c", 100.0, None)]);
        let found = full.differences(&thrifty);
        assert_eq!((found.missing, found.extra, found.other_names), (1, 1, 1));
    }
}
