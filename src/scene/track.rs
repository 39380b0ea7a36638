//! One person followed on one camera, as a face observation carries it.

use super::TrackId;

/// Where a track is in its life on this frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackPhase {
    /// Seen too few times to be believed; subscribers do not hear of it.
    Tentative,
    /// Believed.
    Confirmed,
}

/// What the tracker says of one face on one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackState {
    /// Whose track it is.
    pub id: TrackId,
    /// Tentative or confirmed.
    pub phase: TrackPhase,
    /// Frames on which this track was observed, this one included.
    pub hits: u32,
}
