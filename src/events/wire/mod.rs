//! Schema v1: the words of an event, exactly as subscribers read them.
//!
//! The promise within v1: fields are only ever added, never renamed or removed; a reader ignores fields it does not know;
//! every enumeration is open, so a reader meets a new word as `Other`, not as an error. Golden samples of every version
//! that was ever released stay readable, and a test says so.
//!
//! Read [`envelope`](Event) first and [`read`](Event::from_json) with it, then [`visit`](Visit) (what happens to people), then the parts: vocabulary, time and
//! the events about the system itself. `schema` turns the types into the JSON Schema committed beside the samples.

mod cbor;
mod envelope;
mod live;
mod moderation;
mod read;
mod schema;
mod system;
mod time;
mod visit;
mod vocabulary;

pub use envelope::{Data, Draft, Event, Kind, Sequence};
pub use live::{
    GovernorState, LIVE_VERSION, LiveCamera, LiveDecision, LiveFlow, LiveHolding, LiveLatency, LiveMemory, LiveModel,
};
pub use moderation::{Moderation, ModerationReason};
pub use read::ReadError;
pub use schema::event_schema;
pub use system::{CameraClock, CameraState, Evidence, Gap, GovernorDecision, NodeHealth};
pub use time::UtcMicros;
pub use visit::{
    Attributes, Content, Detector, Estimate, Face, Flag, FrameInfo, Governor, HeadPose, Identity, Liveness, ModelRef,
    PipelineRef, Quality, Score, Stream, Synthetic, Times, Visit, VisitSummary,
};
pub use vocabulary::{
    CameraCondition, CheckState, CloseReason, GapReason, IdentityDecision, ModerationAction, NodeCondition, ScoreKind,
    Severity, TimeSource, VisitState,
};
