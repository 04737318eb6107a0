//! What statements and expressions do, in the order in which they do it.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::interp::CtxId;
use crate::knowledge;
use crate::syntax::ast::{self, Expr, Stmt};
use crate::syntax::span_of;

use super::build::{Builder, Scope, children, exit, unwrapped, wait_for};
use super::definitions::enumerated;
use super::describe::{changes_contents, only_value};
use super::naming::{self, argument};
use super::normal::{YIELD, around, commands_in, size};
use super::{Choice, Condition, Exit, Loop, Node, Patch, Try, Wait};

type Nodes = Vec<Node>;

impl<'p> Builder<'_, 'p> {
    pub(super) fn block(&mut self, scope: &Rc<Scope<'p>>, body: &'p [Stmt]) -> Nodes {
        let mut out = Nodes::new();
        for statement in body {
            if self.is_full() {
                break;
            }
            self.statement(scope, statement, &mut out);
        }
        out
    }

    fn statement(&mut self, scope: &Rc<Scope<'p>>, statement: &'p Stmt, out: &mut Nodes) {
        let place = self.at(scope, span_of(statement));
        match statement {
            Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
            Stmt::Return(it) => {
                if let Some(value) = &it.value {
                    self.expr(scope, value, out);
                }
                self.push(out, exit(Exit::Return, place));
            }
            Stmt::Raise(it) => {
                for value in it.exc.iter().chain(&it.cause) {
                    self.expr(scope, value, out);
                }
                self.push(out, exit(Exit::Raise, place));
            }
            Stmt::Break(_) => self.push(out, exit(Exit::Break, place)),
            Stmt::Continue(_) => self.push(out, exit(Exit::Continue, place)),
            Stmt::If(it) => self.if_statement(scope, it, out),
            Stmt::While(it) => self.while_statement(scope, it, out),
            Stmt::For(it) => self.for_statement(scope, it, out),
            Stmt::With(it) => self.with_statement(scope, it, out),
            Stmt::Try(it) => self.try_statement(scope, it, out),
            Stmt::Match(it) => self.match_statement(scope, it, out),
            Stmt::Expr(it) => self.expr(scope, &it.value, out),
            Stmt::Assign(it) => {
                self.expr(scope, &it.value, out);
                for target in &it.targets {
                    self.note_write(scope, target, "=", &it.value, out);
                }
            }
            Stmt::AugAssign(it) => {
                self.expr(scope, &it.value, out);
                let how = format!("{}=", it.op);
                self.note_write(scope, &it.target, &how, &it.value, out);
            }
            Stmt::Delete(it) => {
                for target in &it.targets {
                    self.note_write(scope, target, "deleted", target, out);
                }
            }
            Stmt::AnnAssign(it) => {
                if let Some(value) = &it.value {
                    self.expr(scope, value, out);
                    self.note_write(scope, &it.target, "=", value, out);
                }
            }
            _ => {}
        }
    }

    /// State that is written, in case that something depends on it.
    fn note_write(
        &mut self,
        scope: &Rc<Scope<'p>>,
        target: &'p Expr,
        how: &str,
        value: &'p Expr,
        out: &mut Nodes,
    ) {
        if let Expr::Tuple(it) = target {
            for target in &it.elts {
                self.note_write(scope, target, how, value, out);
            }
        } else if let Some(attribute) = attribute_in(target) {
            let text = self.describe_object(scope, target);
            if let Some(id) = self.patch(scope, value) {
                self.gates.insert(text, id);
                return;
            }
            let value = self.describe(scope, value);
            let place = self.at(scope, span_of(target));
            let text = of_state(attribute, &text);
            self.push(out, Node::Note(format!("{text} {how} {value}"), place));
        }
    }

    fn if_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtIf, out: &mut Nodes) {
        let mut otherwise = Nodes::new();
        for clause in it.elif_else_clauses.iter().rev() {
            let body = self.block(scope, &clause.body);
            match &clause.test {
                None => otherwise = body,
                Some(test) => {
                    let mut nested = Nodes::new();
                    self.branch(scope, test, body, otherwise, &mut nested);
                    otherwise = nested;
                }
            }
        }
        let then = self.block(scope, &it.body);
        self.branch(scope, &it.test, then, otherwise, out);
    }

    /// Goes one way or the other.
    fn branch(
        &mut self,
        scope: &Rc<Scope<'p>>,
        test: &'p Expr,
        then: Nodes,
        otherwise: Nodes,
        out: &mut Nodes,
    ) {
        match test {
            Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => {
                return self.branch(scope, &it.operand, otherwise, then, out);
            }
            Expr::Named(it) => return self.branch(scope, &it.value, then, otherwise, out),
            Expr::BoolOp(it) if it.values.iter().any(|it| self.patch(scope, it).is_some()) => {
                let (first, rest) = it.values.split_at(1);
                let is_and = it.op == ast::BoolOp::And;
                let (mut then, mut otherwise) = (then, otherwise);
                self.count((size(&then) + size(&otherwise)) * rest.len());
                for operand in rest.iter().rev() {
                    let mut nested = Nodes::new();
                    let (taken, passed) = (then.clone(), otherwise.clone());
                    self.branch(scope, operand, then, otherwise, &mut nested);
                    (then, otherwise) = if is_and {
                        (nested, passed)
                    } else {
                        (taken, nested)
                    };
                }
                return self.branch(scope, &first[0], then, otherwise, out);
            }
            _ => {}
        }
        let condition = match self.patch(scope, test) {
            Some(id) => Condition::Patched(id),
            None => {
                self.expr(scope, test, out);
                match self.describe(scope, test).as_str() {
                    "True" => return out.extend(then),
                    "False" | "None" => return out.extend(otherwise),
                    text => Condition::Test(text.to_owned()),
                }
            }
        };
        self.choose(scope, condition, then, otherwise, test, out);
    }

    fn choose(
        &mut self,
        scope: &Rc<Scope<'p>>,
        condition: Condition,
        then: Nodes,
        otherwise: Nodes,
        at: &'p Expr,
        out: &mut Nodes,
    ) {
        let place = self.at(scope, span_of(at));
        let is_idle = then.is_empty() && otherwise.is_empty();
        let choice = Choice {
            condition,
            then,
            otherwise,
            place,
        };
        if !is_idle || matches!(choice.condition, Condition::Patched(_)) {
            self.push(out, Node::Choice(choice));
        }
    }

    /// The id of the patch that an expression asks for, here or where the local got its value.
    fn patch(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> Option<String> {
        match expr {
            Expr::Call(call) => {
                if let Some(api) = self.api(scope, call).filter(|it| it.event == Some("patch")) {
                    return Some(self.patch_id(scope, call, api));
                }
                // A gate may have a function of its own.
                let [callee] = self.callees(scope, span_of(call))[..] else {
                    return None;
                };
                if !self.is_issuing(callee) || !self.may_enter() {
                    return None;
                }
                self.describing += 1;
                let inner = self.enter(scope, callee, call);
                let id = inner.and_then(|inner| {
                    let value = only_value(inner.function.node)?;
                    self.patch(&inner, value)
                });
                self.describing -= 1;
                id
            }
            Expr::Name(name) => {
                let value = scope.definitions.only_value(name.id.as_str())?;
                value.is_call_expr().then(|| self.patch(scope, value))?
            }
            Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => self.patch(scope, &it.operand),
            Expr::Attribute(_) if !self.gates.is_empty() => {
                let text = self.describe(scope, expr);
                self.gates.get(&text).cloned()
            }
            _ => None,
        }
    }

    fn patch_id(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        api: &'static knowledge::Command,
    ) -> String {
        let command = naming::command(self, scope, call, api);
        command
            .properties
            .get("id")
            .map_or_else(|| "?".to_owned(), ToString::to_string)
    }

    fn while_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtWhile, out: &mut Nodes) {
        let mut body = Nodes::new();
        self.expr(scope, &it.test, &mut body);
        let tests_first = !body.is_empty();
        let text = self.describe(scope, &it.test);
        let place = self.at(scope, span_of(&*it.test));
        if tests_first {
            // The test itself issues commands, so it is a part of the body that may leave.
            let leave = vec![exit(Exit::Break, place)];
            self.choose(
                scope,
                Condition::Test(text),
                Nodes::new(),
                leave,
                &it.test,
                &mut body,
            );
        }
        let header = match &*it.test {
            _ if tests_first => "while True".to_owned(),
            Expr::NumberLiteral(_) => "while True".to_owned(),
            test => format!("while {}", self.describe(scope, test)),
        };
        body.extend(self.block(scope, &it.body));
        let otherwise = self.block(scope, &it.orelse);
        self.repeat(header, body, otherwise, place, out);
    }

    fn for_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtFor, out: &mut Nodes) {
        self.expr(scope, &it.iter, out);
        let over = enumerated(&it.iter).unwrap_or(&it.iter);
        let header = format!("for each {}", self.describe(scope, over));
        let place = self.at(scope, span_of(&*it.iter));
        let body = self.block(scope, &it.body);
        let otherwise = self.block(scope, &it.orelse);
        self.repeat(header, body, otherwise, place, out);
    }

    fn repeat(
        &mut self,
        header: String,
        body: Nodes,
        otherwise: Nodes,
        place: crate::place::Place,
        out: &mut Nodes,
    ) {
        if body
            .iter()
            .any(|it| !matches!(it, Node::Exit(Exit::Continue, _)))
            || !otherwise.is_empty()
        {
            let node = Node::Loop(Loop {
                header,
                body,
                otherwise,
                place,
            });
            self.push(out, node);
        }
    }

    fn with_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtWith, out: &mut Nodes) {
        let from = out.len();
        let mut managers: Vec<Nodes> = Vec::new();
        let mut leaving = Nodes::new();
        let mut leaving_locks = Nodes::new();
        let mut is_group = false;
        for item in &it.items {
            let span = span_of(&item.context_expr);
            self.expr(scope, &item.context_expr, out);
            if let Expr::Call(call) = &item.context_expr {
                let name = self.external_called(scope, call);
                is_group |= name.as_deref() == Some("asyncio.TaskGroup");
            }
            let entered = self.entered(scope, span);
            if it.is_async && entered.is_empty() && !item.context_expr.is_call_expr() {
                let place = self.at(scope, span);
                let lock = self.describe_object(scope, &item.context_expr);
                self.push(out, Node::Note(format!("acquire {lock}"), place));
                leaving_locks.push(Node::Note(format!("release {lock}"), place));
            }
            let call = item.context_expr.as_call_expr();
            for callee in entered {
                let name = self.machine.ctx_name(callee);
                if self.is_generator(callee) {
                    managers.push(self.inlined(scope, callee, call));
                    continue;
                }
                let nodes = self.inlined(scope, callee, None);
                match name.ends_with("exit__") {
                    true => leaving.extend(nodes),
                    false => out.extend(nodes),
                }
            }
        }
        let body = self.block(scope, &it.body);
        let body = managers.into_iter().rev().fold(body, around);
        let place = self.at(scope, span_of(it));
        if leaving.is_empty() {
            out.extend(body);
        } else {
            let node = Node::Try(Try {
                body,
                handlers: Vec::new(),
                otherwise: Nodes::new(),
                finally: leaving,
                place,
            });
            self.push(out, node);
        }
        out.extend(leaving_locks);
        if is_group {
            let on = commands_in(&out[from..]);
            self.push(out, Node::Wait(wait_for(on), place));
        }
    }

    fn try_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtTry, out: &mut Nodes) {
        let body = self.block(scope, &it.body);
        let mut handlers = Vec::new();
        for ast::ExceptHandler::ExceptHandler(handler) in &it.handlers {
            let caught = handler.type_.as_deref();
            let caught = caught.map_or_else(String::new, |it| self.describe(scope, it));
            handlers.push((caught, self.block(scope, &handler.body)));
        }
        let otherwise = self.block(scope, &it.orelse);
        let finally = self.block(scope, &it.finalbody);
        let place = self.at(scope, span_of(it));
        if body.is_empty() {
            // Nothing in it waits, so nothing of the history makes it fail.
            out.extend(otherwise);
            out.extend(finally);
            return;
        }
        let node = Node::Try(Try {
            body,
            handlers,
            otherwise,
            finally,
            place,
        });
        self.push(out, node);
    }

    fn match_statement(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::StmtMatch, out: &mut Nodes) {
        self.expr(scope, &it.subject, out);
        let subject = self.describe(scope, &it.subject);
        // What no case is for may be impossible.
        let place = self.at(scope, span_of(&*it.subject));
        let mut otherwise = match it.cases.iter().any(takes_all) {
            true => Nodes::new(),
            false => vec![Node::Opaque(NO_CASE.to_owned(), place)],
        };
        for case in it.cases.iter().rev() {
            let body = self.block(scope, &case.body);
            if takes_all(case) {
                otherwise = body;
                continue;
            }
            let pattern = self.describe_pattern(scope, &case.pattern);
            let mut text = format!("{subject} == {pattern}");
            if let Some(guard) = &case.guard {
                text = format!("{text} and {}", self.describe(scope, guard));
            }
            let mut nested = Nodes::new();
            let condition = Condition::Test(text);
            self.choose(scope, condition, body, otherwise, &it.subject, &mut nested);
            otherwise = nested;
        }
        if !has_no_case(&otherwise) {
            out.extend(otherwise);
        }
    }

    pub(super) fn expr(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr, out: &mut Nodes) {
        if self.is_full() {
            return;
        }
        match expr {
            Expr::Call(it) => self.call(scope, it, false, out),
            Expr::Await(it) => self.awaited(scope, &it.value, out),
            Expr::Lambda(_) => {}
            Expr::Yield(it) => {
                if let Some(value) = &it.value {
                    self.expr(scope, value, out);
                }
                let place = self.at(scope, span_of(it));
                self.push(out, Node::Note(YIELD.to_owned(), place));
            }
            Expr::If(it) => {
                let (mut then, mut otherwise) = (Nodes::new(), Nodes::new());
                self.expr(scope, &it.body, &mut then);
                self.expr(scope, &it.orelse, &mut otherwise);
                self.branch(scope, &it.test, then, otherwise, out);
            }
            Expr::BoolOp(it) => self.operands(scope, it, out),
            Expr::ListComp(it) => self.comprehension(scope, &[&it.elt], &it.generators, out),
            Expr::SetComp(it) => self.comprehension(scope, &[&it.elt], &it.generators, out),
            Expr::Generator(it) => self.comprehension(scope, &[&it.elt], &it.generators, out),
            Expr::DictComp(it) => {
                let mut elements: Vec<&'p Expr> = it.key.as_deref().into_iter().collect();
                elements.push(&it.value);
                self.comprehension(scope, &elements, &it.generators, out);
            }
            _ => {
                for child in children(expr) {
                    self.expr(scope, child, out);
                }
                // A property, an operator or an iterator of the project.
                for callee in self.callees(scope, span_of(expr)) {
                    if self.is_issuing(callee) {
                        out.extend(self.inlined(scope, callee, None));
                    }
                }
            }
        }
    }

    fn operands(&mut self, scope: &Rc<Scope<'p>>, it: &'p ast::ExprBoolOp, out: &mut Nodes) {
        let (first, rest) = it.values.split_at(1);
        self.expr(scope, &first[0], out);
        let mut nodes = Nodes::new();
        for operand in rest {
            self.expr(scope, operand, &mut nodes);
        }
        if !nodes.is_empty() {
            let (then, otherwise) = match it.op {
                ast::BoolOp::And => (nodes, Nodes::new()),
                ast::BoolOp::Or => (Nodes::new(), nodes),
            };
            let condition = match self.patch(scope, &first[0]) {
                Some(id) => Condition::Patched(id),
                None => Condition::Test(self.describe(scope, &first[0])),
            };
            self.choose(scope, condition, then, otherwise, &first[0], out);
        }
    }

    fn comprehension(
        &mut self,
        scope: &Rc<Scope<'p>>,
        elements: &[&'p Expr],
        generators: &'p [ast::Comprehension],
        out: &mut Nodes,
    ) {
        let Some((generator, inner)) = generators.split_first() else {
            for element in elements {
                self.expr(scope, element, out);
            }
            return;
        };
        self.expr(scope, &generator.iter, out);
        let mut body = Nodes::new();
        self.comprehension(scope, elements, inner, &mut body);
        for test in generator.ifs.iter().rev() {
            let mut nested = Nodes::new();
            self.branch(scope, test, body, Nodes::new(), &mut nested);
            body = nested;
        }
        if !body.is_empty() {
            let header = format!("for each {}", self.describe(scope, &generator.iter));
            let place = self.at(scope, span_of(&generator.iter));
            self.repeat(header, body, Nodes::new(), place, out);
        }
    }

    fn awaited(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr, out: &mut Nodes) {
        if let Expr::Call(call) = expr {
            return self.call(scope, call, true, out);
        }
        self.expr(scope, expr, out);
        let place = self.at(scope, span_of(expr));
        let mut on = BTreeSet::new();
        self.awaited_commands(scope, expr, &mut BTreeSet::new(), &mut on);
        self.push(out, Node::Wait(wait_for(on), place));
    }

    fn call(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        is_awaited: bool,
        out: &mut Nodes,
    ) {
        match &*call.func {
            Expr::Attribute(it) => self.expr(scope, &it.value, out),
            func => self.expr(scope, func, out),
        }
        let from = out.len();
        let values = call.arguments.args.iter();
        for value in values.chain(call.arguments.keywords.iter().map(|it| &it.value)) {
            self.expr(scope, value, out);
        }
        if let Some(api) = self.api(scope, call) {
            let inner = out.split_off(from);
            return self.issue(scope, call, api, is_awaited, inner, out);
        }
        let all = self.callees(scope, span_of(call));
        if all.is_empty() && self.plain_call(scope, call, is_awaited, from, out) {
            return;
        }
        let issuing: Vec<CtxId> = all
            .iter()
            .copied()
            .filter(|&it| self.is_issuing(it))
            .collect();
        let place = self.at(scope, span_of(call));
        if !issuing.is_empty() {
            self.dispatch(scope, call, &issuing, is_awaited, out);
        } else if is_awaited && all.is_empty() && !unwrapped(out, from) {
            let on = self.awaited_by(scope, call, &out[from..]);
            self.push(out, Node::Wait(wait_for(on), place));
        }
    }

    /// Calls whose effect only the name of a method tells, and draws; says whether it was one.
    fn plain_call(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        is_awaited: bool,
        from: usize,
        out: &mut Nodes,
    ) -> bool {
        let place = self.at(scope, span_of(call));
        if let Some(name) = self.external_called(scope, call)
            && self.machine.knowledge.role(&name) == Some(knowledge::Role::Draw)
        {
            self.push(out, Node::Note(format!("draw {name}"), place));
            return true;
        }
        let Expr::Attribute(method) = &*call.func else {
            return false;
        };
        let name = method.attr.as_str();
        let receiver = &*method.value;
        match name {
            "acquire" if is_awaited => {}
            "release" => {}
            "cancel" | "signal" if from == out.len() || name == "signal" => {
                let mut on = BTreeSet::new();
                self.awaited_commands(scope, receiver, &mut BTreeSet::new(), &mut on);
                let is_child = on.iter().any(|it| it.starts_with("child-workflow"));
                if name == "signal" && is_child && is_awaited {
                    self.child_signal(place, out);
                    return true;
                }
                if on.is_empty() || name == "signal" {
                    return false;
                }
                let on: Vec<String> = on.into_iter().collect();
                self.push(out, Node::Note(format!("cancel {}", on.join(", ")), place));
                return true;
            }
            _ if changes_contents(name) => {
                let text = self.describe_object(scope, receiver);
                let args = call.arguments.args.iter();
                let args: Vec<String> = args.map(|it| self.describe(scope, it)).collect();
                let text = match attribute_in(receiver) {
                    Some(attribute) => of_state(attribute, &text),
                    // Another name for state of the workflow.
                    None if text.starts_with("self.") => text,
                    None => return false,
                };
                let what = format!("{text}.{name}({})", args.join(", "));
                self.push(out, Node::Note(what, place));
                return true;
            }
            _ => return false,
        }
        let lock = self.describe_object(scope, receiver);
        self.push(out, Node::Note(format!("{name} {lock}"), place));
        true
    }

    fn child_signal(&mut self, place: crate::place::Place, out: &mut Nodes) {
        let command = super::Command {
            kind: "signal".to_owned(),
            properties: Default::default(),
        };
        let on = BTreeSet::from([command.label()]);
        self.push(out, Node::Command(command, place));
        self.push(out, Node::Wait(wait_for(on), place));
    }

    /// What a call outside the project waits for: what its arguments start, or started before.
    fn awaited_by(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        started: &[Node],
    ) -> BTreeSet<String> {
        let mut on = commands_in(started);
        let until = call.arguments.find_keyword("return_when");
        let until = until.map(|it| self.describe(scope, &it.value));
        if on.is_empty() {
            let receiver = match &*call.func {
                Expr::Attribute(it) => Some(&*it.value),
                _ => None,
            };
            for value in call.arguments.args.iter().chain(receiver) {
                self.awaited_commands(scope, value, &mut BTreeSet::new(), &mut on);
            }
        }
        on.extend(until.filter(|it| !it.ends_with("ALL_COMPLETED")));
        on
    }

    /// Runs functions of the project, of which one is called.
    fn dispatch(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        callees: &[CtxId],
        is_awaited: bool,
        out: &mut Nodes,
    ) {
        let place = self.at(scope, span_of(call));
        let mut chosen = Nodes::new();
        for (ix, &callee) in callees.iter().enumerate().rev() {
            let mut nodes = self.inlined(scope, callee, Some(call));
            if !self.is_async(callee) {
                if is_awaited && !unwrapped(&mut nodes, 0) {
                    let on = commands_in(&nodes);
                    self.push(&mut nodes, Node::Wait(wait_for(on), place));
                }
            } else if !is_awaited && !nodes.is_empty() {
                nodes = vec![Node::Task(nodes, place)];
            }
            if ix + 1 == callees.len() {
                chosen = nodes;
                continue;
            }
            let name = self.machine.ctx_name(callee);
            let name = name.rsplit('.').next().unwrap_or_default();
            let text = format!("{} is {name}", self.describe(scope, &call.func));
            let mut nested = Nodes::new();
            let condition = Condition::Test(text);
            self.choose(scope, condition, nodes, chosen, &call.func, &mut nested);
            chosen = nested;
        }
        out.extend(chosen);
    }

    fn is_generator(&self, ctx: CtxId) -> bool {
        match &self.machine.ctx(ctx).code {
            crate::interp::Code::Function(it) => {
                let function = self.machine.function(it.func);
                function.is_some_and(|it| it.is_generator)
            }
            crate::interp::Code::Fields { .. } => false,
        }
    }

    fn is_async(&self, ctx: CtxId) -> bool {
        match &self.machine.ctx(ctx).code {
            crate::interp::Code::Function(it) => {
                let function = self.machine.function(it.func);
                function.is_some_and(|it| it.node.is_async() && !it.is_generator)
            }
            crate::interp::Code::Fields { .. } => false,
        }
    }

    fn inlined(
        &mut self,
        scope: &Rc<Scope<'p>>,
        callee: CtxId,
        call: Option<&'p ast::ExprCall>,
    ) -> Nodes {
        let inner = match call {
            Some(call) => self.enter(scope, callee, call),
            None => self.scope(callee).map(Rc::new),
        };
        inner.map_or_else(Nodes::new, |inner| self.body(inner))
    }

    /// A call that leaves something in the history. `inner` is what its arguments do.
    fn issue(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        api: &'static knowledge::Command,
        is_awaited: bool,
        inner: Nodes,
        out: &mut Nodes,
    ) {
        let place = self.at(scope, span_of(call));
        let event = api.event.unwrap_or_default();
        let mut own = match event {
            "patch" | "patch-deprecated" => {
                out.extend(inner);
                let id = self.patch_id(scope, call, api);
                let is_deprecated = event == "patch-deprecated";
                return self.push(out, Node::Patch(Patch { id, is_deprecated }, place));
            }
            "timer" => self.timer(scope, call, api, inner),
            "condition" => {
                let until = self.until(scope, call, api);
                let on = BTreeSet::new();
                let wait = Wait { on, until };
                let mut nodes = self.timer(scope, call, api, inner);
                nodes.retain(|it| !matches!(it, Node::Wait(..)));
                nodes.push(Node::Wait(wait, place));
                nodes
            }
            _ => {
                let command = naming::command(self, scope, call, api);
                let on = BTreeSet::from([command.label()]);
                let mut nodes = inner;
                if event == "child-workflow" && !command.properties.contains_key("id") {
                    nodes.push(Node::Note("draw an id".to_owned(), place));
                }
                nodes.push(Node::Command(command, place));
                if event == "continue-as-new" {
                    nodes.push(exit(Exit::End, place));
                } else if !api.at_once {
                    nodes.push(Node::Wait(wait_for(on), place));
                }
                nodes
            }
        };
        if api.at_once && is_awaited {
            let on = commands_in(&own);
            own.push(Node::Wait(wait_for(on), place));
        }
        self.count(own.len());
        if is_awaited || api.at_once || event == "continue-as-new" {
            out.extend(own);
        } else if !own.is_empty() {
            out.push(Node::Task(own, place));
        }
    }

    fn until(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        api: &'static knowledge::Command,
    ) -> Option<String> {
        let predicate = api.target.and_then(|target| argument(call, target));
        Some(match predicate {
            Some(predicate) => self.predicate(scope, call, predicate),
            None => self.describe(scope, &call.func),
        })
    }

    /// What a function that is handed over answers.
    fn predicate(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        predicate: &'p Expr,
    ) -> String {
        if let [callee] = self.callees(scope, span_of(call))[..]
            && self.may_enter()
        {
            let inner = match predicate {
                Expr::Attribute(it) => {
                    let receiver = self.describe_object(scope, &it.value);
                    self.bound(callee, receiver)
                }
                _ => self.scope(callee).map(Rc::new),
            };
            if let Some(text) = inner.and_then(|inner| self.outcome(&inner)) {
                return text;
            }
            return format!("#{}", self.digest_of_all(&[callee]));
        }
        match predicate {
            Expr::Lambda(lambda) => self.describe(scope, &lambda.body),
            other => self.describe(scope, other),
        }
    }

    /// A timer, what runs beside it, and waiting for either.
    fn timer(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        api: &'static knowledge::Command,
        mut inner: Nodes,
    ) -> Nodes {
        let place = self.at(scope, span_of(call));
        let duration = api.timers.first().and_then(|&arg| argument(call, arg));
        let is_sleep = api.timers.iter().any(|it| it.position == Some(0));
        let mut nodes = Nodes::new();
        let text = match duration {
            None | Some(Expr::NoneLiteral(_)) => None,
            Some(duration) => Some(self.describe(scope, duration)),
        };
        // The SDK's own sleep sets a timer in any case.
        let may_be_none = api.event == Some("condition") || api.name == "asyncio.sleep";
        let text = text.filter(|text| !may_be_none || !is_nothing(text));
        if let Some(text) = &text {
            let command = super::Command {
                kind: "timer".to_owned(),
                properties: Default::default(),
            };
            let timer = Node::Command(command, place);
            let condition = match is_sleep && !api.at_once && api.event == Some("timer") {
                true if !may_be_none || !may_be_nothing(text) => None,
                true => Some(format!("{text} is more than nothing")),
                // What it limits may be over before it counts.
                false => Some("the time limit counts".to_owned()),
            };
            nodes.push(match condition {
                None => timer,
                Some(condition) => Node::Choice(Choice {
                    condition: Condition::Test(condition),
                    then: vec![timer],
                    otherwise: Nodes::new(),
                    place,
                }),
            });
        }
        let is_set = text.is_some();
        if is_sleep {
            nodes.extend(inner);
            if is_set && !api.at_once {
                nodes.push(Node::Wait(
                    wait_for(BTreeSet::from(["timer".to_owned()])),
                    place,
                ));
            }
            return nodes;
        }
        if !unwrapped(&mut inner, 0) {
            let on = self.awaited_by(scope, call, &inner);
            inner.push(Node::Wait(wait_for(on), place));
        }
        nodes.extend(inner);
        nodes
    }
}

const NO_CASE: &str = "no case applies";

fn takes_all(case: &ast::MatchCase) -> bool {
    let is_any = matches!(&case.pattern, ast::Pattern::MatchAs(it) if it.pattern.is_none());
    is_any && case.guard.is_none()
}

/// Whether nothing is left of a `match` but that no case applies.
fn has_no_case(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Opaque(why, _) => why == NO_CASE,
        Node::Choice(it) => it.then.is_empty() && has_no_case(&it.otherwise),
        _ => false,
    })
}

/// The attribute that an expression is or is an element of.
fn attribute_in(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Attribute(it) => Some(it.attr.as_str()),
        Expr::Subscript(it) => attribute_in(&it.value),
        _ => None,
    }
}

/// How a note about state begins: with the attribute that it is kept in.
fn of_state(attribute: &str, text: &str) -> String {
    match text.starts_with("self.") {
        true => text.to_owned(),
        false => format!(".{attribute} of {text}"),
    }
}

/// Whether a duration is worked out in a way that may end at none.
fn may_be_nothing(text: &str) -> bool {
    [" - ", "max(", "min(", "-("]
        .iter()
        .any(|it| text.contains(it))
}

/// Whether a duration is written out as none at all, for which no timer is set.
fn is_nothing(text: &str) -> bool {
    matches!(
        text,
        "0" | "None" | "datetime.timedelta()" | "datetime.timedelta(0)"
    ) || text
        .strip_prefix("datetime.timedelta(")
        .and_then(|rest| rest.strip_suffix(')'))
        .is_some_and(|args| {
            args.split(", ")
                .all(|it| it.rsplit('=').next() == Some("0"))
        })
}
