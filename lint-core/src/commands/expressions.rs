//! What expressions do, in the order in which they do it, into the functions that they call.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::interp::{Code, CtxId};
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::builder::{Builder, Scope, children, unwrapped, wait_for};
use super::flow::Nodes;
use super::normal::{YIELD, commands_in};
use super::structure::{Condition, Node};

impl<'p> Builder<'_, 'p> {
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
            let nodes = self.for_each_answer(scope, [&*call.func], place, &mut |builder| {
                let mut nodes = Nodes::new();
                builder.dispatch(scope, call, &issuing, is_awaited, &mut nodes);
                nodes
            });
            out.extend(nodes);
        } else if is_awaited && all.is_empty() && !unwrapped(out, from) {
            let on = self.awaited_by(scope, call, &out[from..]);
            self.push(out, Node::Wait(wait_for(on), place));
        }
    }

    /// What a call outside the project waits for: what its arguments start, or started before.
    pub(super) fn awaited_by(
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
        let callees = &self.meant(scope, call, callees)[..];
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

    /// The functions that are left if patches answer as they are taken to.
    fn meant(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        callees: &[CtxId],
    ) -> Vec<CtxId> {
        if self.assumed.is_empty() || callees.len() == 1 {
            return callees.to_vec();
        }
        let text = self.describe(scope, &call.func);
        let name = text.rsplit('.').next().unwrap_or_default();
        let name = name.split('#').next().unwrap_or_default();
        let is_it = |it: &&CtxId| self.machine.ctx_name(**it).rsplit('.').next() == Some(name);
        match callees.iter().find(is_it) {
            Some(one) => vec![*one],
            None => callees.to_vec(),
        }
    }

    pub(super) fn is_generator(&self, ctx: CtxId) -> bool {
        match &self.machine.ctx(ctx).code {
            Code::Function(it) => {
                let function = self.machine.function(it.func);
                function.is_some_and(|it| it.is_generator)
            }
            Code::Fields { .. } => false,
        }
    }

    fn is_async(&self, ctx: CtxId) -> bool {
        match &self.machine.ctx(ctx).code {
            Code::Function(it) => {
                let function = self.machine.function(it.func);
                function.is_some_and(|it| it.node.is_async() && !it.is_generator)
            }
            Code::Fields { .. } => false,
        }
    }

    pub(super) fn inlined(
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
}
