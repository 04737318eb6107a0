use lint_core::diagnostic::{Diagnostic, FileId, Severity};
use lint_core::index::Module;
use lint_core::names::{Base, Resolved};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::{CallSite, Model};
use crate::program::{Node, own_nodes};
use crate::rule::{Context, Rule};
use crate::sites::{Written, keyword_value, number, shown};

/// ## What it does
/// Finds names in `non_retryable_error_types` of a `RetryPolicy` that no failure has as its type: names with the
/// module before them, failures of the SDK, subclasses of `ApplicationError` that get no `type`, and misspelt
/// classes of the project. Also classes in the place of names.
///
/// ## Why is this bad?
/// The type of a failure is the name of the class of the exception, without its module; that of an
/// `ApplicationError` or a subclass of it is what is given as `type`, or nothing. A name that is no such type never
/// matches, and the activity is tried again as often as the policy allows, for ever by default. A class instead of its
/// name fails the workflow task, which is tried again for ever.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import activity, workflow
/// from temporalio.common import RetryPolicy
/// from temporalio.exceptions import ApplicationError
///
///
/// class NoSuchFund(ApplicationError):
///     pass
///
///
/// @activity.defn
/// async def strike_nav(fund: str) -> float:
///     raise NoSuchFund(fund)
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> float:
///         return await workflow.execute_activity(
///             strike_nav,
///             fund,
///             start_to_close_timeout=timedelta(minutes=1),
///             retry_policy=RetryPolicy(non_retryable_error_types=["NoSuchFund"]),  # RB435
///         )
/// ```
///
/// ## Use instead
/// ```python
/// from datetime import timedelta
///
/// from temporalio import activity, workflow
/// from temporalio.common import RetryPolicy
///
///
/// class NoSuchFund(Exception):
///     pass
///
///
/// @activity.defn
/// async def strike_nav(fund: str) -> float:
///     raise NoSuchFund(fund)
///
///
/// @workflow.defn
/// class StrikeNav:
///     @workflow.run
///     async def run(self, fund: str) -> float:
///         return await workflow.execute_activity(
///             strike_nav,
///             fund,
///             start_to_close_timeout=timedelta(minutes=1),
///             retry_policy=RetryPolicy(non_retryable_error_types=["NoSuchFund"]),
///         )
/// ```
/// Or say it where the exception is raised: `raise ApplicationError(fund, non_retryable=True)`.
///
/// ## Limits
/// Where code gives an `ApplicationError` a type that is no literal, only near misspellings are told.
/// Nothing is said of a name that code of the project gives to anything, such as `type="payments.Declined"`, and of
/// a dotted one only if the project has or imports the module: workers in other languages have names of their own.
/// `Exception` is information, and only where no code of the project raises exactly that.
#[derive(RuleMetadata)]
#[rule(
    code = "RB435",
    severity = "warning",
    category = "calls",
    since = "0.1.0",
    summary = "a retry policy names an error type that no failure has"
)]
pub(crate) struct UnmatchedErrorType;

impl Rule for UnmatchedErrorType {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let model = &cx.model;
        // Where a type is computed, it may be any.
        let computes = |site: &CallSite<'_>| {
            site.external() == Some("temporalio.exceptions.ApplicationError")
                && keyword_value(site.call, "type").is_some_and(|it| !it.is_string_literal_expr())
        };
        let types_are_written = !model.all_calls().any(computes);
        for site in model.all_calls() {
            if site.external() != Some("temporalio.common.RetryPolicy") {
                continue;
            }
            let arguments = &site.call.arguments;
            let types = arguments.find_argument_value("non_retryable_error_types", 4);
            let types = types.and_then(|it| Written::at(site, it).elements(model));
            let Some((list, elements)) = types else {
                continue;
            };
            let attempts = arguments.find_argument_value("maximum_attempts", 3);
            let is_tried_once = attempts.and_then(number) == Some(1.0);
            for element in elements {
                let at = list.with(element);
                let found = class(model, at).or_else(|| {
                    let name = at.text(model).filter(|_| !is_tried_once)?;
                    let never = Never::of(cx, list.file, &name)?;
                    let is_certain = types_are_written || matches!(never, Never::Misspelt(_));
                    let never = is_certain.then_some(never)?;
                    Some(never.finding(at, &name))
                });
                if let Some(finding) = found {
                    finding.report(report);
                }
            }
        }
    }
}

/// A class in the place of its name.
fn class(model: &Model<'_>, at: Written<'_>) -> Option<Finding> {
    let names = model.names_in(at.file);
    let is_class = match names.resolve(at.file, at.function, at.value)? {
        Resolved::Class { .. } => true,
        Resolved::External(name) => {
            let last = name.rsplit('.').next().unwrap_or(&name);
            let is_error = last.ends_with("Error") || last.ends_with("Exception");
            is_error && last.starts_with(char::is_uppercase)
        }
        _ => false,
    };
    let written = shown(model, at.file, at.value);
    let message = format!(
        "`non_retryable_error_types` needs names, and {written} is a class, so the workflow task fails when something is \
         started with the policy"
    );
    let rule = &UnmatchedErrorType::METADATA;
    is_class.then(|| {
        Finding::new(rule, at.file, span_of(at.value), message)
            .severity(Severity::Error)
            .help("write its name, as text")
    })
}

/// Why no failure has a name as its type.
enum Never {
    /// It has a module before it.
    Dotted,
    /// A failure of the SDK has the type that it is given.
    OfSdk,
    /// The same for a class of the project that derives from one.
    Derived,
    /// It is a class of the project but for a letter.
    Misspelt(String),
    /// Only what is raised as exactly this class has the type, and the project raises nothing as it.
    Base,
}

impl Never {
    fn of(cx: &Context<'_>, from: FileId, name: &str) -> Option<Self> {
        if is_given(cx, name) {
            return None;
        }
        if let Some((module, class)) = name.rsplit_once('.') {
            let is_class = class.starts_with(char::is_uppercase);
            return (is_class && is_known(cx, module)).then_some(Self::Dotted);
        }
        if matches!(
            name,
            "ActivityError" | "ApplicationError" | "ChildWorkflowError"
        ) {
            return Some(Self::OfSdk);
        }
        if matches!(name, "BaseException" | "Exception") {
            return (!is_raised(cx, name)).then_some(Self::Base);
        }
        let files = cx.files_with(name);
        if is_derived(cx, &files, name) {
            return Some(Self::Derived);
        }
        let uses = files.iter().filter_map(|&it| cx.facts.project.text(it));
        let uses: usize = uses.map(|it| it.text.matches(name).count()).sum();
        let is_alone = uses == 1 && files == [from];
        is_alone
            .then(|| Some(Self::Misspelt(nearly(cx, name)?)))
            .flatten()
    }

    fn finding(&self, at: Written<'_>, name: &str) -> Finding {
        let last = name.rsplit('.').next().unwrap_or(name);
        let (why, help) = match self {
            Self::Dotted => (
                "the type of a failure is the name of its class without the module".to_owned(),
                format!("write `\"{last}\"`"),
            ),
            Self::OfSdk => (
                "a failure of the SDK has the type that it was given".to_owned(),
                "raise it with `non_retryable=True`, or with a `type`, and name that".to_owned(),
            ),
            Self::Derived => (
                "it derives from `ApplicationError`, of which the type is what is given as `type`"
                    .to_owned(),
                format!("raise it with `non_retryable=True`, or with `type=\"{name}\"`"),
            ),
            Self::Misspelt(class) => (
                format!("the class of the project is `{class}`"),
                format!("write `\"{class}\"`"),
            ),
            Self::Base => (
                "subclasses have types of their own".to_owned(),
                "name the classes that are raised, or write `maximum_attempts=1`".to_owned(),
            ),
        };
        let message = match self {
            Self::Base => {
                format!("no code of the project raises exactly `{name}`, and {why}")
            }
            _ => format!(
                "no failure has the type `{name}`, so it is tried again all the same: {why}"
            ),
        };
        let rule = &UnmatchedErrorType::METADATA;
        let finding = Finding::new(rule, at.file, span_of(at.value), message).help(help);
        match self {
            // A library may raise it all the same.
            Self::Base => finding.severity(Severity::Info),
            _ => finding,
        }
    }
}

/// Whether code of the project raises or makes something of exactly this class.
fn is_raised(cx: &Context<'_>, name: &str) -> bool {
    let words = [format!("raise {name}"), format!("{name}(")];
    words.iter().any(|it| !cx.files_with(it).is_empty())
}

/// Whether code gives the name to something, such as `type="Declined"`.
fn is_given(cx: &Context<'_>, name: &str) -> bool {
    let quoted = [format!("\"{name}\""), format!("'{name}'")];
    cx.files_with(name).into_iter().any(|file| {
        let text = cx
            .facts
            .project
            .text(file)
            .map_or("", |it| it.text.as_str());
        quoted.iter().any(|quoted| {
            let mut found = text.match_indices(quoted.as_str());
            found.any(|(at, _)| text[..at].trim_end().ends_with(['=', '(']))
        })
    })
}

/// Whether the module of a dotted name is one of the project, or one that it imports.
fn is_known(cx: &Context<'_>, module: &str) -> bool {
    let first = module.split('.').next().unwrap_or(module);
    let imports = ["import", "from"].map(|it| format!("{it} {first}"));
    let project = cx.facts.project;
    let mut own = cx.facts.files.iter();
    own.any(|&it| project.module_name(it) == module)
        || imports.iter().any(|it| !cx.files_with(it).is_empty())
}

/// Whether the only class of this name derives from `ApplicationError` and is nowhere given a type.
fn is_derived(cx: &Context<'_>, files: &[FileId], name: &str) -> bool {
    let names = cx.names_in(files);
    let modules = files
        .iter()
        .filter_map(|&file| Some((file, cx.facts.project.module(file)?)));
    let modules: Vec<(FileId, &Module)> = modules.collect();
    let classes = modules.iter().flat_map(|(file, module)| {
        let classes = (0..).zip(&module.index().classes);
        let own = classes.filter(|(_, it)| it.node.name.as_str() == name);
        own.map(|(ix, it)| (*file, ix, it.node))
    });
    let classes: Vec<_> = classes.collect();
    let [(file, ix, node)] = classes[..] else {
        return false;
    };
    let is_failure = matches!(
        &names.bases(file, ix)[..],
        [_, Base::External(base), ..] if base == "temporalio.exceptions.ApplicationError"
    );
    let is_plain = node.body.iter().all(|it| !it.is_function_def_stmt());
    let is_it = |callee: &Expr| match callee {
        Expr::Name(it) => it.id.as_str() == name,
        Expr::Attribute(it) => it.attr.as_str() == name,
        _ => false,
    };
    let gives_type = |call: &ast::ExprCall| {
        is_it(&call.func)
            && call
                .arguments
                .keywords
                .iter()
                .any(|it| it.arg.as_ref().is_none_or(|it| it.as_str() == "type"))
    };
    let functions = modules.iter().flat_map(|(_, it)| &it.index().functions);
    let mut calls = functions.flat_map(|it| own_nodes(Some(it)));
    is_failure
        && is_plain
        && !calls.any(|node| matches!(node, Node::Expr(Expr::Call(call)) if gives_type(call)))
}

/// The class of the analysed files that has nearly this name.
fn nearly(cx: &Context<'_>, name: &str) -> Option<String> {
    let plain = |it: &str| it.to_lowercase().replace('_', "");
    let is_near = |class: &str| {
        // What differs in case only may be the class of a library, such as `HTTPError`.
        let is_cased = name.eq_ignore_ascii_case(class);
        let (name, class) = (plain(name), plain(class));
        !is_cased && name == class
            || name.strip_suffix('s') == Some(&class)
            || class.strip_suffix('s') == Some(&name)
    };
    let files = cx.facts.files.iter();
    let modules = files.filter_map(|&it| cx.facts.project.module(it));
    let classes = modules.flat_map(|it| &it.index().classes);
    let mut near = classes
        .map(|it| it.node.name.as_str())
        .filter(|it| is_near(it));
    near.next().map(str::to_owned)
}
