//! How an event is read: the envelope first, then its data by its type. From JSON the data goes straight from its text into
//! its type; from any other source by way of values. Next: [`visit`](super::Visit), what the data mostly is.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{Data, Event, Kind, Sequence, UtcMicros};

/// Why a text is no event.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No JSON, or not an event's.
    #[error("this is no flyball event: {0}")]
    Json(#[from] serde_json::Error),
    /// No CBOR.
    #[error("this is no flyball event: {0}")]
    Cbor(String),
}

impl Event {
    /// Reads one event from JSON; unknown fields are ignored, unknown types keep their data as it is.
    pub fn from_json(text: &[u8]) -> Result<Self, ReadError> {
        let raw: RawEvent<&RawValue> = serde_json::from_slice(text)?;
        let data = Data::read_text(&raw.kind, raw.data.get()).map_err(|e| in_data::<serde_json::Error>(&e))?;
        Ok(raw.with(data))
    }
}

impl Data {
    /// Reads data by its type, straight from its text where no number in it can be too large.
    fn read_text(kind: &Kind, text: &str) -> Result<Self, serde_json::Error> {
        if may_hold_large_number(text) {
            return Self::read(kind, serde_json::from_str(text)?);
        }
        Self::typed(kind, &mut serde_json::Deserializer::from_str(text))
    }

    /// Reads data by its type. A number too large for its field would be read as infinite, and JSON has no way to write that:
    /// it is refused here, so that whatever is read can be written again. Fields nobody knows may hold any number.
    fn read(kind: &Kind, data: Value) -> Result<Self, serde_json::Error> {
        let suspicious = holds_large_number(&data);
        let read = Self::typed(kind, data)?;
        if suspicious {
            let written = serde_json::to_value(&read)?;
            let again = Self::typed(kind, written.clone()).and_then(serde_json::to_value);
            if again.ok() != Some(written) {
                return Err(serde_json::Error::custom("a number is too large"));
            }
        }
        Ok(read)
    }

    fn typed<'de, D: Deserializer<'de>>(kind: &Kind, data: D) -> Result<Self, D::Error> {
        Ok(match kind {
            Kind::VisitOpened | Kind::VisitUpdated | Kind::VisitClosed | Kind::VisitCorrected | Kind::VisitMerged => {
                Self::Visit(Deserialize::deserialize(data)?)
            }
            Kind::ModerationVerdict => Self::Moderation(Deserialize::deserialize(data)?),
            Kind::CameraState => Self::CameraState(Deserialize::deserialize(data)?),
            Kind::Gap => Self::Gap(Deserialize::deserialize(data)?),
            Kind::GovernorDecision => Self::GovernorDecision(Deserialize::deserialize(data)?),
            Kind::NodeHealth => Self::NodeHealth(Deserialize::deserialize(data)?),
            Kind::Other(_) => Self::Other(Deserialize::deserialize(data)?),
        })
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut raw = RawEvent::<Value>::deserialize(deserializer)?;
        let data = Data::read(&raw.kind, raw.data.take()).map_err(|e| in_data(&e))?;
        Ok(raw.with(data))
    }
}

fn in_data<E: serde::de::Error>(cause: &serde_json::Error) -> E {
    E::custom(format!("in `data`: {cause}"))
}

/// Whether a number in this JSON has an exponent or as many digits as the largest 32-bit float.
fn may_hold_large_number(json: &str) -> bool {
    const DIGITS: u32 = 39;
    let (mut in_text, mut escaped, mut digits) = (false, false, 0);
    json.bytes().any(|byte| {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            return false;
        }
        let after_digit = digits > 0;
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        in_text = byte == b'"';
        digits >= DIGITS || after_digit && matches!(byte, b'e' | b'E')
    })
}

fn holds_large_number(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() > f64::from(f32::MAX)),
        Value::Array(values) => values.iter().any(holds_large_number),
        Value::Object(fields) => fields.values().any(holds_large_number),
        _ => false,
    }
}

/// The envelope before its data has been read by its type.
#[derive(Deserialize)]
struct RawEvent<D> {
    specversion: String,
    id: Uuid,
    source: String,
    #[serde(rename = "type")]
    kind: Kind,
    subject: String,
    time: UtcMicros,
    datacontenttype: String,
    dataschema: String,
    sequence: Sequence,
    epoch: Uuid,
    partitionkey: String,
    data: D,
}

impl<D> RawEvent<D> {
    fn with(self, data: Data) -> Event {
        Event {
            specversion: self.specversion,
            id: self.id,
            source: self.source,
            kind: self.kind,
            subject: self.subject,
            time: self.time,
            datacontenttype: self.datacontenttype,
            dataschema: self.dataschema,
            sequence: self.sequence,
            epoch: self.epoch,
            partitionkey: self.partitionkey,
            data,
        }
    }
}
