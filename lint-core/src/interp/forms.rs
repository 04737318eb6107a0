//! Calls whose meaning depends on how they are written.

use crate::diagnostic::Span;
use crate::knowledge::Role;
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::args::Args;
use super::{CellKey, Code, Key, Machine, Obj, Sym, Value};

impl<'p> Machine<'p> {
    /// Calls whose meaning depends on how they are written.
    pub(super) fn call_syntax(
        &mut self,
        callee: &Value,
        it: &'p ast::ExprCall,
        span: Span,
    ) -> Option<Value> {
        let [Obj::External(name)] = callee.objs() else {
            return None;
        };
        match self.str(*name) {
            "pydantic.BaseModel.model_copy" => self.model_copy(it),
            "super" => Some(self.super_of(*name, it)),
            "typing.cast" | "typing_extensions.cast" => self.cast(it),
            "dataclasses.field"
            | "pydantic.Field"
            | "pydantic.fields.Field"
            | "attr.ib"
            | "attrs.field"
            | "attr.field" => Some(self.field(it, span)),
            "attrs.Factory" | "attr.Factory" => {
                let args = self.arguments(&it.arguments);
                let id = self.fields.id((self.frame.file, span));
                self.set_factory(id, &args);
                Some(Value::of(Obj::Field(id)))
            }
            _ if self.knowledge.role(self.str(*name)) == Some(Role::Field) => {
                Some(self.field(it, span))
            }
            _ => None,
        }
    }

    fn super_of(&mut self, name: Sym, it: &'p ast::ExprCall) -> Value {
        self.note_external(name);
        let instance = match it.arguments.args.get(1) {
            Some(argument) => self.evaluate(argument),
            None => self.receiver(),
        };
        let of = match it.arguments.args.first() {
            Some(argument) => self.evaluate(argument).objs().first().copied(),
            None => self.lexical_class().map(Obj::Class),
        };
        let Some(Obj::Class(of)) = of else {
            return Value::unknown();
        };
        let supers = instance.objs().iter().filter_map(|obj| match obj {
            Obj::Instance(class, variant) => Some(Obj::Super(of, *class, *variant)),
            Obj::Class(class) => Some(Obj::Super(of, *class, 0)),
            _ => None,
        });
        let supers: Value = supers.collect();
        if supers.is_bottom() {
            return Value::of(Obj::Super(of, of, 0));
        }
        supers
    }

    /// `typing.cast(type, value)`
    fn cast(&mut self, it: &'p ast::ExprCall) -> Option<Value> {
        let [ty, value] = &*it.arguments.args else {
            return None;
        };
        let value = self.evaluate(value);
        let typed = self.annotation(ty);
        Some(if value.is_vague() {
            typed.tainted_by(&value).opened()
        } else {
            value
        })
    }

    /// `model.model_copy(update={"field": value}, deep=True)`
    fn model_copy(&mut self, it: &'p ast::ExprCall) -> Option<Value> {
        let Expr::Attribute(method) = &*it.func else {
            return None;
        };
        let object = self.evaluate(&method.value);
        let args = self.arguments(&it.arguments);
        let (update, deep) = (self.sym("update"), self.sym("deep"));
        let is_deep = args
            .keyword(deep)
            .is_some_and(|it| matches!(it.objs(), [Obj::Bool(true)]));
        let mut set = Args::default();
        for (name, value) in &args.keywords {
            if *name != Some(update) {
                continue;
            }
            for (key, value) in self.entries(value) {
                match key {
                    Key::Str(field) => set.keywords.push((Some(field), value)),
                    _ => return None,
                }
            }
        }
        if is_deep {
            return Some(self.deeply_replaced(&object, &set, span_of(it)));
        }
        self.replaced(&object, &set, span_of(it))
    }

    fn field(&mut self, it: &'p ast::ExprCall, span: Span) -> Value {
        let args = self.arguments(&it.arguments);
        let id = self.fields.id((self.frame.file, span));
        let names = [self.sym("default_factory"), self.sym("factory")];
        let default = self.sym("default");
        let mut tainted = Value::bottom();
        for (name, value) in &args.keywords {
            match name {
                Some(name) if names.contains(name) => {
                    self.write(CellKey::FieldFactory(id), value);
                }
                Some(name) if *name == default => {
                    if let [Obj::Field(made)] = *value.objs() {
                        // `default=attrs.Factory(…)`
                        let factory = self.read(CellKey::FieldFactory(made));
                        self.write(CellKey::FieldFactory(id), &factory);
                        continue;
                    }
                    self.write(CellKey::FieldDefault(id), value);
                    tainted.add_taint(value.taint());
                }
                Some(_) => {}
                None => {
                    for factory in names {
                        let value = self.element(value, Key::Str(factory), span);
                        if value.objs().iter().any(|obj| obj.is_callable()) {
                            self.write(CellKey::FieldFactory(id), &value);
                        }
                    }
                }
            }
        }
        if let Some(argument) = args.positional.first() {
            self.write(CellKey::FieldDefault(id), &argument.value);
            tainted.add_taint(argument.value.taint());
        }
        Value::of(Obj::Field(id)).tainted_by(&tainted)
    }

    /// The first parameter of the method around the running code.
    fn receiver(&mut self) -> Value {
        let mut ctx = self.frame.ctx;
        loop {
            let Code::Function(it) = self.ctx(ctx).code.clone() else {
                return Value::unknown();
            };
            let Some(function) = self.function(it.func) else {
                return Value::unknown();
            };
            if function.class.is_some() {
                return self.read(CellKey::Param(ctx, 0));
            }
            if it.closure == ctx || function.parent == it.func.ix {
                return Value::unknown();
            }
            ctx = it.closure;
        }
    }

    pub(super) fn lexical_class(&self) -> Option<super::ClassId> {
        let index = self.frame.module.index();
        let mut function = self.frame.function;
        loop {
            if let Some(ix) = function.class {
                return Some(super::ClassId {
                    file: self.frame.file,
                    ix,
                });
            }
            let parent = index.function(function.parent);
            if std::ptr::eq(parent, function) {
                return None;
            }
            function = parent;
        }
    }
}
