//! A subscriber's bookkeeping: what is new, what is a repetition, and where something is missing. Pure; whoever holds a
//! session asks the journal for what is missing.

use std::collections::HashMap;

use uuid::Uuid;

use super::{sink::Head, wire::Event};

/// How far every camera and node was followed.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    /// Where to begin with a source never heard of: after this number, or, without one, with whatever comes first.
    since: Option<u64>,
    places: HashMap<String, Place>,
    /// Epochs that are over; others than these are new, whatever the clock that named them said.
    over: Vec<Uuid>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    epoch: Uuid,
    last: u64,
}

/// What to do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is the next one.
    Next,
    /// It was had before.
    Again,
    /// Those after `since` and before it are missing: fetch them first, or accept the loss with [`Follower::accept`].
    Missing {
        /// The last one had.
        since: u64,
    },
}

impl Follower {
    /// Begins after number `since` on every camera and node; without it, with whatever comes first.
    pub fn new(since: Option<u64>) -> Self {
        Self { since, places: HashMap::new(), over: Vec::new() }
    }

    /// Where an event stands. `Next` counts it as had.
    pub fn hear(&mut self, event: &Event) -> Heard {
        match self.position(&event.source, event.epoch, event.sequence.0) {
            Position::Next => {
                self.accept(event);
                Heard::Next
            }
            Position::Had => Heard::Again,
            Position::Ahead(since) => Heard::Missing { since },
        }
    }

    /// Counts an event as had, whatever is missing before it.
    pub fn accept(&mut self, event: &Event) {
        let place = Place { epoch: event.epoch, last: event.sequence.0 };
        let before = self.places.insert(event.source.clone(), place);
        if let Some(before) = before.filter(|before| before.epoch != event.epoch && !self.over.contains(&before.epoch))
        {
            self.over.push(before.epoch);
        }
    }

    /// What a heartbeat reveals: the number after which events are missing.
    pub fn behind(&mut self, head: &Head) -> Option<u64> {
        if !self.places.contains_key(&head.source) && self.since.is_none() {
            let place = Place { epoch: head.epoch, last: head.sequence };
            self.places.insert(head.source.clone(), place);
            return None;
        }
        match self.position(&head.source, head.epoch, head.sequence) {
            Position::Next => Some(head.sequence - 1),
            Position::Ahead(since) => Some(since),
            Position::Had => None,
        }
    }

    fn position(&self, source: &str, epoch: Uuid, sequence: u64) -> Position {
        let last = match (self.places.get(source), self.since) {
            (Some(place), _) if place.epoch == epoch => place.last,
            _ if self.over.contains(&epoch) => return Position::Had,
            // The numbering began anew, and so does following.
            (Some(_), _) => 0,
            (None, Some(since)) => since,
            (None, None) => sequence.saturating_sub(1),
        };
        match sequence {
            n if n <= last => Position::Had,
            n if n == last + 1 => Position::Next,
            _ => Position::Ahead(last),
        }
    }
}

enum Position {
    Next,
    Had,
    Ahead(u64),
}

#[cfg(test)]
mod tests {
    use super::{
        Heard::{Again, Missing, Next},
        *,
    };
    use crate::events::testing::numbered as event;

    #[test]
    fn tells_new_from_had_from_missing() {
        let mut follower = Follower::new(None);
        let heard: Vec<_> = [5, 6, 6, 5, 9].map(|n| follower.hear(&event(1, n))).to_vec();
        assert_eq!(heard, [Next, Next, Again, Again, Missing { since: 6 }]);
        let fetched: Vec<_> = [7, 8, 9].map(|n| follower.hear(&event(1, n))).to_vec();
        assert_eq!(fetched, [Next, Next, Next]);
    }

    #[test]
    fn numbering_that_begins_anew_is_followed_from_its_first() {
        let mut follower = Follower::new(None);
        follower.hear(&event(1, 70));
        assert_eq!(follower.hear(&event(2, 1)), Heard::Next);
        assert_eq!(follower.hear(&event(1, 71)), Heard::Again, "the old epoch is over");
        assert_eq!(follower.hear(&event(3, 2)), Heard::Missing { since: 0 });
    }

    #[test]
    fn an_epoch_named_by_a_clock_that_was_set_back_is_new_all_the_same() {
        let mut follower = Follower::new(None);
        follower.hear(&event(9, 4));
        assert_eq!(follower.hear(&event(2, 1)), Heard::Next);
        assert_eq!(follower.hear(&event(9, 5)), Heard::Again);
    }

    #[test]
    fn a_heartbeat_reveals_the_loss_of_the_last_event() {
        let head = |sequence| Head { source: event(1, 1).source, sequence, epoch: Uuid::from_u128(1), kept: true };
        let mut follower = Follower::new(None);
        assert_eq!(follower.behind(&head(3)), None, "what was before us is not missing");
        assert_eq!(follower.behind(&head(4)), Some(3));
        assert_eq!(Follower::new(Some(0)).behind(&head(4)), Some(0), "who asks for everything misses everything");
    }
}
