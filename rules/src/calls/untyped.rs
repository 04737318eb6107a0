//! Attributes of what arrives without a type: the converters leave it as it is in JSON.

use std::collections::BTreeMap;

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

use super::by_name::is_of_dictionaries;
use super::lacking::{SCHEDULES, is_looked_into};
use crate::model::Model;
use crate::program::{Node, Program, own_nodes, tried};
use crate::sites::{hides_keywords, keyword_value};

/// An attribute that nothing of JSON has.
pub(super) struct Untyped {
    pub(super) at: Span,
    pub(super) attribute: String,
    /// What it is, and why.
    pub(super) what: String,
    pub(super) help: String,
}

/// What an annotation lets the converter make of JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Any,
    Dictionary,
}

/// What is said of a variable, and the activity of which it is the result.
type Given = (Said, Option<String>);

/// The first such attribute of each variable of a function, which only messages run or also other code.
pub(super) fn untyped(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
    is_entry_alone: bool,
) -> Vec<Untyped> {
    let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
    let tried: Vec<Span> = nodes
        .iter()
        .flat_map(|it| tried(it, "AttributeError"))
        .collect();
    // What is said of each variable, unless nothing may be said of it.
    let mut known: BTreeMap<&str, Option<Given>> = BTreeMap::new();
    let mut found = Vec::new();
    for node in &nodes {
        let Node::Expr(Expr::Attribute(attribute)) = node else {
            continue;
        };
        let Some(name) = attribute.value.as_name_expr() else {
            continue;
        };
        let asked = name.id.as_str();
        let given = known.entry(asked).or_insert_with(|| {
            let parameter = parameter(model, program, function, asked).filter(|_| is_entry_alone);
            let given = match parameter {
                Some(said) => Some((said, None)),
                None => result(model, program, function, asked),
            };
            given.filter(|_| !is_looked_into(&nodes, name))
        });
        let Some((said, activity)) = given else {
            continue;
        };
        let at = span_of(attribute);
        let is_careful = || tried.iter().any(|it| it.contains(at));
        if lacks(*said, attribute.attr.as_str()) && attribute.ctx.is_load() && !is_careful() {
            found.push(made(attribute, asked, *said, activity.as_deref()));
            *given = None;
        }
    }
    found
}

fn made(
    attribute: &ast::ExprAttribute,
    asked: &str,
    said: Said,
    activity: Option<&str>,
) -> Untyped {
    let name = attribute.attr.as_str();
    let what = match (said, activity) {
        (Said::Dictionary, None) => format!("`{asked}` is a dictionary, which has no `{name}`"),
        (Said::Dictionary, Some(activity)) => {
            format!("`{asked}` is the dictionary that `{activity}` returns, which has no `{name}`")
        }
        (Said::Any, None) => format!(
            "`{asked}` is annotated with `Any`, so it is left as it is in JSON, where nothing has `{name}`"
        ),
        (Said::Nothing, None) => format!(
            "`{asked}` has no annotation, so it is left as it is in JSON, where nothing has `{name}`"
        ),
        (_, Some(activity)) => format!(
            "`{activity}` does not say what it returns, so `{asked}` is left as it is in JSON, where nothing has `{name}`"
        ),
    };
    let help = match activity {
        None => format!("annotate `{asked}` with the class that is sent"),
        Some(activity) => format!("annotate what `{activity}` returns"),
    };
    Untyped {
        at: span_of(attribute),
        attribute: name.to_owned(),
        what,
        help,
    }
}

/// What is said of a parameter that only the converter gives a value.
fn parameter(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
    name: &str,
) -> Option<Said> {
    let FunctionRef { file, ix } = function;
    let def = program.def(function)?;
    // A wrapper around a method gets other values than it names.
    program.function(function)?.class?;
    let mut own = def.parameters.iter_non_variadic_params();
    let parameter = own.find(|it| it.name().as_str() == name)?;
    // Who sends nothing gets the default.
    if parameter
        .default()
        .is_some_and(|it| !it.is_none_literal_expr())
    {
        return None;
    }
    let is_receiver = span_of(parameter) == first_of(def)?;
    let is_given = !is_receiver
        && def.decorator_list.len() == 1
        && !model.names_in(file).is_set_again(file, ix, name);
    let said = |it: &Expr| said(model, program, function, it);
    let annotation = parameter.annotation().filter(|_| is_given);
    match annotation {
        Some(it) => said(it),
        None => is_given.then_some(Said::Nothing),
    }
    .filter(|_| speaks_json(program, file))
}

fn first_of(def: &ast::StmtFunctionDef) -> Option<Span> {
    def.parameters
        .iter_non_variadic_params()
        .next()
        .map(span_of)
}

/// What is said of the result of an activity, which is named, if a variable is that and nothing else.
fn result(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
    name: &str,
) -> Option<(Said, Option<String>)> {
    let FunctionRef { file, ix } = function;
    let names = model.names_in(file);
    let values = names.local_values(file, ix, name)?;
    let [Expr::Await(it)] = values[..] else {
        return None;
    };
    let call = it.value.as_call_expr()?;
    let callee = names.resolve(file, ix, &call.func)?;
    let may_say = hides_keywords(call) || keyword_value(call, "result_type").is_some();
    if !SCHEDULES.contains(&callee.external()?) || may_say {
        return None;
    }
    let Resolved::Function { file, ix } = names.resolve(file, ix, call.arguments.args.first()?)?
    else {
        return None;
    };
    let activity = FunctionRef { file, ix };
    let def = program
        .def(activity)
        .filter(|it| it.decorator_list.len() == 1)?;
    let said = match def.returns.as_deref() {
        Some(it) => said(model, program, activity, it)?,
        None => Said::Nothing,
    };
    speaks_json(program, file).then(|| (said, Some(def.name.to_string())))
}

fn said(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
    annotation: &Expr,
) -> Option<Said> {
    let again = |it: &Expr| said(model, program, function, it);
    let parent = program.function(function)?.parent;
    let named = match annotation {
        Expr::BinOp(it) if it.right.is_none_literal_expr() => return again(&it.left),
        Expr::Subscript(it) => &*it.value,
        other => other,
    };
    let resolved = model
        .names_in(function.file)
        .resolve(function.file, parent, named)?;
    match (resolved.external()?, annotation) {
        ("dict" | "typing.Dict", _) => Some(Said::Dictionary),
        ("typing.Optional", Expr::Subscript(it)) => again(&it.slice),
        ("typing.Any", _) => Some(Said::Any),
        _ => None,
    }
}

/// Messages of protobuf arrive as what they are, whatever is said.
fn speaks_json(program: Program<'_, '_>, file: lint_core::diagnostic::FileId) -> bool {
    let text = program.facts.project.text(file);
    text.is_some_and(|it| !it.text.contains("_pb2") && !it.text.contains("protobuf"))
}

/// Whether no value that arrives has such an attribute.
fn lacks(said: Said, name: &str) -> bool {
    let is_dictionary = said == Said::Dictionary;
    !is_of_dictionaries(name) && (is_dictionary || ATTRIBUTES.binary_search(&name).is_err())
}

/// What lists, texts, numbers and bytes have, sorted.
#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "append", "as_integer_ratio", "bit_count", "bit_length", "capitalize", "casefold", "center",
    "clear", "conjugate", "copy", "count", "decode", "denominator", "encode", "endswith",
    "expandtabs", "extend", "find", "format", "format_map", "from_bytes", "fromhex", "fromkeys",
    "get", "hex", "imag", "index", "insert", "is_integer", "isalnum", "isalpha", "isascii",
    "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable", "isspace",
    "istitle", "isupper", "items", "join", "keys", "ljust", "lower", "lstrip", "maketrans",
    "numerator", "partition", "pop", "popitem", "real", "remove", "removeprefix", "removesuffix",
    "replace", "reverse", "rfind", "rindex", "rjust", "rpartition", "rsplit", "rstrip",
    "setdefault", "sort", "split", "splitlines", "startswith", "strip", "swapcase", "title",
    "to_bytes", "translate", "update", "upper", "values", "zfill",
];
