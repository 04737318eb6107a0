//! What decorators leave on functions and classes.
//!
//! `workflow.run` and its like set an attribute on the object they are given, wherever they are
//! called: above a `def`, inside a decorator of the project, in a loop over a registry. So marks
//! belong to values, and a wrapper that a function of the project returns has its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::knowledge::Role;
use crate::syntax::ast::Expr;

use super::args::Args;
use super::{CellKey, ClassId, CtxId, FuncId, FuncRef, Machine, Obj, Sym, Value};

/// A decorator on a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) name: Sym,
    pub(crate) role: Option<Role>,
}

#[derive(Debug, Default)]
pub(super) struct Marks {
    functions: BTreeMap<FuncRef, Vec<Mark>>,
    classes: BTreeMap<ClassId, Vec<Mark>>,
    /// Classes that calls of `type` make; see `keepers.rs`.
    made: BTreeMap<u32, Vec<Mark>>,
    /// The validators of update handlers.
    validators: BTreeMap<FuncRef, BTreeSet<FuncRef>>,
    /// The functions whose attributes `functools.wraps` copied to a wrapper.
    wrapped: BTreeMap<FuncRef, BTreeSet<FuncRef>>,
    /// Functions and classes of the project that the configuration gives a part to, with the
    /// names by which it does.
    declared: BTreeMap<Definition, Sym>,
}

/// Something that the project defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Definition {
    Function(FuncId),
    Class(ClassId),
}

impl<'p> Machine<'p> {
    /// Marks everything in a value that a decorator is applied to.
    pub(super) fn mark(&mut self, decorator: Sym, value: &Value) {
        let mark = Mark {
            name: decorator,
            role: self.knowledge.role(self.str(decorator)),
        };
        for obj in value.objs() {
            let marks = match obj {
                Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => {
                    self.marks.functions.entry(*it).or_default()
                }
                Obj::Class(class) => self.marks.classes.entry(*class).or_default(),
                Obj::Keeper(id) if self.is_made_class(*id) => {
                    self.marks.made.entry(*id).or_default()
                }
                _ => continue,
            };
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
    }

    /// Whether the SDK makes instances of a class, each of them for one run.
    pub(super) fn is_workflow_class(&self, class: ClassId) -> bool {
        let marks = self.marks.classes.get(&class);
        marks.is_some_and(|marks| marks.iter().any(|it| it.role == Some(Role::WorkflowClass)))
    }

    /// Whether a decorator may be applied to it.
    pub(super) fn is_definition(&self, obj: Obj) -> bool {
        obj.is_callable() || matches!(obj, Obj::Keeper(id) if self.is_made_class(id))
    }

    /// The call of a marker: `workflow.run(wrapper)`, `workflow.defn(name=…)(cls)`. It gives back
    /// what it is given.
    pub(super) fn apply_marker(&mut self, name: Sym, args: &Args) -> Option<Value> {
        if !self.knowledge.role(self.str(name)).is_some_and(is_marker) {
            return None;
        }
        let mut value = args.positional.first()?.value.clone();
        if let [update, validator] = &args.positional[..]
            && self.knowledge.role(self.str(name)) == Some(Role::Validator)
        {
            // `update.validator(check)`
            value = validator.value.clone();
            self.keep_validator(&update.value, &value);
        }
        let is_definition = |obj: &Obj| match obj {
            Obj::Func(_) | Obj::Class(_) | Obj::StaticMethod(_) | Obj::ClassMethod(_) => true,
            Obj::Keeper(id) => self.is_made_class(*id),
            _ => false,
        };
        if !value.is_bottom() && !value.objs().iter().any(is_definition) {
            return None;
        }
        self.mark(name, &value);
        Some(value)
    }

    fn keep_validator(&mut self, update: &Value, validator: &Value) {
        for update in functions(update) {
            let validators = self.marks.validators.entry(update).or_default();
            validators.extend(functions(validator));
        }
    }

    /// The functions that validate the updates of a member, wherever they are defined.
    pub(crate) fn validators_of(&self, member: FuncRef) -> Vec<FuncRef> {
        let wrapped = self.marks.wrapped.get(&member).into_iter().flatten();
        let updates = std::iter::once(&member).chain(wrapped);
        let validators = updates.filter_map(|update| self.marks.validators.get(update));
        validators.flatten().copied().collect()
    }

    /// `functools.wraps(wrapped)(wrapper)` copies what decorators left.
    pub(super) fn copy_marks(&mut self, wrapper: &Value, wrapped: &Value) {
        for to in functions(wrapper) {
            let from = functions(wrapped).into_iter().filter(|it| *it != to);
            self.marks.wrapped.entry(to).or_default().extend(from);
        }
    }

    /// The functions whose annotations a function has: with what decorators left,
    /// `functools.wraps` copies those of what it wraps.
    pub(super) fn annotated_as(&self, function: FuncRef) -> Vec<FuncId> {
        let mut annotated = Vec::new();
        let mut seen = BTreeSet::from([function]);
        let mut pending = vec![function];
        while let Some(function) = pending.pop() {
            match self.marks.wrapped.get(&function) {
                Some(wrapped) => pending.extend(wrapped.iter().filter(|it| seen.insert(**it))),
                None => annotated.push(function.func),
            }
        }
        annotated
    }

    // ---- names of the configuration ----

    /// Finds what the names of the configuration stand for in modules that have run; says whether
    /// there is anything.
    pub(crate) fn resolve_declared(&mut self) -> bool {
        let names: Vec<String> = self
            .knowledge
            .user_markers()
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in names {
            let value = self.defined(&name);
            let sym = self.sym(&name);
            for &obj in value.objs() {
                if let Some(definition) = self.definition(obj) {
                    self.marks.declared.insert(definition, sym);
                }
            }
        }
        !self.marks.declared.is_empty()
    }

    /// The value of `package.module.name` or `package.module.Class.name`.
    fn defined(&mut self, dotted: &str) -> Value {
        let file = |name: &str| {
            let mut files = self.project.files();
            files.find(|&file| self.project.module_name(file) == name)
        };
        let ends = dotted.match_indices('.').map(|(at, _)| at);
        let found = ends
            .rev()
            .find_map(|at| Some((file(&dotted[..at])?, &dotted[at + 1..])));
        let Some((file, path)) = found else {
            return Value::bottom();
        };
        let mut names = path.split('.');
        let first = self.sym(names.next().unwrap_or_default());
        let mut value = self.read(CellKey::Global(file, first));
        for name in names {
            let name = self.sym(name);
            let classes = value.objs().to_vec();
            value = Value::bottom();
            for obj in classes {
                if let Obj::Class(class) = obj {
                    value.join(&self.member_of(class, name));
                }
            }
        }
        value
    }

    fn definition(&self, obj: Obj) -> Option<Definition> {
        match obj {
            Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => {
                Some(Definition::Function(it.func))
            }
            Obj::Class(class) => Some(Definition::Class(class)),
            Obj::Bound(id) => self.definition(self.bounds.get(id).0),
            _ => None,
        }
    }

    /// The name under which the configuration gives an object a part.
    pub(crate) fn declared_name(&self, obj: Obj) -> Option<Sym> {
        let definition = self.definition(obj)?;
        self.marks.declared.get(&definition).copied()
    }

    /// The same for what decorates: `kit.flow`, or the call of it in `kit.flow(name="…")`.
    pub(super) fn declared_decorator(
        &mut self,
        written: &'p Expr,
        decorator: &Value,
    ) -> Option<Sym> {
        if self.marks.declared.is_empty() {
            return None;
        }
        let callee = match written {
            Expr::Call(call) => self.evaluate(&call.func),
            _ => decorator.clone(),
        };
        callee
            .objs()
            .iter()
            .find_map(|&obj| self.declared_name(obj))
    }

    /// The names that decorators have and that the configuration stands for.
    pub(crate) fn matched_names(&self) -> BTreeSet<Sym> {
        let functions = self.marks.functions.values();
        let marks = functions.chain(self.marks.classes.values()).flatten();
        let declared = self.marks.declared.values().copied();
        marks.map(|mark| mark.name).chain(declared).collect()
    }

    /// The decorators of a function, whatever it closes over.
    pub(crate) fn function_marks(&self, func: FuncId) -> impl Iterator<Item = Mark> + '_ {
        let of = |closure| FuncRef { func, closure };
        let range = of(CtxId(0))..=of(CtxId(u32::MAX));
        let marked = self.marks.functions.range(range);
        marked.flat_map(|(_, marks)| marks.iter().copied())
    }

    pub(crate) fn class_marks(&self, class: ClassId) -> &[Mark] {
        self.marks.classes.get(&class).map_or(&[], Vec::as_slice)
    }

    /// Functions that carry a mark, in order.
    pub(crate) fn marked_functions(&self) -> Vec<FuncId> {
        let mut functions: Vec<FuncId> = self.marks.functions.keys().map(|it| it.func).collect();
        functions.dedup();
        functions
    }

    /// Classes that carry a mark, in order.
    pub(crate) fn marked_classes(&self) -> Vec<ClassId> {
        self.marks.classes.keys().copied().collect()
    }

    /// Classes that calls of `type` make and that carry a mark, in order.
    pub(crate) fn marked_made_classes(&self) -> Vec<(u32, Vec<Mark>)> {
        let made = self.marks.made.iter();
        made.map(|(&id, marks)| (id, marks.clone())).collect()
    }

    /// What the SDK calls for a member of a workflow class that has this value, and as what.
    ///
    /// The run method is the member itself. For a handler, it is the function that the SDK's
    /// decorator was applied to: a wrapper that copies the attributes is passed by.
    pub(crate) fn entries_of(&self, member: FuncRef) -> Vec<(FuncRef, Role)> {
        let mut entries = Vec::new();
        let mut seen = BTreeSet::from([member]);
        let mut pending = vec![member];
        while let Some(function) = pending.pop() {
            let marks = self.marks.functions.get(&function);
            for role in marks.into_iter().flatten().filter_map(|mark| mark.role) {
                let called = if role == Role::Run { member } else { function };
                if is_entry(role) && !entries.contains(&(called, role)) {
                    entries.push((called, role));
                }
            }
            let originals = self.marks.wrapped.get(&function);
            pending.extend(
                originals
                    .into_iter()
                    .flatten()
                    .filter(|it| seen.insert(**it)),
            );
        }
        entries
    }

    pub(super) fn is_activity(&self, function: FuncRef) -> bool {
        let marks = self.marks.functions.get(&function);
        marks
            .into_iter()
            .flatten()
            .any(|mark| mark.role == Some(Role::Activity))
    }
}

fn functions(value: &Value) -> Vec<FuncRef> {
    let functions = value.objs().iter().filter_map(|obj| match obj {
        Obj::Func(it) => Some(*it),
        _ => None,
    });
    functions.collect()
}

/// Methods that the SDK calls.
fn is_entry(role: Role) -> bool {
    matches!(
        role,
        Role::Run
            | Role::Signal
            | Role::Query
            | Role::Update
            | Role::Validator
            | Role::Step
            | Role::Init
    )
}

fn is_marker(role: Role) -> bool {
    is_entry(role)
        || matches!(
            role,
            Role::WorkflowClass | Role::WorkflowFunction | Role::Activity
        )
}
