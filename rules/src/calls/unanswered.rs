//! Conditions that stay false because nothing that runs changes what they look at.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::facts::FunctionRef;
use lint_core::names::Names;
use lint_core::syntax::ast::{self, CmpOp, Expr, Number, Stmt, UnaryOp};

use crate::program::{Node, Program, Running, nodes_of_expr, own_nodes};
use crate::writes;

/// The attribute on which a predicate waits in vain in every workflow that runs the function, if each
/// value that the attribute ever gets leaves the predicate false.
pub(crate) fn waits_in_vain<'e>(
    program: Program<'_, '_>,
    function: FunctionRef,
    predicate: &'e Expr,
) -> Option<&'e str> {
    let Expr::Lambda(lambda) = predicate else {
        return None;
    };
    let reads = own_attributes(&lambda.body);
    let [name] = reads.iter().copied().collect::<Vec<_>>()[..] else {
        return None;
    };
    let in_vain = |running: Running<'_>| {
        values(program, running, name).is_some_and(|values| {
            let is_false =
                |value: &Value| evaluate(&lambda.body, name, value).is_some_and(|it| !it.is_true());
            !values.is_empty() && values.iter().all(is_false)
        })
    };
    in_every_workflow(program, function, in_vain).then_some(name)
}

/// The attribute of which a predicate asks whether it is not `None`, if it never is.
pub(super) fn is_never_none<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    predicate: &'p Expr,
) -> Option<&'p str> {
    let Expr::Lambda(lambda) = predicate else {
        return None;
    };
    let Expr::Compare(it) = &*lambda.body else {
        return None;
    };
    let ([CmpOp::IsNot], [Expr::NoneLiteral(_)]) = (&it.ops[..], &it.comparators[..]) else {
        return None;
    };
    let name = own_attribute(&it.left)?;
    in_every_workflow(program, function, |running| {
        stored(program, running, name)
            .is_some_and(|it| !it.is_empty() && it.iter().all(|it| is_something(it)))
    })
    .then_some(name)
}

/// Whether an expression is certain to give something other than `None`.
fn is_something(expr: &Expr) -> bool {
    match expr {
        Expr::List(_)
        | Expr::Dict(_)
        | Expr::Set(_)
        | Expr::Tuple(_)
        | Expr::ListComp(_)
        | Expr::DictComp(_)
        | Expr::SetComp(_)
        | Expr::StringLiteral(_)
        | Expr::FString(_)
        | Expr::NumberLiteral(_)
        | Expr::BooleanLiteral(_)
        | Expr::Compare(_) => true,
        Expr::Call(it) => matches!(&*it.func, Expr::Name(name)
            if matches!(name.id.as_str(), "dict" | "list" | "set" | "sorted" | "str" | "tuple")),
        _ => false,
    }
}

/// The variable of the function around a predicate that was settled before: the predicate looks at
/// such variables only, and each is a truth value or a number that is set once.
pub(super) fn taken_before<'p>(
    program: Program<'_, '_>,
    names: &Names<'_>,
    function: FunctionRef,
    predicate: &'p Expr,
) -> Option<&'p str> {
    let Expr::Lambda(lambda) = predicate else {
        return None;
    };
    if lambda.parameters.as_ref().is_some_and(|it| !it.is_empty()) {
        return None;
    }
    let index = program.facts.project.module(function.file)?.index();
    let is_set_within = |name| index.functions.iter().any(|it| it.nonlocals.contains(name));
    let mut first = None;
    for node in nodes_of_expr(&lambda.body) {
        match node {
            Node::Expr(Expr::Name(name)) => {
                let name = name.id.as_str();
                let (owner, value) = names.local_value(function.file, function.ix, name)?;
                let is_settled = |it: &Expr| match it {
                    Expr::Compare(_) | Expr::BooleanLiteral(_) | Expr::NumberLiteral(_) => true,
                    Expr::UnaryOp(it) => it.op == UnaryOp::Not,
                    _ => false,
                };
                if owner != function.ix || !is_settled(value) || is_set_within(name) {
                    return None;
                }
                first = first.or(Some(name));
            }
            Node::Expr(
                Expr::Compare(_)
                | Expr::BoolOp(_)
                | Expr::UnaryOp(_)
                | Expr::NumberLiteral(_)
                | Expr::BooleanLiteral(_),
            ) => {}
            _ => return None,
        }
    }
    first
}

/// Whether the expression is an attribute that never holds anything but plain values.
pub(super) fn holds_values(program: Program<'_, '_>, function: FunctionRef, it: &Expr) -> bool {
    own_attribute(it).is_some_and(|name| {
        in_every_workflow(program, function, |running| {
            values(program, running, name).is_some_and(|it| !it.is_empty())
        })
    })
}

/// Whether something holds in every workflow that runs the function, of which there is one.
fn in_every_workflow(
    program: Program<'_, '_>,
    function: FunctionRef,
    holds: impl Fn(Running<'_>) -> bool,
) -> bool {
    let runs_it = |it: &Running<'_>| {
        it.reach
            .entries
            .iter()
            .any(|it| it.runs.contains(&function))
    };
    let mut runs = Running::all(program.facts).filter(runs_it).peekable();
    runs.peek().is_some() && runs.all(holds)
}

/// The names of the attributes of `self` that an expression reads.
fn own_attributes(expr: &Expr) -> BTreeSet<&str> {
    nodes_of_expr(expr)
        .into_iter()
        .filter_map(|node| match node {
            Node::Expr(it) => own_attribute(it),
            Node::Stmt(_) => None,
        })
        .collect()
}

fn own_attribute(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Attribute(it) if matches!(&*it.value, Expr::Name(name) if name.id.as_str() == "self") => {
            Some(it.attr.as_str())
        }
        _ => None,
    }
}

/// What the attribute is ever set to, if all of it is written out and nothing else can change it.
fn values(program: Program<'_, '_>, running: Running<'_>, name: &str) -> Option<Vec<Value>> {
    let values = stored(program, running, name)?.into_iter().map(Value::of);
    let values: Vec<Value> = values.collect::<Option<_>>()?;
    let functions = functions_of(program, running)?;
    for &function in &functions {
        for write in writes::in_function(program, function) {
            if write.attribute.name == name && !write.binds {
                return None;
            }
        }
    }
    let is_shared = |value: &Value| *value == Value::Empty;
    let is_passed_on = || functions.iter().any(|&it| passes_on(program, it, name));
    (!(values.iter().any(is_shared) && is_passed_on())).then_some(values)
}

/// The functions that a workflow runs, or that something unknown may run.
fn functions_of(program: Program<'_, '_>, running: Running<'_>) -> Option<BTreeSet<FunctionRef>> {
    let mut functions = running.runs_of(|_| true);
    for class in &running.reach.bases {
        let index = program.index(class.file)?;
        for (ix, function) in index.functions.iter().enumerate() {
            let it = FunctionRef {
                file: class.file,
                ix: ix as u32,
            };
            let def = program.def(it).filter(|_| function.class == Some(class.ix));
            // A decorator that is not known may be what makes it run.
            let may_run = |def: &ast::StmtFunctionDef| {
                !def.decorator_list.is_empty() || def.name.as_str() == "__init__"
            };
            if def.is_some_and(may_run) {
                functions.insert(it);
            }
        }
    }
    let reflects = functions.iter().any(|&it| writes::reflects(program, it));
    (!reflects).then_some(functions)
}

/// All that the attribute is ever bound to, if each of it is written out.
fn stored<'p>(program: Program<'_, 'p>, running: Running<'_>, name: &str) -> Option<Vec<&'p Expr>> {
    let mut values = Vec::new();
    for class in &running.reach.bases {
        let index = program.index(class.file)?;
        for statement in &index.class(class.ix).node.body {
            let bound = match statement {
                Stmt::Assign(it) => it.targets.first().zip(Some(&*it.value)),
                Stmt::AnnAssign(it) => Some(&*it.target).zip(it.value.as_deref()),
                _ => None,
            };
            if let Some((Expr::Name(target), value)) = bound
                && target.id.as_str() == name
            {
                values.push(value);
            }
        }
    }
    for &function in &functions_of(program, running)? {
        for (target, value) in stores(program, function) {
            if target == name {
                values.push(value?);
            }
        }
    }
    Some(values)
}

/// The attributes that a function stores, by name, and what it stores if that is one plain value.
fn stores<'p>(program: Program<'_, 'p>, function: FunctionRef) -> Vec<(&'p str, Option<&'p Expr>)> {
    let mut found = Vec::new();
    for node in own_nodes(program.function(function)) {
        let plain: &[Expr];
        let value = match node {
            Node::Stmt(Stmt::Assign(it)) => {
                plain = &it.targets;
                Some(&*it.value)
            }
            Node::Stmt(Stmt::AnnAssign(it)) if it.value.is_some() => {
                plain = std::slice::from_ref(&*it.target);
                it.value.as_deref()
            }
            Node::Expr(Expr::Attribute(it)) if !it.ctx.is_load() => {
                found.push((it.attr.as_str(), None));
                continue;
            }
            _ => continue,
        };
        for target in plain {
            if let Expr::Attribute(it) = target {
                found.push((it.attr.as_str(), value));
            }
        }
    }
    // A target of a plain assignment was seen twice: as a node, and with its value.
    let with_value: Vec<&str> = found
        .iter()
        .filter(|it| it.1.is_some())
        .map(|it| it.0)
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in with_value {
        *counts.entry(name).or_default() += 1;
    }
    found.retain(|(name, value)| {
        let left = counts
            .get_mut(name)
            .filter(|left| value.is_none() && **left > 0);
        left.is_none_or(|left| {
            *left -= 1;
            false
        })
    });
    found
}

/// Whether what the attribute holds goes where it may be changed: it is read, and not only counted.
fn passes_on(program: Program<'_, '_>, function: FunctionRef, name: &str) -> bool {
    let mut reads = 0;
    let mut harmless = 0;
    for node in own_nodes(program.function(function)) {
        let Node::Expr(expr) = node else { continue };
        match expr {
            Expr::Attribute(it) if it.ctx.is_load() && it.attr.as_str() == name => reads += 1,
            Expr::Call(call) if call.arguments.keywords.is_empty() => {
                let counts = matches!(&*call.func, Expr::Name(it) if matches!(it.id.as_str(), "len" | "bool" | "list" | "sorted" | "sum"));
                let arguments = call.arguments.args.iter();
                let own = arguments
                    .filter(|it| own_attribute(it) == Some(name))
                    .count();
                harmless += if counts { own } else { 0 };
            }
            _ => {}
        }
    }
    reads > harmless
}

/// A value that is written out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Number(i64),
    Text(String),
    /// A list, dictionary or set without elements.
    Empty,
}

impl Value {
    pub(crate) fn of(expr: &Expr) -> Option<Self> {
        Some(match expr {
            Expr::NoneLiteral(_) => Self::None,
            Expr::BooleanLiteral(it) => Self::Bool(it.value),
            Expr::StringLiteral(it) => Self::Text(it.value.to_str().to_owned()),
            Expr::NumberLiteral(it) => match &it.value {
                Number::Int(it) => Self::Number(it.as_i64()?),
                _ => return None,
            },
            Expr::List(it) if it.elts.is_empty() => Self::Empty,
            Expr::Dict(it) if it.items.is_empty() => Self::Empty,
            Expr::Call(it) if it.arguments.is_empty() => match &*it.func {
                Expr::Name(name) if matches!(name.id.as_str(), "list" | "dict" | "set") => {
                    Self::Empty
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::None | Self::Empty => false,
            Self::Bool(it) => *it,
            Self::Number(it) => *it != 0,
            Self::Text(it) => !it.is_empty(),
        }
    }
}

/// What an expression gives when the attribute of this name has a value; `None` if it depends on more.
pub(crate) fn evaluate(expr: &Expr, name: &str, value: &Value) -> Option<Value> {
    if own_attribute(expr) == Some(name) {
        return Some(value.clone());
    }
    match expr {
        Expr::UnaryOp(it) if it.op == UnaryOp::Not => {
            Some(Value::Bool(!evaluate(&it.operand, name, value)?.is_true()))
        }
        Expr::BoolOp(it) => {
            let mut operands = it.values.iter().map(|it| evaluate(it, name, value));
            let is_false = |it: &Option<Value>| it.as_ref().is_some_and(|it| !it.is_true());
            match it.op {
                ast::BoolOp::And => operands.find(is_false)?,
                ast::BoolOp::Or => operands
                    .all(|it| is_false(&it))
                    .then_some(Value::Bool(false)),
            }
        }
        Expr::Compare(it) => {
            let ([op], [right]) = (&it.ops[..], &it.comparators[..]) else {
                return None;
            };
            let left = evaluate(&it.left, name, value)?;
            let right = evaluate(right, name, value)?;
            compare(&left, *op, &right).map(Value::Bool)
        }
        Expr::Call(it) if it.arguments.keywords.is_empty() => {
            let [argument] = &it.arguments.args[..] else {
                return None;
            };
            let argument = evaluate(argument, name, value)?;
            match &*it.func {
                Expr::Name(it) if it.id.as_str() == "bool" => Some(Value::Bool(argument.is_true())),
                Expr::Name(it) if it.id.as_str() == "len" => {
                    (argument == Value::Empty).then_some(Value::Number(0))
                }
                _ => None,
            }
        }
        other => Value::of(other),
    }
}

fn compare(left: &Value, op: CmpOp, right: &Value) -> Option<bool> {
    let is_comparable = match (left, right) {
        (Value::None, _) | (_, Value::None) => true,
        _ => std::mem::discriminant(left) == std::mem::discriminant(right),
    };
    let numbers = match (left, right) {
        (Value::Number(left), Value::Number(right)) => Some((*left, *right)),
        _ => None,
    };
    match op {
        CmpOp::Is | CmpOp::Eq => is_comparable.then(|| left == right),
        CmpOp::IsNot | CmpOp::NotEq => is_comparable.then(|| left != right),
        CmpOp::Lt => numbers.map(|(left, right)| left < right),
        CmpOp::LtE => numbers.map(|(left, right)| left <= right),
        CmpOp::Gt => numbers.map(|(left, right)| left > right),
        CmpOp::GtE => numbers.map(|(left, right)| left >= right),
        CmpOp::In | CmpOp::NotIn => None,
    }
}
