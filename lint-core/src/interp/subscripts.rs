//! Reading elements: `object[key]` and `object[from:to]`.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::args::Args;
use super::containers::keys_of;
use super::value::PartId;
use super::{CellKey, ClassId, ContainerKind, How, Key, Machine, Obj, Value};

impl<'p> Machine<'p> {
    pub(super) fn subscript(&mut self, it: &'p ast::ExprSubscript) -> Value {
        let object = self.evaluate(&it.value);
        if let Expr::Slice(slice) = &*it.slice
            && let Some(part) = self.exact_slice(&object, slice, span_of(it))
        {
            return part.tainted_by(&object);
        }
        let key = self.evaluate(&it.slice);
        self.element_at(&object, &key, span_of(it))
    }

    pub(super) fn slice(&mut self, it: &'p ast::ExprSlice) -> Value {
        let mut taint = Value::bottom();
        for part in [&it.lower, &it.upper, &it.step].into_iter().flatten() {
            let value = self.evaluate(part);
            taint.add_taint(value.taint());
        }
        self.instance_of_builtin("slice").tainted_by(&taint)
    }

    /// `sequence[1:3]` of a sequence whose elements are known, by literal bounds.
    fn exact_slice(
        &mut self,
        object: &Value,
        slice: &'p ast::ExprSlice,
        span: Span,
    ) -> Option<Value> {
        let elements = self.exact_elements(object)?;
        let len = elements.len() as i64;
        let mut bound = |part: &'p Option<Box<Expr>>, default: i64| match part {
            None => Some(default),
            Some(part) => match self.evaluate(part).objs() {
                [Obj::Int(int)] => Some(if *int < 0 {
                    (len + int).max(0)
                } else {
                    (*int).min(len)
                }),
                _ => None,
            },
        };
        let (lower, upper) = (bound(&slice.lower, 0)?, bound(&slice.upper, len)?);
        if slice.step.is_some() {
            return None;
        }
        let id = self.container(ContainerKind::List, span);
        for (ix, element) in elements
            .iter()
            .take(upper as usize)
            .skip(lower as usize)
            .enumerate()
        {
            self.put(id, Key::Int(ix as i64), element);
        }
        Some(Value::of(Obj::Container(id)))
    }

    /// `object[key]`, whatever is done with it.
    pub(super) fn element_at(&mut self, object: &Value, key: &Value, span: Span) -> Value {
        let mut result = Value::bottom().contained_in(object);
        for &obj in object.objs() {
            match obj {
                Obj::Container(id) if self.is_slice(key) => {
                    result.join(&self.part_of(id, object.part(), span))
                }
                Obj::Container(id) => result.join(&self.element_of_container(id, key, span)),
                Obj::Instance(class, variant) if self.is_named_tuple(class) => {
                    result.join(&self.fields_at(class, variant, key, span))
                }
                Obj::Instance(class, _) => result.join(&self.item_of(obj, class, key, span)),
                // `Generic[T]` and `list[int]` are still the class, or what a method of it gives.
                Obj::Class(class) => match self.class_item(obj, class, key, span) {
                    Some(given) => {
                        result = given;
                        true
                    }
                    None => {
                        let (object, key) = (Value::of(obj), std::slice::from_ref(key));
                        let method = "__getitem__";
                        let item =
                            self.call_method_if_project(&object, method, key, span, How::Operator);
                        result.join(&item) | result.add(obj)
                    }
                },
                Obj::External(sym) => {
                    if is_annotated(self.str(sym)) {
                        let metadata = self.all_elements(key);
                        result.join(&metadata.filter(|obj| matches!(obj, Obj::Field(_))));
                    }
                    result.add(obj)
                }
                Obj::ExternalInstance(ty) => match self.member(ty, "__getitem__") {
                    Some(member) => {
                        let typed = self.returned_type(member, None, span);
                        let called = self.call_hazard(member, None, span);
                        let source = called.or_else(|| self.read_hazard(member, span));
                        result.join(&typed.with_source(source))
                    }
                    None => result.join(&Value::unknown()),
                },
                Obj::Str(_) => result.join(&self.instance_of_builtin("str")),
                _ => result.join(&Value::unknown()),
            };
        }
        // What a mapping holds for a key does not depend on the order of its entries.
        if self.are_containers(object, &[ContainerKind::Dict]) {
            result = result.tainted_by(&self.settled(object, span));
        } else {
            result = result.tainted_by(object);
        }
        let slices = self.is_slice(key);
        let key = self.key_taint(object, key);
        let result = result.tainted_by(&key);
        if slices {
            // A copy stands nowhere, though what it holds does.
            return result.at_place(None);
        }
        self.found_in(result.opened_like(object), object)
    }

    /// What is found in something that runs share is shared as well.
    pub(super) fn found_in(&mut self, found: Value, object: &Value) -> Value {
        let found = found.in_part(object.part());
        match object.place() {
            Some(place) => self.as_shared(found, place),
            None => found.at_place(None),
        }
    }

    pub(super) fn is_slice(&self, key: &Value) -> bool {
        matches!(key.objs(), [Obj::ExternalInstance(ty)] if self.str(*ty) == "slice")
    }

    /// A part of a sequence, which is a new one.
    fn part_of(&mut self, whole: u32, of: Option<PartId>, span: Span) -> Value {
        let part = self.container(self.containers.get(whole).kind, span);
        let object = Value::of(Obj::Container(whole));
        let elements = self.all_elements(&object);
        self.put(part, Key::Any, &elements.in_part(of));
        let size = self.size_taint(&object);
        if !size.is_bottom() {
            self.write(CellKey::Size(part), &size);
        }
        self.keep_set_order(part, whole);
        Value::of(Obj::Container(part))
    }

    /// What `__class_getitem__` gives, if that is known.
    fn class_item(&mut self, obj: Obj, class: ClassId, key: &Value, span: Span) -> Option<Value> {
        let method = self.find_method(class, "__class_getitem__")?;
        let bound = self.bound(method, obj);
        let args = Args::of(std::slice::from_ref(key));
        let given = self.apply(bound, &args, span, How::Operator);
        (!given.is_vague()).then_some(given)
    }

    fn element_of_container(&mut self, id: u32, key: &Value, span: Span) -> Value {
        let object = Value::of(Obj::Container(id));
        let mut result = Value::bottom();
        for key in keys_of(key) {
            result.join(&self.element(&object, key, span));
        }
        let factory = self.read(CellKey::ContainerFactory(id));
        let made = self.call_value(&factory, &Args::default(), span, How::Callback);
        if !made.is_bottom() {
            self.put(id, Key::Any, &made);
            self.fill_in_order(&object, key);
        }
        result.join(&made);
        result
    }

    /// The fields of a named tuple, by their places.
    fn fields_at(&mut self, class: ClassId, variant: u32, key: &Value, span: Span) -> Value {
        let fields = self.field_names(class);
        let mut result = Value::bottom();
        for key in keys_of(key) {
            let field = match key {
                Key::Int(ix) => fields.get(ix as usize).copied(),
                _ => None,
            };
            let Some(field) = field else {
                result.join(&Value::unknown());
                continue;
            };
            let name = self.str(field).to_owned();
            result.join(&self.instance_attribute(class, variant, field, &name, span));
        }
        result
    }

    /// An element of an instance of the project's.
    fn item_of(&mut self, obj: Obj, class: ClassId, key: &Value, span: Span) -> Value {
        if let [Obj::Str(name)] = *key.objs()
            && self.is_typed_dict(class)
        {
            let name = self.str(name).to_owned();
            let declared = self.annotated_field(class, &name);
            if !declared.is_bottom() {
                return declared.opened().tainted_by(&self.contents_of(obj, span));
            }
        }
        // `dict.__getitem__` asks for what is missing.
        let method = if self.find_method(class, "__getitem__").is_some() {
            "__getitem__"
        } else {
            "__missing__"
        };
        let (object, key) = (Value::of(obj), std::slice::from_ref(key));
        let item = self.call_method_if_project(&object, method, key, span, How::Operator);
        if item.is_bottom() {
            return self.contents_of(obj, span);
        }
        item
    }
}

fn is_annotated(name: &str) -> bool {
    matches!(name, "typing.Annotated" | "typing_extensions.Annotated")
}
