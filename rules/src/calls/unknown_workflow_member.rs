use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, FileId, Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::index::{Function, FunctionNode};
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::caught::caught;
use super::enum_members::{NoMember, no_members};
use super::lacking::{Lacking, lacking};
use super::members::{Cure, Owner, Owners, handle_of};
use super::messages::{Unhandled, unhandled};
use super::untyped::{Untyped, untyped};
use crate::finding::Finding;
use crate::hazard::code;
use crate::model::Model;
use crate::program::{Culprit, Node, Program, Running, nodes_of, own_nodes, tried};
use crate::rule::{Context, Rule};
use crate::sdk;

/// ## What it does
/// Finds names that workflow code takes from `temporalio.workflow` although they belong to `asyncio`,
/// `datetime`, `temporalio.common` or `temporalio.exceptions`, or to another SDK, names with a slip of the pen
/// or made up, and names that `workflow.info()` and the handles of activities and of other workflows do not
/// have. Also attributes that the input of a workflow or an activity lacks, or the result of an activity, where
/// the annotation names a data class or a model of the project, and keys of such an object, which has
/// attributes; attributes of the result of an activity or a child workflow that is named by a text without
/// `result_type`, which arrives as a dictionary; attributes that nothing of JSON has, of an input or a result that
/// has no type but `Any` or `dict`; members that an enum of the project lacks; and signals that
/// are sent by name to a workflow of the project that has none of that name.
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
/// So is any other name of which it is not known what is meant, since a later version of the SDK may have it.
/// Nothing is said where the function asks `hasattr` of the same object, or where an `AttributeError` is caught by
/// that name.
/// An attribute of `workflow.info().parent` is `info` where the function does not ask whether there is one.
/// Of data classes and models only those count of which all bases stand in the project and nothing hides members:
/// no `__getattr__`, no other decorator, no configuration of the model.
/// A result is taken for a dictionary where the variable, or what the project registers under the name, says that it
/// is a data class or a model, and no converter of the project makes values of payloads; only its first attribute is
/// reported. The same goes for what has no type, unless the file knows protobuf, code calls the entry point itself, the
/// parameter has a default, or a client is given a payload converter that is none of the SDK's.
#[derive(RuleMetadata)]
#[rule(
    code = "RB429",
    severity = "error",
    category = "calls",
    since = "0.1.0",
    summary = "workflow code uses a name that `temporalio.workflow`, or the class of its input, does not have"
)]
pub(crate) struct UnknownWorkflowMember;

impl Rule for UnknownWorkflowMember {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let converters = cx.everywhere.converters;
        let has_converter = converters.read || converters.type_ || converters.other;
        for (running, entry, function) in Running::functions(cx.facts) {
            let at = Reached {
                program,
                running,
                entry,
                function,
            };
            for it in unknown(&cx.model, program, function) {
                if !at.is_added(&cx.model, &it) {
                    at.unknown(&it).report(report);
                }
            }
            for attribute in of_missing_parent(&cx.model, program, function) {
                at.of_parent(attribute).report(report);
            }
            for it in no_members(&cx.model, program, function) {
                if !at.is_given(&it.name) {
                    at.no_member(&it).report(report);
                }
            }
            for it in unhandled(&cx.model, program, function) {
                at.unhandled(&it).report(report);
            }
            let mut entries = running.entries_of(takes_input);
            let is_entry = entries.any(|(_, reach)| reach.function == function);
            for it in lacking(&cx.model, program, function, is_entry) {
                let is_given = || match it.is_of_dictionary() {
                    true => converters.read,
                    false => it.attribute.as_ref().is_some_and(|it| at.is_given(it)),
                };
                if !is_given() {
                    at.lacking(&it).report(report);
                }
            }
            if !has_converter {
                let is_entry_alone = is_entry && cx.callers(function).is_empty();
                for it in untyped(&cx.model, program, function, is_entry_alone) {
                    at.untyped(&it).report(report);
                }
            }
        }
        for function in activities(&cx.model) {
            let beside = program.index(function.file);
            let beside = beside.map_or(&[][..], |it| &it.functions);
            for it in lacking(&cx.model, program, function, true) {
                let is_given = |name: &String| beside.iter().any(|it| gives(Some(it), name));
                if !it.attribute.as_ref().is_some_and(is_given) {
                    in_activity(program, function, &it).report(report);
                }
            }
        }
    }
}

fn takes_input(role: Role) -> bool {
    matches!(
        role,
        Role::Run | Role::Init | Role::Signal | Role::Update | Role::Query
    )
}

/// The activities of the project that plain Temporal code schedules, in the order of their places.
fn activities(model: &Model<'_>) -> BTreeSet<FunctionRef> {
    let scheduled = model.temporal_calls().iter().filter_map(|site| {
        let name = site.workflow_api()?;
        let schedules = name.starts_with("execute_") || name.starts_with("start_");
        let target = site.call.arguments.args.first().filter(|_| schedules)?;
        let Resolved::Function { file, ix } = model.scheduled(site, target)? else {
            return None;
        };
        let function = model.index(file)?.function(ix);
        let is_activity = model.activity_name(file, function).is_some();
        is_activity.then_some(FunctionRef { file, ix })
    });
    scheduled.collect()
}

fn in_activity(program: Program<'_, '_>, function: FunctionRef, it: &Lacking) -> Finding {
    let (what, _, error) = it.told();
    let outcome = caught(program, function, it.at, error)
        .unwrap_or_else(|| format!("the `{error}` fails each try of the activity"));
    let message = format!("{what}, so {outcome}");
    Finding::new(
        &UnknownWorkflowMember::METADATA,
        function.file,
        it.at,
        message,
    )
    .help(&it.help)
    .about(function.file, it.subject())
}

/// A function that a workflow runs.
#[derive(Clone, Copy)]
struct Reached<'f, 'p> {
    program: Program<'f, 'p>,
    running: Running<'f>,
    entry: FunctionRef,
    function: FunctionRef,
}

impl Reached<'_, '_> {
    fn unknown(self, it: &Unknown<'_>) -> Finding {
        let name = it.attribute.attr.as_str();
        let owner = it.owner.shown();
        let at = span_of(it.attribute);
        let is_old = BY_ACCIDENT.contains(&name);
        let message = match is_old {
            true => format!(
                "`{owner}.{name}` was never public and is gone from newer versions of the SDK, where the line raises an \
                 `AttributeError`"
            ),
            false => format!(
                "`{owner}` has no `{name}`, so {}",
                self.outcome(at, "AttributeError")
            ),
        };
        let severity = match is_old || !it.cure.is_known {
            true => Severity::Warning,
            false => Severity::Error,
        };
        let about = format!("`{name}` is looked up here");
        self.finding(at, about, message)
            .severity(severity)
            .help(&it.cure.help)
            .note(format!("Checked against {}.", sdk::TEMPORAL_VERSION))
            .culprit(format!("{}.{name}", it.owner.full()))
            .about(self.function.file, format!("{owner}.{name}"))
    }

    fn lacking(self, it: &Lacking) -> Finding {
        let (what, about, error) = it.told();
        let message = format!("{what}, so {}", self.outcome(it.at, error));
        let finding = self.finding(it.at, about, message).help(&it.help);
        // Each call that gives a dictionary has to be changed.
        match it.is_of_dictionary() {
            true => finding,
            false => finding.about(self.function.file, it.subject()),
        }
    }

    fn untyped(self, it: &Untyped) -> Finding {
        let message = format!("{}, so {}", it.what, self.outcome(it.at, "AttributeError"));
        let about = format!("`{}` is looked up here", it.attribute);
        self.finding(it.at, about, message).help(&it.help)
    }

    fn no_member(self, it: &NoMember) -> Finding {
        let NoMember { class, name, .. } = it;
        let outcome = self.outcome(it.at, "AttributeError");
        let message = format!("the enum `{class}` has no `{name}`, so {outcome}");
        let about = format!("`{name}` is looked up here");
        self.finding(it.at, about, message)
            .help(&it.help)
            .about(self.function.file, format!("{class}.{name}"))
    }

    fn unhandled(self, it: &Unhandled) -> Finding {
        let (name, workflow) = (code(&it.name), &it.workflow);
        let message =
            format!("`{workflow}` has no signal {name}, so what is sent here is never handled");
        let help = match &it.meant {
            Some(meant) => format!("write {}, if that is meant", code(meant)),
            None => format!("add a `@workflow.signal` handler of this name to `{workflow}`"),
        };
        let about = format!("{name} is sent here");
        self.finding(it.at, about, message).help(help)
    }

    fn of_parent(self, it: &ast::ExprAttribute) -> Finding {
        let name = it.attr.as_str();
        let message = format!(
            "`workflow.info().parent` is `None` where no other workflow has started `{}`, and then `{name}` raises an \
             `AttributeError`",
            self.running.short_name()
        );
        let about = format!("`{name}` is looked up here");
        self.finding(span_of(it), about, message)
            .severity(Severity::Info)
            .help("ask whether there is a parent before")
            .about(self.function.file, "workflow.info().parent")
    }

    /// Whether a file whose code the workflow runs adds the attribute: `workflow.name = …`.
    fn is_added(self, model: &Model<'_>, it: &Unknown<'_>) -> bool {
        let runs = self.running.runs_of(|_| true);
        let files: BTreeSet<FileId> = runs.iter().map(|it| it.file).collect();
        files.into_iter().any(|file| {
            let functions = self.program.index(file).map_or(0, |it| it.functions.len());
            (0..functions as u32).any(|ix| adds(model, self.program, FunctionRef { file, ix }, it))
        })
    }

    /// Whether code that the workflow runs gives some object an attribute of this name.
    fn is_given(self, name: &str) -> bool {
        let runs = self.running.runs_of(|_| true);
        runs.iter()
            .any(|&it| gives(self.program.function(it), name))
    }

    fn finding(self, at: Span, about: String, message: String) -> Finding {
        let culprit = Culprit::new(self.function, at, about);
        let rule = &UnknownWorkflowMember::METADATA;
        Finding::reached(
            rule,
            self.program,
            self.running,
            self.entry,
            culprit,
            message,
        )
    }

    /// What becomes of an error that is raised at a place.
    fn outcome(self, at: Span, error: &str) -> String {
        if let Some(outcome) = caught(self.program, self.function, at, error) {
            return outcome;
        }
        if self.function == self.entry {
            return format!("the `{error}` fails each try of the workflow task");
        }
        match gathered_at(self.program, self.running, self.function) {
            Some(line) => format!(
                "the `{error}` is one of the results that `gather()` on line {line} gives, with `return_exceptions=True`"
            ),
            None => {
                format!(
                    "the `{error}` fails each try of the workflow task, if no caller catches it"
                )
            }
        }
    }
}

/// `workflow.name = …` and `setattr(workflow, "name", …)`
fn adds(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
    it: &Unknown<'_>,
) -> bool {
    let nodes: Vec<Node<'_>> = match program.function(function).map(|it| it.node) {
        Some(FunctionNode::Module(module)) => nodes_of(&module.body),
        _ => own_nodes(program.function(function)).collect(),
    };
    let owners = Owners::of(model.names_in(function.file), function, &nodes);
    nodes.iter().any(|node| match node {
        Node::Expr(Expr::Attribute(set)) => {
            set.ctx.is_store()
                && set.attr.as_str() == it.attribute.attr.as_str()
                && owners.owner(&set.value) == Some(it.owner)
        }
        Node::Expr(Expr::Call(call)) => {
            matches!(&*call.func, Expr::Name(it) if it.id.as_str() == "setattr")
                && Asked::of(&owners, call).is_some_and(|asked| asked.is_about(it))
        }
        _ => false,
    })
}

/// Whether a function gives some object an attribute of this name.
fn gives(function: Option<&Function<'_>>, name: &str) -> bool {
    own_nodes(function).any(|node| match node {
        Node::Expr(Expr::Attribute(it)) => it.ctx.is_store() && it.attr.as_str() == name,
        _ => false,
    })
}

const BY_ACCIDENT: &[&str] = &["datetime", "timedelta", "timezone"];

struct Unknown<'p> {
    attribute: &'p ast::ExprAttribute,
    owner: Owner,
    cure: Cure,
}

/// The attributes of the module, of what `info()` gives, and of handles, that they do not have.
fn unknown<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> Vec<Unknown<'p>> {
    let nodes: Vec<Node<'p>> = own_nodes(program.function(function)).collect();
    let owners = Owners::of(model.names_in(function.file), function, &nodes);
    // What was meant is asked last, since that compares the name with many others.
    let unknown = |attribute: &'p ast::ExprAttribute, owner: Owner| {
        let name = attribute.attr.as_str();
        let cure = (!owner.has(name)).then(|| owner.cure(name)).flatten()?;
        Some(Unknown {
            attribute,
            owner,
            cure,
        })
    };
    let found = nodes.iter().filter_map(|node| match node {
        Node::Expr(Expr::Attribute(it)) if it.ctx.is_load() => {
            unknown(it, owners.owner(&it.value)?)
        }
        Node::Expr(Expr::Call(call)) => {
            let method = call.func.as_attribute_expr()?;
            unknown(method, handle_of(program, function, call)?)
        }
        _ => None,
    });
    let mut found: Vec<Unknown<'p>> = found.collect();
    if found.is_empty() {
        return found;
    }
    let asked: Vec<_> = program
        .calls_of(function, &["hasattr"])
        .filter_map(|call| Asked::of(&owners, call))
        .collect();
    let careful: Vec<Span> = nodes.iter().flat_map(without_evaluation).collect();
    found.retain(|it| {
        let at = span_of(it.attribute);
        let is_careful = careful.iter().any(|it| it.contains(at));
        !is_careful && !asked.iter().any(|asked| asked.is_about(it))
    });
    found.sort_by_key(|it| span_of(it.attribute).start);
    found
}

/// The attributes of `workflow.info().parent` in a function that never looks at the parent itself.
fn of_missing_parent<'p>(
    model: &Model<'_>,
    program: Program<'_, 'p>,
    function: FunctionRef,
) -> Vec<&'p ast::ExprAttribute> {
    let nodes: Vec<Node<'p>> = own_nodes(program.function(function)).collect();
    let attributes = nodes.iter().filter_map(|node| match node {
        Node::Expr(Expr::Attribute(it)) => Some(it),
        _ => None,
    });
    let is_parent_named = |it: &&ast::ExprAttribute| it.attr.as_str() == "parent";
    let parents = attributes.clone().filter(is_parent_named).count();
    if parents == 0 {
        return Vec::new();
    }
    let owners = Owners::of(model.names_in(function.file), function, &nodes);
    let is_of_parent = |it: &&'p ast::ExprAttribute| match &*it.value {
        Expr::Attribute(of) => {
            of.attr.as_str() == "parent" && owners.owner(&of.value) == Some(Owner::Info)
        }
        _ => false,
    };
    let careful: Vec<Span> = nodes.iter().flat_map(without_evaluation).collect();
    let of_parent: Vec<&'p ast::ExprAttribute> = attributes.filter(is_of_parent).collect();
    let is_careful = |at: Span| careful.iter().any(|it| it.contains(at));
    let is_asked = of_parent.len() < parents || of_parent.iter().any(|it| is_careful(span_of(*it)));
    if is_asked { Vec::new() } else { of_parent }
}

/// What `hasattr(workflow, "name")` and its like are about.
struct Asked<'p> {
    owner: Owner,
    /// `None` if it may be any.
    name: Option<&'p str>,
}

impl<'p> Asked<'p> {
    fn of(owners: &Owners<'_, '_>, call: &'p ast::ExprCall) -> Option<Self> {
        let [object, name, ..] = &*call.arguments.args else {
            return None;
        };
        Some(Self {
            owner: owners.owner(object)?,
            name: name.as_string_literal_expr().map(|it| it.value.to_str()),
        })
    }

    fn is_about(&self, it: &Unknown<'_>) -> bool {
        self.owner == it.owner
            && self
                .name
                .is_none_or(|name| name == it.attribute.attr.as_str())
    }
}

/// The line of `asyncio.gather(…, return_exceptions=True)` to which all calls of a coroutine in the workflow go.
fn gathered_at(
    program: Program<'_, '_>,
    running: Running<'_>,
    function: FunctionRef,
) -> Option<u32> {
    let mut lines = Vec::new();
    for caller in running.runs_of(|_| true) {
        let own: Vec<Node<'_>> = own_nodes(program.function(caller)).collect();
        for (call, _) in program.own_calls(caller).filter(|it| it.1 == function) {
            let gather = own.iter().find_map(|node| match node {
                Node::Expr(Expr::Call(it)) if keeps_failures(program, caller, it) => {
                    takes(it, &own, span_of(call)).then_some(it)
                }
                _ => None,
            })?;
            let text = program.facts.project.text(caller.file)?;
            lines.push(text.line(span_of(gather).start));
        }
    }
    lines.into_iter().min()
}

fn keeps_failures(program: Program<'_, '_>, function: FunctionRef, call: &ast::ExprCall) -> bool {
    let keeps = call.arguments.find_keyword("return_exceptions");
    let keeps = keeps.is_some_and(|it| matches!(&it.value, Expr::BooleanLiteral(it) if it.value));
    keeps && program.calls(function.file, call, &["asyncio.gather"])
}

/// Whether a coroutine that a place makes is given to `gather()`: there, or in a list that it is given.
fn takes(gather: &ast::ExprCall, own: &[Node<'_>], at: Span) -> bool {
    let holds = |it: &Expr| {
        let span = span_of(it);
        span.contains(at)
    };
    let lists = gather.arguments.args.iter().filter_map(|it| {
        let starred = it.as_starred_expr()?;
        starred.value.as_name_expr().map(|it| it.id.as_str())
    });
    let lists: Vec<&str> = lists.collect();
    let is_listed = |it: &Expr| matches!(it, Expr::Name(it) if lists.contains(&it.id.as_str()));
    let fills = |node: &Node<'_>| match node {
        Node::Stmt(Stmt::Assign(it)) => it.targets.iter().any(is_listed) && holds(&it.value),
        Node::Expr(Expr::Call(it)) => {
            let method = it.func.as_attribute_expr();
            let appends =
                method.is_some_and(|it| it.attr.as_str() == "append" && is_listed(&it.value));
            appends && it.arguments.args.iter().any(holds)
        }
        _ => false,
    };
    let is_awaited = own.iter().any(|node| match node {
        Node::Expr(Expr::Await(it)) => span_of(&*it.value) == at,
        _ => false,
    });
    !is_awaited && (gather.arguments.args.iter().any(holds) || own.iter().any(fills))
}

/// The parts of a node where a missing name does no harm: annotations of variables, and what is tried
/// with an eye on an `AttributeError`.
fn without_evaluation(node: &Node<'_>) -> Vec<Span> {
    match node {
        Node::Stmt(Stmt::AnnAssign(it)) => vec![span_of(&*it.annotation)],
        node => tried(node, "AttributeError"),
    }
}
