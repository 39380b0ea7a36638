//! The JSON Schema of a recording's lines. The committed file is tested to be exactly this.

use serde_json::{Value, json};

use super::VERSION;

/// JSON Schema (2020-12) of one line of a recording: the first, or any other. The event has a schema of its own.
pub fn schema() -> Value {
    let number = json!({ "type": "integer", "minimum": 0 });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:flyball:recording:v1",
        "title": "One line of a Flyball recording, version 1",
        "oneOf": [
            {
                "description": "The first line.",
                "type": "object",
                "required": ["flyball_recording", "started"],
                "properties": {
                    "flyball_recording": { "const": VERSION, "description": "Version of the file." },
                    "started": { "type": "string", "format": "date-time", "description": "When the recording began." },
                    "by": { "type": "string", "description": "What wrote it." },
                },
            },
            {
                "description": "An event, and when it came.",
                "type": "object",
                "required": ["at_us", "event"],
                "properties": {
                    "at_us": { "description": "Microseconds since the recording began; never less than the line above.", "$ref": "#/$defs/number" },
                    "event": { "type": "object", "description": "The event as it came; see `flyball schema events`." },
                },
            },
            {
                "description": "Events that nobody had any more.",
                "type": "object",
                "required": ["at_us", "lost"],
                "properties": {
                    "at_us": { "$ref": "#/$defs/number" },
                    "lost": {
                        "type": "object",
                        "required": ["source", "first", "last"],
                        "properties": {
                            "source": { "type": "string", "description": "Whose." },
                            "first": { "$ref": "#/$defs/number" },
                            "last": { "$ref": "#/$defs/number" },
                        },
                    },
                },
            },
        ],
        "$defs": { "number": number },
    })
}
