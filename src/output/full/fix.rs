//! What a fix would change, as a diff.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use lint_core::diagnostic::{Applicability, Edit, FileId, Fix, Span};
use similar::{ChangeTag, TextDiff};

use super::super::escape;
use crate::report::Places;

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
/// Lines that are shown around a change.
const CONTEXT: usize = 1;

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
    let first = edits
        .iter()
        .map(|it| source.line(it.place.span.start))
        .min();
    let last = edits.iter().map(|it| source.line(it.place.span.end)).max();
    let (Some(first), Some(last)) = (first, last) else {
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
    let width = last.to_string().len();
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            lines.push("…".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (mark, style, index) = match change.tag() {
                ChangeTag::Equal => (' ', Style::new(), change.new_index()),
                ChangeTag::Delete => ('-', REMOVED, change.old_index()),
                ChangeTag::Insert => ('+', ADDED, change.new_index()),
            };
            let number = index.unwrap_or_default() + first as usize;
            let text = escape(change.value().trim_end_matches(['\r', '\n'])).into_owned();
            lines.push(format!("{style}{number:>width$} {mark} {text}{style:#}"));
        }
    }
    lines
}
