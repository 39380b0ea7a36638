//! A subscription delivers every event once and in order per camera: repetitions are dropped, and what is missing is fetched
//! from the journal behind `@history` before the next one is delivered. While nobody answers for that journal the camera's
//! later events wait (see `owed`); only what its journal does not have any more is called lost.

use std::time::{Duration, Instant};

use super::{
    owed::{Came, Owed},
    subscribe::{Delivery, Incoming, Subscription},
};
use crate::events::{follow::Heard, keys::Origin, sink::Head, wire::Event};

/// How asking ended: with an answer, or after this number.
enum Fetched {
    Answered,
    Unanswered(u64),
}

impl Subscription<'_> {
    /// The next delivery, or `None` when nothing came within `patience`.
    pub fn next_within(&mut self, patience: Duration) -> Option<Delivery> {
        let deadline = now() + patience;
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            if self.ask_whom_is_due() {
                continue;
            }
            let left = deadline.saturating_duration_since(now());
            match self.incoming.recv_timeout(left.min(self.until_asking())) {
                Ok(Incoming::Page { key, text }) => text.split('\n').for_each(|line| self.take(&key, line)),
                Ok(Incoming::Head(head)) => self.catch_up_to(&head),
                Err(_) if now() < deadline => {}
                Err(_) => return None,
            }
        }
    }

    fn take(&mut self, key: &str, text: &str) {
        let (event, text) = match Event::from_json(text.as_bytes()) {
            Ok(event) => (Box::new(event), text.to_owned()),
            Err(cause) => {
                return self.ready.push_back(Delivery::Unreadable { key: key.to_owned(), cause: cause.to_string() });
            }
        };
        if let Some(owed) = self.owed.get_mut(&event.source) {
            return owed.hold((event, text));
        }
        match self.follower.hear(&event) {
            Heard::Next => self.ready.push_back(Delivery::Event(event, text)),
            Heard::Again => {}
            Heard::Missing { since } => {
                let (source, mut owed) = (event.source.clone(), Owed::new(since, event.sequence.0, now()));
                owed.hold((event, text));
                self.collect(source, owed);
            }
        }
    }

    fn catch_up_to(&mut self, head: &Head) {
        if let Some(owed) = self.owed.get_mut(&head.source) {
            owed.kept(head.kept, now());
        } else if let Some(since) = self.follower.behind(head) {
            let mut owed = Owed::new(since, head.sequence, now());
            owed.kept(head.kept, now());
            self.collect(head.source.clone(), owed);
        }
    }

    /// Asks for what is due; whether anything was.
    fn ask_whom_is_due(&mut self) -> bool {
        let now = now();
        let due = self.owed.iter().find(|(_, owed)| owed.is_due(now)).map(|(source, _)| source.clone());
        let Some((source, owed)) = due.and_then(|source| self.owed.remove_entry(&source)) else { return false };
        self.collect(source, owed);
        true
    }

    fn until_asking(&self) -> Duration {
        let now = now();
        self.owed.values().map(|owed| owed.due_in(now)).min().unwrap_or(Duration::MAX)
    }

    /// Fetches what is owed; if nobody answers it stays so, and is asked for again.
    fn collect(&mut self, source: String, mut owed: Owed) {
        match self.fetch(&source, owed.since, owed.upto) {
            Fetched::Unanswered(since) if !owed.is_given_up(now()) => {
                owed.unanswered(since, now());
                self.owed.insert(source, owed);
            }
            Fetched::Unanswered(_) | Fetched::Answered => self.settle(owed),
        }
    }

    /// Delivers what was held; says so if some before it stayed away.
    fn settle(&mut self, mut owed: Owed) {
        while let Some((event, text)) = owed.held.pop_front() {
            match self.follower.hear(&event) {
                Heard::Again => {}
                Heard::Next => self.ready.push_back(Delivery::Event(event, text)),
                Heard::Missing { since } if event.sequence.0 > owed.upto => {
                    return self.owe_further(since, owed, (event, text));
                }
                Heard::Missing { since } => {
                    let (source, last) = (event.source.clone(), event.sequence.0 - 1);
                    self.ready.push_back(Delivery::Lost { source, first: since + 1, last });
                    self.follower.accept(&event);
                    self.ready.push_back(Delivery::Event(event, text));
                }
            }
        }
    }

    /// Between events that were held some are missing too.
    fn owe_further(&mut self, since: u64, mut owed: Owed, next: Came) {
        let (source, upto) = (next.0.source.clone(), next.0.sequence.0);
        owed.held.push_front(next);
        let held = std::mem::take(&mut owed.held);
        self.owed.insert(source, owed.further(since, held, upto));
    }

    /// Fetches page after page until `upto` is reached or there is no more.
    fn fetch(&mut self, source: &str, mut since: u64, upto: u64) -> Fetched {
        let Ok(origin) = Origin::from_source(source) else {
            return Fetched::Answered;
        };
        while since < upto {
            let lines = match self.bus.history(&origin, since) {
                Ok(Some(lines)) => lines,
                Ok(None) => return Fetched::Unanswered(since),
                Err(cause) => {
                    tracing::warn!(source, %cause, "history could not be asked for");
                    return Fetched::Unanswered(since);
                }
            };
            match self.deliver_page(lines) {
                Some(last) if last > since => since = last,
                _ => break,
            }
        }
        Fetched::Answered
    }

    /// Delivers a page in order; answers with its last number.
    fn deliver_page(&mut self, lines: Vec<String>) -> Option<u64> {
        let mut last = None;
        for text in lines {
            let event = match Event::from_json(text.as_bytes()) {
                Ok(event) => event,
                Err(cause) => {
                    self.ready.push_back(Delivery::Unreadable { key: "@history".into(), cause: cause.to_string() });
                    continue;
                }
            };
            last = Some(event.sequence.0);
            if self.follower.hear(&event) != Heard::Again {
                self.follower.accept(&event);
                self.ready.push_back(Delivery::Event(Box::new(event), text));
            }
        }
        last
    }
}

#[allow(clippy::disallowed_methods, reason = "a subscriber waits in real time")]
fn now() -> Instant {
    Instant::now()
}
