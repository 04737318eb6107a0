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
                    if key.objs().iter().all(|obj| matches!(obj, Obj::Unknown)) && is_slice(key) {
                        result.add(obj);
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
                // `Generic[T]` and `list[int]` are still the class.
                Obj::Class(_) => {
                    result.add(obj);
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
                        let source = self.call_hazard(member, None, span);
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
        result.tainted_by(&key).at_place(object.place())
    }
}

fn is_slice(key: &Value) -> bool {
    matches!(key.objs(), [Obj::Unknown])
}
