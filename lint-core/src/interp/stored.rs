//! Attributes that the running code itself has stored: as long as no other code can have changed
//! one, it is what was stored last, and not what any code ever stores there.
//!
//! They are kept by the variable that stands for the object. One that the function has made and
//! never hands to anybody is *private*: what else runs leaves it alone. Of all others, what was
//! stored is forgotten with the next call of the project's and the next wait.

use crate::index::FunctionNode;
use crate::syntax::ast::visitor::{Visitor, walk_expr};
use crate::syntax::ast::{self, Expr};

use super::{Machine, Obj, Sym, Value};

impl<'p> Machine<'p> {
    /// `name.attribute = value`
    pub(super) fn note_stored(
        &mut self,
        target: &Expr,
        attribute: &str,
        object: &Value,
        value: Value,
    ) {
        let attribute = self.sym(attribute);
        let Some(name) = self.variable(target) else {
            return;
        };
        if !self.at_import() && self.keeps_what_is_stored(object, attribute) {
            let stored = &mut self.frame.state.attributes;
            stored.insert((name, attribute), value);
        }
    }

    /// `setattr(name, "attribute", value)`
    pub(super) fn note_setattr(&mut self, callee: &Value, it: &'p ast::ExprCall, args: &[Value]) {
        let ([Obj::External(callee)], [object, attribute, value]) = (callee.objs(), args) else {
            return;
        };
        if let ("setattr", [Obj::Str(attribute)]) = (self.str(*callee), attribute.objs()) {
            let attribute = self.str(*attribute).to_owned();
            let value = self.lasting(value);
            self.note_stored(&it.arguments.args[0], &attribute, object, value);
        }
    }

    /// What reading an attribute gives, if the running code knows that better.
    pub(super) fn as_stored(
        &mut self,
        it: &ast::ExprAttribute,
        object: &Value,
        read: Value,
    ) -> Value {
        let Some(name) = self.variable(&it.value) else {
            return read;
        };
        let attribute = self.sym(it.attr.as_str());
        let part = read.part();
        let value = match self.frame.state.attributes.get(&(name, attribute)) {
            Some(stored) => stored.clone().opened().tainted_by(object),
            None => read,
        };
        if value.objs().iter().any(|obj| self.may_hold_receiver(*obj)) {
            self.frame.lent.insert(name);
        }
        value.in_part(part)
    }

    /// The object behind a variable is another one now.
    pub(super) fn forget_variable(&mut self, variable: Sym) {
        let stored = &mut self.frame.state.attributes;
        stored.retain(|(name, _), _| *name != variable);
    }

    /// An attribute of this name is stored in some object, which other variables may stand for.
    pub(super) fn forget_attribute(&mut self, attribute: Sym) {
        self.forget_others(|of| of == attribute);
    }

    /// Code runs that may change what others can see.
    pub(super) fn other_code_runs(&mut self) {
        self.forget_others(|_| true);
    }

    fn forget_others(&mut self, is_meant: impl Fn(Sym) -> bool) {
        let mut stored = std::mem::take(&mut self.frame.state.attributes);
        stored.retain(|(name, attribute), _| !is_meant(*attribute) || self.is_private(*name));
        self.frame.state.attributes = stored;
    }

    fn variable(&mut self, object: &Expr) -> Option<Sym> {
        let Expr::Name(name) = object else {
            return None;
        };
        let name = self.sym(name.id.as_str());
        self.frame.state.vars.contains_key(&name).then_some(name)
    }

    /// Whether storing an attribute in an object does no more than that. What is made at import
    /// belongs to all runs.
    fn keeps_what_is_stored(&mut self, object: &Value, attribute: Sym) -> bool {
        let is_plain = |obj: &Obj| !matches!(obj, Obj::Property(_) | Obj::Instance(..));
        !object.objs().is_empty()
            && object.objs().to_vec().into_iter().all(|obj| {
                let Obj::Instance(class, variant) = obj else {
                    return false;
                };
                let hooks = ["__setattr__", "__getattribute__"];
                !self.is_made_at_import(variant)
                    && hooks.iter().all(|it| self.find_method(class, it).is_none())
                    && self.mro(class).iter().all(|entry| match *entry {
                        Obj::Class(owner) => {
                            let member = self.member_of(owner, attribute);
                            member.objs().iter().all(is_plain)
                        }
                        _ => true,
                    })
            })
    }

    /// Whether what was read from an object can come back to it when it is called.
    fn may_hold_receiver(&self, obj: Obj) -> bool {
        match obj {
            Obj::Func(function) => !self.is_defined_at_import(function),
            Obj::Bound(_) | Obj::Partial(_) | Obj::Generator(_) | Obj::Super(..) => true,
            _ => false,
        }
    }

    /// Whether only the running function has the object that a variable stands for.
    fn is_private(&mut self, variable: Sym) -> bool {
        if self.frame.fresh.get(&variable) != Some(&true) || self.frame.lent.contains(&variable) {
            return false;
        }
        if let Some(&known) = self.frame.unshared.get(&variable) {
            return known;
        }
        let name = self.str(variable);
        let function = self.frame.function;
        let is_local = !function.captured.contains(name)
            && !function.globals.contains(name)
            && !function.nonlocals.contains(name);
        let FunctionNode::Def(def) = function.node else {
            return false;
        };
        let mut uses = Uses { name, hands: false };
        uses.visit_body(&def.body);
        let unshared = is_local && !uses.hands;
        self.frame.unshared.insert(variable, unshared);
        unshared
    }
}

/// Looks for a use of a name that hands over what it stands for.
struct Uses<'a> {
    name: &'a str,
    hands: bool,
}

impl<'a> Visitor<'a> for Uses<'_> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Attribute(it) if it.value.is_name_expr() && !it.attr.starts_with("__") => {}
            Expr::Name(it) => self.hands |= it.id.as_str() == self.name && it.ctx.is_load(),
            _ => walk_expr(self, expression),
        }
    }
}
