//! Activities that are plain functions, and workers that have nothing to run them in.

use lint_core::diagnostic::{FileId, Span};
use lint_core::facts::FunctionRef;
use lint_core::index::MODULE_BODY;
use lint_core::names::{Names, Resolved};
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;

use crate::model::{CallSite, calls_in};
use crate::program::Program;
use crate::rule::Context;
use crate::sites::{hides_keywords, keyword_value};
use crate::test_files::is_test;

/// How plugins are given, which may bring an executor along, also those of the client.
const PLUGINS: &str = "plugins=";

/// An activity in the list of a worker that cannot run it.
pub(super) struct Unrunnable {
    pub(super) file: FileId,
    pub(super) at: Span,
    pub(super) activity: String,
}

/// The first such activity of each worker. Workers mostly stand in files that no workflow leads to, and
/// import what they run.
pub(super) fn without_executor(cx: &Context<'_>) -> Vec<Unrunnable> {
    let model = &cx.model;
    let mut found = Vec::new();
    for site in model.temporal_calls() {
        found.extend(unrunnable(cx, model.names_in(site.file), site));
    }
    if has_plain_activity(cx) {
        let (files, names) = cx.workers();
        for &file in files {
            if cx.facts.files.binary_search(&file).is_err() {
                let sites = calls_in(cx.facts.project, names, file);
                found.extend(sites.iter().filter_map(|site| unrunnable(cx, names, site)));
            }
        }
    }
    found
}

fn unrunnable(cx: &Context<'_>, names: &Names<'_>, site: &CallSite<'_>) -> Option<Unrunnable> {
    let project = cx.facts.project;
    if site.external() != Some("temporalio.worker.Worker") || is_test(project, site.file) {
        return None;
    }
    let (program, here) = (
        Program::new(cx.facts),
        FunctionRef {
            file: site.file,
            ix: site.function,
        },
    );
    let executor = keyword_value(site.call, "activity_executor");
    let may_have = executor.is_some_and(|it| !it.is_none_literal_expr())
        || hides_keywords(site.call)
        || program.is_tried(here, span_of(site.call), "ValueError")
        || !cx.files_with(PLUGINS).is_empty();
    if may_have {
        return None;
    }
    let given = keyword_value(site.call, "activities")?;
    let (file, function, list) = match names.resolve(site.file, site.function, given) {
        Some(Resolved::Variable { file, name }) => (file, MODULE_BODY, names.value(file, &name)?),
        _ => (site.file, site.function, given),
    };
    let elements = match list {
        Expr::List(list) => &list.elts,
        Expr::Tuple(tuple) => &tuple.elts,
        _ => return None,
    };
    if elements.iter().any(Expr::is_starred_expr) {
        return None;
    }
    elements.iter().find_map(|element| {
        let meant = names.resolve(file, function, element)?;
        let activity = plain_activity(cx, &meant)?;
        let at = span_of(element);
        Some(Unrunnable { file, at, activity })
    })
}

/// The name of an activity of these files that is a function without `async`.
fn plain_activity(cx: &Context<'_>, meant: &Resolved) -> Option<String> {
    let &Resolved::Function { file, ix } = meant else {
        return None;
    };
    cx.facts.files.binary_search(&file).ok()?;
    let program = Program::new(cx.facts);
    let activity = FunctionRef { file, ix };
    let def = program.def(activity)?;
    let is_plain = !def.is_async && def.decorator_list.len() == 1;
    let function = program.function(activity).filter(|_| is_plain)?;
    cx.model.activity_name(file, function)
}

fn has_plain_activity(cx: &Context<'_>) -> bool {
    let mut activities = cx.model.temporal_activities();
    activities.any(|meant| plain_activity(cx, meant).is_some())
}
