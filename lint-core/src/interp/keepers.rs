//! Objects outside the project that keep callables of the project, to run them later.
//!
//! An agent keeps its tools and guardrails, a graph its nodes, a decorator such as `@tool` its
//! function. They run where the agent or the graph is run, which may be in another module. The
//! catalogue says who keeps what, who runs it, and what is left to activities.

use std::collections::BTreeSet;

use crate::diagnostic::{FileId, Place, Span};
use crate::knowledge::{Arg, KeptBy};

use super::args::{Args, Given};
use super::{
    CellKey, ClassId, Container, ContainerKind, CtxId, FuncRef, How, Key, Machine, Obj, SinkKind,
    Sym, Value,
};

/// A keeper by the call that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Keeper {
    pub(super) ty: Sym,
    /// The entry of the catalogue.
    made_by: Sym,
    /// Whether it stands for the function that it decorates.
    pub(super) decorates: bool,
    file: FileId,
    span: Span,
    ctx: CtxId,
    at_import: bool,
}

/// Where something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shelf {
    Keeper(u32),
    Name(Sym),
}

/// What becomes of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Slot {
    /// The workflow runs it.
    Runs,
    /// Activities run it.
    Scheduled,
    /// What it gives decides how the workflow goes on.
    Decides,
    /// The names of what the workflow runs although it is scheduled elsewhere.
    Exempted,
}

impl<'p> Machine<'p> {
    /// A call that keeps what it is given, if the catalogue knows it as one.
    pub(super) fn keep(&mut self, name: Sym, args: &Args, span: Span) -> Option<Value> {
        let entries = self.knowledge.keepers(self.str(name));
        let first = entries.first()?;
        if first.decorates && args.positional.is_empty() {
            // `@agent.tool(retries=2)`
            let callee = match args.receiver {
                Some(receiver) => self.bound(Obj::External(name), receiver),
                None => Obj::External(name),
            };
            return Some(self.partial(&Value::of(callee), args.clone(), span));
        }
        let mut result = Value::bottom();
        for entry in entries {
            if !self.holds(entry.when, Some(args)) {
                continue;
            }
            let (shelf, value) = match (entry.kept_by, args.receiver) {
                (KeptBy::Result, _) => self.new_keeper(name, entry.decorates, args, span),
                (KeptBy::Name(key), _) => {
                    let key = self.sym(key);
                    (Shelf::Name(key), self.returned_type(name, Some(args), span))
                }
                (KeptBy::Receiver, Some(Obj::Keeper(id))) => {
                    let decorated = args.positional.first().filter(|_| entry.decorates);
                    let decorated = decorated.map(|it| it.value.clone());
                    let receiver = Value::of(Obj::Keeper(id));
                    (Shelf::Keeper(id), decorated.unwrap_or(receiver))
                }
                (KeptBy::Receiver, _) => continue,
            };
            self.put_away(shelf, Slot::Runs, entry.runs, args);
            self.put_away(shelf, Slot::Scheduled, entry.schedules, args);
            if entry.decides {
                self.put_away(shelf, Slot::Decides, entry.runs, args);
            }
            if let Some((arg, value)) = entry.exempts {
                let mapping = self.kept_argument(args, arg);
                let names = self.names_mapped_to(&mapping, value, 0);
                self.write(CellKey::Kept(shelf, Slot::Exempted), &names);
            }
            result.join(&value);
        }
        Some(if result.is_bottom() {
            self.returned_type(name, Some(args), span)
        } else {
            result
        })
    }

    fn new_keeper(
        &mut self,
        name: Sym,
        decorates: bool,
        args: &Args,
        span: Span,
    ) -> (Shelf, Value) {
        let ty = match self.returned_type(name, Some(args), span).objs() {
            [Obj::ExternalInstance(ty)] => *ty,
            _ => name,
        };
        let id = self.keepers.id(Keeper {
            ty,
            made_by: name,
            decorates,
            file: self.frame.file,
            span,
            ctx: self.frame.ctx,
            at_import: self.at_import(),
        });
        (Shelf::Keeper(id), Value::of(Obj::Keeper(id)))
    }

    /// `type(name, bases, namespace)`: an object that keeps the three, and that decorators mark as a
    /// class. Its members are no attributes, since nothing but an SDK looks for them.
    pub(super) fn made_class(&mut self, args: &Args, span: Span) -> Value {
        let name = self.sym("type");
        let (shelf, value) = self.new_keeper(name, false, args, span);
        let parts = self.container(ContainerKind::Tuple, span);
        for (ix, argument) in args.positional.iter().enumerate() {
            self.put(parts, Key::Int(ix as i64), &argument.value);
        }
        let parts = Value::of(Obj::Container(parts));
        self.write(CellKey::Kept(shelf, Slot::Scheduled), &parts);
        value
    }

    pub(super) fn is_made_class(&self, id: u32) -> bool {
        self.str(self.keepers.get(id).made_by) == "type"
    }

    /// A class that a call of `type` makes: its name, where it is made, the base of the project that
    /// its instances have, and its functions by name.
    pub(crate) fn made_class_parts(&mut self, id: u32) -> MadeClass {
        let keeper = *self.keepers.get(id);
        let parts = self.read(CellKey::Kept(Shelf::Keeper(id), Slot::Scheduled));
        let [name, bases, namespace] =
            [0, 1, 2].map(|ix| self.element(&parts, Key::Int(ix), Span::default()));
        let name = match name.objs() {
            [Obj::Str(name)] => self.str(*name).to_owned(),
            _ => "type".to_owned(),
        };
        let bases = self.all_elements(&bases);
        let base = bases.objs().iter().find_map(|obj| match obj {
            Obj::Class(class) => Some(*class),
            _ => None,
        });
        let mut members = Vec::new();
        for (key, value) in self.entries(&namespace) {
            let Key::Str(key) = key else { continue };
            let functions = value.objs().iter().filter_map(|obj| match obj {
                Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => Some(*it),
                _ => None,
            });
            let key = self.str(key).to_owned();
            members.extend(functions.map(|function| (key.clone(), function)));
        }
        MadeClass {
            name,
            place: Place {
                file: keeper.file,
                span: keeper.span,
            },
            base,
            members,
        }
    }

    fn put_away(&mut self, shelf: Shelf, slot: Slot, kept: &[Arg], args: &Args) {
        for &arg in kept {
            let value = self.kept_argument(args, arg);
            if !value.is_bottom() {
                self.write(CellKey::Kept(shelf, slot), &value);
            }
        }
    }

    /// An argument, or with a name such as `options.notify` an entry of one.
    fn kept_argument(&mut self, args: &Args, arg: Arg) -> Value {
        let (name, entry) = match arg.name.split_once('.') {
            Some((name, entry)) => (name, Some(entry)),
            None => (arg.name, None),
        };
        let value = match self.given(args, Arg { name, ..arg }) {
            Given::Value(value) => value.clone(),
            Given::Receiver(obj) => Value::of(obj),
            Given::Absent | Given::Hidden => return Value::bottom(),
        };
        match entry {
            Some(entry) => self.entry_of(&value, entry),
            None => value,
        }
    }

    /// What mappings have under a key that is text.
    pub(super) fn entry_of(&mut self, value: &Value, key: &str) -> Value {
        let key = Key::Str(self.sym(key));
        let mappings = value.filter(|obj| matches!(obj, Obj::Container(_)));
        self.element(&mappings, key, Span::default())
    }

    /// Whether the value is this text, `True` or `False`.
    pub(super) fn is_constant(&self, value: &Value, constant: &str) -> bool {
        match value.objs() {
            [Obj::Str(text)] => self.str(*text) == constant,
            [Obj::Bool(flag)] => constant == if *flag { "True" } else { "False" },
            _ => false,
        }
    }

    /// The keys under which the constant stands, or a mapping that has it as a value. What is said
    /// to be `False` is one thing within a group, of which the others are not meant.
    fn names_mapped_to(&mut self, mapping: &Value, constant: &str, depth: u32) -> Value {
        const MAX_DEPTH: u32 = 3;
        let mut names = Value::bottom();
        if depth == MAX_DEPTH {
            return names;
        }
        for (key, value) in self.entries(mapping) {
            let inner = self.names_mapped_to(&value, constant, depth + 1);
            if let Key::Str(key) = key
                && (self.is_constant(&value, constant) || constant != "False" && !inner.is_bottom())
            {
                names.add(Obj::Str(key));
            }
            names.join(&inner);
        }
        names
    }

    /// The types outside the project that a value is an instance of or holds instances of; whether
    /// that is all.
    pub(super) fn types_within(&mut self, value: &Value) -> (Vec<Sym>, bool) {
        let leaves = self.leaves(value, |this, id| {
            Some(this.all_elements(&Value::of(Obj::Container(id))))
        });
        let mut types = Vec::new();
        let mut is_all = true;
        for obj in leaves {
            match obj {
                Obj::ExternalInstance(ty) => types.push(ty),
                Obj::Keeper(id) => types.push(self.keepers.get(id).ty),
                Obj::Instance(class, _) => {
                    types.extend(self.mro(class).iter().filter_map(|entry| match entry {
                        Obj::External(name) => Some(*name),
                        _ => None,
                    }));
                }
                Obj::Unknown | Obj::Made(_) => is_all = false,
                _ => {}
            }
        }
        (types, is_all)
    }

    /// Whether a type outside the project is one of these or derived from one.
    pub(super) fn is_one_of(&self, ty: Sym, names: &[&str]) -> bool {
        let mut pending = vec![self.str(ty).to_owned()];
        let mut at = 0;
        while let Some(name) = pending.get(at).cloned() {
            if names.contains(&name.as_str()) {
                return true;
            }
            at += 1;
            pending.extend(self.knowledge.bases(&name).map(str::to_owned));
        }
        false
    }

    // ---- as an object ----

    pub(super) fn keeper_attribute(&mut self, id: u32, name: &str, span: Span) -> Value {
        let ty = self.keepers.get(id).ty;
        let member = self.member(ty, name);
        let is_method = member.is_some_and(|member| self.needs_receiver(member));
        if !is_method && let Some(slot) = self.slot_of(id, name) {
            // `agent.handoffs.append(…)`
            let keeper = *self.keepers.get(id);
            let list = self.container_of(Container {
                kind: ContainerKind::List,
                file: keeper.file,
                span: keeper.span,
                ctx: Some(keeper.ctx),
                shared: keeper.at_import,
                class: None,
                repeated: true,
            });
            let list = Value::of(Obj::Container(list));
            self.write(CellKey::Kept(Shelf::Keeper(id), slot), &list);
            return list;
        }
        match member {
            Some(member) => self.keeper_member(id, Obj::External(member), span),
            None => Value::unknown(),
        }
    }

    /// A method of a keeper, bound to it where that matters.
    pub(super) fn keeper_member(&mut self, id: u32, member: Obj, span: Span) -> Value {
        let loaded = self.load_external(member, span, true);
        match member {
            Obj::External(name) if self.needs_receiver(name) => {
                let bound = self.bound(member, Obj::Keeper(id));
                Value::of(bound).tainted_by(&loaded)
            }
            _ => loaded,
        }
    }

    pub(super) fn store_in_keeper(&mut self, id: u32, name: &str, value: &Value) {
        if let Some(slot) = self.slot_of(id, name) {
            self.write(CellKey::Kept(Shelf::Keeper(id), slot), value);
        }
    }

    /// What becomes of what stands in an attribute: constructors store what they get under the
    /// same name.
    fn slot_of(&self, id: u32, name: &str) -> Option<Slot> {
        let made_by = self.str(self.keepers.get(id).made_by);
        self.knowledge.keepers(made_by).iter().find_map(|entry| {
            let has = |args: &[Arg]| args.iter().any(|arg| arg.name == name);
            if has(entry.runs) {
                Some(Slot::Runs)
            } else {
                has(entry.schedules).then_some(Slot::Scheduled)
            }
        })
    }

    fn needs_receiver(&self, member: Sym) -> bool {
        let name = self.str(member);
        let is_self = |arg: &Arg| arg.name == "self";
        let kept = self.knowledge.keepers(name).iter();
        let runs = self.knowledge.higher_order(name);
        kept.clone().any(|it| it.kept_by == KeptBy::Receiver)
            || kept.flat_map(|it| it.runs).any(is_self)
            || runs.is_some_and(|it| it.runs.iter().any(is_self))
    }

    /// Calls a function through what decorates it, or an object that has a known `__call__`.
    pub(super) fn call_keeper(&mut self, id: u32, args: &Args, span: Span, how: How) -> Value {
        let keeper = *self.keepers.get(id);
        if !keeper.decorates {
            let Some(member) = self.member(keeper.ty, "__call__") else {
                return Value::unknown().tainted_by(&self.args_taint(args));
            };
            let bound = self.bound(Obj::External(member), Obj::Keeper(id));
            return self.apply(bound, args, span, how);
        }
        let kept = self.taken(&Value::of(Obj::Keeper(id)));
        let mut result = Value::bottom();
        for obj in kept.run {
            result.join(&self.apply(obj, args, span, how));
        }
        for obj in kept.scheduled {
            self.note_command();
            let taint = self.args_taint(args);
            self.record_sink(&taint, SinkKind::Payload, span);
            result.join(&match obj {
                Obj::Func(it) => self.declared_return(it.func).opened(),
                _ => Value::unknown(),
            });
        }
        result
    }

    // ---- running ----

    /// Runs what a value is or keeps; gives what that returned.
    pub(super) fn run_kept(&mut self, value: &Value, span: Span) -> Value {
        let mut result = Value::bottom();
        let taken = self.taken(value);
        for obj in taken.run {
            match obj {
                Obj::Instance(class, _) => {
                    for (method, given) in self.heard_methods(class) {
                        let arguments = [match given {
                            "" => Value::unknown(),
                            given => self.typed(given, span),
                        }];
                        let value = Value::of(obj);
                        let called = self.call_method_if_project(
                            &value,
                            method,
                            &arguments,
                            span,
                            How::Callback,
                        );
                        result.join(&called);
                    }
                }
                // What a model answers is made an instance of.
                Obj::Class(class) if self.is_data_class(class) => {
                    let decoder = self.bound(obj, Obj::Unknown);
                    self.apply(decoder, &Args::unknown(1), span, How::Callback);
                }
                _ if obj.is_callable() && !matches!(obj, Obj::Class(_) | Obj::External(_)) => {
                    let called = self.apply(obj, &Args::unknown(1), span, How::Callback);
                    if taken.decides.contains(&obj) {
                        let deciding = self.whole_taint(&called, span);
                        self.record_sink(&deciding, SinkKind::Branch, span);
                    }
                    result.join(&called);
                }
                _ => {}
            }
        }
        result
    }

    /// The methods that an owner calls on the instances of a class of the project, and the types of
    /// what it gives them.
    fn heard_methods(&mut self, class: ClassId) -> Vec<(&'static str, &'static str)> {
        let mut methods = vec![("__call__", "")];
        for entry in self.mro(class).iter() {
            if let Obj::External(base) = entry
                && let Some(listener) = self.knowledge.listener(self.str(*base))
            {
                methods.extend(listener.methods.iter().map(|it| (*it, listener.given)));
            }
        }
        methods
    }

    /// What a value is or keeps, containers and keepers taken apart.
    fn taken(&mut self, value: &Value) -> Taken {
        let mut pending: Vec<(Obj, bool)> = value.objs().iter().map(|&obj| (obj, false)).collect();
        let mut seen = BTreeSet::new();
        let (mut exempted, mut decides) = (BTreeSet::new(), BTreeSet::new());
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(&(obj, scheduled)) = pending.get(at) {
            at += 1;
            if !seen.insert((obj, scheduled)) {
                continue;
            }
            match obj {
                Obj::Container(_) => {
                    let inner = self.all_elements(&Value::of(obj));
                    pending.extend(inner.objs().iter().map(|&obj| (obj, scheduled)));
                }
                Obj::Keeper(id) => {
                    let ty = self.keepers.get(id).ty;
                    for shelf in [Shelf::Keeper(id), Shelf::Name(ty)] {
                        let [run, scheduled, names] = [Slot::Runs, Slot::Scheduled, Slot::Exempted]
                            .map(|slot| self.read(CellKey::Kept(shelf, slot)));
                        pending.extend(run.objs().iter().map(|&obj| (obj, false)));
                        pending.extend(scheduled.objs().iter().map(|&obj| (obj, true)));
                        exempted.extend(names.objs().iter().copied());
                        let deciding = self.read(CellKey::Kept(shelf, Slot::Decides));
                        decides.extend(deciding.objs());
                    }
                }
                _ => found.push((obj, scheduled)),
            }
        }
        let is_run = |&(obj, scheduled): &(Obj, bool)| {
            !scheduled
                || self
                    .simple_name(obj)
                    .is_some_and(|it| exempted.contains(&it))
        };
        let (run, scheduled): (Vec<_>, Vec<_>) = found.into_iter().partition(is_run);
        let objs = |list: Vec<(Obj, bool)>| list.into_iter().map(|(obj, _)| obj).collect();
        Taken {
            run: objs(run),
            scheduled: objs(scheduled),
            decides,
        }
    }

    /// The name that a function has in its module or class, as text.
    fn simple_name(&self, obj: Obj) -> Option<Obj> {
        let function = match obj {
            Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => it,
            Obj::Bound(id) => return self.simple_name(self.bounds.get(id).0),
            _ => return None,
        };
        let name = self.function(function.func)?.qualname.rsplit('.').next()?;
        Some(Obj::Str(self.names.known(name)?))
    }

    /// What is kept under a name, for a call that looks it up: all of it, or what has the key that
    /// the call is given.
    pub(super) fn look_up(&mut self, name: Sym, args: &Args) -> Option<Value> {
        let text = self.str(name);
        let mut registries = self.knowledge.registries();
        registries.find(|it| matches!(it.kept_by, KeptBy::Name(key) if key == text))?;
        let kept = self.read(CellKey::Kept(Shelf::Name(name), Slot::Runs));
        let key = args.positional.first().map(|it| it.value.objs().to_vec());
        let found = match key.as_deref() {
            Some([Obj::Str(key)]) => {
                let key = Key::Str(*key);
                let mappings = kept.filter(|obj| matches!(obj, Obj::Container(_)));
                self.element(&mappings, key, Span::default())
            }
            _ => self.all_elements(&kept),
        };
        (!found.is_bottom()).then_some(found)
    }
}

/// A class that a call of `type` makes.
pub(crate) struct MadeClass {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) base: Option<ClassId>,
    pub(crate) members: Vec<(String, FuncRef)>,
}

/// The callables that something keeps.
#[derive(Default)]
struct Taken {
    run: Vec<Obj>,
    scheduled: Vec<Obj>,
    /// Those whose answers decide how the workflow goes on.
    decides: BTreeSet<Obj>,
}
