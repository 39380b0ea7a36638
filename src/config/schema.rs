//! The JSON Schemas of both kinds of file, made from the types that read them. Editors complete with them (`#:schema` on a
//! file's first line), and `shape` checks with them.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Number, Value, json};

use super::{pipeline::Head, stage::CommonKeys, written::Written};
use crate::stages::{KINDS, Kind};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

/// The schema of a deployment file.
pub fn deployment() -> Value {
    let mut generator = generator();
    let mut schema = Written::json_schema(&mut generator).to_value();
    // A stage's keys depend on its kind, which only the pipeline tells; an editor offers the keys of all of them.
    let mut keys = Map::new();
    for kind in KINDS {
        let own = inline(kind.schema, &mut generator);
        keys.extend(own["properties"].as_object().cloned().unwrap_or_default());
    }
    let common = inline(CommonKeys::json_schema, &mut generator);
    keys.insert("edge".to_owned(), common["properties"]["edge"].clone());
    schema["properties"]["override"]["additionalProperties"] =
        json!({ "type": "object", "properties": keys, "additionalProperties": false });
    finish(schema, generator)
}

/// The schema of a pipeline file.
pub fn pipeline() -> Value {
    let mut generator = generator();
    let mut head = inline(Head::json_schema, &mut generator);
    head["description"] = json!("What this pipeline is called and what it is for.");
    let stages: Vec<Value> = KINDS.iter().map(|kind| one_stage(kind, &mut generator)).collect();
    let schema = json!({
        "title": "Flyball pipeline",
        "description": "What to run: a graph of stages.",
        "type": "object",
        "properties": {
            "pipeline": head,
            "stage": {
                "description": "The stages, one `[[stage]]` each, in the order a frame meets them.",
                "type": "array",
                "minItems": 1,
                "items": { "oneOf": stages },
            },
        },
        "required": ["pipeline", "stage"],
        "additionalProperties": false,
    });
    finish(schema, generator)
}

/// The schema of one kind of stage, alone.
pub(crate) fn stage(kind: &Kind) -> Value {
    let mut generator = generator();
    let schema = one_stage(kind, &mut generator);
    finish(schema, generator)
}

/// The keys a deployment may override of one kind of stage: its own, and its edge.
pub(crate) fn overrides(kind: &Kind) -> Value {
    let mut schema = stage(kind);
    for fixed in ["kind", "id", "after"] {
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.remove(fixed);
        }
    }
    schema["required"] = json!([]);
    schema
}

fn one_stage(kind: &Kind, generator: &mut SchemaGenerator) -> Value {
    let mut schema = inline(kind.schema, generator);
    let common = inline(CommonKeys::json_schema, generator);
    let mut properties = Map::new();
    properties.insert("kind".to_owned(), json!({ "description": "What the stage does.", "const": kind.name }));
    for part in [&common, &schema] {
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
    }
    let mut required = vec![json!("kind")];
    required.extend(schema["required"].as_array().cloned().unwrap_or_default());
    schema["title"] = json!(kind.name);
    schema["description"] = json!(format!("`{}` {}.", kind.name, kind.summary));
    schema["properties"] = Value::Object(properties);
    schema["required"] = Value::Array(required);
    schema["additionalProperties"] = json!(false);
    schema
}

fn inline(schema: fn(&mut SchemaGenerator) -> Schema, generator: &mut SchemaGenerator) -> Value {
    schema(generator).to_value()
}

/// Adds the dialect and the definitions referred to.
fn finish(mut schema: Value, mut generator: SchemaGenerator) -> Value {
    let definitions = generator.take_definitions(true);
    schema["$schema"] = json!(DIALECT);
    if !definitions.is_empty() {
        schema["$defs"] = Value::Object(definitions);
    }
    tidy(&mut schema);
    schema
}

/// TOML has no null, and nobody wrote 0.6 as 0.6000000238418579: says both as people do.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(keys) => {
            keys.retain(|key, value| key != "default" || !value.is_null());
            if let Some(only) = without_null(keys) {
                keys.extend(only);
            }
            keys.values_mut().for_each(tidy);
        }
        Value::Array(items) => {
            items.retain(|item| item != "null");
            items.iter_mut().for_each(tidy);
        }
        Value::Number(number) => {
            let short =
                number.as_f64().filter(|_| number.is_f64()).and_then(|wide| (wide as f32).to_string().parse().ok());
            if let Some(short) = short.and_then(Number::from_f64) {
                *number = short;
            }
        }
        _ => {}
    }
}

/// The one way to write a value that remains when `null` is none; taken out of its `anyOf` or list of types.
fn without_null(keys: &mut Map<String, Value>) -> Option<Map<String, Value>> {
    if let Some([name, _]) = keys.get("type").and_then(Value::as_array).map(Vec::as_slice) {
        let name = name.clone();
        return Some(Map::from_iter([("type".to_owned(), name)]));
    }
    let ways = keys.get("anyOf")?.as_array()?;
    let [only, null] = &ways[..] else { return None };
    let mut only = only.as_object().filter(|_| null["type"] == "null")?.clone();
    // The way may be an `anyOf` itself, so the outer one goes first.
    keys.remove("anyOf");
    only.retain(|key, _| !keys.contains_key(key));
    Some(only)
}
