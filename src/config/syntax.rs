//! Reads a file and parses its TOML; every syntax error becomes a problem with what to try.

use std::{fs, io, path::Path, sync::Arc};

use toml::de::DeTable;

use super::{
    place::{Place, Source},
    problem::Problem,
    tree::Node,
};

/// Files people write are small; anything larger is a video or a model named by mistake.
const MAX_BYTES: u64 = 4 << 20;

const OURS: &str = "name a TOML file, such as config/demo.toml";

/// What part of a parser's message leads to which advice; the first that matches.
const ADVICE: [(&str, &str); 14] = [
    (
        "duplicate key",
        "a key may be set only once in a table: keep one of the two, or use `[[name]]` for a list of tables",
    ),
    ("string values must be quoted", "put the value in quotes: \"…\""),
    ("invalid basic string", "close the text with `\"` on the same line; a backslash must be written `\\\\`"),
    ("invalid literal string", "close the text with `'` on the same line"),
    ("escape", "write a backslash as `\\\\`, or use '…' quotes, which take every character as it is"),
    ("key with no value", "write `key = value`, one a line"),
    ("missing assignment", "write `key = value`, one a line"),
    ("missing value", "put a value after `=`, such as \"text\", 5 or true"),
    ("comma", "separate items by exactly one comma"),
    ("inline table", "close the table with `}`, with `key = value` pairs separated by commas"),
    ("array", "close the list with `]`, with items separated by commas"),
    ("table", "write a header as `[name]`, or `[[name]]` for one of many"),
    ("leading zero", "remove the zeros in front of the number"),
    ("newline", "put only one `key = value` on a line"),
];
const ADVICE_OTHERWISE: &str = "write `key = value` lines under `[table]` headers; text goes in quotes";

/// Reads and parses; the tree only when there is no syntax error at all.
pub(crate) fn read(path: &Path, problems: &mut Vec<Problem>) -> Option<Node> {
    match read_text(path) {
        Ok(text) => parse(&Arc::new(Source { path: path.to_owned(), text }), problems),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    }
}

/// Parses a text that is in no file.
pub(crate) fn parse_text(name: &str, text: String, problems: &mut Vec<Problem>) -> Option<Node> {
    parse(&Arc::new(Source { path: name.into(), text }), problems)
}

fn read_text(path: &Path) -> Result<String, Box<Problem>> {
    let refusal = |message: String, hint: &str| Box::new(Problem::unreadable(path, message, hint));
    let unreadable =
        |error: io::Error| refusal(format!("cannot be read: {error}"), "check the path, and who may read it");
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err(refusal("is not a file".to_owned(), OURS));
    }
    if about.len() > MAX_BYTES {
        let message = format!("is {} bytes long, more than a configuration file can be ({MAX_BYTES})", about.len());
        return Err(refusal(message, OURS));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let line = good.matches('\n').count() + 1;
        refusal(format!("line {line} is no UTF-8 text"), "save the file as UTF-8")
    })
}

/// Parses a text; every syntax error is reported, not just the first.
pub(crate) fn parse(source: &Arc<Source>, problems: &mut Vec<Problem>) -> Option<Node> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let place = Place::new(source, error.span().unwrap_or(0..0));
        let hint = if place.text().trim().is_empty() && error.message().contains("must be quoted") {
            advice("missing value")
        } else {
            advice(error.message())
        };
        problems.push(Problem::error(&place, "", format!("not TOML: {}", error.message()), hint));
    }
    errors.is_empty().then(|| Node::document(source, &table))
}

fn advice(message: &str) -> &'static str {
    ADVICE.iter().find(|(part, _)| message.contains(part)).map_or(ADVICE_OTHERWISE, |(_, hint)| hint)
}
