//! What workflow code makes payloads of.

use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::syntax::ast::{self, Expr};

use crate::program::{Program, Running};
use crate::sdk;
use crate::sites::keyword_value;

/// Whether what the function returns is sent to a client.
pub(super) fn answers(running: Running<'_>, function: FunctionRef) -> bool {
    let mut entries = running.entries();
    entries.any(|(entry, reach)| reach.function == function && is_answered(entry.role))
}

/// Whether what an entry point of this role returns is sent to a client.
pub(super) fn is_answered(role: Role) -> bool {
    matches!(role, Role::Run | Role::Update | Role::Query)
}

/// What a call of the SDK makes payloads of.
pub(super) fn payloads<'p>(
    program: Program<'_, '_>,
    function: FunctionRef,
    call: &'p ast::ExprCall,
) -> Vec<&'p Expr> {
    let calls = |names: &[&str]| program.calls(function.file, call, names);
    let targets = if SENDS.into_iter().any(calls) {
        1
    } else if calls(CONTINUES) {
        0
    } else {
        return Vec::new();
    };
    let by_position = call.arguments.args.iter().skip(targets);
    let by_name = ["arg", "args"].into_iter();
    let by_name = by_name.filter_map(|name| keyword_value(call, name));
    by_position.chain(by_name).collect()
}

const CONTINUES: &[&str] = &["temporalio.workflow.continue_as_new"];

/// What takes a target before its payloads.
const SENDS: [&[&str]; 6] = [
    &["ntro.workflow.runbook.execute_activity"],
    sdk::EXECUTE_ACTIVITY,
    sdk::START_ACTIVITY,
    sdk::EXECUTE_CHILD,
    sdk::START_CHILD,
    sdk::SIGNALS,
];
