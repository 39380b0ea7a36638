//! Who is most like this face: exact search over every enrolment of one space, in memory.
//!
//! A person's score is the best of their enrolments: another photo can only help. Exact search is memory-bound and quick
//! enough (100 000 × 128 floats are 51 MB, a few milliseconds), so nothing approximate stands between two faces.

use std::{cmp::Ordering, ops::Range};

use super::Enrolment;
use crate::{
    scene::{Embedding, Identity, IdentityDecision, PersonId, Score},
    vision::{SpaceError, SpaceInfo},
};

/// Everybody enrolled in one space. Never changes: a changed gallery makes a new one.
#[derive(Debug)]
pub struct Index {
    space: SpaceInfo,
    /// Each person with their rows of `vectors`.
    people: Vec<(PersonId, Range<usize>)>,
    /// One enrolment after the other, `space.dims` floats each.
    vectors: Vec<f32>,
}

/// The two people most like a face.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchResult {
    /// Best person and score; `None` if nobody is enrolled in this space.
    pub best: Option<(PersonId, f32)>,
    /// Best other person; `None` with fewer than two.
    pub second: Option<(PersonId, f32)>,
}

impl Index {
    /// An index of those enrolments that live in `space`. One with another length is refused: it was made by a model that
    /// only shares the name.
    pub fn new<'a>(space: SpaceInfo, enrolments: impl IntoIterator<Item = &'a Enrolment>) -> Result<Self, SpaceError> {
        let mut ours: Vec<&Enrolment> = enrolments.into_iter().filter(|e| e.embedding.space == space.name).collect();
        ours.sort_by(|a, b| a.person.cmp(&b.person));
        let mut vectors = Vec::with_capacity(ours.len() * space.dims);
        let mut people: Vec<(PersonId, Range<usize>)> = Vec::new();
        for (row, enrolment) in ours.into_iter().enumerate() {
            space.check(&enrolment.embedding)?;
            vectors.extend_from_slice(&enrolment.embedding.values);
            match people.last_mut() {
                Some((person, rows)) if *person == enrolment.person => rows.end = row + 1,
                _ => people.push((enrolment.person.clone(), row..row + 1)),
            }
        }
        Ok(Self { space, people, vectors })
    }

    /// The space searched in.
    pub fn space(&self) -> &SpaceInfo {
        &self.space
    }

    /// How many people are enrolled in this space.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// The two people most like `face`; equal scores go to the smaller id.
    pub fn search(&self, face: &Embedding) -> Result<SearchResult, SpaceError> {
        self.search_except(face, None)
    }

    /// The same among everybody but one person: whom does a new enrolment of theirs look like?
    pub fn search_except(&self, face: &Embedding, except: Option<&PersonId>) -> Result<SearchResult, SpaceError> {
        self.space.check(face)?;
        let (mut best, mut second): (Option<Ranked>, Option<Ranked>) = (None, None);
        for (person, rows) in self.people.iter().filter(|(p, _)| Some(p) != except) {
            let score = self.best_of(rows.clone(), &face.values);
            if better(score, best) {
                second = best.replace((person, score));
            } else if better(score, second) {
                second = Some((person, score));
            }
        }
        let owned = |(person, score): Ranked| (person.clone(), score);
        Ok(SearchResult { best: best.map(owned), second: second.map(owned) })
    }

    fn best_of(&self, rows: Range<usize>, face: &[f32]) -> f32 {
        let dims = self.space.dims;
        let vectors = self.vectors[rows.start * dims..rows.end * dims].chunks_exact(dims);
        vectors.map(|v| self.space.score(v, face)).fold(f32::NEG_INFINITY, f32::max)
    }
}

type Ranked<'a> = (&'a PersonId, f32);

fn better(score: f32, than: Option<Ranked>) -> bool {
    than.is_none_or(|(_, other)| score.total_cmp(&other) == Ordering::Greater)
}

impl SearchResult {
    /// Score of the best person less that of the second.
    pub fn margin(&self) -> Option<f32> {
        Some(self.best.as_ref()?.1 - self.second.as_ref()?.1)
    }

    /// Open-set decision: nobody, if even the best stays below the space's threshold; ambiguous, if the second comes
    /// closer than its margin; else the best.
    pub fn decide(&self, space: &SpaceInfo) -> IdentityDecision {
        match &self.best {
            Some((person, score)) if *score >= space.threshold() => {
                let clear = self.margin().is_none_or(|margin| margin >= space.margin);
                if clear { IdentityDecision::Known(person.clone()) } else { IdentityDecision::Ambiguous }
            }
            _ => IdentityDecision::Unknown,
        }
    }

    /// The decision with what it rests on. `None` if nobody is enrolled: there is no score to give.
    pub fn identity(&self, space: &SpaceInfo, looks: u32) -> Option<Identity> {
        let (_, value) = *self.best.as_ref()?;
        let score = Score { value, kind: space.kind(), threshold: space.threshold() };
        Some(Identity { decision: self.decide(space), score, margin: self.margin(), looks })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::{scene::Space, vision::Metric};

    fn space(metric: Metric) -> SpaceInfo {
        SpaceInfo { name: Space::from("test"), dims: 3, metric, known: 0.5, margin: 0.1 }
    }

    fn enrolled(space: &SpaceInfo, person: &str, raw: [f32; 3]) -> Enrolment {
        Enrolment {
            person: PersonId::new(person).unwrap(),
            name: person.to_owned(),
            embedding: space.embed(&raw).unwrap(),
            model: "0".repeat(64),
            quality: 0.9,
            photo: String::new(),
            added: UNIX_EPOCH,
        }
    }

    fn decide(space: &SpaceInfo, all: &[Enrolment], face: [f32; 3]) -> IdentityDecision {
        let index = Index::new(space.clone(), all).unwrap();
        index.search(&space.embed(&face).unwrap()).unwrap().decide(space)
    }

    #[test]
    fn known_unknown_and_ambiguous_in_either_measure() {
        for metric in [Metric::Cosine, Metric::L2] {
            let space = space(metric);
            let all = [
                enrolled(&space, "anna", [1.0, 0.0, 0.0]),
                enrolled(&space, "anna", [0.9, 0.1, 0.0]),
                enrolled(&space, "bert", [0.0, 1.0, 0.0]),
                enrolled(&space, "bea", [0.0, 0.99, 0.02]),
            ];
            let anna = IdentityDecision::Known(PersonId::new("anna").unwrap());
            assert_eq!(decide(&space, &all, [0.95, 0.05, 0.05]), anna, "two enrolments of one person do not compete");
            assert_eq!(decide(&space, &all, [0.0, 0.0, 1.0]), IdentityDecision::Unknown);
            assert_eq!(decide(&space, &all, [0.0, 1.0, 0.01]), IdentityDecision::Ambiguous);
            assert_eq!(decide(&space, &[], [1.0, 0.0, 0.0]), IdentityDecision::Unknown);
        }
    }

    #[test]
    fn events_say_score_kind_threshold_and_margin() {
        let space = space(Metric::L2);
        let all = [enrolled(&space, "anna", [1.0, 0.0, 0.0]), enrolled(&space, "bert", [0.0, 1.0, 0.0])];
        let index = Index::new(space.clone(), &all).unwrap();
        let face = space.embed(&[1.0, 0.3, 0.0]).unwrap();
        let told = index.search(&face).unwrap().identity(&space, 3).unwrap();
        assert!((told.score.value - 0.7).abs() < 1e-6 && (told.score.threshold - 0.5).abs() < 1e-6);
        assert!((told.margin.unwrap() - (1.0 + 1.49_f32.sqrt() - 1.0 - 0.3)).abs() < 0.02, "{told:?}");
        assert!(Index::new(space.clone(), &[]).unwrap().search(&face).unwrap().identity(&space, 1).is_none());
    }

    #[test]
    fn a_face_of_another_space_is_refused_and_other_enrolments_are_left_out() {
        let (ours, mut other) = (space(Metric::Cosine), space(Metric::Cosine));
        other.name = Space::from("other");
        let all = [enrolled(&ours, "anna", [1.0, 0.0, 0.0]), enrolled(&other, "bert", [1.0, 0.0, 0.0])];
        let index = Index::new(ours, &all).unwrap();
        assert_eq!(index.len(), 1);
        assert!(matches!(index.search(&all[1].embedding), Err(SpaceError::OtherSpace { .. })));
    }

    #[cfg(feature = "checks")]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn search_finds_what_sorting_finds(
                rows in proptest::collection::vec((0u8..6, [0.1f32..1.0, -1f32..1.0, -1f32..1.0]), 1..30),
                face in [0.1f32..1.0, -1f32..1.0, -1f32..1.0],
            ) {
                let space = space(Metric::Cosine);
                let all: Vec<_> = rows.iter().map(|(p, raw)| enrolled(&space, &format!("p{p}"), *raw)).collect();
                let probe = space.embed(&face).unwrap();
                let mut sorted: Vec<_> = all.iter().map(|e| (space.score(&e.embedding.values, &probe.values), &e.person)).collect();
                sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
                let found = Index::new(space, &all).unwrap().search(&probe).unwrap();
                prop_assert!((found.best.unwrap().1 - sorted[0].0).abs() < f32::EPSILON);
                let second = sorted.iter().find(|s| s.1 != sorted[0].1).map(|s| s.0);
                prop_assert_eq!(found.second.map(|s| s.1), second);
            }
        }
    }
}
