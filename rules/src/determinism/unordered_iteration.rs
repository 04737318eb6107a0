use lint_core::diagnostic::Diagnostic;
use lint_core::facts::{Elements, HazardKind};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use crate::fixes::{self, SetUse};
use crate::hazard::Case;
use crate::rule::{Context, Rule};

/// ## What it does
/// Finds sets whose order matters: loops and comprehensions over a set, `list()`, `tuple()`, `join()`
/// and `*` of one, `pop()`, `next(iter())`, `workflow.wait()` and `workflow.as_completed()` of one, a
/// set in a payload, and a set that is turned into text. Only sets
/// whose order can vary count. Those of numbers, UUIDs and time spans keep their order; those of
/// strings, dates, enum members and plain objects do not.
///
/// ## Why is this bad?
/// Python salts the hash of a string anew in every process. A set of fund codes therefore has another
/// order in the worker that replays, and a loop that starts an activity for each fund starts them in
/// another order than history has. If their names or the ids of children differ, the replay fails.
/// If only their arguments do, it passes, since Temporal does not compare these, and each fund gets
/// the result of another one. A list made from a set is silently another list.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeFunds:
///     @workflow.run
///     async def run(self, codes: list[str]) -> None:
///         for code in set(codes):  # RB112
///             await workflow.execute_activity(
///                 "strike_nav", code, start_to_close_timeout=timedelta(minutes=5)
///             )
/// ```
/// Text made from a set, in a runbook:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SummariseBreaks(NtroWorkflow):
///     @runbook.run
///     async def run(self, accounts: list[str]) -> str:
///         open_accounts = {account for account in accounts if account}
///         return ", ".join(open_accounts)  # RB112
/// ```
///
/// ## Use instead
/// Sort it:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeFunds:
///     @workflow.run
///     async def run(self, codes: list[str]) -> None:
///         for code in sorted(set(codes)):
///             await workflow.execute_activity(
///                 "strike_nav", code, start_to_close_timeout=timedelta(minutes=5)
///             )
/// ```
/// Or drop duplicates with a dictionary, which keeps the order of insertion:
/// ```python
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// @runbook.defn
/// class SummariseBreaks(NtroWorkflow):
///     @runbook.run
///     async def run(self, accounts: list[str]) -> str:
///         return ", ".join(dict.fromkeys(account for account in accounts if account))
/// ```
/// What does not depend on the order is not a finding:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CountBreaks:
///     @workflow.run
///     async def run(self, accounts: list[str]) -> int:
///         distinct = set(accounts)
///         return len(distinct) if "1000" in distinct else 0
/// ```
///
/// ## Fix
/// `sorted()` around the set: safe if its elements are written out and all texts or all numbers, which
/// have an order. Unsafe otherwise, since elements that cannot be compared raise an error.
///
/// ## Limits
/// An order that at most shows in a timeout, a retry policy or another option of a command is no finding.
/// Nor is that of a set in a payload, in a field that is declared as a set: who gets the payload makes a set of it.
/// Where the type of the elements is not known, the finding says so. `sorted(…, key=…)` counts as
/// ordered unless the key is known to tie.
///
/// ## Sandbox
/// Temporal's sandbox does not look at sets.
#[derive(RuleMetadata)]
#[rule(
    code = "RB112",
    severity = "warning",
    category = "determinism",
    since = "0.1.0",
    fix = "safe",
    summary = "workflow code depends on the order of a set"
)]
pub(crate) struct UnorderedIteration;

impl Rule for UnorderedIteration {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for case in Case::all(cx.facts) {
            if let HazardKind::Unordered { elements } = case.hazard.kind
                && !case.hazard.is_setting
            {
                let message = case.sentence(&format!("is used in set order, {}", why(elements)));
                let help = help(fixes::set_use(cx, &case), elements);
                report.push(Diagnostic {
                    fixes: fixes::sorted(cx, &case, elements).into_iter().collect(),
                    ..case.diagnose(&Self::METADATA, &message, help)
                });
            }
        }
    }
}

fn help(set_use: SetUse, elements: Elements) -> &'static str {
    let by_address = elements == Elements::Address;
    match set_use {
        SetUse::Taken if by_address => "keep them in a list, and take the first or the last",
        SetUse::Taken => "take the smallest, `min()`, or keep them in a list and take the first",
        SetUse::Compared if by_address => {
            "keep them in a list, or let the key tell all elements apart"
        }
        SetUse::Compared => {
            "let the key tell all elements apart, as `key=lambda it: (len(it), it)` does"
        }
        SetUse::WrittenOut => "write a list or a tuple instead of the set",
        _ if by_address => "keep them in a list, or use `sorted()` with a `key`",
        SetUse::OfKeys => {
            "keep the order of the mapping, `[key for key in mapping if …]`, or use `sorted()`"
        }
        SetUse::OfElements => {
            "use `sorted()`, or `dict.fromkeys()` instead of `set()`, which keeps the order"
        }
        SetUse::Other => "use `sorted()`, or keep them in a list or a dictionary from the start",
    }
}

fn why(elements: Elements) -> &'static str {
    match elements {
        Elements::Salted => "which differs in every process, because Python salts hashes",
        Elements::Address => "which differs in every process, because it follows memory addresses",
        Elements::Unknown => {
            "which differs in every process if the elements are texts, dates or objects"
        }
    }
}
