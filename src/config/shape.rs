//! Compares a tree with a JSON Schema: the same schema that editors complete with, made from the same types that are read
//! afterwards. So what an editor underlines, what `flyball check` says and what `flyball run` refuses cannot disagree.
//!
//! Only what our own types produce is understood; the words for a wrong value are in `refusal`.

use serde_json::Value as Json;

use super::{
    format, mask,
    problem::Problem,
    refusal,
    tree::{Entry, Node, Value},
};

/// A schema with the definitions its `$ref`s point at.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    /// The schema of the node at hand.
    pub(crate) schema: &'a Json,
    /// The schema that refers to it, which may describe this very use of it.
    pub(crate) about: &'a Json,
    root: &'a Json,
}

impl<'a> Shape<'a> {
    /// A whole schema document.
    pub(crate) fn new(root: &'a Json) -> Self {
        Self { schema: root, about: root, root }.resolved()
    }

    /// The schema of one property.
    pub(crate) fn property(self, key: &str) -> Option<Self> {
        self.schema.get("properties")?.get(key).map(|schema| self.with(schema))
    }

    /// The names of all properties.
    pub(crate) fn property_names(self) -> Vec<&'a str> {
        self.schema["properties"].as_object().map(|all| all.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    pub(crate) fn with(self, schema: &'a Json) -> Self {
        Self { schema, about: schema, root: self.root }.resolved()
    }

    /// Follows `$ref`; our generated schemas never refer in circles.
    fn resolved(self) -> Self {
        let target = self.schema["$ref"].as_str().and_then(|path| self.root.pointer(path.trim_start_matches('#')));
        target.map_or(self, |schema| Self { schema, ..self }.resolved())
    }

    /// The ways a value may look.
    pub(crate) fn alternatives(self) -> Vec<Self> {
        let ways = self.schema["anyOf"].as_array().or(self.schema["oneOf"].as_array());
        ways.into_iter().flatten().map(|way| self.with(way)).collect()
    }

    /// The words this value may be one of, when it is a choice of words.
    pub(crate) fn choices(self) -> Vec<&'a str> {
        if let Some(word) = self.schema["const"].as_str() {
            return vec![word];
        }
        if let Some(words) = self.schema["enum"].as_array() {
            return words.iter().filter_map(Json::as_str).collect();
        }
        let ways = self.alternatives();
        if ways.iter().all(|way| !way.choices().is_empty()) {
            return ways.iter().flat_map(|way| way.choices()).collect();
        }
        Vec::new()
    }

    /// The allowed kinds of value: `string`, `integer`, `number`, `boolean`, `array`, `object`.
    pub(crate) fn types(self) -> Vec<&'a str> {
        match &self.schema["type"] {
            Json::String(one) => vec![one],
            Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
            _ => self.alternatives().iter().flat_map(|way| way.types()).collect(),
        }
    }
}

/// Collects every difference between the node and the shape.
pub(crate) fn compare(node: &Node, shape: Shape<'_>, key: &str, problems: &mut Vec<Problem>) {
    let choices = shape.choices();
    if !choices.is_empty() {
        return compare_choice(node, shape, &choices, key, problems);
    }
    let types = shape.types();
    if !types.is_empty() && !types.iter().any(|wanted| fits(&node.value, wanted)) {
        problems.push(refusal::wrong_type(node, shape, &types, key));
        return;
    }
    let ways = shape.alternatives();
    if !ways.is_empty() {
        return compare_alternatives(node, shape, &ways, key, problems);
    }
    match &node.value {
        Value::Table(entries) => compare_table(node, entries, shape, key, problems),
        Value::List(items) => compare_list(node, items, shape, key, problems),
        Value::Text(text) => compare_text(node, text, shape, key, problems),
        Value::Integer(_) | Value::Float(_) => problems.extend(refusal::out_of_range(node, shape, key)),
        Value::Bool(_) | Value::Date => {}
    }
}

fn fits(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Text(_) => wanted == "string",
        Value::Integer(_) => wanted == "integer" || wanted == "number",
        Value::Float(_) => wanted == "number",
        Value::Bool(_) => wanted == "boolean",
        Value::Date => false,
        Value::List(_) => wanted == "array",
        Value::Table(_) => wanted == "object",
    }
}

fn compare_choice(node: &Node, shape: Shape<'_>, choices: &[&str], key: &str, problems: &mut Vec<Problem>) {
    match node.text() {
        Some(text) if choices.contains(&text) => {}
        Some(text) => problems.push(refusal::no_choice(node, text, choices, key)),
        None => problems.push(refusal::wrong_type(node, shape, &["string"], key)),
    }
}

/// Of several ways to write something, the one meant is told by its required keys (`file`, `rtsp` …), or else by its type.
fn compare_alternatives(node: &Node, shape: Shape<'_>, ways: &[Shape<'_>], key: &str, problems: &mut Vec<Problem>) {
    let fitting: Vec<_> =
        ways.iter().filter(|way| way.types().iter().any(|wanted| fits(&node.value, wanted))).copied().collect();
    if let [only] = fitting[..] {
        return compare(node, only, key, problems);
    }
    let named: Vec<_> = fitting.iter().filter(|way| required(**way).any(|word| node.entry(word).is_some())).collect();
    match named[..] {
        [meant] => compare_table(node, node.entries(), *meant, key, problems),
        [] => problems.push(refusal::no_alternative(node, shape, &fitting, key)),
        [..] => problems.push(refusal::many_alternatives(node, &named.into_iter().copied().collect::<Vec<_>>(), key)),
    }
}

/// The keys that must be there.
pub(crate) fn required(shape: Shape<'_>) -> impl Iterator<Item = &str> {
    shape.schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str)
}

fn compare_table(node: &Node, entries: &[Entry], shape: Shape<'_>, key: &str, problems: &mut Vec<Problem>) {
    let additional = &shape.schema["additionalProperties"];
    for entry in entries {
        let path = join(key, &entry.key);
        match shape.property(&entry.key) {
            Some(inner) => compare(&entry.node, inner, &path, problems),
            None if additional.is_object() => compare(&entry.node, shape.with(additional), &path, problems),
            None if *additional == Json::Bool(false) => problems.push(refusal::unknown_key(entry, shape, key)),
            None => {}
        }
    }
    for word in required(shape).filter(|word| node.entry(word).is_none()) {
        problems.push(refusal::missing_key(node, shape, word, key));
    }
}

fn compare_list(node: &Node, items: &[Node], shape: Shape<'_>, key: &str, problems: &mut Vec<Problem>) {
    if shape.schema["minItems"].as_u64().is_some_and(|least| (items.len() as u64) < least) {
        problems.push(refusal::too_few(node, shape, key));
    }
    let Some(inner) = shape.schema.get("items") else { return };
    for (at, item) in items.iter().enumerate() {
        compare(item, shape.with(inner), &format!("{key}[{at}]"), problems);
    }
}

fn compare_text(node: &Node, text: &str, shape: Shape<'_>, key: &str, problems: &mut Vec<Problem>) {
    // A variable that could not be filled in has been reported already.
    if text.contains("${") {
        return;
    }
    if shape.schema["minLength"].as_u64().is_some_and(|least| (text.chars().count() as u64) < least) {
        problems.push(refusal::empty_text(node, shape, key));
        return;
    }
    if let Some(Err(fault)) = shape.schema["format"].as_str().and_then(|name| format::check(name, text)) {
        let shown = if mask::is_secret(key) { "***".to_owned() } else { node.place.quoted() };
        problems.push(Problem::error(&node.place, key, format!("{shown} is {}", fault.message), fault.hint));
    }
}

/// `camera[2]` and `id` make `camera[2].id`.
pub(crate) fn join(key: &str, inner: &str) -> String {
    if key.is_empty() { inner.to_owned() } else { format!("{key}.{inner}") }
}
