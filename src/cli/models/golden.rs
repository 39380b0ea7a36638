//! Golden embeddings: faces whose aligned crops lie in `samples/reference`, with the vectors the Python reference computed
//! for them. They show that a file still says what it said, and that variants agree, on real faces rather than on noise.

use std::{fs, io, path::Path};

use serde::Deserialize;

use crate::inference::{
    Batch, InferenceError, Outputs, Session,
    manifest::{Channels, Input, Model, OneEmbedding, Output, Variant},
};

/// Least cosine to the reference for a variant that declares none.
const COSINE: f32 = 0.999;

/// `tests/golden/<model>.json`, as far as it is read here.
#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    crop: Option<Crop>,
    embedding: Option<Vec<f32>>,
}

/// A picture the size of the input.
#[derive(Deserialize)]
struct Crop {
    file: String,
}

/// How near a variant came.
pub(super) struct Agreement {
    /// Faces compared.
    pub(super) faces: usize,
    /// The least cosine among them.
    pub(super) worst: f32,
    /// What was declared.
    pub(super) least: f32,
}

/// Compares a session's embeddings with the golden ones; `None` when the model makes none, or nothing is recorded or
/// fetched for it.
pub(super) fn agreement(
    root: &Path,
    model: &Model,
    variant: &Variant,
    session: &mut dyn Session,
) -> Result<Option<Agreement>, InferenceError> {
    let Output::Embedding(head) = &model.manifest.output else {
        return Ok(None);
    };
    let unreadable =
        |why: io::Error| InferenceError::Runtime(format!("golden outputs of {}: {why}", model.manifest.name));
    let faces = faces(root, model, variant).map_err(unreadable)?;
    let mut worst = f32::INFINITY;
    for (batch, wanted) in &faces {
        worst = worst.min(cosine(&embedding(session, batch, head)?, wanted));
    }
    let least = variant.tolerance.cosine.unwrap_or(COSINE);
    let faces = faces.len();
    Ok((faces > 0).then_some(Agreement { faces, worst, least }))
}

/// Every golden face as a batch of one, with its vector.
fn faces(root: &Path, model: &Model, variant: &Variant) -> io::Result<Vec<(Batch, Vec<f32>)>> {
    let path = root.join("tests/golden").join(format!("{}.json", model.manifest.name));
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(Vec::new());
    };
    let golden: Golden = serde_json::from_str(&text).map_err(io::Error::other)?;
    let mut faces = Vec::new();
    for case in golden.cases {
        let (Some(crop), Some(embedding)) = (case.crop, case.embedding) else {
            continue;
        };
        let file = root.join(&crop.file);
        if file.is_file() {
            faces.push((tensor(&file, &model.manifest.input, variant)?, embedding));
        }
    }
    Ok(faces)
}

/// A picture of the input's very size as the network wants it: tensor = (pixel - mean) * scale.
fn tensor(file: &Path, input: &Input, variant: &Variant) -> io::Result<Batch> {
    let picture = image::open(file).map_err(io::Error::other)?.to_rgb8();
    if picture.dimensions() != (variant.size.w, variant.size.h) {
        return Err(io::Error::other(format!("{} is not {:?}", file.display(), variant.size)));
    }
    let mut batch = Batch::default();
    batch.reshape(input.shape(1, variant.size));
    let area = variant.size.area() as usize;
    for (at, pixel) in picture.pixels().enumerate() {
        for channel in 0..input.channels.count() {
            let value = match input.channels {
                Channels::Rgb => f32::from(pixel[channel]),
                Channels::Bgr => f32::from(pixel[2 - channel]),
                Channels::Gray => luma(pixel.0),
            };
            batch.data[channel * area + at] = (value - input.mean.of(channel)) * input.scale.of(channel);
        }
    }
    Ok(batch)
}

/// ITU-R BT.601 luma of full-range RGB.
fn luma([r, g, b]: [u8; 3]) -> f32 {
    0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)
}

fn embedding(session: &mut dyn Session, batch: &Batch, head: &OneEmbedding) -> Result<Vec<f32>, InferenceError> {
    let mut outputs = Outputs::new();
    session.run(batch, &mut outputs)?;
    let found = outputs.into_iter().find(|o| o.name == head.name);
    Ok(found.map(|o| o.data).unwrap_or_default())
}

/// Cosine of the angle between two vectors; 0 when their lengths differ, or one is zero.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(p, q)| f64::from(p * q)).sum::<f64>();
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    if a.len() != b.len() || norm <= 0.0 { 0.0 } else { (dot(a, b) / norm) as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_ignores_length_and_refuses_what_cannot_be_compared() {
        assert!((cosine(&[3.0, 4.0], &[6.0, 8.0]) - 1.0).abs() < 1e-6);
        assert!(cosine(&[1.0, 0.0], &[0.0, 2.0]).abs() < 1e-6);
        assert!(cosine(&[1.0], &[1.0, 0.0]).abs() < 1e-6);
        assert!(cosine(&[0.0], &[0.0]).abs() < 1e-6);
    }
}
