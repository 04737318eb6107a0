//! Source code with a label at every step from the workflow to the culprit.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use codespan_reporting::diagnostic::{Diagnostic as Rendered, Label};
use codespan_reporting::files::Error;
use codespan_reporting::term::{Config, emit_to_write_style};
use lint_core::diagnostic::{Diagnostic, FileId, Fix, Place};

use super::text::{Hyperlink, others, write_end};
use super::{escape, fix};
use crate::report::{Places, Report, ReportedError, Shown};
use crate::wrap::fill;
use painter::{Painter, level};
use view::View;

mod painter;
mod view;

/// What stands before a note: the width of line numbers, a border and a bullet.
const MARGIN: usize = 8;
const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();

/// Sentences are wrapped to the width; source code cannot be.
pub(super) fn render(
    report: &Report<'_>,
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let config = Config::default();
    let mut views = Views::default();
    for error in &report.errors {
        let rendered = Rendered::<FileId>::error()
            .with_code(error.kind.as_str())
            .with_message(escape(&error.message));
        let rendered = match error_label(error, &report.places, &mut views) {
            Some(label) => rendered.with_labels(vec![label]),
            None => rendered.with_note(format!(
                "at {}:{}:{}",
                escape(&report.places.shown(&error.path)),
                error.line,
                error.column
            )),
        };
        emit(out, &config, &views, &rendered, Hyperlink::default())?;
    }
    for shown in report.shown() {
        let rendered = rendered(shown, report, width, &mut views);
        let link = Hyperlink::to_rule(shown.finding, width);
        emit(out, &config, &views, &rendered, link)?;
    }
    write_end(report, width, out)
}

/// Where the text of a file could be read, its line is shown.
fn error_label(
    error: &ReportedError,
    places: &Places<'_>,
    views: &mut Views,
) -> Option<Label<FileId>> {
    let file = error.file?;
    let source = places.project.source(file)?;
    let line = source.line_span(error.line);
    let before = source
        .slice(line)
        .char_indices()
        .nth(error.column.max(1) as usize - 1);
    let start = before.map_or(line.end, |(at, _)| line.start + at as u32);
    let view = views.open(file, places);
    let (start, end) = (view.offset(start), view.offset((start + 1).min(line.end)));
    Some(Label::primary(file, start..end.max(start)))
}

fn emit(
    out: &mut dyn Write,
    config: &Config,
    views: &Views,
    rendered: &Rendered<FileId>,
    link: Hyperlink,
) -> io::Result<()> {
    let emitted = emit_to_write_style(&mut Painter::new(out, link), config, views, rendered);
    emitted.map_err(|error| match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    })
}

fn rendered(
    shown: Shown<'_>,
    report: &Report<'_>,
    width: Option<usize>,
    views: &mut Views,
) -> Rendered<FileId> {
    let (finding, places) = (shown.finding, &report.places);
    let mut label = |style: fn(FileId, std::ops::Range<usize>) -> Label<FileId>, place: Place| {
        let view = views.open(place.file, places);
        style(
            place.file,
            view.offset(place.span.start)..view.offset(place.span.end),
        )
    };
    let mut primary = label(Label::primary, finding.place);
    if !finding.trace.is_empty() {
        primary = primary.with_message("the path starts here");
    }
    let mut labels = vec![primary];
    for (number, step) in finding.trace.iter().enumerate() {
        let message = format!("{}. {}", number + 1, escape(&step.message));
        labels.push(label(Label::secondary, step.place).with_message(message));
    }
    Rendered::new(level(finding.severity))
        .with_code(finding.code)
        .with_message(message(finding, width))
        .with_labels(labels)
        .with_notes(notes(shown, report, width))
}

/// The message below a header of its own, which is written before it.
fn message(finding: &Diagnostic, width: Option<usize>) -> String {
    let header = format!("{}[{}]: ", finding.severity, finding.code);
    let filled = fill(
        &format!("{header}{}", escape(&finding.message)),
        width,
        "  ",
    );
    filled[header.len()..].to_owned()
}

fn notes(shown: Shown<'_>, report: &Report<'_>, width: Option<usize>) -> Vec<String> {
    let (finding, places) = (shown.finding, &report.places);
    let mut notes = Vec::new();
    if let Some(help) = &finding.help {
        notes.push(format!("help: {}", escape(help)));
    }
    if let Some(workflow) = &finding.workflow {
        let entry = finding.entry.as_ref();
        let entry = entry.map(|it| format!(", entry point `{}`", escape(it)));
        let impact = finding.impact_on_replay();
        let impact = impact.map(|it| format!(", impact: {}", it.as_str()));
        notes.push(format!(
            "workflow `{}`{}{}",
            escape(workflow),
            entry.unwrap_or_default(),
            impact.unwrap_or_default()
        ));
    }
    notes.extend(finding.notes.iter().map(|note| escape(note).into_owned()));
    let others = others(shown, report, |it| places.shown(it));
    notes.extend((!others.is_empty()).then(|| others.join("\n")));
    let width = width.map(|width| width.saturating_sub(MARGIN));
    for note in &mut notes {
        *note = fill(note, width, "");
    }
    notes.extend(finding.fixes.iter().map(|it| diff(it, places)));
    notes
}

fn diff(fix: &Fix, places: &Places<'_>) -> String {
    let mut shown = format!("fix: {}", fix::title(fix));
    for line in fix::lines(fix, places) {
        let style = match line.is {
            fix::Is::Removed => REMOVED,
            fix::Is::Added => ADDED,
            fix::Is::Heading | fix::Is::Kept => Style::new(),
        };
        shown.push_str(&format!("\n{style}{}{style:#}", line.text));
    }
    shown
}

/// The files that labels point into, made safe for the terminal.
#[derive(Default)]
struct Views(BTreeMap<FileId, View>);

impl Views {
    fn open(&mut self, file: FileId, places: &Places<'_>) -> &View {
        self.0
            .entry(file)
            .or_insert_with(|| View::new(places.path(file), places.source(file)))
    }

    fn get(&self, id: FileId) -> Result<&View, Error> {
        self.0.get(&id).ok_or(Error::FileMissing)
    }
}

impl<'a> codespan_reporting::files::Files<'a> for Views {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: FileId) -> Result<&'a str, Error> {
        Ok(self.get(id)?.name())
    }

    fn source(&'a self, id: FileId) -> Result<&'a str, Error> {
        Ok(self.get(id)?.text())
    }

    fn line_index(&'a self, id: FileId, offset: usize) -> Result<usize, Error> {
        Ok(self.get(id)?.line_index(offset))
    }

    fn line_range(&'a self, id: FileId, line: usize) -> Result<std::ops::Range<usize>, Error> {
        Ok(self.get(id)?.line_range(line))
    }

    fn column_number(&'a self, id: FileId, line: usize, offset: usize) -> Result<usize, Error> {
        Ok(self.get(id)?.column(line, offset))
    }
}
