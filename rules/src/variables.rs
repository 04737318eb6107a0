//! How a function uses a variable of its own, and whether what is in it can still be awaited.

use lint_core::diagnostic::FileId;
use lint_core::index::{FunctionIx, FunctionNode, MODULE_BODY};
use lint_core::names::Resolved;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::{last_name, span_of};
use rustc_hash::FxHashMap;

use crate::model::{CallSite, Model, PUTS};

/// What something other than `await` does with the value of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It needs the value: an operand, something to go through.
    Value,
    /// It needs the value, but not what it may hold: its length, its text, a payload.
    Whole,
    /// It only asks whether the value is true, or whether it is `None`.
    Truth,
}

/// How the values of calls, names and attributes are taken, by place.
#[derive(Default)]
pub(crate) struct Takings(FxHashMap<(FileId, u32, u32), Taken>);

impl Takings {
    pub(crate) fn of(&self, file: FileId, expr: &Expr) -> Option<Taken> {
        let span = span_of(expr);
        self.0.get(&(file, span.start, span.end)).copied()
    }

    pub(crate) fn of_call(&self, file: FileId, call: &ast::ExprCall) -> Option<Taken> {
        let span = span_of(call);
        self.0.get(&(file, span.start, span.end)).copied()
    }

    pub(crate) fn add(&mut self, file: FileId, expr: &Expr, taken: Taken) {
        if matches!(expr, Expr::Call(_) | Expr::Name(_) | Expr::Attribute(_)) {
            let span = span_of(expr);
            self.0.insert((file, span.start, span.end), taken);
        }
    }
}

/// What coroutines, tasks and futures have of their own.
const OF_COROUTINES: &[&str] = &[
    "add_done_callback",
    "cancel",
    "cancelled",
    "close",
    "done",
    "exception",
    "result",
    "send",
    "throw",
];

/// How a function, with those nested in it, uses a variable of its own.
struct VariableUse<'n, 'p> {
    model: &'n Model<'p>,
    place: (FileId, FunctionIx),
    name: &'n str,
    /// How the values of names in the file are taken, if that is asked for.
    taken: Option<(&'n Takings, FileId)>,
    /// Reads of the value as a whole: it may go anywhere from there.
    reads: usize,
    /// Reads that need what a coroutine does not have: an attribute, an element, a value.
    looks: usize,
    /// Reads of the value as a whole that wait for it, or give it to what does.
    awaits: usize,
    /// Conditions that only ask whether it is true.
    tests: usize,
    stores: usize,
    /// Whether it is a dictionary, so that going through it gives keys.
    is_mapping: bool,
    /// Reads that go through it: of a dictionary, these give its keys.
    keys: usize,
    /// Reads that get nothing out of it.
    wholes: usize,
}

impl VariableUse<'_, '_> {
    fn is_read(&self) -> bool {
        self.reads + self.looks + self.keys + self.wholes > 0
    }

    fn is_it(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::Name(name) if name.id.as_str() == self.name)
    }

    /// `asyncio.gather(it)`, `asyncio.wait([it])`, `group.create_task(it)`
    fn is_given_to_wait(&self, call: &ast::ExprCall) -> bool {
        let (file, function) = self.place;
        let resolved = self
            .model
            .names_in(file)
            .resolve(file, function, &call.func);
        let waits = match &resolved {
            Some(Resolved::External(name)) => name
                .rsplit_once('.')
                .is_some_and(|(module, name)| WAITING.contains(&module) && WAITERS.contains(&name)),
            Some(_) => false,
            // It may be a method of a group of tasks or of a loop.
            None => WAITERS.contains(&last_name(&call.func)),
        };
        let holds = |it: &Expr| match it {
            Expr::List(it) => it.elts.iter().any(|it| self.is_it(it)),
            Expr::Set(it) => it.elts.iter().any(|it| self.is_it(it)),
            Expr::Tuple(it) => it.elts.iter().any(|it| self.is_it(it)),
            other => self.is_it(other),
        };
        waits && call.arguments.args.iter().any(holds)
    }
}

const WAITING: &[&str] = &["asyncio", "temporalio.workflow"];

/// What awaits the coroutines that it is given there.
const WAITERS: &[&str] = &[
    "as_completed",
    "create_task",
    "ensure_future",
    "gather",
    "shield",
    "wait",
    "wait_for",
];

impl<'a> Visitor<'a> for VariableUse<'_, '_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        let is_waited_for = match expression {
            Expr::Await(it) => self.is_it(&it.value),
            Expr::Call(it) => self.is_given_to_wait(it),
            _ => false,
        };
        self.awaits += usize::from(is_waited_for);
        match expression {
            Expr::Attribute(it)
                if self.is_it(&it.value) && !OF_COROUTINES.contains(&it.attr.as_str()) =>
            {
                match it.attr.as_str() {
                    "keys" => self.keys += 1,
                    _ => self.looks += 1,
                }
            }
            Expr::Subscript(it) if self.is_it(&it.value) => {
                self.looks += 1;
                self.visit_expr(&it.slice);
            }
            Expr::Name(name) if self.is_it(expression) => {
                let taken = self.taken.and_then(|(all, file)| all.of(file, expression));
                match taken {
                    _ if !name.ctx.is_load() => self.stores += 1,
                    Some(Taken::Value) => self.keys += 1,
                    Some(Taken::Whole) => self.wholes += 1,
                    Some(Taken::Truth) => self.tests += 1,
                    None => self.reads += 1,
                }
            }
            _ => walk_expr(self, expression),
        }
    }
    fn visit_stmt(&mut self, statement: &'a ast::Stmt) {
        // `total += value` reads what it writes.
        match statement {
            ast::Stmt::AugAssign(it) if self.is_it(&it.target) => self.reads += 1,
            ast::Stmt::Assign(it) if it.targets.iter().any(|it| self.is_it(it)) => {
                self.is_mapping |= matches!(&*it.value, Expr::Dict(_) | Expr::DictComp(_));
            }
            ast::Stmt::AnnAssign(it) if self.is_it(&it.target) => {
                self.is_mapping |=
                    matches!(it.value.as_deref(), Some(Expr::Dict(_) | Expr::DictComp(_)));
            }
            _ => {}
        }
        ast::visitor::walk_stmt(self, statement);
    }
}

/// Whether code of the function, or of one nested in it, reads the name.
pub(crate) fn reads_name(
    model: &Model<'_>,
    file: FileId,
    function: FunctionIx,
    name: &str,
) -> bool {
    variable_use(model, None, (file, function), name).is_none_or(|it| it.is_read())
}

/// Whether the coroutine that a call leaves in a variable, alone or in a collection, can still be
/// awaited: something awaits it, or the variable is read as a whole, and not also taken for the result.
pub(crate) fn can_be_awaited_later(
    model: &Model<'_>,
    takings: &Takings,
    site: &CallSite<'_>,
    name: &str,
) -> bool {
    let place = (site.file, site.function);
    variable_use(model, Some(takings), place, name).is_none_or(|it| {
        // Where it may not be set, or a helper may give nothing, a condition asks whether it is there.
        let tests = if site.in_branch || site.awaited {
            0
        } else {
            it.tests
        };
        let looks = it.looks + it.keys;
        let is_used = looks + it.wholes + tests > 0;
        let is_taken_for_result = !site.collected && is_used && it.stores == 1;
        let elements = if it.is_mapping { it.looks } else { looks };
        let is_asked = !site.awaited && it.tests > tests;
        let is_read = it.reads > 0 || is_asked || site.collected && elements > 0;
        it.awaits > 0 || is_read && !is_taken_for_result
    })
}

/// Whether the function reads the variable as a whole, so that its value may go anywhere.
pub(crate) fn is_read_whole(model: &Model<'_>, site: &CallSite<'_>, name: &str) -> bool {
    let place = (site.file, site.function);
    variable_use(model, None, place, name).is_none_or(|it| it.reads > 0)
}

/// Whether anything is done with a collection but putting things into it and counting them.
pub(crate) fn is_taken_out(model: &Model<'_>, site: &CallSite<'_>, name: &str) -> bool {
    let idle = calls_within(model, site, |call| match &*call.func {
        Expr::Attribute(method) => {
            is_name(&method.value, name) && PUTS.contains(&method.attr.as_str())
        }
        Expr::Name(function) => {
            function.id.as_str() == "len"
                && matches!(&*call.arguments.args, [counted] if is_name(counted, name))
        }
        _ => false,
    });
    variable_use(model, None, (site.file, site.function), name)
        .is_none_or(|it| it.reads + it.looks + it.keys > idle.len())
}

/// Whether the function does nothing with the value as a whole but to put it into collections that
/// nothing is taken out of.
pub(crate) fn is_only_put_away(model: &Model<'_>, site: &CallSite<'_>, name: &str) -> bool {
    let puts = calls_within(model, site, |call| {
        let is_put = |it: &ast::ExprAttribute| PUTS.contains(&it.attr.as_str());
        call.func.as_attribute_expr().is_some_and(is_put)
            && matches!(call.arguments.args.last(), Some(it) if is_name(it, name))
    });
    let is_lost = |call: &&ast::ExprCall| match &*call.func {
        Expr::Attribute(it) => match &*it.value {
            Expr::Name(collection) => !is_taken_out(model, site, collection.id.as_str()),
            _ => false,
        },
        _ => false,
    };
    let place = (site.file, site.function);
    puts.iter().all(is_lost)
        && variable_use(model, None, place, name).is_some_and(|it| it.reads == puts.len())
}

fn is_name(expression: &Expr, name: &str) -> bool {
    matches!(expression, Expr::Name(it) if it.id.as_str() == name)
}

/// The calls in the function around a call that a test accepts.
fn calls_within<'p>(
    model: &Model<'p>,
    site: &CallSite<'_>,
    accepts: impl Fn(&ast::ExprCall) -> bool,
) -> Vec<&'p ast::ExprCall> {
    struct Calls<'a, F>(F, Vec<&'a ast::ExprCall>);
    impl<'a, F: Fn(&ast::ExprCall) -> bool> Visitor<'a> for Calls<'a, F> {
        fn visit_expr(&mut self, expression: &'a Expr) {
            if let Expr::Call(call) = expression
                && self.0(call)
            {
                self.1.push(call);
            }
            walk_expr(self, expression);
        }
    }
    let mut calls = Calls(accepts, Vec::new());
    let function = model.index(site.file).map(|it| it.function(site.function));
    if let Some(FunctionNode::Def(def)) = function.map(|it| it.node) {
        calls.visit_body(&def.body);
    }
    calls.1
}

/// `None` for a name that other code can use too.
fn variable_use<'n, 'p>(
    model: &'n Model<'p>,
    takings: Option<&'n Takings>,
    (file, function): (FileId, FunctionIx),
    name: &'n str,
) -> Option<VariableUse<'n, 'p>> {
    let it = model.index(file)?.function(function);
    let is_own = function != MODULE_BODY
        && it.locals.contains(name)
        && !it.globals.contains(name)
        && !it.nonlocals.contains(name);
    if !is_own {
        return None;
    }
    let mut used = VariableUse {
        model,
        place: (file, function),
        name,
        taken: takings.map(|it| (it, file)),
        reads: 0,
        looks: 0,
        awaits: 0,
        tests: 0,
        stores: 0,
        is_mapping: false,
        keys: 0,
        wholes: 0,
    };
    match it.node {
        FunctionNode::Module(module) => used.visit_body(&module.body),
        FunctionNode::Def(def) => used.visit_body(&def.body),
        FunctionNode::Lambda(lambda) => used.visit_expr(&lambda.body),
    }
    Some(used)
}
