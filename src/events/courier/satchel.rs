//! What a courier carries: events that wait, in order and bounded, and a record of those that had to be let go.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use super::CourierFigures;
use crate::events::{
    hole::Hole,
    sink::Recorded,
    wire::{Data, GapReason, UtcMicros},
};

/// Between sink and thread. The lock is held for moments only.
#[derive(Debug)]
pub(super) struct Satchel {
    name: String,
    most: usize,
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    waiting: VecDeque<Recorded>,
    /// Taken out and neither delivered nor let go of yet.
    in_hand: usize,
    /// Let go of and not announced yet, by source.
    lost: BTreeMap<String, Lost>,
    figures: CourierFigures,
    closing: bool,
    done: bool,
}

#[derive(Debug)]
struct Lost {
    first: u64,
    last: u64,
    count: u64,
    epoch: Uuid,
    time: UtcMicros,
}

impl Satchel {
    pub(super) fn new(name: &str, most: usize) -> Self {
        Self { name: name.to_owned(), most, inside: Mutex::default(), changed: Condvar::new() }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn figures(&self) -> CourierFigures {
        let inside = self.lock();
        CourierFigures { waiting: (inside.waiting.len() + inside.in_hand) as u64, ..inside.figures }
    }

    /// One more event; the oldest goes when too many wait.
    pub(super) fn put(&self, recorded: &Recorded) {
        let mut inside = self.lock();
        inside.waiting.push_back(recorded.clone());
        let oldest = if inside.waiting.len() > self.most { inside.waiting.pop_front() } else { None };
        if let Some(oldest) = oldest {
            if inside.lost.is_empty() {
                tracing::warn!(courier = self.name, "too many events wait; the oldest are let go of and announced");
            }
            inside.let_go(&oldest);
        }
        drop(inside);
        self.changed.notify_all();
    }

    /// Up to `most` events in order, announcements of gaps first. Waits up to `patience` for the first, then up to `linger`
    /// for more; empty when none came. `None`: nothing waits and nothing will.
    pub(super) fn take(&self, most: usize, linger: Duration, patience: Duration) -> Option<Vec<Recorded>> {
        let idle = |inside: &mut Inside| inside.is_empty() && !inside.closing;
        let few = |inside: &mut Inside| inside.waiting.len() < most && !inside.closing;
        let mut inside = self.wait(self.lock(), patience, idle);
        if !inside.is_empty() {
            inside = self.wait(inside, linger, few);
        }
        if inside.is_empty() && inside.closing {
            return None;
        }
        let mut taken = inside.announcements();
        let events = inside.waiting.len().min(most.saturating_sub(taken.len()));
        taken.extend(inside.waiting.drain(..events));
        inside.in_hand += taken.len();
        Some(taken)
    }

    /// The receiver has these.
    pub(super) fn delivered(&self, events: usize) {
        let mut inside = self.lock();
        inside.in_hand = inside.in_hand.saturating_sub(events);
        inside.figures.delivered += events as u64;
    }

    /// The receiver refuses this one for good.
    pub(super) fn refused(&self, event: &Recorded) {
        let mut inside = self.lock();
        inside.in_hand = inside.in_hand.saturating_sub(1);
        // A receiver that takes no gap events would be told of the refusal of the announcement of its refusal.
        if matches!(event.event.data, Data::Gap(_)) {
            inside.figures.lost += 1;
        } else {
            inside.let_go(event);
        }
    }

    /// An attempt failed. Waits for `pause`; false when the end was asked for, and trying again is over.
    pub(super) fn rest(&self, pause: Duration) -> bool {
        let mut inside = self.lock();
        inside.figures.failures += 1;
        !self.wait(inside, pause, |inside| !inside.closing).closing
    }

    /// Nothing more is put in. What waits may still be delivered.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_all();
    }

    /// The courier has ended.
    pub(super) fn done(&self) {
        self.lock().done = true;
        self.changed.notify_all();
    }

    /// Whether it ended within `patience`.
    pub(super) fn wait_until_done(&self, patience: Duration) -> bool {
        self.wait(self.lock(), patience, |inside| !inside.done).done
    }

    /// Says what no attempt will be made for any more.
    pub(super) fn tell_what_is_left(&self) {
        let left = self.figures().waiting;
        if left > 0 {
            tracing::warn!(
                courier = self.name,
                left,
                "ended with events that were not delivered; their numbers will be missed"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        inside: MutexGuard<'a, Inside>,
        patience: Duration,
        while_true: impl FnMut(&mut Inside) -> bool,
    ) -> MutexGuard<'a, Inside> {
        let waited = self.changed.wait_timeout_while(inside, patience, while_true);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Inside {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.lost.is_empty()
    }

    fn let_go(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let number = event.sequence.0;
        self.figures.lost += 1;
        let fresh = Lost { first: number, last: number, count: 0, epoch: event.epoch, time: event.time };
        let lost = self.lost.entry(event.source.clone()).or_insert(fresh);
        (lost.first, lost.last) = (lost.first.min(number), lost.last.max(number));
        (lost.count, lost.epoch, lost.time) = (lost.count + 1, event.epoch, event.time);
    }

    fn announcements(&mut self) -> Vec<Recorded> {
        let lost = std::mem::take(&mut self.lost);
        lost.iter().filter_map(|(source, lost)| announcement(source, lost)).collect()
    }
}

/// A `gap` event in the place of those let go of.
fn announcement(source: &str, lost: &Lost) -> Option<Recorded> {
    let Lost { first, last, count, epoch, time } = *lost;
    let hole = Hole { source, epoch, first, last, lost: count, time };
    hole.event(GapReason::Overflow, "this receiver did not take them in time; a journal may still have them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::testing::numbered;

    fn event(number: u64) -> Recorded {
        Recorded::new(numbered(1, number)).unwrap()
    }

    fn take(satchel: &Satchel, most: usize) -> Vec<u64> {
        let taken = satchel.take(most, Duration::ZERO, Duration::ZERO).unwrap();
        taken.iter().map(|r| r.event.sequence.0).collect()
    }

    #[test]
    fn what_does_not_fit_is_announced_in_its_place_before_anything_newer() {
        let satchel = Satchel::new("desk", 3);
        (1..=7).for_each(|n| satchel.put(&event(n)));
        let taken = satchel.take(10, Duration::ZERO, Duration::ZERO).unwrap();
        let Data::Gap(gap) = &taken[0].event.data else { panic!("{taken:?}") };
        assert_eq!((gap.first, gap.last, gap.lost, taken[0].event.sequence.0), (Some(1), Some(4), Some(4), 4));
        assert_eq!(taken[1..].iter().map(|r| r.event.sequence.0).collect::<Vec<_>>(), [5, 6, 7]);
        assert_eq!(satchel.figures(), CourierFigures { lost: 4, waiting: 4, ..CourierFigures::default() });
        satchel.delivered(4);
        assert_eq!(satchel.figures(), CourierFigures { lost: 4, delivered: 4, ..CourierFigures::default() });
    }

    #[test]
    fn a_refusal_is_announced_once_and_the_refusal_of_that_is_only_counted() {
        let satchel = Satchel::new("desk", 3);
        satchel.put(&event(1));
        let taken = satchel.take(1, Duration::ZERO, Duration::ZERO).unwrap();
        satchel.refused(&taken[0]);
        let announced = satchel.take(1, Duration::ZERO, Duration::ZERO).unwrap();
        assert!(matches!(announced[0].event.data, Data::Gap(_)));
        satchel.refused(&announced[0]);
        assert_eq!(take(&satchel, 1), Vec::<u64>::new());
        assert_eq!(satchel.figures().lost, 2);
    }

    #[test]
    fn what_waits_is_taken_after_closing_and_then_it_is_over() {
        let satchel = Satchel::new("desk", 3);
        satchel.put(&event(1));
        satchel.close();
        assert_eq!(take(&satchel, 9), [1]);
        assert!(satchel.take(9, Duration::ZERO, Duration::from_mins(1)).is_none());
        assert!(!satchel.rest(Duration::from_mins(1)), "no pause keeps the end waiting");
    }
}
