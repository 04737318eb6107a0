//! Activities that are plain functions, and workers that have nothing to run them in.

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::names::Resolved;
use lint_core::syntax::span_of;

use crate::model::{CallSite, Model};
use crate::program::Program;
use crate::sites::{Written, hides_keywords, keyword_value};

/// The first activity in the list of a worker that needs an executor which the worker is not given.
pub(super) fn without_executor(
    model: &Model<'_>,
    program: Program<'_, '_>,
    site: &CallSite<'_>,
) -> Option<(Span, String)> {
    if site.external() != Some("temporalio.worker.Worker") {
        return None;
    }
    let executor = keyword_value(site.call, "activity_executor");
    // A plugin may bring one along, also one of the client.
    let text = program.facts.project.text(site.file)?;
    let may_have = executor.is_some_and(|it| !it.is_none_literal_expr())
        || hides_keywords(site.call)
        || text.text.contains("plugins=");
    if may_have {
        return None;
    }
    let given = keyword_value(site.call, "activities")?;
    let (list, elements) = Written::at(site, given).elements(model)?;
    let names = model.names_in(list.file);
    elements.iter().find_map(|element| {
        let Resolved::Function { file, ix } = names.resolve(list.file, list.function, element)?
        else {
            return None;
        };
        let def = program.def(FunctionRef { file, ix })?;
        let name = model.activity_name(file, model.index(file)?.function(ix))?;
        let is_plain = !def.is_async && def.decorator_list.len() == 1;
        is_plain.then(|| (span_of(element), name))
    })
}
