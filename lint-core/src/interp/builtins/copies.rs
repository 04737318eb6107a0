//! What makes copies: of objects, of containers, and of the fields of data classes.

use std::collections::BTreeMap;

use crate::diagnostic::Span;
use crate::interp::args::Args;
use crate::interp::{
    CellKey, ClassId, Container, ContainerKind, How, Key, Machine, Obj, Seen, Sym, Value,
};

use super::Call;

/// The copies of containers, by their originals.
type Copies = BTreeMap<u32, u32>;

/// So many containers within one are copied; further ones are taken to be shared.
const MAX_COPIES: usize = 64;

pub(super) fn copy(machine: &mut Machine, call: &Call) -> Option<Value> {
    let original = call.first()?;
    let mut copy = Value::bottom().taken_from(original);
    let mut copies = Copies::new();
    for &obj in original.objs() {
        let one = match obj {
            Obj::Container(id) => machine.shallow_copy(id, call.span, &mut copies),
            _ => machine.copied_object(obj, "__copy__", call.span),
        };
        copy.join(&one);
    }
    Some(machine.as_copy(copy, original, call.span))
}

pub(super) fn deep_copy(machine: &mut Machine, call: &Call) -> Option<Value> {
    let original = call.first()?;
    let copy = machine.deep_copy(original, call.span, &mut Copies::new());
    Some(machine.as_copy(copy, original, call.span))
}

/// `dataclasses.replace(object, field=value)` and its like.
pub(super) fn replace(machine: &mut Machine, call: &Call) -> Option<Value> {
    machine.replaced(call.first()?, call.args, call.span)
}

pub(super) fn as_dict(machine: &mut Machine, call: &Call) -> Option<Value> {
    let fields = machine.copied_fields(call)?;
    let id = machine.container(ContainerKind::Dict, call.span);
    for (_, field, value) in fields {
        machine.put(id, Key::Str(field), &value);
    }
    Some(Value::of(Obj::Container(id)))
}

pub(super) fn as_tuple(machine: &mut Machine, call: &Call) -> Option<Value> {
    let fields = machine.copied_fields(call)?;
    let id = machine.container(ContainerKind::Tuple, call.span);
    for (ix, _, value) in fields {
        machine.put(id, Key::Int(ix), &value);
    }
    Some(Value::of(Obj::Container(id)))
}

/// `Row._make(values)` of a named tuple.
pub(super) fn make_tuple(machine: &mut Machine, call: &Call) -> Option<Value> {
    let [Obj::Class(class)] = *call.first()?.objs() else {
        return None;
    };
    let given = call.second()?;
    let values = match machine.exact_elements(given) {
        Some(values) => values,
        None => {
            let any = machine.iterate(given, call.span, How::Iterate);
            vec![any; machine.field_names(class).len()]
        }
    };
    Some(machine.construct(class, &Args::of(&values), call.span))
}

impl Machine<'_> {
    /// A copy of instances in which some fields have other values.
    pub(in crate::interp) fn replaced(
        &mut self,
        object: &Value,
        args: &Args,
        span: Span,
    ) -> Option<Value> {
        let mut copy = Value::bottom().taken_from(object);
        for &obj in object.objs() {
            let Obj::Instance(class, variant) = obj else {
                return None;
            };
            let variant = self.variant_of_copy(class, variant, args);
            for (name, value) in &args.keywords {
                if let Some(name) = name {
                    self.write_instance_attribute(class, variant, *name, value);
                }
            }
            copy.add(Obj::Instance(class, variant));
        }
        (!copy.is_bottom()).then(|| self.as_copy(copy, object, span))
    }

    /// The same of a copy that shares nothing with the original.
    pub(in crate::interp) fn deeply_replaced(
        &mut self,
        object: &Value,
        args: &Args,
        span: Span,
    ) -> Value {
        let copy = self.deep_copy(object, span, &mut Copies::new());
        let mut copy = self.as_copy(copy, object, span);
        if let Some(replaced) = self.replaced(&copy, args, span) {
            return replaced;
        }
        for (_, value) in &args.keywords {
            copy.add_taint(value.taint());
        }
        copy
    }

    /// A copy is made here, and stands nowhere else.
    fn as_copy(&mut self, copy: Value, original: &Value, span: Span) -> Value {
        self.note_seen(span, Seen::OfFresh);
        let copy = copy.tainted_by(original).at_place(None);
        if original.is_open() {
            copy.opened()
        } else {
            copy
        }
    }

    /// A copy of what is no container.
    fn copied_object(&mut self, obj: Obj, hook: &str, span: Span) -> Value {
        let Obj::Instance(class, variant) = obj else {
            return Value::of(obj);
        };
        match self.find_method(class, hook) {
            Some(method) => {
                let bound = self.bound(method, obj);
                self.apply(bound, &Args::unknown(1), span, How::Operator)
            }
            None => {
                let variant = self.variant_of_copy(class, variant, &Args::default());
                Value::of(Obj::Instance(class, variant))
            }
        }
    }

    fn shallow_copy(&mut self, original: u32, span: Span, copies: &mut Copies) -> Value {
        let copy = self.duplicate(original, span, copies);
        self.copy_entries(copy, &Value::of(Obj::Container(original)));
        Value::of(Obj::Container(copy))
    }

    /// What holds or keeps nothing of the original: containers are copied with all that is in them.
    fn deep_copy(&mut self, original: &Value, span: Span, copies: &mut Copies) -> Value {
        let mut copy = Value::bottom().taken_from(original);
        for &obj in original.objs() {
            let one = match obj {
                Obj::Container(id) => self.deep_copy_of_container(id, span, copies),
                Obj::Instance(class, variant) if self.holds_others(class, variant) => {
                    // Its class stands for all its instances, and what they hold is not copied.
                    Value::unknown()
                }
                _ => self.copied_object(obj, "__deepcopy__", span),
            };
            copy.join(&one);
        }
        copy.tainted_by(original)
    }

    /// Whether containers or other instances hang on an instance.
    fn holds_others(&mut self, class: ClassId, variant: u32) -> bool {
        !self.attributes_within(class, variant).objs().is_empty()
    }

    fn deep_copy_of_container(&mut self, original: u32, span: Span, copies: &mut Copies) -> Value {
        let object = Value::of(Obj::Container(original));
        if let Some(&copy) = copies.get(&original) {
            return Value::of(Obj::Container(copy));
        }
        if copies.len() == MAX_COPIES {
            return object;
        }
        let copy = self.duplicate(original, span, copies);
        self.nested(|this| {
            for (key, element) in this.entries(&object) {
                let element = this.deep_copy(&element, span, copies);
                this.put(copy, key, &element);
            }
            Value::bottom()
        });
        Value::of(Obj::Container(copy))
    }

    /// An empty container like another one, of which a place makes one for each that is copied. A copy
    /// of a copy is one of the first original, so that copies that are copied again come to an end.
    fn duplicate(&mut self, original: u32, span: Span, copies: &mut Copies) -> u32 {
        let first = self.originals.get(&original).copied().unwrap_or(original);
        let mut copy = self.container(self.containers.get(original).kind, span);
        if !copies.is_empty() {
            copy = self.container_of(Container {
                span: Span::new(span.start, span.start + first),
                ..*self.containers.get(copy)
            });
        }
        self.originals.entry(copy).or_insert(first);
        copies.insert(original, copy);
        self.keep_shape(copy, original);
        copy
    }

    /// How many elements there are, and what is found under keys that are missing.
    pub(super) fn keep_shape(&mut self, copy: u32, original: u32) {
        for cell in [CellKey::Size, CellKey::ContainerFactory, CellKey::KeyTaint] {
            let value = self.read(cell(original));
            if !value.is_bottom() {
                self.write(cell(copy), &value);
            }
        }
        if self.records.contains(&original) {
            self.records.insert(copy);
        }
    }

    /// The fields of data classes, with their places: copies of what they hold.
    fn copied_fields(&mut self, call: &Call) -> Option<Vec<(i64, Sym, Value)>> {
        let mut fields = Vec::new();
        // The result itself is the first that is made there.
        let mut copies = Copies::from([(u32::MAX, u32::MAX)]);
        for &obj in call.first()?.objs() {
            let Obj::Instance(class, variant) = obj else {
                return None;
            };
            for (ix, field) in self.field_names(class).into_iter().enumerate() {
                let name = self.str(field).to_owned();
                let value = self.instance_attribute(class, variant, field, &name, call.span);
                let copy = self.copied_containers(&value, call.span, &mut copies);
                fields.push((ix as i64, field, copy));
            }
        }
        (!fields.is_empty()).then_some(fields)
    }

    /// A value with copies of its containers.
    fn copied_containers(&mut self, value: &Value, span: Span, copies: &mut Copies) -> Value {
        let mut copy = value.filter(|obj| !matches!(obj, Obj::Container(_)));
        for &obj in value.objs() {
            if let Obj::Container(original) = obj {
                copy.join(&self.shallow_copy(original, span, copies));
            }
        }
        copy
    }
}
