//! What iterating over a value gives.

use crate::diagnostic::Span;

use super::args::Args;
use super::{CellKey, ClassId, ContainerKind, How, Key, Machine, Obj, Value};

/// Functions that draw several of the elements that they are given.
const DRAWS: &[&str] = &[
    "random.sample",
    "random.choices",
    "random.Random.sample",
    "random.Random.choices",
];

impl Machine<'_> {
    /// What iterating over a value gives, running iterators on the way.
    pub(super) fn iterate(&mut self, value: &Value, span: Span, how: How) -> Value {
        self.nested(|this| this.iterate_one_level(value, span, how))
    }

    fn iterate_one_level(&mut self, value: &Value, span: Span, how: How) -> Value {
        let mut result = Value::bottom();
        for obj in value.objs().to_vec() {
            let elements = match obj {
                Obj::Container(id) => self.iterate_container(id, span),
                Obj::Generator(ctx) => self.run_generator(ctx, span, how),
                Obj::Instance(class, _) => self.iterate_instance(obj, class, span, how),
                Obj::Class(class) if self.is_enum(class) => Value::of(Obj::Instance(class, 0)),
                // The metaclass goes through its classes.
                Obj::Class(class) => {
                    let found = self.iterate_instance(obj, class, span, how);
                    if found.is_bottom() {
                        Value::unknown()
                    } else {
                        found
                    }
                }
                Obj::Str(_) => self.instance_of_builtin("str"),
                Obj::ExternalInstance(ty) => match self.member(ty, "__iter__") {
                    Some(member) => {
                        self.call_hazard(member, None, span);
                        self.returned_type(member, None, span)
                    }
                    None => Value::unknown(),
                },
                Obj::None | Obj::Bool(_) | Obj::Int(_) => Value::bottom(),
                _ => Value::unknown(),
            };
            result.join(&elements);
        }
        // What others fill has elements, also where nothing is known of them.
        let is_of_others = |obj: &Obj| match obj {
            Obj::Container(id) => self.containers.get(*id).ctx != Some(self.frame.ctx),
            _ => false,
        };
        if result.objs().is_empty() && value.objs().iter().any(is_of_others) {
            result = result.opened();
        }
        self.found_in(result.opened_like(value).tainted_by(value), value)
    }

    /// So many elements of the first argument, which is not known: the elements vary, and not how
    /// many there are.
    pub(super) fn drawn(
        &mut self,
        name: &str,
        args: &Args,
        cause: &Value,
        span: Span,
    ) -> Option<Value> {
        if !DRAWS.contains(&name) {
            return None;
        }
        let from = args.positional.first()?.value.clone();
        let source = self.note_order(&from, span);
        let elements = self.iterate(&from, span, How::Iterate);
        let list = self.container(ContainerKind::List, span);
        self.put(
            list,
            Key::Any,
            &elements.with_source(source).tainted_by(cause),
        );
        let k = self.sym("k");
        let counts = args.positional.get(1).map(|it| it.value.clone());
        let named = args.keywords.iter().find(|(name, _)| *name == Some(k));
        let count = counts.or_else(|| named.map(|(_, value)| value.clone()));
        let size = Value::bottom().tainted_by(&count.unwrap_or_default());
        Some(Value::of(Obj::Container(list)).tainted_by(&size))
    }

    fn iterate_container(&mut self, id: u32, span: Span) -> Value {
        if self.containers.get(id).kind != ContainerKind::Dict {
            let elements = self.all_elements(&Value::of(Obj::Container(id)));
            return self.read_contents(id, elements, span);
        }
        let keys = self.keys(id).into_iter().map(|key| match key {
            Key::Str(sym) => Obj::Str(sym),
            Key::Int(int) => Obj::Int(int),
            Key::Any => Obj::Unknown,
        });
        let keys: Value = keys.collect();
        keys.tainted_by(&self.read(CellKey::KeyTaint(id)))
    }

    fn iterate_instance(&mut self, obj: Obj, class: ClassId, span: Span, how: How) -> Value {
        let object = Value::of(obj);
        let mut iterators = Value::bottom();
        for method in ["__iter__", "__aiter__"] {
            iterators.join(&self.call_special(&object, method, span, how));
        }
        let mut found = Value::bottom();
        for iterator in iterators.objs().to_vec() {
            let iterator = Value::of(iterator);
            found.join(&match iterator.objs() {
                [Obj::Instance(..)] => self.next_of(&iterator, span, how),
                [Obj::Generator(_) | Obj::Container(_)] => self.iterate(&iterator, span, how),
                _ => Value::unknown(),
            });
        }
        if iterators.is_bottom() {
            let index = [Value::unknown()];
            let item = self.call_method_if_project(&object, "__getitem__", &index, span, how);
            found.join(&item);
        }
        if found.is_bottom() && self.is_enum(class) {
            found.add(Obj::Instance(class, 0));
        }
        found
    }

    /// What an iterator of the project gives next.
    pub(super) fn next_of(&mut self, iterator: &Value, span: Span, how: How) -> Value {
        let next = self.call_special(iterator, "__next__", span, how);
        next.joined(&self.call_special(iterator, "__anext__", span, how))
    }
}
