//! Embeddings: aligned crops that lie in `samples/reference`, with the vectors the Python reference computed for them. They
//! show that a file still says what it said, and that variants agree, on real faces rather than on noise.

use std::{io, path::Path};

use super::{Agreement, Pictures};
use crate::inference::{
    Batch, InferenceError, Outputs, Session,
    manifest::{Channels, Input, Model, OneEmbedding, Variant},
};

/// Least cosine to the reference for a variant that declares none.
const COSINE: f32 = 0.999;

/// The least cosine over all faces that are fetched; `None` when there are none.
pub(super) fn agreement(
    pictures: &Pictures,
    model: &Model,
    variant: &Variant,
    head: &OneEmbedding,
    session: &mut dyn Session,
) -> Result<Option<Agreement>, InferenceError> {
    let unreadable =
        |why: io::Error| InferenceError::Runtime(format!("golden outputs of {}: {why}", model.manifest.name));
    let (mut worst, mut faces) = (f32::INFINITY, 0);
    for case in pictures.cases(model)? {
        let (Some(file), Some(wanted)) = (case["crop"]["file"].as_str(), case["embedding"].as_array()) else {
            continue;
        };
        let file = pictures.root().join(file);
        if file.is_file() {
            let wanted: Vec<f32> = wanted.iter().filter_map(|v| v.as_f64().map(|v| v as f32)).collect();
            let batch = tensor(&file, &model.manifest.input, variant).map_err(unreadable)?;
            worst = worst.min(cosine(&embedding(session, &batch, head)?, &wanted));
            faces += 1;
        }
    }
    let least = variant.tolerance.cosine.unwrap_or(COSINE);
    Ok((faces > 0).then(|| Agreement {
        found: format!("least cosine {worst:.4} to the golden embeddings of {faces} faces"),
        expected: least.to_string(),
        fits: worst >= least,
    }))
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
