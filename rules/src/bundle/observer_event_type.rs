use lint_core::diagnostic::{Diagnostic, FileId, Severity};
use lint_core::index::{ClassIx, MODULE_BODY};
use lint_core::names::Base;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Model, class_assignments};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds results that derive from `ObservableResult` and have no `ObserverMeta` with an `event_type`,
/// and classes with two `ObserverMeta`.
///
/// ## Why is this bad?
/// The type of the event is how observers tell results apart. Without one the result is an event of
/// type `""`. Of two `ObserverMeta` the second one counts and the first one misleads its readers; that
/// is a warning.
///
/// ## Example
/// ```markdown path=runbooks/profit-share/runbook.md
/// ---
/// slug: profit-share
/// name: Profit share
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/profit-share/templates/models.py
/// from ntro.events import ObservableResult
///
///
/// class AllocationResult(ObservableResult):  # RB525
///     total: float
///
///
/// class PostingResult(ObservableResult):
///     class ObserverMeta:
///         event_type = "journal.proposed"
///
///     journal: str
///
///     class ObserverMeta:  # RB525
///         event_type = "journal.posted"
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/profit-share/runbook.md
/// ---
/// slug: profit-share
/// name: Profit share
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/profit-share/templates/models.py
/// from ntro.events import ObservableResult
///
///
/// class AllocationResult(ObservableResult):
///     total: float
///
///     class ObserverMeta:
///         event_type = "allocation.completed"
///
///
/// class PostingResult(ObservableResult):
///     journal: str
///
///     class ObserverMeta:
///         event_type = "journal.posted"
/// ```
///
/// ## Limits
/// A class that other classes derive from needs none.
#[derive(RuleMetadata)]
#[rule(
    code = "RB525",
    severity = "info",
    category = "bundle",
    since = "0.1.0",
    summary = "an observable result without an event type"
)]
pub(crate) struct ObserverEventType;

impl Rule for ObserverEventType {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let mut results: Vec<(FileId, ClassIx, Vec<Base>)> = Vec::new();
        for &file in &model.files {
            let Some(index) = model.index(file) else {
                continue;
            };
            for ix in 0..index.classes.len() as ClassIx {
                let bases = model.names.bases(file, ix);
                let is_result = |base: &Base| matches!(base, Base::External(name) if name == "ntro.events.ObservableResult");
                if bases.iter().any(is_result) {
                    results.push((file, ix, bases));
                }
            }
        }
        for (file, ix, bases) in &results {
            let Some(class) = model.index(*file).map(|index| index.class(*ix).node) else {
                continue;
            };
            let metas: Vec<&ast::StmtClassDef> = metas(class).collect();
            if let [_, second, ..] = metas[..] {
                let message = format!("{} has a second `ObserverMeta`", code(class.name.as_str()));
                Finding::new(&Self::METADATA, *file, span_of(&second.name), message)
                    .severity(Severity::Warning)
                    .help("keep one of the two")
                    .report(report);
            }
            let is_base = results.iter().any(|(_, _, others)| {
                others.iter().skip(1).any(|it| {
                    *it == Base::Class {
                        file: *file,
                        ix: *ix,
                    }
                })
            });
            if !is_base && !has_event_type(model, bases) {
                let message = format!("{} has no event type", code(class.name.as_str()));
                let span = metas
                    .last()
                    .map_or(span_of(&class.name), |it| span_of(&it.name));
                Finding::new(&Self::METADATA, *file, span, message)
                    .help("add a class `ObserverMeta` with `event_type = \"noun.verb\"`")
                    .report(report);
            }
        }
    }
}

fn metas(class: &ast::StmtClassDef) -> impl Iterator<Item = &ast::StmtClassDef> {
    class.body.iter().filter_map(|statement| match statement {
        Stmt::ClassDef(inner) if inner.name.as_str() == "ObserverMeta" => Some(inner),
        _ => None,
    })
}

/// Whether the class or a base has an `ObserverMeta` whose `event_type` is not blank, as far as that
/// can be told.
fn has_event_type(model: &Model<'_>, bases: &[Base]) -> bool {
    bases.iter().any(|base| match base {
        Base::Class { file, ix } => {
            let Some(class) = model.index(*file).map(|index| index.class(*ix).node) else {
                return true;
            };
            let by_assignment = class_assignments(class).any(|(name, _)| name == "ObserverMeta");
            by_assignment
                || metas(class)
                    .last()
                    .is_some_and(|meta| names_event(model, *file, meta))
        }
        Base::External(name) => !matches!(
            name.as_str(),
            "ntro.events.ObservableResult" | "object" | "pydantic.BaseModel"
        ),
        Base::Unknown => true,
    })
}

fn names_event(model: &Model<'_>, file: FileId, meta: &ast::StmtClassDef) -> bool {
    // What a base of it brings is not looked for.
    if meta.arguments.as_ref().is_some_and(|it| !it.is_empty()) {
        return true;
    }
    let value = class_assignments(meta)
        .filter(|(name, _)| *name == "event_type")
        .last();
    value.is_some_and(|(_, value): (&str, &Expr)| {
        let text = model.names.const_str(file, MODULE_BODY, value);
        text.is_none_or(|it| !it.trim().is_empty())
    })
}
