//! An enrolment as bytes: SHA-256 over the rest, length of the description, description as JSON, vector as little-endian
//! floats. The digest makes sure that a flipped bit is a message, never somebody else's face.

use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Enrolment;
use crate::scene::{Embedding, PersonId, Space};

/// Bytes of a SHA-256 digest.
const DIGEST: usize = 32;
/// Bytes of the description's length.
const LENGTH: usize = 4;

/// Everything but the vector.
#[derive(Serialize, Deserialize)]
struct Description {
    person: PersonId,
    name: String,
    space: Space,
    model: String,
    quality: f32,
    photo: String,
    added_ms: u64,
}

/// The bytes to store.
pub(super) fn encode(enrolment: &Enrolment) -> Result<Vec<u8>, serde_json::Error> {
    let since = enrolment.added.duration_since(UNIX_EPOCH).unwrap_or_default();
    let description = serde_json::to_vec(&Description {
        person: enrolment.person.clone(),
        name: enrolment.name.clone(),
        space: enrolment.embedding.space.clone(),
        model: enrolment.model.clone(),
        quality: enrolment.quality,
        photo: enrolment.photo.clone(),
        added_ms: since.as_millis() as u64,
    })?;
    let mut body = (description.len() as u32).to_le_bytes().to_vec();
    body.extend(description);
    body.extend(enrolment.embedding.values.iter().flat_map(|v| v.to_le_bytes()));
    let mut bytes = Sha256::digest(&body).to_vec();
    bytes.extend(body);
    Ok(bytes)
}

/// The enrolment in the bytes; `None` if they are not what [`encode`] wrote.
pub(super) fn decode(bytes: &[u8]) -> Option<Enrolment> {
    let (digest, body) = bytes.split_at_checked(DIGEST)?;
    if Sha256::digest(body).as_slice() != digest {
        return None;
    }
    let (length, rest) = body.split_first_chunk::<LENGTH>()?;
    let (description, vector) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let description: Description = serde_json::from_slice(description).ok()?;
    let (floats, odd) = vector.as_chunks::<4>();
    odd.is_empty().then(|| Enrolment {
        person: description.person,
        name: description.name,
        embedding: Embedding {
            space: description.space,
            values: floats.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        },
        model: description.model,
        quality: description.quality,
        photo: description.photo,
        added: UNIX_EPOCH + Duration::from_millis(description.added_ms),
    })
}
