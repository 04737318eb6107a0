//! `match`: which case is taken, and what its pattern binds.

use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::{Key, Machine, Mode, Obj, SinkKind, State, Value};

impl<'p> Machine<'p> {
    pub(super) fn match_statement(&mut self, it: &'p ast::StmtMatch) {
        let subject = self.evaluate(&it.subject);
        let outer = self.open_control();
        let deciding = self.without_replay_flag(&subject);
        self.decide(&deciding, SinkKind::Branch, span_of(&*it.subject));
        let guard = u32::from(self.asks_replay(&subject));
        self.guard(guard);
        let mut before = self.frame.state.clone();
        let mut after = State {
            dead: true,
            ..State::default()
        };
        for case in &it.cases {
            self.frame.state = before.clone();
            let matches = self.pattern_matches(&case.pattern, &subject);
            if matches == Some(false) && self.mode == Mode::Workflows {
                continue;
            }
            let tested = self.classes_of_pattern(&case.pattern);
            if let (Expr::Name(name), Some((classes, is_all))) = (&*it.subject, &tested) {
                let value = self.evaluate(&it.subject);
                let test = self.instance_test(&value, classes);
                if test.objs() == [Obj::Bool(false)] && self.mode == Mode::Workflows {
                    continue;
                }
                if *is_all && case.guard.is_none() {
                    self.narrow_to(name, classes, false);
                    before = std::mem::replace(&mut self.frame.state, before);
                }
                self.narrow_to(name, classes, true);
            }
            self.bind_pattern(&case.pattern, &subject);
            if let Some(guard) = &case.guard {
                self.condition(guard);
            }
            self.execute(&case.body);
            after.join(&self.frame.state);
            let is_met = matches == Some(true) && self.mode == Mode::Workflows;
            if (is_met || case.pattern.is_irrefutable()) && case.guard.is_none() {
                // Nothing falls through an irrefutable pattern.
                before.dead = true;
            }
        }
        self.unguard(guard);
        self.close_control(outer);
        after.join(&before);
        self.frame.state = after;
    }

    /// The classes that a pattern tests its subject for, and whether it tests nothing more.
    fn classes_of_pattern(&mut self, pattern: &'p ast::Pattern) -> Option<(Value, bool)> {
        match pattern {
            ast::Pattern::MatchClass(it) => {
                let is_all = it.arguments.patterns.is_empty() && it.arguments.keywords.is_empty();
                Some((self.evaluate(&it.cls), is_all))
            }
            ast::Pattern::MatchAs(it) => self.classes_of_pattern(it.pattern.as_deref()?),
            _ => None,
        }
    }

    fn bind_attributes(&mut self, it: &'p ast::PatternMatchClass, subject: &Value) {
        let class = self.evaluate(&it.cls);
        let instance = self.instances_of(&class).tainted_by(subject);
        for pattern in &it.arguments.patterns {
            self.bind_pattern(pattern, &Value::unknown().tainted_by(subject));
        }
        for keyword in &it.arguments.keywords {
            let value = self.attribute(&instance, keyword.attr.as_str(), span_of(keyword));
            self.bind_pattern(&keyword.pattern, &value);
        }
    }

    fn bind_pattern(&mut self, pattern: &'p ast::Pattern, subject: &Value) {
        let bind = |this: &mut Self, name: &'p Option<ast::Identifier>, value: &Value| {
            if let Some(name) = name {
                let sym = this.sym(name.as_str());
                this.assign_name(sym, value, span_of(name));
            }
        };
        match pattern {
            ast::Pattern::MatchAs(it) => {
                if let Some(inner) = &it.pattern {
                    self.bind_pattern(inner, subject);
                }
                let value = match it.pattern.as_deref() {
                    Some(ast::Pattern::MatchClass(class)) => {
                        let class = self.evaluate(&class.cls);
                        self.instances_of(&class).tainted_by(subject)
                    }
                    _ => subject.clone(),
                };
                bind(self, &it.name, &value);
            }
            ast::Pattern::MatchStar(it) => {
                let rest = self.all_elements(subject);
                bind(self, &it.name, &rest);
            }
            ast::Pattern::MatchMapping(it) => {
                for (key, pattern) in it.keys.iter().zip(&it.patterns) {
                    let key = self.evaluate(key);
                    let element = self.element_at(subject, &key, span_of(it));
                    self.bind_pattern(pattern, &element);
                }
                bind(self, &it.rest, subject);
            }
            ast::Pattern::MatchSequence(it) => {
                for (ix, pattern) in it.patterns.iter().enumerate() {
                    let element = self.element(subject, Key::Int(ix as i64), span_of(it));
                    self.bind_pattern(pattern, &element);
                }
            }
            ast::Pattern::MatchClass(it) => self.bind_attributes(it, subject),
            ast::Pattern::MatchOr(it) => {
                for pattern in &it.patterns {
                    self.bind_pattern(pattern, subject);
                }
            }
            ast::Pattern::MatchValue(it) => {
                self.evaluate(&it.value);
            }
            ast::Pattern::MatchSingleton(_) => {}
        }
    }
}
