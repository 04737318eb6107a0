//! Calls that leave something in the history: commands, timers, waits.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::knowledge;
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::builder::{Builder, Scope, exit, unwrapped, wait_for};
use super::flow::Nodes;
use super::naming::{self, argument};
use super::normal::commands_in;
use super::structure::{Choice, Command, Condition, Exit, Node, Patch, Wait};

impl<'p> Builder<'_, 'p> {
    /// A call that leaves something in the history. `inner` is what its arguments do.
    pub(super) fn issue(
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
                self.asked.insert(id.clone());
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
                let mut nodes = inner;
                let compared = api.compared.iter();
                let compared = compared.filter_map(|it| argument(call, *it));
                nodes.extend(
                    self.for_each_answer(scope, compared, place, &mut |builder| {
                        builder.command(scope, call, api)
                    }),
                );
                nodes
            }
        };
        if api.at_once && is_awaited {
            let on = commands_in(&own);
            own.push(Node::Wait(wait_for(on), place));
        }
        self.count(own.len());
        for label in commands_in(&own) {
            let places = self.issued.entry(label).or_default();
            if !places.contains(&place) {
                places.push(place);
            }
        }
        if is_awaited || api.at_once || event == "continue-as-new" {
            out.extend(own);
        } else if !own.is_empty() {
            out.push(Node::Task(own, place));
        }
    }

    /// A command with what comes with it.
    fn command(
        &mut self,
        scope: &Rc<Scope<'p>>,
        call: &'p ast::ExprCall,
        api: &'static knowledge::Command,
    ) -> Nodes {
        let place = self.at(scope, span_of(call));
        let command = naming::command(self, scope, call, api);
        let on = BTreeSet::from([command.label()]);
        let mut nodes = Nodes::new();
        if command.kind == "child-workflow" && !command.properties.contains_key("id") {
            nodes.push(Node::Note("draw an id".to_owned(), place));
        }
        let is_end = command.kind == "continue-as-new";
        nodes.push(Node::Command(command, place));
        if is_end {
            nodes.push(exit(Exit::End, place));
        } else if !api.at_once {
            nodes.push(Node::Wait(wait_for(on), place));
        }
        nodes
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
        let may_be_none = api.none_at_zero;
        let text = text.filter(|text| !may_be_none || !is_nothing(text));
        if let Some(text) = &text {
            let command = Command {
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
