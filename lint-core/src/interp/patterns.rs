//! `match`: which case is taken, and what its pattern binds.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, CmpOp, Expr};
use crate::syntax::span_of;

use super::builtins::is_builtin;
use super::{ClassId, ContainerKind, Key, Machine, Mode, Obj, SinkKind, State, Sym, Value};

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
            // What earlier cases leave of a variable is less than what it was.
            let left = match &*it.subject {
                Expr::Name(_) => self.evaluate(&it.subject),
                _ => subject.clone(),
            };
            let matches = self.pattern_matches(&case.pattern, &left);
            if matches == Some(false) && self.mode == Mode::Workflows {
                continue;
            }
            let tested = self.classes_of_pattern(&case.pattern);
            if let (Expr::Name(name), Some((classes, is_all))) = (&*it.subject, &tested) {
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

    /// Whether a pattern matches, if that is the same for all that the subject may be.
    fn pattern_matches(&mut self, pattern: &'p ast::Pattern, subject: &Value) -> Option<bool> {
        match pattern {
            ast::Pattern::MatchValue(it) => {
                let value = self.evaluate(&it.value);
                self.decided_comparison(subject, CmpOp::Eq, &value)
            }
            ast::Pattern::MatchSingleton(it) => {
                let value = Value::of(match it.value {
                    ast::Singleton::None => Obj::None,
                    ast::Singleton::True => Obj::Bool(true),
                    ast::Singleton::False => Obj::Bool(false),
                });
                self.decided_comparison(subject, CmpOp::Is, &value)
            }
            ast::Pattern::MatchOr(it) => {
                let mut all = Some(false);
                for pattern in &it.patterns {
                    match self.pattern_matches(pattern, subject) {
                        Some(true) => return Some(true),
                        Some(false) => {}
                        None => all = None,
                    }
                }
                all
            }
            ast::Pattern::MatchAs(it) => match it.pattern.as_deref() {
                Some(inner) => self.pattern_matches(inner, subject),
                None => Some(true),
            },
            ast::Pattern::MatchClass(_) => {
                let (classes, is_all) = self.classes_of_pattern(pattern)?;
                match self.instance_test(subject, &classes).objs() {
                    [Obj::Bool(true)] if is_all => Some(true),
                    [Obj::Bool(false)] => Some(false),
                    _ => None,
                }
            }
            ast::Pattern::MatchSequence(_) => {
                self.has_no_parts(subject, &[ContainerKind::List, ContainerKind::Tuple])
            }
            ast::Pattern::MatchMapping(_) => self.has_no_parts(subject, &[ContainerKind::Dict]),
            ast::Pattern::MatchStar(_) => None,
        }
    }

    /// `Some(false)` where a subject is surely no container of these kinds.
    fn has_no_parts(&self, subject: &Value, kinds: &[ContainerKind]) -> Option<bool> {
        let is_other = |obj: &Obj| match obj {
            // What an annotation such as `Sequence` stands for may be of any kind.
            Obj::Container(id) => {
                let container = self.containers.get(*id);
                container.ctx.is_some() && !kinds.contains(&container.kind)
            }
            obj => obj.is_constant(),
        };
        let objs = subject.objs();
        let is_known = !subject.is_open() && !objs.is_empty();
        (is_known && objs.iter().all(is_other)).then_some(false)
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
        let instance = self.matched(subject, &class);
        for (ix, pattern) in it.arguments.patterns.iter().enumerate() {
            let value = self.positional_part(&class, &instance, ix, span_of(it));
            self.bind_pattern(pattern, &value.tainted_by(subject));
        }
        for keyword in &it.arguments.keywords {
            let value = self.attribute(&instance, keyword.attr.as_str(), span_of(keyword));
            self.bind_pattern(&keyword.pattern, &value);
        }
    }

    /// The instances among the objects of a value that a class pattern lets through.
    fn matched(&mut self, subject: &Value, class: &Value) -> Value {
        let mut found = subject.filter(|_| false);
        for &obj in subject.objs() {
            let is_one = match obj {
                Obj::Instance(of, _) => {
                    let mro = self.mro(of);
                    mro.iter().any(|entry| class.objs().contains(entry))
                }
                Obj::Container(id) => {
                    let kind = self.external(self.containers.get(id).kind.name());
                    class.objs().contains(&kind)
                }
                _ => false,
            };
            if is_one {
                found.add(obj);
            }
        }
        if found.objs().is_empty() {
            self.instances_of(class).tainted_by(subject)
        } else {
            found
        }
    }

    /// What `case Class(first, second)` means by a place: the attribute that the class names for
    /// it, or for types such as `int` the whole subject.
    fn positional_part(&mut self, class: &Value, instance: &Value, ix: usize, span: Span) -> Value {
        let mut part = Value::bottom();
        for &obj in class.objs() {
            let Obj::Class(class) = obj else {
                part.join(&match obj {
                    Obj::External(name) if ix == 0 && is_builtin(self.str(name)) => {
                        instance.clone()
                    }
                    _ => Value::unknown(),
                });
                continue;
            };
            let value = match self.match_args(class).get(ix) {
                Some(name) => {
                    let name = self.str(*name).to_owned();
                    self.attribute(instance, &name, span)
                }
                None => Value::unknown(),
            };
            part.join(&value);
        }
        part
    }

    /// The attributes that positional patterns of a class stand for.
    fn match_args(&mut self, class: ClassId) -> Vec<Sym> {
        let name = self.sym("__match_args__");
        for entry in self.mro(class).iter().copied() {
            let Obj::Class(owner) = entry else { continue };
            let declared = self.member_of(owner, name);
            if let Some(names) = self.exact_elements(&declared) {
                let names = names.iter().filter_map(|it| match it.objs() {
                    [Obj::Str(name)] => Some(*name),
                    _ => None,
                });
                return names.collect();
            }
        }
        self.field_names(class)
    }

    /// The elements of a sequence that a pattern takes apart.
    fn bind_sequence(&mut self, patterns: &'p [ast::Pattern], subject: &Value, span: Span) {
        let star = patterns.iter().position(ast::Pattern::is_match_star);
        let exact = self.exact_elements(subject);
        let exact = exact.filter(|it| it.len() + 1 >= patterns.len());
        for (ix, pattern) in patterns.iter().enumerate() {
            let after = patterns.len() - ix - 1;
            let value = match (star, &exact) {
                (Some(star), Some(exact)) if ix == star => {
                    self.list_from(&exact[ix..exact.len() - after], span_of(pattern))
                }
                (Some(star), Some(exact)) if ix > star => exact[exact.len() - after - 1].clone(),
                (Some(star), None) if ix == star => {
                    let rest = self.all_elements(subject);
                    self.list_of(&rest, span_of(pattern))
                }
                (Some(star), None) if ix > star => self.all_elements(subject),
                _ => self.element(subject, Key::Int(ix as i64), span),
            };
            self.bind_pattern(pattern, &value.tainted_by(subject));
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
                        self.matched(subject, &class)
                    }
                    _ => subject.clone(),
                };
                bind(self, &it.name, &value);
            }
            ast::Pattern::MatchStar(it) => {
                bind(self, &it.name, subject);
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
                self.bind_sequence(&it.patterns, subject, span_of(it));
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
