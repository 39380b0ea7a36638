//! The closed lists of words events use, each open for readers: a word from a later version arrives as `Other`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! open_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word from a later version of the contract.
            #[serde(untagged)]
            Other(String),
        }
    };
}

open_words! {
    /// Where a visit is in its life.
    VisitState {
        /// Subscribers hear of it for the first time.
        Opened,
        /// Something a subscriber would act on changed.
        Updated,
        /// Over; nothing follows under this visit id, except a correction.
        Closed,
        /// Something said earlier about this visit was wrong; this event replaces it. May follow `closed`.
        Corrected,
        /// Visits listed in `supersedes` turned out to be this one; nothing follows under their ids.
        Merged,
    }
}

impl VisitState {
    /// The word itself, as events and keys have it.
    pub fn word(&self) -> &str {
        match self {
            Self::Opened => "opened",
            Self::Updated => "updated",
            Self::Closed => "closed",
            Self::Corrected => "corrected",
            Self::Merged => "merged",
            Self::Other(word) => word,
        }
    }
}

open_words! {
    /// How grave a verdict is.
    Severity {
        /// Worth knowing.
        Info,
        /// Worth looking at.
        Warning,
        /// Worth looking at now.
        Alert,
    }
}

open_words! {
    /// What a moderation rule asks for.
    ModerationAction {
        /// To be told.
        Notify,
        /// A person should look.
        Review,
        /// Not to be shown on.
        Block,
    }
}

open_words! {
    /// Why a visit ended.
    CloseReason {
        /// The face was not seen any more.
        Left,
        /// The camera stopped delivering frames, so nobody knows whether the face is still there.
        CameraLost,
        /// Flyball was shut down in order.
        Shutdown,
        /// Flyball ended without warning; closed on the next start, at the last moment known.
        Interrupted,
    }
}

open_words! {
    /// What is known about who somebody is.
    IdentityDecision {
        /// One enrolled person.
        Known,
        /// Nobody in the gallery.
        Unknown,
        /// Two people come equally close, or the looks disagree.
        Ambiguous,
        /// Looked at, but the evidence does not carry a decision yet.
        Inconclusive,
        /// Nobody asked.
        NotChecked,
    }
}

open_words! {
    /// The state of a check that can pass or fail. `not_checked` is never to be read as `pass`.
    CheckState {
        /// Nobody asked.
        NotChecked,
        /// Looked at, but the evidence does not carry a decision.
        Inconclusive,
        /// Checked, and fine.
        Pass,
        /// Checked, and not fine.
        Fail,
    }
}

open_words! {
    /// What a score counts.
    ScoreKind {
        /// Cosine of the angle between two embeddings, -1 to 1.
        Cosine,
        /// One minus the Euclidean distance between two embeddings: 1 for the same vector, falling without end.
        OneMinusL2,
        /// A model's output read as a probability, 0 to 1.
        Probability,
    }
}

open_words! {
    /// What a capture time is based on.
    TimeSource {
        /// The sender's own clock, by RTCP sender reports.
        RtcpSr,
        /// The sender's own clock, corrected because it is wrong.
        RtcpSrCorrected,
        /// This machine's clock when the frame arrived.
        WallclockArrival,
        /// The position in a file, counted from the moment playing began.
        FilePosition,
        /// Invented by a synthetic camera.
        Synthetic,
    }
}

open_words! {
    /// How a camera is doing.
    CameraCondition {
        /// Being opened.
        Connecting,
        /// Delivering frames.
        Live,
        /// Lost; being tried again.
        Retrying,
        /// No frame came for longer than it may take; being tried again.
        Stalled,
        /// Nobody answers at its address; being tried again.
        Unreachable,
        /// It refused the user or the password; being tried again, rarely.
        AuthenticationFailed,
        /// It answers, but offers nothing that can be shown; being tried again, rarely.
        Unusable,
        /// Frames come, and all show the same.
        FrozenPicture,
        /// Frames come, and show next to no light.
        Black,
        /// Frames come, and show what broken decoding shows: green, or noise.
        Garbage,
        /// Frames come, and are burnt out.
        Overexposed,
        /// Frames come, and are much less sharp than this camera has shown before.
        OutOfFocus,
        /// Frames come, and show another scene than before: the camera was moved, or covered.
        SceneChanged,
        /// Frames come, and their own times stand still.
        ClockStuck,
        /// Frames come in another size than they should.
        WrongResolution,
        /// Given up, or its file has ended.
        Ended,
    }
}

open_words! {
    /// Why events are missing.
    GapReason {
        /// The journal reached its bound of age or size and let the oldest go.
        Expired,
        /// More happened than could be written down.
        Overflow,
        /// The journal's file was damaged; a fresh one was begun.
        JournalDamaged,
        /// The journal could not be written (a full disk, for example).
        NotKept,
    }
}

open_words! {
    /// How a node is doing.
    NodeCondition {
        /// Everything works.
        Healthy,
        /// Works, but gave something up.
        Degraded,
        /// Ending in order.
        Stopping,
    }
}

impl From<crate::scene::TimeSource> for TimeSource {
    fn from(source: crate::scene::TimeSource) -> Self {
        match source {
            crate::scene::TimeSource::RtcpSr => Self::RtcpSr,
            crate::scene::TimeSource::RtcpSrCorrected => Self::RtcpSrCorrected,
            crate::scene::TimeSource::WallclockArrival => Self::WallclockArrival,
            crate::scene::TimeSource::FilePosition => Self::FilePosition,
            crate::scene::TimeSource::Synthetic => Self::Synthetic,
        }
    }
}

impl From<crate::scene::ScoreKind> for ScoreKind {
    fn from(kind: crate::scene::ScoreKind) -> Self {
        match kind {
            crate::scene::ScoreKind::Cosine => Self::Cosine,
            crate::scene::ScoreKind::OneMinusL2 => Self::OneMinusL2,
            crate::scene::ScoreKind::Probability => Self::Probability,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_from_the_future_is_kept_not_refused() {
        let word: CheckState = serde_json::from_str("\"pending_review\"").unwrap();
        assert_eq!(word, CheckState::Other("pending_review".into()));
        assert_eq!(serde_json::to_string(&word).unwrap(), "\"pending_review\"");
        assert_eq!(serde_json::to_string(&CheckState::NotChecked).unwrap(), "\"not_checked\"");
    }
}
