//! What a stage is: a verb on a batch of packets, with a contract that says what it needs and what it adds.

use std::{fmt, ops::BitOr, time::Instant};

use crate::scene::Packet;

/// One kind of knowledge a packet can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// Decoded pixels.
    Pixels,
    /// Boxes of faces.
    Faces,
    /// Five points a face.
    Landmarks,
    /// Track numbers.
    Tracks,
    /// Who it is.
    Identity,
    /// Whether it is alive.
    Liveness,
    /// Age, gender and the like.
    Attributes,
    /// A moderation verdict.
    Verdict,
    /// Faces were made unrecognisable.
    Redacted,
}

impl Fact {
    /// Every fact, in the order a packet usually gains them.
    pub const ALL: [Self; 9] = [
        Self::Pixels,
        Self::Faces,
        Self::Landmarks,
        Self::Tracks,
        Self::Identity,
        Self::Liveness,
        Self::Attributes,
        Self::Verdict,
        Self::Redacted,
    ];

    /// The word used in messages and drawings.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pixels => "pixels",
            Self::Faces => "faces",
            Self::Landmarks => "landmarks",
            Self::Tracks => "tracks",
            Self::Identity => "identity",
            Self::Liveness => "liveness",
            Self::Attributes => "attributes",
            Self::Verdict => "verdict",
            Self::Redacted => "redacted",
        }
    }
}

/// A set of facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts(u16);

impl Facts {
    /// No facts.
    pub const NONE: Self = Self(0);

    /// A set of these.
    pub const fn of(facts: &[Fact]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < facts.len() {
            bits |= 1 << facts[i] as u16;
            i += 1;
        }
        Self(bits)
    }

    /// Those in `self` that `other` lacks.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The facts, in order.
    pub fn iter(self) -> impl Iterator<Item = Fact> {
        Fact::ALL.into_iter().filter(move |f| self.0 & (1 << *f as u16) != 0)
    }
}

impl BitOr for Facts {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.iter().map(Fact::word).collect();
        f.write_str(&words.join(", "))
    }
}

/// What a stage needs on the packets it gets, and what it adds to them. Checked along every path before anything starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contract {
    /// Facts that must be there.
    pub needs: Facts,
    /// Facts that are there afterwards.
    pub adds: Facts,
}

/// Why a stage could not go on. Says what failed and what to try.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StageError(Box<dyn std::error::Error + Send + Sync>);

impl StageError {
    /// Wraps any error, or a text.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// One step of the graph. Owns its memory, runs on one thread, never sees a channel.
pub trait Stage: Send {
    /// What it needs and adds.
    fn contract(&self) -> Contract;

    /// Enriches the packets in place; removing one from the batch drops that frame.
    fn process(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError>;

    /// Called once after the last batch.
    fn finish(&mut self) -> Result<(), StageError> {
        Ok(())
    }
}

/// Where packets end. What is left in the batch afterwards is dropped.
pub trait Sink: Send {
    /// What it needs on the packets it gets.
    fn needs(&self) -> Facts;

    /// Consumes the packets.
    fn consume(&mut self, batch: &mut Vec<Packet>, now: Instant) -> Result<(), StageError>;

    /// Called every so often (about ten times a second) even when nothing arrives, so that time can pass for a sink.
    fn tick(&mut self, _now: Instant) -> Result<(), StageError> {
        Ok(())
    }

    /// Called once after the last batch.
    fn finish(&mut self) -> Result<(), StageError> {
        Ok(())
    }
}
