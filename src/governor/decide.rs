//! The table: what the governor is doing and how hard it is pressed say what it does next.
//!
//! Sixteen cells, all written out; everything that takes arithmetic lies behind the six answers. Down fast, up slow: any
//! state steps down at once, only a settled one steps up. Next: [`ladder`](super::ladder), how far.

use serde::{Deserialize, Serialize};

use super::pressure::Pressure;

/// What the governor is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing, and the dwell is over.
    Settled,
    /// The dwell after a step.
    Holding,
    /// The longer dwell after a step up that had to be taken back.
    BackingOff,
    /// A variant is being loaded or dropped.
    Switching,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Settled, Self::Holding, Self::BackingOff, Self::Switching];
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stance {
    /// Look for something better that fits under the low water.
    Raise,
    /// Look for something worth clearly more that takes no more than a step down would aim at.
    Trade,
    /// Leave it.
    Keep,
    /// Find the least to give up; load the replacement beside the old if it fits.
    Lower,
    /// Pull only the levers that act at once; the switch under way goes on unless it is a step up.
    Ease,
    /// Free memory first, load replacements after.
    Shed,
}

/// What to do about `pressure` in `state`.
pub fn decide(state: State, pressure: Pressure) -> Stance {
    use Pressure::{Critical, High, Low, Normal};
    use State::{BackingOff, Holding, Settled, Switching};
    match (state, pressure) {
        (Settled, Low) => Stance::Raise,
        (Settled, Normal) => Stance::Trade,
        (Holding | BackingOff | Switching, Low | Normal) => Stance::Keep,
        (Settled | Holding | BackingOff, High) => Stance::Lower,
        (Switching, High) => Stance::Ease,
        (Settled | Holding | BackingOff | Switching, Critical) => Stance::Shed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows: states; columns: pressures, lightest first.
    const TABLE: [(State, [Stance; 4]); 4] = [
        (State::Settled, [Stance::Raise, Stance::Trade, Stance::Lower, Stance::Shed]),
        (State::Holding, [Stance::Keep, Stance::Keep, Stance::Lower, Stance::Shed]),
        (State::BackingOff, [Stance::Keep, Stance::Keep, Stance::Lower, Stance::Shed]),
        (State::Switching, [Stance::Keep, Stance::Keep, Stance::Ease, Stance::Shed]),
    ];

    #[test]
    fn every_cell_of_the_table() {
        for (state, row) in TABLE {
            for (pressure, expected) in Pressure::ALL.into_iter().zip(row) {
                assert_eq!(decide(state, pressure), expected, "{state:?} under {pressure:?}");
            }
        }
    }

    #[test]
    fn only_a_settled_governor_raises() {
        for state in State::ALL {
            for pressure in Pressure::ALL {
                let raises = decide(state, pressure) == Stance::Raise;
                assert_eq!(raises, state == State::Settled && pressure == Pressure::Low, "{state:?} {pressure:?}");
            }
        }
    }
}
