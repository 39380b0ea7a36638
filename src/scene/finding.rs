//! What is known about one question: not asked, asked without an answer, or answered. Never coerced into each other.

/// The state of one question about one face.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Finding<T> {
    /// Nobody asked: the stage is absent, switched off, or has not reached this face yet.
    #[default]
    NotAsked,
    /// Asked, but the evidence does not carry an answer.
    Unsure,
    /// Asked and answered.
    Known {
        /// The answer.
        value: T,
        /// Evidence for it, 0 to 1; what it means exactly is said by the stage that found it.
        confidence: f32,
    },
}

impl<T> Finding<T> {
    /// The answer, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::NotAsked | Self::Unsure => None,
        }
    }

    /// This, or `earlier` when nobody asked since.
    #[must_use]
    pub fn or(self, earlier: Self) -> Self {
        if self.asked() { self } else { earlier }
    }

    /// Whether the question was asked at all.
    pub fn asked(&self) -> bool {
        !matches!(self, Self::NotAsked)
    }
}
