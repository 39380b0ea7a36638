//! What subscribers hear about: the versioned contract and its delivery.
//!
//! An event is drafted by a stage, posted to the outbox, numbered and written to the journal, and only then handed to the
//! sinks: Zenoh, lines of text, memory. In reading order: [`wire`] (the contract), `origin` (whom they are about), [`keys`] (where they are found),
//! [`sink`](EventSink), numbering, [`outbox`](Outbox) with its `scribe` and its `clerk`, [`journal`], `keeper`, [`begin`] (which puts these together), `bus` and `access` (what a deployment says about Zenoh),
//! `follow` (a subscriber's bookkeeping), [`onvif`] (faces in ONVIF's words), [`recording`] (events in a file); behind their features `zenoh` itself, and `courier`, who
//! carries events to web addresses and MQTT brokers. Next room: `stages::publish`, which decides when there is something to say.

pub mod journal;
pub mod keys;
pub mod wire;

pub mod onvif;
pub mod recording;

mod access;
mod begin;
mod bus;
mod clerk;
mod follow;
#[cfg(any(feature = "server", feature = "zenoh"))]
mod hole;
mod keeper;
mod numbering;
mod origin;
mod outbox;
mod scribe;
mod sink;
#[cfg(test)]
mod testing;

#[cfg(feature = "server")]
pub mod courier;
#[cfg(feature = "zenoh")]
pub mod zenoh;

pub use access::{Access, May};
pub use begin::{BeginError, Beginning, Started, begin};
pub use bus::{BusConfig, BusError, BusMode, Encoding, Tls, User};
pub use follow::{Follower, Heard};
pub use numbering::Numbering;
pub use outbox::{FreshId, Outbox, OutboxFigures, OutboxParts, Postbox, WallClock};
pub use sink::{CallSink, EventSink, Head, LineSink, MemoryBus, Recorded};
