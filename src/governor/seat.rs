//! One model's place: what runs there, what should, and what must not be tried for a while. Next:
//! [`switch`](super::switch), how one variant replaces another.

use super::fast::Batch;
use super::ladder::Pick;
use super::names::Elapsed;

/// A variant that did not load is not tried again for this long; each further failure doubles it.
const BARRED_MS: f64 = 5_000.0;
/// At most this many doublings: about twenty minutes.
const MOST_DOUBLINGS: i32 = 8;

/// A model's place.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    /// The variant in use.
    pub(super) using: Option<usize>,
    /// A variant kept loaded beside it.
    pub(super) spare: Option<usize>,
    /// What to load while nothing is in use.
    pub(super) want: Option<Pick>,
    /// Switched off by the optional-stages lever.
    pub(super) off: bool,
    /// The largest batch memory is set aside for.
    pub(super) cap: u32,
    /// The batch in use.
    pub(super) batch: Batch,
    /// Whether anything ever ran here.
    pub(super) filled: bool,
    barred: Vec<Bar>,
}

#[derive(Clone, Debug)]
struct Bar {
    variant: usize,
    until: Elapsed,
    times: i32,
}

impl Seat {
    pub(super) fn new() -> Self {
        Self {
            using: None,
            spare: None,
            want: None,
            off: false,
            cap: 1,
            batch: Batch::new(),
            filled: false,
            barred: Vec::new(),
        }
    }

    /// Whether it should run something and does not.
    pub(super) fn is_vacant(&self) -> bool {
        self.using.is_none() && self.want.is_some() && !self.off
    }

    /// The variant in use, or the one to be.
    pub(super) fn variant(&self) -> Option<usize> {
        self.using.or(self.want.map(|pick| pick.variant))
    }

    /// The largest batch of the variant in use, or of the one to be.
    pub(super) fn largest_batch(&self) -> u32 {
        match (self.using, self.want) {
            (None, Some(pick)) => pick.batch,
            _ => self.cap,
        }
    }

    /// `variant` did not load.
    pub(super) fn bar(&mut self, now: Elapsed, variant: usize) {
        let times = self.barred.iter().find(|bar| bar.variant == variant).map_or(0, |bar| bar.times + 1);
        self.barred.retain(|bar| bar.variant != variant);
        let wait = BARRED_MS * f64::from(1 << times.min(MOST_DOUBLINGS));
        self.barred.push(Bar { variant, until: now.plus_ms(wait), times });
    }

    /// Whether `variant` may be tried.
    pub(super) fn may_try(&self, now: Elapsed, variant: usize) -> bool {
        !self.barred.iter().any(|bar| bar.variant == variant && now < bar.until)
    }
}
