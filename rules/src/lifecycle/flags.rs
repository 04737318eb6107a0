//! Single values that handlers set for `run` to look at: a flag that stops it, or the last message.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::facts::FunctionRef;
use lint_core::knowledge::Role;
use lint_core::syntax::ast::Expr;

use super::beginning::made;
use super::kept::{Messages, is_attribute};
use super::stores::stored;
use super::waited::present;
use crate::calls::Value;
use crate::program::{Node, nodes_of_expr, own_nodes};
use crate::sdk;

impl<'p> Messages<'_, 'p> {
    /// The attributes that begin with nothing, that handlers set and `run` asks for, with the name of a handler. One
    /// that `run` waits for and never sets back has done its work when the wait is over.
    pub(super) fn flags(&self) -> BTreeMap<&'p str, &str> {
        let mut first = BTreeMap::new();
        for (name, value) in made(self.program, self.running) {
            let value = Value::of(value);
            let is_nothing = matches!(value, Some(Value::None | Value::Bool(false)));
            *first.entry(name).or_insert(true) &= is_nothing;
        }
        let by_run = self.running.runs_of(|role| role == Role::Run);
        let kept = self.kept_later.iter().chain(&self.kept);
        let flags = kept.filter(|(name, _)| {
            let stored = self.stored_in(&by_run, name);
            first.get(*name) == Some(&true)
                && !self.queues.contains_key(*name)
                && self.is_used_by_run(name)
                && stored.iter().all(Option::is_some)
                && (!stored.is_empty() || !self.is_waited_for_in(&by_run, name))
        });
        flags
            .map(|(name, handler)| (*name, handler.as_str()))
            .collect()
    }

    /// What functions set an attribute to, if that is written out.
    fn stored_in(&self, functions: &BTreeSet<FunctionRef>, name: &str) -> Vec<Option<Value>> {
        let nodes = functions
            .iter()
            .flat_map(|&it| own_nodes(self.program.function(it)));
        let stored = nodes.filter_map(|node| match node {
            Node::Stmt(it) => stored(it, &|it| is_attribute(it, name)),
            Node::Expr(_) => None,
        });
        stored.map(|value| value.and_then(Value::of)).collect()
    }

    /// Whether functions wait until an attribute is there.
    fn is_waited_for_in(&self, functions: &BTreeSet<FunctionRef>, name: &str) -> bool {
        functions.iter().any(|&function| {
            let mut waits = self.program.calls_of(function, sdk::WAIT_CONDITION);
            waits.any(|call| {
                let predicate = call
                    .arguments
                    .args
                    .first()
                    .and_then(|it| it.as_lambda_expr());
                let asked = predicate.and_then(|it| present(&it.body));
                asked.is_some_and(|it| it.attr.as_str() == name)
            })
        })
    }

    /// Whether an attribute is there for more than queries and other handlers.
    pub(super) fn is_used_by_run(&self, name: &str) -> bool {
        let by_run = self.running.runs_of(|role| role == Role::Run);
        by_run.into_iter().any(|it| {
            let mut nodes = own_nodes(self.program.function(it)).flat_map(|node| match node {
                Node::Expr(Expr::Lambda(it)) => nodes_of_expr(&it.body),
                node => vec![node],
            });
            nodes.any(|node| match node {
                Node::Expr(Expr::Attribute(it)) => it.ctx.is_load() && it.attr.as_str() == name,
                _ => false,
            })
        })
    }
}
