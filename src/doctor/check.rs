//! What is said about one piece: how it is, what was found, what is wanted, and the command that mends it.

use serde::Serialize;

/// Where a piece belongs; the table is ordered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// This binary and what is built into it.
    Program,
    /// Decoding.
    Gstreamer,
    /// The inference library.
    Onnxruntime,
    /// NVIDIA's driver and libraries.
    Gpu,
    /// Events.
    Zenoh,
    /// Weights.
    Models,
    /// Video files.
    Footage,
    /// Memory, disk, limits, clock.
    Machine,
    /// Addresses to listen on.
    Ports,
}

/// How a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// There, and it will do.
    Healthy,
    /// Not there.
    Missing,
    /// It works, but a newer one is advised.
    Outdated,
    /// It cannot work with the rest.
    Incompatible,
    /// Something else is wrong with it.
    Error,
}

impl Health {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Missing => "missing",
            Self::Outdated => "outdated",
            Self::Incompatible => "incompatible",
            Self::Error => "error",
        }
    }
}

/// What it means when a piece is not healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Nothing: what was asked about does not use it. Shown, and no part of the verdict.
    NotNeeded,
    /// It runs all the same, with a drawback.
    Advice,
    /// It cannot run.
    Fatal,
}

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Where it belongs.
    pub area: Area,
    /// What it is.
    pub name: String,
    /// How it is.
    pub health: Health,
    /// What it means when it is not healthy.
    pub weight: Weight,
    /// What was found, such as a version.
    pub found: Option<String>,
    /// What will do, such as a range of versions.
    pub wanted: Option<String>,
    /// Why, in one sentence.
    pub note: Option<String>,
    /// The exact command that puts it right; none when it is healthy.
    pub mend: Option<String>,
}

impl Check {
    /// A piece that is as it should be.
    pub fn healthy(area: Area, name: impl Into<String>) -> Self {
        Self::of(area, name, Health::Healthy, Weight::Fatal)
    }

    /// A piece that is not.
    pub fn of(area: Area, name: impl Into<String>, health: Health, weight: Weight) -> Self {
        Self { area, name: name.into(), health, weight, found: None, wanted: None, note: None, mend: None }
    }

    /// With what was found.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// With what will do.
    #[must_use]
    pub fn wanted(mut self, wanted: impl Into<String>) -> Self {
        self.wanted = Some(wanted.into());
        self
    }

    /// With the reason.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// With the command that mends it.
    #[must_use]
    pub fn mend(mut self, command: impl Into<String>) -> Self {
        self.mend = Some(command.into());
        self
    }

    /// Of this weight when it is not healthy.
    #[must_use]
    pub fn weighing(mut self, weight: Weight) -> Self {
        self.weight = weight;
        self
    }

    /// Whether a model's manifest is to blame, which people write, rather than a file that set-up fetches.
    pub fn is_about_a_manifest(&self) -> bool {
        self.area == Area::Models && self.mend.as_deref() == Some(super::weights::LIST)
    }

    /// Whether somebody should do something about it.
    pub fn is_complaint(&self) -> bool {
        self.health != Health::Healthy && self.weight != Weight::NotNeeded
    }

    /// Whether nothing can run like this.
    pub fn is_fatal(&self) -> bool {
        self.health != Health::Healthy && self.weight == Weight::Fatal
    }
}
