use lint_core::diagnostic::Diagnostic;
use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::ends::can_end;
use super::kept::is_name;
use crate::finding::Finding;
use crate::model::{CallSite, Model, PUTS, Usage};
use crate::program::{Node, Program, Running, nodes_of, nodes_of_expr, own_nodes};
use crate::rule::{Context, Rule, Scope};
use crate::sites::{hides_keywords, keyword_value, shown_call};
use crate::variables::{is_only_put_away, is_read_whole, is_taken_out};

/// ## What it does
/// Finds child workflows that are started and whose result nobody awaits, without a
/// `parent_close_policy`.
///
/// ## Why is this bad?
/// When the parent ends, the server terminates its children: that is the default policy. A child that was
/// meant to run on its own disappears in the middle of its work, without a failure anywhere.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CloseMonth:
///     @workflow.run
///     async def run(self, month: str) -> None:
///         await workflow.start_child_workflow("SendStatements", month)  # RB605
/// ```
///
/// ## Use instead
/// Say that it may outlive its parent:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CloseMonth:
///     @workflow.run
///     async def run(self, month: str) -> None:
///         await workflow.start_child_workflow(
///             "SendStatements", month, parent_close_policy=workflow.ParentClosePolicy.ABANDON
///         )
/// ```
/// Or await it:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CloseMonth:
///     @workflow.run
///     async def run(self, month: str) -> None:
///         statements = await workflow.start_child_workflow("SendStatements", month)
///         await workflow.sleep(60)
///         await statements
/// ```
///
/// ## Limits
/// A handle that is passed on, returned or kept in an attribute or a collection is taken to be awaited
/// there, unless the starts are gathered and the handles thrown away. Nothing is said where `run` never ends.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/child-workflows#parent-close-policy>
#[derive(RuleMetadata)]
#[rule(
    code = "RB605",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "a child is started that the end of its parent terminates"
)]
pub(crate) struct AbandonedChild;

impl Rule for AbandonedChild {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn scope(&self) -> Scope {
        Scope::RunbooksAndParts
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        for site in cx.model.all_calls() {
            let Some((child, how)) = lost_child(&cx.model, program, site) else {
                continue;
            };
            let Some(running) = ending_workflow(program, site) else {
                continue;
            };
            let call = shown_call(&cx.model, site.file, child);
            let message = format!(
                "{call} starts a child {how}; when `{}` ends, the child is terminated",
                running.short_name()
            );
            Finding::new(&Self::METADATA, site.file, span_of(child), message)
                .help("await it, or set `parent_close_policy=workflow.ParentClosePolicy.ABANDON`")
                .in_workflow(running.workflow)
                .report(report);
        }
    }
}

const START: &[&str] = &[
    "temporalio.workflow.start_child_workflow",
    "ntro.workflow.runbook.start_child_workflow",
];
const EXECUTE: &[&str] = &[
    "temporalio.workflow.execute_child_workflow",
    "ntro.workflow.runbook.execute_child_workflow",
    "ntro.workflow.NtroWorkflow.run_child_workflow",
];
const GATHER: &str = "asyncio.gather";
const TASKS: &[&str] = &["asyncio.create_task", "asyncio.ensure_future"];

/// The child that a call starts and that nobody awaits.
fn lost_child<'p>(
    model: &Model<'_>,
    program: Program<'_, '_>,
    site: &CallSite<'p>,
) -> Option<(&'p ast::ExprCall, &'static str)> {
    let is = |call, names| program.calls(site.file, call, names);
    let child = if site.awaited && is(site.call, START) {
        site.call
    } else if is(site.call, START) && is_gathered_for_nothing(model, site) {
        return has_no_policy(site.call).then_some((site.call, "whose handle nobody awaits"));
    } else if is(site.call, TASKS) {
        match site.call.arguments.args.first()? {
            Expr::Call(call) if is(call, EXECUTE) || is(call, START) => call,
            _ => return None,
        }
    } else {
        return None;
    };
    if !has_no_policy(child) {
        return None;
    }
    let is_put_away = |name: &ast::ExprName| !is_taken_out(model, site, name.id.as_str());
    match &site.usage {
        Usage::Kept(Expr::Name(all)) if is_put_away(all) => {
            Some((child, "whose handle nobody awaits"))
        }
        Usage::Assigned(Expr::Name(all)) if site.collected && is_put_away(all) => {
            Some((child, "whose handle nobody awaits"))
        }
        _ if site.collected => None,
        Usage::Discarded => Some((child, "that nobody awaits")),
        Usage::Assigned(Expr::Name(name))
            if !is_read_whole(model, site, name.id.as_str())
                || is_only_put_away(model, site, name.id.as_str()) =>
        {
            Some((child, "whose handle nobody awaits"))
        }
        _ => None,
    }
}

fn has_no_policy(child: &ast::ExprCall) -> bool {
    keyword_value(child, "parent_close_policy").is_none() && !hides_keywords(child)
}

/// Whether starts are awaited together, and the handles that this gives are thrown away, or only counted.
fn is_gathered_for_nothing(model: &Model<'_>, site: &CallSite<'_>) -> bool {
    let at = span_of(site.call);
    let is_around = |it: &&CallSite<'_>| {
        let outer = span_of(it.call);
        it.file == site.file && outer.start < at.start && at.end < outer.end
    };
    let is_argument =
        matches!(&site.usage, Usage::Argument(Some(it)) if it.external() == Some(GATHER));
    if (site.collected || is_argument) && gathers_for_nothing(model).any(|it| is_around(&it)) {
        return true;
    }
    match &site.usage {
        Usage::Kept(Expr::Name(all)) => is_only_gathered(model, site, all.id.as_str()),
        Usage::Assigned(Expr::Name(all)) if site.collected => {
            is_only_gathered(model, site, all.id.as_str())
        }
        Usage::Assigned(Expr::Name(it)) => put_into(model, site, it.id.as_str())
            .is_some_and(|all| is_only_gathered(model, site, all)),
        _ => false,
    }
}

fn gathers_for_nothing<'m, 'p>(model: &'m Model<'p>) -> impl Iterator<Item = &'m CallSite<'p>> {
    model.all_calls().filter(move |it| {
        let is_gather = it.external() == Some(GATHER) && it.awaited;
        is_gather
            && match &it.usage {
                Usage::Discarded => true,
                Usage::Assigned(Expr::Name(handles)) => {
                    !is_taken_out(model, it, handles.id.as_str())
                }
                _ => false,
            }
    })
}

/// Whether a function does nothing with a collection but to fill it, to count it and to gather for nothing what is in it.
fn is_only_gathered(model: &Model<'_>, site: &CallSite<'_>, all: &str) -> bool {
    let nodes = nodes_around(model, site);
    let is_spread = |it: &Expr| match it {
        Expr::Starred(it) => is_name(&it.value, all),
        _ => false,
    };
    let gathers: Vec<_> = gathers_for_nothing(model)
        .filter(|it| (it.file, it.function) == (site.file, site.function))
        .filter(|it| it.call.arguments.args.iter().any(is_spread))
        .collect();
    let reads = nodes.iter().filter(|node| is_read(node, all)).count();
    let idle = nodes.iter().filter(|node| match node {
        Node::Expr(Expr::Call(call)) => {
            put(call).is_some_and(|(it, _)| it == all) || counts(call, all)
        }
        _ => false,
    });
    !gathers.is_empty() && reads == idle.count() + gathers.len()
}

/// The collection into which the value of a variable is put, if nothing else happens to it.
fn put_into<'p>(model: &Model<'p>, site: &CallSite<'_>, name: &str) -> Option<&'p str> {
    let nodes = nodes_around(model, site);
    let mut puts = nodes.iter().filter_map(|node| match node {
        Node::Expr(Expr::Call(call)) => put(call).filter(|(_, it)| is_name(it, name)),
        _ => None,
    });
    let (all, _) = puts.next()?;
    let reads = nodes.iter().filter(|node| is_read(node, name)).count();
    (reads == 1).then_some(all)
}

/// The code around a call: of its function, with the functions in that.
fn nodes_around<'p>(model: &Model<'p>, site: &CallSite<'_>) -> Vec<Node<'p>> {
    let function = model.index(site.file).map(|it| it.function(site.function));
    let mut pending: Vec<Node<'p>> = own_nodes(function).collect();
    let mut found = Vec::new();
    while let Some(node) = pending.pop() {
        match node {
            Node::Expr(Expr::Lambda(it)) => pending.extend(nodes_of_expr(&it.body)),
            Node::Stmt(Stmt::FunctionDef(it)) => pending.extend(nodes_of(&it.body)),
            _ => {}
        }
        found.push(node);
    }
    found
}

/// The collection of `children.append(child)`, and what is put there.
fn put(call: &ast::ExprCall) -> Option<(&str, &Expr)> {
    let method = call.func.as_attribute_expr()?;
    let all = method.value.as_name_expr()?;
    let it = call.arguments.args.last()?;
    PUTS.contains(&method.attr.as_str())
        .then_some((all.id.as_str(), it))
}

/// `len(children)`
fn counts(call: &ast::ExprCall, all: &str) -> bool {
    is_name(&call.func, "len") && matches!(&*call.arguments.args, [it] if is_name(it, all))
}

fn is_read(node: &Node<'_>, name: &str) -> bool {
    matches!(node, Node::Expr(it @ Expr::Name(of)) if of.ctx.is_load() && is_name(it, name))
}

/// The workflow that runs the code of a call, if its run can end.
fn ending_workflow<'f>(program: Program<'f, '_>, site: &CallSite<'_>) -> Option<Running<'f>> {
    let function = FunctionRef {
        file: site.file,
        ix: site.function,
    };
    Running::all(program.facts).find(|running| {
        let mut runs = running.entries_of(|role| role == Role::Run);
        let is_reached = running
            .reach
            .entries
            .iter()
            .any(|it| it.runs.contains(&function));
        let ends = runs.any(|(_, reach)| {
            let again = super::handler_continues_as_new::CONTINUE_AS_NEW;
            let continues = |&it: &FunctionRef| program.calls_of(it, again).next().is_some();
            can_end(program, reach.function) || reach.runs.iter().any(continues)
        });
        is_reached && ends
    })
}
