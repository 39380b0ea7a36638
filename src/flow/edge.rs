//! A bounded queue between two stages, with a named policy for the moment it is full.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Drops;
use crate::scene::{CameraId, Packet};

/// What happens to a packet that finds the queue full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// The stage before waits: nothing is lost here, slowness travels up to the lanes. For the trunk.
    #[default]
    Block,
    /// The oldest queued packet is dropped and counted: the reader sees the newest, nobody waits. For live branches.
    DropOldest,
    /// The new packet is dropped and counted: the reader sees an unbroken beginning, nobody waits.
    DropNewest,
}

/// The writing end. A clone writes to the same queue.
#[derive(Clone, Debug)]
pub struct Outlet {
    sender: Sender<Packet>,
    policy: WhenFull,
    /// Only for [`WhenFull::DropOldest`]; it keeps the channel connected, hence `closed`.
    evict: Option<Receiver<Packet>>,
    closed: Arc<AtomicBool>,
    drops: Drops,
    name: Arc<str>,
}

/// The reading end. Dropping it tells the writers that nobody reads any more.
#[derive(Debug)]
pub struct Inlet {
    receiver: Receiver<Packet>,
    closed: Arc<AtomicBool>,
}

/// The reader has gone; there is no point in sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderGone;

/// What waiting for a packet brought.
#[derive(Debug)]
pub enum Arrival {
    /// A packet.
    Packet(Packet),
    /// Nothing until the deadline.
    Nothing,
    /// Every writer has gone and the queue is empty.
    Ended,
}

/// An edge named `name` (as drops are reported) holding up to `capacity` packets, at least one.
pub fn edge(name: &str, capacity: usize, policy: WhenFull, drops: &Drops) -> (Outlet, Inlet) {
    let (sender, receiver) = bounded(capacity.max(1));
    let closed = Arc::new(AtomicBool::new(false));
    let evict = (policy == WhenFull::DropOldest).then(|| receiver.clone());
    let outlet =
        Outlet { sender, policy, evict, closed: Arc::clone(&closed), drops: drops.clone(), name: Arc::from(name) };
    (outlet, Inlet { receiver, closed })
}

impl Outlet {
    /// Hands a packet on, by the edge's policy.
    pub fn send(&self, packet: Packet) -> Result<(), ReaderGone> {
        if self.closed.load(Ordering::Acquire) {
            return Err(ReaderGone);
        }
        match self.policy {
            WhenFull::Block => self.sender.send(packet).map_err(|_| ReaderGone),
            WhenFull::DropNewest => self.send_or_drop(packet),
            WhenFull::DropOldest => self.send_evicting(packet),
        }
    }

    /// Packets waiting in the queue.
    pub fn depth(&self) -> usize {
        self.sender.len()
    }

    fn send_or_drop(&self, packet: Packet) -> Result<(), ReaderGone> {
        match self.sender.try_send(packet) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(dropped)) => {
                self.count(&dropped.frame.camera);
                Ok(())
            }
            Err(TrySendError::Disconnected(_)) => Err(ReaderGone),
        }
    }

    fn send_evicting(&self, mut packet: Packet) -> Result<(), ReaderGone> {
        loop {
            match self.sender.try_send(packet) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(_)) => return Err(ReaderGone),
                Err(TrySendError::Full(back)) => packet = back,
            }
            if let Some(oldest) = self.evict.as_ref().and_then(|queue| queue.try_recv().ok()) {
                self.count(&oldest.frame.camera);
            }
        }
    }

    fn count(&self, camera: &CameraId) {
        self.drops.count(camera, &self.name);
    }
}

impl Inlet {
    /// Waits for a packet until `deadline`.
    pub fn receive(&self, deadline: Instant) -> Arrival {
        match self.receiver.recv_deadline(deadline) {
            Ok(packet) => Arrival::Packet(packet),
            Err(RecvTimeoutError::Timeout) => Arrival::Nothing,
            Err(RecvTimeoutError::Disconnected) => Arrival::Ended,
        }
    }

    /// Waits up to `patience` more; for tests and tools without a clock at hand.
    pub fn receive_within(&self, patience: Duration) -> Arrival {
        match self.receiver.recv_timeout(patience) {
            Ok(packet) => Arrival::Packet(packet),
            Err(RecvTimeoutError::Timeout) => Arrival::Nothing,
            Err(RecvTimeoutError::Disconnected) => Arrival::Ended,
        }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        // Wake a writer that waits, and give back the permits of what nobody will read.
        while self.receiver.try_recv().is_ok() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::testing::packet;

    fn sequences(inlet: &Inlet) -> Vec<u64> {
        std::iter::from_fn(|| match inlet.receive_within(Duration::ZERO) {
            Arrival::Packet(p) => Some(p.frame.sequence),
            Arrival::Nothing | Arrival::Ended => None,
        })
        .collect()
    }

    #[test]
    fn drop_oldest_keeps_the_newest_and_counts_the_rest() {
        let drops = Drops::default();
        let (outlet, inlet) = edge("preview", 2, WhenFull::DropOldest, &drops);
        (0..5).for_each(|n| outlet.send(packet("a", n)).unwrap());
        assert_eq!(sequences(&inlet), [3, 4]);
        assert_eq!(drops.total(), 3);
    }

    #[test]
    fn drop_newest_keeps_the_beginning() {
        let drops = Drops::default();
        let (outlet, inlet) = edge("record", 2, WhenFull::DropNewest, &drops);
        (0..5).for_each(|n| outlet.send(packet("a", n)).unwrap());
        assert_eq!(sequences(&inlet), [0, 1]);
        assert_eq!(drops.of(&CameraId::new("a").unwrap()), 3);
    }

    #[test]
    fn writers_learn_that_the_reader_has_gone_under_every_policy() {
        for policy in [WhenFull::Block, WhenFull::DropOldest, WhenFull::DropNewest] {
            let (outlet, inlet) = edge("x", 1, policy, &Drops::default());
            drop(inlet);
            assert_eq!(outlet.send(packet("a", 0)), Err(ReaderGone), "{policy:?}");
        }
    }

    #[test]
    fn a_reader_learns_that_the_writers_have_gone_after_the_last_packet() {
        let (outlet, inlet) = edge("x", 2, WhenFull::DropOldest, &Drops::default());
        outlet.send(packet("a", 7)).unwrap();
        drop(outlet);
        assert_eq!(sequences(&inlet), [7]);
        assert!(matches!(inlet.receive_within(Duration::ZERO), Arrival::Ended));
    }
}
