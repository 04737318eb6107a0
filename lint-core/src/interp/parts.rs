//! Parts of workflows: what an attribute of one holds, and the elements and attributes of that.
//!
//! A value remembers of which attribute it is a part, under whatever name and through whatever
//! helper it is changed. A copy is no part any more, though what it holds still is.

use crate::diagnostic::Span;

use super::{ClassId, EventKind, Machine, Obj, Seen, Sym, Value, value::PartId};

impl Machine<'_> {
    /// The part that an attribute of an object is: a new one if the object is a workflow. What a
    /// property gives is a part only if it gives one.
    pub(super) fn part_behind(&mut self, object: &Value, name: Sym) -> Option<PartId> {
        match *object.objs() {
            [Obj::Instance(class, _)] if self.is_computed(class, name) => None,
            [Obj::Instance(class, _)] if self.is_workflow_class(class) => {
                Some(PartId(self.parts.id((class, name))))
            }
            _ => object.part(),
        }
    }

    /// Whether a method of the class makes what an attribute is.
    fn is_computed(&mut self, class: ClassId, name: Sym) -> bool {
        if !self.is_defined_by_classes(name) {
            return false;
        }
        self.mro(class).iter().any(|entry| {
            let Obj::Class(owner) = *entry else {
                return false;
            };
            let member = self.member_of(owner, name);
            member.objs().iter().any(|obj| match *obj {
                Obj::Property(_) => true,
                Obj::Instance(descriptor, _) => self.find_method(descriptor, "__get__").is_some(),
                _ => false,
            })
        })
    }

    /// Records that a part of a workflow changes.
    pub(super) fn record_part_change(&mut self, part: PartId, span: Span) {
        if self.at_import() {
            return;
        }
        let (class, name): (ClassId, Sym) = *self.parts.get(part.0);
        self.note_seen(span, Seen::Of(class));
        self.note_replay_flag(span, name, true, None);
        self.record_event(span, EventKind::StateWrite(name), None);
    }
}
