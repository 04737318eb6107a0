//! What becomes of coroutines that are not awaited where they are made: whether somebody may still
//! await them, or they are taken for the result that they would have.

use lint_core::diagnostic::FileId;
use lint_core::facts::{Facts, FunctionRef};
use lint_core::index::{FunctionIx, FunctionNode};
use lint_core::knowledge::Role;
use lint_core::names::Resolved;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt};
use rustc_hash::FxHashSet;

use crate::model::{CallSite, Model, PUTS, Usage};
use crate::program::{Node, Program, Running, own_nodes};
use crate::variables::{Taken, Takings, can_be_awaited_later, is_taken_out};

/// How a coroutine gets lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    Discarded,
    Unread,
    Used,
    Returned,
}

/// Knows of each call and each name how its value is taken, and which functions give theirs to the SDK.
pub(crate) struct Awaitables<'m, 'p> {
    model: &'m Model<'p>,
    takings: Takings,
    /// `run`, steps and updates: what these return is serialised.
    answers: FxHashSet<(FileId, FunctionIx)>,
}

impl<'m, 'p> Awaitables<'m, 'p> {
    pub(crate) fn new(model: &'m Model<'p>, facts: &Facts<'_>) -> Self {
        let mut this = Self {
            model,
            takings: Takings::default(),
            answers: answers(model, facts),
        };
        for file in this.files() {
            if let Some(module) = model.module(file) {
                let takings = &mut this.takings;
                Finder { file, takings }.visit_body(&module.tree().body);
            }
        }
        for site in model.all_calls() {
            this.take_arguments(site);
        }
        this.take_answers(Program::new(facts));
        this
    }

    fn files(&self) -> Vec<FileId> {
        let mut files = self.model.files.clone();
        files.extend(self.model.temporal_calls().iter().map(|site| site.file));
        files.sort_unstable();
        files.dedup();
        files
    }

    /// How the value that a call gives, awaited or not, is never awaited afterwards; `None` if it may be.
    pub(crate) fn lost(&self, site: &CallSite<'_>) -> Option<Lost> {
        self.lost_within(site, &mut FxHashSet::default())
    }

    fn lost_within(
        &self,
        site: &CallSite<'_>,
        seen: &mut FxHashSet<(FileId, FunctionIx)>,
    ) -> Option<Lost> {
        // What goes through a `map` takes the coroutines one by one.
        let is_stream = site.external() == Some("map");
        let is_taken = || self.takings.of_call(site.file, site.call).is_some();
        if !site.awaited && !is_stream && is_taken() {
            return Some(Lost::Used);
        }
        match &site.usage {
            Usage::Discarded => Some(Lost::Discarded),
            Usage::Assigned(Expr::Name(target)) => {
                let is_kept =
                    can_be_awaited_later(self.model, &self.takings, site, target.id.as_str());
                (!is_kept).then_some(Lost::Unread)
            }
            Usage::Kept(Expr::Name(collection)) => {
                let is_kept = is_taken_out(self.model, site, collection.id.as_str());
                (!is_kept).then_some(Lost::Unread)
            }
            Usage::Assigned(Expr::Attribute(it)) | Usage::Kept(Expr::Attribute(it)) => {
                (!self.is_attribute_read(it.attr.as_str())).then_some(Lost::Unread)
            }
            Usage::Returned => self
                .is_lost_by_callers(site, seen)
                .then_some(Lost::Returned),
            Usage::Assigned(_) | Usage::Kept(_) | Usage::Argument(_) | Usage::Other => None,
        }
    }

    /// Whether an `async` function that returns the coroutine has no caller that awaits it once more.
    fn is_lost_by_callers(
        &self,
        site: &CallSite<'_>,
        seen: &mut FxHashSet<(FileId, FunctionIx)>,
    ) -> bool {
        let here = (site.file, site.function);
        let function = self
            .model
            .index(site.file)
            .map(|it| it.function(site.function));
        let is_async = function.is_some_and(|it| it.node.is_async());
        if !is_async || !seen.insert(here) {
            return false;
        }
        if self.answers.contains(&here) {
            return true;
        }
        let callee = Resolved::Function {
            file: site.file,
            ix: site.function,
        };
        let mut callers = self
            .model
            .all_calls()
            .filter(|it| it.callee.as_ref() == Some(&callee))
            .peekable();
        callers.peek().is_some()
            && callers.all(|it| it.awaited && self.lost_within(it, seen).is_some())
    }

    /// Whether code anywhere does more with an attribute of this name than to fill it.
    fn is_attribute_read(&self, name: &str) -> bool {
        self.files().into_iter().any(|file| {
            let mut uses = AttributeUse {
                awaitables: self,
                file,
                name,
                is_read: false,
            };
            if let Some(module) = self.model.module(file) {
                uses.visit_body(&module.tree().body);
            }
            uses.is_read
        })
    }

    /// Takes what a call gets as data: payloads of commands, and what a parameter is annotated to be.
    fn take_arguments(&mut self, site: &CallSite<'p>) {
        let arguments = &site.call.arguments;
        match site.callee.as_ref() {
            Some(Resolved::External(name)) => {
                let of_api = site
                    .workflow_api()
                    .is_some_and(|it| TAKES_PAYLOADS.contains(&it));
                let of_base = site.base_method().is_some_and(|it| GATES.contains(&it));
                if of_api {
                    for payload in arguments.args.iter().skip(1) {
                        self.take_payload(site.file, payload);
                    }
                }
                for keyword in &arguments.keywords {
                    let name = keyword.arg.as_ref().map(ast::Identifier::as_str);
                    let is_payload = match name {
                        Some("arg" | "args") => of_api,
                        Some("payload" | "input" | "inputs") => of_base,
                        _ => false,
                    };
                    if is_payload {
                        self.take_payload(site.file, &keyword.value);
                    }
                }
                let is_logged = name.starts_with("temporalio.workflow.logger.");
                let taken = match name.as_str() {
                    it if SHOWS.contains(&it) || is_logged => Taken::Whole,
                    it if CONVERTS.contains(&it) => Taken::Value,
                    _ => return,
                };
                for argument in &arguments.args {
                    self.takings.add(site.file, argument, taken);
                }
            }
            Some(&Resolved::Function { file, ix }) => self.take_annotated(site, file, ix),
            _ => {}
        }
    }

    /// Takes what `run`, steps and updates return.
    fn take_answers(&mut self, program: Program<'_, '_>) {
        let of_async = |&(file, ix): &(FileId, FunctionIx)| FunctionRef { file, ix };
        let answers = self.answers.iter().map(of_async);
        let answers = answers.filter(|&it| program.is_async(it));
        let queries = Running::all(program.facts)
            .flat_map(|it| it.entries_of(|role| role == Role::Query))
            .map(|(_, reach)| reach.function);
        for it in answers.chain(queries).collect::<Vec<_>>() {
            let (file, function) = (it.file, program.function(it));
            for node in own_nodes(function) {
                if let Node::Stmt(Stmt::Return(it)) = node
                    && let Some(value) = &it.value
                {
                    self.take_payload(file, value);
                }
            }
        }
    }

    fn take_payload(&mut self, file: FileId, payload: &Expr) {
        match payload {
            Expr::List(it) => it.elts.iter().for_each(|it| self.take_payload(file, it)),
            Expr::Tuple(it) => it.elts.iter().for_each(|it| self.take_payload(file, it)),
            Expr::Dict(it) => {
                it.items
                    .iter()
                    .for_each(|it| self.take_payload(file, &it.value));
            }
            other => self.takings.add(file, other, Taken::Whole),
        }
    }

    fn take_annotated(&mut self, site: &CallSite<'p>, file: FileId, ix: FunctionIx) {
        let Some(index) = self.model.index(file) else {
            return;
        };
        let function = index.function(ix);
        let FunctionNode::Def(def) = function.node else {
            return;
        };
        let is_bound = function.class.is_some() && site.call.func.is_attribute_expr();
        let is_static = def.decorator_list.iter().any(
            |it| matches!(&it.expression, Expr::Name(name) if name.id.as_str() == "staticmethod"),
        );
        let parameters = &def.parameters;
        let positional = parameters.posonlyargs.iter().chain(&parameters.args);
        let positional = positional.skip(usize::from(is_bound && !is_static));
        let mut given = Vec::new();
        for (parameter, argument) in positional.zip(&site.call.arguments.args) {
            if argument.is_starred_expr() {
                break;
            }
            given.push((&parameter.parameter, argument));
        }
        for keyword in &site.call.arguments.keywords {
            let Some(name) = &keyword.arg else { continue };
            let parameter = parameters
                .iter_non_variadic_params()
                .find(|it| it.name() == name);
            given.extend(parameter.map(|it| (&it.parameter, &keyword.value)));
        }
        for (parameter, argument) in given {
            let annotation = parameter.annotation.as_deref();
            if annotation.is_some_and(|it| self.is_no_awaitable(file, function.parent, it)) {
                self.takings.add(site.file, argument, Taken::Value);
            }
        }
    }

    /// Whether an annotation names nothing but types that cannot be awaited.
    fn is_no_awaitable(&self, file: FileId, function: FunctionIx, annotation: &Expr) -> bool {
        let again = |it: &Expr| self.is_no_awaitable(file, function, it);
        match annotation {
            Expr::NoneLiteral(_) => true,
            Expr::BinOp(it) => again(&it.left) && again(&it.right),
            Expr::Subscript(it) => match self.resolve(file, function, &it.value) {
                Some(Resolved::External(name)) if name == "typing.Optional" => again(&it.slice),
                _ => again(&it.value),
            },
            other => match self.resolve(file, function, other) {
                Some(Resolved::Class { file, ix }) => self.model.index(file).is_some_and(|index| {
                    let mut methods = index.functions.iter();
                    !methods.any(|it| it.class == Some(ix) && it.qualname.ends_with(".__await__"))
                        && index.class(ix).node.arguments.as_ref().is_none_or(|it| {
                            it.args.is_empty()
                                || it
                                    .args
                                    .iter()
                                    .all(|base| !matches!(base, Expr::Subscript(_)))
                        })
                }),
                Some(Resolved::External(name)) => {
                    PLAIN.contains(&name.as_str()) || name.starts_with("datetime.")
                }
                _ => false,
            },
        }
    }

    fn resolve(&self, file: FileId, function: FunctionIx, expr: &Expr) -> Option<Resolved> {
        let names = &self.model.names;
        let resolved = names.resolve(file, function, expr);
        resolved.or_else(|| self.model.temporal_names().resolve(file, function, expr))
    }
}

const TAKES_PAYLOADS: &[&str] = &[
    "continue_as_new",
    "execute_activity",
    "execute_activity_class",
    "execute_activity_method",
    "execute_child_workflow",
    "execute_local_activity",
    "execute_local_activity_method",
    "start_activity",
    "start_activity_class",
    "start_activity_method",
    "start_child_workflow",
    "start_local_activity",
    "start_local_activity_method",
];
const GATES: &[&str] = &[
    "run_child_workflow",
    "run_child_workflows",
    "wait_for_action",
];
/// Functions of Python that need what they are given to be a value, and take nothing out of it.
const SHOWS: &[&str] = &[
    "abs", "bool", "float", "int", "len", "print", "repr", "round", "str",
];
/// Functions of Python that go through what they are given.
const CONVERTS: &[&str] = &[
    "all",
    "any",
    "dict",
    "enumerate",
    "frozenset",
    "list",
    "max",
    "min",
    "set",
    "sorted",
    "sum",
    "tuple",
    "zip",
];
const PLAIN: &[&str] = &[
    "bool",
    "bytes",
    "complex",
    "decimal.Decimal",
    "dict",
    "float",
    "frozenset",
    "int",
    "set",
    "str",
    "typing.Dict",
    "typing.FrozenSet",
    "typing.Set",
    "uuid.UUID",
];

fn answers(model: &Model<'_>, facts: &Facts<'_>) -> FxHashSet<(FileId, FunctionIx)> {
    let mut found = FxHashSet::default();
    for class in model.classes() {
        for method in &class.methods {
            if method.mark(Role::Run).is_some() || method.mark(Role::Step).is_some() {
                found.insert((class.file, method.ix));
            }
        }
    }
    for running in Running::all(facts) {
        let answering = running.entries_of(|role| matches!(role, Role::Run | Role::Update));
        found.extend(answering.map(|(_, reach)| (reach.function.file, reach.function.ix)));
    }
    found
}

fn is_display(target: &Expr) -> bool {
    matches!(target, Expr::Tuple(_) | Expr::List(_))
}

/// Finds what operators and statements take.
struct Finder<'t> {
    file: FileId,
    takings: &'t mut Takings,
}

impl Finder<'_> {
    fn value(&mut self, expr: &Expr) {
        self.takings.add(self.file, expr, Taken::Value);
    }

    fn truth(&mut self, expr: &Expr) {
        match expr {
            Expr::BoolOp(it) => it.values.iter().for_each(|it| self.truth(it)),
            other => self.takings.add(self.file, other, Taken::Truth),
        }
    }
}

impl<'a> Visitor<'a> for Finder<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            // What a name or an attribute is asked for may be something that coroutines have.
            Expr::Attribute(it) if it.value.is_call_expr() => self.value(&it.value),
            Expr::Subscript(it) if it.value.is_call_expr() => self.value(&it.value),
            Expr::BinOp(it) => {
                self.value(&it.left);
                self.value(&it.right);
            }
            Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => self.truth(&it.operand),
            Expr::UnaryOp(it) => self.value(&it.operand),
            Expr::Compare(it) => {
                let how = match &it.ops[..] {
                    [ast::CmpOp::Lt | ast::CmpOp::LtE | ast::CmpOp::Gt | ast::CmpOp::GtE] => {
                        Taken::Value
                    }
                    _ => Taken::Truth,
                };
                for operand in std::iter::once(&*it.left).chain(&it.comparators) {
                    self.takings.add(self.file, operand, how);
                }
            }
            Expr::If(it) => self.truth(&it.test),
            Expr::FString(it) => {
                for element in it.value.elements() {
                    if let ast::InterpolatedStringElement::Interpolation(it) = element {
                        self.takings.add(self.file, &it.expression, Taken::Whole);
                    }
                }
            }
            _ => {}
        }
        walk_expr(self, expression);
    }

    fn visit_comprehension(&mut self, comprehension: &'a ast::Comprehension) {
        self.value(&comprehension.iter);
        comprehension.ifs.iter().for_each(|it| self.truth(it));
        ast::visitor::walk_comprehension(self, comprehension);
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::If(it) => {
                self.truth(&it.test);
                let others = it
                    .elif_else_clauses
                    .iter()
                    .filter_map(|it| it.test.as_ref());
                others.for_each(|test| self.truth(test));
            }
            Stmt::While(it) => self.truth(&it.test),
            Stmt::Assert(it) => self.truth(&it.test),
            Stmt::For(it) if !it.is_async => self.value(&it.iter),
            Stmt::AugAssign(it) => self.value(&it.value),
            // Several names take several values.
            Stmt::Assign(it) if it.targets.iter().any(is_display) => self.value(&it.value),
            Stmt::Match(it) => self.value(&it.subject),
            _ => {}
        }
        walk_stmt(self, statement);
    }
}

/// Looks for a read of an attribute, by its name, that is more than a way to fill it.
struct AttributeUse<'a, 'm, 'p> {
    awaitables: &'a Awaitables<'m, 'p>,
    file: FileId,
    name: &'a str,
    is_read: bool,
}

impl<'a> Visitor<'a> for AttributeUse<'_, '_, '_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Call(call) if self.counts(call) => {}
            Expr::Call(call) if self.fills(call) => {
                for argument in &call.arguments.args {
                    self.visit_expr(argument);
                }
            }
            Expr::Attribute(it) if it.attr.as_str() == self.name && it.ctx.is_load() => {
                let taken = self.awaitables.takings.of(self.file, expression);
                self.is_read |= taken != Some(Taken::Truth);
                self.visit_expr(&it.value);
            }
            // `getattr(self, "pending")`
            Expr::StringLiteral(it) => self.is_read |= it.value.to_str() == self.name,
            _ => walk_expr(self, expression),
        }
    }
}

impl AttributeUse<'_, '_, '_> {
    fn fills(&self, call: &ast::ExprCall) -> bool {
        match &*call.func {
            Expr::Attribute(method) => {
                PUTS.contains(&method.attr.as_str()) && self.is_it(&method.value)
            }
            _ => false,
        }
    }

    /// `len(self.pending)`
    fn counts(&self, call: &ast::ExprCall) -> bool {
        let is_len = matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "len");
        is_len && matches!(&call.arguments.args[..], [counted] if self.is_it(counted))
    }

    fn is_it(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Attribute(it) if it.attr.as_str() == self.name)
    }
}
