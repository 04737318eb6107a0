use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, Severity, Span};
use lint_core::facts::FunctionRef;
use lint_core::rule::RuleMetadata;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use super::arrivals::set_by;
use super::blocks::goes_on;
use super::handler_continues_as_new::CONTINUE_AS_NEW;
use super::kept::is_name;
use super::mentioned::asked_in;
use super::stores::{Lack, Stores};
use super::taken::once;
use super::waited::present;
use crate::finding::Finding;
use crate::program::{Culprit, Node, Program, Running, is_handler, nodes_of, own_nodes};
use crate::rule::{Context, Rule};
use crate::sdk;
use crate::writes;

/// ## What it does
/// Finds waits in a loop for an attribute that handlers set and nothing ever sets back.
///
/// ## Why is this bad?
/// `wait_condition` asks its condition at once, and goes on if it is true. After the first message the attribute stays as
/// it is, so from the next round on the loop does not wait any more: the second question gets the first answer, or the
/// loop runs as fast as its activities. It was measured on a server: after one signal, a loop of three rounds has run all
/// of them.
///
/// ## Example
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class AskInvestors:
///     def __init__(self) -> None:
///         self.answer: str | None = None
///
///     @workflow.signal
///     def reply(self, answer: str) -> None:
///         self.answer = answer
///
///     @workflow.run
///     async def run(self, questions: list[str]) -> list[str | None]:
///         answers = []
///         for question in questions:
///             await workflow.execute_activity(
///                 "ask", question, start_to_close_timeout=timedelta(minutes=1)
///             )
///             await workflow.wait_condition(lambda: self.answer is not None)  # RB612
///             answers.append(self.answer)
///         return answers
/// ```
///
/// ## Use instead
/// Set it back before the step that asks for it:
/// ```python
/// from datetime import timedelta
///
/// from temporalio import workflow
///
///
/// @workflow.defn
/// class AskInvestors:
///     def __init__(self) -> None:
///         self.answer: str | None = None
///
///     @workflow.signal
///     def reply(self, answer: str) -> None:
///         self.answer = answer
///
///     @workflow.run
///     async def run(self, questions: list[str]) -> list[str | None]:
///         answers = []
///         for question in questions:
///             self.answer = None
///             await workflow.execute_activity(
///                 "ask", question, start_to_close_timeout=timedelta(minutes=1)
///             )
///             await workflow.wait_condition(lambda: self.answer is not None)
///             answers.append(self.answer)
///         return answers
/// ```
///
/// ## Limits
/// A condition counts if it asks only whether attributes of the workflow are there or true, and if all that is stored in
/// each of them is certain to be so. Waits with a timeout, and loops that look at the attribute to come to an end, are
/// left alone. A flag without a value is `info`, since it may be meant to open the way once and for all.
///
/// ## References
/// - <https://docs.temporal.io/develop/python/message-passing#wait-in-message-handlers>
#[derive(RuleMetadata)]
#[rule(
    code = "RB612",
    severity = "warning",
    category = "lifecycle",
    since = "0.1.0",
    summary = "a loop waits for what nothing sets back, so it waits only once",
    preview = true
)]
pub(crate) struct PassedWait;

impl Rule for PassedWait {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let program = Program::new(cx.facts);
        let mut seen = BTreeSet::new();
        for running in Running::all(cx.facts) {
            let by_handlers = set_by(program, &running.runs_of(is_handler));
            let loops = Loops {
                program,
                running,
                by_handlers,
                functions: running.runs_of(|_| true),
            };
            for (entry, wait) in loops.passed() {
                let culprit = Culprit::new(wait.function, span_of(wait.call), "the wait is here");
                if seen.insert(culprit.place()) {
                    let names = wait.names().into_iter();
                    let names: Vec<String> = names.map(|it| format!("`self.{it}`")).collect();
                    let message = format!(
                        "nothing sets {} of `{}` back, so from the second round of the loop on this does not wait",
                        names.join(" or "),
                        running.short_name()
                    );
                    let rule = &Self::METADATA;
                    Finding::reached(rule, program, running, entry, culprit, message)
                        .severity(wait.severity())
                        .help("set it back in each round, before the step that asks for it")
                        .report(report);
                }
            }
        }
    }
}

/// Helpers are followed this far.
const MAX_DEPTH: usize = 3;

/// A wait for attributes and nothing else.
#[derive(Clone)]
struct Wait<'p> {
    function: FunctionRef,
    call: &'p ast::ExprCall,
    /// What the loop awaits: the wait, or a helper that waits.
    awaited: Span,
    /// The attributes, with what each of them has to be without.
    asked: Vec<(&'p ast::ExprAttribute, &'static [Lack])>,
}

impl<'p> Wait<'p> {
    fn names(&self) -> BTreeSet<&'p str> {
        self.asked.iter().map(|(it, _)| it.attr.as_str()).collect()
    }

    /// A value that was there before is taken for that of another round, while a flag may be meant to open the way once.
    fn severity(&self) -> Severity {
        match self.asked.iter().any(|(_, lacks)| *lacks == VALUE) {
            true => Severity::Warning,
            false => Severity::Info,
        }
    }
}

/// What `is not None` and a mere question exclude.
const VALUE: &[Lack] = &[Lack::Nothing];
const FLAG: &[Lack] = &[Lack::Nothing, Lack::False];

/// The loops of one workflow.
struct Loops<'f, 'p> {
    program: Program<'f, 'p>,
    running: Running<'f>,
    by_handlers: BTreeSet<&'p str>,
    functions: BTreeSet<FunctionRef>,
}

impl<'p> Loops<'_, 'p> {
    /// The waits that a loop passes from its second round on, with the function of the loop.
    fn passed(&self) -> Vec<(FunctionRef, Wait<'p>)> {
        let program = self.program;
        let mut found = Vec::new();
        for function in once(self.running) {
            for node in own_nodes(program.function(function)) {
                let Node::Stmt(statement) = node else {
                    continue;
                };
                let (test, body) = match statement {
                    Stmt::While(it) => (Some(&*it.test), &it.body),
                    Stmt::For(it) => (None, &it.body),
                    _ => continue,
                };
                let ends = |function, body: &'p [Stmt], names: &BTreeSet<&str>| {
                    nodes_of(body)
                        .into_iter()
                        .any(|it| self.ends(function, it, names))
                };
                let asks = |names: &BTreeSet<&str>| {
                    test.is_some_and(|it| !self.asked(function, it).is_disjoint(names))
                };
                let mut waits = self.waits(function, nodes_of(body), 0);
                waits.retain(|it| {
                    let names = it.names();
                    let helper = program.def(it.function).map_or(&[][..], |it| &it.body[..]);
                    goes_on(program, function, body, it.awaited)
                        && !asks(&names)
                        && !ends(function, body, &names)
                        && (it.function == function || !ends(it.function, helper, &names))
                        && it.asked.iter().all(|asked| self.stays(it.function, *asked))
                });
                found.extend(waits.into_iter().map(|it| (function, it)));
            }
        }
        found
    }

    /// The waits without a timeout in some code, and in what it awaits.
    fn waits(&self, function: FunctionRef, nodes: Vec<Node<'p>>, depth: usize) -> Vec<Wait<'p>> {
        let program = self.program;
        let mut found = Vec::new();
        for node in nodes {
            let Node::Expr(Expr::Await(it)) = node else {
                continue;
            };
            let Expr::Call(call) = &*it.value else {
                continue;
            };
            let awaited = span_of(it);
            let is_wait = program.calls(function.file, call, sdk::WAIT_CONDITION);
            if is_wait && call.arguments.len() == 1 {
                let asked = self.condition(function, call).and_then(asked_for);
                found.extend(asked.map(|asked| Wait {
                    function,
                    call,
                    awaited,
                    asked,
                }));
            } else if depth < MAX_DEPTH {
                for callee in program.functions(function.file, call) {
                    let nodes = own_nodes(program.function(callee)).collect();
                    let inner = self.waits(callee, nodes, depth + 1).into_iter();
                    found.extend(inner.map(|it| Wait { awaited, ..it }));
                }
            }
        }
        found
    }

    /// What a wait asks: the body of its lambda, or what the only statement of its function returns.
    fn condition(&self, function: FunctionRef, wait: &'p ast::ExprCall) -> Option<&'p Expr> {
        if let Some(Expr::Lambda(it)) = wait.arguments.args.first() {
            return Some(&it.body);
        }
        let mut callbacks = self.program.callbacks(function.file, wait);
        match &self.program.def(callbacks.next()?)?.body[..] {
            [Stmt::Return(it)] => it.value.as_deref(),
            _ => None,
        }
    }

    fn asked(&self, function: FunctionRef, expr: &'p Expr) -> BTreeSet<&'p str> {
        asked_in(self.program, &self.functions, function, expr)
    }

    /// Whether a node may end the waiting because of one of these attributes.
    fn ends(&self, function: FunctionRef, node: Node<'p>, names: &BTreeSet<&str>) -> bool {
        let asks = |it| !self.asked(function, it).is_disjoint(names);
        match node {
            Node::Stmt(Stmt::If(it)) => {
                let others = &it.elif_else_clauses;
                let mut tests = others.iter().filter_map(|it| it.test.as_ref());
                let blocks = std::iter::once(&it.body).chain(others.iter().map(|it| &it.body));
                (asks(&it.test) || tests.any(asks))
                    && blocks
                        .flat_map(|it| nodes_of(it))
                        .any(|it| self.leaves(function, it))
            }
            Node::Stmt(Stmt::While(it)) => asks(&it.test),
            Node::Stmt(Stmt::Match(it)) => asks(&it.subject),
            Node::Stmt(Stmt::Assert(it)) => asks(&it.test),
            _ => false,
        }
    }

    /// Whether a node leaves a loop, or waits because of what was asked.
    fn leaves(&self, function: FunctionRef, node: Node<'p>) -> bool {
        let calls = |it, names| self.program.calls(function.file, it, names);
        match node {
            Node::Stmt(it) => matches!(it, Stmt::Break(_) | Stmt::Return(_) | Stmt::Raise(_)),
            Node::Expr(Expr::Call(it)) => {
                calls(it, CONTINUE_AS_NEW) || calls(it, sdk::WAIT_CONDITION)
            }
            Node::Expr(_) => false,
        }
    }

    /// Whether handlers set an attribute of the workflow, and it stays as it is asked for whoever stores something.
    fn stays(
        &self,
        function: FunctionRef,
        (attribute, lacks): (&'p ast::ExprAttribute, &[Lack]),
    ) -> bool {
        let (program, name) = (self.program, attribute.attr.as_str());
        let owners = program.owners(function.file, attribute);
        // Only the stores in the files of these classes are looked at.
        let elsewhere = self
            .functions
            .iter()
            .filter(|it| owners.iter().all(|owner| owner.file != it.file));
        let mut elsewhere = elsewhere.flat_map(|&it| writes::in_function(program, it));
        owners
            .iter()
            .any(|it| self.running.reach.bases.contains(it))
            && self.by_handlers.contains(name)
            && !elsewhere.any(|it| it.binds && it.attribute.name == name)
            && Stores::of(program, (function, attribute)).always_exclude(lacks)
    }
}

/// The attributes of `self` of which a condition asks only whether they are there.
fn asked_for(test: &Expr) -> Option<Vec<(&ast::ExprAttribute, &'static [Lack])>> {
    if let Expr::BoolOp(it) = test {
        let parts: Option<Vec<_>> = it.values.iter().map(asked_for).collect();
        return Some(parts?.concat());
    }
    let lacks = if test.is_compare_expr() { VALUE } else { FLAG };
    let attribute = present(test).filter(|it| is_name(&it.value, "self"))?;
    Some(vec![(attribute, lacks)])
}
