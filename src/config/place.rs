//! Where something is written: a file, a line, a column. Every node of a parsed file knows its place, so that every problem
//! can point at the very characters. Next: `problem`, which carries one out to people.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::mask;

/// Longest excerpt in characters; longer lines are cut around the point of interest so that the caret stays in view.
const EXCERPT_CHARS: usize = 120;

/// Longest quotation in a message, in characters.
const QUOTED_CHARS: usize = 60;

/// One file as read.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// The text holds passwords, and what is printed for debugging may end in a log.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A range of characters in a file; or nowhere, for what was made in code.
#[derive(Clone, Debug, Default)]
pub struct Place {
    source: Option<Arc<Source>>,
    range: Range<usize>,
}

/// A place in the words people use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spot {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// Characters to underline on that line, at least 1.
    pub(crate) width: usize,
    /// The line, with secrets masked and long ones cut.
    pub(crate) excerpt: String,
    /// Characters of the excerpt before the underlined ones.
    pub(crate) offset: usize,
}

impl Place {
    /// For graphs made in code: no file, no line.
    pub fn nowhere() -> Self {
        Self::default()
    }

    pub(crate) fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let end = floor_boundary(&source.text, range.end);
        let start = floor_boundary(&source.text, range.start).min(end);
        Self { source: Some(Arc::clone(source)), range: start..end }
    }

    /// The file, when there is one.
    pub fn file(&self) -> Option<&Path> {
        self.source.as_deref().map(|source| source.path.as_path())
    }

    /// First byte in its file: the order things are written in.
    pub(crate) fn start(&self) -> usize {
        self.range.start
    }

    /// What is written there, as typed.
    pub(crate) fn text(&self) -> &str {
        self.source.as_deref().map_or("", |source| &source.text[self.range.clone()])
    }

    /// What is written there, cut to what fits into a sentence.
    pub(crate) fn quoted(&self) -> String {
        let text = self.text();
        let line = text.lines().next().unwrap_or("");
        let cut: String = line.chars().take(QUOTED_CHARS).collect();
        if cut.len() < text.len() { format!("{cut}…") } else { cut }
    }

    /// The first `part` inside this place; the whole place when it is not there (escapes can hide it).
    pub(crate) fn part(&self, part: &str) -> Self {
        match (self.text().find(part), &self.source) {
            (Some(at), Some(source)) => {
                let start = self.range.start + at;
                Self::new(source, start..start + part.len())
            }
            _ => self.clone(),
        }
    }

    /// Line, column and excerpt; `None` for what was made in code.
    pub(crate) fn spot(&self) -> Option<Spot> {
        let text = &self.source.as_deref()?.text;
        let start = self.range.start;
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[line_start..line_end].trim_end_matches('\r');
        let before = text[line_start..start].chars().count();
        let on_line = self.range.end.clamp(start, line_end.max(start));
        let width = text[start..on_line].trim_end().chars().count().max(1);
        let (excerpt, offset) = cut(&mask::secrets(line), before);
        Some(Spot { line: text[..start].matches('\n').count() + 1, column: before + 1, width, excerpt, offset })
    }
}

/// Keeps a window of the line around the interesting column; answers it and that column's place in it.
fn cut(line: &str, before: usize) -> (String, usize) {
    if line.chars().count() <= EXCERPT_CHARS {
        return (line.to_owned(), before);
    }
    let skipped = before.saturating_sub(EXCERPT_CHARS / 2);
    let window: String = line.chars().skip(skipped).take(EXCERPT_CHARS).collect();
    (window, before - skipped)
}

fn floor_boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}
