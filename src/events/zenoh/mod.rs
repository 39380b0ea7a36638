//! Zenoh in one room: a session from a [`BusConfig`](super::BusConfig), a sink that publishes, queryables that answer from
//! the journal, and a subscription that notices what is missing and asks for it.
//!
//! Why not zenoh-ext's advanced publisher: it numbers and caches one key expression each, in memory. Every visit has a key
//! of its own here, and history must survive a restart; the sequence number in the event, the heartbeat on `@head` and the
//! journal behind `@history` do the same for all keys of a camera at once, for as far back as the journal reaches.

mod caught;
mod nodes;
mod owed;
mod pages;
mod player;
mod publish;
mod second;
mod serve;
mod session;
mod states;
mod subscribe;

pub use nodes::{CameraSeen, NodeSeen};
pub use player::{PlayError, Player};
pub use publish::{ZenohFigures, ZenohSink};
pub use second::OnvifSink;
pub use serve::HistoryError;
pub use session::{Presence, ZenohBus};
pub use states::States;
pub use subscribe::{Delivery, Filter, Subscription};
