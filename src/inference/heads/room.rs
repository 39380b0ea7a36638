//! How many items the device has room for. Running out of memory is an event: a batch that did not fit is halved and run
//! again, and what follows is no larger until the room has been there for a while.

/// After this many runs at the bound, twice as many are tried: whoever took the memory may have left.
const RUNS_BEFORE_MORE: u32 = 200;

/// The bound of one model.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// The variant it was found on; another one finds its own.
    variant: String,
    /// Most items a run; `None` before anything failed.
    most: Option<usize>,
    good: u32,
    /// The variant of which not even one item fitted.
    too_large: Option<String>,
}

impl Room {
    /// The variant in use from now on.
    pub(super) fn on(&mut self, variant: &str) {
        if self.variant != variant {
            *self = Self { variant: variant.to_owned(), too_large: self.too_large.take(), ..Self::default() };
        }
    }

    /// Most of `wanted` items that may be tried.
    pub(super) fn of(&self, wanted: usize) -> usize {
        self.most.map_or(wanted, |most| wanted.min(most.max(1)))
    }

    /// A run of `count` items fitted.
    pub(super) fn fitted(&mut self, count: usize) {
        self.too_large.take_if(|variant| *variant == self.variant);
        let Some(most) = self.most.filter(|most| count >= *most) else { return };
        self.good += 1;
        if self.good >= RUNS_BEFORE_MORE {
            (self.most, self.good) = (Some(most * 2), 0);
        }
    }

    /// A run of `count` items did not fit. False when it was one item: nothing is left to split.
    pub(super) fn failed(&mut self, count: usize) -> bool {
        (self.most, self.good) = (Some((count / 2).max(1)), 0);
        if count <= 1 {
            self.too_large = Some(self.variant.clone());
        }
        count > 1
    }

    /// The variant that a lower one should be waited for.
    pub(super) fn too_large(&self) -> Option<&str> {
        self.too_large.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_halved_by_failures_and_doubled_by_patience() {
        let mut room = Room::default();
        room.on("fp32");
        assert_eq!(room.of(16), 16);
        assert!(room.failed(16) && room.failed(8));
        assert_eq!(room.of(16), 4);
        (0..RUNS_BEFORE_MORE).for_each(|_| room.fitted(4));
        assert_eq!(room.of(16), 8);
        room.on("int8");
        assert_eq!(room.of(16), 16, "another variant finds its own bound");
    }

    #[test]
    fn one_item_that_does_not_fit_names_the_variant_to_get_away_from() {
        let mut room = Room::default();
        room.on("fp32");
        assert!(!room.failed(1));
        assert_eq!(room.too_large(), Some("fp32"));
        room.on("int8");
        room.fitted(1);
        room.on("fp32");
        room.fitted(1);
        assert_eq!(room.too_large(), None);
    }
}
