//! What asks objects about themselves, and what makes others of them.

use crate::diagnostic::Span;
use crate::interp::args::Args;
use crate::interp::{CellKey, ClassId, How, Machine, Obj, Value};

use super::Call;

pub(super) fn getattr(machine: &mut Machine, call: &Call) -> Option<Value> {
    if let Some(left) = machine.left_on_member("getattr", call.args) {
        return Some(left);
    }
    let (Some(object), Some(name)) = (call.first(), call.second()) else {
        return Some(Value::unknown());
    };
    let mut result = Value::bottom();
    for name in machine.names_meant(object, name) {
        result.join(&machine.attribute(object, &name, call.span));
    }
    if let Some(default) = call.args.at(2) {
        result.join(default);
    }
    let result = if result.is_bottom() {
        Value::unknown()
    } else {
        result.opened()
    };
    Some(result.tainted_by(&call.taint))
}

/// `object.__new__(cls)`
pub(super) fn new(_: &mut Machine, call: &Call) -> Option<Value> {
    let classes = call.first()?.objs().iter();
    let instances = classes.filter_map(|obj| match obj {
        Obj::Class(class) => Some(Obj::Instance(*class, 0)),
        _ => None,
    });
    let made: Value = instances.collect();
    (!made.is_bottom()).then_some(made)
}

pub(super) fn setattr(machine: &mut Machine, call: &Call) -> Option<Value> {
    if let (Some(object), Some(name), Some(value)) = (call.first(), call.second(), call.args.at(2))
    {
        for &obj in name.objs() {
            if let Obj::Str(name) = obj {
                let name = machine.str(name).to_owned();
                machine.store_attribute(object, &name, value, call.span);
            }
        }
    }
    Some(Value::of(Obj::None))
}

pub(super) fn hasattr(machine: &mut Machine, call: &Call) -> Option<Value> {
    match machine.left_on_member("hasattr", call.args) {
        Some(answer) => Some(answer),
        None => some_bool(machine, call),
    }
}

pub(super) fn isinstance(machine: &mut Machine, call: &Call) -> Option<Value> {
    match (call.first(), call.second()) {
        (Some(value), Some(classes)) => {
            let asked = std::slice::from_ref(value);
            let method = "__instancecheck__";
            machine.call_method_if_project(classes, method, asked, call.span, How::Operator);
            Some(machine.instance_test(value, classes))
        }
        _ => some_bool(machine, call),
    }
}

pub(super) fn some_bool(machine: &mut Machine, _: &Call) -> Option<Value> {
    Some(machine.instance_of_builtin("bool"))
}

pub(super) fn some_float(machine: &mut Machine, call: &Call) -> Option<Value> {
    convert(machine, call);
    Some(machine.instance_of_builtin("float"))
}

/// `int`, `round` and `ord`.
pub(super) fn some_int(machine: &mut Machine, call: &Call) -> Option<Value> {
    convert(machine, call);
    let is_instance = |obj: &Obj| matches!(obj, Obj::Instance(..));
    if let Some(first) = call.first()
        && first.objs().iter().any(is_instance)
    {
        machine.iterate(first, call.span, How::Iterate);
    }
    Some(machine.instance_of_builtin("int"))
}

/// What the first method gives that a function asks of an object of the project, if there is one.
pub(super) fn converted(machine: &mut Machine, call: &Call) -> Option<Value> {
    let given = convert(machine, call);
    (!given.is_bottom()).then_some(given)
}

fn convert(machine: &mut Machine, call: &Call) -> Value {
    let methods: &[&str] = match call.name {
        "bytes" => &["__bytes__"],
        "complex" => &["__complex__", "__float__", "__index__"],
        "divmod" => &["__divmod__"],
        "float" => &["__float__", "__index__"],
        "int" => &["__int__", "__index__", "__trunc__"],
        "math.ceil" => &["__ceil__", "__float__"],
        "math.floor" => &["__floor__", "__float__"],
        "math.trunc" => &["__trunc__"],
        "os.fspath" => &["__fspath__"],
        "pow" => &["__pow__"],
        "round" => &["__round__"],
        _ => &[],
    };
    let Some((first, rest)) = call.args.positional.split_first() else {
        return Value::bottom();
    };
    let rest: Vec<Value> = rest.iter().map(|it| it.value.clone()).collect();
    let mut given = Value::bottom();
    for &obj in first.value.objs() {
        let Obj::Instance(class, _) = obj else {
            continue;
        };
        let has = |it: &&&str| machine.find_method(class, it).is_some();
        let Some(method) = methods.iter().find(has) else {
            continue;
        };
        let object = Value::of(obj);
        let one = machine.call_method_if_project(&object, method, &rest, call.span, How::Operator);
        given.join(&one);
    }
    given
}

pub(super) fn len(machine: &mut Machine, call: &Call) -> Option<Value> {
    ask(machine, "__len__", call);
    let int = machine.instance_of_builtin("int");
    Some(of_size(machine, int, call))
}

pub(super) fn abs(machine: &mut Machine, call: &Call) -> Option<Value> {
    ask(machine, "__abs__", call);
    let int = machine.instance_of_builtin("int");
    Some(of_size(machine, int, call))
}

pub(super) fn bool(machine: &mut Machine, call: &Call) -> Option<Value> {
    ask(machine, "__bool__", call);
    let answer = machine.answer_from(&call.first().cloned().unwrap_or_default());
    Some(of_size(machine, answer, call))
}

pub(super) fn hash(machine: &mut Machine, call: &Call) -> Option<Value> {
    ask(machine, "__hash__", call);
    Some(machine.instance_of_builtin("int"))
}

fn ask(machine: &mut Machine, method: &str, call: &Call) {
    if let Some(first) = call.first() {
        machine.call_special(first, method, call.span, How::Operator);
    }
}

/// How many there are depends neither on their order nor on what they are.
fn of_size(machine: &mut Machine, answer: Value, call: &Call) -> Value {
    let size = machine.size_of_arguments(call.args);
    answer.tainted_by(&machine.settled(&size, call.span))
}

/// It says where an object is and nothing of what is in it.
pub(super) fn id(machine: &mut Machine, _: &Call) -> Option<Value> {
    Some(machine.instance_of_builtin("int"))
}

/// `type(object)`, and `type(name, bases, namespace)`.
pub(super) fn type_of(machine: &mut Machine, call: &Call) -> Option<Value> {
    match &call.args.positional[..] {
        [object] => {
            let classes: Value = object.value.objs().iter().map(class_of).collect();
            Some(classes.tainted_by(&call.taint))
        }
        [_, _, _] => Some(machine.made_class(call.args, call.span)),
        _ => None,
    }
}

fn class_of(obj: &Obj) -> Obj {
    match *obj {
        Obj::Instance(class, _) => Obj::Class(class),
        Obj::ExternalInstance(name) => Obj::External(name),
        _ => Obj::Unknown,
    }
}

/// `NewType("UserId", int)` is as good as `int`, if it is a type that Python has.
pub(super) fn new_type(_: &mut Machine, call: &Call) -> Option<Value> {
    let base = call.second()?;
    let is_outside = |obj: &Obj| matches!(obj, Obj::External(_));
    base.objs().iter().all(is_outside).then(|| base.clone())
}

pub(super) fn vars(machine: &mut Machine, call: &Call) -> Option<Value> {
    match *call.first()?.objs() {
        [Obj::Class(class)] => Some(machine.namespace(class, call.span)),
        [Obj::Instance(class, variant)] => Some(machine.own_namespace(class, variant, call.span)),
        _ => None,
    }
}

pub(super) fn dir(machine: &mut Machine, call: &Call) -> Option<Value> {
    let class = only_class(call)?;
    Some(machine.names_of_members(class, call.span))
}

pub(super) fn getmembers(machine: &mut Machine, call: &Call) -> Option<Value> {
    let class = only_class(call)?;
    Some(machine.pairs_of_members(class, call.second().is_some(), call.span))
}

fn only_class(call: &Call) -> Option<ClassId> {
    match *call.first()?.objs() {
        [Obj::Class(class)] => Some(class),
        _ => None,
    }
}

pub(super) fn partial(machine: &mut Machine, call: &Call) -> Option<Value> {
    let Some(callee) = call.first() else {
        return Some(Value::unknown());
    };
    let rest = Args {
        positional: call.args.positional[1..].to_vec(),
        ..call.args.clone()
    };
    Some(machine.partial(callee, rest, call.span))
}

pub(super) fn wraps(machine: &mut Machine, call: &Call) -> Option<Value> {
    let update = machine.sym("functools.update_wrapper");
    let update = Value::of(Obj::External(update));
    Some(machine.partial(&update, call.args.clone(), call.span))
}

pub(super) fn update_wrapper(machine: &mut Machine, call: &Call) -> Option<Value> {
    let wrapper = call.first().cloned().unwrap_or_default();
    machine.copy_marks(&wrapper, &call.second().cloned().unwrap_or_default());
    Some(wrapper)
}

impl Machine<'_> {
    pub(in crate::interp) fn partial(&mut self, callee: &Value, args: Args, span: Span) -> Value {
        let id = self.partials.id((self.frame.file, span, self.frame.ctx));
        self.partial_args.insert(id, args);
        self.write(CellKey::PartialCallee(id), callee);
        Value::of(Obj::Partial(id))
    }
}

/// `now = staticmethod(function)`
pub(super) fn static_method(_: &mut Machine, call: &Call) -> Option<Value> {
    let functions = call.first()?.objs().iter().map(|obj| match obj {
        Obj::Func(it) => Obj::StaticMethod(*it),
        other => *other,
    });
    Some(functions.collect())
}

/// What a metaclass leaves to `type`: an instance of the class that it is called on.
pub(super) fn make(machine: &mut Machine, call: &Call) -> Option<Value> {
    let [Obj::Class(class)] = *call.first()?.objs() else {
        return None;
    };
    let rest = Args {
        positional: call.args.positional[1..].to_vec(),
        ..call.args.clone()
    };
    Some(machine.make(class, &rest, call.span))
}
