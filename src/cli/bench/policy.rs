//! How often the pipeline looks. Next: `visits`, what subscribers hear of it.

use std::time::Duration;

use clap::ValueEnum;

use crate::{stages::StageConfig, topology::Graph};

/// A look at a calm camera at least this often: with the three looks in a row that the tracker needs, somebody new is
/// believed a quarter of a second later than by looking at every frame, at worst.
const CALM: Duration = Duration::from_millis(240);
/// Somebody known is looked at again when they show themselves better, or after this long.
const KNOWN_AGAIN: Duration = Duration::from_secs(8);
/// Somebody alive is asked again after this long.
const ALIVE_AGAIN: Duration = Duration::from_secs(4);

/// What `--policy` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Runs {
    /// Look at every frame
    Full,
    /// Look where it may pay
    Adaptive,
    /// Both, and compare their events
    Both,
}

/// How often one run looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    AsWritten,
    Full,
    Adaptive,
}

impl Policy {
    /// The runs asked for, the one to compare with first.
    pub(super) fn of(runs: Option<Runs>) -> Vec<Self> {
        match runs {
            None => vec![Self::AsWritten],
            Some(Runs::Full) => vec![Self::Full],
            Some(Runs::Adaptive) => vec![Self::Adaptive],
            Some(Runs::Both) => vec![Self::Full, Self::Adaptive],
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AsWritten => "as written",
            Self::Full => "full",
            Self::Adaptive => "adaptive",
        }
    }

    /// The graph with its stages told so.
    pub(super) fn tell(self, graph: &Graph) -> Graph {
        graph.clone().told(|config| match (self, config) {
            (Self::Full, StageConfig::Detect(detect)) => (detect.interval, detect.calm) = (1, Duration::ZERO),
            (Self::Adaptive, StageConfig::Detect(detect)) => (detect.interval, detect.calm) = (1, CALM),
            (Self::Adaptive, StageConfig::Recognize(recognize)) => recognize.again_after = KNOWN_AGAIN,
            (Self::Adaptive, StageConfig::Liveness(liveness)) => liveness.again_after = ALIVE_AGAIN,
            _ => {}
        })
    }
}
