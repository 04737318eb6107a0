use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Place, Severity, Span};
use lint_core::facts::{ClassRef, FunctionRef};
use lint_core::index::Module;
use lint_core::knowledge::Role;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt, UnaryOp};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::beginning::Beginning;
use super::kept::is_validator;
use super::none_until_run::NoneUntilRun;
use super::unset_variable::{Unset, unset_variables};
use crate::finding::Finding;
use crate::handlers::Handler;
use crate::program::{Culprit, Node, Program, Running, own_nodes};
use crate::rule::{Context, Rule};
use crate::writes;

/// ## What it does
/// Finds attributes of a workflow that only `run` sets and that a signal, query or update handler uses, and those
/// that are `None` until `run` sets them and of which a signal or update handler needs more. Also local
/// variables that are set by the result of an activity in a `try`, and used behind it although the `except` clause
/// goes on when the activity fails.
///
/// ## Why is this bad?
/// Signals, queries and updates may come before the first line of `run`: a client starts a workflow with
/// a signal, or no worker was there yet when one was sent. The attribute does not exist by then. The
/// `AttributeError` fails the query; in a signal or update handler it fails the workflow task, which is
/// tried again for ever.
/// A query that fails only answers with an error, so there it is a warning.
/// What `__init__` or the class sets to `None` does not help a handler that takes it apart.
///
/// ## Example
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CountUnits:
///     @workflow.run
///     async def run(self, units: int) -> int:
///         self.units = units
///         await workflow.wait_condition(lambda: self.units > 100)
///         return self.units
///
///     @workflow.signal
///     def subscribe(self, units: int) -> None:
///         self.units += units  # RB602
/// ```
/// What is `None` until then:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CollectNotes:
///     def __init__(self) -> None:
///         self.notes: list[str] | None = None
///
///     @workflow.run
///     async def run(self, first: str) -> int:
///         self.notes = [first]
///         await workflow.wait_condition(lambda: len(self.notes) > 3)
///         return len(self.notes)
///
///     @workflow.signal
///     def note(self, text: str) -> None:
///         self.notes.append(text)  # RB602
/// ```
///
/// ## Use instead
/// Set it in `__init__`, which runs before every handler; with `@workflow.init` it gets the input of `run`:
/// ```python
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class CountUnits:
///     @workflow.init
///     def __init__(self, units: int) -> None:
///         self.units = units
///
///     @workflow.run
///     async def run(self, units: int) -> int:
///         await workflow.wait_condition(lambda: self.units > 100)
///         return self.units
///
///     @workflow.signal
///     def subscribe(self, units: int) -> None:
///         self.units += units
/// ```
///
/// ## Limits
/// A query comes after the first line of `run`, so what `run` sets before its first `await` is there; that is
/// mentioned only if a signal or an update uses it too.
/// What a handler uses after its first `await`, in a `try`, or beside `hasattr`, unless that has just said no,
/// is taken to be there, and so is what it uses where a condition about another attribute that `run` sets lets it
/// come only after `run` has begun. Nothing is said about classes with a base outside the project other than
/// `NtroWorkflow`, which may set the attribute, or where one is set by a name that is not written out.
/// Of attributes that are `None` until then, nothing is said where code asks something of the workflow before, such
/// as `if self.notes:` or `if self.is_open:`, or catches what fails.
/// Of variables those count that nothing else sets, and that are used without a condition in between.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#use-workflow-init>
#[derive(RuleMetadata)]
#[rule(
    code = "RB602",
    severity = "error",
    category = "lifecycle",
    since = "0.1.0",
    summary = "a handler uses an attribute that only `run` sets, or code a variable that a failure leaves unset"
)]
pub(crate) struct UnsetAttribute;

impl Rule for UnsetAttribute {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        let is_known = |base: &String| base == "ntro.workflow.NtroWorkflow";
        for running in Running::all(cx.facts) {
            if !running.reach.foreign_bases.iter().all(is_known) {
                continue;
            }
            let unset = in_workflow(program, running).into_iter();
            for (place, finding) in unset.chain(none_in_workflow(program, running)) {
                if seen.insert(place) {
                    finding.report(report);
                }
            }
        }
        for (running, entry, function) in Running::functions(cx.facts) {
            for it in unset_variables(&cx.model, program, function) {
                of_variable(program, running, entry, function, &it).report(report);
            }
        }
    }
}

fn of_variable(
    program: Program<'_, '_>,
    running: Running<'_>,
    entry: FunctionRef,
    function: FunctionRef,
    it: &Unset<'_>,
) -> Finding {
    let name = it.name;
    let text = program.facts.project.text(function.file);
    let line = text.map_or(1, |text| text.line(it.handler.start));
    let outcome = match function == entry {
        true => "fails each try of the workflow task",
        false => "fails each try of the workflow task, if no caller catches it",
    };
    let message = format!(
        "`{name}` is not set if the activity fails, since line {line} catches that and goes on; the `UnboundLocalError` \
         {outcome}"
    );
    let culprit = Culprit::new(function, it.at, format!("`{name}` is used here"));
    let rule = &UnsetAttribute::METADATA;
    Finding::reached(rule, program, running, entry, culprit, message)
        .severity(Severity::Warning)
        .help(format!(
            "set `{name}` before the `try`, or return or raise in the `except` clause"
        ))
}

fn in_workflow(program: Program<'_, '_>, running: Running<'_>) -> Vec<(Place, Finding)> {
    let set_in = |functions: BTreeSet<FunctionRef>| -> BTreeSet<&str> {
        let names = functions
            .into_iter()
            .flat_map(|it| sets(program, it, &running.reach.bases));
        names.collect()
    };
    let is_run = |role| matches!(role, Role::Run | Role::Step | Role::Hook);
    let in_run = set_in(running.runs_of(is_run));
    let others = running.runs_of(|role| !is_run(role));
    if others.iter().any(|&it| writes::reflects(program, it)) {
        return Vec::new();
    }
    let elsewhere = set_in(others);
    let members = members(program, running);
    let only_in_run =
        |name: &str| in_run.contains(name) && !elsewhere.contains(name) && !members.contains(name);
    let at_once = set_at_once(program, running);
    let beginning = Beginning::new(program, running);
    let messages = running.runs_of(|role| is_handler(role) && role != Role::Query);
    let by_messages: BTreeSet<&str> = messages
        .into_iter()
        .flat_map(|it| used_at_once(program, it, &|_| true))
        .map(|it| it.attr.as_str())
        .collect();
    let mut found = Vec::new();
    for (entry, reach) in running.entries_of(is_handler) {
        // The first line of `run` comes before any query, but not before signals and updates.
        let may_be_early = |name: &str| {
            entry.role != Role::Query || !at_once.contains(name) || by_messages.contains(name)
        };
        let mut reported = BTreeSet::new();
        let guarded = entered_behind_a_guard(&beginning, reach.function, &only_in_run);
        for &function in reach.runs.difference(&guarded) {
            let closed = beginning.closed(function);
            let is_open = |it: &&ast::ExprAttribute| {
                !closed.iter().any(|closed| closed.contains(span_of(*it)))
            };
            let used = used_at_once(program, function, &only_in_run);
            for used in used.into_iter().filter(is_open) {
                let name = used.attr.as_str();
                let owners = program.owners(function.file, used);
                let is_own = owners.iter().any(|it| running.reach.bases.contains(it));
                if is_own && only_in_run(name) && may_be_early(name) && reported.insert(name) {
                    // A query that fails answers with an error; a handler that fails stops the run.
                    let (what, when, severity) = match entry.role {
                        Role::Query => (
                            "query",
                            "until then there is nothing to answer",
                            Severity::Warning,
                        ),
                        _ => (
                            "handler",
                            "it may come before the first line of `run`",
                            Severity::Error,
                        ),
                    };
                    let message = format!(
                        "the {what} `{}` of `{}` uses `{name}`, which only `run` sets; {when}",
                        entry.name,
                        running.short_name()
                    );
                    let about = format!("`{name}` is used here");
                    let culprit = Culprit::new(function, span_of(used), about);
                    let place = culprit.place();
                    let rule = &UnsetAttribute::METADATA;
                    let finding = Finding::reached(
                        rule,
                        program,
                        running,
                        reach.function,
                        culprit,
                        message,
                    )
                    .severity(severity)
                    .help(
                        "set it in `__init__`; with `@workflow.init` that gets the input of `run`",
                    );
                    found.push((place, finding));
                }
            }
        }
    }
    found
}

/// What handlers take apart that is `None` until `run` sets it.
fn none_in_workflow(program: Program<'_, '_>, running: Running<'_>) -> Vec<(Place, Finding)> {
    let mut found = Vec::new();
    let early = NoneUntilRun::of(program, running);
    let handlers = Handler::all(program, running);
    let validators = handlers.iter().filter(|it| it.role == Role::Validator);
    let asking: Vec<&Handler> = validators.filter(|it| early.asks(it.function)).collect();
    // What its validator lets through has been asked about.
    let is_asked_about = |function: FunctionRef| {
        let mut updates = handlers.iter().filter(|it| it.function == function);
        updates.any(|update| asking.iter().any(|it| is_validator(program, it, update)))
    };
    for (entry, reach) in running.entries_of(crate::program::is_handler) {
        if is_asked_about(reach.function) {
            continue;
        }
        for it in early.used_by(reach.function) {
            let name = it.name;
            let message = format!(
                "the handler `{}` of `{}` uses `{name}`, which is `None` until `run` sets it; it may come before the first \
                 line of `run`",
                entry.name,
                running.short_name()
            );
            let about = format!("`{name}` is used here");
            let culprit = Culprit::new(it.function, span_of(it.at), about);
            let place = culprit.place();
            let rule = &UnsetAttribute::METADATA;
            let finding =
                Finding::reached(rule, program, running, reach.function, culprit, message).help(
                    format!(
                        "set it in `__init__`, which `@workflow.init` gives the input of `run`; or let the handler wait: \
                         `await workflow.wait_condition(lambda: self.{name} is not None)`"
                    ),
                );
            found.push((place, finding));
        }
    }
    found
}

/// The helpers that run only after somebody has asked whether an attribute is there, or whether `run` has begun.
fn entered_behind_a_guard(
    beginning: &Beginning<'_, '_>,
    entry: FunctionRef,
    says: &dyn Fn(&str) -> bool,
) -> BTreeSet<FunctionRef> {
    let program = beginning.program;
    let mut open = BTreeSet::from([entry]);
    let mut pending = vec![entry];
    while let Some(function) = pending.pop() {
        let asks = asked(program, function).filter(|(_, name)| name.is_none_or(says));
        let asks = asks.map(|(it, _)| span_of(it).start).min();
        let asks = asks.unwrap_or(u32::MAX);
        let calls = program.own_calls(function);
        let closed = beginning.closed(function);
        let before = calls.filter(|(call, _)| {
            let at = span_of(*call);
            at.start < asks && !closed.iter().any(|it| it.contains(at))
        });
        pending.extend(before.map(|(_, it)| it).filter(|it| open.insert(*it)));
    }
    let all = program.runs_from(entry);
    all.difference(&open).copied().collect()
}

/// The attributes of the class that a function sets without needing them to be there.
fn sets<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    classes: &[ClassRef],
) -> BTreeSet<&'p str> {
    let needed: BTreeSet<&str> = used_at_once(program, function, &|_| true)
        .into_iter()
        .map(|it| it.attr.as_str())
        .collect();
    let writes = writes::in_function(program, function).into_iter();
    let bound = writes.filter(|it| it.binds && classes.contains(&it.attribute.owner));
    let names = bound.map(|it| it.attribute.name);
    names.filter(|it| !needed.contains(it)).collect()
}

/// The attributes that `run` sets before it waits for anything.
fn set_at_once<'p>(program: Program<'_, 'p>, running: Running<'_>) -> BTreeSet<&'p str> {
    let mut names = BTreeSet::new();
    for (_, reach) in running.entries_of(|role| role == Role::Run) {
        let nodes: Vec<Node<'p>> = own_nodes(program.function(reach.function)).collect();
        let waits = nodes.iter().filter_map(|node| match node {
            Node::Expr(it @ Expr::Await(_)) => Some(span_of(*it).start),
            _ => None,
        });
        let first_wait = waits.min().unwrap_or(u32::MAX);
        let starts = nodes.iter().filter(|node| match node {
            Node::Stmt(it) => span_of(*it).end <= first_wait,
            Node::Expr(_) => false,
        });
        for node in starts {
            names.extend(
                writes::by_node(program, reach.function, *node).map(|it| it.attribute.name),
            );
        }
        // A helper that does not wait is done before `run` goes on.
        let helpers = reach.runs.iter().filter(|it| !program.is_async(**it));
        let writes = helpers.flat_map(|&it| writes::in_function(program, it));
        names.extend(writes.filter(|it| it.binds).map(|it| it.attribute.name));
    }
    names
}

fn is_handler(role: Role) -> bool {
    matches!(
        role,
        Role::Signal | Role::Update | Role::Query | Role::Validator
    )
}

/// What the bodies of the class and its bases define.
fn members<'p>(program: Program<'_, 'p>, running: Running<'_>) -> BTreeSet<&'p str> {
    let mut names = BTreeSet::new();
    for class in &running.reach.bases {
        let index = program.facts.project.module(class.file).map(Module::index);
        let Some(index) = index else { continue };
        for statement in &index.class(class.ix).node.body {
            match statement {
                Stmt::FunctionDef(it) => {
                    names.insert(it.name.as_str());
                    if matches!(it.name.as_str(), "__getattr__" | "__getattribute__") {
                        names.extend(all_names(program, running));
                    }
                }
                Stmt::Assign(it) => names.extend(it.targets.iter().filter_map(name_of)),
                Stmt::AnnAssign(it) if it.value.is_some() => names.extend(name_of(&it.target)),
                _ => {}
            }
        }
    }
    names
}

/// The attributes that are set anywhere: what a class with `__getattr__` may give.
fn all_names<'p>(program: Program<'_, 'p>, running: Running<'_>) -> BTreeSet<&'p str> {
    let functions = running.runs_of(|_| true);
    let writes = functions
        .into_iter()
        .flat_map(|it| writes::in_function(program, it));
    writes.map(|it| it.attribute.name).collect()
}

fn name_of(target: &Expr) -> Option<&str> {
    match target {
        Expr::Name(name) => Some(name.id.as_str()),
        _ => None,
    }
}

/// The calls of `hasattr`, or of `getattr` with something else to give, about a variable in a function, and the
/// attribute that they ask for, if that is written there.
fn asked<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> impl Iterator<Item = (&'p ast::ExprCall, Option<&'p str>)> {
    let calls = program.calls_of(function, &["hasattr", "getattr"]);
    let asks = move |it: &&ast::ExprCall| {
        program.calls(function.file, it, &["hasattr"]) || it.arguments.args.len() > 2
    };
    let is_variable = |it: &&ast::ExprCall| {
        let subject = it.arguments.args.first();
        subject.is_some_and(|it| it.is_name_expr())
    };
    calls.filter(asks).filter(is_variable).map(|call| {
        let name = call.arguments.args.get(1);
        let name = name.and_then(|it| it.as_string_literal_expr());
        (call, name.map(|it| it.value.to_str()))
    })
}

/// The attributes that a function reads before it waits and before it sets them, unless it asks
/// whether they are there, or whether another one is that `says` as much.
fn used_at_once<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    says: &dyn Fn(&str) -> bool,
) -> Vec<&'p ast::ExprAttribute> {
    let nodes: Vec<Node<'p>> = own_nodes(program.function(function)).collect();
    let is_careful = nodes.iter().any(|node| match node {
        Node::Stmt(Stmt::Try(_)) => true,
        Node::Expr(Expr::Call(call)) => program.calls(function.file, call, &["vars"]),
        _ => false,
    });
    if is_careful {
        return Vec::new();
    }
    let asked: Vec<Option<&str>> = asked(program, function).map(|(_, name)| name).collect();
    let missing: Vec<(Span, &str)> = nodes
        .iter()
        .flat_map(|it| missing_within(program, function, *it))
        .collect();
    let is_there = |it: &ast::ExprAttribute| {
        let at = span_of(it);
        let is_missing =
            |(within, name): &(Span, &str)| *name == it.attr.as_str() && within.contains(at);
        let covers =
            |name: &Option<&str>| name.is_none_or(|name| name == it.attr.as_str() || says(name));
        asked.iter().any(covers) && !missing.iter().any(is_missing)
    };
    let waits = nodes.iter().filter_map(|node| match node {
        Node::Expr(it @ Expr::Await(_)) => Some(span_of(*it).end),
        _ => None,
    });
    let first_wait = waits.min().unwrap_or(u32::MAX);
    // A target is set when its statement is done.
    let binds = nodes.iter().flat_map(|node| {
        let writes = writes::by_node(program, function, *node).filter(|it| it.binds);
        let statement = match node {
            Node::Stmt(it @ (Stmt::Assign(_) | Stmt::AnnAssign(_) | Stmt::AugAssign(_))) => {
                Some(*it)
            }
            _ => None,
        };
        writes.map(move |it| {
            let end = statement.map_or(span_of(it.node).end, |it| span_of(it).end);
            (it.attribute.name, end)
        })
    });
    let binds: Vec<(&str, u32)> = binds.collect();
    let is_set_before = |it: &ast::ExprAttribute| {
        let mut earlier = binds.iter().filter(|bound| bound.1 <= span_of(it).start);
        earlier.any(|bound| bound.0 == it.attr.as_str())
    };
    let mut used: Vec<&'p ast::ExprAttribute> = Vec::new();
    for node in &nodes {
        match node {
            Node::Expr(Expr::Attribute(it)) if it.ctx.is_load() => used.push(it),
            Node::Stmt(Stmt::AugAssign(it)) => {
                if let Expr::Attribute(it) = &*it.target {
                    used.push(it);
                }
            }
            _ => {}
        }
    }
    used.retain(|it| span_of(*it).start < first_wait && !is_set_before(it) && !is_there(it));
    used
}

/// The statements that run only where `hasattr` has said that something has no such attribute.
fn missing_within<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    node: Node<'p>,
) -> Vec<(Span, &'p str)> {
    let Node::Stmt(Stmt::If(it)) = node else {
        return Vec::new();
    };
    let asked = |test: &'p Expr| {
        let call = test.as_call_expr()?;
        let is_asked = program.calls(function.file, call, &["hasattr"]);
        let name = call.arguments.args.get(1)?.as_string_literal_expr()?;
        is_asked.then(|| name.value.to_str())
    };
    let (name, bodies): (_, Vec<&[Stmt]>) = match &*it.test {
        Expr::UnaryOp(not) if not.op == UnaryOp::Not => (asked(&not.operand), vec![&it.body]),
        test => {
            let others = it.elif_else_clauses.iter();
            (asked(test), others.map(|it| &it.body[..]).collect())
        }
    };
    let Some(name) = name else {
        return Vec::new();
    };
    let statements = bodies.into_iter().flatten();
    statements.map(|it| (span_of(it), name)).collect()
}
