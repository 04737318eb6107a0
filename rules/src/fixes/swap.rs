//! Calls for which the workflow API has one of its own.

use std::collections::BTreeSet;

use lint_core::diagnostic::{Applicability, Edit, FileId, Fix, Span};
use lint_core::facts::{Elements, Facade};
use lint_core::index::{ClassIx, MODULE_BODY};
use lint_core::names::{Base, Resolved};
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::asynchronous::waiting;
use super::imports::Wanted;
use super::site::{Bind, Site, joined};
use crate::hazard::Case;
use crate::program::{Node, nodes_of, own_nodes};
use crate::rule::Context;

use Applicability::{Safe, Unsafe};

/// The functions of `random` that are methods of a generator, too.
const OF_GENERATORS: &[&str] = &[
    "betavariate",
    "binomialvariate",
    "choice",
    "choices",
    "expovariate",
    "gammavariate",
    "gauss",
    "getrandbits",
    "lognormvariate",
    "normalvariate",
    "paretovariate",
    "randbytes",
    "randint",
    "random",
    "randrange",
    "sample",
    "shuffle",
    "triangular",
    "uniform",
    "vonmisesvariate",
    "weibullvariate",
];

fn replaced(
    site: &Site<'_, '_>,
    (title, applicability): (String, Applicability),
    (span, code): (Span, String),
    bound: Bind,
) -> Fix {
    let edit = site.edit(span, code);
    let edits: Vec<Edit> = bound.edit.into_iter().chain([edit]).collect();
    Fix::new(title, applicability, edits)
}

/// The site, unless the workflow is a runbook: its facade has less than Temporal's API.
fn temporal<'c, 'p>(cx: &'c Context<'p>, case: &Case<'_, '_>) -> Option<Site<'c, 'p>> {
    let facade = case.workflow().facade;
    (facade == Facade::Temporal)
        .then(|| Site::of(cx, case.hazard, facade))
        .flatten()
}

pub(crate) fn uuid(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = temporal(cx, case)?;
    let (call, callee) = site.call()?;
    if callee != "uuid.uuid4" || !call.arguments.is_empty() {
        return None;
    }
    let api = site.api()?;
    let code = format!("{}.uuid4()", api.name);
    let what = (format!("replace it with `{code}`"), Safe);
    Some(replaced(&site, what, (span_of(call), code), api))
}

pub(crate) fn randomness(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = temporal(cx, case)?;
    let (call, callee) = site.call()?;
    let method = callee.strip_prefix("random.")?;
    if !OF_GENERATORS.contains(&method) {
        return None;
    }
    let api = site.api()?;
    let code = format!("{}.random().{method}", api.name);
    let what = (format!("replace it with `{code}()`"), Safe);
    Some(replaced(&site, what, (span_of(&*call.func), code), api))
}

pub(crate) fn asyncio(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = temporal(cx, case)?;
    let (call, callee) = site.call()?;
    let is_plain_loop = || matches!(site.statement, Stmt::For(it) if !it.is_async && span_of(&*it.iter) == span_of(call));
    let (method, applicability, caution) = match callee.as_str() {
        "asyncio.wait" if needs_sets(&site) => return None,
        "asyncio.wait" => ("wait", Unsafe, ": it gives lists instead of sets"),
        "asyncio.as_completed" if is_plain_loop() => ("as_completed", Safe, ""),
        _ => return None,
    };
    let api = site.api()?;
    let code = format!("{}.{method}", api.name);
    let what = (
        format!("replace it with `{code}()`{caution}"),
        applicability,
    );
    Some(replaced(&site, what, (span_of(&*call.func), code), api))
}

/// Whether the function does with what the statement of the site sets what only sets can.
fn needs_sets(site: &Site<'_, '_>) -> bool {
    const OF_SETS: &[&str] = &[
        "add",
        "difference",
        "difference_update",
        "discard",
        "intersection",
        "intersection_update",
        "isdisjoint",
        "issubset",
        "issuperset",
        "symmetric_difference",
        "symmetric_difference_update",
        "union",
        "update",
    ];
    let Stmt::Assign(assign) = site.statement else {
        return false;
    };
    let names = assign.targets.iter().flat_map(|it| match it {
        Expr::Tuple(it) => it.elts.iter(),
        only => std::slice::from_ref(only).iter(),
    });
    let names: Vec<&str> = names
        .filter_map(|it| Some(it.as_name_expr()?.id.as_str()))
        .collect();
    let is_one = |it: &Expr| {
        it.as_name_expr()
            .is_some_and(|it| names.contains(&it.id.as_str()))
    };
    let function = site.module.index().function(site.function);
    own_nodes(Some(function)).any(|node| match node {
        Node::Expr(Expr::Attribute(it)) => OF_SETS.contains(&it.attr.as_str()) && is_one(&it.value),
        Node::Expr(Expr::BinOp(it)) => is_one(&it.left) || is_one(&it.right),
        Node::Stmt(Stmt::AugAssign(it)) => is_one(&it.target) || is_one(&it.value),
        _ => false,
    })
}

/// `time.sleep()` becomes a timer. In a function outside of workflows `asyncio.sleep()` is right, too.
pub(crate) fn sleep(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let place = match case.hazard.trace.last() {
        _ if case.hazard.read_only => return None,
        Some(step) => step.place,
        None => case.hazard.place,
    };
    let site = Site::at(cx, place, case.workflow().facade)?;
    let (call, callee) = site.call()?;
    let is_one = call.arguments.args.len() == 1 && call.arguments.keywords.is_empty();
    if callee != "time.sleep" || !is_one {
        return None;
    }
    let waits = waiting(cx, &site)?;
    let asyncio = site.bind(Wanted {
        module: "asyncio",
        name: None,
    })?;
    let seconds = site.text(&call.arguments.args[0]);
    let code = format!("{}.sleep({seconds})", asyncio.name);
    let code = site.awaited(&code, site.around.last().copied());
    let caution = waits.caution;
    let title =
        format!("wait with a timer{caution}: open executions do not have it in their history");
    let mut edits = waits.edits;
    edits.push(site.edit(span_of(call), code));
    edits.extend(asyncio.edit);
    Some(Fix::new(title, Unsafe, joined(edits)))
}

/// What is printed or logged goes to the logger of the workflow.
pub(crate) fn logger(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    const METHODS: &[&str] = &[
        "critical",
        "debug",
        "error",
        "exception",
        "info",
        "log",
        "warning",
    ];
    let site = Site::of(cx, case.hazard, case.workflow().facade)?;
    let Expr::Call(call) = site.expr else {
        return None;
    };
    let title = |name: &str| format!("write to `{name}.logger`, which is silent in replays");
    if site.external(&call.func).as_deref() == Some("print") {
        let messages = &call.arguments.args;
        let is_statement = matches!(site.statement, Stmt::Expr(it) if span_of(it) == span_of(call));
        let is_plain =
            call.arguments.keywords.is_empty() && !messages.iter().any(Expr::is_starred_expr);
        if messages.is_empty() || !is_plain || !is_statement {
            return None;
        }
        let api = site.api()?;
        let mut code = format!("{}.logger.info", api.name);
        let mut span = span_of(&*call.func);
        if messages.len() > 1 {
            let format = vec!["%s"; messages.len()].join(" ");
            code.push_str(&format!("(\"{format}\", "));
            span.end = span_of(&messages[0]).start;
        }
        let what = (title(&api.name), Unsafe);
        return Some(replaced(&site, what, (span, code), api));
    }
    let Expr::Attribute(method) = &*call.func else {
        return None;
    };
    let culprit = &case.hazard.culprit;
    // The message of loguru is formatted in another way, unless it is all there is.
    let is_alone = call.arguments.args.len() == 1 && call.arguments.keywords.is_empty();
    let is_logger =
        culprit.starts_with("logging.") || culprit.starts_with("loguru.logger.") && is_alone;
    if !is_logger || !METHODS.contains(&method.attr.as_str()) {
        return None;
    }
    let api = site.api()?;
    let code = format!("{}.logger", api.name);
    let what = (title(&api.name), Unsafe);
    Some(replaced(&site, what, (span_of(&*method.value), code), api))
}

/// A set in an order of its own.
pub(crate) fn sorted(cx: &Context<'_>, case: &Case<'_, '_>, elements: Elements) -> Option<Fix> {
    if elements == Elements::Address {
        return None;
    }
    let site = Site::of(cx, case.hazard, case.workflow().facade)?;
    if site.names.is_bound(site.file, site.function, "sorted") != lint_core::names::Bound::No {
        return None;
    }
    if let Some((list, set)) = as_list(&site) {
        let (applicability, caution) = comparable(cx, &site, set)?;
        let title = format!("use `sorted()`{caution}");
        let edits = vec![site.edit(span_of(list), "sorted")];
        return Some(Fix::new(title, applicability, edits));
    }
    let set = the_set(&site, &case.hazard.written)?;
    // Something else may be handed over that only holds a set.
    if !is_set(&site, set) && !is_iterated(&site, set) {
        return None;
    }
    let (applicability, caution) = comparable(cx, &site, set)?;
    let code = format!("sorted({})", site.text(set));
    let title = format!("use `sorted()`{caution}");
    let edits = vec![site.edit(span_of(set), code)];
    Some(Fix::new(title, applicability, edits))
}

/// How sure it is that the elements of a set can be compared; `None` if some surely cannot.
fn comparable(
    cx: &Context<'_>,
    site: &Site<'_, '_>,
    set: &Expr,
) -> Option<(Applicability, &'static str)> {
    if has_one_kind(set) {
        return Some((Safe, ""));
    }
    let elements = written(site, set);
    let kinds: BTreeSet<&str> = elements.iter().filter_map(|it| kind(it)).collect();
    let fails = kinds.len() > 1
        || elements.len() > 1 && kinds.contains("None")
        || elements.iter().any(|it| is_without_order(cx, site, it));
    (!fails).then_some((Unsafe, ": its elements have to be comparable"))
}

/// The elements of a set that is written out, here or where the only value of a variable stands.
fn written<'p>(site: &Site<'_, 'p>, set: &'p Expr) -> &'p [Expr] {
    let set = match (set, site.resolve(set)) {
        (_, Some(Resolved::Variable { file, name })) => site.names.value(file, &name),
        (Expr::Name(name), _) => {
            let value = site
                .names
                .local_value(site.file, site.function, name.id.as_str());
            value.map(|(_, value)| value)
        }
        _ => Some(set),
    };
    match set {
        Some(Expr::Set(it)) => &it.elts,
        Some(Expr::Call(call)) if is_set(site, &Expr::Call(call.clone())) => {
            match &call.arguments.args[..] {
                [Expr::List(it)] => &it.elts,
                [Expr::Tuple(it)] => &it.elts,
                _ => &[],
            }
        }
        _ => &[],
    }
}

/// What an element is compared with others of.
fn kind(element: &Expr) -> Option<&'static str> {
    Some(match element {
        Expr::StringLiteral(_) | Expr::FString(_) => "str",
        Expr::BytesLiteral(_) => "bytes",
        Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) => "number",
        Expr::NoneLiteral(_) => "None",
        Expr::Tuple(_) => "tuple",
        _ => return None,
    })
}

/// Whether an element is a member of an enumeration, or an instance, of a class without `<`.
fn is_without_order(cx: &Context<'_>, site: &Site<'_, '_>, element: &Expr) -> bool {
    let class = match element {
        Expr::Attribute(it) => &*it.value,
        Expr::Call(it) => &*it.func,
        _ => return false,
    };
    let Some(Resolved::Class { file, ix }) = site.resolve(class) else {
        return false;
    };
    let is_instance = element.is_call_expr();
    let itself = Base::Class { file, ix };
    let mut bases = site.names.bases(file, ix);
    bases.retain(|it| *it != itself);
    let is_plain = |it: &Base| match it {
        Base::External(name) => match is_instance {
            true => name == "object",
            false => name == "enum.Enum" || name == "enum.Flag",
        },
        Base::Class { .. } | Base::Unknown => false,
    };
    let plain = bases.iter().all(is_plain) && (is_instance || !bases.is_empty());
    plain && !site.names.binds_in_class(file, ix, "__lt__") && !is_ordered(cx, file, ix)
}

/// Whether a decorator may give a class its `<`.
fn is_ordered(cx: &Context<'_>, file: FileId, ix: ClassIx) -> bool {
    let Some(module) = cx.facts.project.module(file) else {
        return true;
    };
    let decorators = &module.index().class(ix).node.decorator_list;
    decorators.iter().any(|it| {
        let (name, has_order) = match &it.expression {
            Expr::Call(call) => (&*call.func, call.arguments.find_keyword("order").is_some()),
            name => (name, false),
        };
        let name = cx.names().resolve(file, MODULE_BODY, name);
        let name = name.as_ref().and_then(Resolved::external);
        has_order || !matches!(name, Some("dataclasses.dataclass" | "enum.unique"))
    })
}

/// The function and the argument of `list(names)`, which `sorted(names)` gives in order.
fn as_list<'p>(site: &Site<'_, 'p>) -> Option<(&'p Expr, &'p Expr)> {
    let (call, callee) = site.call()?;
    match (&call.arguments.args[..], &call.arguments.keywords[..]) {
        ([set], []) if callee == "list" && !set.is_starred_expr() => Some((&call.func, set)),
        _ => None,
    }
}

/// The expression of the set at the site, as it is written, if it is the only one.
fn the_set<'p>(site: &Site<'_, 'p>, written: &str) -> Option<&'p Expr> {
    struct Sets<'p, 'w> {
        text: &'p str,
        written: &'w str,
        found: Vec<&'p Expr>,
        is_fixed: bool,
    }
    impl<'p> Visitor<'p> for Sets<'p, '_> {
        fn visit_expr(&mut self, expression: &'p Expr) {
            // What a method or an operator takes is no longer a set when it is sorted.
            let outer = self.is_fixed;
            let span = span_of(expression);
            let text = &self.text[span.start as usize..span.end as usize];
            let shown = match expression {
                Expr::Call(call) => {
                    let func = span_of(&*call.func);
                    format!("{}()", &self.text[func.start as usize..func.end as usize])
                }
                _ => text.to_owned(),
            };
            if !outer && shown == self.written {
                self.found.push(expression);
                return;
            }
            self.is_fixed = matches!(
                expression,
                Expr::Attribute(_) | Expr::BinOp(_) | Expr::Compare(_) | Expr::Subscript(_)
            );
            walk_expr(self, expression);
            self.is_fixed = outer;
        }
    }
    let mut sets = Sets {
        text: &site.source.text,
        written,
        found: Vec::new(),
        is_fixed: matches!(
            site.around.last(),
            Some(Expr::Attribute(_) | Expr::BinOp(_) | Expr::Compare(_) | Expr::Subscript(_))
        ),
    };
    sets.visit_expr(site.expr);
    match sets.found[..] {
        [set] => Some(set),
        _ => None,
    }
}

/// Whether an expression can be nothing but a set.
fn is_set(site: &Site<'_, '_>, expr: &Expr) -> bool {
    match expr {
        Expr::Set(_) | Expr::SetComp(_) => true,
        Expr::Call(call) => {
            let name = site.external(&call.func);
            matches!(name.as_deref(), Some("set" | "frozenset"))
        }
        _ => false,
    }
}

/// Whether the code goes through the elements right there.
fn is_iterated(site: &Site<'_, '_>, set: &Expr) -> bool {
    const GO_THROUGH: &[&str] = &[
        "enumerate",
        "filter",
        "iter",
        "list",
        "map",
        "next",
        "reversed",
        "tuple",
        "zip",
    ];
    let is_it = |it: &Expr| span_of(it) == span_of(set);
    let in_generators = |it: &[ast::Comprehension]| it.iter().any(|it| is_it(&it.iter));
    let goes_through = |node: &Node<'_>| match node {
        Node::Stmt(Stmt::For(it)) => is_it(&it.iter),
        Node::Expr(Expr::Call(it)) => {
            let name = site.external(&it.func);
            let goes = name.is_some_and(|it| GO_THROUGH.contains(&it.as_str()));
            let joins = matches!(&*it.func, Expr::Attribute(it) if it.attr.as_str() == "join");
            (goes || joins) && it.arguments.args.iter().any(is_it)
        }
        Node::Expr(Expr::ListComp(it)) => in_generators(&it.generators),
        Node::Expr(Expr::Generator(it)) => in_generators(&it.generators),
        Node::Expr(Expr::DictComp(it)) => in_generators(&it.generators),
        Node::Expr(Expr::Starred(it)) => is_it(&it.value),
        _ => false,
    };
    nodes_of(std::slice::from_ref(site.statement))
        .iter()
        .any(goes_through)
}

/// Whether the set is written out, with elements that have an order among each other.
fn has_one_kind(set: &Expr) -> bool {
    let Expr::Set(ast::ExprSet { elts, .. }) = set else {
        return false;
    };
    elts.iter().all(Expr::is_string_literal_expr) || elts.iter().all(Expr::is_number_literal_expr)
}
