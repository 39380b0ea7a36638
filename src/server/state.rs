//! What every request may look at: the instruments of a running graph, its cameras, its events, and who may ask.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{Feed, tokens::Tokens};
use crate::config::{Deployment, Server};
use crate::events::journal::JournalReader;
use crate::flow::{Drops, FrameTraces, Lanes, Latency};
use crate::media::ViewTerms;
use crate::memory::Permits;
use crate::topology::{Assembly, Board, Cameras, Couriers, StageHandle, view_terms};

/// Everything behind the counter. Clones share it.
#[derive(Clone)]
pub struct Desk {
    pub(super) name: Arc<str>,
    pub(super) folder: Arc<Path>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) origins: Arc<[String]>,
    /// Nobody is asked for a token, so only pages of this machine may ask.
    pub(super) trusts_this_machine: bool,
    pub(super) feed: Feed,
    pub(super) history: Option<JournalReader>,
    pub(super) couriers: Couriers,
    pub(super) board: Arc<Board>,
    pub(super) cameras: Cameras,
    pub(super) drops: Drops,
    pub(super) stages: Arc<[StageHandle]>,
    pub(super) latency: Arc<Latency>,
    pub(super) lanes: Lanes,
    pub(super) permits: Permits,
    pub(super) traces: Option<FrameTraces>,
    #[cfg_attr(not(feature = "media"), allow(dead_code, reason = "only WHEP reads it"))]
    pub(super) view: Arc<ViewTerms>,
    ending: Arc<AtomicBool>,
}

impl Desk {
    /// The desk of a deployment that runs; `feed` has been hearing its events.
    pub fn new(deployment: &Deployment, server: &Server, assembly: &Assembly, feed: Feed) -> Self {
        let running = &assembly.running;
        let folder = deployment.file.parent().map(PathBuf::from).unwrap_or_default();
        Self {
            name: deployment.name.as_str().into(),
            folder: std::path::absolute(&folder).unwrap_or(folder).into(),
            tokens: Arc::new(Tokens::new(&server.clients)),
            origins: server.origins.clone().into(),
            trusts_this_machine: server.clients.is_empty() && server.listen.ip().is_loopback(),
            feed,
            history: assembly.history.clone(),
            couriers: Couriers::clone(&assembly.couriers),
            board: Arc::clone(&running.board),
            cameras: running.cameras(),
            drops: running.drops.clone(),
            stages: running.stages.clone().into(),
            latency: Arc::clone(&running.latency),
            lanes: running.lanes.clone(),
            permits: running.permits.clone(),
            traces: running.traces.clone(),
            view: Arc::new(view_terms(&server.view)),
            ending: Arc::default(),
        }
    }

    /// The end was asked for: not ready any more.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
        self.feed.end();
    }

    /// Whether the end was asked for.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }
}
