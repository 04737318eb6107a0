//! What a class holds, gone through by the code that decorates it, and what an instance holds.
//!
//! `for name, member in vars(cls).items()` decides for each member what to make of it. The members
//! are known, so such a loop runs once for each, with what its conditions ask of one member.

use crate::diagnostic::Span;
use crate::syntax::ast;

use super::args::Args;
use super::{CellKey, ClassId, ContainerKind, Key, Machine, Obj, Sym, Value};

/// Classes with more members are gone through as other containers are.
const MAX_MEMBERS: usize = 64;

impl<'p> Machine<'p> {
    /// `vars(cls)` and `cls.__dict__`: the members by name.
    pub(super) fn namespace(&mut self, class: ClassId, span: Span) -> Value {
        let id = self.container(ContainerKind::Dict, span);
        for (name, value) in self.members(&[Obj::Class(class)]) {
            self.put(id, Key::Str(name), &value);
        }
        self.namespaces.insert(id);
        Value::of(Obj::Container(id))
    }

    /// `vars(object)` and `object.__dict__`: the attributes of an instance.
    pub(super) fn own_namespace(&mut self, class: ClassId, variant: u32, span: Span) -> Value {
        let id = self.container(ContainerKind::Dict, span);
        let within = self.attributes_within(class, variant);
        self.put_perhaps(id, Key::Any, &within);
        let holder = Value::of(Obj::Instance(class, variant));
        self.holders.entry(id).or_default().join(&holder);
        Value::of(Obj::Container(id))
    }

    /// What is stored in the namespace of an instance becomes an attribute of it.
    pub(super) fn store_in_holder(&mut self, id: u32, span: Span) {
        let Some(holder) = self.holders.get(&id).cloned() else {
            return;
        };
        for (key, value) in self.entries(&Value::of(Obj::Container(id))) {
            if let Key::Str(name) = key {
                let name = self.str(name).to_owned();
                self.store_attribute(&holder, &name, &value, span);
            }
        }
    }

    /// A copy of what a class holds, which nothing changes.
    pub(super) fn copied_namespace(&self, name: &str, args: &Args) -> Option<Value> {
        let object = args.at(0)?;
        let [Obj::Container(id)] = *object.objs() else {
            return None;
        };
        let copies = matches!(name, "list" | "tuple" | "dict" | "sorted" | "reversed");
        (copies && self.namespaces.contains(&id)).then(|| object.clone())
    }

    /// `dir(cls)`: the names of what a class has and inherits.
    pub(super) fn names_of_members(&mut self, class: ClassId, span: Span) -> Value {
        let members = self.members_of_all(class);
        let names = members
            .into_iter()
            .map(|(name, _)| Value::of(Obj::Str(name)));
        self.listed(names.collect(), span)
    }

    /// `inspect.getmembers(cls)`, perhaps with `inspect.isfunction` or its like.
    pub(super) fn pairs_of_members(
        &mut self,
        class: ClassId,
        functions: bool,
        span: Span,
    ) -> Value {
        let mut members = self.members_of_all(class);
        if functions {
            members.retain(|(_, value)| value.objs().iter().any(|obj| obj.is_callable()));
        }
        self.pairs(members, span)
    }

    /// What a class has and inherits.
    fn members_of_all(&mut self, class: ClassId) -> Vec<(Sym, Value)> {
        let owners: Vec<Obj> = self.mro(class).iter().copied().collect();
        self.members(&owners)
    }

    /// `items()`, `keys()` and `values()` of a namespace.
    pub(super) fn namespace_method(&mut self, id: u32, method: &str, span: Span) -> Option<Value> {
        if !self.namespaces.contains(&id) || self.containers.get(id).kind != ContainerKind::Dict {
            return None;
        }
        let members = self.entries(&Value::of(Obj::Container(id)));
        let members = members.into_iter().filter_map(|(key, value)| match key {
            Key::Str(name) => Some((name, value)),
            _ => None,
        });
        let members: Vec<(Sym, Value)> = members.collect();
        match method {
            "items" => Some(self.pairs(members, span)),
            "keys" => {
                let names = members
                    .into_iter()
                    .map(|(name, _)| Value::of(Obj::Str(name)));
                Some(self.listed(names.collect(), span))
            }
            "values" => {
                let values = members.into_iter().map(|(_, value)| value);
                Some(self.listed(values.collect(), span))
            }
            _ => None,
        }
    }

    /// What a loop over a namespace gets in each round.
    pub(super) fn namespace_rounds(&mut self, iterable: &Value, span: Span) -> Option<Vec<Value>> {
        let [Obj::Container(id)] = *iterable.objs() else {
            return None;
        };
        if !self.namespaces.contains(&id) {
            return None;
        }
        let list = self
            .namespace_method(id, "keys", span)
            .unwrap_or_else(|| iterable.clone());
        let rounds = self.exact_elements(&list)?;
        (rounds.len() <= MAX_MEMBERS).then_some(rounds)
    }

    /// What a decorator left on a member, or that it left nothing.
    pub(super) fn left_on_member(&mut self, name: &str, args: &Args) -> Option<Value> {
        if self.frame.members == 0 {
            return None;
        }
        let [object, attribute, ..] = &args.positional[..] else {
            return None;
        };
        let ([Obj::Func(function)], [Obj::Str(attribute)]) =
            (object.value.objs(), attribute.value.objs())
        else {
            return None;
        };
        let stored = self.read(CellKey::FunctionAttr(function.func, *attribute));
        if name == "hasattr" {
            return Some(Value::of(Obj::Bool(!stored.is_bottom())));
        }
        match (stored.objs(), args.positional.get(2)) {
            ([], Some(default)) => Some(default.value.clone()),
            ([obj], _) if obj.is_constant() => Some(Value::of(*obj)),
            _ => None,
        }
    }

    /// Runs the body of a loop once for each member.
    pub(super) fn for_each_member(&mut self, it: &'p ast::StmtFor, rounds: &[Value]) {
        self.frame.members += 1;
        self.for_each_of(it, rounds);
        self.frame.members -= 1;
    }

    /// Runs the body of a loop once for each of these.
    pub(super) fn for_each_of(&mut self, it: &'p ast::StmtFor, rounds: &[Value]) {
        self.frame.breaks.push(None);
        for element in rounds {
            if self.frame.state.dead {
                break;
            }
            self.assign(&it.target, element, None);
            self.loop_round(&it.body);
        }
        self.end_loop(&it.orelse);
    }

    /// What a loop over a short table that is written out gets in each round, if there are functions
    /// in it: which of them it is decides what the rest of the row means.
    pub(super) fn rows_of(&mut self, written: &'p ast::Expr, table: &Value) -> Option<Vec<Value>> {
        const MAX_ROWS: usize = 16;
        if !matches!(written, ast::Expr::Tuple(_) | ast::Expr::List(_)) {
            return None;
        }
        let rows = self.exact_elements(table)?;
        let cells = rows.iter().map(|row| self.all_elements(row));
        let cells: Vec<Value> = cells.collect();
        let is_function = |obj: &Obj| obj.is_callable() && !matches!(obj, Obj::External(_));
        let has_function = cells.iter().any(|it| it.objs().iter().any(is_function));
        (rows.len() <= MAX_ROWS && has_function).then_some(rows)
    }

    fn members(&mut self, owners: &[Obj]) -> Vec<(Sym, Value)> {
        let mut members: Vec<(Sym, Value)> = Vec::new();
        for owner in owners {
            let Obj::Class(owner) = owner else { continue };
            for name in self.class_attributes(*owner) {
                let value = self.member_of(*owner, name);
                if !value.is_bottom() && members.iter().all(|(known, _)| *known != name) {
                    members.push((name, value));
                }
            }
        }
        members
    }

    fn pairs(&mut self, members: Vec<(Sym, Value)>, span: Span) -> Value {
        let rows = members
            .into_iter()
            .map(|(name, value)| vec![Value::of(Obj::Str(name)), value]);
        let list = self.list_of_rows(&rows.collect::<Vec<_>>(), span);
        self.namespaces.insert(list);
        Value::of(Obj::Container(list))
    }

    fn listed(&mut self, elements: Vec<Value>, span: Span) -> Value {
        let list = self.list_from(&elements, span);
        if let [Obj::Container(id)] = *list.objs() {
            self.namespaces.insert(id);
        }
        list
    }
}
