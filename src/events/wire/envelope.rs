//! The envelope around every event, with CloudEvents 1.0 attribute names. Next: `read`, how one is read.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use uuid::Uuid;

use super::{CameraState, Gap, GovernorDecision, Moderation, NodeHealth, UtcMicros, Visit, VisitState};
use crate::events::keys::Origin;

/// CloudEvents version of the envelope.
const SPEC_VERSION: &str = "1.0";
/// Media type of `data`.
const JSON: &str = "application/json";
/// Names the schema that `flyball schema events` prints and `samples/schemas` keeps; immutable within v1.
pub(super) const DATA_SCHEMA: &str = "urn:flyball:event:v1";

/// One event, numbered and ready for subscribers.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "FlyballEventV1")]
pub struct Event {
    /// Version of the CloudEvents envelope: `1.0`.
    pub specversion: String,
    /// Unique id (UUID v7, sorts by time). Delivery may repeat an event; drop the second one by this id.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub id: Uuid,
    /// Where it comes from: `/flyball/<site>/<camera>` or `/flyball/<site>/@node/<node>`.
    pub source: String,
    /// What happened; decides what `data` holds.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What it happened to: a visit's id, a camera's or a node's name.
    pub subject: String,
    /// When it happened: for visits the capture time of the newest look.
    pub time: UtcMicros,
    /// Media type of `data`.
    pub datacontenttype: String,
    /// The schema it follows.
    pub dataschema: String,
    /// Counts from 1 per `partitionkey` and `epoch`, without gaps.
    pub sequence: Sequence,
    /// The journal that numbered it (UUID v7). A new epoch means the numbering began anew; a later epoch sorts higher.
    #[schemars(with = "String", extend("format" = "uuid"))]
    pub epoch: Uuid,
    /// Events with the same key are in order: the camera, or `@node/<node>`.
    pub partitionkey: String,
    /// What happened, in detail.
    pub data: Data,
}

/// An event nobody has numbered yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its id.
    pub id: Uuid,
    /// Which camera or node it is about.
    pub origin: Origin,
    /// What it happened to.
    pub subject: String,
    /// When it happened.
    pub time: UtcMicros,
    /// What happened.
    pub data: Data,
}

/// What happened, in detail.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Data {
    /// Somebody came, changed or left.
    Visit(Box<Visit>),
    /// A moderation rule spoke.
    Moderation(Box<Moderation>),
    /// A camera changed its condition.
    CameraState(CameraState),
    /// Events are missing for good.
    Gap(Gap),
    /// The governor changed its plan.
    GovernorDecision(GovernorDecision),
    /// How a node is doing.
    NodeHealth(NodeHealth),
    /// An event type from a later version.
    Other(Value),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// What happened, as the envelope's `type`.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $variant,)+
            /// A type from a later version.
            Other(String),
        }

        impl Kind {
            /// Every kind of this version.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The text in the envelope.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for Kind {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text),
                }
            }
        }
    };
}

kinds! {
    /// A visit began.
    VisitOpened = "dev.flyball.face.visit.opened.v1",
    /// Something about a visit changed that a subscriber would act on.
    VisitUpdated = "dev.flyball.face.visit.updated.v1",
    /// A visit ended.
    VisitClosed = "dev.flyball.face.visit.closed.v1",
    /// Something said about a visit was wrong; this replaces it.
    VisitCorrected = "dev.flyball.face.visit.corrected.v1",
    /// Two visits turned out to be one.
    VisitMerged = "dev.flyball.face.visit.merged.v1",
    /// A moderation rule spoke.
    ModerationVerdict = "dev.flyball.moderation.verdict.v1",
    /// A camera changed its condition.
    CameraState = "dev.flyball.camera.state.v1",
    /// Events are missing for good.
    Gap = "dev.flyball.gap.v1",
    /// The governor changed its plan.
    GovernorDecision = "dev.flyball.governor.decision.v1",
    /// How a node is doing.
    NodeHealth = "dev.flyball.node.health.v1",
}

/// A sequence number. CloudEvents asks for a text that sorts, so it is written with twenty digits: `00000000000000000042`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[0-9]{20}$"))]
pub struct Sequence(pub u64);

impl Draft {
    /// The finished event. `publish` also becomes the visit's publish time.
    pub fn numbered(self, epoch: Uuid, sequence: u64, publish: UtcMicros) -> Event {
        let mut data = self.data;
        match &mut data {
            Data::Visit(visit) => visit.time.publish = publish,
            Data::Moderation(verdict) => verdict.time.publish = publish,
            _ => {}
        }
        Event {
            specversion: SPEC_VERSION.into(),
            id: self.id,
            source: self.origin.source(),
            kind: data.kind(),
            subject: self.subject,
            time: self.time,
            datacontenttype: JSON.into(),
            dataschema: DATA_SCHEMA.into(),
            sequence: Sequence(sequence),
            epoch,
            partitionkey: self.origin.partition(),
            data,
        }
    }
}

impl Event {
    /// The visit this event is about, if it is about one.
    pub fn visit(&self) -> Option<&Visit> {
        match &self.data {
            Data::Visit(visit) => Some(visit),
            _ => None,
        }
    }
}

impl Data {
    /// The type that belongs to this data.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Visit(visit) => match visit.visit.state {
                VisitState::Closed => Kind::VisitClosed,
                VisitState::Updated => Kind::VisitUpdated,
                VisitState::Corrected => Kind::VisitCorrected,
                VisitState::Merged => Kind::VisitMerged,
                VisitState::Opened | VisitState::Other(_) => Kind::VisitOpened,
            },
            Self::Moderation(_) => Kind::ModerationVerdict,
            Self::CameraState(_) => Kind::CameraState,
            Self::Gap(_) => Kind::Gap,
            Self::GovernorDecision(_) => Kind::GovernorDecision,
            Self::NodeHealth(_) => Kind::NodeHealth,
            Self::Other(_) => Kind::Other("dev.flyball.other".into()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let known: Vec<_> = Self::ALL.iter().map(Self::as_str).collect();
        schemars::json_schema!({ "type": "string", "examples": known })
    }
}

impl Serialize for Sequence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:020}", self.0))
    }
}

impl<'de> Deserialize<'de> for Sequence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse();
        number.map(Self).map_err(|_| D::Error::custom(format!("`{text}` is no sequence number")))
    }
}
