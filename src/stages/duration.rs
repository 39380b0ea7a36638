//! How a span of time is written in every file: `"5 ms"`, `"1 s"`, `"2 min"`. For `#[serde(with = …)]` and `#[schemars(with = …)]`.

use std::{borrow::Cow, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// The schema of a span of time.
#[derive(Debug)]
pub struct Written;

impl JsonSchema for Written {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration", "examples": ["5 ms", "1 s", "2 min"] })
    }
}

/// Reads `"5 ms"`.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = Cow::<str>::deserialize(from)?;
    humantime::parse_duration(&text).map_err(D::Error::custom)
}

/// Writes `"5ms"`.
pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(&humantime::format_duration(*duration))
}
