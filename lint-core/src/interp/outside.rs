//! Calling code outside the project: hazards, callbacks, and what such code gives.

use crate::diagnostic::Span;
use crate::knowledge::{Access, BUNDLED, CommandKind, FETCHED, FILE, Remarks, Role, SAFE, Sandbox};

use super::args::{Args, Given};
use super::builtins::is_builtin;
use super::{
    ContainerKind, EventKind, How, Key, Kinds, Machine, Mode, Obj, Seen, SinkKind, SourceId, Sym,
    Value,
};

impl<'p> Machine<'p> {
    pub(super) fn note_external(&mut self, name: Sym) {
        self.frame.out.externals.insert(name);
    }

    /// The full graph names methods of literals as the public benchmarks do.
    pub(super) fn note_container_method(&mut self, id: u32, method: Sym) {
        if self.mode == Mode::Full {
            let ty = match self.containers.get(id).kind {
                ContainerKind::List => "PyList",
                ContainerKind::Tuple => "PyTuple",
                ContainerKind::Dict => "PyDict",
                ContainerKind::Set => "PySet",
                ContainerKind::FrozenSet => "PyFrozenSet",
            };
            let name = format!("<**{ty}**>.{}", self.str(method));
            let name = self.sym(&name);
            self.note_external(name);
        }
    }

    pub(super) fn call_external(&mut self, name: Sym, args: &Args, span: Span) -> Value {
        self.note_external(name);
        self.unsettle_given(name, args);
        self.note_seen(span, Seen::Calls(name));
        let cause = self.cause_of_call(name, args, span);
        if self.sends(span) {
            let sent = self.payload_taint(args, span);
            self.record_sink(&sent, SinkKind::External, span);
        }
        if self.str(name).ends_with(".shuffle")
            && let Some(list) = args.at(0)
        {
            self.record_container_change(list, span);
            self.scatter_all(list);
            self.taint_elements(list, &cause);
        }
        let text = self.str(name).to_owned();
        if let Some(value) = self.drawn(&text, args, &cause, span) {
            return value;
        }
        if let Some(value) = self.call_builtin(name, args, span) {
            return value.tainted_by(&cause);
        }
        if let Some(value) = self.apply_marker(name, args) {
            return value;
        }
        if let Some(value) = self.call_sdk(name, args, &cause, span) {
            return value;
        }
        if let Some(kept) = self.keep(name, args, span) {
            // What it is made of at import is the same in all runs of a worker, and what it gives
            // comes from the history.
            let taint = self.payload_taint(args, span);
            let taint = self.with_kinds(&taint, Kinds::IMPORT.not());
            return kept.tainted_by(&taint).tainted_by(&cause);
        }
        if let Some(found) = self.look_up(name, args) {
            return found;
        }
        self.call_unknown(name, args, &cause, span)
    }

    /// What the result of a call comes from because of the call itself.
    fn cause_of_call(&mut self, name: Sym, args: &Args, span: Span) -> Value {
        let gives_one =
            |this: &mut Self| this.is_harmless_hash(name, args) || this.parts_one(name, args);
        let cause = if gives_one(self) || self.is_given_memory(args) {
            Value::bottom()
        } else if let Some(known) = self.resource_of(name, args, span) {
            known
        } else {
            let source = self.call_hazard(name, Some(args), span);
            Value::bottom().with_source(source)
        };
        let fetched = self.fetched(name, span);
        let cause = cause.with_source(fetched);
        if self.advances(name) {
            let callee = self.frame.callee.clone();
            return cause.tainted_by(&self.advance(&callee, span));
        }
        cause
    }

    /// Calls what the SDK gives a role, or makes a command.
    fn call_sdk(&mut self, name: Sym, args: &Args, cause: &Value, span: Span) -> Option<Value> {
        let text = self.str(name);
        if self.knowledge.is_executor(text) {
            return Some(self.execute_elsewhere(name, args, span));
        }
        let (role, command) = (self.knowledge.role(text), self.knowledge.command(text));
        match role {
            Some(Role::InWorkflow) => return Some(Value::of(Obj::Bool(true))),
            Some(Role::InActivity) => return Some(Value::of(Obj::Bool(false))),
            Some(Role::IsReplaying) => return Some(self.replay_flag(name, span)),
            Some(Role::Ordered) if !PARTS_TASKS.contains(&text) => self.note_ordered(args),
            Some(Role::Draw) => self.record_command(CommandKind::Draw, name, span),
            Some(Role::Registration) => self.record_command(CommandKind::Registration, name, span),
            Some(Role::Log) => {
                for argument in &args.positional {
                    self.call_strings_within(&argument.value, span);
                }
                let taint = self.payload_taint(args, span);
                self.record_sink(&taint, SinkKind::Log, span);
                return Some(Value::of(Obj::None));
            }
            _ => {}
        }
        let mut returned = self.issue(command?, name, args, span);
        if PARTS_TASKS.contains(&self.str(name)) {
            let is_ordered = role == Some(Role::Ordered);
            returned = self.parted(args, is_ordered, span);
        }
        Some(returned.tainted_by(cause))
    }

    /// Two lists, each of any of the tasks, in the order in which these were given or in none that is known
    /// from here. That of a set shows in what becomes of the lists, and not in the wait.
    fn parted(&mut self, args: &Args, is_ordered: bool, span: Span) -> Value {
        let given = args.at(0).cloned().unwrap_or_default();
        let order = is_ordered.then(|| self.note_order(&given, span)).flatten();
        let tasks = self.iterate(&given, span, How::Iterate).without_taint();
        let list = self.list_of(&tasks, span).with_source(order);
        let pair = self.container(ContainerKind::Tuple, span);
        for at in 0..2 {
            self.put(pair, Key::Int(at), &list);
        }
        Value::of(Obj::Container(pair))
    }

    /// Whether tasks are parted of which there is no more than one: sets of one have one order.
    fn parts_one(&mut self, name: Sym, args: &Args) -> bool {
        let tasks = args.at(0).filter(|_| PARTS_TASKS.contains(&self.str(name)));
        let Some(tasks) = tasks.cloned() else {
            return false;
        };
        let is_one = self.exact_elements(&tasks).is_some_and(|it| it.len() == 1);
        is_one || self.is_single(&tasks)
    }

    /// Calls code of which no more is known than what it is given and what it gives.
    fn call_unknown(&mut self, name: Sym, args: &Args, cause: &Value, span: Span) -> Value {
        self.call_callbacks(name, args, !cause.is_bottom(), span);
        // Outside code that is given a generator is taken to consume it.
        for argument in &args.positional {
            for obj in argument.value.objs() {
                if let Obj::Generator(ctx) = obj {
                    self.run_generator(*ctx, span, How::Iterate);
                }
            }
        }
        let returned = self.returned_type(name, Some(args), span);
        if !is_builtin(self.str(name)) {
            self.note_foreign_call(cause, span);
        }
        returned
            .tainted_by(&self.payload_taint(args, span))
            .tainted_by(cause)
    }

    /// Something of the user's own that hands its arguments to an activity.
    pub(super) fn execute_elsewhere(&mut self, name: Sym, args: &Args, span: Span) -> Value {
        self.note_command();
        self.record_command(CommandKind::Other, name, span);
        let taint = self.payload_taint(args, span);
        self.record_sink(&taint, SinkKind::Payload, span);
        let mut result = Value::bottom();
        for argument in &args.positional {
            result.join(&self.result_of_target(&argument.value));
        }
        result.without_taint().opened()
    }

    /// Runs what outside code is given to call.
    fn call_callbacks(&mut self, name: Sym, args: &Args, is_apart: bool, span: Span) {
        let Some(higher_order) = self.knowledge.higher_order(self.str(name)) else {
            return;
        };
        if higher_order.elsewhere && self.mode == Mode::Workflows {
            return;
        }
        let runs = higher_order.runs.iter().map(|arg| (arg, How::Callback));
        let answers = higher_order.answers.iter().map(|arg| (arg, How::Answer));
        for (arg, how) in runs.chain(answers) {
            let callback = match self.given(args, *arg) {
                Given::Value(callback) => callback.clone(),
                Given::Receiver(obj) => Value::of(obj),
                Given::Absent | Given::Hidden => continue,
            };
            let keeps = |obj: &Obj| matches!(obj, Obj::Keeper(_) | Obj::Container(_));
            if callback.objs().iter().any(keeps) {
                self.run_kept(&callback, span);
            } else {
                let flow = self.frame.flow.clone();
                self.call_value(&callback, &Args::unknown(1), span, how);
                if is_apart || how == How::Answer {
                    // In a thread or process of its own, or in an activation of its own, its
                    // exceptions leave nothing here.
                    self.frame.flow = flow;
                }
            }
        }
    }

    /// The origin of what comes over a connection while a module is imported. Whatever the
    /// connection itself is, that is data.
    pub(super) fn fetched(&mut self, name: Sym, span: Span) -> Option<SourceId> {
        let fetches = self.knowledge.role(self.str(name)) == Some(Role::Fetches);
        if !fetches || !self.at_import() {
            return None;
        }
        self.hazard(name, FETCHED, Sandbox::Allows, Remarks::NONE, span)
    }

    /// Whether a method moves on the state of its object.
    pub(super) fn advances(&self, method: Sym) -> bool {
        self.knowledge.role(self.str(method)) == Some(Role::Changes)
    }

    /// Entering a lock takes it, as its method does.
    pub(super) fn advance_entered(&mut self, manager: &Value, enter: &str, span: Span) {
        for obj in manager.objs() {
            if let Obj::ExternalInstance(ty) = *obj
                && let Some(method) = self.member(ty, enter)
                && self.advances(method)
            {
                self.advance(manager, span);
            }
        }
    }

    /// An object or its method moves on: runs may share it, or it is a part of the workflow. Returns
    /// what stands for the state that other runs leave.
    fn advance(&mut self, object: &Value, span: Span) -> Value {
        if let Some(part) = object.part() {
            self.record_part_change(part, span);
        }
        match object.place() {
            Some(place) => self.change_place(place, &Value::bottom(), false, span),
            None => Value::bottom(),
        }
    }

    /// The first argument is gone through in its order, and commands follow it.
    fn note_ordered(&mut self, args: &Args) {
        if let Some(first) = args.positional.first() {
            let source = self.note_order(&first.value, first.span);
            let order = Value::bottom().with_source(source);
            self.record_sink(&order, SinkKind::Order, first.span);
        }
    }

    /// The answer whether history is being replayed, which differs in a replay.
    fn replay_flag(&mut self, name: Sym, span: Span) -> Value {
        let source = super::Source {
            ctx_file: self.frame.file,
            span,
            name,
            class: crate::knowledge::REPLAY_FLAG,
            at_import: false,
            sandbox: Sandbox::Allows,
            remarks: Remarks::NONE,
            field: None,
        };
        let source = self.source_id(source);
        let kind = EventKind::Api {
            name,
            class: crate::knowledge::REPLAY_FLAG,
            sandbox: Sandbox::Allows,
            remarks: Remarks::NONE,
        };
        self.record_event(span, kind, Some(source));
        self.instance_of_builtin(crate::knowledge::REPLAY_FLAG)
            .with_source(Some(source))
    }

    /// What is called on a resource, or made of one, shares its cause: connecting, a session and
    /// its queries are one finding.
    fn resource_of(&mut self, name: Sym, args: &Args, span: Span) -> Option<Value> {
        let text = self.str(name);
        if self.knowledge.user_class(text).is_some() {
            return None;
        }
        let last = text.rsplit('.').next();
        let is_made = last.is_some_and(|last| last.starts_with(char::is_uppercase));
        let mut apis = self.apis(name).iter();
        let api =
            apis.find(|api| api.access == Access::Call && self.holds(api.when, Some(args)))?;
        let mut from = self.frame.callee.clone();
        if is_made {
            let keywords = args.keywords.iter().map(|(_, value)| value);
            let given = args.positional.iter().map(|it| &it.value);
            given.chain(keywords).for_each(|value| {
                from.add_taint(value.taint());
            });
        }
        let kind = self.kind_of_class(api.class);
        let known = self.taint_of_kinds(&from, kind);
        if known.is_empty() {
            return None;
        }
        if self.frame.vouched == 0 && !self.frame.state.dead {
            let kind = EventKind::Api {
                name,
                class: api.class,
                sandbox: api.sandbox,
                remarks: api.remarks,
            };
            self.frame.out.resources.insert((span, kind, known.clone()));
        }
        Some(Value::bottom().with_taint(known))
    }

    /// The hash of numbers, and of tuples of them, is the same in every process; that of text and of
    /// objects is not.
    fn is_harmless_hash(&mut self, name: Sym, args: &Args) -> bool {
        self.str(name) == "hash"
            && args
                .at(0)
                .is_some_and(|value| !value.objs().is_empty() && self.hash_of(value).is_none())
    }

    /// The hazard of calling a known API, if its conditions hold.
    pub(super) fn call_hazard(
        &mut self,
        name: Sym,
        args: Option<&Args>,
        span: Span,
    ) -> Option<SourceId> {
        if let Some(class) = self.knowledge.user_class(self.str(name)) {
            if class == SAFE {
                return None;
            }
            return self.hazard(name, class, Sandbox::Unknown, Remarks::NONE, span);
        }
        let api = self
            .apis(name)
            .iter()
            .filter(|api| api.access == Access::Call)
            .find(|api| self.holds(api.when, args))?;
        let needs_no_file = api.class == FILE && args.is_some_and(|it| self.is_given_buffer(it));
        let locates = self.knowledge.role(self.str(name)) == Some(Role::Locates);
        if api.class == SAFE || needs_no_file || locates && self.is_beside_code(name, args) {
            return None;
        }
        let reads = api.class == FILE && self.at_import();
        let class = if reads && self.is_beside_code(name, args) {
            BUNDLED
        } else {
            api.class
        };
        self.hazard(name, class, api.sandbox, api.remarks, span)
    }

    /// Whether a call is about where the code stands, or a file beside it.
    fn is_beside_code(&self, name: Sym, args: Option<&Args>) -> bool {
        let is_beside = |name: Sym| self.knowledge.role(self.str(name)) == Some(Role::BesideCode);
        let given = args.into_iter().flat_map(|args| &args.positional);
        let values = given.map(|it| &it.value).chain([&self.frame.callee]);
        let mut origins = values.flat_map(|value| value.taint());
        is_beside(name)
            || origins.any(|&origin| {
                let sources = self.sources_of(origin);
                sources.iter().any(|&it| is_beside(self.source(it).name))
            })
    }

    /// Whether an argument is a stream in memory, where a path could stand.
    fn is_given_buffer(&self, args: &Args) -> bool {
        let is_buffer = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => BUFFERS.contains(&self.str(*ty)),
            _ => false,
        };
        let keywords = args.keywords.iter().map(|(_, value)| value);
        let mut given = args.positional.iter().map(|it| &it.value).chain(keywords);
        given.any(|value| !value.objs().is_empty() && value.objs().iter().all(is_buffer))
    }

    /// Whether an argument is a database in memory, and so what is made of it.
    fn is_given_memory(&self, args: &Args) -> bool {
        let in_memory = |obj: &Obj| match obj {
            Obj::ExternalInstance(ty) => self.str(*ty).ends_with(MEMORY),
            _ => false,
        };
        let positional = args.positional.iter().map(|it| &it.value);
        let mut given = positional.chain(args.keywords.iter().map(|(_, value)| value));
        given.any(|value| value.objs().iter().any(in_memory))
    }

    /// The type that a call of something outside the project gives.
    pub(super) fn returned_type(&mut self, name: Sym, args: Option<&Args>, span: Span) -> Value {
        let text = self.str(name).to_owned();
        let entries = self.knowledge.returns(&text).iter();
        let entry = entries.clone().find(|it| self.holds(it.when, args));
        let in_memory = args.is_some_and(|args| self.is_given_memory(args));
        if let Some(entry) = entry {
            let ty = entry.ty;
            return if in_memory && !ty.contains('#') {
                self.typed(&format!("{ty}{MEMORY}"), span)
            } else {
                self.typed(ty, span)
            };
        }
        let last = text.rsplit('.').next().unwrap_or(&text);
        // `module.Class(…)`: by convention, and so by far most often, an instance.
        let is_class = last.starts_with(|c: char| c.is_uppercase())
            && last.contains(|c: char| c.is_lowercase());
        if is_class || self.knowledge.has_members(&text) {
            return if in_memory {
                self.typed(&format!("{text}{MEMORY}"), span)
            } else {
                Value::of(Obj::ExternalInstance(name))
            };
        }
        Value::of(Obj::Made(name)).opened()
    }
}

/// What waits for tasks, and gives those that are done and the others. What `asyncio` makes of them are
/// sets, whose order is the hazard of the call.
const PARTS_TASKS: &[&str] = &["asyncio.wait", "temporalio.workflow.wait"];

/// Streams in memory.
const BUFFERS: &[&str] = &["io.BytesIO", "io.StringIO"];

/// How the types of databases end that are in memory; their methods are no I/O.
const MEMORY: &str = "#memory";
