use lint_core::diagnostic::{Applicability, Diagnostic, Span};
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{CallSite, Model};
use crate::rule::{Context, Rule};
use crate::sites::{hides_keywords, hides_positions, keyword};

/// ## What it does
/// Finds calls of the helpers of `NtroWorkflow` (`wait_for_action`, `await_signal_with_action`,
/// `run_child_workflow`, `run_child_workflows`, `collect_documents`, `load_previous_task`,
/// `find_committed_document`, `set_user_feedback`) with arguments by position, with unknown ones, or without
/// one that is required.
///
/// ## Why is this bad?
/// All their parameters are keyword-only. The call raises a `TypeError` as soon as the runbook gets
/// there.
///
/// ## Example
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReviewWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="Review", icon="Eye")
///     async def _step_review(self, totals: dict[str, float]) -> str:
///         decision = await self.wait_for_action(
///             totals,  # RB413
///             title="Review totals",  # RB413
///         )
///         return decision["type"]
///
///     @runbook.run
///     async def run(self, totals: dict[str, float]) -> str:
///         return await self._step_review(totals)
/// ```
///
/// ## Use instead
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class ReviewWorkflow(NtroWorkflow):
///     @runbook.step(name="review", title="Review", icon="Eye")
///     async def _step_review(self, totals: dict[str, float]) -> str:
///         decision = await self.wait_for_action(payload=totals, reason="Review totals")
///         return decision["type"]
///
///     @runbook.run
///     async def run(self, totals: dict[str, float]) -> str:
///         return await self._step_review(totals)
/// ```
///
/// ## Fix
/// Unsafe: the argument gets the name of the parameter that it is for in all likelihood.
#[derive(RuleMetadata)]
#[rule(
    code = "RB413",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    fix = "unsafe",
    summary = "a helper of `NtroWorkflow` is called with arguments that it does not take"
)]
pub(crate) struct HelperArguments;

impl Rule for HelperArguments {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        for site in &model.calls {
            let method = site.base_method();
            if let Some(helper) =
                method.and_then(|method| HELPERS.iter().find(|it| it.name == method))
            {
                helper.check(model, site, report);
            }
        }
    }
}

/// A method of `NtroWorkflow` whose parameters are all keyword-only.
struct Helper {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const HELPERS: [Helper; 8] = [
    Helper {
        name: "wait_for_action",
        required: &[],
        optional: &[
            "payload",
            "display_hint",
            "reason",
            "checks_spec",
            "checks_baseline",
            "checks_submitted",
        ],
    },
    Helper {
        name: "await_signal_with_action",
        required: &["predicate", "action"],
        optional: &[
            "timeout",
            "display_hint",
            "checks_spec",
            "checks_baseline",
            "checks_submitted",
        ],
    },
    Helper {
        name: "run_child_workflow",
        required: &["slug", "input"],
        optional: &["step_id"],
    },
    Helper {
        name: "run_child_workflows",
        required: &["slug", "inputs"],
        optional: &["step_id"],
    },
    Helper {
        name: "collect_documents",
        required: &["expected", "inputs"],
        optional: &[
            "runbook_slug",
            "step_id",
            "title",
            "instructions",
            "actions",
        ],
    },
    Helper {
        name: "set_user_feedback",
        required: &["kind", "payload"],
        optional: &["level"],
    },
    Helper {
        name: "load_previous_task",
        required: &["workflow_slug", "entity_id"],
        optional: &["before_period"],
    },
    Helper {
        name: "find_committed_document",
        required: &["workflow_slug", "entity_id", "source"],
        optional: &["before_period"],
    },
];

impl Helper {
    fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }

    fn check(&self, model: &Model<'_>, site: &CallSite<'_>, report: &mut Vec<Diagnostic>) {
        let call = site.call;
        let finding = |span: Span, message: String| {
            let finding = Finding::new(&HelperArguments::METADATA, site.file, span, message);
            match site.runbook {
                Some(runbook) => finding.in_runbook(&model.runbooks[runbook]),
                None => finding,
            }
        };
        let mut free = self
            .parameters()
            .filter(|name| keyword(call, name).is_none());
        for argument in &call.arguments.args {
            let span = span_of(argument);
            let message = format!("`{}()` takes no arguments by position", self.name);
            let names: Vec<_> = self.parameters().map(|name| format!("`{name}=`")).collect();
            let mut it =
                finding(span, message).help(format!("name the argument: {}", names.join(", ")));
            if !hides_positions(call)
                && !hides_keywords(call)
                && let Some(name) = free.next()
            {
                let written = model.slice(site.file, span);
                it = it.replace(
                    format!("write `{name}=` before it"),
                    Applicability::Unsafe,
                    span,
                    format!("{name}={written}"),
                );
            }
            it.report(report);
        }
        for keyword in &call.arguments.keywords {
            let Some(name) = &keyword.arg else {
                continue;
            };
            if self.parameters().all(|known| known != name.as_str()) {
                let message = format!("`{}()` takes no argument `{name}`", self.name);
                let help = match closest(name.as_str(), self.parameters()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => {
                        let names: Vec<_> =
                            self.parameters().map(|name| format!("`{name}`")).collect();
                        format!("it takes {}", names.join(", "))
                    }
                };
                finding(span_of(keyword), message).help(help).report(report);
            }
        }
        if !call.arguments.args.is_empty() || hides_keywords(call) {
            return;
        }
        for name in self
            .required
            .iter()
            .filter(|name| keyword(call, name).is_none())
        {
            let message = format!("`{}()` needs the argument `{name}`", self.name);
            finding(span_of(&*call.func), message)
                .help(format!("pass `{name}=…`"))
                .report(report);
        }
    }
}
