//! Reading elements: `object[key]` and `object[from:to]`.

use crate::diagnostic::Span;
use crate::syntax::ast::{self, Expr};

use super::args::Args;
use super::containers::keys_of;
use super::{CellKey, ContainerKind, How, Key, Machine, Obj, Value};

impl<'p> Machine<'p> {
    /// `sequence[1:3]` of a sequence whose elements are known, by literal bounds.
    pub(super) fn exact_slice(
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

    pub(super) fn subscript(&mut self, object: &Value, key: &Value, span: Span) -> Value {
        let mut result = Value::bottom();
        for &obj in object.objs() {
            match obj {
                Obj::Container(_) if self.is_slice(key) => {
                    result.join(&self.part_of(obj, span));
                }
                Obj::Container(_) => {
                    let keys = keys_of(key);
                    for key in keys {
                        let element = self.element(&Value::of(obj), key, span);
                        result.join(&element);
                    }
                    if let Obj::Container(id) = obj {
                        let factory = self.read(CellKey::ContainerFactory(id));
                        let made = self.call_value(&factory, &Args::default(), span, How::Callback);
                        if !made.is_bottom() {
                            self.put(id, Key::Any, &made);
                        }
                        result.join(&made);
                    }
                }
                Obj::Instance(class, variant) if self.is_named_tuple(class) => {
                    let fields = self.field_names(class);
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
                }
                Obj::Instance(class, _) => {
                    // `dict.__getitem__` asks for what is missing.
                    let method = if self.find_method(class, "__getitem__").is_some() {
                        "__getitem__"
                    } else {
                        "__missing__"
                    };
                    let item = self.call_method_if_project(
                        &Value::of(obj),
                        method,
                        std::slice::from_ref(key),
                        span,
                        How::Operator,
                    );
                    result.join(&item);
                    if item.is_bottom() {
                        result.join(&self.contents_of(obj, span));
                    }
                }
                // `Generic[T]` and `list[int]` are still the class, or what a method of it gives.
                Obj::Class(class) => {
                    result.add(obj);
                    if let Some(method) = self.find_method(class, "__class_getitem__") {
                        let bound = self.bound(method, obj);
                        let args = Args::of(std::slice::from_ref(key));
                        let given = self.apply(bound, &args, span, How::Operator);
                        if !given.is_vague() {
                            result = given;
                        }
                    }
                }
                Obj::External(sym) => {
                    result.add(Obj::External(sym));
                    if matches!(
                        self.str(sym),
                        "typing.Annotated" | "typing_extensions.Annotated"
                    ) {
                        let metadata = self.all_elements(key);
                        result.join(&metadata.filter(|obj| matches!(obj, Obj::Field(_))));
                    }
                }
                Obj::ExternalInstance(ty) => {
                    if let Some(member) = self.member(ty, "__getitem__") {
                        let typed = self.returned_type(member, None, span);
                        result.join(&typed);
                        let called = self.call_hazard(member, None, span);
                        let source = called.or_else(|| self.read_hazard(member, span));
                        result = result.with_source(source);
                    } else {
                        result.join(&Value::unknown());
                    }
                }
                Obj::Str(_) => {
                    let string = self.instance_of_builtin("str");
                    result.join(&string);
                }
                _ => {
                    result.join(&Value::unknown());
                }
            }
        }
        // What a mapping holds for a key does not depend on the order of its entries.
        if self.are_containers(object, &[ContainerKind::Dict]) {
            result = result.tainted_by(&self.settled(object, span));
        } else {
            result = result.tainted_by(object);
        }
        let key = self.key_taint(object, key);
        self.found_in(result.tainted_by(&key), object)
    }

    /// What is found in something that runs share is shared as well.
    pub(super) fn found_in(&mut self, found: Value, object: &Value) -> Value {
        match object.place() {
            Some(place) => self.as_shared(found, place),
            None => found.at_place(None),
        }
    }

    fn is_slice(&self, key: &Value) -> bool {
        matches!(key.objs(), [Obj::ExternalInstance(ty)] if self.str(*ty) == "slice")
    }

    /// A part of a sequence, which is a new one.
    fn part_of(&mut self, obj: Obj, span: Span) -> Value {
        let Obj::Container(whole) = obj else {
            return Value::of(obj);
        };
        let part = self.container(self.containers.get(whole).kind, span);
        let elements = self.all_elements(&Value::of(obj));
        self.put(part, Key::Any, &elements);
        let size = self.size_taint(&Value::of(obj));
        if !size.is_bottom() {
            self.write(CellKey::Size(part), &size);
        }
        self.keep_set_order(part, whole);
        Value::of(Obj::Container(part))
    }
}
