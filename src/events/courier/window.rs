//! What is to be sent to a broker and not acknowledged yet, in order, across connections.

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
    /// So many of them, from the oldest on, were sent over this connection.
    sent: usize,
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
    /// At most so many are sent and not acknowledged.
    pub(super) fn new(most: usize) -> Self {
        Self { most, inside: Mutex::default(), changed: Condvar::new() }
    }

    /// The broker answers.
    pub(super) fn up(&self) {
        self.turn(State::Up);
    }

    /// The connection is over.
    pub(super) fn down(&self) {
        self.turn(State::Down);
    }

    /// A new connection is being made: nothing was sent over it yet.
    pub(super) fn connecting(&self) {
        self.lock().sent = 0;
        self.turn(State::Connecting);
    }

    pub(super) fn is_up(&self) -> bool {
        self.lock().state == State::Up
    }

    /// Whether the broker answered, once that is known.
    pub(super) fn wait_until_up(&self) -> bool {
        self.wait(CONNECTING, |inside| inside.state == State::Connecting).state == State::Up
    }

    /// Holds the messages of one event until they are acknowledged.
    pub(super) fn hold(&self, messages: Vec<Message>) {
        let last = messages.len().saturating_sub(1);
        self.lock().held.extend(messages.into_iter().enumerate().map(|(at, message)| (message, at == last)));
    }

    /// The next to send over this connection; `None` when all are sent, or enough for now.
    pub(super) fn next(&self) -> Option<Message> {
        let mut inside = self.lock();
        let next = if inside.sent < self.most { inside.held.get(inside.sent).cloned() } else { None };
        inside.sent += usize::from(next.is_some());
        next.map(|(message, _)| message)
    }

    /// Whether all that is held was sent; if not, waits a little for acknowledgements.
    pub(super) fn all_sent(&self, patience: Duration) -> bool {
        let are_all_sent = |inside: &Inside| inside.sent == inside.held.len();
        if are_all_sent(&self.lock()) {
            return true;
        }
        let full = |inside: &mut Inside| inside.sent >= self.most && inside.state == State::Up;
        are_all_sent(&self.wait(patience, full))
    }

    /// Whether everything is acknowledged.
    pub(super) fn is_empty(&self, patience: Duration) -> bool {
        self.wait(patience, |inside| !inside.held.is_empty() && inside.state == State::Up).held.is_empty()
    }

    /// The oldest is acknowledged; true when that was the last of its event.
    pub(super) fn acknowledged(&self) -> bool {
        let mut inside = self.lock();
        inside.sent = inside.sent.saturating_sub(1);
        let oldest = inside.held.pop_front();
        drop(inside);
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

    fn next(window: &Window) -> Option<String> {
        window.next().map(|message| message.topic)
    }

    #[test]
    fn no_more_is_sent_than_may_be_unacknowledged() {
        let window = Window::new(2);
        window.hold(vec![message("a")]);
        window.hold(vec![message("b"), message("b2")]);
        assert_eq!([next(&window), next(&window), next(&window)], [Some("a".into()), Some("b".into()), None]);
        assert!(!window.all_sent(Duration::ZERO));
        assert!(window.acknowledged(), "the only message of its event");
        assert_eq!((next(&window), next(&window)), (Some("b2".into()), None));
        assert!(window.all_sent(Duration::ZERO));
    }

    #[test]
    fn what_is_not_acknowledged_is_sent_again_in_order_over_the_next_connection() {
        let window = Window::new(4);
        window.hold(vec![message("a"), message("a2")]);
        window.hold(vec![message("b")]);
        while window.next().is_some() {}
        assert!(!window.acknowledged(), "the first of two");
        window.down();
        window.connecting();
        assert_eq!((next(&window), next(&window), next(&window)), (Some("a2".into()), Some("b".into()), None));
        assert!(window.acknowledged() && window.acknowledged() && window.is_empty(Duration::ZERO));
        assert!(!window.acknowledged(), "an acknowledgement of nothing");
    }
}
