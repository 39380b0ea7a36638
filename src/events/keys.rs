//! Where events are found: key expressions, built and read in this one place.
//!
//! ```text
//! flyball/v1/<site>/<camera>/faces/<visit>/<opened|updated|closed>   visits
//! flyball/v1/<site>/<camera>/state                                   the camera's condition; answers a query with the last one
//! flyball/v1/<site>/<camera>/gap                                     events missing for good
//! flyball/v1/<site>/<camera>/@history?since=<n>                      answers a query from the journal
//! flyball/v1/<site>/<camera>/@head                                   newest sequence number, once a second
//! flyball/v1/<site>/@node/<node>/governor | health | gap             the same for a node
//! flyball/v1/<site>/@node/<node>/governor/state                       how the governor stands, twice a second; not numbered
//! flyball/v1/<site>/@node/<node>/@alive                              liveliness token of a running node
//! flyball/v1/<site>/@node/<node>/serves/<camera>                      liveliness token: that node serves that camera
//! flyball/v1/<site>/<camera>/@onvif-ej/RuleEngine/Recognition/Face    the same faces in ONVIF's words, where asked for
//! ```
//! The major version of the contract is in the key, so that a second version can run beside the first. Chunks that begin
//! with `@` are never matched by `*` or `**` in Zenoh: who subscribes to `flyball/v1/**` hears events and nothing else.

use std::{fmt, sync::Arc};

use uuid::Uuid;

use super::wire::{Data, Event, VisitState};
use crate::scene::{CameraId, IdError};

/// Everything of schema v1 lives below it.
pub const ROOT: &str = "flyball/v1";
/// Chunk in front of a node's name, where otherwise a camera's id stands. No camera can be called so.
const NODE: &str = "@node";
/// In front of a moderation rule's name.
const RULE: &str = "moderation/";

/// Name of a site or of a node: the same letters as any id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlaceId(Arc<str>);

/// Whom an event is about, and so who numbers it: a camera, or a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A camera of a site.
    Camera(PlaceId, CameraId),
    /// A node of a site: a running Flyball.
    Node(PlaceId, PlaceId),
}

/// What a key expression of ours points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whom it is about.
    pub origin: Origin,
    /// What of it.
    pub topic: Topic,
}

/// The last part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// One visit's events of one state.
    Face(Uuid, VisitState),
    /// Verdicts of one moderation rule.
    Moderation(String),
    /// A camera's condition.
    State,
    /// Events missing for good.
    Gap,
    /// The governor's decisions.
    Governor,
    /// How the governor stands now; no event.
    GovernorState,
    /// A node's health.
    Health,
    /// Queries to the journal.
    History,
    /// The newest sequence number.
    Head,
    /// A node's liveliness token.
    Alive,
    /// A topic from a later version.
    Other(String),
}

/// Why a text is no key of ours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not below our root, or too short.
    #[error("`{0}` is no flyball key: it should look like {ROOT}/<site>/<camera>/…")]
    Shape(String),
    /// A site, node or camera name that cannot be one.
    #[error("in key `{0}`: {1}")]
    Name(String, IdError),
}

impl PlaceId {
    /// Checks and wraps a text.
    pub fn new(text: &str) -> Result<Self, IdError> {
        CameraId::new(text).map(|id| Self(Arc::from(id.as_str())))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Origin {
    /// `flyball/v1/<site>/<camera>` or `flyball/v1/<site>/@node/<node>`.
    pub fn prefix(&self) -> String {
        format!("{ROOT}/{}/{}", self.site(), self.partition())
    }

    /// The CloudEvents `source`.
    pub fn source(&self) -> String {
        format!("/flyball/{}/{}", self.site(), self.partition())
    }

    /// The CloudEvents `partitionkey`: events with the same one are in order.
    pub fn partition(&self) -> String {
        match self {
            Self::Camera(_, camera) => camera.to_string(),
            Self::Node(_, node) => format!("{NODE}/{node}"),
        }
    }

    /// The site.
    pub fn site(&self) -> &PlaceId {
        match self {
            Self::Camera(site, _) | Self::Node(site, _) => site,
        }
    }

    /// The key of one topic below this origin.
    pub fn key(&self, topic: Topic) -> Key {
        Key { origin: self.clone(), topic }
    }

    /// Reads a CloudEvents `source` back.
    pub fn from_source(source: &str) -> Result<Self, KeyError> {
        let rest = source.strip_prefix("/flyball/");
        let (origin, _) = split_origin(rest.ok_or_else(|| KeyError::Shape(source.into()))?, source)?;
        Ok(origin)
    }
}

impl Key {
    /// Where an event is published.
    pub fn of(event: &Event) -> Result<Self, KeyError> {
        let origin = Origin::from_source(&event.source)?;
        let topic = match &event.data {
            Data::Visit(visit) => Topic::Face(visit.visit.id, visit.visit.state.clone()),
            Data::Moderation(verdict) => Topic::Moderation(chunk(&verdict.rule)),
            Data::CameraState(_) => Topic::State,
            Data::Gap(_) => Topic::Gap,
            Data::GovernorDecision(_) => Topic::Governor,
            Data::NodeHealth(_) => Topic::Health,
            Data::Other(_) => Topic::Other("other".into()),
        };
        Ok(Self { origin, topic })
    }

    /// Reads a key expression without wildcards.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let shape = || KeyError::Shape(text.to_owned());
        let rest = text.strip_prefix(ROOT).and_then(|r| r.strip_prefix('/')).ok_or_else(shape)?;
        let (origin, topic) = split_origin(rest, text)?;
        let topic = Topic::parse(topic.ok_or_else(shape)?);
        Ok(Self { origin, topic })
    }
}

/// Splits `<site>/<camera>[/<rest>]` or `<site>/@node/<node>[/<rest>]`; `whole` is only for the message.
fn split_origin<'a>(text: &'a str, whole: &str) -> Result<(Origin, Option<&'a str>), KeyError> {
    let shape = || KeyError::Shape(whole.to_owned());
    let name = |e| KeyError::Name(whole.to_owned(), e);
    let (site, rest) = text.split_once('/').ok_or_else(shape)?;
    let site = PlaceId::new(site).map_err(name)?;
    if let Some(rest) = rest.strip_prefix(NODE).and_then(|r| r.strip_prefix('/')) {
        let (node, topic) = split_first(rest);
        return Ok((Origin::Node(site, PlaceId::new(node).map_err(name)?), topic));
    }
    let (camera, topic) = split_first(rest);
    Ok((Origin::Camera(site, CameraId::new(camera).map_err(name)?), topic))
}

fn split_first(text: &str) -> (&str, Option<&str>) {
    text.split_once('/').map_or((text, None), |(first, rest)| (first, Some(rest)))
}

impl Topic {
    fn parse(text: &str) -> Self {
        match text {
            "state" => Self::State,
            "gap" => Self::Gap,
            "governor" => Self::Governor,
            "governor/state" => Self::GovernorState,
            "health" => Self::Health,
            "@history" => Self::History,
            "@head" => Self::Head,
            "@alive" => Self::Alive,
            _ if text.starts_with(RULE) => Self::Moderation(text[RULE.len()..].to_owned()),
            _ => Self::parse_face(text).unwrap_or_else(|| Self::Other(text.to_owned())),
        }
    }

    fn parse_face(text: &str) -> Option<Self> {
        let (visit, state) = text.strip_prefix("faces/")?.split_once('/')?;
        let state = match state {
            "opened" => VisitState::Opened,
            "updated" => VisitState::Updated,
            "closed" => VisitState::Closed,
            "corrected" => VisitState::Corrected,
            "merged" => VisitState::Merged,
            other => VisitState::Other(other.to_owned()),
        };
        Some(Self::Face(visit.parse().ok()?, state))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.origin.prefix(), self.topic)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Face(visit, state) => write!(f, "faces/{visit}/{}", state.word()),
            Self::Moderation(rule) => write!(f, "{RULE}{rule}"),
            Self::State => f.write_str("state"),
            Self::Gap => f.write_str("gap"),
            Self::Governor => f.write_str("governor"),
            Self::GovernorState => f.write_str("governor/state"),
            Self::Health => f.write_str("health"),
            Self::History => f.write_str("@history"),
            Self::Head => f.write_str("@head"),
            Self::Alive => f.write_str("@alive"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A text as one chunk of a key: what Zenoh reserves becomes `_`.
fn chunk(text: &str) -> String {
    let reserved = |c: char| c.is_whitespace() || "/*$#?@".contains(c);
    let chunk: String = text.chars().map(|c| if reserved(c) { '_' } else { c }).collect();
    if chunk.is_empty() { "_".into() } else { chunk }
}

impl fmt::Display for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PlaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Origin {
        Origin::Camera(PlaceId::new("hq").unwrap(), CameraId::new("gate-1").unwrap())
    }

    fn node() -> Origin {
        Origin::Node(PlaceId::new("hq").unwrap(), PlaceId::new("box-a").unwrap())
    }

    #[test]
    fn keys_read_as_documented() {
        let visit = Uuid::from_u128(7);
        let face = gate().key(Topic::Face(visit, VisitState::Opened));
        assert_eq!(face.to_string(), format!("flyball/v1/hq/gate-1/faces/{visit}/opened"));
        assert_eq!(gate().key(Topic::State).to_string(), "flyball/v1/hq/gate-1/state");
        assert_eq!(node().key(Topic::Governor).to_string(), "flyball/v1/hq/@node/box-a/governor");
    }

    #[test]
    fn what_is_built_reads_back() {
        let topics = [
            Topic::Moderation("nudity".into()),
            Topic::State,
            Topic::Gap,
            Topic::History,
            Topic::Head,
            Topic::Alive,
            Topic::Health,
            Topic::Governor,
        ];
        let faces = [VisitState::Opened, VisitState::Updated, VisitState::Closed];
        let faces = faces.map(|s| Topic::Face(Uuid::from_u128(3), s));
        for topic in topics.into_iter().chain(faces) {
            for origin in [gate(), node()] {
                let key = origin.key(topic.clone());
                assert_eq!(Key::parse(&key.to_string()), Ok(key));
                assert_eq!(Origin::from_source(&origin.source()), Ok(origin));
            }
        }
    }

    #[test]
    fn foreign_keys_are_refused_with_their_text() {
        for bad in [
            "",
            "flyball/v1",
            "flyball/v1/hq",
            "flyball/v1/hq/gate",
            "flyball/v2/hq/gate/state",
            "flyball/v1/h q/gate/state",
        ] {
            let problem = Key::parse(bad).unwrap_err().to_string();
            assert!(problem.contains(bad), "{problem}");
        }
    }
}
