//! How alike two faces are: embeddings, the space they live in, and its measure.
//!
//! A score is always "larger means more alike", whatever the measure, so that events and rules read one way:
//! cosine spaces score `cos`, distance spaces `1 - d`. The latter keeps differences as they are, so a margin written in
//! distance is the same margin in score. Next: the gallery's search.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scene::{Embedding, ScoreKind, Space};

/// How wide a vector's arithmetic runs at once: eight floats fill an AVX register, and two SSE ones.
const LANES: usize = 16;

/// How distance is measured in a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Angle between vectors of unit length (ArcFace and its kin). Larger means more alike.
    Cosine,
    /// Euclidean distance between vectors as the network gives them (dlib's ResNet). Smaller means more alike.
    L2,
}

/// A model's embedding space, as its manifest describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpaceInfo {
    /// Its name; embeddings of different names are never compared.
    pub name: Space,
    /// Length of a vector, in floats.
    pub dims: usize,
    /// Its measure.
    pub metric: Metric,
    /// Where "the same person" begins, in the metric's own unit: the smallest cosine, or the largest distance.
    pub known: f32,
    /// How far the second-best person must stay behind for a clear answer, in the metric's own unit.
    pub margin: f32,
}

/// Why vectors cannot be compared.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpaceError {
    /// Made by different models.
    #[error(
        "embedding of space `{found}` cannot be compared in space `{wanted}`: enrol the people again with the model now in use"
    )]
    OtherSpace {
        /// The space compared in.
        wanted: Space,
        /// The space the embedding came from.
        found: Space,
    },
    /// The network's output does not fit the space.
    #[error("embedding of {found} values in space `{space}`, which has {wanted}: check `dims` in the model's manifest")]
    WrongLength {
        /// The space.
        space: Space,
        /// Its length.
        wanted: usize,
        /// The length found.
        found: usize,
    },
    /// NaN, infinite, or all zero.
    #[error("embedding in space `{0}` has no direction (zero or not finite): the model or its input is broken")]
    Meaningless(Space),
}

impl SpaceInfo {
    /// Turns a network's raw output into an embedding: checks length and values, and scales to unit length where the
    /// measure is cosine.
    pub fn embed(&self, raw: &[f32]) -> Result<Embedding, SpaceError> {
        if raw.len() != self.dims {
            return Err(SpaceError::WrongLength { space: self.name.clone(), wanted: self.dims, found: raw.len() });
        }
        let meaningless = || SpaceError::Meaningless(self.name.clone());
        let direction = unit(raw).ok_or_else(meaningless)?;
        let values = match self.metric {
            Metric::Cosine => direction,
            Metric::L2 => raw.to_vec(),
        };
        Ok(Embedding { space: self.name.clone(), values: values.into() })
    }

    /// Refuses an embedding of another space or length.
    pub fn check(&self, embedding: &Embedding) -> Result<(), SpaceError> {
        if embedding.space != self.name {
            return Err(SpaceError::OtherSpace { wanted: self.name.clone(), found: embedding.space.clone() });
        }
        if embedding.values.len() != self.dims {
            return Err(SpaceError::WrongLength {
                space: self.name.clone(),
                wanted: self.dims,
                found: embedding.values.len(),
            });
        }
        Ok(())
    }

    /// How alike two embeddings of this space are; larger is more alike, 1 is the same.
    pub fn similarity(&self, a: &Embedding, b: &Embedding) -> Result<f32, SpaceError> {
        self.check(a)?;
        self.check(b)?;
        Ok(self.score(&a.values, &b.values))
    }

    /// The same on bare vectors, for loops that checked the space once.
    pub fn score(&self, a: &[f32], b: &[f32]) -> f32 {
        match self.metric {
            Metric::Cosine => dot(a, b),
            Metric::L2 => 1.0 - distance(a, b),
        }
    }

    /// `known` as a score: same person from here up.
    pub fn threshold(&self) -> f32 {
        match self.metric {
            Metric::Cosine => self.known,
            Metric::L2 => 1.0 - self.known,
        }
    }

    /// What scores of this space are called in events.
    pub fn kind(&self) -> ScoreKind {
        match self.metric {
            Metric::Cosine => ScoreKind::Cosine,
            Metric::L2 => ScoreKind::OneMinusL2,
        }
    }
}

/// Sums `term(x, y)` over both slices in lanes, which the compiler turns into vector instructions; a plain sum has to keep
/// its order and stays scalar.
#[inline]
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (x, y) in a_lanes.iter().zip(b_lanes) {
        for i in 0..LANES {
            lanes[i] += term(x[i], y[i]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| term(*x, *y)).sum();
    lanes.iter().sum::<f32>() + rest
}

/// Scalar product of two vectors of the same length: the cosine, if both have unit length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len(), "vectors of one space have one length");
    sum(a, b, |x, y| x * y)
}

/// Euclidean distance of two vectors of the same length.
pub fn distance(a: &[f32], b: &[f32]) -> f32 {
    debug_assert_eq!(a.len(), b.len(), "vectors of one space have one length");
    sum(a, b, |x, y| (x - y) * (x - y)).sqrt()
}

/// The vector scaled to unit length; `None` if it has no direction (zero, NaN or infinite).
pub fn unit(values: &[f32]) -> Option<Vec<f32>> {
    let norm = dot(values, values).sqrt();
    (norm.is_finite() && norm > f32::MIN_POSITIVE).then(|| values.iter().map(|v| v / norm).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(name: &str, metric: Metric) -> SpaceInfo {
        let name = Space::from(name);
        SpaceInfo { name, dims: 3, metric, known: 0.5, margin: 0.05 }
    }

    #[test]
    fn other_spaces_are_refused_not_compared() {
        let (a, b) = (space("a", Metric::Cosine), space("b", Metric::Cosine));
        let (x, y) = (a.embed(&[1.0, 2.0, 3.0]).unwrap(), b.embed(&[1.0, 2.0, 3.0]).unwrap());
        assert!(matches!(a.similarity(&x, &y), Err(SpaceError::OtherSpace { .. })));
        assert!((a.similarity(&x, &x).unwrap() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn distance_spaces_keep_raw_vectors_and_score_one_minus_distance() {
        let space = space("dlib", Metric::L2);
        let (a, b) = (space.embed(&[2.0, 0.0, 0.0]).unwrap(), space.embed(&[2.0, 0.3, 0.0]).unwrap());
        assert!((space.similarity(&a, &b).unwrap() - 0.7).abs() < 1e-6);
        assert!((space.threshold() - 0.5).abs() < 1e-6);
    }

    #[test]
    fn outputs_without_meaning_are_refused() {
        let space = space("s", Metric::L2);
        for bad in [[0.0; 3], [f32::NAN, 0.0, 0.0], [f32::INFINITY, 1.0, 0.0]] {
            assert!(matches!(space.embed(&bad), Err(SpaceError::Meaningless(_))), "{bad:?}");
        }
        assert!(matches!(space.embed(&[1.0; 4]), Err(SpaceError::WrongLength { found: 4, .. })));
    }

    #[cfg(feature = "checks")]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn lanes_change_nothing(pairs in proptest::collection::vec((-1f32..1.0, -1f32..1.0), 0..200)) {
                let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
                let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                prop_assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-3);
                let squares: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(x - y).powi(2)).sum();
                prop_assert!((f64::from(distance(&a, &b)) - squares.sqrt()).abs() < 1e-3);
            }
        }
    }
}
