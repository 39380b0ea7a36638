//! A second key beside each event: faces in ONVIF's words. It is no journal's and has no numbers; whoever must not miss
//! anything reads the events themselves.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
};

use ::zenoh::{
    Session, Wait,
    bytes::Encoding,
    qos::{CongestionControl, Priority},
};

use super::ZenohBus;
use crate::events::{
    bus::BusError,
    onvif,
    sink::{EventSink, Recorded},
};

/// Messages that may wait for the network.
const QUEUE: usize = 1_024;
/// Name of the thread.
const THREAD: &str = "events-onvif";

/// Publishes faces in ONVIF's words.
pub struct OnvifSink {
    queue: Option<SyncSender<(String, String)>>,
    thread: Option<JoinHandle<()>>,
    skipped: u64,
}

impl ZenohBus {
    /// A sink that publishes on `…/<camera>/@onvif-ej/RuleEngine/Recognition/Face`.
    pub fn onvif_sink(&self) -> Result<OnvifSink, BusError> {
        let (queue, outgoing) = sync_channel(QUEUE);
        let session = self.session.clone();
        let thread = Builder::new().name(THREAD.into()).spawn(move || send_all(&session, &outgoing));
        let thread = thread.map_err(|cause| BusError::Thread(THREAD, cause))?;
        Ok(OnvifSink { queue: Some(queue), thread: Some(thread), skipped: 0 })
    }
}

impl EventSink for OnvifSink {
    fn publish(&mut self, recorded: &Recorded) {
        let Some(message) = onvif::message(&recorded.event) else { return };
        if self.queue.as_ref().is_none_or(|queue| queue.try_send(message).is_err()) {
            self.skipped += 1;
        }
    }

    fn finish(&mut self) {
        self.queue = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread `{THREAD}` panicked; later events were not told in ONVIF's words");
        }
        if std::mem::take(&mut self.skipped) > 0 {
            tracing::warn!("the network was too slow for all faces in ONVIF's words; the events themselves have them");
        }
    }
}

impl Drop for OnvifSink {
    fn drop(&mut self) {
        self.finish();
    }
}

fn send_all(session: &Session, outgoing: &Receiver<(String, String)>) {
    for (key, text) in outgoing {
        let sent = session
            .put(key.as_str(), text)
            .encoding(Encoding::APPLICATION_JSON)
            .congestion_control(CongestionControl::Block)
            .priority(Priority::DataHigh)
            .wait();
        if let Err(cause) = sent {
            tracing::warn!(key, %cause, "a face was not told in ONVIF's words; the event itself has it");
        }
    }
}
