//! The JSON Schema of schema v1, made from the types. The committed file is tested to be exactly this.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::{CameraState, Event, Gap, GovernorDecision, Kind, Moderation, NodeHealth, Visit, envelope::DATA_SCHEMA};

/// JSON Schema (2020-12) of every event. Fields and types beyond it are allowed, as the contract promises; a known `type`
/// ties `data` to its shape.
pub fn event_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let rules: Vec<Value> = Kind::ALL.iter().map(|kind| rule(kind, &data_of(kind, &mut generator))).collect();
    let mut schema = generator.into_root_schema_for::<Event>().to_value();
    schema["$id"] = json!(DATA_SCHEMA);
    schema["title"] = json!("Flyball event, version 1");
    schema["properties"]["data"] =
        json!({ "type": "object", "description": "What happened, in detail; its shape follows from `type`." });
    schema["allOf"] = Value::Array(rules);
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.remove("Data");
    }
    schema
}

fn rule(kind: &Kind, data: &Value) -> Value {
    json!({
        "if": { "properties": { "type": { "const": kind.as_str() } } },
        "then": { "properties": { "data": data } },
    })
}

fn data_of(kind: &Kind, generator: &mut schemars::SchemaGenerator) -> Value {
    match kind {
        Kind::VisitOpened | Kind::VisitUpdated | Kind::VisitClosed | Kind::VisitCorrected | Kind::VisitMerged => {
            shape::<Visit>(generator)
        }
        Kind::ModerationVerdict => shape::<Moderation>(generator),
        Kind::CameraState => shape::<CameraState>(generator),
        Kind::Gap => shape::<Gap>(generator),
        Kind::GovernorDecision => shape::<GovernorDecision>(generator),
        Kind::NodeHealth => shape::<NodeHealth>(generator),
        Kind::Other(_) => json!(true),
    }
}

fn shape<T: JsonSchema>(generator: &mut schemars::SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}
