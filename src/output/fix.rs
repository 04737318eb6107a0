//! What a fix would change, as a diff.

use std::collections::BTreeMap;

use lint_core::diagnostic::{Applicability, Edit, FileId, Fix, Span};
use lint_core::source::SourceFile;
use similar::{ChangeTag, TextDiff};

use super::escape;
use crate::report::Places;

/// Lines that are shown around a change.
const CONTEXT: usize = 1;
/// Edits with more lines than this between them are compared for themselves: an import at the top
/// does not make the rest of the file part of the comparison.
const FAR: u32 = 20;

/// A line of a diff, without control characters.
pub(super) struct Line {
    pub(super) is: Is,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// Where lines stand, or that some are left out.
    Heading,
    Kept,
    Removed,
    Added,
}

impl Line {
    fn heading(text: impl Into<String>) -> Self {
        Self {
            is: Is::Heading,
            text: text.into(),
        }
    }
}

/// What it does, with a word of caution unless it is safe.
pub(super) fn title(fix: &Fix) -> String {
    let caution = match fix.applicability {
        Applicability::Safe => "",
        Applicability::Unsafe => " (unsafe: check that it is meant so)",
        Applicability::DisplayOnly => " (an idea, not to be applied as it is)",
    };
    format!("{}{caution}", escape(&fix.title))
}

/// What changes, line by line.
pub(super) fn lines(fix: &Fix, places: &Places<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut by_file: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    for edit in &fix.edits {
        by_file.entry(edit.place.file).or_default().push(edit);
    }
    let several = by_file.len() + fix.new_files.len() > 1;
    for (file, mut edits) in by_file {
        if several {
            let path = places.path(file);
            lines.push(Line::heading(format!("in {}:", escape(&path))));
        }
        edits.sort_by_key(|it| it.place.span);
        lines.extend(diff(file, &edits, places));
    }
    for new in &fix.new_files {
        let path = places.shown(&places.root.join(&new.key));
        lines.push(Line::heading(format!("in the new file {}:", escape(&path))));
        lines.extend(new.text.lines().enumerate().map(|(index, line)| Line {
            is: Is::Added,
            text: format!("{} + {}", index + 1, escape(line)),
        }));
    }
    lines
}

/// Compares the lines around the edits, not the whole file.
fn diff(file: FileId, edits: &[&Edit], places: &Places<'_>) -> Vec<Line> {
    let source = places.source(file);
    let last = edits.iter().map(|it| source.line(it.place.span.end)).max();
    let last = last.map_or(0, |it| (it + CONTEXT as u32).min(source.line_count()));
    let width = last.to_string().len();
    let are_close = |one: &&Edit, next: &&Edit| {
        let end = source.line(one.place.span.end);
        source.line(next.place.span.start) <= end + FAR
    };
    let (mut lines, mut added) = (Vec::new(), 0);
    for edits in edits.chunk_by(are_close) {
        let hunks = hunks(source, edits, width, &mut added);
        if !lines.is_empty() && !hunks.is_empty() {
            lines.push(Line::heading("…"));
        }
        lines.extend(hunks);
    }
    lines
}

/// What edits change that are not far from each other. `added` is how many lines the edits before
/// them add.
fn hunks(source: &SourceFile, edits: &[&Edit], width: usize, added: &mut isize) -> Vec<Line> {
    let starts = edits.iter().map(|it| source.line(it.place.span.start));
    let ends = edits.iter().map(|it| source.line(it.place.span.end));
    let (Some(first), Some(last)) = (starts.min(), ends.max()) else {
        return Vec::new();
    };
    let context = CONTEXT as u32;
    let first = first.saturating_sub(context).max(1);
    let last = (last + context).min(source.line_count());
    let window = Span::new(source.line_span(first).start, source.line_span(last).end);
    let old = source.slice(window);
    let mut new = String::with_capacity(old.len());
    let mut done = window.start;
    for edit in edits {
        new.push_str(source.slice(Span::new(done, edit.place.span.start)));
        new.push_str(&edit.replacement);
        done = edit.place.span.end;
    }
    new.push_str(source.slice(Span::new(done, window.end)));

    let diff = TextDiff::from_lines(old, &new);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            lines.push(Line::heading("…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let now = change
                .new_index()
                .map(|it| it.saturating_add_signed(*added));
            let (mark, is, index) = match change.tag() {
                ChangeTag::Equal => (' ', Is::Kept, now),
                ChangeTag::Delete => ('-', Is::Removed, change.old_index()),
                ChangeTag::Insert => ('+', Is::Added, now),
            };
            let number = index.unwrap_or_default() + first as usize;
            let text = escape(change.value().trim_end_matches(['\r', '\n']));
            lines.push(Line {
                is,
                text: format!("{number:>width$} {mark} {text}"),
            });
        }
    }
    *added += diff.new_slices().len() as isize - diff.old_slices().len() as isize;
    lines
}
