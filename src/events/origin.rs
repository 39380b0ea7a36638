//! Whom events are about: a camera or a node of a site. Next: [`keys`](super::keys), where their events are found.

use std::{fmt, sync::Arc};

use crate::scene::{CameraId, IdError};

/// Everything of schema v1 lives below it.
pub const ROOT: &str = "flyball/v1";
/// Chunk in front of a node's name, where otherwise a camera's id stands. No camera can be called so.
const NODE: &str = "@node";

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

    /// Reads a CloudEvents `source` back.
    pub fn from_source(source: &str) -> Result<Self, KeyError> {
        let rest = source.strip_prefix("/flyball/");
        let (origin, _) = split_origin(rest.ok_or_else(|| KeyError::Shape(source.into()))?, source)?;
        Ok(origin)
    }
}

/// Splits `<site>/<camera>[/<rest>]` or `<site>/@node/<node>[/<rest>]`; `whole` is only for the message.
pub(super) fn split_origin<'a>(text: &'a str, whole: &str) -> Result<(Origin, Option<&'a str>), KeyError> {
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
