//! What the history does not show and commands depend on: state that is written, locks that are
//! taken, random numbers that are drawn.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::knowledge::Role;
use crate::place::Place;
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::builder::{Builder, Scope, wait_for};
use super::describe::changes_contents;
use super::flow::Nodes;
use super::structure::{Command, Node};

impl<'p> Builder<'_, 'p> {
    /// State that is written, in case that something depends on it.
    pub(super) fn note_write(
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

    /// Calls whose effect only the name of a method tells, and draws; says whether it was one.
    pub(super) fn plain_call(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        is_awaited: bool,
        from: usize,
        out: &mut Nodes,
    ) -> bool {
        let place = self.at(scope, span_of(call));
        if let Some(name) = self.external_called(scope, call)
            && self.machine.knowledge.role(&name) == Some(Role::Draw)
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
                if name == "signal" {
                    return false;
                }
                let what = self.cancelled(scope, receiver);
                self.push(out, Node::Note(format!("cancel {what}"), place));
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

    /// What ends with a handle: the commands behind it, or what the handle is if it comes from state
    /// or from outside.
    fn cancelled(&mut self, scope: &Rc<Scope<'p>>, handle: &'p Expr) -> String {
        let mut on = BTreeSet::new();
        self.each_awaited(
            scope,
            handle,
            &mut BTreeSet::new(),
            &mut |this, label, at| {
                let places = this.issued.get(&label);
                let before = places.and_then(|it| it.iter().position(|it| *it == at));
                on.insert(match before {
                    Some(before @ 1..) => format!("{label} #{}", before + 1),
                    _ => label,
                });
            },
        );
        match on.is_empty() {
            true => self.describe_object(scope, handle),
            false => on.into_iter().collect::<Vec<String>>().join(", "),
        }
    }

    fn child_signal(&mut self, place: Place, out: &mut Nodes) {
        let command = Command {
            kind: "signal".to_owned(),
            properties: Default::default(),
        };
        let on = BTreeSet::from([command.label()]);
        self.push(out, Node::Command(command, place));
        self.push(out, Node::Wait(wait_for(on), place));
    }
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
