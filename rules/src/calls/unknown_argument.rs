use lint_core::diagnostic::{Diagnostic, Span};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::executor::{Unrunnable, without_executor};
use super::search_attributes::no_list;
use crate::finding::Finding;
use crate::program::Program;
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds arguments that a function or decorator of `temporalio.workflow`, or `activity.defn`, does not have,
/// and those given by position that it takes by name only. The same goes for `ApplicationError` and its
/// siblings, which need a message besides, and for `timedelta`. Search attributes in a dictionary need lists as values.
/// A `Worker` with an activity that is a plain function needs an `activity_executor`.
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
/// An exception, or a duration:
/// ```python
/// from temporalio import workflow
/// from temporalio.exceptions import ApplicationError
///
///
/// @workflow.defn
/// class CheckNav:
///     @workflow.run
///     async def run(self, nav: float) -> float:
///         if nav < 0:
///             raise ApplicationError("negative", retryable=False)  # RB432
///         return nav
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
/// An exception, or a duration:
/// ```python
/// from temporalio import workflow
/// from temporalio.exceptions import ApplicationError
///
///
/// @workflow.defn
/// class CheckNav:
///     @workflow.run
///     async def run(self, nav: float) -> float:
///         if nav < 0:
///             raise ApplicationError("negative", nav, type="NegativeNav", non_retryable=True)
///         return nav
/// ```
///
/// ## Limits
/// The names are those of the version of the SDK that the finding tells, and for `workflow.logger` and
/// `activity.logger` those of `logging`, where the call fails if its level is on. Nothing is said where a `TypeError`
/// is caught, and nothing of workers where anything in the project is given plugins, which may bring an executor
/// along.
/// `RetryPolicy` is looked at by `missing-activity-timeout` (RB401).
#[derive(RuleMetadata)]
#[rule(
    code = "RB432",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "a function or an exception of the SDK is given an argument that it does not have"
)]
pub(crate) struct UnknownArgument;

impl Rule for UnknownArgument {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        let program = Program::new(cx.facts);
        for Unrunnable { file, at, activity } in without_executor(cx) {
            let message = format!(
                "the activity `{activity}` is no coroutine and the worker has no `activity_executor`, so it does not \
                 start: `ValueError`"
            );
            Finding::new(&Self::METADATA, file, at, message)
                .help("give the worker `activity_executor=ThreadPoolExecutor(…)`, or write `async def`")
                .report(report);
        }
        for site in model.calls.iter().chain(model.temporal_calls()) {
            let Some(function) = site.external() else {
                continue;
            };
            let Some(signature) = Signature::of(function) else {
                continue;
            };
            let no_list = no_list(model, site).map(|(span, name, is)| Wrong {
                span,
                message: format!(
                    "the value of the search attribute `{name}` must be a list and is {is}, so the call fails with a `TypeError`"
                ),
                help: "put it into a list".to_owned(),
            });
            let unknown = signature.unknown(site.call).into_iter();
            let beyond = signature.too_many(site.call).into_iter();
            let missing = signature.missing(site.call).into_iter();
            let mut wrong: Vec<Wrong> = unknown
                .chain(beyond)
                .chain(missing)
                .chain(no_list)
                .collect();
            // Whoever believes that a logger takes fields gives it several.
            if sdk::is_logger(function) {
                wrong.truncate(1);
            }
            let here = FunctionRef {
                file: site.file,
                ix: site.function,
            };
            if wrong.is_empty() || program.is_tried(here, span_of(site.call), "TypeError") {
                continue;
            }
            for it in wrong {
                let finding = Finding::new(&Self::METADATA, site.file, it.span, it.message);
                let finding = finding.help(it.help);
                match function.starts_with("temporalio.") {
                    true => finding.note(format!("Checked against {}.", sdk::TEMPORAL_VERSION)),
                    false => finding,
                }
                .report(report);
            }
        }
    }
}

/// What is wrong with the arguments of a call.
struct Wrong {
    span: Span,
    message: String,
    help: String,
}

/// What a function or a class takes.
struct Signature<'n> {
    /// As messages call it.
    short: &'n str,
    positional: usize,
    needed: &'static [&'static str],
    parameters: &'static [&'static str],
}

impl<'n> Signature<'n> {
    fn of(function: &'n str) -> Option<Self> {
        let short = function.strip_prefix("temporalio.").unwrap_or(function);
        let made = sdk::MAKERS.iter().find(|it| it.name == function);
        if let Some(it) = made {
            return Some(Self {
                short: function.rsplit('.').next().unwrap_or(function),
                positional: it.positional,
                needed: it.needed,
                parameters: it.parameters,
            });
        }
        let (positional, parameters) = match sdk::is_logger(function) {
            true => (usize::MAX, sdk::LOGGER_PARAMETERS),
            false => sdk::temporal_parameters(function)?,
        };
        Some(Self {
            short,
            positional,
            needed: &[],
            parameters,
        })
    }

    fn unknown(&self, call: &ast::ExprCall) -> Vec<Wrong> {
        let keywords = call.arguments.keywords.iter();
        let named = keywords.filter_map(|it| Some((it, it.arg.as_ref()?.as_str())));
        let unknown = named.filter(|(_, name)| !self.parameters.contains(name));
        let wrong = unknown.map(|(keyword, name)| Wrong {
            span: span_of(keyword),
            message: format!(
                "`{}` has no argument `{name}`, so the call fails with a `TypeError`",
                self.short
            ),
            help: self.help(call, name),
        });
        wrong.collect()
    }

    /// The first argument by position that must be given by name. What schedules or sends is looked at by
    /// `activity-arity`.
    fn too_many(&self, call: &ast::ExprCall) -> Option<Wrong> {
        let beyond = call.arguments.args.get(self.positional)?;
        if self.parameters.contains(&"args") || has_starred(call) {
            return None;
        }
        let message = format!(
            "`{}` takes {} by position, so the call fails with a `TypeError`",
            self.short,
            if self.positional == 1 {
                "one argument".to_owned()
            } else {
                format!("{} arguments", self.positional)
            }
        );
        let name = self.parameters.get(self.positional);
        Some(Wrong {
            span: span_of(beyond),
            message,
            help: name.map_or("leave it out".to_owned(), |name| {
                format!("write `{name}=…`")
            }),
        })
    }

    /// The first argument that is needed and that nothing gives.
    fn missing(&self, call: &ast::ExprCall) -> Option<Wrong> {
        let is_hidden = call.arguments.keywords.iter().any(|it| it.arg.is_none());
        if is_hidden || has_starred(call) {
            return None;
        }
        let given = call.arguments.args.len();
        let mut needed = self.needed.iter().enumerate();
        let (_, name) = needed.find(|(ix, name)| {
            let is_given = *ix < given.min(self.positional);
            !is_given && call.arguments.find_keyword(name).is_none()
        })?;
        Some(Wrong {
            span: span_of(call),
            message: format!(
                "`{}` needs `{name}`, so the call fails with a `TypeError`",
                self.short
            ),
            help: format!("give it `{name}`"),
        })
    }

    fn help(&self, call: &ast::ExprCall, name: &str) -> String {
        if self.parameters == sdk::LOGGER_PARAMETERS {
            return format!("write `extra={{\"{name}\": …}}`, or put it into the text");
        }
        if self.needed == ["message"]
            && let Some((_, help)) = MEANT.iter().find(|(it, _)| *it == name)
        {
            return (*help).to_owned();
        }
        if name == "kwargs" && self.parameters.contains(&"args") {
            return "give all values in `args=[…]`, in the order of the parameters: none is passed by name".to_owned();
        }
        let part = |it: &&&str| {
            it.strip_prefix("start_to_close_") == Some(name) || name.ends_with(&format!("_{it}"))
        };
        let parameters = self.parameters;
        let is_free = |it: &&&str| call.arguments.find_keyword(it).is_none();
        let free = || parameters.iter().filter(is_free);
        let meant = closest(name, free().copied());
        match meant.or_else(|| free().find(part).copied()) {
            Some(meant) => format!("write `{meant}`"),
            None => {
                let names: Vec<String> = parameters.iter().map(|it| format!("`{it}`")).collect();
                format!("its arguments are {}", names.join(", "))
            }
        }
    }
}

/// What people give to exceptions, and how they would say it.
const MEANT: &[(&str, &str)] = &[
    ("cause", "write `raise … from …`"),
    ("detail", "give it by position, behind the message"),
    ("details", "give them by position, behind the message"),
    (
        "retryable",
        "write `non_retryable`, which says the opposite",
    ),
];

fn has_starred(call: &ast::ExprCall) -> bool {
    call.arguments.args.iter().any(Expr::is_starred_expr)
}
