//! What Flyball talks about: cameras, frames, faces, tracks and what is known of them.
//!
//! Plain data: no I/O, no threads, no locks. Start with [`geometry`] and [`frame`]; a [`packet`] is what travels between
//! stages. Next room: `memory` (where the pixels live) or `vision` (the arithmetic on these types).

mod face;
mod finding;
mod frame;
mod geometry;
mod ids;
mod packet;
mod time;
mod track;

pub use face::{
    Attributes, Content, Embedding, FaceObservation, Flag, HeadPose, Identity, IdentityDecision, Liveness, Score,
    ScoreKind, Space,
};
pub use finding::Finding;
pub use frame::Frame;
pub use geometry::{BBox, Landmarks5, Point, Size};
pub use ids::{CameraId, IdError, PersonId, TrackId};
pub use packet::Packet;
pub use time::{Capture, TimeSource};
pub use track::{TrackPhase, TrackState};
