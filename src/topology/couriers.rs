//! The couriers that a deployment asks for: webhooks and MQTT brokers.

use super::AssembleError;
use crate::config::Deployment;
use crate::events::EventSink;

/// Couriers as seen from outside, for figures.
#[cfg(feature = "server")]
pub type Couriers = std::sync::Arc<[crate::events::courier::Courier]>;
/// This build has none.
#[cfg(not(feature = "server"))]
#[derive(Clone, Debug)]
pub struct Couriers;

/// Starts them all; their sinks join the others.
#[cfg(feature = "server")]
pub(super) fn start(deployment: &Deployment, sinks: &mut Vec<Box<dyn EventSink>>) -> Result<Couriers, AssembleError> {
    use crate::events::courier::CourierError;
    let unusable = |cause: CourierError| match cause {
        CourierError::Thread(..) => AssembleError::failed(cause),
        _ => AssembleError::bad(cause),
    };
    let mut couriers = Vec::new();
    for hook in &deployment.events.webhooks {
        let sink = webhook(hook).start(std::sync::Arc::new(super::delivery::wall)).map_err(unusable)?;
        couriers.push(sink.courier());
        sinks.push(Box::new(sink));
    }
    for broker in &deployment.events.brokers {
        let sink = mqtt(broker, deployment).start().map_err(unusable)?;
        couriers.push(sink.courier());
        sinks.push(Box::new(sink));
    }
    Ok(couriers.into())
}

/// Without the feature, asking for one is refused.
#[cfg(not(feature = "server"))]
pub(super) fn start(deployment: &Deployment, _: &mut Vec<Box<dyn EventSink>>) -> Result<Couriers, AssembleError> {
    if deployment.events.webhooks.is_empty() && deployment.events.brokers.is_empty() {
        return Ok(Couriers);
    }
    let message = "the deployment wants `[[events.webhook]]` or `[[events.mqtt]]`, but this flyball was built without them: build \
                   it with `--features server`";
    Err(AssembleError::missing(message))
}

#[cfg(feature = "server")]
fn webhook(hook: &crate::config::Webhook) -> crate::events::courier::webhook::Webhook {
    crate::events::courier::webhook::Webhook {
        name: hook.name.clone(),
        url: hook.url.expose().to_owned(),
        secret: hook.secret.expose().to_owned(),
        batch: hook.batch as usize,
        linger: hook.linger,
        timeout: hook.timeout,
        waiting: hook.waiting as usize,
        ca: hook.ca.clone(),
    }
}

#[cfg(feature = "server")]
fn mqtt(broker: &crate::config::Mqtt, deployment: &Deployment) -> crate::events::courier::mqtt::Mqtt {
    let ours = || format!("flyball-{}-{}-{}", deployment.site, deployment.node, broker.name);
    let user = broker.credentials.as_ref();
    crate::events::courier::mqtt::Mqtt {
        name: broker.name.clone(),
        url: broker.url.clone(),
        client_id: broker.client_id.clone().unwrap_or_else(ours),
        user: user.map(|c| (c.user.clone(), c.password.expose().to_owned())),
        prefix: broker.topic_prefix.clone(),
        onvif: deployment.events.onvif,
        waiting: broker.waiting as usize,
        ca: broker.ca.clone(),
    }
}
