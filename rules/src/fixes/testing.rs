//! What tests of edits share.

use std::collections::BTreeMap;

use lint_core::diagnostic::{Edit, FileId, Span};
use lint_core::project::Project;
use lint_core::source::SourceFile;

pub(super) const FILE: FileId = FileId(0);

/// The only file of a project after the edits of it.
pub(super) fn after(text: &str, edits: impl Fn(&Project<'_>, &SourceFile) -> Vec<Edit>) -> String {
    let files = BTreeMap::from([("m.py".to_owned(), text.to_owned())]);
    let project = Project::new(&files, files.keys().cloned(), Vec::new(), Vec::new());
    project.module(FILE).expect("a module");
    let source = project.source(FILE).expect("a source");
    let mut edits = edits(&project, source);
    edits.sort();
    let mut text = source.text.clone();
    for edit in edits.iter().rev() {
        let Span { start, end } = edit.place.span;
        text.replace_range(start as usize..end as usize, &edit.replacement);
    }
    text
}
