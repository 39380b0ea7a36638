//! The words for a value that does not have the shape its key asks for. Hints come from the documentation of the very field,
//! so that whoever documents a field well has written its error message too.

use super::{
    mask,
    problem::Problem,
    shape::{self, Shape},
    tree::{Entry, Node, Value},
    words,
};

pub(crate) fn unknown_key(entry: &Entry, shape: Shape<'_>, table: &str) -> Problem {
    let key = shape::join(table, &entry.key);
    let known = shape.property_names();
    let message = match table {
        "" => format!("unknown table or key `{}`", entry.key),
        _ => format!("unknown key `{}` in `{table}`", entry.key),
    };
    Problem::error(&entry.place, &key, message, words::did_you_mean(&entry.key, known, "it knows"))
}

pub(crate) fn missing_key(node: &Node, shape: Shape<'_>, word: &str, table: &str) -> Problem {
    let inner = shape.property(word);
    let is_table = inner.is_some_and(|inner| inner.types() == ["object"]);
    let is_tables = inner.is_some_and(|inner| inner.types() == ["array"]);
    let written = match (table.is_empty(), is_table, is_tables) {
        (true, true, _) => format!("`[{word}]`"),
        (true, _, true) => format!("`[[{word}]]`"),
        _ => format!("`{word} = …`"),
    };
    let place = if table.is_empty() { "the file".to_owned() } else { format!("`{table}`") };
    let message = format!("{place} lacks {written}");
    Problem::error(&node.place, &shape::join(table, word), message, advice(&format!("add {written}"), inner))
}

pub(crate) fn wrong_type(node: &Node, shape: Shape<'_>, types: &[&str], key: &str) -> Problem {
    let found = shown(node, key);
    let message = format!("`{key}` must be {}, not {}{found}", types_words(types), node.value.words());
    Problem::error(&node.place, key, message, advice(&repair(node, shape, types, key), Some(shape)))
}

pub(crate) fn no_choice(node: &Node, text: &str, choices: &[&str], key: &str) -> Problem {
    let message = format!("`{key}` cannot be {}", node.place.quoted());
    Problem::error(&node.place, key, message, words::did_you_mean(text, choices.iter().copied(), "it can be"))
}

pub(crate) fn no_alternative(node: &Node, shape: Shape<'_>, ways: &[Shape<'_>], key: &str) -> Problem {
    let keys: Vec<&str> = ways.iter().flat_map(|way| shape::required(*way)).collect();
    let wanted = words::one_of(&keys);
    let slip = node.entries().iter().find_map(|entry| Some((entry, words::nearest(&entry.key, keys.iter().copied())?)));
    if let Some((entry, meant)) = slip {
        let message = format!("unknown key `{}` in `{key}`, which needs {wanted}", entry.key);
        return Problem::error(
            &entry.place,
            &shape::join(key, &entry.key),
            message,
            format!("did you mean `{meant}`?"),
        );
    }
    Problem::error(&node.place, key, format!("`{key}` needs {wanted}"), advice("add one of them", Some(shape)))
}

pub(crate) fn many_alternatives(node: &Node, ways: &[Shape<'_>], key: &str) -> Problem {
    let mut keys: Vec<&str> = ways.iter().flat_map(|way| shape::required(*way)).collect();
    keys.retain(|word| node.entry(word).is_some());
    let later = keys.iter().filter_map(|word| node.entry(word)).max_by_key(|entry| entry.place.start());
    let place = later.map_or(&node.place, |entry| &entry.place);
    let message = format!("`{key}` has {} at once", words::all_of(&keys));
    Problem::error(place, key, message, format!("keep only one of {}", words::one_of(&keys)))
}

pub(crate) fn too_few(node: &Node, shape: Shape<'_>, key: &str) -> Problem {
    Problem::error(&node.place, key, format!("`{key}` is empty"), advice("add at least one item", Some(shape)))
}

pub(crate) fn empty_text(node: &Node, shape: Shape<'_>, key: &str) -> Problem {
    Problem::error(
        &node.place,
        key,
        format!("`{key}` is empty"),
        advice("write a text, or remove the key", Some(shape)),
    )
}

/// A number outside its range, if it is.
pub(crate) fn out_of_range(node: &Node, shape: Shape<'_>, key: &str) -> Option<Problem> {
    let number = match node.value {
        Value::Integer(integer) => integer as f64,
        Value::Float(float) => float,
        _ => return None,
    };
    let bound = |name: &str| shape.schema[name].as_f64();
    let (low, above) = (bound("minimum"), bound("exclusiveMinimum"));
    let (high, below) = (bound("maximum").or_else(|| widest(shape)), bound("exclusiveMaximum"));
    let fits = low.is_none_or(|low| number >= low)
        && above.is_none_or(|above| number > above)
        && high.is_none_or(|high| number <= high)
        && below.is_none_or(|below| number < below)
        && number.is_finite();
    if fits {
        return None;
    }
    let range = match (low, above, high, below) {
        (Some(low), _, Some(high), _) => format!("from {low} to {high}"),
        (Some(low), ..) => format!("at least {low}"),
        (_, Some(above), Some(high), _) => format!("more than {above} and at most {high}"),
        (_, Some(above), ..) => format!("more than {above}"),
        (_, _, Some(high), _) => format!("at most {high}"),
        _ => "a finite number".to_owned(),
    };
    let message = format!("`{key}` must be {range}, not {}", node.place.quoted());
    Some(Problem::error(&node.place, key, message, advice(&format!("write a number {range}"), Some(shape))))
}

/// The largest value the field's own type can hold, where the schema does not say it.
fn widest(shape: Shape<'_>) -> Option<f64> {
    match shape.schema["format"].as_str()? {
        "uint8" => Some(f64::from(u8::MAX)),
        "uint16" => Some(f64::from(u16::MAX)),
        "uint32" => Some(f64::from(u32::MAX)),
        "uint" | "uint64" => Some(i64::MAX as f64),
        _ => None,
    }
}

/// What to type instead, as far as it can be told from what was typed.
fn repair(node: &Node, shape: Shape<'_>, types: &[&str], key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    match &node.value {
        Value::Text(text) if types.iter().any(|name| bare(name, text)) => {
            format!("remove the quotes: `{last} = {text}`")
        }
        Value::Integer(_) | Value::Float(_) if shape.schema["format"] == "duration" => {
            format!("say the unit: `{last} = \"{} ms\"`", node.place.quoted())
        }
        Value::Integer(_) | Value::Float(_) if types.contains(&"string") => {
            format!("put it in quotes: `{last} = \"{}\"`", node.place.quoted())
        }
        Value::Table(_) if types == ["array"] => format!("write `[[{last}]]`, once for each"),
        Value::List(_) if types == ["object"] => format!("write `[{last}]`, once"),
        _ => match shape.about.get("default").or(shape.schema.get("default")) {
            Some(value) => format!("for example `{last} = {value}`"),
            None => format!("write {}", types_words(types)),
        },
    }
}

/// Whether the text would be a value of that type without its quotes.
fn bare(type_name: &str, text: &str) -> bool {
    match type_name {
        "integer" => text.parse::<i64>().is_ok(),
        "number" => text.parse::<f64>().is_ok_and(f64::is_finite),
        "boolean" => matches!(text, "true" | "false"),
        _ => false,
    }
}

/// What was found, when it fits into a sentence and is no secret.
fn shown(node: &Node, key: &str) -> String {
    let plain = !matches!(node.value, Value::List(_) | Value::Table(_));
    if plain && !mask::is_secret(key) { format!(": {}", node.place.quoted()) } else { String::new() }
}

/// The advice, followed by the first sentence of the field's documentation.
fn advice(what: &str, shape: Option<Shape<'_>>) -> String {
    let about = shape.and_then(|shape| shape.about["description"].as_str().or(shape.schema["description"].as_str()));
    let about = about.unwrap_or("");
    let first = about.split("\n\n").next().unwrap_or("").replace('\n', " ");
    let first = first.split_once(". ").map_or(first.as_str(), |(first, _)| first).trim_end_matches('.');
    if first.is_empty() { what.to_owned() } else { format!("{what} ({first})") }
}

/// The kinds of value in plain words, each once.
fn types_words(types: &[&str]) -> String {
    let mut all: Vec<&str> = types.iter().map(|name| type_words(name)).collect();
    all.dedup();
    all.join(" or ")
}

fn type_words(name: &str) -> &'static str {
    match name {
        "string" => "text in quotes",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        _ => "a table",
    }
}
