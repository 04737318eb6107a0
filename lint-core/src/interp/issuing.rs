//! Commands: what the workflow asks the server for, and what it is given.

use std::collections::BTreeSet;

use crate::diagnostic::Span;
use crate::knowledge::{Arg, Command, CommandKind, Role};

use super::args::{Args, Given};
use super::{Code, EventKind, How, Kinds, Machine, Obj, SinkKind, Sym, Value};

impl<'p> Machine<'p> {
    pub(super) fn record_command(&mut self, kind: CommandKind, name: Sym, span: Span) {
        self.note_replay_flag(span, name, false, None);
        self.record_event(span, EventKind::Command { kind, name }, None);
    }

    /// A set in a payload is written in its order.
    fn note_sets_in_payload(&mut self, args: &Args, span: Span) {
        let positional = args.positional.iter().map(|it| (&it.value, it.span));
        let keywords = args.keywords.iter().map(|(_, value)| (value, span));
        for (value, span) in positional.chain(keywords) {
            for set in self.listed_sets_within(value) {
                let source = self.note_order(&Value::of(Obj::Container(set)), span);
                let order = Value::bottom().with_source(source);
                self.record_sink(&order, SinkKind::Payload, span);
            }
        }
    }

    /// So is one in what a workflow or an update gives.
    pub(super) fn note_sets_in_result(&mut self, value: &Value, span: Span) {
        let Code::Function(it) = &self.ctx(self.frame.ctx).code else {
            return;
        };
        let is_result = |mark: super::Mark| matches!(mark.role, Some(Role::Run | Role::Update));
        if !self.function_marks(it.func).any(is_result) {
            return;
        }
        for set in self.sets_within(value) {
            let set = Value::of(Obj::Container(set));
            if self.all_elements(&set).objs().is_empty() {
                // A field of the result that nobody fills.
                continue;
            }
            let source = self.note_order(&set, span);
            let order = Value::bottom().with_source(source);
            self.record_sink(&order, SinkKind::Result, span);
        }
    }

    /// A command of the workflow: what it is given decides over its impact.
    pub(super) fn issue(
        &mut self,
        command: &'static Command,
        name: Sym,
        args: &Args,
        span: Span,
    ) -> Value {
        self.note_command();
        self.record_command(command.kind, name, span);
        let result = self.result_of_command(command, name, args, span);
        for &arg in command.identity {
            match self.given(args, arg) {
                Given::Value(value) => {
                    if !self.are_named_alike(value) {
                        self.record_sink(value, SinkKind::Identity, span);
                    }
                    self.note_given(arg.name, value, span);
                }
                Given::Hidden => self.note_given(arg.name, &Value::unknown(), span),
                Given::Absent | Given::Receiver(_) => {}
            }
        }
        let length = match command.none_at_zero {
            true => SinkKind::Limit,
            false => SinkKind::Timer,
        };
        for &arg in command.timers {
            if let Given::Value(value) = self.given(args, arg) {
                self.record_sink(value, length, span);
            }
        }
        if !matches!(command.kind, CommandKind::Timer | CommandKind::Condition) {
            self.note_sets_in_payload(args, span);
        }
        let payload = match command.kind {
            CommandKind::Timer | CommandKind::Condition => SinkKind::Timer,
            _ => SinkKind::Payload,
        };
        let runs = self
            .knowledge
            .higher_order(self.str(name))
            .map(|it| it.runs);
        let runs = runs.unwrap_or_default();
        let mut data = self.without_run(args, runs);
        let mut settings = Args::default();
        let is_setting =
            |it: &mut (Option<Sym>, Value)| it.0.is_some_and(|name| is_setting(self.str(name)));
        settings.keywords = data.keywords.extract_if(.., is_setting).collect();
        let taint = self.payload_taint(&settings, span);
        self.record_sink(&taint, payload.min(SinkKind::Setting), span);
        let taint = self.payload_taint(&data, span);
        self.record_sink(&taint, payload, span);
        for &arg in runs {
            self.run_for_command(command.kind, args, arg, span);
        }
        // The result comes from history.
        result.without_taint().opened()
    }

    /// Whether the value is one of several functions with one name, since `functools.wraps` gives a
    /// wrapper that of what it wraps: a command has the same name with each of them.
    fn are_named_alike(&self, value: &Value) -> bool {
        let mut named = BTreeSet::new();
        for obj in value.objs() {
            match obj {
                Obj::Func(it) => named.extend(self.annotated_as(*it)),
                _ => return false,
            }
        }
        value.objs().len() > 1 && named.len() == 1
    }

    /// What a command gives: a handle, and what awaiting it gives.
    fn result_of_command(
        &mut self,
        command: &'static Command,
        name: Sym,
        args: &Args,
        span: Span,
    ) -> Value {
        let target = command.target.map(|arg| self.given(args, arg));
        let mut result = Value::unknown();
        if let Some(Given::Value(target)) = target {
            self.note_scheduled(command.kind, target, span);
            result = self.result_of_target(target);
            self.run_decoding(&result.clone(), span);
        }
        if !self.knowledge.returns(self.str(name)).is_empty() {
            let handle = self.returned_type(name, Some(args), span);
            match result.objs() {
                [Obj::Unknown] => result = handle,
                _ => _ = result.join(&handle),
            }
        }
        result
    }

    /// The arguments that are handed over, and not run.
    fn without_run(&self, args: &Args, runs: &[Arg]) -> Args {
        let is_run = |position: Option<usize>, name: Option<Sym>| {
            let name = name.map(|name| self.str(name));
            runs.iter().any(|arg| {
                name == Some(arg.name)
                    || position.is_some() && arg.position.map(usize::from) == position
            })
        };
        let mut args = args.clone();
        let mut position = 0..;
        args.positional.retain(|_| !is_run(position.next(), None));
        args.keywords
            .retain(|(name, _)| name.is_none() || !is_run(None, *name));
        args
    }

    /// What the workflow runs itself around a command: a condition, which decides, or the tools of
    /// an agent, whose results go into the next command.
    fn run_for_command(&mut self, kind: CommandKind, args: &Args, arg: Arg, span: Span) {
        let callback = match self.given(args, arg) {
            Given::Value(callback) => callback.clone(),
            Given::Receiver(obj) => Value::of(obj),
            Given::Absent | Given::Hidden => return,
        };
        if kind == CommandKind::Condition {
            let decision = self.call_value(&callback, &Args::default(), span, How::Callback);
            self.record_sink(&decision, SinkKind::Branch, span);
        } else {
            // What it is made of at import is the same in all runs of a worker.
            let made_of = self.whole_taint(&callback, span);
            let made_of = self.with_kinds(&made_of, Kinds::IMPORT.not());
            self.record_sink(&made_of, SinkKind::Payload, span);
            let returned = self.run_kept(&callback, span);
            let returned = self.whole_taint(&returned, span);
            self.record_sink(&returned, SinkKind::Payload, span);
        }
    }

    /// Remembers what a command schedules, for the graph.
    fn note_scheduled(&mut self, kind: CommandKind, target: &Value, span: Span) {
        for obj in target.objs().to_vec() {
            let name = match obj {
                Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => {
                    self.function_name(it.func)
                }
                Obj::Bound(id) => match self.bounds.get(id).0 {
                    Obj::Func(it) => self.function_name(it.func),
                    _ => continue,
                },
                Obj::Class(class) => self.class_name(class),
                Obj::Str(name) | Obj::External(name) => self.str(name).to_owned(),
                _ => continue,
            };
            let name = self.sym(&name);
            self.frame
                .out
                .scheduled
                .insert(super::Scheduled { span, kind, name });
        }
    }

    /// What scheduling an activity or child workflow gives: its declared return type.
    pub(super) fn result_of_target(&mut self, target: &Value) -> Value {
        let mut result = Value::bottom();
        for obj in target.objs().to_vec() {
            let function = match obj {
                Obj::Func(it) | Obj::StaticMethod(it) | Obj::ClassMethod(it) => Some(it),
                Obj::Bound(id) => match self.bounds.get(id).0 {
                    Obj::Func(it) => Some(it),
                    _ => None,
                },
                Obj::Class(class) => match self.find_method(class, "run") {
                    Some(Obj::Func(it)) => Some(it),
                    _ => None,
                },
                _ => None,
            };
            for annotated in function.map_or(Vec::new(), |it| self.annotated_as(it)) {
                result.join(&self.declared_return(annotated));
            }
        }
        if result.is_bottom() {
            Value::unknown()
        } else {
            result
        }
    }
}

/// Whether an argument of a command says how it is carried out, and not what with.
fn is_setting(name: &str) -> bool {
    let others = [
        "id_reuse_policy",
        "parent_close_policy",
        "priority",
        "retry_policy",
        "start_delay",
        "static_details",
        "static_summary",
        "summary",
        "task_queue",
    ];
    name == "timeout" || name.ends_with("_timeout") || others.contains(&name)
}
