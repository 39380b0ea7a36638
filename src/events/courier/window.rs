//! What was sent and not acknowledged yet, in order, across connections.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a connection may take to be there, or not.
const CONNECTING: Duration = Duration::from_mins(1);

/// One message to a broker.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) body: Arc<str>,
}

/// Shared by the two threads of a connection: one sends, one hears.
#[derive(Debug)]
pub(super) struct Window {
    most: usize,
    inside: Mutex<Inside>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    /// Each with whether it is the last of its event.
    held: VecDeque<(Message, bool)>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Connecting,
    Up,
    Down,
}

impl Window {
    pub(super) fn new(most: usize) -> Self {
        Self { most, inside: Mutex::default(), changed: Condvar::new() }
    }

    /// The broker answers.
    pub(super) fn up(&self) {
        self.turn(State::Up);
    }

    /// The connection is over; the next one begins.
    pub(super) fn down(&self) {
        self.turn(State::Down);
    }

    /// A new connection is being made.
    pub(super) fn connecting(&self) {
        self.turn(State::Connecting);
    }

    pub(super) fn is_up(&self) -> bool {
        self.lock().state == State::Up
    }

    /// Whether the broker answered, once that is known.
    pub(super) fn wait_until_up(&self) -> bool {
        self.wait(CONNECTING, |inside| inside.state == State::Connecting).state == State::Up
    }

    /// Whether another event, of two messages at most, may be sent.
    pub(super) fn has_room(&self, patience: Duration) -> bool {
        let full = |inside: &mut Inside| inside.held.len() + 2 > self.most && inside.state == State::Up;
        self.wait(patience, full).held.len() + 2 <= self.most
    }

    /// Whether everything is acknowledged.
    pub(super) fn is_empty(&self, patience: Duration) -> bool {
        self.wait(patience, |inside| !inside.held.is_empty() && inside.state == State::Up).held.is_empty()
    }

    /// Holds the messages of one event.
    pub(super) fn hold(&self, messages: &[Message]) {
        let last = messages.len().saturating_sub(1);
        let messages = messages.iter().enumerate().map(|(at, message)| (message.clone(), at == last));
        self.lock().held.extend(messages);
    }

    /// Everything held, oldest first, to be sent again.
    pub(super) fn held(&self) -> Vec<Message> {
        self.lock().held.iter().map(|(message, _)| message.clone()).collect()
    }

    /// The oldest is acknowledged; true when that was the last of its event.
    pub(super) fn acknowledged(&self) -> bool {
        let oldest = self.lock().held.pop_front();
        self.changed.notify_all();
        oldest.is_some_and(|(_, last)| last)
    }

    fn turn(&self, state: State) {
        self.lock().state = state;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, patience: Duration, while_true: impl FnMut(&mut Inside) -> bool) -> MutexGuard<'_, Inside> {
        let waited = self.changed.wait_timeout_while(self.lock(), patience, while_true);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str) -> Message {
        Message { topic: topic.into(), body: "{}".into() }
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_in_order() {
        let window = Window::new(4);
        window.hold(&[message("a")]);
        window.hold(&[message("b"), message("b2")]);
        assert!(!window.has_room(Duration::ZERO), "an event may be two messages");
        assert!(window.acknowledged(), "the only message of its event");
        assert!(!window.acknowledged(), "the first of two");
        window.down();
        let again: Vec<_> = window.held().into_iter().map(|message| message.topic).collect();
        assert_eq!(again, ["b2"]);
        assert!(window.acknowledged() && window.is_empty(Duration::ZERO));
        assert!(!window.acknowledged(), "an acknowledgement of nothing");
    }
}
