//! What runs coroutines.

use crate::interp::{CellKey, ContainerKind, How, Key, Machine, Obj, Seen, SinkKind, Value};
use crate::knowledge::CommandKind;
use crate::syntax::ast::Expr;
use crate::syntax::span_of;

use super::Call;

/// What runs already, in the order in which it was made.
const TASK: &str = "asyncio.Task";

pub(super) fn create_task(machine: &mut Machine, call: &Call) -> Option<Value> {
    let mut result = shield(machine, call)?;
    machine.note_command();
    result.join(&machine.instance_of_builtin(TASK));
    Some(result)
}

pub(super) fn shield(_: &mut Machine, call: &Call) -> Option<Value> {
    let mut result = Value::bottom();
    for argument in &call.args.positional {
        result.join(&argument.value);
    }
    Some(result)
}

/// The awaited results come in the order of the arguments.
pub(super) fn gather(machine: &mut Machine, call: &Call) -> Option<Value> {
    let list = machine.container(ContainerKind::List, call.span);
    // What a single result owes to something stays with that result.
    let mut results = Value::of(Obj::Container(list));
    let keeps_failures = keeps_failures(machine, call);
    // What failed is there as an exception.
    let put = |machine: &mut Machine, key, value: &Value| match keeps_failures {
        true => machine.put(list, key, &value.clone().joined(&Value::unknown())),
        false => machine.put(list, key, value),
    };
    for (ix, argument) in call.args.positional.iter().enumerate() {
        if !argument.starred {
            put(machine, Key::Int(ix as i64), &argument.value);
            continue;
        }
        let source = machine.note_order(&argument.value, argument.span);
        let elements = machine.iterate(&argument.value, argument.span, How::Iterate);
        if !machine.may_be_task(&elements) {
            let order = machine.only_order(&argument.value).with_source(source);
            machine.record_sink(&order, SinkKind::Order, argument.span);
        }
        put(machine, Key::Any, &elements.with_source(source));
        let size = machine.size_taint(&argument.value);
        results = results.tainted_by(&argument.value).tainted_by(&size);
    }
    Some(results)
}

/// `asyncio.Queue()` and its like: what is put in comes out.
pub(super) fn queue(machine: &mut Machine, call: &Call) -> Option<Value> {
    let queue = machine.container(ContainerKind::List, call.span);
    let typed = machine.instance_of_builtin(call.name);
    Some(typed.joined(&Value::of(Obj::Container(queue))))
}

/// A future, which is a container for its result.
pub(super) fn future(machine: &mut Machine, call: &Call) -> Option<Value> {
    let future = machine.container(ContainerKind::List, call.span);
    machine.futures.insert(future);
    let typed = machine.instance_of_builtin("asyncio.Future");
    Some(typed.joined(&Value::of(Obj::Container(future))))
}

/// `generator.send(value)`
pub(super) fn send(machine: &mut Machine, call: &Call) -> Option<Value> {
    let [Obj::Generator(ctx)] = *call.first()?.objs() else {
        return None;
    };
    machine.write(CellKey::Sent(ctx), call.second()?);
    Some(machine.run_generator(ctx, call.span, How::Iterate).opened())
}

/// Whether `return_exceptions` may be set.
fn keeps_failures(machine: &Machine, call: &Call) -> bool {
    call.args.keywords.iter().any(|(name, value)| {
        name.is_none_or(|name| machine.str(name) == "return_exceptions")
            && !matches!(value.objs(), [Obj::Bool(false)])
    })
}

impl Machine<'_> {
    pub(in crate::interp) fn may_be_task(&self, value: &Value) -> bool {
        value.objs().iter().any(|obj| self.is_task(obj))
    }

    /// Whether something is a task, or what the SDK gives in the place of one: it runs already when it
    /// is awaited.
    pub(in crate::interp) fn is_task(&self, obj: &Obj) -> bool {
        let Obj::ExternalInstance(ty) = obj else {
            return false;
        };
        let ty = self.str(*ty);
        matches!(ty, TASK | "asyncio.Future") || self.knowledge.bases(ty).any(|it| it == TASK)
    }

    /// What awaiting a value gives: of a task, what its coroutine returned, and of a future, what
    /// was set. What a handle gives is not known, unless a call is awaited that starts a child: its
    /// coroutine gives the handle.
    pub(in crate::interp) fn awaited(&mut self, value: &Value, awaited: &Expr) -> Value {
        let mut result = value.filter(|obj| match obj {
            Obj::ExternalInstance(ty) => match self.str(ty) {
                TASK => false,
                ty => self.knowledge.bases(ty).all(|it| it != TASK) || self.starts_child(awaited),
            },
            Obj::Container(id) => !self.futures.contains(&id),
            _ => true,
        });
        for &obj in value.objs() {
            if let Obj::Container(id) = obj
                && self.futures.contains(&id)
            {
                result.join(&self.all_elements(&Value::of(obj)).opened());
            }
        }
        if result.objs().is_empty() && !value.objs().is_empty() {
            result.join(&Value::unknown());
        }
        result
    }

    fn starts_child(&self, expression: &Expr) -> bool {
        let call = span_of(expression);
        let is_child = |seen: &Seen| match seen {
            Seen::Calls(name) => {
                let command = self.knowledge.command(self.str(*name));
                command.is_some_and(|it| it.kind == CommandKind::ChildWorkflow)
            }
            _ => false,
        };
        let mut seen = self.frame.out.seen.iter();
        expression.is_call_expr() && seen.any(|(at, it)| *at == call && is_child(it))
    }
}
