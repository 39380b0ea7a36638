//! What a person is told about a manifest: file, line, column, what is wrong, and what to write instead.

use std::{fmt, ops::Range};

use serde::Serialize;
use toml::de::{DeTable, DeValue};

/// One problem in one manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ManifestProblem {
    /// The manifest.
    pub file: String,
    /// Counted from 1; 0 when the file could not be read at all.
    pub line: usize,
    /// Counted from 1, in characters; 0 as above.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead; may be empty.
    pub hint: String,
}

/// The text of a manifest, able to say where a key stands in it.
pub(super) struct Located<'a> {
    file: &'a str,
    text: &'a str,
}

impl fmt::Display for ManifestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for ManifestProblem {}

impl ManifestProblem {
    /// A file that cannot even be read.
    pub(super) fn unreadable(file: &str, why: &std::io::Error) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            message: format!("cannot be read: {why}"),
            hint: "give the models folder as --models, or put a model.toml there".into(),
        }
    }
}

impl<'a> Located<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text }
    }

    /// A problem with the value at `path`, such as `["variant", "1", "size"]`. A path that leads nowhere is followed as
    /// far as it goes, so that a missing key points at the table it is missing from.
    pub(super) fn problem(
        &self,
        path: &[&str],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ManifestProblem {
        let offset = DeTable::parse(self.text).map_or(0, |table| follow(table.get_ref(), path));
        self.at(offset, message.into(), hint.into())
    }

    /// What the parser said, moved onto the key it speaks of: inside `[output]` and `[input.align]` the parser itself only
    /// knows the table.
    pub(super) fn parser(&self, error: &toml::de::Error) -> ManifestProblem {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().trim().replace('\n', "; ");
        let offset = self.named_key(&message, &span).unwrap_or(span.start);
        self.at(offset, message, String::new())
    }

    /// The first line within `span` that sets the key which an "unknown field `x`" names.
    fn named_key(&self, message: &str, span: &Range<usize>) -> Option<usize> {
        let key = message.strip_prefix("unknown field `")?.split('`').next()?;
        let mut offset = span.start;
        for line in self.text.get(span.start..)?.split_inclusive('\n') {
            if line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
                return Some(offset);
            }
            offset += line.len();
        }
        None
    }

    fn at(&self, offset: usize, message: String, hint: String) -> ManifestProblem {
        let before = self.text.get(..offset).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ManifestProblem {
            file: self.file.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message,
            hint,
        }
    }
}

/// Offset of the key at the end of `path`, or of the last one on the way that exists.
fn follow(table: &DeTable<'_>, path: &[&str]) -> usize {
    let Some((key, rest)) = path.split_first() else {
        return 0;
    };
    let found = table.iter().find(|(name, _)| name.get_ref().as_ref() == *key);
    let Some((name, value)) = found else {
        return 0;
    };
    let deeper = match (value.get_ref(), rest.split_first()) {
        (DeValue::Table(inner), Some(_)) => follow(inner, rest),
        (DeValue::Array(items), Some((index, rest))) => {
            let item = index.parse().ok().and_then(|i: usize| items.get(i));
            match item.map(toml::Spanned::get_ref) {
                Some(DeValue::Table(inner)) => follow(inner, rest).max(item.map_or(0, |i| i.span().start)),
                _ => 0,
            }
        }
        _ => 0,
    };
    deeper.max(name.span().start)
}
