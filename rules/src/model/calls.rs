//! Finds the calls of a file, and what becomes of their values.

use lint_core::diagnostic::FileId;
use lint_core::index::{ClassIx, FunctionIx, Index, MODULE_BODY, Module};
use lint_core::names::{Names, Resolved};
use lint_core::project::Project;
use lint_core::syntax::ast::visitor::{Visitor, walk_expr, walk_stmt};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;
use rustc_hash::FxHashMap;

use super::classes::canonical;
use super::types::{CallSite, Usage};

/// The calls in a file in which there are no runbooks.
pub(crate) fn calls_in<'p>(
    project: &'p Project<'p>,
    names: &Names<'p>,
    file: FileId,
) -> Vec<CallSite<'p>> {
    let mut calls = Vec::new();
    if let Some(module) = project.module(file) {
        collect(names, file, module, &FxHashMap::default(), &mut calls);
    }
    calls
}

/// Adds the calls of a file. `owners` are its runbook classes.
pub(super) fn collect<'p>(
    names: &Names<'p>,
    file: FileId,
    module: &'p Module,
    owners: &FxHashMap<ClassIx, usize>,
    calls: &mut Vec<CallSite<'p>>,
) {
    let mut collector = Collector {
        names,
        file,
        index: module.index(),
        owners,
        calls,
        function: MODULE_BODY,
        runbook: None,
        flow: Flow::default(),
        value: Value::default(),
    };
    collector.visit_body(&module.tree().body);
}

struct Collector<'c, 'p> {
    names: &'c Names<'p>,
    file: FileId,
    index: &'p Index<'p>,
    owners: &'c FxHashMap<ClassIx, usize>,
    calls: &'c mut Vec<CallSite<'p>>,
    function: FunctionIx,
    runbook: Option<usize>,
    flow: Flow,
    /// What becomes of the expression that is visited next.
    value: Value<'p>,
}

#[derive(Clone, Copy, Default)]
struct Flow {
    in_loop: bool,
    in_comprehension: bool,
    in_branch: bool,
}

#[derive(Clone)]
struct Value<'p> {
    usage: Usage<'p>,
    awaited: bool,
    collected: bool,
}

impl Default for Value<'_> {
    fn default() -> Self {
        Self {
            usage: Usage::Other,
            awaited: false,
            collected: false,
        }
    }
}

impl<'p> Value<'p> {
    fn of(usage: Usage<'p>) -> Self {
        Self {
            usage,
            ..Self::default()
        }
    }

    /// What is awaited twice gave an awaitable, and that is used up here.
    fn awaited(self) -> Self {
        let rest = if self.awaited { Self::default() } else { self };
        Self {
            awaited: true,
            ..rest
        }
    }

    fn collected(self) -> Self {
        Self {
            collected: true,
            awaited: false,
            ..self
        }
    }
}

impl<'p> Collector<'_, 'p> {
    fn visit_as(&mut self, value: Value<'p>, expression: &'p Expr) {
        self.value = value;
        self.visit_expr(expression);
    }

    fn flowing(&mut self, change: impl FnOnce(&mut Flow), visit: impl FnOnce(&mut Self)) {
        let outer = self.flow;
        change(&mut self.flow);
        visit(self);
        self.flow = outer;
    }

    fn in_loop(&mut self, visit: impl FnOnce(&mut Self)) {
        self.flowing(|flow| flow.in_loop = true, visit);
    }

    fn in_branch(&mut self, visit: impl FnOnce(&mut Self)) {
        self.flowing(|flow| flow.in_branch = true, visit);
    }

    fn enter(&mut self, function: FunctionIx, visit: impl FnOnce(&mut Self)) {
        let outer = (self.function, self.runbook, self.flow);
        self.function = function;
        self.flow = Flow::default();
        if let Some(class) = self.index.function(function).class {
            self.runbook = self.owners.get(&class).copied();
        }
        visit(self);
        (self.function, self.runbook, self.flow) = outer;
    }

    fn visit_defaults(&mut self, parameters: &'p ast::Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.visit_as(Value::default(), default);
            }
        }
    }

    fn visit_call(&mut self, call: &'p ast::ExprCall, value: Value<'p>) {
        self.visit_as(Value::default(), &call.func);
        let callee = match self.names.resolve(self.file, self.function, &call.func) {
            Some(Resolved::External(name)) => Some(Resolved::External(canonical(&name))),
            other => other,
        };
        let kept_in = kept_in(call, callee.as_ref());
        // `list(map(…))`
        let is_list = matches!(&callee, Some(Resolved::External(name)) if name == "list");
        let argument = |callee: &Option<Resolved>| match kept_in {
            Some(collection) => Value::of(Usage::Kept(collection)).collected(),
            None if is_list => value.clone().collected(),
            None => Value::of(Usage::Argument(callee.clone())),
        };
        for it in &call.arguments.args {
            self.visit_as(argument(&callee), it);
        }
        for keyword in &call.arguments.keywords {
            self.visit_as(argument(&callee), &keyword.value);
        }
        self.calls.push(CallSite {
            file: self.file,
            function: self.function,
            runbook: self.runbook,
            call,
            callee,
            awaited: value.awaited,
            usage: value.usage,
            collected: value.collected,
            in_loop: self.flow.in_loop,
            in_comprehension: self.flow.in_comprehension,
            in_branch: self.flow.in_branch,
        });
    }

    fn visit_elements(&mut self, elements: &'p [Expr], value: &Value<'p>) {
        for element in elements {
            self.visit_as(value.clone().collected(), element);
        }
    }

    fn visit_decorators(&mut self, decorators: &'p [ast::Decorator]) {
        for decorator in decorators {
            self.visit_as(Value::default(), &decorator.expression);
        }
    }

    fn visit_assignment(&mut self, it: &'p ast::StmtAssign) {
        let usage = match &it.targets[..] {
            [target] => Usage::Assigned(target),
            _ => Usage::Other,
        };
        self.visit_as(Value::of(usage), &it.value);
        for target in &it.targets {
            self.visit_as(Value::default(), target);
        }
    }

    fn visit_for(&mut self, it: &'p ast::StmtFor) {
        self.visit_as(Value::default(), &it.iter);
        self.visit_as(Value::default(), &it.target);
        self.in_loop(|this| this.visit_body(&it.body));
        self.in_branch(|this| this.visit_body(&it.orelse));
    }

    fn visit_while(&mut self, it: &'p ast::StmtWhile) {
        self.in_loop(|this| {
            this.visit_as(Value::default(), &it.test);
            this.visit_body(&it.body);
        });
        self.in_branch(|this| this.visit_body(&it.orelse));
    }

    fn visit_try(&mut self, it: &'p ast::StmtTry) {
        self.visit_body(&it.body);
        self.in_branch(|this| {
            for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
                this.visit_body(&handler.body);
            }
        });
        self.visit_body(&it.orelse);
        self.visit_body(&it.finalbody);
    }

    fn visit_generators(
        &mut self,
        generators: &'p [ast::Comprehension],
        elements: &[&'p Expr],
        value: &Value<'p>,
    ) {
        let outer = self.flow;
        for generator in generators {
            self.visit_as(Value::default(), &generator.iter);
            self.flow.in_comprehension = true;
            for condition in &generator.ifs {
                self.visit_as(Value::default(), condition);
            }
        }
        for element in elements {
            self.visit_as(value.clone().collected(), element);
        }
        self.flow = outer;
    }
}

/// Methods that put something into a collection.
pub(crate) const PUTS: &[&str] = &["add", "append", "appendleft", "insert", "put_nowait"];

/// What a call such as `pending.append(…)` puts its arguments into.
fn kept_in<'p>(call: &'p ast::ExprCall, callee: Option<&Resolved>) -> Option<&'p Expr> {
    match &*call.func {
        Expr::Attribute(method) if callee.is_none() && PUTS.contains(&method.attr.as_str()) => {
            Some(&method.value)
        }
        _ => None,
    }
}

impl<'p> Visitor<'p> for Collector<'_, 'p> {
    fn visit_stmt(&mut self, statement: &'p Stmt) {
        match statement {
            Stmt::FunctionDef(def) => {
                self.visit_decorators(&def.decorator_list);
                self.visit_defaults(&def.parameters);
                if let Some(ix) = self.index.function_at(span_of(def)) {
                    self.enter(ix, |this| this.visit_body(&def.body));
                }
            }
            Stmt::ClassDef(def) => {
                self.visit_decorators(&def.decorator_list);
                let outer = self.runbook.take();
                self.visit_body(&def.body);
                self.runbook = outer;
            }
            Stmt::Expr(it) => self.visit_as(Value::of(Usage::Discarded), &it.value),
            Stmt::Return(it) => {
                if let Some(value) = &it.value {
                    self.visit_as(Value::of(Usage::Returned), value);
                }
            }
            Stmt::Assign(it) => self.visit_assignment(it),
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    self.visit_as(Value::of(Usage::Assigned(&it.target)), value);
                }
            }
            Stmt::For(it) => self.visit_for(it),
            Stmt::While(it) => self.visit_while(it),
            Stmt::If(it) => {
                self.visit_as(Value::default(), &it.test);
                self.in_branch(|this| {
                    this.visit_body(&it.body);
                    for clause in &it.elif_else_clauses {
                        this.visit_elif_else_clause(clause);
                    }
                });
            }
            Stmt::Match(it) => {
                self.visit_as(Value::default(), &it.subject);
                self.in_branch(|this| {
                    for case in &it.cases {
                        this.visit_match_case(case);
                    }
                });
            }
            Stmt::Try(it) => self.visit_try(it),
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'p Expr) {
        let value = std::mem::take(&mut self.value);
        match expression {
            Expr::Call(call) => self.visit_call(call, value),
            Expr::Await(it) => self.visit_as(value.awaited(), &it.value),
            Expr::If(it) => {
                self.visit_as(Value::default(), &it.test);
                self.in_branch(|this| {
                    this.visit_as(value.clone(), &it.body);
                    this.visit_as(value, &it.orelse);
                });
            }
            Expr::BoolOp(it) => {
                let (first, rest) = it.values.split_at(1);
                self.visit_as(value.clone(), &first[0]);
                self.in_branch(|this| {
                    for operand in rest {
                        this.visit_as(value.clone(), operand);
                    }
                });
            }
            Expr::List(it) => self.visit_elements(&it.elts, &value),
            Expr::Tuple(it) => self.visit_elements(&it.elts, &value),
            Expr::Set(it) => self.visit_elements(&it.elts, &value),
            Expr::Dict(it) => {
                for item in &it.items {
                    if let Some(key) = &item.key {
                        self.visit_as(Value::default(), key);
                    }
                    self.visit_as(value.clone().collected(), &item.value);
                }
            }
            Expr::Starred(it) => self.visit_as(value.collected(), &it.value),
            Expr::ListComp(it) => self.visit_generators(&it.generators, &[&it.elt], &value),
            Expr::SetComp(it) => self.visit_generators(&it.generators, &[&it.elt], &value),
            Expr::Generator(it) => self.visit_generators(&it.generators, &[&it.elt], &value),
            Expr::DictComp(it) => {
                let elements: Vec<&'p Expr> =
                    it.key.as_deref().into_iter().chain([&*it.value]).collect();
                self.visit_generators(&it.generators, &elements, &value);
            }
            Expr::Lambda(it) => {
                if let Some(parameters) = &it.parameters {
                    self.visit_defaults(parameters);
                }
                if let Some(ix) = self.index.function_at(span_of(it)) {
                    self.enter(ix, |this| {
                        this.visit_as(Value::of(Usage::Returned), &it.body);
                    });
                }
            }
            _ => walk_expr(self, expression),
        }
    }

    fn visit_annotation(&mut self, _annotation: &'p Expr) {}
}
