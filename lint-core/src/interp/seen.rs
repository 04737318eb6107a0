//! What the interpreter sees expressions to be, kept for rules that read the code themselves.

use std::collections::BTreeSet;

use crate::diagnostic::Span;

use super::{ClassId, FuncId, Machine, Obj, Sym, Value};

/// One thing that an expression was seen to be or to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seen {
    /// The call runs a function of the project.
    Runs(FuncId),
    /// The call makes an instance of a class of the project.
    Makes(ClassId),
    /// The call is of something outside the project.
    Calls(Sym),
    /// The attribute is one of an instance of this class.
    Of(ClassId),
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

    /// Remembers what an attribute belongs to.
    pub(super) fn note_owner(&mut self, object: &Value, span: Span) {
        for obj in object.objs() {
            if let Obj::Instance(class, _) = obj {
                self.note_seen(span, Seen::Of(*class));
            }
        }
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
