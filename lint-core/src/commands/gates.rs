//! Patches, here or behind a name: in a local, an attribute or a function of its own.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::knowledge;
use crate::place::{Place, Span};
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::builder::{Builder, Scope, children};
use super::compare::same;
use super::definitions::When;
use super::describe::only_value;
use super::flow::Nodes;
use super::naming;
use super::normal::size;
use super::structure::{Choice, Condition, Node};

/// So many patches are told apart in one value.
const MAX_ASSUMED: usize = 2;

impl<'p> Builder<'_, 'p> {
    /// What is done with values, for each answer of the patches that these depend on. Only such
    /// patches count as were asked for before: the others have their marker later.
    pub(super) fn for_each_answer(
        &mut self,
        scope: &Rc<Scope<'p>>,
        values: impl IntoIterator<Item = &'p Expr>,
        place: Place,
        make: &mut dyn FnMut(&mut Self) -> Nodes,
    ) -> Nodes {
        let mut ids = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for value in values {
            self.patches_behind(scope, value, &mut seen, &mut ids);
        }
        let asked = ids.into_iter().filter(|id| self.asked.contains(id));
        let asked: Vec<String> = asked.take(MAX_ASSUMED).collect();
        self.fork(&asked, place, make)
    }

    fn fork(
        &mut self,
        ids: &[String],
        place: Place,
        make: &mut dyn FnMut(&mut Self) -> Nodes,
    ) -> Nodes {
        let Some((id, rest)) = ids.split_first() else {
            return make(self);
        };
        self.assumed.insert(id.clone(), true);
        let then = self.fork(rest, place, make);
        self.assumed.insert(id.clone(), false);
        let otherwise = self.fork(rest, place, make);
        self.assumed.remove(id);
        if same(&then, &otherwise) {
            return then;
        }
        self.count(size(&then));
        vec![Node::Choice(Choice {
            condition: Condition::Patched(id.clone()),
            then,
            otherwise,
            place,
        })]
    }

    /// The patches that a value depends on, here or where its locals get theirs.
    fn patches_behind(
        &mut self,
        scope: &Rc<Scope<'p>>,
        value: &'p Expr,
        seen: &mut BTreeSet<Span>,
        found: &mut BTreeSet<String>,
    ) {
        if self.asked.is_empty() || self.is_tired() || !seen.insert(span_of(value)) {
            return;
        }
        if let Some(id) = self.patch(scope, value) {
            found.insert(id);
            return;
        }
        match value {
            Expr::Lambda(_) => {}
            Expr::Name(name) => {
                let definitions = scope.definitions.clone();
                for definition in definitions.get(name.id.as_str()).unwrap_or_default() {
                    let tests = definition.when.iter().filter_map(|when| match when {
                        When::Holds(test) | When::Fails(test) => Some(*test),
                        _ => None,
                    });
                    for value in tests.chain(definition.what.source()) {
                        self.patches_behind(scope, value, seen, found);
                    }
                }
            }
            other => children(other)
                .into_iter()
                .for_each(|it| self.patches_behind(scope, it, seen, found)),
        }
    }

    /// The answer that a test is taken to have.
    pub(super) fn assumed(&mut self, scope: &Rc<Scope<'p>>, test: &'p Expr) -> Option<bool> {
        if self.assumed.is_empty() {
            return None;
        }
        match test {
            Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => {
                self.assumed(scope, &it.operand).map(|answer| !answer)
            }
            _ => {
                let id = self.patch(scope, test)?;
                self.assumed.get(&id).copied()
            }
        }
    }

    /// The id of the patch that an expression asks for, here or where the local got its value.
    pub(super) fn patch(&mut self, scope: &Rc<Scope<'p>>, expr: &'p Expr) -> Option<String> {
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

    pub(super) fn patch_id(
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
}
