//! The way events leave: outbox, journal, and the sinks a deployment asks for.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use uuid::Uuid;

use super::AssembleError;
use crate::config::Deployment;
use crate::events::{
    EventSink, Numbering, Outbox, OutboxParts, Postbox,
    journal::{self, Journal},
    keys::PlaceId,
};

/// What keeps the delivery going; dropped last.
pub(super) struct Delivery {
    /// Drained at the end.
    pub(super) outbox: Outbox,
    #[cfg(feature = "zenoh")]
    _bus: Option<crate::events::zenoh::ZenohBus>,
}

/// Opens journal and bus, starts the outbox. `taps` get every event too.
pub(super) fn open(
    deployment: &Deployment,
    mut taps: Vec<Box<dyn EventSink>>,
) -> Result<(Delivery, Postbox), AssembleError> {
    let (journal, numbering) = open_journal(deployment)?;
    #[cfg(feature = "zenoh")]
    let bus = open_bus(deployment, journal.as_ref(), &mut taps)?;
    #[cfg(not(feature = "zenoh"))]
    refuse_bus(deployment)?;
    let parts = OutboxParts {
        numbering,
        journal,
        sinks: std::mem::take(&mut taps),
        clock: Arc::new(wall),
        fresh_id: Box::new(Uuid::now_v7),
    };
    let (outbox, postbox) = Outbox::start(parts).map_err(AssembleError::failed)?;
    let delivery = Delivery {
        outbox,
        #[cfg(feature = "zenoh")]
        _bus: bus,
    };
    Ok((delivery, postbox))
}

fn open_journal(deployment: &Deployment) -> Result<(Option<Journal>, Numbering), AssembleError> {
    let Some(settings) = &deployment.events.journal else {
        return Ok((None, Numbering::new(Uuid::now_v7(), BTreeMap::new())));
    };
    let limits = journal::Limits { max_age: settings.max_age, max_bytes: settings.max_size };
    let opened = Journal::open(&settings.path, limits, Uuid::now_v7(), wall().into()).map_err(AssembleError::missing)?;
    Ok((Some(opened.journal), opened.numbering))
}

/// A site or node name as it appears in keys.
pub(super) fn place(name: &str) -> Result<PlaceId, AssembleError> {
    PlaceId::new(name).map_err(AssembleError::bad)
}

#[allow(clippy::disallowed_methods, reason = "publish times are wall-clock times")]
fn wall() -> SystemTime {
    SystemTime::now()
}

/// Opens the Zenoh session that the deployment describes, announces who is here and serves the journal's history.
#[cfg(feature = "zenoh")]
fn open_bus(
    deployment: &Deployment,
    journal: Option<&Journal>,
    sinks: &mut Vec<Box<dyn EventSink>>,
) -> Result<Option<crate::events::zenoh::ZenohBus>, AssembleError> {
    let Some(settings) = &deployment.events.zenoh else { return Ok(None) };
    let mut bus = crate::events::zenoh::ZenohBus::open(&bus_config(settings)).map_err(AssembleError::missing)?;
    let (site, node) = (place(&deployment.site)?, place(&deployment.node)?);
    let cameras: Vec<_> = deployment.cameras.iter().map(|camera| camera.id.clone()).collect();
    bus.announce(&site, &node, &cameras).map_err(AssembleError::failed)?;
    if let Some(journal) = journal {
        bus.serve(&site, &node, &journal.reader()).map_err(AssembleError::failed)?;
    }
    sinks.push(Box::new(bus.sink().map_err(AssembleError::failed)?));
    Ok(Some(bus))
}

#[cfg(feature = "zenoh")]
fn bus_config(settings: &crate::config::Zenoh) -> crate::events::BusConfig {
    use crate::config::Mode;
    use crate::events::{BusConfig, BusMode, Tls, User};
    let tls = settings.tls.as_ref().map(|tls| Tls {
        ca: tls.ca.clone().unwrap_or_default(),
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        mutual: tls.mutual,
    });
    let user = settings.credentials.as_ref();
    BusConfig {
        mode: match settings.mode {
            Mode::Peer => BusMode::Peer,
            Mode::Client => BusMode::Client,
            Mode::Router => BusMode::Router,
        },
        listen: settings.listen.clone(),
        connect: settings.connect.clone(),
        tls,
        user: user.map(|c| User { name: c.user.clone(), password: c.password.expose().to_owned() }),
        insecure: settings.insecure,
        multicast: settings.multicast,
        ..BusConfig::default()
    }
}

#[cfg(not(feature = "zenoh"))]
fn refuse_bus(deployment: &Deployment) -> Result<(), AssembleError> {
    if deployment.events.zenoh.is_none() {
        return Ok(());
    }
    let message = "the deployment wants `[events.zenoh]`, but this flyball was built without it: build it with `--features zenoh`";
    Err(AssembleError::missing(message))
}
