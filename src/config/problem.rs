//! One thing wrong in a file someone wrote: where, what, and what to try. All of them are collected before anything stops.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::{mask, place::Place};

/// Longest message, hint or key in characters: long enough for any sentence of ours, short enough for a quoted file.
const LONGEST: usize = 500;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing starts until this is fixed.
    Error,
    /// It runs, but probably not as meant.
    Warning,
}

/// One problem. It holds all it needs to be shown, secrets already masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file, as named on the command line or by the file that refers to it; empty for a graph made in code.
    pub file: PathBuf,
    /// From 1; 0 when there is no file.
    pub line: usize,
    /// In characters, from 1; 0 when there is no file.
    pub column: usize,
    /// Characters the problem covers on that line.
    pub width: usize,
    /// The key's path, like `camera[2].source.rtsp`.
    pub key: String,
    /// What is wrong: one sentence, lower-case, no full stop.
    pub message: String,
    /// What to try.
    pub hint: String,
    #[serde(skip)]
    excerpt: String,
    #[serde(skip)]
    offset: usize,
}

impl Problem {
    /// Something that keeps Flyball from starting.
    pub fn error(place: &Place, key: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, key, &message.into(), &hint.into())
    }

    /// Something that is probably not meant.
    pub fn warning(place: &Place, key: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, key, &message.into(), &hint.into())
    }

    /// A file that could not be read at all: there is no line to show.
    pub fn unreadable(file: impl Into<PathBuf>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let mut problem = Self::error(&Place::nowhere(), "", message, hint);
        problem.file = file.into();
        problem
    }

    fn new(severity: Severity, place: &Place, key: &str, message: &str, hint: &str) -> Self {
        let file = place.file().map(PathBuf::from).unwrap_or_default();
        let spot = place.spot().unwrap_or_default();
        Self {
            severity,
            file,
            line: spot.line,
            column: spot.column,
            width: spot.width,
            key: presentable(key),
            message: presentable(message),
            hint: presentable(hint),
            excerpt: spot.excerpt,
            offset: spot.offset,
        }
    }

    /// Whether this keeps Flyball from starting.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Text that quotes a file, made fit to be shown: no secret in an address, no control characters, no more than a few lines.
fn presentable(text: &str) -> String {
    let masked = mask::userinfo(text);
    let mut out: String = masked.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if masked.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

/// Whether any of these keeps Flyball from starting.
pub fn any_error(problems: &[Problem]) -> bool {
    problems.iter().any(Problem::is_error)
}

/// By file and position, each once: the order a reader fixes them in.
pub fn in_reading_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| {
        (&a.file, a.line, a.column, &a.key, &a.message).cmp(&(&b.file, b.line, b.column, &b.key, &b.message))
    });
    problems.dedup();
    problems
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: error: message`, the line with carets under the part that is meant, and the help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.as_os_str().is_empty() {
            write!(f, "{}:", self.file.display())?;
        }
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        let space = if self.file.as_os_str().is_empty() { "" } else { " " };
        write!(f, "{space}{}: {}", self.severity, self.message)?;
        if self.line > 0 {
            self.write_excerpt(f)?;
        }
        write!(f, "\n  help: {}", self.hint)
    }
}

impl Problem {
    fn write_excerpt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // A tab before the caret is repeated, so that both lines are as wide on every terminal.
        let indent: String =
            self.excerpt.chars().take(self.offset).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let room = self.excerpt.chars().count().saturating_sub(self.offset).max(1);
        let carets = "^".repeat(self.width.clamp(1, room));
        let line = self.excerpt.replace(|c: char| c.is_control() && c != '\t', "?");
        write!(f, "\n  {margin} |\n  {number} | {line}\n  {margin} | {indent}{carets}")
    }
}
