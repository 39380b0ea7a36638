//! Couriers: they carry events to those who do not speak Zenoh. Each is a sink with a bounded [`satchel`] and a thread of its
//! own that tries again, with growing [`pause`]s, until the other side has taken what it carries.
//!
//! What does not fit any more is let go of oldest first, counted, said in the log, and announced to that receiver as a `gap`
//! event with its range, as soon as it listens again. [`webhook`] posts over HTTP and signs (see [`sign`]); [`mqtt`]
//! publishes with QoS 1 and holds what is not acknowledged in a `window`; `tls` reads whom to trust.

mod pause;
mod satchel;
mod tls;
mod window;

pub mod mqtt;
pub mod sign;
pub mod webhook;

use std::{
    fmt, io,
    path::PathBuf,
    sync::Arc,
    thread::{Builder, JoinHandle},
    time::Duration,
};

use self::satchel::Satchel;
use super::sink::{EventSink, Recorded};

/// How long the end of a run waits for events that are still on their way to one receiver.
const GRACE: Duration = Duration::from_secs(5);
/// Name of every courier's thread.
const THREAD: &str = "courier";

/// A sink that hands events to a courier. Handing over never waits.
pub struct CourierSink {
    satchel: Arc<Satchel>,
    thread: Option<JoinHandle<()>>,
}

/// A courier as seen from outside. Clones look at the same one.
#[derive(Clone)]
pub struct Courier {
    satchel: Arc<Satchel>,
}

/// What a courier did since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CourierFigures {
    /// Taken by the receiver, announcements of gaps among them.
    pub delivered: u64,
    /// Let go of: too many waited, or the receiver refused them for good. Each is announced.
    pub lost: u64,
    /// Attempts that failed and were, or will be, made again.
    pub failures: u64,
    /// On their way now.
    pub waiting: u64,
}

/// Why a courier cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// Whom to trust cannot be read.
    #[error("courier `{name}`: certificates in {} cannot be used: {why}; name a PEM file in `ca`", path.display())]
    Certificates {
        /// The courier.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No address in it.
    #[error("courier `{0}`: its `url` is no address; write https://host/path or mqtts://host:8883")]
    Address(String),
    /// No thread.
    #[error("courier `{0}`: its thread cannot be started: {1}")]
    Thread(String, io::Error),
}

/// Marks the satchel as done with, however the thread ended.
struct Done(Arc<Satchel>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.done();
    }
}

impl CourierSink {
    /// Starts a thread that does `work` with what is handed over; at most `most` events wait.
    fn start(name: &str, most: usize, work: impl FnOnce(&Arc<Satchel>) + Send + 'static) -> Result<Self, CourierError> {
        let satchel = Arc::new(Satchel::new(name, most));
        let done = Done(Arc::clone(&satchel));
        let run = move || {
            let done = done; // dropped however `work` ends
            work(&done.0);
        };
        let thread = Builder::new().name(THREAD.into()).spawn(run);
        let thread = thread.map_err(|cause| CourierError::Thread(name.to_owned(), cause))?;
        Ok(Self { satchel, thread: Some(thread) })
    }

    /// The courier as seen from outside, also after the sink was handed to the outbox.
    pub fn courier(&self) -> Courier {
        Courier { satchel: Arc::clone(&self.satchel) }
    }
}

impl Courier {
    /// Its name in the deployment file.
    pub fn name(&self) -> &str {
        self.satchel.name()
    }

    /// What it did so far.
    pub fn figures(&self) -> CourierFigures {
        self.satchel.figures()
    }
}

impl EventSink for CourierSink {
    fn publish(&mut self, recorded: &Recorded) {
        self.satchel.put(recorded);
    }

    /// Waits a little for what is on its way. A receiver that does not answer does not hold up the end of a run.
    fn finish(&mut self) {
        self.satchel.close();
        if let (true, Some(thread)) = (self.satchel.wait_until_done(GRACE), self.thread.take())
            && thread.join().is_err()
        {
            tracing::error!(courier = self.satchel.name(), "its thread panicked; later events were not delivered");
        }
        self.satchel.tell_what_is_left();
    }
}

impl Drop for CourierSink {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.satchel.close();
        }
    }
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Courier({}, {:?})", self.name(), self.figures())
    }
}
