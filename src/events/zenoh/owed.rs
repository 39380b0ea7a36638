//! What a subscription is still owed by a source: numbers that are missing while nobody answers for the journal that has them.
//!
//! A node that was killed, or a router that is away, comes back, and then it is asked again. Until then later events of the
//! same source are held, so that each comes in order; other sources go on.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::events::wire::Event;

/// Pauses between questions that nobody answers; the last one again and again.
const ASK_AGAIN: [Duration; 4] =
    [Duration::from_millis(100), Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(2)];
/// When nobody answered for this long, nobody will.
const GIVE_UP: Duration = Duration::from_mins(10);
/// Later events that are held of one source. What does not fit is missing in its turn, and asked for then.
const HELD: usize = 8_192;

/// An event with its text as it came.
pub(super) type Came = (Box<Event>, String);

/// A debt.
pub(super) struct Owed {
    /// The last number had.
    pub(super) since: u64,
    /// A number that was given out; everything up to it is asked for.
    pub(super) upto: u64,
    /// Later events, in the order they came.
    pub(super) held: VecDeque<Came>,
    /// Whether somebody keeps these events at all.
    kept: bool,
    begun: Instant,
    asked: usize,
    ask_at: Instant,
}

impl Owed {
    pub(super) fn new(since: u64, upto: u64, now: Instant) -> Self {
        Self { since, upto, held: VecDeque::new(), kept: true, begun: now, asked: 0, ask_at: now }
    }

    /// A further debt of the same source, found behind this one.
    pub(super) fn further(&self, since: u64, held: VecDeque<Came>, upto: u64) -> Self {
        Self { since, upto, held, asked: 0, ..*self }
    }

    pub(super) fn hold(&mut self, came: Came) {
        if self.held.len() < HELD {
            self.held.push_back(came);
        }
    }

    /// The source says whether it keeps a journal; without one there is nobody to ask.
    pub(super) fn kept(&mut self, kept: bool, now: Instant) {
        self.kept = kept;
        self.ask_at = if kept { self.ask_at } else { now };
    }

    /// Nobody answered, and had up to `since` until then.
    pub(super) fn unanswered(&mut self, since: u64, now: Instant) {
        self.since = since;
        self.ask_at = now + ASK_AGAIN[self.asked.min(ASK_AGAIN.len() - 1)];
        self.asked += 1;
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.ask_at
    }

    pub(super) fn due_in(&self, now: Instant) -> Duration {
        self.ask_at.saturating_duration_since(now)
    }

    pub(super) fn is_given_up(&self, now: Instant) -> bool {
        !self.kept || now.saturating_duration_since(self.begun) > GIVE_UP
    }
}
