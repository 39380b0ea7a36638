//! How everything is asked to end: first "drain" (sources stop, the rest finishes its work), then, if asked again, "now".

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

/// What a thread holds to learn that it should end.
#[derive(Clone, Debug)]
pub struct Shutdown {
    /// Disconnected means: sources stop. Nothing is ever sent on it; dropping the sender is the message.
    drain: Receiver<Infallible>,
    now: Arc<AtomicBool>,
}

/// What the front holds to ask for the end.
#[derive(Clone, Debug)]
pub struct ShutdownSwitch {
    drain: Arc<Mutex<Option<Sender<Infallible>>>>,
    now: Arc<AtomicBool>,
}

/// A switch and the signal it controls.
pub fn shutdown() -> (ShutdownSwitch, Shutdown) {
    let (sender, drain) = bounded(0);
    let now = Arc::new(AtomicBool::new(false));
    let switch = ShutdownSwitch { drain: Arc::new(Mutex::new(Some(sender))), now: Arc::clone(&now) };
    (switch, Shutdown { drain, now })
}

impl ShutdownSwitch {
    /// Sources stop; what is in flight is finished.
    pub fn drain(&self) {
        self.drain.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether the end was asked for.
    pub fn draining(&self) -> bool {
        self.drain.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// Nothing more is finished: every worker stops after the batch in its hands.
    pub fn now(&self) {
        self.now.store(true, Ordering::Release);
        self.drain();
    }
}

impl Shutdown {
    /// Whether sources should stop.
    pub fn draining(&self) -> bool {
        matches!(self.drain.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Whether even work in hand should be abandoned.
    pub fn is_now(&self) -> bool {
        self.now.load(Ordering::Acquire)
    }

    /// For `select`: becomes ready (disconnected) when draining begins.
    pub fn drained(&self) -> &Receiver<Infallible> {
        &self.drain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_request_means_now() {
        let (switch, signal) = shutdown();
        assert!(!signal.draining());
        switch.drain();
        assert!(signal.draining() && !signal.is_now());
        switch.now();
        assert!(signal.is_now());
    }
}
