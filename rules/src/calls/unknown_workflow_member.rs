use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::names::Names;
use lint_core::rule::RuleMetadata;
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::model::Model;
use crate::program::{Culprit, Node, Program, Running, own_nodes, tried};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds names that workflow code takes from `temporalio.workflow` although they belong to `asyncio`,
/// `datetime`, `temporalio.common` or `temporalio.exceptions`, or to another SDK, names with a slip of the pen,
/// and names that `workflow.info()` does not have.
///
/// ## Why is this bad?
/// The line raises an `AttributeError` when it runs. That is no failure: the workflow task is tried again
/// for ever, until the code is changed. What stands in an `except` clause is looked up only when something
/// was raised, so tests that see no error pass.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> list[float]:
///         return await workflow.gather(  # RB429
///             workflow.execute_activity("bid", fund, start_to_close_timeout=timedelta(minutes=1)),
///             workflow.execute_activity("ask", fund, start_to_close_timeout=timedelta(minutes=1)),
///         )
/// ```
///
/// ## Use instead
/// ```python
/// import asyncio
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class PriceFund:
///     @workflow.run
///     async def run(self, fund: str) -> list[float]:
///         return await asyncio.gather(
///             workflow.execute_activity("bid", fund, start_to_close_timeout=timedelta(minutes=1)),
///             workflow.execute_activity("ask", fund, start_to_close_timeout=timedelta(minutes=1)),
///         )
/// ```
///
/// ## Limits
/// The names of `datetime` are a warning, since earlier versions of the SDK had them by accident.
/// Any other name may be one of a later version of the SDK, so nothing is said about it. Nor is anything said in
/// functions that ask with `hasattr`, or where an `AttributeError` is caught.
#[derive(RuleMetadata)]
#[rule(
    code = "RB429",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "workflow code uses a name that `temporalio.workflow` does not have"
)]
pub(crate) struct UnknownWorkflowMember;

impl Rule for UnknownWorkflowMember {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for (running, entry, function) in Running::functions(cx.facts) {
            for it in unknown(&cx.model, program, function) {
                let name = it.attribute.attr.as_str();
                let about = format!("`{name}` is looked up here");
                let culprit = Culprit::new(function, span_of(it.attribute), about);
                let message = format!(
                    "`{}` has no `{name}`, so the `AttributeError` fails each try of the workflow task",
                    it.owner.shown()
                );
                let (severity, note) = match BY_ACCIDENT.contains(&name) {
                    true => (
                        Severity::Warning,
                        " Earlier versions had the name by accident.",
                    ),
                    false => (Severity::Error, ""),
                };
                Finding::reached(&Self::METADATA, program, running, entry, culprit, message)
                    .severity(severity)
                    .help(it.help)
                    .note(format!("Checked against {}.{note}", sdk::TEMPORAL_VERSION))
                    .culprit(format!("{}.{name}", it.owner.full()))
                    .about(function.file, format!("{}.{name}", it.owner.shown()))
                    .report(report);
            }
        }
    }
}

const BY_ACCIDENT: &[&str] = &["datetime", "timedelta", "timezone"];

/// What an attribute is looked up on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Module,
    Info,
}

impl Owner {
    fn shown(self) -> &'static str {
        match self {
            Self::Module => "temporalio.workflow",
            Self::Info => "workflow.info()",
        }
    }

    fn full(self) -> &'static str {
        match self {
            Self::Module => "temporalio.workflow",
            Self::Info => "temporalio.workflow.Info",
        }
    }

    fn has(self, name: &str) -> bool {
        match self {
            Self::Module => sdk::TEMPORAL_WORKFLOW.contains(&name),
            Self::Info => sdk::TEMPORAL_INFO.contains(&name) || name.starts_with('_'),
        }
    }

    fn help(self, name: &str) -> Option<String> {
        match self {
            Self::Module => Some(format!("write `{}`", meant(name)?)),
            Self::Info if name.starts_with("parent_") => {
                let rest = name.trim_start_matches("parent_");
                Some(format!(
                    "write `workflow.info().parent.{rest}`, where there is a parent"
                ))
            }
            Self::Info => Some(match closest(name, sdk::TEMPORAL_INFO.iter().copied()) {
                Some(member) => format!("write `workflow.info().{member}`"),
                None => "look up its fields in the documentation of `temporalio.workflow.Info`"
                    .to_owned(),
            }),
        }
    }
}

struct Unknown<'p> {
    attribute: &'p ast::ExprAttribute,
    owner: Owner,
    help: String,
}

/// The attributes of the module, and of what `info()` gives, that they do not have.
fn unknown<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> Vec<Unknown<'p>> {
    let nodes: Vec<Node<'p>> = own_nodes(program.function(function)).collect();
    let members = nodes.iter().filter_map(|node| match node {
        Node::Expr(Expr::Attribute(it)) if it.ctx.is_load() => Some(it),
        _ => None,
    });
    let owners = Owners::of(model.names_in(function.file), function, &nodes);
    // What was meant is asked last, since that compares the name with many others.
    let mut unknown: Vec<Unknown<'p>> = members
        .filter_map(|attribute| {
            let name = attribute.attr.as_str();
            let owner = owners.owner(&attribute.value)?;
            let help = (!owner.has(name)).then(|| owner.help(name)).flatten()?;
            Some(Unknown {
                attribute,
                owner,
                help,
            })
        })
        .collect();
    if unknown.is_empty() || program.calls_of(function, &["hasattr"]).next().is_some() {
        return Vec::new();
    }
    let careful: Vec<Span> = nodes.iter().flat_map(without_evaluation).collect();
    unknown.retain(|it| {
        let at = span_of(it.attribute);
        !careful
            .iter()
            .any(|it| it.start <= at.start && at.end <= it.end)
    });
    unknown.sort_by_key(|it| span_of(it.attribute).start);
    unknown
}

/// Tells what attributes of a function are looked up on.
struct Owners<'n, 'm> {
    names: &'n Names<'m>,
    function: FunctionRef,
    /// The variables that are set once, to what `info()` gives.
    infos: BTreeSet<&'n str>,
}

impl<'n, 'm> Owners<'n, 'm> {
    fn of(names: &'n Names<'m>, function: FunctionRef, nodes: &[Node<'n>]) -> Self {
        let mut owners = Self {
            names,
            function,
            infos: BTreeSet::new(),
        };
        let set = nodes.iter().filter_map(|node| match node {
            Node::Stmt(Stmt::Assign(it)) if owners.is_info(&it.value) => match &it.targets[..] {
                [Expr::Name(it)] => Some(it.id.as_str()),
                _ => None,
            },
            _ => None,
        });
        let set: BTreeSet<&str> = set.collect();
        if !set.is_empty() {
            let writes = |name: &str| {
                let is_write = |node: &&Node<'_>| matches!(node, Node::Expr(Expr::Name(it)) if it.ctx.is_store() && it.id.as_str() == name);
                nodes.iter().filter(is_write).count()
            };
            owners.infos = set.into_iter().filter(|it| writes(it) == 1).collect();
        }
        owners
    }

    fn is(&self, value: &Expr, name: &str) -> bool {
        let FunctionRef { file, ix } = self.function;
        let resolved = self.names.resolve(file, ix, value);
        resolved.is_some_and(|it| it.external() == Some(name))
    }

    fn is_info(&self, value: &Expr) -> bool {
        matches!(value, Expr::Call(call) if self.is(&call.func, "temporalio.workflow.info"))
    }

    fn owner(&self, value: &Expr) -> Option<Owner> {
        match value {
            Expr::Call(_) => self.is_info(value).then_some(Owner::Info),
            Expr::Name(it) if self.infos.contains(it.id.as_str()) => Some(Owner::Info),
            value => self
                .is(value, "temporalio.workflow")
                .then_some(Owner::Module),
        }
    }
}

/// What was meant by a name that the module does not have, if that can be told.
fn meant(name: &str) -> Option<String> {
    if name.starts_with('_') {
        return None;
    }
    if name == "wait_for" {
        return Some("workflow.wait_condition` for a predicate, or `asyncio.wait_for".to_owned());
    }
    let elsewhere = sdk::NAMES_FROM_ELSEWHERE.iter();
    if let Some((_, meant)) = elsewhere.into_iter().find(|(it, _)| *it == name) {
        return Some((*meant).to_owned());
    }
    let home = sdk::NAMES_OF_OTHERS
        .iter()
        .find(|(_, names)| names.contains(&name));
    home.map(|(module, _)| format!("{module}.{name}"))
        .or_else(|| {
            let member = closest(name, sdk::TEMPORAL_WORKFLOW.iter().copied())?;
            Some(format!("workflow.{member}"))
        })
}

/// The parts of a node where a missing name does no harm: annotations of variables, and what is tried
/// with an eye on an `AttributeError`.
fn without_evaluation(node: &Node<'_>) -> Vec<Span> {
    match node {
        Node::Stmt(Stmt::AnnAssign(it)) => vec![span_of(&*it.annotation)],
        node => tried(node, "AttributeError"),
    }
}
