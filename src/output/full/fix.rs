//! What a fix would change, as a diff.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use lint_core::diagnostic::{Applicability, Edit, FileId, Fix, Span};
use lint_core::source::SourceFile;
use similar::{ChangeTag, TextDiff};

use super::super::escape;
use crate::report::Places;

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
/// Lines that are shown around a change.
const CONTEXT: usize = 1;
/// Edits with more lines than this between them are compared for themselves: an import at the top
/// does not make the rest of the file part of the comparison.
const FAR: u32 = 20;

pub(super) fn shown(fix: &Fix, places: &Places<'_>) -> String {
    let caution = match fix.applicability {
        Applicability::Safe => "",
        Applicability::Unsafe => " (unsafe: check that it is meant so)",
        Applicability::DisplayOnly => " (an idea, not to be applied as it is)",
    };
    let mut lines = vec![format!("fix: {}{caution}", escape(&fix.title))];
    let mut by_file: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    for edit in &fix.edits {
        by_file.entry(edit.place.file).or_default().push(edit);
    }
    let several = by_file.len() + fix.new_files.len() > 1;
    for (file, mut edits) in by_file {
        if several {
            lines.push(format!("in {}:", escape(&places.path(file))));
        }
        edits.sort_by_key(|it| it.place.span);
        lines.extend(diff(file, &edits, places));
    }
    for new in &fix.new_files {
        let path = places.shown(&places.root.join(&new.key));
        lines.push(format!("in the new file {}:", escape(&path)));
        lines.extend(new.text.lines().enumerate().map(|(index, line)| {
            let text = escape(line);
            format!("{ADDED}{} + {text}{ADDED:#}", index + 1)
        }));
    }
    lines.join("\n")
}

/// Compares the lines around the edits, not the whole file.
fn diff(file: FileId, edits: &[&Edit], places: &Places<'_>) -> Vec<String> {
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
            lines.push("…".to_owned());
        }
        lines.extend(hunks);
    }
    lines
}

/// What edits change that are not far from each other. `added` is how many lines the edits before
/// them add.
fn hunks(source: &SourceFile, edits: &[&Edit], width: usize, added: &mut isize) -> Vec<String> {
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
            lines.push("…".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let now = change
                .new_index()
                .map(|it| it.saturating_add_signed(*added));
            let (mark, style, index) = match change.tag() {
                ChangeTag::Equal => (' ', Style::new(), now),
                ChangeTag::Delete => ('-', REMOVED, change.old_index()),
                ChangeTag::Insert => ('+', ADDED, now),
            };
            let number = index.unwrap_or_default() + first as usize;
            let text = escape(change.value().trim_end_matches(['\r', '\n'])).into_owned();
            lines.push(format!("{style}{number:>width$} {mark} {text}{style:#}"));
        }
    }
    *added += diff.new_slices().len() as isize - diff.old_slices().len() as isize;
    lines
}
