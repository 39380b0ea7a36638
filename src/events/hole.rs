//! A `gap` event made up where events are missing from what somebody gets: it stands in their place.

use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;

use super::{
    keys::Origin,
    sink::Recorded,
    wire::{Data, Draft, Gap, GapReason, UtcMicros},
};

/// Which events are missing.
#[derive(Debug)]
pub(super) struct Hole<'a> {
    /// Whose.
    pub(super) source: &'a str,
    /// The journal that numbered them.
    pub(super) epoch: Uuid,
    /// First missing number.
    pub(super) first: u64,
    /// Last missing number.
    pub(super) last: u64,
    /// How many.
    pub(super) lost: u64,
    /// When, as far as anybody knows.
    pub(super) time: UtcMicros,
}

impl Hole<'_> {
    /// The event. It takes the last of their numbers, so that the series has no hole, and an id that follows from them, so
    /// that it is dropped as a repetition like any other.
    pub(super) fn event(&self, reason: GapReason, detail: &str) -> Option<Recorded> {
        let origin = Origin::from_source(self.source).ok()?;
        let mut hasher = DefaultHasher::new();
        (self.source, self.first, self.last, detail).hash(&mut hasher);
        let gap = Gap {
            first: Some(self.first),
            last: Some(self.last),
            lost: Some(self.lost),
            reason,
            detail: Some(detail.into()),
        };
        let draft = Draft {
            id: Uuid::from_u128(self.epoch.as_u128() ^ u128::from(hasher.finish())),
            subject: origin.partition(),
            origin,
            time: self.time,
            data: Data::Gap(gap),
        };
        Recorded::new(draft.numbered(self.epoch, self.last, self.time)).ok()
    }
}
