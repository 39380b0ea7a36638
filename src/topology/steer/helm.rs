//! The thread "steer": takes a turn when the governor asks for one, hears orders in between, ends when told.
//!
//! One of the few places that read a clock.

use std::{
    io,
    sync::{Arc, PoisonError},
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{Steersman, tell::Shown};
use crate::config;
use crate::events::wire::GovernorState;
use crate::governor::Elapsed;

/// Orders that may wait; each is taken within a tenth of a second.
const ORDERS: usize = 8;

enum Order {
    Renew(config::Governor),
    Stop,
}

/// The running thread.
#[derive(Debug)]
pub struct Steering {
    helm: Helm,
    thread: JoinHandle<()>,
}

/// What can be asked of the thread while it runs. Clones ask the same one.
#[derive(Clone, Debug)]
pub struct Helm {
    orders: Sender<Order>,
    shown: Arc<Shown>,
}

impl Steering {
    /// Starts the thread; `shown` is what it shows.
    pub(in crate::topology) fn start(steersman: Steersman, shown: Arc<Shown>) -> io::Result<Self> {
        let (orders, heard) = bounded(ORDERS);
        let thread = Builder::new().name("steer".into()).spawn(move || work(steersman, &heard))?;
        Ok(Self { helm: Helm { orders, shown }, thread })
    }

    /// A way to ask something of it.
    pub fn helm(&self) -> Helm {
        self.helm.clone()
    }

    /// Ends the thread and waits for it.
    pub(in crate::topology) fn stop(self) {
        // Refused only when the thread has ended already, by a panic that has been reported by its own hook.
        let _gone = self.helm.orders.send(Order::Stop);
        let _told = self.thread.join();
    }
}

impl Helm {
    /// From now on this budget and objective. False when too many such orders wait, or nobody steers any more.
    pub fn renew(&self, asked: &config::Governor) -> bool {
        self.orders.try_send(Order::Renew(asked.clone())).is_ok()
    }

    /// The last decision and its reason; empty before the first.
    pub fn last_decision(&self) -> String {
        self.shown.words.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How things stood half a second ago, at most; `None` before the first reading.
    pub fn state(&self) -> Option<GovernorState> {
        self.shown.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn work(mut steersman: Steersman, orders: &Receiver<Order>) {
    let start = now();
    let mut next = Elapsed::ZERO;
    loop {
        let wait = Duration::from(next).saturating_sub(now() - start);
        match orders.recv_timeout(wait) {
            Ok(Order::Renew(asked)) => steersman.renew(&asked),
            Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => next = steersman.step(Elapsed::from(now() - start)),
        }
    }
    steersman.end();
}

#[allow(clippy::disallowed_methods, reason = "the steering thread is one of the rooms that read a clock")]
fn now() -> Instant {
    Instant::now()
}
