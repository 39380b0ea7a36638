//! A parsed file as a tree in which every key and value knows its place. Problems are found on it, before any of it becomes
//! a type. Next: `shape`, which compares a tree with a schema.

use std::sync::Arc;

use serde_json::{Map, Number, Value as Json};
use toml::{
    Spanned,
    de::{DeArray, DeInteger, DeTable, DeValue},
};

use super::place::{Place, Source};

/// A value and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What a file can hold.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    /// Wider than any field, so that a number too large is found by its range, not by the parser.
    Integer(i128),
    Float(f64),
    Bool(bool),
    Date,
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key, where it is written, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) place: Place,
    pub(crate) node: Node,
}

impl Node {
    /// The tree of a parsed file.
    pub(crate) fn document(source: &Arc<Source>, table: &Spanned<DeTable<'_>>) -> Self {
        // Missing tables are reported against the document: its first character says "this file".
        let start = Place::new(source, 0..source.text.find(['\r', '\n']).unwrap_or(source.text.len()));
        Self { place: start, value: Value::Table(entries(source, table.get_ref())) }
    }

    fn new(source: &Arc<Source>, value: &Spanned<DeValue<'_>>) -> Self {
        let place = Place::new(source, value.span());
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(integer) => Value::Integer(saturating(integer)),
            DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(yes) => Value::Bool(*yes),
            DeValue::Datetime(_) => Value::Date,
            DeValue::Array(items) => Value::List(list(source, items)),
            DeValue::Table(table) => Value::Table(entries(source, table)),
        };
        Self { place, value }
    }

    /// The entry with this key, in a table.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of this key, in a table.
    pub(crate) fn at(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// Where this key is written, or else the table that lacks it.
    pub(crate) fn key_place(&self, key: &str) -> &Place {
        self.entry(key).map_or(&self.place, |entry| &entry.place)
    }

    /// Where this key's value is written, or else the table that lacks it.
    pub(crate) fn value_place(&self, key: &str) -> &Place {
        self.at(key).map_or(&self.place, |node| &node.place)
    }

    /// The entries of a table; none for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        if let Value::Table(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list; none for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// Takes this key out of a table.
    pub(crate) fn take(&mut self, key: &str) -> Option<Node> {
        let Value::Table(entries) = &mut self.value else {
            return None;
        };
        let at = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(at).node)
    }

    /// Puts a key into a table, in place of one that is there.
    pub(crate) fn put(&mut self, entry: Entry) {
        let Value::Table(entries) = &mut self.value else { return };
        entries.retain(|old| old.key != entry.key);
        entries.push(entry);
    }

    /// The bare data, for serde.
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Value::Text(text) => Json::String(text.clone()),
            Value::Integer(integer) => Number::from_i128(*integer).map_or(Json::Null, Json::Number),
            Value::Float(float) => Number::from_f64(*float).map_or(Json::Null, Json::Number),
            Value::Bool(yes) => Json::Bool(*yes),
            Value::Date => Json::String(self.place.text().to_owned()),
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Table(entries) => Json::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

impl Value {
    /// The kind of value in plain words.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

fn entries(source: &Arc<Source>, table: &DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: Place::new(source, key.span()),
            node: Node::new(source, value),
        })
        .collect();
    entries.sort_by_key(|entry| entry.place.start());
    entries
}

fn list(source: &Arc<Source>, items: &DeArray<'_>) -> Vec<Node> {
    items.iter().map(|item| Node::new(source, item)).collect()
}

fn saturating(integer: &DeInteger<'_>) -> i128 {
    i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(if integer.as_str().starts_with('-') {
        i128::MIN
    } else {
        i128::MAX
    })
}
