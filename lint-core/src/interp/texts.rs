//! Text that is put together.

use crate::diagnostic::Span;
use crate::syntax::ast;
use crate::syntax::span_of;

use super::{How, Machine, Obj, Value};

impl<'p> Machine<'p> {
    /// Text that stands in the code.
    pub(super) fn text(&mut self, text: &str) -> Value {
        let value = Value::of(Obj::Str(self.sym(text)));
        if text.is_empty() {
            value
        } else {
            value.truthy()
        }
    }

    pub(super) fn interpolated(
        &mut self,
        elements: impl Iterator<Item = &'p ast::InterpolatedStringElement>,
    ) -> Value {
        let mut taint = Value::bottom();
        let mut has_text = false;
        let (mut before, mut after, mut is_open) = (String::new(), String::new(), false);
        for element in elements {
            if let ast::InterpolatedStringElement::Literal(it) = element {
                has_text |= !it.value.is_empty();
                after.push_str(&it.value);
                if !is_open {
                    before.push_str(&it.value);
                }
            }
            if let ast::InterpolatedStringElement::Interpolation(it) = element {
                let value = self.evaluate(&it.expression);
                self.call_special(&value, "__format__", span_of(it), How::Operator);
                self.call_strings_within(&value, span_of(it));
                let source = self.note_order(&value, span_of(&*it.expression));
                taint = taint.with_source(source);
                taint.add_taint(self.whole_taint(&value, span_of(it)).taint());
                has_text |= it.format_spec.is_none() && self.has_text(&value);
                is_open = true;
                after.clear();
                if let Some(spec) = &it.format_spec {
                    let spec = self.interpolated(spec.elements.iter());
                    taint.add_taint(spec.taint());
                }
            }
        }
        let text = self.text_like(&before, &after).tainted_by(&taint);
        if has_text { text.truthy() } else { text }
    }

    /// Text of which the beginning and the end are known. Parts of names are kept, for `getattr`, and
    /// what tells calls apart.
    pub(super) fn text_like(&mut self, before: &str, after: &str) -> Value {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let is_part = before.len() + after.len() > 0
            && before.len() + after.len() < 60
            && before.chars().chain(after.chars()).all(is_name);
        if is_part || self.knowledge.tells(before) || self.knowledge.tells(after) {
            self.instance_of_builtin(&format!("str#{before}*{after}"))
        } else {
            self.instance_of_builtin("str")
        }
    }

    /// Text that is made of several values, or of containers of them, runs the same.
    pub(super) fn call_strings_within(&mut self, values: &Value, span: Span) {
        let parts = self.leaves(values, |this, id| {
            Some(this.all_elements(&Value::of(Obj::Container(id))))
        });
        for obj in parts {
            if matches!(obj, Obj::Instance(..)) {
                self.call_string(&Value::of(obj), span);
            }
        }
    }

    /// `str(x)` and f-strings run `__str__`, or `__repr__` in its absence.
    pub(super) fn call_string(&mut self, value: &Value, span: Span) {
        let string = self.call_special(value, "__str__", span, How::Operator);
        if string.is_bottom() {
            self.call_special(value, "__repr__", span, How::Operator);
        }
    }
}
