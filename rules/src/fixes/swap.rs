//! Calls for which the workflow API has one of its own.

use lint_core::diagnostic::{Applicability, Edit, Fix, Span};
use lint_core::facts::{Elements, Facade};
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::asynchronous::waiting;
use super::imports::Wanted;
use super::site::{Bind, Site, joined};
use crate::hazard::Case;
use crate::program::{Node, nodes_of};
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
        let (applicability, caution) = comparable(set);
        let title = format!("use `sorted()`{caution}");
        let edits = vec![site.edit(span_of(list), "sorted")];
        return Some(Fix::new(title, applicability, edits));
    }
    let set = the_set(&site, &case.hazard.written)?;
    // Something else may be handed over that only holds a set.
    if !is_set(&site, set) && !is_iterated(&site, set) {
        return None;
    }
    let (applicability, caution) = comparable(set);
    let code = format!("sorted({})", site.text(set));
    let title = format!("use `sorted()`{caution}");
    let edits = vec![site.edit(span_of(set), code)];
    Some(Fix::new(title, applicability, edits))
}

fn comparable(set: &Expr) -> (Applicability, &'static str) {
    match has_one_kind(set) {
        true => (Safe, ""),
        false => (Unsafe, ": its elements have to be comparable"),
    }
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
