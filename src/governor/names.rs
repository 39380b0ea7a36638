//! Names and time as the governor writes them down.
//!
//! Names are shared strings: a plan is made ten times a second and names every model, so copying one must cost nothing.
//! Time is an argument, counted from the start of the run, so that a recorded run can be decided again. Next:
//! [`policy`](super::policy), what a deployment asks for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A model of the pipeline: `detect`, `recognise`, `liveness`.
    ModelName
);
name!(
    /// One precision and input size of a model: `fp32-640`, `int8`.
    VariantName
);
name!(
    /// A live input.
    CameraName
);

/// Time since the run began, in whole microseconds: what replaces a clock here and in a recorded run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Elapsed(u64);

impl Elapsed {
    /// The start of the run.
    pub const ZERO: Self = Self(0);

    /// `ms` milliseconds after the start; negative values count as zero.
    pub fn from_ms(ms: f64) -> Self {
        Self((ms.max(0.0) * 1000.0) as u64)
    }

    /// Milliseconds since the start.
    pub fn ms(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Seconds since the start.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Milliseconds from `earlier` to here; zero if `earlier` is later.
    pub fn ms_since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1000.0
    }

    /// This moment moved later by `ms` milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: f64) -> Self {
        Self(self.0.saturating_add((ms.max(0.0) * 1000.0) as u64))
    }
}

impl From<Duration> for Elapsed {
    fn from(since_start: Duration) -> Self {
        Self(u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX))
    }
}

impl From<Elapsed> for Duration {
    fn from(at: Elapsed) -> Self {
        Self::from_micros(at.0)
    }
}
