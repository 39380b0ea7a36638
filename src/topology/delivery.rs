//! The way events leave: outbox, journal, and the sinks a deployment asks for.

use std::{sync::Arc, time::SystemTime};

use uuid::Uuid;

use super::{
    AssembleError,
    couriers::{self, Couriers},
    entry::Presence,
    steer::Publish,
};
use crate::config::Deployment;
use crate::events::{
    Beginning, EventSink, Outbox, Postbox, Started, begin,
    journal::{JournalReader, Limits},
    keys::PlaceId,
};

/// What keeps the delivery going; dropped last.
pub(super) struct Delivery {
    /// Drained at the end.
    pub(super) outbox: Outbox,
    /// For those who missed something; `None` without a journal.
    pub(super) history: Option<JournalReader>,
    /// Carry events to webhooks and brokers.
    pub(super) couriers: Couriers,
    #[cfg(feature = "zenoh")]
    bus: Option<crate::events::zenoh::ZenohBus>,
}

impl Delivery {
    /// How others learn which cameras are served, if there is anybody to learn it.
    #[cfg(feature = "zenoh")]
    pub(super) fn presence(&self, site: &PlaceId, node: &PlaceId) -> Option<Presence> {
        let bus = self.bus.as_ref()?;
        let presence = bus.presence(site, node);
        Some(Box::new(move |camera, is_there| {
            if !is_there {
                presence.went(camera);
            } else if let Err(cause) = presence.came(camera) {
                tracing::warn!(%camera, %cause, "others cannot see that this camera is served");
            }
        }))
    }

    /// Nobody listens in this build.
    #[cfg(not(feature = "zenoh"))]
    #[allow(clippy::unused_self, reason = "the other build needs it")]
    pub(super) fn presence(&self, _site: &PlaceId, _node: &PlaceId) -> Option<Presence> {
        None
    }

    /// Publishes how the governor stands; `None` when the deployment has no bus.
    #[cfg(feature = "zenoh")]
    pub(super) fn state_publisher(&self, deployment: &Deployment) -> Result<Option<Publish>, AssembleError> {
        let Some(bus) = &self.bus else { return Ok(None) };
        let publish = bus.state_publisher(&place(&deployment.site)?, &place(&deployment.node)?);
        Ok(Some(Box::new(publish)))
    }

    /// This build has no bus.
    #[cfg(not(feature = "zenoh"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as in builds with a bus")]
    pub(super) fn state_publisher(&self, _: &Deployment) -> Result<Option<Publish>, AssembleError> {
        Ok(None)
    }
}

/// Opens journal and bus, starts the outbox. `taps` get every event too.
pub(super) fn open(
    deployment: &Deployment,
    mut taps: Vec<Box<dyn EventSink>>,
) -> Result<(Delivery, Postbox), AssembleError> {
    #[cfg(feature = "zenoh")]
    let mut bus = open_bus(deployment, &mut taps)?;
    #[cfg(not(feature = "zenoh"))]
    refuse_bus(deployment)?;
    let couriers = couriers::start(deployment, &mut taps)?;
    let limits = |j: &crate::config::Journal| Limits { max_age: j.max_age, max_bytes: j.max_size };
    let Started { outbox, postbox, history, interrupted, .. } = begin(Beginning {
        site: place(&deployment.site)?,
        node: place(&deployment.node)?,
        journal: deployment.events.journal.as_ref().map(|journal| (journal.path.clone(), limits(journal))),
        sinks: std::mem::take(&mut taps),
        clock: Arc::new(wall),
        fresh_id: Box::new(Uuid::now_v7),
    })
    .map_err(AssembleError::failed)?;
    if interrupted > 0 {
        tracing::warn!(interrupted, "an earlier run ended without warning; its open visits are closed as interrupted");
    }
    #[cfg(feature = "zenoh")]
    serve_history(&mut bus, deployment, history.as_ref())?;
    let delivery = Delivery {
        outbox,
        history,
        couriers,
        #[cfg(feature = "zenoh")]
        bus,
    };
    Ok((delivery, postbox))
}

/// A site or node name as it appears in keys.
pub(super) fn place(name: &str) -> Result<PlaceId, AssembleError> {
    PlaceId::new(name).map_err(AssembleError::bad)
}

#[allow(clippy::disallowed_methods, reason = "publish times are wall-clock times")]
pub(super) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Opens the Zenoh session that the deployment describes and announces who is here.
#[cfg(feature = "zenoh")]
fn open_bus(
    deployment: &Deployment,
    sinks: &mut Vec<Box<dyn EventSink>>,
) -> Result<Option<crate::events::zenoh::ZenohBus>, AssembleError> {
    let Some(settings) = &deployment.events.zenoh else { return Ok(None) };
    let mut bus = crate::events::zenoh::ZenohBus::open(&bus_config(settings)).map_err(unusable)?;
    // Cameras are announced one by one, as they come.
    bus.announce(&place(&deployment.site)?, &place(&deployment.node)?, &[]).map_err(AssembleError::failed)?;
    sinks.push(Box::new(bus.sink().map_err(AssembleError::failed)?));
    if deployment.events.onvif {
        sinks.push(Box::new(bus.onvif_sink().map_err(AssembleError::failed)?));
    }
    Ok(Some(bus))
}

/// An endpoint that is written wrong is the user's to mend; one that is taken is the machine's refusal.
#[cfg(feature = "zenoh")]
fn unusable(cause: crate::events::BusError) -> AssembleError {
    use crate::events::BusError;
    match cause {
        BusError::Zenoh(_) | BusError::Thread(..) => AssembleError::failed(cause),
        BusError::NotBuilt => AssembleError::missing(cause),
        _ => AssembleError::bad(cause),
    }
}

/// Answers late subscribers from the journal.
#[cfg(feature = "zenoh")]
fn serve_history(
    bus: &mut Option<crate::events::zenoh::ZenohBus>,
    deployment: &Deployment,
    history: Option<&JournalReader>,
) -> Result<(), AssembleError> {
    let (Some(bus), Some(history)) = (bus, history) else { return Ok(()) };
    bus.serve(&place(&deployment.site)?, &place(&deployment.node)?, history).map_err(AssembleError::failed)
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
        users_file: settings.users_file.clone(),
        access: settings.access.clone(),
        encoding: settings.encoding,
        raw: settings.raw.clone(),
        insecure: settings.insecure,
        multicast: settings.multicast,
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
