//! The same events as CBOR (RFC 8949): same fields, same names, about a quarter smaller. By configuration, for subscribers
//! that want it; the journal and the contract stay JSON.

use ciborium::Value as Cbor;
use serde::Deserialize;
use serde_json::Value;

use super::{Event, ReadError};

/// Deepest nesting read: events have five levels, and a hostile text must not exhaust the stack.
const DEEPEST: usize = 64;

impl Event {
    /// The event in CBOR.
    pub fn to_cbor(&self) -> Result<Vec<u8>, ReadError> {
        let mut bytes = Vec::new();
        ciborium::into_writer(self, &mut bytes).map_err(|e| ReadError::Cbor(e.to_string()))?;
        Ok(bytes)
    }

    /// Reads one event from CBOR, by the same rules as from JSON.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, ReadError> {
        let read = ciborium::de::from_reader_with_recursion_limit(bytes, DEEPEST);
        let value: Cbor = read.map_err(|e| ReadError::Cbor(e.to_string()))?;
        let json: Value = value.deserialized().map_err(|e| ReadError::Cbor(e.to_string()))?;
        Ok(Self::deserialize(json)?)
    }
}
