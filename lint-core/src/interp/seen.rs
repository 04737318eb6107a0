//! What the interpreter sees expressions to be, kept for rules that read the code themselves.

use std::collections::BTreeSet;

use crate::diagnostic::{FileId, Span};
use crate::syntax::ast::Expr;
use crate::syntax::span_of;

use super::{ClassId, ContainerKind, FuncId, Machine, Obj, Outcome, Sym, Value};

/// One thing that an expression was seen to be or to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    /// The call runs a function of the project.
    Runs(FuncId),
    /// The call is given this function of the project, which is run for it.
    CallsBack(FuncId),
    /// The call makes an instance of a class of the project.
    Makes(ClassId),
    /// The call is of something outside the project.
    Calls(Sym),
    /// The call is of a method of a container, and of nothing else.
    CallsMethod(ContainerKind, Sym),
    /// The attribute is one of an instance of this class.
    Of(ClassId),
    /// The attribute is one of an object that the function at hand has made, or the call makes a
    /// copy of one.
    OfFresh,
    /// The exception that is raised or caught is of this class.
    Exception(ClassId),
    /// The same for a class outside the project.
    ForeignException(Sym),
    /// The exception may be of a class that is not known.
    AnyException,
    /// The command is given this for a property that a replay compares; `Unknown` if that is not
    /// all that it may be given.
    Given(&'static str, Obj),
}

/// Methods that Python calls on an object that nobody else has yet.
const MAKING: &[&str] = &[
    "__init__",
    "__post_init__",
    "__attrs_post_init__",
    "__setstate__",
    "model_post_init",
];

impl Outcome {
    /// The classes that the attribute there belongs to.
    pub(crate) fn owners_at(&self, span: Span) -> impl Iterator<Item = ClassId> + '_ {
        let first = ClassId {
            file: FileId(0),
            ix: 0,
        };
        let from = self.seen.range((span, Seen::Of(first))..);
        from.map_while(move |(at, seen)| match seen {
            Seen::Of(class) if *at == span => Some(*class),
            _ => None,
        })
    }
}

impl Machine<'_> {
    pub(super) fn note_seen(&mut self, span: Span, seen: Seen) {
        if !self.frame.state.dead {
            self.frame.out.seen.insert((span, seen));
        }
    }

    /// Remembers what a command is given for a property that a replay compares.
    pub(super) fn note_given(&mut self, property: &'static str, value: &Value, span: Span) {
        for &obj in value.objs() {
            self.note_seen(span, Seen::Given(property, obj));
        }
        if value.objs().is_empty() || value.is_open() {
            self.note_seen(span, Seen::Given(property, Obj::Unknown));
        }
    }

    /// Remembers a call of methods of containers. What is like a container and known from outside, such as a
    /// queue, has methods of its own.
    pub(super) fn note_methods(&mut self, callee: &Value, span: Span) {
        let method = |obj: &Obj| match obj {
            Obj::ContainerMethod(id, name) => Some((self.containers.get(*id).kind, *name)),
            _ => None,
        };
        let methods: Option<Vec<_>> = callee.objs().iter().map(method).collect();
        for (kind, name) in methods.unwrap_or_default() {
            self.note_seen(span, Seen::CallsMethod(kind, name));
        }
    }

    /// Remembers what an attribute belongs to.
    pub(super) fn note_owner(&mut self, object: &Value, span: Span) {
        for obj in object.objs() {
            if let Obj::Instance(class, _) = obj {
                self.note_seen(span, Seen::Of(*class));
            }
        }
    }

    /// Remembers whether a variable stands for an object that the function has made.
    pub(super) fn note_fresh(&mut self, name: Sym, value: &Value, from: Option<&Expr>) {
        let is_made = from.is_some_and(|from| {
            let made = |obj: &Obj| match obj {
                Obj::Instance(class, _) => {
                    let makes = (span_of(from), Seen::Makes(*class));
                    self.frame.out.seen.contains(&makes)
                }
                _ => false,
            };
            let is_copy = self
                .frame
                .out
                .seen
                .contains(&(span_of(from), Seen::OfFresh));
            from.is_call_expr() && (is_copy || value.objs().iter().all(made))
        });
        let always = self.frame.fresh.entry(name).or_insert(true);
        *always &= is_made;
    }

    /// Whether an expression is an object that the function at hand has made, or is making.
    pub(super) fn is_fresh(&mut self, object: &Expr) -> bool {
        let Expr::Name(name) = object else {
            return false;
        };
        let function = self.frame.function;
        let parameters = function.node.parameters();
        let receiver = parameters.and_then(|it| it.iter_non_variadic_params().next());
        let is_receiver = receiver.is_some_and(|it| it.parameter.name.as_str() == name.id.as_str());
        let method = function.qualname.rsplit('.').next().unwrap_or_default();
        if function.class.is_some() && is_receiver && MAKING.contains(&method) {
            return true;
        }
        let name = self.sym(name.id.as_str());
        self.frame.fresh.get(&name) == Some(&true)
    }

    /// Remembers the classes of an exception that is raised or caught: the value is a class, a
    /// tuple of classes or an instance.
    pub(super) fn note_exception(&mut self, value: &Value, span: Span) {
        if value.objs().is_empty() {
            self.note_seen(span, Seen::AnyException);
        }
        let mut pending = value.objs().to_vec();
        let mut seen = BTreeSet::new();
        while let Some(obj) = pending.pop() {
            match obj {
                Obj::Class(class) | Obj::Instance(class, _) => {
                    self.note_seen(span, Seen::Exception(class));
                }
                Obj::External(name) | Obj::ExternalInstance(name) => {
                    self.note_seen(span, Seen::ForeignException(name));
                }
                // A tuple may hold itself.
                Obj::Container(id) => {
                    if seen.insert(id) {
                        let inner = self.all_elements(&Value::of(obj));
                        pending.extend(inner.objs());
                    }
                }
                _ => self.note_seen(span, Seen::AnyException),
            }
        }
    }
}
