use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, Expr, Keyword};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{CallSite, Model};
use crate::program::{Program, nodes_of, own_nodes, tried};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds arguments that a function or decorator of `temporalio.workflow`, or `activity.defn`, does not have,
/// and those given by position that it takes by name only.
///
/// ## Why is this bad?
/// The call raises a `TypeError`. In a decorator that happens when the module is imported, so the worker does
/// not start. In workflow code it is no failure of the workflow: the workflow task is tried again for ever,
/// until the code is changed.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self) -> str:
///         await workflow.sleep(seconds=5)  # RB432
///         return "struck"
/// ```
///
/// ## Use instead
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self) -> str:
///         await workflow.sleep(5)
///         return "struck"
/// ```
///
/// ## Limits
/// The names are those of the version of the SDK that the finding tells, and for `workflow.logger` those of
/// `logging`, where the call fails if its level is on. Nothing is said where a `TypeError`
/// is caught. `RetryPolicy` is looked at by `missing-activity-timeout` (RB401).
#[derive(RuleMetadata)]
#[rule(
    code = "RB432",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "a function of `temporalio.workflow` is given an argument that it does not have"
)]
pub(crate) struct UnknownArgument;

impl Rule for UnknownArgument {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let program = Program::new(cx.facts);
        for site in model.calls.iter().chain(model.temporal_calls()) {
            let Some(function) = site.external() else {
                continue;
            };
            let Some((positional, parameters)) = parameters_of(function) else {
                continue;
            };
            let short = function.strip_prefix("temporalio.").unwrap_or(function);
            let wrong = unknown(site.call, parameters)
                .into_iter()
                .map(|(keyword, name)| {
                    let message = format!(
                        "`{short}` has no argument `{name}`, so the call fails with a `TypeError`"
                    );
                    (span_of(keyword), message, help(name, parameters))
                });
            let mut wrong: Vec<_> = wrong
                .chain(too_many(site.call, short, positional, parameters))
                .collect();
            // Whoever believes that a logger takes fields gives it several.
            if is_logger(function) {
                wrong.truncate(1);
            }
            if wrong.is_empty() || is_tried(program, model, site) {
                continue;
            }
            for (span, message, help) in wrong {
                Finding::new(&Self::METADATA, site.file, span, message)
                    .help(help)
                    .note(format!("Checked against {}.", sdk::TEMPORAL_VERSION))
                    .report(report);
            }
        }
    }
}

/// How many arguments a function of the SDK takes by position, and the names of all.
fn parameters_of(function: &str) -> Option<(usize, &'static [&'static str])> {
    if is_logger(function) {
        return Some((usize::MAX, sdk::LOGGER_PARAMETERS));
    }
    sdk::temporal_parameters(function)
}

fn is_logger(function: &str) -> bool {
    const LEVELS: &[&str] = &[
        "critical",
        "debug",
        "error",
        "exception",
        "info",
        "log",
        "warning",
    ];
    let level = function.strip_prefix("temporalio.workflow.logger.");
    level.is_some_and(|it| LEVELS.contains(&it))
}

/// The first argument by position that must be given by name. What schedules or sends is looked at by
/// `activity-arity`.
fn too_many(
    call: &ast::ExprCall,
    short: &str,
    positional: usize,
    parameters: &[&str],
) -> Option<(Span, String, String)> {
    let beyond = call.arguments.args.get(positional)?;
    if parameters.contains(&"args") || call.arguments.args.iter().any(Expr::is_starred_expr) {
        return None;
    }
    let message = format!(
        "`{short}` takes {} by position, so the call fails with a `TypeError`",
        if positional == 1 {
            "one argument".to_owned()
        } else {
            format!("{positional} arguments")
        }
    );
    let name = parameters.get(positional);
    let help = name.map_or("leave it out".to_owned(), |name| {
        format!("write `{name}=…`")
    });
    Some((span_of(beyond), message, help))
}

fn unknown<'p>(call: &'p ast::ExprCall, parameters: &[&str]) -> Vec<(&'p Keyword, &'p str)> {
    let keywords = call.arguments.keywords.iter();
    let named = keywords.filter_map(|it| Some((it, it.arg.as_ref()?.as_str())));
    named
        .filter(|(_, name)| !parameters.contains(name))
        .collect()
}

fn help(name: &str, parameters: &[&str]) -> String {
    if parameters == sdk::LOGGER_PARAMETERS {
        return format!("write `extra={{\"{name}\": …}}`, or put it into the text");
    }
    let part = |it: &&&str| {
        it.strip_prefix("start_to_close_") == Some(name) || name.ends_with(&format!("_{it}"))
    };
    let meant = closest(name, parameters.iter().copied());
    match meant.or_else(|| parameters.iter().find(part).copied()) {
        Some(meant) => format!("write `{meant}`"),
        None => {
            let names: Vec<String> = parameters.iter().map(|it| format!("`{it}`")).collect();
            format!("its arguments are {}", names.join(", "))
        }
    }
}

/// Whether the call is tried with an eye on a `TypeError`, as code for several versions of the SDK does.
fn is_tried(program: Program<'_, '_>, model: &Model<'_>, site: &CallSite<'_>) -> bool {
    let function = program.function(FunctionRef {
        file: site.file,
        ix: site.function,
    });
    let module = model.project.module(site.file);
    let top = module.into_iter().flat_map(|it| nodes_of(&it.tree().body));
    let at = span_of(site.call);
    own_nodes(function)
        .chain(top)
        .flat_map(|node| tried(&node, "TypeError"))
        .any(|it| it.contains(at))
}
