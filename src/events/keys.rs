//! Where events are found: key expressions, built and read in this one place.
//!
//! ```text
//! flyball/v1/<site>/<camera>/faces/<visit>/<opened|updated|closed>   visits
//! flyball/v1/<site>/<camera>/state                                   the camera's condition; answers a query with the last one
//! flyball/v1/<site>/<camera>/gap                                     events missing for good
//! flyball/v1/<site>/<camera>/@history?since=<n>                      answers a query from the journal
//! flyball/v1/<site>/<camera>/@page                                   the same events again, one a line, many to a message
//! flyball/v1/<site>/<camera>/@head                                   newest sequence number, once a second
//! flyball/v1/<site>/@node/<node>/governor | health | gap             the same for a node
//! flyball/v1/<site>/@node/<node>/governor/state                       how the governor stands, twice a second; not numbered
//! flyball/v1/<site>/@node/<node>/@alive                              liveliness token of a running node
//! flyball/v1/<site>/@node/<node>/serves/<camera>                      liveliness token: that node serves that camera
//! flyball/v1/<site>/<camera>/@onvif-ej/RuleEngine/Recognition/Face    the same faces in ONVIF's words, where asked for
//! ```
//! The major version of the contract is in the key, so that a second version can run beside the first. Chunks that begin
//! with `@` are never matched by `*` or `**` in Zenoh: who subscribes to `flyball/v1/**` hears events and nothing else.

use std::fmt;

use uuid::Uuid;

use super::origin::split_origin;
use super::wire::{Data, Event, VisitState};

pub use super::origin::{KeyError, Origin, PlaceId, ROOT};

/// In front of a moderation rule's name.
const RULE: &str = "moderation/";

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
    /// The same events, many to a message.
    Page,
    /// The newest sequence number.
    Head,
    /// A node's liveliness token.
    Alive,
    /// A topic from a later version.
    Other(String),
}

impl Origin {
    /// The key of one topic below this origin.
    pub fn key(&self, topic: Topic) -> Key {
        Key { origin: self.clone(), topic }
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

impl Topic {
    fn parse(text: &str) -> Self {
        match text {
            "state" => Self::State,
            "gap" => Self::Gap,
            "governor" => Self::Governor,
            "governor/state" => Self::GovernorState,
            "health" => Self::Health,
            "@history" => Self::History,
            "@page" => Self::Page,
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
            Self::Page => f.write_str("@page"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::CameraId;

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
            Topic::Page,
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
