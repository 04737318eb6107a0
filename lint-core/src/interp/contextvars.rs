//! Context variables: what a run sets it finds again, wherever the variable is read.

use crate::diagnostic::{FileId, Span};

use super::args::Args;
use super::{CellKey, Machine, Obj, Sym, Value};

const CONTEXT_VAR: &str = "contextvars.ContextVar";

impl Machine<'_> {
    /// Makes a context variable, or calls a method of one. Variables are told apart by their places.
    pub(super) fn call_context_variable(
        &mut self,
        name: Sym,
        args: &Args,
        span: Span,
    ) -> Option<Value> {
        if !self.str(name).starts_with(CONTEXT_VAR) {
            return None;
        }
        let name = self.str(name).to_owned();
        if name == CONTEXT_VAR {
            let place = format!("{CONTEXT_VAR}@{}:{}", self.frame.file.0, span.start);
            let variable = self.sym(&place);
            let default = self.sym("default");
            if let Some(value) = args.keyword(default) {
                self.write(contents(variable), value);
            }
            return Some(Value::of(Obj::ExternalInstance(variable)));
        }
        let (variable, method) = name.rsplit_once('.')?;
        let variable = self.sym(variable);
        let first = args.at(0);
        match method {
            "set" => {
                let value = self.lasting(first?);
                self.write(contents(variable), &value);
                let token = self.sym("contextvars.Token");
                Some(Value::of(Obj::ExternalInstance(token)))
            }
            "get" => {
                let mut value = self.read(contents(variable));
                if let Some(default) = first {
                    value.join(default);
                }
                // Code that is not followed may set it as well.
                Some(if value.objs().is_empty() {
                    Value::unknown().tainted_by(&value)
                } else {
                    value.opened()
                })
            }
            _ => None,
        }
    }
}

/// The names of variables are unique in themselves.
fn contents(variable: Sym) -> CellKey {
    CellKey::Global(FileId(0), variable)
}
