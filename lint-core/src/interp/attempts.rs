//! `try` and `with`: what may fail, and what happens then.

use crate::diagnostic::Span;
use crate::index::MODULE_BODY;
use crate::knowledge::{INSTALLED, Remarks, Role, Sandbox};
use crate::syntax::ast::{self, CmpOp, Expr, Stmt};
use crate::syntax::span_of;

use super::{How, Machine, Obj, SinkKind, State, Value};

impl<'p> Machine<'p> {
    pub(super) fn try_statement(&mut self, it: &'p ast::StmtTry) {
        if self.asks_where_it_runs(it) {
            self.frame.has_returned = true;
            self.frame.returned.join(&Value::of(Obj::Bool(true)));
            self.leave_function();
            self.frame.state.dead = true;
            return;
        }
        let before = self.frame.state.clone();
        let catches = !it.handlers.is_empty();
        let (outer, thrown) = self.open_try(catches);
        self.execute(&it.body);
        self.end_try_body(thrown, catches, it.handlers.iter().any(catches_everything));
        let mut raised = before;
        // An exception can leave the body after any of its statements.
        let end = State {
            dead: false,
            ..self.frame.state.clone()
        };
        raised.join(&end);
        raised.attributes.clear();
        self.execute(&it.orelse);
        let mut after = std::mem::take(&mut self.frame.state);
        let handlers = if self.cannot_raise(&it.body) {
            &[][..]
        } else {
            &it.handlers[..]
        };
        for ast::ExceptHandler::ExceptHandler(handler) in handlers {
            self.frame.state = State {
                dead: false,
                ..raised.clone()
            };
            if self.handle(handler, &it.body) {
                after.join(&self.frame.state);
            }
        }
        self.close_control(outer);
        let dead = after.dead;
        // `finally` also runs on the way out.
        self.frame.state = if dead {
            State {
                dead: false,
                ..raised
            }
        } else {
            after
        };
        self.execute(&it.finalbody);
        self.frame.state.dead |= dead;
    }

    /// Runs a handler; says whether what it catches can be raised at all.
    fn handle(&mut self, handler: &'p ast::ExceptHandlerExceptHandler, body: &'p [Stmt]) -> bool {
        let mut missing = None;
        let exception = match &handler.type_ {
            Some(type_) => {
                let class = self.evaluate(type_);
                if self.is_failed_import(&class) {
                    if self.imports_what_is_there(body) {
                        return false;
                    }
                    missing = self.missing(body);
                }
                self.note_exception(&class, span_of(&**type_));
                self.instances_of(&class)
            }
            None => Value::unknown(),
        };
        if let Some(name) = &handler.name {
            let sym = self.sym(name.as_str());
            self.assign_name(sym, &exception, span_of(name));
        }
        let outer = self.open_control();
        if let Some(place) = self.place_missed(body, &exception) {
            let asked = Value::bottom().at_place(Some(place));
            self.decide(&asked, SinkKind::Branch, span_of(&body[0]));
        }
        match missing {
            Some(_) => self.execute_without(missing, &handler.body),
            None => self.execute(&handler.body),
        }
        self.close_control(outer);
        true
    }

    /// Runs what is done without a package. Only flags tell that it is missing: what stands in for the
    /// package is meant to do the same.
    fn execute_without(&mut self, missing: Option<super::SourceId>, body: &'p [Stmt]) {
        let missing = Value::bottom().with_source(missing);
        for statement in body {
            let outer = self.open_control();
            if sets_flag(statement) {
                self.decide(&missing, SinkKind::Branch, span_of(statement));
            }
            self.execute(std::slice::from_ref(statement));
            self.close_control(outer);
        }
    }

    /// The origin of what a module knows of the package that it fails to import: a worker may have it
    /// where another one has not.
    fn missing(&mut self, body: &[Stmt]) -> Option<super::SourceId> {
        if !self.at_import() {
            return None;
        }
        let is_import = |it: &&Stmt| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_));
        // `with workflow.unsafe.imports_passed_through():` may stand around it.
        let mut statements = body.iter().flat_map(|it| match it {
            Stmt::With(it) => &it.body[..],
            it => std::slice::from_ref(it),
        });
        let import = statements.find(is_import)?;
        let module = match import {
            Stmt::Import(it) => it.names.first()?.name.as_str(),
            Stmt::ImportFrom(it) => it.module.as_ref().filter(|_| it.level == 0)?.as_str(),
            _ => return None,
        };
        let package = module.split('.').next().unwrap_or(module);
        if self.knowledge.is_stdlib(package) || self.is_package_of_project(package) {
            return None;
        }
        let name = self.sym(module);
        self.hazard(
            name,
            INSTALLED,
            Sandbox::Allows,
            Remarks::NONE,
            span_of(import),
        )
    }

    /// The shared mapping of which a handler says that it lacks a key: `try: return MEMO[key]`.
    fn place_missed(&mut self, body: &'p [Stmt], exception: &Value) -> Option<super::SourceId> {
        let is_missing_key = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => matches!(self.str(*ty), "KeyError" | "LookupError"),
            _ => false,
        };
        if !exception.objs().iter().any(is_missing_key) {
            return None;
        }
        let asked = match body {
            [Stmt::Return(it)] => it.value.as_deref()?,
            [Stmt::Assign(it)] => &it.value,
            [Stmt::Expr(it)] => &it.value,
            _ => return None,
        };
        let Expr::Subscript(asked) = asked else {
            return None;
        };
        self.evaluate(&asked.value).place()
    }

    /// Whether exceptions of a class only say that an import has failed.
    fn is_failed_import(&self, class: &Value) -> bool {
        let is_one = |obj: &Obj| match obj {
            Obj::External(name) => {
                matches!(self.str(*name), "ImportError" | "ModuleNotFoundError")
            }
            _ => false,
        };
        !class.objs().is_empty() && class.objs().iter().all(is_one)
    }

    /// Whether a body imports something, and nothing but the SDKs: what runs workflows has them.
    fn imports_what_is_there(&self, body: &[Stmt]) -> bool {
        let is_import = |it: &Stmt| matches!(it, Stmt::Import(_) | Stmt::ImportFrom(_));
        let mut imports = body.iter().filter(|it| is_import(it)).peekable();
        imports.peek().is_some() && imports.all(|it| self.is_import_of_sdk(it))
    }

    fn is_import_of_sdk(&self, statement: &Stmt) -> bool {
        let is_sdk = |module: &str| {
            let package = module.split('.').next().unwrap_or(module);
            self.knowledge.is_sdk_package(package)
        };
        match statement {
            Stmt::Import(it) => it.names.iter().all(|alias| is_sdk(alias.name.as_str())),
            Stmt::ImportFrom(it) => {
                it.level == 0
                    && it
                        .module
                        .as_ref()
                        .is_some_and(|module| is_sdk(module.as_str()))
            }
            _ => false,
        }
    }

    /// Whether a body only asks for what is there in workflow code, and raises elsewhere: the
    /// running loop, the workflow. Then its handlers are for code that runs elsewhere.
    fn cannot_raise(&self, body: &'p [Stmt]) -> bool {
        let mut asks = false;
        let is_certain = body.iter().all(|statement| {
            let value = match statement {
                Stmt::Return(it) => it.value.as_deref(),
                Stmt::Assign(it) => Some(&*it.value),
                Stmt::Expr(it) => Some(&*it.value),
                Stmt::Pass(_) => None,
                statement => return self.is_import_of_sdk(statement),
            };
            let is_present = value.is_some_and(|value| self.is_present(value));
            asks |= is_present;
            is_present || value.is_none_or(|value| value.is_name_expr() || value.is_literal_expr())
        });
        asks && is_certain && !self.at_import()
    }

    /// `try: return bool(workflow.info())`, `except RuntimeError: return False`: in a workflow that
    /// is true.
    fn asks_where_it_runs(&mut self, it: &'p ast::StmtTry) -> bool {
        let is_no = |handler: &ast::ExceptHandler| {
            let ast::ExceptHandler::ExceptHandler(handler) = handler;
            let [Stmt::Return(returned)] = &handler.body[..] else {
                return false;
            };
            let value = returned
                .value
                .as_deref()
                .and_then(Expr::as_boolean_literal_expr);
            value.is_some_and(|it| !it.value)
        };
        let Some((Stmt::Return(last), before)) = it.body.split_last() else {
            return false;
        };
        let asked = match last.value.as_deref() {
            Some(asked @ (Expr::Call(_) | Expr::Compare(_))) => asked,
            _ => return false,
        };
        let may_ask = !it.handlers.is_empty() && it.handlers.iter().all(is_no);
        let may_log = |it: &Stmt| matches!(it, Stmt::Expr(_)) || self.is_import_of_sdk(it);
        if !may_ask || !before.iter().all(may_log) {
            return false;
        }
        self.execute(before);
        self.evaluate(asked);
        let only_logs = before.iter().all(|it| match it {
            Stmt::Expr(it) => self.marker_of_call(&it.value) == Some(Role::Log),
            _ => true,
        });
        only_logs && self.is_there(asked) && !self.at_import()
    }

    /// Whether a question has the answer yes wherever a workflow runs.
    fn is_there(&self, asked: &'p Expr) -> bool {
        let gives = |it: &'p Expr| self.marker_of_call(it) == Some(Role::Present);
        match asked {
            Expr::Call(call) if self.only_asks(&call.func) => match &*call.arguments.args {
                [inner, ..] => gives(inner) || self.is_there(inner),
                [] => false,
            },
            Expr::Compare(it) => {
                let is_not_none = matches!(*it.ops, [CmpOp::IsNot])
                    && matches!(*it.comparators, [Expr::NoneLiteral(_)]);
                is_not_none && gives(&it.left)
            }
            _ => self.marker_of_call(asked) == Some(Role::InWorkflow),
        }
    }

    /// Whether an expression is an answer that workflow code always gets, or an attribute of one.
    fn is_present(&self, value: &'p Expr) -> bool {
        match value {
            Expr::Attribute(it) => self.is_present(&it.value),
            Expr::Await(it) => self.is_present(&it.value),
            Expr::Compare(it) => {
                self.is_present(&it.left) && it.comparators.iter().all(Expr::is_literal_expr)
            }
            Expr::Call(call) if self.only_asks(&call.func) => match &*call.arguments.args {
                [asked, rest @ ..] => {
                    self.is_present(asked) && rest.iter().all(Expr::is_literal_expr)
                }
                [] => false,
            },
            _ => matches!(
                self.marker_of_call(value),
                Some(Role::InWorkflow | Role::Present | Role::IsReplaying)
            ),
        }
    }

    /// `bool` and `hasattr` raise nothing of their own.
    fn only_asks(&self, callee: &Expr) -> bool {
        let Expr::Name(name) = callee else {
            return false;
        };
        let is_builtin = !self
            .frame
            .module
            .index()
            .function(MODULE_BODY)
            .locals
            .contains(name.id.as_str());
        is_builtin && matches!(name.id.as_str(), "bool" | "hasattr")
    }

    pub(super) fn with_statement(&mut self, it: &'p ast::StmtWith) {
        let (mut vouched, mut passthrough) = (0, 0);
        let mut suppresses = false;
        for item in &it.items {
            let manager = self.evaluate(&item.context_expr);
            match self.marker_of_call(&item.context_expr) {
                Some(Role::SandboxUnrestricted) => vouched += 1,
                Some(Role::PassThrough) => passthrough += 1,
                _ => {}
            }
            let span = span_of(&item.context_expr);
            if it.is_async {
                self.other_code_runs();
                if !self.does_io(span) {
                    self.note_command();
                }
            }
            let entered = self.enter(&manager, it.is_async, span);
            suppresses |= self.is_suppressing(&manager);
            if let Some(target) = &item.optional_vars {
                self.assign(target, &entered, None);
            }
        }
        self.frame.vouched += vouched;
        self.frame.passthrough += passthrough;
        let before = suppresses.then(|| self.frame.state.clone());
        self.execute(&it.body);
        if let Some(mut before) = before {
            // What the body raises ends here, after any of its statements.
            before.join(&State {
                dead: false,
                ..self.frame.state.clone()
            });
            before.attributes.clear();
            self.frame.state = before;
        }
        self.frame.vouched -= vouched;
        self.frame.passthrough -= passthrough;
    }

    /// Enters and leaves a context manager; returns what it gives.
    pub(super) fn enter(&mut self, manager: &Value, is_async: bool, span: Span) -> Value {
        let (enter, exit, close) = if is_async {
            ("__aenter__", "__aexit__", "aclose")
        } else {
            ("__enter__", "__exit__", "close")
        };
        let mut entered = self.call_special(manager, enter, span, How::Enter);
        self.call_special(manager, exit, span, How::Enter);
        self.advance_entered(manager, enter, span);
        for obj in manager.objs().to_vec() {
            match obj {
                // A generator decorated as context manager gives what it yields.
                Obj::Generator(ctx) => {
                    entered.join(&self.run_generator(ctx, span, How::Enter));
                }
                // `closing(object)` and its like give the object.
                Obj::Bound(id) => {
                    let (around, object) = *self.bounds.get(id);
                    if matches!(around, Obj::External(name) if self.str(name).ends_with("closing"))
                    {
                        self.call_special(&Value::of(object), close, span, How::Enter);
                    }
                    entered.add(object);
                }
                Obj::ExternalInstance(_) | Obj::Keeper(_) | Obj::Made(_) | Obj::Unknown => {
                    entered.add(obj);
                }
                _ => {}
            }
        }
        entered.tainted_by(manager)
    }

    fn is_suppressing(&self, manager: &Value) -> bool {
        manager.objs().iter().any(|obj| match obj {
            Obj::Made(name) | Obj::ExternalInstance(name) => {
                self.str(*name) == "contextlib.suppress"
            }
            _ => false,
        })
    }
}

/// Whether a statement only says yes or no under a name.
fn sets_flag(statement: &Stmt) -> bool {
    let value = match statement {
        Stmt::Assign(it) => Some(&*it.value),
        Stmt::AnnAssign(it) => it.value.as_deref(),
        Stmt::Return(it) => it.value.as_deref(),
        _ => None,
    };
    value.is_some_and(Expr::is_boolean_literal_expr)
}

/// Whether a handler stands for exceptions of all kinds.
fn catches_everything(handler: &ast::ExceptHandler) -> bool {
    let ast::ExceptHandler::ExceptHandler(handler) = handler;
    let is_broad = |class: &Expr| matches!(class, Expr::Name(name) if matches!(name.id.as_str(), "Exception" | "BaseException"));
    match handler.type_.as_deref() {
        None => true,
        Some(Expr::Tuple(classes)) => classes.elts.iter().any(is_broad),
        Some(class) => is_broad(class),
    }
}
