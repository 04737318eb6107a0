//! Results of activities and workflows that are started by their name.
//!
//! The SDK goes by the annotations of what is named by a function or a class. Of what is named by a text it
//! knows nothing, so the converters leave the result as it is in JSON, unless `result_type` says what it is.

use lint_core::diagnostic::FileId;
use lint_core::facts::{ClassRef, FunctionRef};
use lint_core::knowledge::Role;
use lint_core::names::{Names, Resolved};
use lint_core::syntax::ast::{self, Expr, Stmt};

use super::fields::{Annotated, annotated};
use crate::model::Model;
use crate::program::{Node, Program, Running, own_nodes};
use crate::sites::{hides_keywords, keyword_value};

/// A call that starts something by its name, and says nothing of the type of its result.
#[derive(Clone, Copy)]
pub(super) struct ByName<'p> {
    pub(super) file: FileId,
    pub(super) call: &'p ast::ExprCall,
    /// What the result is according to the project.
    pub(super) gives: Option<Annotated>,
}

/// What starts something and gives its result to who awaits it.
const EXECUTES: &[&str] = &[
    "temporalio.workflow.execute_activity",
    "temporalio.workflow.execute_local_activity",
    "temporalio.workflow.execute_child_workflow",
    "temporalio.workflow.start_activity",
    "temporalio.workflow.start_local_activity",
];

const STARTS_CHILD: &str = "temporalio.workflow.start_child_workflow";

/// What gives the result of its first argument.
const WRAPS: &[&str] = &[
    "asyncio.create_task",
    "asyncio.ensure_future",
    "asyncio.shield",
    "asyncio.wait_for",
];

/// How far a result is followed to the call that gives it.
const MAX_HOPS: u32 = 12;

/// What an expression in a function is the result of, if that is started by its name.
pub(super) fn by_name<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    expr: &'p Expr,
) -> Option<ByName<'p>> {
    result(model, program, function, expr, MAX_HOPS)
}

fn result<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    expr: &'p Expr,
    hops: u32,
) -> Option<ByName<'p>> {
    let hops = hops.checked_sub(1)?;
    let FunctionRef { file, ix } = function;
    let names = model.names_in(file);
    let call = match expr {
        Expr::Await(it) => return awaited(model, program, function, &it.value, hops),
        Expr::Name(it) => {
            let value = own_value(names, function, it.id.as_str())?;
            return result(model, program, function, value, hops);
        }
        Expr::Call(it) => it,
        _ => return None,
    };
    // A cast converts nothing.
    let [class, value] = &*call.arguments.args else {
        return None;
    };
    let is_cast = names.resolve(file, ix, &call.func)?.external() == Some("typing.cast");
    let cast = result(model, program, function, value, hops).filter(|_| is_cast)?;
    Some(ByName {
        gives: annotated(model, file, ix, class),
        ..cast
    })
}

/// The same for what is awaited.
fn awaited<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    expr: &'p Expr,
    hops: u32,
) -> Option<ByName<'p>> {
    let hops = hops.checked_sub(1)?;
    let FunctionRef { file, ix } = function;
    let names = model.names_in(file);
    let call = match expr {
        Expr::Name(it) => {
            return match own_value(names, function, it.id.as_str())? {
                Expr::Await(it) => started(
                    model,
                    program,
                    function,
                    it.value.as_call_expr()?,
                    &[STARTS_CHILD],
                ),
                value => awaited(model, program, function, value, hops),
            };
        }
        Expr::Call(it) => it,
        _ => return None,
    };
    match names.resolve(file, ix, &call.func)? {
        Resolved::External(name) if WRAPS.contains(&name.as_str()) => {
            awaited(model, program, function, call.arguments.args.first()?, hops)
        }
        Resolved::External(_) => started(model, program, function, call, EXECUTES),
        Resolved::Function { file, ix } => {
            passed_on(model, program, FunctionRef { file, ix }, hops)
        }
        _ => None,
    }
}

/// What a variable of a function stands for, unless it is one of a function around it.
fn own_value<'p>(names: &Names<'p>, function: FunctionRef, name: &str) -> Option<&'p Expr> {
    let (owner, value) = names.local_value(function.file, function.ix, name)?;
    (owner == function.ix).then_some(value)
}

/// A coroutine of the project that returns nothing but such a result.
fn passed_on<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    hops: u32,
) -> Option<ByName<'p>> {
    let def = program
        .def(function)
        .filter(|it| it.is_async && it.decorator_list.is_empty())?;
    let returned = own_nodes(program.function(function)).filter_map(|node| match node {
        Node::Stmt(Stmt::Return(it)) => Some(it.value.as_deref()),
        _ => None,
    });
    let results: Option<Vec<ByName<'p>>> = returned
        .map(|it| result(model, program, function, it?, hops))
        .collect();
    let first = *results?.first()?;
    let said = def.returns.as_deref();
    let said =
        said.and_then(|it| annotated(model, function.file, program.function(function)?.parent, it));
    Some(ByName {
        gives: said.or(first.gives),
        ..first
    })
}

/// A call of one of these that names what it starts by a text.
fn started<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    call: &'p ast::ExprCall,
    starts: &[&str],
) -> Option<ByName<'p>> {
    let FunctionRef { file, ix } = function;
    let names = model.names_in(file);
    let callee = names.resolve(file, ix, &call.func)?;
    let callee = callee.external().filter(|it| starts.contains(it))?;
    let is_untyped = keyword_value(call, "result_type").is_none() && !hides_keywords(call);
    let target = call.arguments.args.first().filter(|_| is_untyped)?;
    let name = names.const_str(file, ix, target)?;
    let function = match callee.ends_with("child_workflow") {
        true => run_of(model, program, &name),
        false => match model.activity_named(&name, call, file) {
            Some(Resolved::Function { file, ix }) => Some(FunctionRef { file, ix }),
            _ => None,
        },
    };
    Some(ByName {
        file,
        call,
        gives: function.and_then(|it| returns(model, program, it)),
    })
}

/// The method that runs a workflow of the project, by the name of that.
fn run_of(model: &Model<'_>, program: Program<'_, '_>, name: &str) -> Option<FunctionRef> {
    let mut named = Running::all(program.facts).filter(|it| {
        let class = it.reach.class;
        class.and_then(|it| registered(model, it)).as_deref() == Some(name)
    });
    let running = named.next()?;
    let mut entries = running.entries_of(|role| role == Role::Run);
    Some(entries.next()?.1.function)
}

/// The name under which a class is registered that one decorator makes a workflow.
fn registered(model: &Model<'_>, it: ClassRef) -> Option<String> {
    let class = model.index(it.file)?.class(it.ix);
    let [decorator] = &class.node.decorator_list[..] else {
        return None;
    };
    let name = match &decorator.expression {
        Expr::Call(call) => keyword_value(call, "name"),
        _ => None,
    };
    match name {
        Some(name) => model
            .names_in(it.file)
            .const_str(it.file, class.parent, name),
        None => Some(class.node.name.to_string()),
    }
}

/// What a function is annotated to return.
fn returns(model: &Model<'_>, program: Program<'_, '_>, it: FunctionRef) -> Option<Annotated> {
    let returns = program.def(it)?.returns.as_deref()?;
    annotated(model, it.file, program.function(it)?.parent, returns)
}

/// Whether a dictionary has an attribute of this name.
pub(super) fn is_of_dictionaries(name: &str) -> bool {
    name.starts_with("__") || METHODS.contains(&name)
}

const METHODS: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];
