//! Which photos are good enough to enrol from, and why the others are not.
//!
//! A poor enrolment harms every later answer, so the gate is stricter than recognition itself.

use crate::{
    memory::Pixels,
    scene::{FaceObservation, PersonId},
    vision::Quality,
};

/// A second face at least this large, by area against the largest, makes it unclear who is meant; smaller ones are
/// passers-by.
const RIVAL: f32 = 0.25;

/// What an enrolment photo must show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Shorter side of the face, in pixels.
    pub side: f32,
    /// `Quality::sharpness`, 0 to 1.
    pub sharpness: f32,
    /// `Quality::pose`, 0 to 1.
    pub pose: f32,
}

impl Default for Gate {
    /// Half of what recognisers crop to; sharper than a photo blurred by 2 % of the face's width, which small compressed
    /// video still is; turned by less than about 40°.
    fn default() -> Self {
        Self { side: 60.0, sharpness: 0.2, pose: 0.3 }
    }
}

/// Why a photo was not enrolled; each says what to do about it.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum Refusal {
    /// The detector found nobody.
    #[error("no face found: use a photo that shows the face from the front")]
    NoFace,
    /// More than one person could be meant.
    #[error("{count} faces of similar size: cut the photo down to the person meant")]
    SeveralFaces {
        /// How many.
        count: usize,
    },
    /// Too few pixels.
    #[error("the face is only {side:.0} pixels wide, {wanted:.0} are needed: use a larger photo or a closer one")]
    TooSmall {
        /// Its shorter side.
        side: f32,
        /// The least needed.
        wanted: f32,
    },
    /// Out of focus or shaken.
    #[error("the face is blurred (sharpness {found:.2}, {wanted:.2} needed): use a sharper photo")]
    TooBlurred {
        /// Measured.
        found: f32,
        /// The least needed.
        wanted: f32,
    },
    /// Looking away.
    #[error("the face is turned away (pose {found:.2}, {wanted:.2} needed): use a photo looking at the camera")]
    TooTurned {
        /// Measured.
        found: f32,
        /// The least needed.
        wanted: f32,
    },
    /// Enrolled already, under another id.
    #[error(
        "the face looks like {name} ({person}, similarity {score:.2}), who is enrolled already: add the photo to that person, or force it for a twin"
    )]
    LooksLike {
        /// Who.
        person: PersonId,
        /// Their name.
        name: String,
        /// How much, in the space's score.
        score: f32,
    },
}

impl Gate {
    /// The one face to enrol, as its index, with its quality.
    pub fn choose(&self, faces: &[FaceObservation], photo: &Pixels) -> Result<(usize, Quality), Refusal> {
        let area = |f: &FaceObservation| f.bbox.area();
        let by_area = faces.iter().enumerate().max_by(|a, b| area(a.1).total_cmp(&area(b.1)));
        let (index, face) = by_area.ok_or(Refusal::NoFace)?;
        let count = faces.iter().filter(|f| area(f) >= area(face) * RIVAL).count();
        if count > 1 {
            return Err(Refusal::SeveralFaces { count });
        }
        let quality = Quality::of(face, photo);
        self.check(face, &quality)?;
        Ok((index, quality))
    }

    fn check(&self, face: &FaceObservation, quality: &Quality) -> Result<(), Refusal> {
        let side = face.bbox.w.min(face.bbox.h);
        if side < self.side {
            return Err(Refusal::TooSmall { side, wanted: self.side });
        }
        if quality.sharpness < self.sharpness {
            return Err(Refusal::TooBlurred { found: quality.sharpness, wanted: self.sharpness });
        }
        if quality.pose < self.pose {
            return Err(Refusal::TooTurned { found: quality.pose, wanted: self.pose });
        }
        Ok(())
    }
}
