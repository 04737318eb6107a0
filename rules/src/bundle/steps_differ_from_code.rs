use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Runbook;
use crate::rule::{Context, Rule};
use crate::runbook_md::view::{self, View};
use crate::runbook_md::{RunbookMd, yaml};

/// ## What it does
/// Compares the steps that `runbook.md` lists with those that the class declares: steps that only one
/// of them has, another order, and an id that the list has twice.
///
/// ## Why is this bad?
/// Agents write the class from the list, people read the list, and the UI shows the steps of the
/// class. Where they differ, somebody waits for a step that does not exist.
///
/// ## Example
/// ```markdown path=runbooks/loan-drawdown/runbook.md
/// ---
/// slug: loan-drawdown
/// name: Loan drawdown
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// steps:
///   - id: request
///     label: Request
///   - id: approve  # RB512
///     label: Approve
/// ---
/// ```
/// ```python path=runbooks/loan-drawdown/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class LoanDrawdownWorkflow(NtroWorkflow):
///     @runbook.step(name="request", title="Request", icon="Inbox")
///     async def _step_request(self, amount: float) -> float:
///         return amount
///
///     @runbook.step(name="pay_out", title="Pay out", icon="Banknote")  # RB512
///     async def _step_pay_out(self, amount: float) -> float:
///         return amount
///
///     @runbook.run
///     async def run(self, amount: float) -> float:
///         return await self._step_pay_out(await self._step_request(amount))
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/loan-drawdown/runbook.md
/// ---
/// slug: loan-drawdown
/// name: Loan drawdown
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// steps:
///   - id: request
///     label: Request
///   - id: pay_out
///     label: Pay out
/// ---
/// ```
/// ```python path=runbooks/loan-drawdown/templates/__init__.py
/// ```
/// ```python path=runbooks/loan-drawdown/templates/activities.py
/// ```
/// ```python path=runbooks/loan-drawdown/templates/workflow.py
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class LoanDrawdownWorkflow(NtroWorkflow):
///     @runbook.step(name="request", title="Request", icon="Inbox")
///     async def _step_request(self, amount: float) -> float:
///         return amount
///
///     @runbook.step(name="pay_out", title="Pay out", icon="Banknote")
///     async def _step_pay_out(self, amount: float) -> float:
///         return amount
///
///     @runbook.run
///     async def run(self, amount: float) -> float:
///         amount = await self._step_request(amount)
///         return await self._step_pay_out(amount)
/// ```
///
/// ## Limits
/// The platform's own runbooks differ here and there on purpose, hence a warning. A step whose name is
/// not a literal may be any of the list; then nothing of the list is reported as missing. A
/// `runbook.md` without `steps` is not compared.
#[derive(RuleMetadata)]
#[rule(
    code = "RB512",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "the steps in `runbook.md` are not those of the class"
)]
pub(crate) struct StepsDifferFromCode;

impl Rule for StepsDifferFromCode {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let listed = listed(md);
            report_duplicates(md, &listed, report);
            if !listed.is_empty()
                && let Some(runbook) = view.runbook()
            {
                compare(&view, md, &listed, runbook, report);
            }
        }
    }
}

/// The ids in the list of steps, with their places.
pub(super) fn listed<'m>(md: &'m RunbookMd<'_>) -> Vec<(&'m str, Span)> {
    let id = |step: &'m yaml::Node| {
        let id = &step.mapping()?.get("id")?.value;
        Some((id.string()?.trim(), id.span)).filter(|(id, _)| !id.is_empty())
    };
    md.list("steps").iter().filter_map(id).collect()
}

/// The ids of the steps of the class in order; `None` for those that are not known.
fn declared<'c>(view: &View<'c, '_>, runbook: &'c Runbook<'_>) -> Vec<(Option<String>, Span)> {
    let mut steps: Vec<(Option<String>, Span)> = runbook
        .steps
        .iter()
        .map(|step| {
            let span = step
                .name
                .as_ref()
                .map_or(span_of(&step.mark.node.expression), |it| span_of(it.value));
            (step.id().map(str::to_owned), span)
        })
        .collect();
    // The older form, which gives no entry in the UI, but is a step of the list.
    for site in cx_calls(view, runbook) {
        let name = site.call.arguments.find_argument_value("step_id", 0);
        if let Some(name) = name {
            let text = view
                .cx
                .model
                .names
                .const_str(site.file, site.function, name);
            if !steps.iter().any(|(id, _)| id.is_some() && *id == text) {
                steps.push((text, span_of(name)));
            }
        }
    }
    steps
}

fn cx_calls<'c, 'p>(
    view: &View<'c, 'p>,
    runbook: &Runbook<'_>,
) -> impl Iterator<Item = &'c crate::model::CallSite<'p>> {
    let runbooks = &view.cx.model.runbooks;
    let ix = runbooks
        .iter()
        .position(|it| (it.file, it.class) == (runbook.file, runbook.class));
    let calls = ix
        .into_iter()
        .flat_map(|ix| view.cx.model.calls_of_runbook(ix));
    calls.filter(|site| site.base_method() == Some("run_step"))
}

fn report_duplicates(md: &RunbookMd<'_>, listed: &[(&str, Span)], report: &mut Vec<Diagnostic>) {
    let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
    for &(id, span) in listed {
        if let Some(first) = seen.get(id) {
            let line = md.source.line(first.start);
            Finding::new(
                &StepsDifferFromCode::METADATA,
                md.file,
                span,
                format!("the step id {} is listed twice", code(id)),
            )
            .note(format!("The first one is on line {line}."))
            .help("give each step an id of its own")
            .report(report);
        } else {
            seen.insert(id, span);
        }
    }
}

fn compare(
    view: &View<'_, '_>,
    md: &RunbookMd<'_>,
    listed: &[(&str, Span)],
    runbook: &Runbook<'_>,
    report: &mut Vec<Diagnostic>,
) {
    let declared = declared(view, runbook);
    let inherited = view.base_steps(runbook);
    let is_complete = declared.iter().all(|(id, _)| id.is_some());
    let code_ids: FxHashSet<&str> = declared
        .iter()
        .filter_map(|(id, _)| id.as_deref())
        .collect();
    let list_ids: FxHashSet<&str> = listed.iter().map(|(id, _)| *id).collect();
    if declared.is_empty() {
        // A class without steps is reported as such.
        return;
    }
    // Those that only the class has and that no entry of the list seems to mean.
    let mut unlisted: Vec<(&str, Span)> = declared
        .iter()
        .filter_map(|(id, span)| Some((id.as_deref()?, *span)))
        .filter(|(id, _)| !list_ids.contains(id))
        .collect();
    if is_complete {
        for &(id, span) in listed
            .iter()
            .filter(|(id, _)| !code_ids.contains(id) && !inherited.contains(id))
        {
            let message = format!("{} has no step {}", code(runbook.name), code(id));
            let finding = Finding::new(&StepsDifferFromCode::METADATA, md.file, span, message)
                .in_runbook(runbook);
            let meant = closest(id, unlisted.iter().map(|(it, _)| *it));
            let finding = match meant {
                Some(meant) => {
                    unlisted.retain(|(it, _)| *it != meant);
                    finding.help(format!("did you mean {}?", code(meant)))
                }
                None => finding.help("add the step to the class, or take it out of the list"),
            };
            finding.report(report);
        }
    }
    for (id, span) in unlisted {
        let message = format!("the step {} is not listed in `runbook.md`", code(id));
        Finding::new(&StepsDifferFromCode::METADATA, runbook.file, span, message)
            .in_runbook(runbook)
            .help("add it to `steps` of `runbook.md`")
            .report(report);
    }
    // With an id twice in the list, its order is not to be told.
    if list_ids.len() == listed.len() {
        compare_order(md, listed, runbook, report);
    }
}

fn compare_order(
    md: &RunbookMd<'_>,
    listed: &[(&str, Span)],
    runbook: &Runbook<'_>,
    report: &mut Vec<Diagnostic>,
) {
    let in_list = listed
        .iter()
        .filter(|(id, _)| runbook.steps.iter().any(|it| it.id() == Some(id)));
    let mut in_code: Vec<&str> = Vec::new();
    for id in runbook.steps.iter().filter_map(|step| step.id()) {
        if listed.iter().any(|(it, _)| *it == id) && !in_code.contains(&id) {
            in_code.push(id);
        }
    }
    let mut pairs = in_list.zip(&in_code);
    if let Some(((id, span), wanted)) = pairs.find(|((id, _), wanted)| id != *wanted) {
        let order: Vec<String> = in_code.iter().map(|id| code(id)).collect();
        let message = format!(
            "the step {} is listed where the class declares {}",
            code(id),
            code(wanted)
        );
        Finding::new(&StepsDifferFromCode::METADATA, md.file, *span, message)
            .in_runbook(runbook)
            .note(format!("The order of the class is {}.", order.join(", ")))
            .help("list the steps in the order of the class")
            .report(report);
    }
}
