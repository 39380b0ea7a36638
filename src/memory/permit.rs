//! How many frames may be in flight at once. A permit travels with its packet and returns when the packet is dropped.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A fixed number of permits. The limit can change while permits are out; it then takes effect as they return.
#[derive(Clone, Debug)]
pub struct Permits {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug)]
struct State {
    limit: usize,
    out: usize,
}

/// One frame's right to be in flight. Dropping it gives the right back and wakes whoever waits for one.
#[derive(Debug)]
pub struct InFlight {
    shared: Arc<Shared>,
}

impl Permits {
    /// `limit` permits, at least one.
    pub fn new(limit: usize) -> Self {
        let state = Mutex::new(State { limit: limit.max(1), out: 0 });
        Self { shared: Arc::new(Shared { state, returned: Condvar::new() }) }
    }

    /// Takes a permit if one is free.
    pub fn try_take(&self) -> Option<InFlight> {
        let mut state = self.shared.lock();
        (state.out < state.limit).then(|| {
            state.out += 1;
            InFlight { shared: Arc::clone(&self.shared) }
        })
    }

    /// Waits up to `patience` for a permit.
    pub fn take_within(&self, patience: Duration) -> Option<InFlight> {
        let state = self.shared.lock();
        let full = |s: &mut State| s.out >= s.limit;
        let (mut state, timeout) =
            self.shared.returned.wait_timeout_while(state, patience, full).unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() && state.out >= state.limit {
            return None;
        }
        state.out += 1;
        Some(InFlight { shared: Arc::clone(&self.shared) })
    }

    /// Changes the limit (at least one); lowering it takes effect as permits return.
    pub fn set_limit(&self, limit: usize) {
        self.shared.lock().limit = limit.max(1);
        self.shared.returned.notify_all();
    }

    /// Permits out right now.
    pub fn out(&self) -> usize {
        self.shared.lock().out
    }
}

impl Shared {
    /// Nothing in here can be left half-changed, so a poisoned lock is as good as a clean one.
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.shared.lock().out -= 1;
        self.shared.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_permit_can_be_taken_again() {
        let permits = Permits::new(1);
        let first = permits.try_take();
        assert!(first.is_some() && permits.try_take().is_none());
        drop(first);
        assert!(permits.take_within(Duration::ZERO).is_some());
    }

    #[test]
    fn a_lowered_limit_holds_once_permits_return() {
        let permits = Permits::new(2);
        let (a, b) = (permits.try_take(), permits.try_take());
        permits.set_limit(1);
        drop(a);
        assert!(permits.try_take().is_none(), "one is still out and the limit is one");
        drop(b);
        assert!(permits.try_take().is_some());
    }
}
