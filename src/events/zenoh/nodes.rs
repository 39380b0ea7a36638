//! Who is there: nodes, the cameras each of them serves, and how those fare.
//!
//! A node and a camera have a liveliness token each (`@alive`), which does not say whose camera it is. So each node also
//! keeps a token `…/@node/<node>/serves/<camera>` for every camera it serves.

use std::collections::BTreeMap;

use ::zenoh::Wait;
use serde::Serialize;

use super::{Filter, ZenohBus, session::refused};
use crate::events::{
    bus::BusError,
    keys::{Key, Origin, PlaceId, ROOT, Topic},
    wire::{CameraState, Data, Event, UtcMicros},
};
use crate::scene::CameraId;

/// In front of a camera's id, below its node.
const SERVES: &str = "serves";

/// A node that is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeSeen {
    /// Its site.
    pub site: String,
    /// Its name; `None` for cameras of which nobody says who serves them.
    pub node: Option<String>,
    /// The cameras it serves, by id.
    pub cameras: Vec<CameraSeen>,
}

/// A camera that is served.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CameraSeen {
    /// Its id.
    pub camera: String,
    /// When it last told its state.
    pub told: Option<UtcMicros>,
    /// That state; `None` where no journal remembers one.
    pub state: Option<CameraState>,
}

/// The key of the token by which a node says that it serves a camera.
pub(super) fn serves(site: &PlaceId, node: &PlaceId, camera: &CameraId) -> String {
    format!("{}/{SERVES}/{camera}", Origin::Node(site.clone(), node.clone()).prefix())
}

impl ZenohBus {
    /// Everybody who is there now, at one site or everywhere, by site and name.
    pub fn nodes(&self, site: Option<&str>) -> Result<Vec<NodeSeen>, BusError> {
        let place = site.unwrap_or("*");
        let mut tokens = Vec::new();
        for key in [format!("@node/*/{SERVES}/*"), "@node/*/@alive".to_owned(), "*/@alive".to_owned()] {
            tokens.extend(self.tokens_at(&format!("{ROOT}/{place}/{key}"))?);
        }
        let filter = Filter { site: site.map(str::to_owned), camera: None };
        Ok(seen(&tokens, newest(self.last_states(&filter)?)))
    }

    fn tokens_at(&self, key: &str) -> Result<Vec<String>, BusError> {
        let replies = self.session.liveliness().get(key).wait().map_err(refused)?;
        Ok(replies.iter().filter_map(|reply| reply.into_result().ok()).map(|s| s.key_expr().to_string()).collect())
    }
}

/// The newest event of each source.
fn newest(mut states: Vec<Event>) -> BTreeMap<String, Event> {
    states.sort_by_key(|event| event.time);
    states.into_iter().map(|event| (event.source.clone(), event)).collect()
}

/// Puts tokens and states together.
fn seen(tokens: &[String], mut states: BTreeMap<String, Event>) -> Vec<NodeSeen> {
    let mut nodes: BTreeMap<(String, Option<String>), BTreeMap<String, CameraSeen>> = BTreeMap::new();
    let mut orphans = Vec::new();
    for key in tokens.iter().filter_map(|token| Key::parse(token).ok()) {
        match (&key.origin, &key.topic) {
            (Origin::Node(site, node), topic) => {
                let cameras = nodes.entry((site.to_string(), Some(node.to_string()))).or_default();
                if let Some(camera) = served(topic) {
                    cameras.insert(camera.to_string(), camera_seen(site, &camera, &mut states));
                }
            }
            (Origin::Camera(site, camera), Topic::Alive) => orphans.push((site.clone(), camera.clone())),
            _ => {}
        }
    }
    for (site, camera) in orphans {
        let (site_name, id) = (site.to_string(), camera.to_string());
        if !nodes.iter().any(|((at, _), cameras)| *at == site_name && cameras.contains_key(&id)) {
            let seen = camera_seen(&site, &camera, &mut states);
            nodes.entry((site_name, None)).or_default().insert(id, seen);
        }
    }
    let node = |((site, node), cameras): ((String, Option<String>), BTreeMap<String, CameraSeen>)| NodeSeen {
        site,
        node,
        cameras: cameras.into_values().collect(),
    };
    nodes.into_iter().map(node).collect()
}

/// The camera behind `serves/<camera>`.
fn served(topic: &Topic) -> Option<CameraId> {
    let Topic::Other(text) = topic else { return None };
    CameraId::new(text.strip_prefix(SERVES)?.strip_prefix('/')?).ok()
}

fn camera_seen(site: &PlaceId, camera: &CameraId, states: &mut BTreeMap<String, Event>) -> CameraSeen {
    let told = states.remove(&Origin::Camera(site.clone(), camera.clone()).source());
    let time = told.as_ref().map(|event| event.time);
    let state = told.and_then(|event| match event.data {
        Data::CameraState(state) => Some(state),
        _ => None,
    });
    CameraSeen { camera: camera.to_string(), told: time, state }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_are_listed_below_whoever_serves_them() {
        let tokens = [
            "flyball/v1/hq/@node/box-a/@alive",
            "flyball/v1/hq/@node/box-a/serves/gate",
            "flyball/v1/hq/gate/@alive",
            "flyball/v1/hq/@node/box-b/@alive",
            "flyball/v1/hq/yard/@alive",
            "no/key/of/ours",
        ];
        let nodes = seen(&tokens.map(str::to_owned), BTreeMap::new());
        let told: Vec<_> = nodes
            .iter()
            .map(|n| (n.node.as_deref(), n.cameras.iter().map(|c| c.camera.as_str()).collect::<Vec<_>>()))
            .collect();
        assert_eq!(told, [(None, vec!["yard"]), (Some("box-a"), vec!["gate"]), (Some("box-b"), vec![])]);
    }
}
