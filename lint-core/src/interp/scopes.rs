//! What a name means, and what runs share under it.

use crate::diagnostic::{FileId, Span};
use crate::index::MODULE_BODY;
use crate::knowledge::{Access, Remarks, Role};

use super::builtins::is_builtin;
use super::{CellKey, Code, CtxId, Machine, Mode, Obj, SourceId, Sym, Value};

impl<'p> Machine<'p> {
    pub(super) fn name(&mut self, name: &str, span: Span) -> Value {
        let sym = self.sym(name);
        if let Some((_, scope)) = self.frame.classes.last()
            && let Some(value) = scope.get(&sym)
        {
            return value.clone();
        }
        let function = self.frame.function;
        let is_module =
            matches!(self.ctx(self.frame.ctx).code, Code::Fields { .. }) || self.in_module_body();
        if !is_module && !function.globals.contains(name) {
            if function.nonlocals.contains(name) {
                return self.captured(sym, span).unwrap_or_else(Value::unknown);
            }
            if let Some(value) = self.frame.state.vars.get(&sym) {
                let value = value.clone();
                if function.rebound.contains(name) {
                    let cell = self.read(CellKey::Local(self.frame.ctx, sym));
                    return value.joined(&cell);
                }
                return value;
            }
            if function.locals.contains(name) {
                return Value::bottom();
            }
            if let Some(value) = self.captured(sym, span) {
                return value;
            }
        } else if let Some(value) = self.frame.state.vars.get(&sym) {
            return value.clone();
        }
        self.global(sym, name, span)
    }

    /// The context whose local of this name the running function sees, if any.
    pub(super) fn enclosing_owner(&self, name: Sym) -> Option<CtxId> {
        let mut ctx = self.frame.ctx;
        loop {
            let Code::Function(it) = &self.ctx(ctx).code else {
                return None;
            };
            if it.func.ix == MODULE_BODY {
                return None;
            }
            let outer = it.closure;
            let Code::Function(outer_ref) = &self.ctx(outer).code else {
                return None;
            };
            if outer_ref.func.ix == MODULE_BODY || outer == ctx {
                return None;
            }
            let function = self.function(outer_ref.func)?;
            let text = self.str(name);
            if function.locals.contains(text) && !function.nonlocals.contains(text) {
                return Some(outer);
            }
            ctx = outer;
        }
    }

    fn captured(&mut self, name: Sym, span: Span) -> Option<Value> {
        let owner = self.enclosing_owner(name)?;
        let value = self.read(CellKey::Local(owner, name));
        Some(match self.captured_place(owner, name) {
            Some(_) if value.objs().iter().any(|obj| obj.is_callable()) => {
                self.read_shared(value, name, span)
            }
            Some(place) => {
                let value = self.as_shared(value, place);
                self.read_shared(value, name, span)
            }
            None => value,
        })
    }

    /// The place of a local that runs share, since the function around was called at import.
    pub(super) fn captured_place(&mut self, owner: CtxId, name: Sym) -> Option<SourceId> {
        if !self.ctx(owner).at_import || self.at_import() {
            return None;
        }
        let Code::Function(it) = &self.ctx(owner).code else {
            return None;
        };
        let func = it.func;
        let span = self.function(func)?.node.name_span();
        Some(self.shared_place(func.file, span, name))
    }

    fn global(&mut self, sym: Sym, name: &str, span: Span) -> Value {
        if self.names.name(sym) == "__name__" {
            return self.module_dunder_name();
        }
        let file = self.frame.file;
        let defined = self
            .frame
            .module
            .index()
            .function(MODULE_BODY)
            .locals
            .contains(name);
        let value = self.read(CellKey::Global(file, sym));
        if defined || !value.is_bottom() {
            return self.read_global(file, sym, value, span);
        }
        if is_builtin(name) {
            let external = self.external(name);
            return self.load_external(external, span, true);
        }
        Value::unknown()
    }

    /// Reading a module-level value. A function that sets it may be what the start of the worker
    /// calls; if workflows call it themselves, its store speaks for itself.
    pub(super) fn read_global(
        &mut self,
        file: FileId,
        name: Sym,
        value: Value,
        span: Span,
    ) -> Value {
        let (made_in, first) = self.first_name(file, name);
        let place = self.shared_place(made_in, Span::default(), first);
        let value = self.as_shared(value, place);
        let value = self.global_as_started(value, file, name);
        self.read_shared(value, name, span)
    }

    /// The place of state that runs may share, which stands for the values that runs leave there.
    pub(super) fn shared_place(&mut self, file: FileId, span: Span, name: Sym) -> SourceId {
        self.source_id(super::Source {
            ctx_file: file,
            span,
            name,
            class: crate::knowledge::SHARED,
            at_import: false,
            sandbox: crate::knowledge::Sandbox::Allows,
            remarks: Remarks::NONE,
            field: None,
        })
    }

    /// A value as it is found in shared state: an instance that a run left there is one of the
    /// process from then on.
    pub(super) fn as_shared(&mut self, value: Value, place: SourceId) -> Value {
        if self.at_import() || self.mode == Mode::Full {
            return value;
        }
        let mut result = value.clone();
        let is_run_made = |this: &Self, obj: &Obj| matches!(obj, Obj::Instance(_, variant) if !this.is_made_at_import(*variant));
        if value.objs().iter().any(|obj| is_run_made(self, obj)) {
            result = value.filter(|_| false);
            for &obj in value.objs() {
                result.add(match obj {
                    Obj::Instance(class, variant)
                        if !self.is_made_at_import(variant) && !self.is_enum(class) =>
                    {
                        Obj::Instance(class, self.shared_variant(class))
                    }
                    other => other,
                });
            }
        }
        result.at_place(Some(place))
    }

    /// Reading a module-level value whose origin varies from one worker to the next.
    pub(super) fn read_shared(&mut self, value: Value, name: Sym, span: Span) -> Value {
        let is_fixed = self.is_handle(&value) && !value.objs().contains(&Obj::None);
        if self.at_import() || self.frame.vouched > 0 || is_fixed {
            return value;
        }
        if !self.frame.state.dead {
            let varying = value.taint().iter();
            let varying = varying.map(|&origin| (span, name, origin));
            self.frame.out.imported.extend(varying);
        }
        value
    }

    /// Whether a value is something to act with, such as a client or a logger: using it is what
    /// matters, and not what it was made of. Whether there is one may matter.
    pub(super) fn is_handle(&self, value: &Value) -> bool {
        let acts = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => {
                let ty = self.str(*ty);
                self.knowledge.is_log(&format!("{ty}.info"))
                    || self.knowledge.has_members(ty) && !self.is_data_type(ty)
            }
            Obj::Keeper(_) => true,
            _ => false,
        };
        value.objs().iter().any(acts)
    }

    /// Whether instances of a class outside the project are data.
    fn is_data_type(&self, ty: &str) -> bool {
        let class = ty.split('#').next().unwrap_or(ty);
        self.knowledge.role(class) == Some(Role::Data)
    }

    /// Loads a name from outside the project; reading it may itself be a hazard. An `import` binds
    /// the name without using it.
    pub(super) fn load_external(&mut self, obj: Obj, span: Span, used: bool) -> Value {
        let Obj::External(sym) = obj else {
            return Value::of(obj);
        };
        if !used {
            return Value::of(obj);
        }
        let source = self.read_hazard(sym, span);
        let fetched = self.fetched(sym, span);
        Value::of(obj).with_source(source).with_source(fetched)
    }

    /// The hazard of merely reading a name, such as `os.environ`.
    pub(super) fn read_hazard(&mut self, sym: Sym, span: Span) -> Option<SourceId> {
        let name = self.names.name(sym);
        if self.knowledge.user_class(name).is_some() {
            return None;
        }
        let mut apis = self.apis(sym).iter();
        let api = apis.find(|api| api.access == Access::Read)?;
        if api.class == crate::knowledge::SAFE {
            return None;
        }
        self.hazard(sym, api.class, api.sandbox, api.remarks, span)
    }

    /// `from os import environ` makes a plain name of what is a hazard to read. A variable that
    /// holds the value carries its taint instead, and was reported where it was filled.
    pub(super) fn read_by_name(&mut self, value: Value, span: Span) -> Value {
        let [Obj::External(name)] = value.objs() else {
            return value;
        };
        if !value.taint().is_empty() || !self.str(*name).contains('.') {
            return value;
        }
        let source = self.read_hazard(*name, span);
        value.with_source(source)
    }
}
