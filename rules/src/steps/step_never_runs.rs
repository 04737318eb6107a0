use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::index::FunctionIx;
use lint_core::knowledge::Role;
use lint_core::names::Base;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::Expr;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::{Model, Runbook};
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds steps that nothing calls on the way from the run method or a handler, be it directly or
/// through helpers.
///
/// ## Why is this bad?
/// The breadcrumb lists every step of the class. One that never runs stays pending forever, and people
/// wait for it.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CloseYearWorkflow(NtroWorkflow):
///     @runbook.step(name="close", title="Close year", icon="Lock")
///     async def _step_close(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="announce", title="Announce", icon="Megaphone")
///     async def _step_announce(self, context: dict) -> dict:  # RB310
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._step_close(context)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class CloseYearWorkflow(NtroWorkflow):
///     @runbook.step(name="close", title="Close year", icon="Lock")
///     async def _step_close(self, context: dict) -> dict:
///         return context
///
///     @runbook.step(name="announce", title="Announce", icon="Megaphone")
///     async def _step_announce(self, context: dict) -> dict:
///         return context
///
///     async def _finish(self, context: dict) -> dict:
///         for phase in (self._step_close, self._step_announce):
///             context = await phase(context)
///         return context
///
///     @runbook.run
///     async def run(self, context: dict) -> dict:
///         return await self._finish(context)
/// ```
///
/// ## Limits
/// Every mention of the method counts as a call. A class that uses `getattr()` is left alone, and so is
/// one that another class derives from.
#[derive(RuleMetadata)]
#[rule(
    code = "RB310",
    severity = "warning",
    category = "steps",
    since = "0.1.0",
    summary = "a step is never run"
)]
pub(crate) struct StepNeverRuns;

impl Rule for StepNeverRuns {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let mentions = mentions(&cx.model);
        for runbook in &cx.model.runbooks {
            let has_run = runbook
                .methods
                .iter()
                .any(|it| it.mark(Role::Run).is_some());
            if !has_run || runbook.is_base {
                continue;
            }
            let Some(used) = used_names(&cx.model, runbook, &mentions) else {
                continue;
            };
            for step in &runbook.steps {
                let method = &runbook.methods[step.method];
                // A step that is a handler as well is called by its signal.
                let is_handler = method.marks.iter().any(|mark| mark.role != Role::Step);
                if is_handler || used.contains(method.name) {
                    continue;
                }
                let message = format!("step {} is never run", code(step.label()));
                let span = span_of(&step.node.name);
                Finding::new(&Self::METADATA, runbook.file, span, message)
                    .in_runbook(runbook)
                    .help(format!(
                        "call {} on the way from the run method, or remove the step",
                        code(&format!("await self.{}(…)", method.name))
                    ))
                    .report(report);
            }
        }
    }
}

/// The attributes that each function mentions, those of functions nested in it included.
type Mentions<'p> = BTreeMap<(FileId, FunctionIx), BTreeSet<&'p str>>;

fn mentions<'p>(model: &Model<'p>) -> Mentions<'p> {
    let mut mentions = Mentions::new();
    for &file in &model.files {
        let Some(index) = model.index(file) else {
            continue;
        };
        model.expressions(file, &mut |scope, expr| {
            let name = match expr {
                Expr::Attribute(attribute) if attribute.ctx.is_load() => attribute.attr.as_str(),
                Expr::Name(name) if name.ctx.is_load() => name.id.as_str(),
                _ => return,
            };
            let mut function = scope.function;
            loop {
                mentions.entry((file, function)).or_default().insert(name);
                let it = index.function(function);
                if it.class.is_some() || function == it.parent {
                    break;
                }
                function = it.parent;
            }
        });
    }
    mentions
}

/// The names of methods that are mentioned on the way from an entry point; none if methods are
/// looked up by computed names.
fn used_names<'p>(
    model: &Model<'p>,
    runbook: &Runbook<'p>,
    mentions: &Mentions<'p>,
) -> Option<BTreeSet<&'p str>> {
    let is_own = |at: &(FileId, FunctionIx)| {
        at.0 == runbook.file && runbook.methods.iter().any(|method| method.ix == at.1)
    };
    // Whatever else is in the bundle may call the methods, and so may the base classes.
    let may_call = |file: FileId| {
        let is_base = |base: &Base| matches!(base, Base::Class { file: of, .. } if *of == file);
        let in_bundle = runbook.bundle.is_some() && model.bundle_of(file) == runbook.bundle;
        in_bundle || runbook.bases.iter().any(is_base)
    };
    let outside = mentions
        .iter()
        .filter(|(at, _)| !is_own(at) && may_call(at.0));
    let mut used: BTreeSet<&str> = outside
        .flat_map(|(_, names)| names.iter().copied())
        .collect();
    let mut pending: Vec<FunctionIx> = Vec::new();
    let mut waiting: Vec<(&str, FunctionIx)> = Vec::new();
    for method in &runbook.methods {
        let is_step = method.mark(Role::Step).is_some();
        let is_entry = !method.node.decorator_list.is_empty() && !is_step
            || method.name.starts_with("__")
            || method.name == "on_row_action";
        if is_entry {
            pending.push(method.ix);
        } else {
            waiting.push((method.name, method.ix));
        }
    }
    loop {
        while let Some(ix) = pending.pop() {
            used.extend(mentions.get(&(runbook.file, ix)).into_iter().flatten());
        }
        let (reached, rest): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|(name, _)| used.contains(name));
        if reached.is_empty() {
            break;
        }
        pending.extend(reached.into_iter().map(|(_, ix)| ix));
        waiting = rest;
    }
    let own = mentions.iter().filter(|(at, _)| is_own(at));
    let dynamic = ["getattr", "methodcaller", "attrgetter", "vars", "__dict__"];
    let looks_up = own
        .flat_map(|(_, names)| names)
        .any(|name| dynamic.contains(name));
    (!looks_up).then_some(used)
}
