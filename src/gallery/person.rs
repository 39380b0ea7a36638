//! What is kept of a person: plain data.

use std::time::SystemTime;

use crate::scene::{Embedding, PersonId, Space};

/// One look at a person, from one photo. The photo itself is not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Enrolment {
    /// Whose.
    pub person: PersonId,
    /// How people call them; for display alone, never in an event. The newest enrolment's name counts.
    pub name: String,
    /// The face as a vector, in the space of the model that made it.
    pub embedding: Embedding,
    /// SHA-256 of the model file that made it, in hexadecimal.
    pub model: String,
    /// Quality of the look, 0 to 1 (`vision::Quality::overall`).
    pub quality: f32,
    /// File name of the photo, so that people can tell enrolments apart.
    pub photo: String,
    /// When it was added; kept to the millisecond.
    pub added: SystemTime,
}

/// An enrolled person, as lists show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The stable id events carry.
    pub id: PersonId,
    /// How people call them.
    pub name: String,
    /// How many enrolments they have.
    pub enrolments: usize,
    /// The spaces they are enrolled in, sorted. A model of another space does not know them.
    pub spaces: Vec<Space>,
}
